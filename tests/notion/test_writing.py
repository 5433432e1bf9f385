"""Plain values as request values, and what is refused before Notion would refuse it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.notion.block_samples import equation, mention, run, uid

from syncline.notion.richtext import text, units
from syncline.notion.values import (
    DateValue,
    FileValue,
    PersonValue,
    PlaceValue,
    VerificationValue,
    plain,
)
from syncline.notion.writing import WRITABLE, Unwritable, notion

WRITTEN: list[tuple[str, Any, Any]] = [
    ("title", "A", [{"type": "text", "text": {"content": "A"}}]),
    ("rich_text", "", []),
    ("number", 4, 4),
    ("number", Decimal("0.10"), 0.1),
    ("number", Decimal(3), 3),
    ("number", 2**60, 2**60),
    ("select", "Open", {"name": "Open"}),
    ("select", "", None),
    ("status", "Done", {"name": "Done"}),
    ("multi_select", ["a", "b"], [{"name": "a"}, {"name": "b"}]),
    ("date", DateValue("2026-07-01"), {"start": "2026-07-01", "end": None}),
    (
        "date",
        DateValue("2026-07-01T09:00:00", "2026-07-01T10:00:00", "Europe/Berlin"),
        {"start": "2026-07-01T09:00:00", "end": "2026-07-01T10:00:00", "time_zone": "Europe/Berlin"},
    ),
    ("date", date(2026, 7, 1), {"start": "2026-07-01", "end": None}),
    ("date", datetime(2026, 7, 1, 9, tzinfo=UTC), {"start": "2026-07-01T09:00:00+00:00", "end": None}),
    ("date", "2026-07-01", {"start": "2026-07-01", "end": None}),
    ("people", [PersonValue("u"), "v"], [{"object": "user", "id": "u"}, {"object": "user", "id": "v"}]),
    (
        "files",
        [FileValue("c", "https://example.com/c"), FileValue("d", upload="f")],
        [
            {"name": "c", "type": "external", "external": {"url": "https://example.com/c"}},
            {"name": "d", "type": "file_upload", "file_upload": {"id": "f"}},
        ],
    ),
    ("checkbox", True, True),
    ("url", "https://example.com", "https://example.com"),
    ("url", "", None),
    ("email", "a@example.com", "a@example.com"),
    ("phone_number", "+1", "+1"),
    ("relation", ["p"], [{"id": "p"}]),
    ("place", PlaceValue(1.5, 2.5, name="X"), {"lat": 1.5, "lon": 2.5, "name": "X"}),
    ("verification", VerificationValue("unverified"), {"state": "unverified"}),
    (
        "verification",
        VerificationValue("verified", DateValue("2026-07-01")),
        {"state": "verified", "date": {"start": "2026-07-01", "end": None}},
    ),
]

CLEARED: dict[str, Any] = {
    **{kind: [] for kind in ("title", "rich_text", "multi_select", "people", "files", "relation")},
    **dict.fromkeys(("number", "select", "status", "date", "url", "email", "phone_number", "place")),
    "checkbox": False,
    "verification": {"state": "unverified"},
}


@pytest.mark.parametrize(("kind", "value", "expected"), WRITTEN)
def test_notion(kind: str, value: Any, expected: Any) -> None:
    assert notion(kind, value) == {kind: expected}


@pytest.mark.parametrize("kind", WRITABLE)
def test_none_clears(kind: str) -> None:
    assert notion(kind, None) == {kind: CLEARED[kind]}


def test_every_writable_type_is_sampled() -> None:
    assert {kind for kind, _, _ in WRITTEN} == set(WRITABLE)


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("formula", 1, "formula cannot be written"),
        ("hologram", 1, "hologram cannot be written"),
        ("title", 5, "must be text"),
        ("rich_text", "x" * 200_001, "101 runs"),
        ("number", "5", "must be a number"),
        ("number", True, "must be a number"),
        ("number", float("nan"), "must be finite"),
        ("number", Decimal("inf"), "must be finite"),
        ("number", 2**60 + 1, "round"),
        ("number", 10**400, "round"),
        ("select", "a,b", "no comma"),
        ("select", 5, "named by a text"),
        ("multi_select", "a", "must be a list"),
        ("multi_select", [""], "not empty"),
        ("multi_select", ["a"] * 101, "101 entries"),
        ("date", "soon", "ISO 8601"),
        ("date", DateValue("2026-07-01", "then"), "ISO 8601"),
        ("people", [None], "an id"),
        ("relation", [""], "an id"),
        ("files", ["x"], "FileValue"),
        ("files", [FileValue("x", "https://example.com", expiring=True)], "uploaded again"),
        ("checkbox", 1, "true or false"),
        ("url", 5, "must be a text"),
        ("url", "x" * 2001, "longer than 2000"),
        ("email", "😍" * 101, "longer than 200"),
        ("place", "here", "PlaceValue"),
        ("verification", VerificationValue("expired"), "verified or unverified"),
    ],
)
def test_what_notion_would_refuse_or_alter_is_refused_by_name(kind: str, value: Any, why: str) -> None:
    with pytest.raises(Unwritable, match=why) as refused:
        notion(kind, value)
    assert kind in str(refused.value)
    assert len(str(refused.value)) < 200


@given(st.text(st.sampled_from("ab😍é漢"), max_size=30).map(lambda seed: seed * 400))
def test_long_text_is_split_and_nothing_is_cut(content: str) -> None:
    sent = notion("rich_text", content)["rich_text"]
    assert text(sent) == content
    assert all(0 < units(run["text"]["content"]) <= 2000 for run in sent)


def test_rich_text_is_sent_without_what_notion_only_answers() -> None:
    page = {"id": uid("p")}
    value = [
        run("a" * 2500, bold=True, link="https://e.com"),
        equation("x"),
        mention("page", page, "P", href="h"),
    ]
    sent = notion("rich_text", value)["rich_text"]
    assert [len(part["text"]["content"]) for part in sent[:2]] == [2000, 500]
    assert all(part["text"]["link"] == {"url": "https://e.com"} for part in sent[:2])
    assert all(part["annotations"]["bold"] for part in sent[:2])
    assert sent[2]["equation"] == {"expression": "x"}
    assert sent[3]["mention"] == {"type": "page", "page": page}
    assert not {"plain_text", "href"} & {key for part in sent for key in part}


ROUND_TRIPS = st.one_of(
    st.tuples(st.sampled_from(["title", "rich_text"]), st.text(max_size=50)),
    st.tuples(
        st.just("number"), st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    ),
    st.tuples(
        st.sampled_from(["select", "status"]), st.text(min_size=1).filter(lambda name: "," not in name)
    ),
    st.tuples(st.just("multi_select"), st.lists(st.sampled_from(["a", "b c", "ü"]))),
    st.tuples(st.just("checkbox"), st.booleans()),
    st.tuples(st.just("url"), st.text(min_size=1, max_size=50)),
    st.tuples(st.just("relation"), st.lists(st.uuids().map(str), max_size=5)),
    st.tuples(st.just("date"), st.dates().map(lambda day: DateValue(day.isoformat()))),
    st.tuples(st.just("files"), st.lists(st.just(FileValue("n", "https://example.com/n")), max_size=3)),
    st.tuples(st.just("place"), st.builds(PlaceValue, st.floats(-90, 90), st.floats(-180, 180))),
    st.tuples(st.just("people"), st.lists(st.uuids().map(lambda found: PersonValue(str(found))), max_size=3)),
)


@given(ROUND_TRIPS)
def test_what_is_written_is_what_is_read(case: tuple[str, Any]) -> None:
    kind, value = case
    assert plain({"type": kind, **notion(kind, value)}) == value
