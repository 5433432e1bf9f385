"""Notion's values in the plain forms of a mapping, and back."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.canonical import same
from syncline.core.mapped_values import PropertyType, Span, Unfit, Value
from syncline.destinations.property_values import payload, value

T = PropertyType
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAGES = {"1": "p1", "2": "p2"}
PEOPLE = {"ada@x": "u1"}


def rich(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": {"content": text}, "plain_text": text}]


READ: list[tuple[dict[str, Any], Value]] = [
    ({"type": "title", "title": rich("Ada")}, "Ada"),
    ({"type": "rich_text", "rich_text": []}, None),
    ({"type": "number", "number": 2.0}, 2),
    ({"type": "number", "number": None}, None),
    ({"type": "checkbox", "checkbox": False}, False),
    ({"type": "select", "select": {"name": "High"}}, "High"),
    ({"type": "select", "select": None}, None),
    ({"type": "multi_select", "multi_select": [{"name": "b"}, {"name": "a"}]}, ("b", "a")),
    ({"type": "multi_select", "multi_select": []}, None),
    ({"type": "date", "date": {"start": "2026-01-02", "end": None}}, Span(date(2026, 1, 2))),
    (
        {
            "type": "date",
            "date": {"start": "2026-11-20T13:00:00.000+01:00", "end": "2026-11-20T14:00:00.000+01:00"},
        },
        Span(NOON, datetime(2026, 11, 20, 13, tzinfo=UTC)),
    ),
    (
        {"type": "date", "date": {"start": "2026-11-20T13:00:00", "end": None, "time_zone": "Europe/Paris"}},
        Span(NOON),
    ),
    ({"type": "relation", "relation": [{"id": "p1"}, {"id": "p9"}]}, ("1", "p9")),
    (
        {"type": "people", "people": [{"id": "u1", "person": {"email": "Ada@X"}}, {"id": "u2"}]},
        ("ada@x", "u2"),
    ),
    (
        {"type": "files", "files": [{"name": "a", "type": "external", "external": {"url": "https://a"}}]},
        ("https://a",),
    ),
    ({"type": "formula", "formula": {"type": "number", "number": 1.5}}, 1.5),
    ({"type": "formula", "formula": {"type": "boolean", "boolean": True}}, True),
    ({"type": "rollup", "rollup": {"type": "array", "array": [{"type": "number", "number": 3}]}}, ("3",)),
    (
        {
            "type": "rollup",
            "rollup": {"type": "array", "array": [{"type": "date", "date": {"start": "2026-01-02"}}]},
        },
        ("2026-01-02",),
    ),
    ({"type": "unique_id", "unique_id": {"prefix": "T", "number": 4}}, "T-4"),
    ({"type": "created_by", "created_by": {"id": "u1", "person": {"email": "a@x"}}}, ("a@x",)),
    ({"type": "button", "button": {}}, None),
]


@pytest.mark.parametrize(("raw", "plain"), READ)
def test_a_value_of_a_page_has_one_plain_form(raw: dict[str, Any], plain: Value) -> None:
    found = value(raw, keys={"p1": "1"})
    assert found == plain
    assert type(found) is type(plain)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"type": "formula", "formula": {"type": "unsupported", "unsupported": {}}}, "no value for it"),
        ({"type": "hologram", "hologram": {}}, "no value for it"),
        ({"type": "date", "date": {"start": "99999-01-01"}}, "is not a date"),
        ({"type": "place", "place": {"lat": 1.0, "lon": 2.0}}, "a place has no plain form"),
    ],
)
def test_what_has_no_plain_form_is_said(raw: dict[str, Any], said: str) -> None:
    with pytest.raises(Unfit, match=said):
        value(raw)


@pytest.mark.parametrize(
    ("kind", "plain", "body"),
    [
        (T.NUMBER, 1.5, 1.5),
        (T.SELECT, "High", {"name": "High"}),
        (T.SELECT, None, None),
        (T.CHECKBOX, None, False),
        (T.MULTI_SELECT, ("a",), [{"name": "a"}]),
        (T.MULTI_SELECT, None, []),
        (T.DATE, Span(date(2026, 1, 2)), {"start": "2026-01-02", "end": None}),
        (
            T.DATE,
            Span(NOON, NOON),
            {"start": "2026-11-20T12:00:00+00:00", "end": "2026-11-20T12:00:00+00:00"},
        ),
        (T.DATE, None, None),
        (T.RELATION, ("2", "1"), [{"id": "p2"}, {"id": "p1"}]),
        (T.RELATION, None, []),
        (T.PEOPLE, ("ada@x",), [{"object": "user", "id": "u1"}]),
        (
            T.FILES,
            ("https://a/b.pdf",),
            [{"name": "b.pdf", "type": "external", "external": {"url": "https://a/b.pdf"}}],
        ),
    ],
)
def test_a_plain_value_goes_into_a_request(kind: PropertyType, plain: Value, body: Any) -> None:
    assert payload(kind, plain, pages=PAGES, people=PEOPLE) == {kind: body}


@pytest.mark.parametrize(
    ("kind", "plain", "said"),
    [
        (T.RELATION, ("7", "1"), "no page with the key 7"),
        (T.PEOPLE, ("eve@x",), "nobody in the workspace has the e-mail address eve@x"),
        (T.NUMBER, "ten", "it must be a number"),
        (T.NUMBER, 2**60 + 1, "round it"),
        (T.SELECT, "a, b", "no comma"),
        (T.MULTI_SELECT, tuple(str(n) for n in range(101)), "101 entries and Notion allows 100"),
        (T.FORMULA, 1, "cannot be written"),
    ],
)
def test_what_notion_would_refuse_is_refused_here(kind: PropertyType, plain: Value, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        payload(kind, plain, pages=PAGES, people=PEOPLE)


moments = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0))
ROUND: list[tuple[PropertyType, st.SearchStrategy[Any]]] = [
    (T.NUMBER, st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)),
    (T.CHECKBOX, st.booleans()),
    (T.DATE, st.builds(Span, st.dates(), st.none() | st.dates())),
    (T.DATE, st.builds(Span, moments, st.none() | moments)),
    (T.MULTI_SELECT, st.lists(st.text("abc", min_size=1), min_size=1, unique=True).map(tuple)),
    (T.RELATION, st.sampled_from([("1",), ("2", "1"), None])),
]


@pytest.mark.parametrize(("kind", "values"), ROUND)
@given(data=st.data())
def test_what_is_sent_is_read_as_the_same(
    kind: PropertyType, values: st.SearchStrategy[Any], data: st.DataObject
) -> None:
    plain = data.draw(values)
    sent = payload(kind, plain, pages=PAGES, people=PEOPLE)
    back = value({"type": str(kind), **sent}, keys={page: key for key, page in PAGES.items()})
    assert same(kind, plain, back)
