"""Property values of every type as plain Python values."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.notion.block_samples import equation, mention, run, uid

from syncline.notion.values import (
    DateValue,
    FileValue,
    PersonValue,
    PlaceValue,
    PlainValue,
    Property,
    Unknown,
    VerificationValue,
    completed,
    moment,
    plain,
    properties,
    schema,
    truncated,
)

ADA = {
    "object": "user",
    "id": uid("ada"),
    "name": "Ada",
    "type": "person",
    "person": {"email": "ada@example.com"},
}
SIGNED = "https://prod-files-secure.s3.us-west-2.amazonaws.com/a/b.png?X-Amz-Signature=1"
OPTION = {"id": "o", "name": "Open", "color": "red"}
DAY = {"start": "2026-07-01", "end": None, "time_zone": None}

CASES: list[tuple[str, Any, PlainValue]] = [
    ("title", [run("A"), run(" B", bold=True)], "A B"),
    ("title", [], ""),
    ("rich_text", [run("see "), mention("user", ADA, "@Ada"), equation("x^2")], "see @Adax^2"),
    ("number", 4, 4),
    ("number", 4.5, 4.5),
    ("number", None, None),
    ("select", OPTION, "Open"),
    ("select", None, None),
    ("status", OPTION, "Open"),
    ("multi_select", [OPTION, {**OPTION, "name": "Late"}], ["Open", "Late"]),
    ("multi_select", [], []),
    ("date", DAY, DateValue("2026-07-01")),
    (
        "date",
        {"start": "2026-07-01T09:00:00.000+02:00", "end": "2026-07-02", "time_zone": "Europe/Berlin"},
        DateValue("2026-07-01T09:00:00.000+02:00", "2026-07-02", "Europe/Berlin"),
    ),
    ("date", None, None),
    ("people", [ADA], [PersonValue(uid("ada"), "Ada", "ada@example.com")]),
    ("people", [{"object": "user", "id": uid("gone")}], [PersonValue(uid("gone"))]),
    ("people", [{"object": "group", "id": uid("team"), "name": "Team"}], [PersonValue(uid("team"), "Team")]),
    (
        "files",
        [
            {
                "name": "b.png",
                "type": "file",
                "file": {"url": SIGNED, "expiry_time": "2026-07-01T00:00:00.000Z"},
            },
            {"name": "c", "type": "external", "external": {"url": "https://example.com/c"}},
        ],
        [FileValue("b.png", SIGNED, expiring=True), FileValue("c", "https://example.com/c")],
    ),
    ("checkbox", True, True),
    ("checkbox", False, False),
    ("url", "https://example.com", "https://example.com"),
    ("url", None, None),
    ("email", "a@example.com", "a@example.com"),
    ("phone_number", "+1", "+1"),
    ("relation", [{"id": uid("a")}, {"id": uid("b")}], [uid("a"), uid("b")]),
    ("formula", {"type": "string", "string": "x"}, "x"),
    ("formula", {"type": "string", "string": None}, None),
    ("formula", {"type": "number", "number": 1}, 1),
    ("formula", {"type": "boolean", "boolean": True}, True),
    ("formula", {"type": "date", "date": DAY}, DateValue("2026-07-01")),
    ("formula", {"type": "date", "date": None}, None),
    ("formula", {"type": "unsupported", "unsupported": {}}, Unknown("unsupported", {})),
    ("rollup", {"type": "number", "number": 3, "function": "sum"}, 3),
    ("rollup", {"type": "date", "date": DAY, "function": "latest_date"}, DateValue("2026-07-01")),
    (
        "rollup",
        {
            "type": "array",
            "array": [{"type": "title", "title": [run("A")]}, {"type": "number", "number": 2}],
            "function": "show_original",
        },
        ["A", 2],
    ),
    ("rollup", {"type": "incomplete", "incomplete": {}, "function": "sum"}, Unknown("incomplete", {})),
    ("created_time", "2026-07-01T09:00:00.000Z", "2026-07-01T09:00:00.000Z"),
    ("last_edited_time", "2026-07-01T09:00:00.000Z", "2026-07-01T09:00:00.000Z"),
    ("created_by", ADA, PersonValue(uid("ada"), "Ada", "ada@example.com")),
    (
        "last_edited_by",
        {"object": "user", "id": uid("bot"), "name": "Bot", "type": "bot", "bot": {}},
        PersonValue(uid("bot"), "Bot"),
    ),
    ("unique_id", {"prefix": "PRE", "number": 12}, "PRE-12"),
    ("unique_id", {"prefix": None, "number": 12}, "12"),
    ("unique_id", {"prefix": None, "number": None}, None),
    (
        "place",
        {
            "lat": 48.1,
            "lon": 11.5,
            "name": "Munich",
            "address": None,
            "aws_place_id": "p",
            "google_place_id": None,
        },
        PlaceValue(48.1, 11.5, "Munich", None, "p", None),
    ),
    ("place", None, None),
    (
        "verification",
        {"state": "verified", "date": DAY, "verified_by": ADA},
        VerificationValue(
            "verified", DateValue("2026-07-01"), PersonValue(uid("ada"), "Ada", "ada@example.com")
        ),
    ),
    (
        "verification",
        {"state": "unverified", "date": None, "verified_by": None},
        VerificationValue("unverified"),
    ),
    ("verification", None, None),
    ("button", {}, None),
    ("last_visited_time", "2026-07-01", Unknown("last_visited_time", "2026-07-01")),
    ("hologram", {"depth": 3}, Unknown("hologram", {"depth": 3})),
]


@pytest.mark.parametrize(("kind", "payload", "expected"), CASES)
def test_plain(kind: str, payload: Any, expected: PlainValue) -> None:
    found = plain({"id": "x", "type": kind, kind: payload})
    assert found == expected
    assert type(found) is type(expected)


def test_a_value_without_its_payload_is_empty_and_no_error() -> None:
    kinds = sorted({kind for kind, _, _ in CASES} - {"hologram", "last_visited_time"})
    assert [kind for kind in kinds if plain({"type": kind}) not in (None, "", [], False)] == []
    assert plain({}) == Unknown("")


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        ("title", run("A"), "A"),
        ("rich_text", run("A"), "A"),
        ("relation", {"id": uid("a")}, [uid("a")]),
        ("people", ADA, [PersonValue(uid("ada"), "Ada", "ada@example.com")]),
    ],
)
def test_a_property_item_holds_one_element(kind: str, payload: Any, expected: PlainValue) -> None:
    assert plain({"object": "property_item", "type": kind, kind: payload}) == expected


def test_properties_keep_id_name_type_and_the_value_as_it_came() -> None:
    raw = {"id": "WYH%3A", "type": "number", "number": 3}
    page = {"properties": {"Zeta": raw, "Name": {"id": "title", "type": "title", "title": [run("P")]}}}
    found = properties(page)
    assert list(found) == ["Name", "Zeta"]
    assert (found["Zeta"].id, found["Zeta"].type, found["Zeta"].plain) == ("WYH:", "number", 3)
    assert found["Zeta"].raw is raw


def test_a_schema_is_sorted_and_its_ids_are_decoded() -> None:
    source = {
        "properties": {
            "B": {"id": "%3AJ%7B%3A", "name": "B", "type": "number", "number": {"format": "euro"}},
            "A": {"id": "a", "name": "A", "type": "hologram", "hologram": {}, "description": "new"},
            "T": {"id": "title", "name": "T", "type": "title", "title": {}},
        }
    }
    assert schema(source) == (
        Property("title", "T", "title", {}),
        Property("a", "A", "hologram", {}, "new"),
        Property(":J{:", "B", "number", {"format": "euro"}),
    )


def test_an_object_without_properties_has_none() -> None:
    assert (schema({}), properties({"properties": None})) == ((), {})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "relation", "relation": [{}] * 25, "has_more": True}, True),
        ({"type": "relation", "relation": [{}] * 25, "has_more": False}, False),
        ({"type": "relation", "relation": [{}] * 25}, True),
        ({"type": "relation", "relation": [{}] * 24}, False),
        ({"type": "people", "people": [{}] * 25}, True),
        ({"type": "title", "title": [{}] * 25}, True),
        ({"type": "rich_text", "rich_text": [{}] * 24}, False),
        ({"type": "rollup", "rollup": {"type": "array", "array": [{}] * 25}}, True),
        ({"type": "rollup", "rollup": {"type": "number", "number": 25}}, False),
        ({"type": "multi_select", "multi_select": [{}] * 40}, False),
        ({"type": "number", "number": 25}, False),
        ({}, False),
    ],
)
def test_truncated(value: dict[str, Any], *, expected: bool) -> None:
    assert truncated(value) is expected


def test_a_completed_value_holds_all_and_is_no_longer_truncated() -> None:
    items = [
        {"object": "property_item", "id": "r", "type": "relation", "relation": {"id": uid(str(n))}}
        for n in range(30)
    ]
    cut = {"id": "r", "type": "relation", "relation": [{"id": uid("0")}] * 25, "has_more": True}
    whole = completed(cut, items)
    assert plain(whole) == [uid(str(n)) for n in range(30)]
    assert not truncated(whole)
    assert whole["id"] == "r"


def test_a_completed_rollup_keeps_its_function() -> None:
    cut = {"type": "rollup", "rollup": {"type": "array", "array": [], "function": "show_original"}}
    items = [{"object": "property_item", "id": "x", "type": "number", "number": n} for n in (1, 2)]
    whole = completed(cut, items)
    assert plain(whole) == [1, 2]
    assert whole["rollup"]["function"] == "show_original"


@pytest.mark.parametrize(
    ("iso", "expected"),
    [
        ("2026-07-01", date(2026, 7, 1)),
        ("2026-07-01T09:30:00.000Z", datetime(2026, 7, 1, 9, 30, tzinfo=UTC)),
        ("2026-07-01T09:30:00.000+02:00", datetime(2026, 7, 1, 9, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-07-01T09:30:00", datetime(2026, 7, 1, 9, 30)),  # noqa: DTZ001 - Notion's own form beside a time zone
        ("12026-07-01", None),
        ("soon", None),
    ],
)
def test_moment(iso: str, expected: date | None) -> None:
    found = moment(iso)
    assert found == expected
    assert type(found) is type(expected)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "name", "start", "array", "state", "x"]), inner, max_size=4
        )
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted({kind for kind, _, _ in CASES})), JSON)
def test_no_payload_of_an_unexpected_shape_raises(kind: str, payload: Any) -> None:
    found = plain({"type": kind, kind: payload})
    assert not isinstance(found, float) or math.isfinite(found) or found == payload


def test_every_recorded_value_is_read_without_loss(recorded: list[dict[str, Any]]) -> None:
    cells = [
        cell
        for line in recorded
        for page in _pages(line["response"]["body"])
        for cell in properties(page).values()
    ]
    assert len(cells) > 50
    assert [cell for cell in cells if isinstance(cell.plain, Unknown)] == []
    assert all(cell.plain or not cell.raw.get(cell.type) for cell in cells)


def _pages(body: Any) -> list[dict[str, Any]]:
    """Every page object anywhere in an answer."""
    if isinstance(body, list):
        return [page for item in body for page in _pages(item)]
    if not isinstance(body, dict):
        return []
    inner = [page for item in body.values() for page in _pages(item)]
    return [body, *inner] if body.get("object") == "page" and "properties" in body else inner
