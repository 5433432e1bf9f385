"""How rows are asked for, and in which windows Notion's cap is passed."""

from typing import Any

import pytest

from syncline.core.model import Json, Kind, Record
from syncline.sources.base import Listed
from syncline.sources.notion_rows import row_query, rows, windowed

MINUTE, LATER = "2026-11-20T12:00:00.000Z", "2026-11-20T12:01:00.000Z"
CAPPED = "query_result_limit_reached"


def listing(**window: Any) -> Any:
    schema = {"Name": {"type": "title"}, "No": {"type": "unique_id"}} if window.pop("numbered", False) else {}
    one = rows(Record(Kind.DATA_SOURCE, "d", "data_sources", {"properties": schema}, hash=""))
    return type(one)(one.name, {**one.window, **window})


def row(created: str, number: int = 1) -> Json:
    return {"created_time": created, "properties": {"No": {"unique_id": {"number": number}}}}


OLDEST_FIRST = [{"timestamp": "created_time", "direction": "ascending"}]


@pytest.mark.parametrize(
    ("window", "query"),
    [
        ({}, {"sorts": OLDEST_FIRST}),
        (
            {"from": MINUTE},
            {
                "sorts": OLDEST_FIRST,
                "filter": {"timestamp": "created_time", "created_time": {"on_or_after": MINUTE}},
            },
        ),
        (
            {"from": MINUTE, "past": True},
            {
                "sorts": OLDEST_FIRST,
                "filter": {"timestamp": "created_time", "created_time": {"after": MINUTE}},
            },
        ),
        (
            {"by": "No", "from": 7},
            {
                "sorts": [{"property": "No", "direction": "ascending"}],
                "filter": {"property": "No", "unique_id": {"greater_than_or_equal_to": 7}},
            },
        ),
        (
            {"of": "edited", "since": MINUTE},
            {
                "sorts": [{"timestamp": "last_edited_time", "direction": "descending"}],
                "filter": {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": MINUTE}},
            },
        ),
    ],
)
def test_a_window_is_a_query(window: dict[str, Any], query: dict[str, Any]) -> None:
    assert row_query(listing(**window).window) == query


@pytest.mark.parametrize(
    ("window", "last", "name", "start"),
    [
        ({}, row(MINUTE), f"rows:d:{MINUTE}", {"from": MINUTE, "past": False}),
        ({"from": MINUTE}, row(LATER), f"rows:d:{LATER}", {"from": LATER, "past": False}),
        ({"from": MINUTE, "numbered": True}, row(MINUTE), "rows:d:number:0", {"by": "No", "from": 0}),
        ({"by": "No", "from": 0}, row(MINUTE, 40), "rows:d:number:40", {"from": 40}),
    ],
)
def test_the_cap_is_passed_in_the_next_window(
    window: dict[str, Any], last: Json, name: str, start: dict[str, Any]
) -> None:
    one = listing(**window)
    told = windowed(one, Listed(records=(), size=1), [last], CAPPED)
    assert told.gap is None
    assert [(each.name, each.window) for each in told.follow] == [(name, {**one.window, **start})]


def test_too_many_rows_of_one_minute_without_a_number_are_a_gap_that_is_passed() -> None:
    told = windowed(listing(**{"from": MINUTE}), Listed(records=(), size=1), [row(MINUTE)], CAPPED)
    assert told.gap is not None
    assert [each.window["past"] for each in told.follow] == [True]


def test_a_listing_that_has_no_windows_has_a_gap() -> None:
    told = windowed(listing(of="search"), Listed(records=(), size=1), [row(MINUTE)], CAPPED)
    assert told.follow == ()
    assert told.gap is not None
    assert CAPPED in told.gap
