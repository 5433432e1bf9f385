from typing import Any

import pytest

from notion_emulator.computed import FUNCTIONS, aggregate

NUMBERS = [1, None, 4, 4]
CHECKS = [True, False, False, False]
DATES = [
    {"start": "2026-01-02", "end": None, "time_zone": None},
    None,
    {"start": "2026-03-04T05:06:00.000+00:00", "end": None, "time_zone": None},
]
NAMES = [[{"name": "a"}, {"name": "b"}], []]


def number(value: float | None) -> Any:
    return {"type": "number", "number": value}


def date(start: str | None, end: str | None = None) -> Any:
    return {"type": "date", "date": {"start": start, "end": end, "time_zone": None} if start else None}


CASES: dict[str, tuple[str, list[Any], Any]] = {
    "count": ("number", NUMBERS, number(4)),
    "count_values": ("multi_select", NAMES, number(2)),
    "empty": ("number", NUMBERS, number(1)),
    "not_empty": ("number", NUMBERS, number(3)),
    "percent_empty": ("number", NUMBERS, number(0.25)),
    "percent_not_empty": ("number", NUMBERS, number(0.75)),
    "sum": ("number", NUMBERS, number(9)),
    "average": ("number", NUMBERS, number(3)),
    "min": ("number", NUMBERS, number(1)),
    "max": ("number", NUMBERS, number(4)),
    "range": ("number", NUMBERS, number(3)),
    "earliest_date": ("date", DATES, date("2026-01-02")),
    "latest_date": ("date", DATES, date("2026-03-04T05:06:00.000+00:00")),
    "date_range": ("date", DATES, date("2026-01-02", "2026-03-04T05:06:00.000+00:00")),
    "checked": ("checkbox", CHECKS, number(1)),
    "unchecked": ("checkbox", CHECKS, number(3)),
    "percent_checked": ("checkbox", CHECKS, number(0.25)),
    "percent_unchecked": ("checkbox", CHECKS, number(0.75)),
    "show_original": ("number", [1, None], {"type": "array", "array": [{"type": "number", "number": 1}, {"type": "number", "number": None}]}),
}  # fmt: skip


@pytest.mark.parametrize("function", CASES)
def test_each_rollup_function_gives_its_result(function: str) -> None:
    kind, values, expected = CASES[function]
    assert aggregate(function, kind, values) == expected


def test_every_function_is_tried_above() -> None:
    assert set(CASES) == set(FUNCTIONS)


@pytest.mark.parametrize(
    "function", ["median", "unique", "show_unique", "count_per_group", "percent_per_group"]
)
def test_what_the_api_does_not_compute_is_unsupported(function: str) -> None:
    assert aggregate(function, "number", NUMBERS) == {"type": "unsupported", "unsupported": {}}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("sum", number(0)),
        ("average", number(None)),
        ("percent_empty", number(None)),
        ("latest_date", date(None)),
    ],
)
def test_a_rollup_over_nothing_has_a_value_too(function: str, expected: Any) -> None:
    assert aggregate(function, "number", []) == expected
