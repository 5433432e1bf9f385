"""Plain values: what columns give, what columns take, and that nothing is lost on the way."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.mapped_values import (
    ColumnType,
    PropertyType,
    Span,
    Unfit,
    Value,
    from_column,
    from_json,
    key_text,
    shown,
    to_column,
    to_json,
    values_hash,
)

P = PropertyType
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")


def a_range(lower: Any, upper: Any, *, upper_inc: bool = False) -> Any:
    """A range as a database driver gives it."""
    return SimpleNamespace(lower=lower, upper=upper, upper_inc=upper_inc)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (P.TITLE, "Ada", "Ada"),
        (P.TITLE, "", None),
        (P.TITLE, None, None),
        (P.RICH_TEXT, 7, "7"),
        (P.RICH_TEXT, 7.0, "7"),
        (P.RICH_TEXT, Decimal("7.50"), "7.5"),
        (P.RICH_TEXT, Decimal("1E+3"), "1000"),
        (P.RICH_TEXT, True, "true"),
        (P.RICH_TEXT, {"a": [1]}, '{"a": [1]}'),
        (P.RICH_TEXT, UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (P.SELECT, "High", "High"),
        (P.NUMBER, Decimal("10.00"), 10),
        (P.NUMBER, 0.1, 0.1),
        (P.NUMBER, " 1e3 ", 1000),
        (P.NUMBER, "", None),
        (P.NUMBER, True, 1),
        (P.CHECKBOX, None, False),
        (P.CHECKBOX, 1, True),
        (P.CHECKBOX, "Off", False),
        (P.DATE, date(2026, 1, 2), Span(date(2026, 1, 2))),
        (P.DATE, "2026-01-02", Span(date(2026, 1, 2))),
        (P.DATE, NOON, Span(NOON)),
        (P.DATE, "2026-11-20T13:00:00.5+01:00", Span(NOON)),
        (P.DATE, "2026-01-02/2026-01-03", Span(date(2026, 1, 2), date(2026, 1, 3))),
        (P.DATE, a_range(date(2026, 1, 2), date(2026, 1, 4)), Span(date(2026, 1, 2), date(2026, 1, 3))),
        (P.DATE, a_range(NOON, None), Span(NOON)),
        (P.DATE, "", None),
        (P.MULTI_SELECT, ["b", "a", "b", None], ("b", "a")),
        (P.MULTI_SELECT, '["x"]', ("x",)),
        (P.MULTI_SELECT, "x", ("x",)),
        (P.MULTI_SELECT, [], None),
        (P.RELATION, 12, ("12",)),
        (P.RELATION, None, None),
        (P.PEOPLE, " Ada@Example.com ", ("ada@example.com",)),
        (P.FILES, "https://a/b.pdf", ("https://a/b.pdf",)),
    ],
)
def test_what_a_column_gives_has_one_plain_form(kind: PropertyType, raw: Any, value: Value) -> None:
    found = from_column(kind, raw)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "raw", "said"),
    [
        (P.NUMBER, "ten", "'ten' is not a number"),
        (P.NUMBER, float("nan"), "nan is not a number"),
        (P.NUMBER, Decimal("Infinity"), "is not a number"),
        (P.NUMBER, [1], "is not a number"),
        (P.CHECKBOX, 2, "2 is not true or false"),
        (P.CHECKBOX, "perhaps", "is not true or false"),
        (P.DATE, "yesterday", "'yesterday' is not a date in ISO 8601"),
        (P.DATE, 5, "5 is not a date"),
        (P.DATE, time(12), "is not a date"),
        (P.TITLE, b"\0", "it is binary"),
        (P.MULTI_SELECT, "[broken", "is not a list"),
    ],
)
def test_what_cannot_be_is_one_sentence(kind: PropertyType, raw: Any, said: str) -> None:
    with pytest.raises(Unfit) as caught:
        from_column(kind, raw)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 150


def test_a_time_without_a_zone_has_the_zone_of_the_mapping() -> None:
    naive = datetime(2026, 7, 1, 12)  # noqa: DTZ001  that is the point
    assert from_column(P.DATE, naive, zone=PARIS) == Span(datetime(2026, 7, 1, 10, tzinfo=UTC))
    assert to_column(ColumnType.TIME, Span(datetime(2026, 7, 1, 10, tzinfo=UTC)), zone=PARIS) == naive


@pytest.mark.parametrize(
    ("kind", "value", "raw"),
    [
        (ColumnType.TEXT, None, None),
        (ColumnType.TEXT, 10, "10"),
        (ColumnType.TEXT, True, "true"),
        (ColumnType.TEXT, ("a",), "a"),
        (ColumnType.TEXT, ("a", "b"), '["a", "b"]'),
        (ColumnType.TEXT, Span(date(2026, 1, 2), date(2026, 1, 3)), "2026-01-02/2026-01-03"),
        (ColumnType.TEXT, Span(NOON), "2026-11-20T12:00:00Z"),
        (ColumnType.INTEGER, 3.0, 3),
        (ColumnType.INTEGER, "12", 12),
        (ColumnType.INTEGER, ("12",), 12),
        (ColumnType.NUMERIC, 0.1, Decimal("0.1")),
        (ColumnType.FLOAT, 1, 1.0),
        (ColumnType.BOOLEAN, False, False),
        (ColumnType.DATE, Span(NOON), date(2026, 11, 20)),
        (ColumnType.ZONED_TIME, Span(date(2026, 1, 2)), datetime(2026, 1, 2, tzinfo=UTC)),
        (ColumnType.LIST, ("a", "b"), ["a", "b"]),
        (ColumnType.LIST, "a", ["a"]),
        (ColumnType.JSON, ("a", "b"), '["a", "b"]'),
        (ColumnType.JSON, 1.5, "1.5"),
        (ColumnType.ANY, 1.5, 1.5),
        (ColumnType.UUID, "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_a_column_takes_the_plain_form(kind: ColumnType, value: Value, raw: Any) -> None:
    found = to_column(kind, value)
    assert found == raw
    assert type(found) is type(raw)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnType.INTEGER, 1.5),
        (ColumnType.INTEGER, "x"),
        (ColumnType.INTEGER, ("1", "2")),
        (ColumnType.INTEGER, Span(NOON)),
        (ColumnType.DATE, Span(date(2026, 1, 2), date(2026, 1, 3))),
        (ColumnType.DATE, "soon"),
        (ColumnType.BOOLEAN, "perhaps"),
        (ColumnType.BYTES, "a"),
        (ColumnType.OTHER, "a"),
    ],
)
def test_a_column_refuses_what_it_cannot_hold(kind: ColumnType, value: Value) -> None:
    with pytest.raises(Unfit):
        to_column(kind, value)


words = st.text(min_size=1, max_size=8)
moments = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001  Hypothesis wants it so
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001  as above
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=0))
days = st.dates()
values: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    words,
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.builds(Span, days, st.none() | days),
    st.builds(Span, moments, st.none() | moments),
    st.lists(words, min_size=1, unique=True).map(tuple),
)


@given(values)
def test_json_brings_every_value_back(value: Value) -> None:
    assert from_json(to_json(value)) == value


@given(st.lists(words, min_size=1, unique=True), st.randoms())
def test_the_hash_knows_no_order_of_options(options: list[str], random: Any) -> None:
    shuffled = list(options)
    random.shuffle(shuffled)
    assert values_hash({"a": tuple(options)}) == values_hash({"a": tuple(shuffled)})


@given(st.booleans() | st.integers(-3, 3), st.booleans() | st.integers(-3, 3))
def test_the_hash_tells_a_box_from_a_number(one: Value, other: Value) -> None:
    same = values_hash({"a": one}) == values_hash({"a": other})
    assert same == (type(one) is type(other) and one == other)


ROUND_TRIPS: list[tuple[PropertyType, ColumnType, st.SearchStrategy[Any]]] = [
    (P.RICH_TEXT, ColumnType.TEXT, words),
    (P.NUMBER, ColumnType.NUMERIC, st.floats(-1e15, 1e15) | st.integers(-(2**53), 2**53)),
    (P.NUMBER, ColumnType.FLOAT, st.floats(-1e15, 1e15)),
    (P.NUMBER, ColumnType.INTEGER, st.integers(-(2**53), 2**53)),
    (P.CHECKBOX, ColumnType.BOOLEAN, st.booleans()),
    (P.DATE, ColumnType.DATE, st.builds(Span, days)),
    (P.DATE, ColumnType.ZONED_TIME, st.builds(Span, moments)),
    (P.DATE, ColumnType.TIME, st.builds(Span, moments)),
    (P.DATE, ColumnType.TEXT, st.builds(Span, days, st.none() | days)),
    (P.DATE, ColumnType.TEXT, st.builds(Span, moments, st.none() | moments)),
    (P.MULTI_SELECT, ColumnType.LIST, st.lists(words, min_size=1, unique=True).map(tuple)),
    (P.MULTI_SELECT, ColumnType.JSON, st.lists(words, min_size=1, unique=True).map(tuple)),
    (
        P.MULTI_SELECT,
        ColumnType.TEXT,
        st.lists(words | words.map("[{}".format), min_size=1, unique=True).map(tuple),
    ),
]


@pytest.mark.parametrize(("kind", "column", "these"), ROUND_TRIPS)
@given(data=st.data())
def test_a_fitting_column_brings_every_value_back(
    kind: PropertyType, column: ColumnType, these: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    value = from_column(kind, data.draw(these)) if kind is P.NUMBER else data.draw(these)
    assert from_column(kind, to_column(column, value)) == value


def test_a_moment_is_the_same_whatever_zone_it_was_written_in() -> None:
    shifted = NOON.astimezone(timezone(timedelta(hours=5)))
    assert from_column(P.DATE, shifted) == from_column(P.DATE, NOON)


@pytest.mark.parametrize(
    ("raw", "text"), [(None, None), ("", None), (7, "7"), (Decimal("7.0"), "7"), ("a", "a")]
)
def test_a_key_is_a_text(raw: Any, text: str | None) -> None:
    assert key_text(raw) == text


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, ""),
        (True, "yes"),
        (("a", "b"), "a, b"),
        (Span(date(2026, 1, 2)), "2026-01-02"),
        (Span(date(2026, 1, 2), date(2026, 1, 3)), "2026-01-02 to 2026-01-03"),
        (1.5, "1.5"),
    ],
)
def test_a_value_is_shown_on_one_line(value: Value, line: str) -> None:
    assert shown(value) == line
