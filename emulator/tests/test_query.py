"""Filters and sorts on rows built by hand; no HTTP."""

from contextlib import suppress
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_emulator.clock import Clock, millis
from notion_emulator.conditions import RELATIVE
from notion_emulator.errors import ValidationFailed
from notion_emulator.objects import DataSource, Page
from notion_emulator.query import select
from notion_emulator.rich_text import plain
from notion_emulator.world import World

Json = dict[str, Any]
NOW = millis("2026-07-15T12:30:00Z")  # a Wednesday
USER = "7775f3a3-893f-43fa-b625-460c61094c78"
OTHER = "a4f789cc-7bc8-4cf0-82b9-a8ba7d985ecf"
FIRST = "38c9ce7b-60a4-81e9-b951-000000000001"


def entry(name: str, kind: str, config: Json | None = None) -> Json:
    return {"id": name.lower(), "name": name, "description": None, "type": kind, kind: config or {}}


OPTIONS = {"options": [{"id": one, "name": one, "color": "red"} for one in ("low", "high", "mid")]}
SCHEMA = [
    entry("Text", "rich_text"), entry("Mail", "email"), entry("Url", "url"), entry("Phone", "phone_number"),
    entry("Num", "number"), entry("Nr", "unique_id"), entry("Box", "checkbox"), entry("Sel", "select", OPTIONS),
    entry("Stat", "status", OPTIONS), entry("Multi", "multi_select", OPTIONS), entry("Date", "date"),
    entry("Who", "people"), entry("Files", "files"), entry("Rel", "relation"), entry("Form", "formula"),
    entry("Roll", "rollup"), entry("Made", "created_time"), entry("Maker", "created_by"),
    entry("Edit", "last_edited_time"), entry("Editor", "last_edited_by"), entry("Ver", "verification"),
    entry("Place", "place"),
]  # fmt: skip


def option(name: str) -> Json:
    return {"id": name, "name": name, "color": "red"}


FULL: Json = {
    "text": plain("Ahoy Captain"), "mail": "john.doe@example.com", "url": "https://example.com/x", "phone": "+44 1",
    "num": 5, "box": True, "sel": option("high"), "stat": option("low"),
    "multi": [option("low"), option("mid")], "date": {"start": "2026-07-15", "end": None, "time_zone": None},
    "who": [{"object": "user", "id": USER}], "files": [{"name": "a.txt"}], "rel": [{"id": FIRST}],
    "form": {"type": "string", "string": "Yes"},
    "roll": {"type": "array", "array": [{"type": "number", "number": 1}, {"type": "number", "number": 9}]},
    "ver": {"state": "verified", "date": None, "verified_by": None},
}  # fmt: skip


def value(row: Page, one: Json) -> Any:
    if one["type"] == "unique_id":
        return {"prefix": "R", "number": row.properties[one["id"]]}
    return row.properties.get(one["id"])


class Table:
    """A data source with a full row and an empty one."""

    def __init__(self) -> None:
        self.world = World(clock=Clock(frozen=NOW))
        database = self.world.create_database(None)
        self.source: DataSource = self.world.create_data_source(database, properties=SCHEMA)
        self.add("full", at=NOW - 90_000, by=USER, **FULL)
        self.add("", at=NOW - 400 * 86_400_000, by=OTHER)

    def add(self, title: str, *, at: int = NOW, by: str = USER, **properties: Any) -> Page:
        return self.world.create_page(self.source, title, properties=properties, at=at, by=by)

    def titles(
        self, filter: Json | None = None, sorts: list[Json] | None = None, me: str | None = None
    ) -> list[str]:
        rows = self.world.rows(self.source)
        found = select(rows, self.source, filter=filter, sorts=sorts, now=NOW, value=value, me=me)
        return [self.world.title(row) for row in found]


@pytest.fixture
def table() -> Table:
    return Table()


def leaf(name: str, key: str, operator: str, operand: Any) -> Json:
    return {"property": name, key: {operator: operand}}


BOTH: list[str] = ["full", ""]
NONE: list[str] = []
ONE: list[str] = ["full"]
BLANK: list[str] = [""]
LEAVES = [
    (leaf("Text", "rich_text", "equals", "Ahoy Captain"), ONE),
    (leaf("Text", "rich_text", "equals", "ahoy captain"), NONE),
    (leaf("Text", "rich_text", "does_not_equal", "Ahoy Captain"), BLANK),
    (leaf("Text", "rich_text", "contains", "HOY"), ONE),
    (leaf("Text", "rich_text", "does_not_contain", "hoy"), BLANK),
    (leaf("Text", "rich_text", "starts_with", "ahoy"), ONE),
    (leaf("Text", "rich_text", "ends_with", "TAIN"), ONE),
    (leaf("Text", "rich_text", "is_empty", True), BLANK),
    (leaf("Text", "rich_text", "is_not_empty", True), ONE),
    (leaf("text", "rich_text", "contains", "a"), ONE),
    (leaf("Name", "title", "contains", "FULL"), ONE),
    (leaf("title", "rich_text", "equals", "full"), ONE),
    (leaf("Mail", "email", "contains", "Doe"), ONE),
    (leaf("Mail", "rich_text", "contains", "Doe"), ONE),
    (leaf("Url", "url", "starts_with", "https"), ONE),
    (leaf("Url", "rich_text", "is_empty", True), BLANK),
    (leaf("Phone", "phone_number", "ends_with", "1"), ONE),
    (leaf("Phone", "rich_text", "does_not_contain", "44"), BLANK),
    (leaf("Num", "number", "equals", 5), ONE),
    (leaf("Num", "number", "does_not_equal", 5), BLANK),
    (leaf("Num", "number", "greater_than", 4.5), ONE),
    (leaf("Num", "number", "less_than", 5), NONE),
    (leaf("Num", "number", "greater_than_or_equal_to", 5), ONE),
    (leaf("Num", "number", "less_than_or_equal_to", 5), ONE),
    (leaf("Num", "number", "is_empty", True), BLANK),
    (leaf("Nr", "unique_id", "greater_than", 1), BLANK),
    (leaf("Nr", "unique_id", "equals", 1), ONE),
    (leaf("Box", "checkbox", "equals", True), ONE),
    (leaf("Box", "checkbox", "equals", False), BLANK),
    (leaf("Box", "checkbox", "does_not_equal", True), BLANK),
    (leaf("Sel", "select", "equals", "high"), ONE),
    (leaf("Sel", "select", "equals", ["low", "high"]), ONE),
    (leaf("Sel", "select", "does_not_equal", "high"), BLANK),
    (leaf("Sel", "select", "does_not_equal", ["low"]), BOTH),
    (leaf("Sel", "select", "is_empty", True), BLANK),
    (leaf("Stat", "status", "equals", "low"), ONE),
    (leaf("Stat", "status", "is_not_empty", True), ONE),
    (leaf("Multi", "multi_select", "contains", "mid"), ONE),
    (leaf("Multi", "multi_select", "contains", ["high", "mid"]), ONE),
    (leaf("Multi", "multi_select", "does_not_contain", "mid"), BLANK),
    (leaf("Multi", "multi_select", "is_empty", True), BLANK),
    (leaf("Date", "date", "equals", "2026-07-15"), ONE),
    (leaf("Date", "date", "equals", "2026-07-15T00:00:00.001Z"), NONE),
    (leaf("Date", "date", "equals", "2026-07-15T02:00:00+02:00"), ONE),
    (leaf("Date", "date", "before", "2026-07-16"), ONE),
    (leaf("Date", "date", "after", "2026-07-15"), NONE),
    (leaf("Date", "date", "on_or_before", "2026-07-15"), ONE),
    (leaf("Date", "date", "on_or_after", "2026-07-15"), ONE),
    (leaf("Date", "date", "equals", "today"), ONE),
    (leaf("Date", "date", "before", "tomorrow"), ONE),
    (leaf("Date", "date", "after", "yesterday"), ONE),
    (leaf("Date", "date", "after", "one_week_ago"), ONE),
    (leaf("Date", "date", "before", "one_week_from_now"), ONE),
    (leaf("Date", "date", "after", "one_month_ago"), ONE),
    (leaf("Date", "date", "before", "one_month_from_now"), ONE),
    (leaf("Date", "date", "this_week", {}), ONE),
    (leaf("Date", "date", "past_week", {}), ONE),
    (leaf("Date", "date", "past_month", {}), ONE),
    (leaf("Date", "date", "past_year", {}), ONE),
    (leaf("Date", "date", "next_week", {}), ONE),
    (leaf("Date", "date", "next_month", {}), ONE),
    (leaf("Date", "date", "next_year", {}), ONE),
    (leaf("Date", "date", "is_empty", True), BLANK),
    (leaf("Made", "created_time", "past_week", {}), ONE),
    (leaf("Made", "date", "before", "2026-01-01"), BLANK),
    (leaf("Edit", "last_edited_time", "equals", "2026-07-15T12:28:00.000Z"), ONE),
    (leaf("Edit", "date", "is_empty", True), NONE),
    (leaf("Who", "people", "contains", USER), ONE),
    (leaf("Who", "people", "contains", USER.replace("-", "")), ONE),
    (leaf("Who", "people", "does_not_contain", USER), BLANK),
    (leaf("Who", "people", "is_empty", True), BLANK),
    (leaf("Who", "people", "contains", "me"), NONE),
    (leaf("Who", "people", "does_not_contain", "me"), BOTH),
    (leaf("Maker", "created_by", "contains", OTHER), BLANK),
    (leaf("Maker", "people", "contains", USER), ONE),
    (leaf("Editor", "last_edited_by", "does_not_contain", OTHER), ONE),
    (leaf("Files", "files", "is_empty", True), BLANK),
    (leaf("Files", "files", "is_not_empty", True), ONE),
    (leaf("Rel", "relation", "contains", FIRST), ONE),
    (leaf("Rel", "relation", "does_not_contain", FIRST), BLANK),
    (leaf("Rel", "relation", "is_not_empty", True), ONE),
    (leaf("Form", "formula", "string", {"equals": "Yes"}), ONE),
    (leaf("Form", "formula", "string", {"is_empty": True}), BLANK),
    (leaf("Form", "formula", "number", {"greater_than": 1}), NONE),
    (leaf("Form", "formula", "checkbox", {"equals": False}), BOTH),
    (leaf("Form", "formula", "date", {"is_empty": True}), BOTH),
    (leaf("Roll", "rollup", "any", {"number": {"greater_than": 5}}), ONE),
    (leaf("Roll", "rollup", "every", {"number": {"greater_than": 5}}), BLANK),
    (leaf("Roll", "rollup", "none", {"number": {"greater_than": 9}}), BOTH),
    (leaf("Roll", "rollup", "number", {"is_empty": True}), BOTH),
    (leaf("Roll", "rollup", "date", {"past_week": {}}), NONE),
    (leaf("Ver", "verification", "status", "verified"), ONE),
    (leaf("Ver", "verification", "status", "none"), BLANK),
    (leaf("Ver", "verification", "does_not_equal", "expired"), BOTH),
    ({"timestamp": "created_time", "created_time": {"after": "2026-07-01"}}, ONE),
    ({"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": "2026-07-15T12:28:00Z"}}, ONE),
    ({"timestamp": "last_edited_time", "last_edited_time": {"after": "2026-07-15T12:28:00Z"}}, NONE),
]


@pytest.mark.parametrize(("filter", "expected"), LEAVES, ids=str)
def test_a_condition_keeps_the_rows_that_notion_keeps(
    table: Table, filter: Json, expected: list[str]
) -> None:
    assert table.titles(filter) == expected


def test_me_is_the_person_of_a_personal_token(table: Table) -> None:
    assert table.titles(leaf("Who", "people", "contains", "me"), me=USER) == ONE


def test_compound_filters_nest_twice(table: Table) -> None:
    yes, no = leaf("Num", "number", "equals", 5), leaf("Num", "number", "equals", 6)
    assert table.titles({"and": [yes, {"or": [no, yes]}]}) == ONE
    assert table.titles({"or": [{"and": [yes, no]}, no]}) == NONE
    assert table.titles({"and": []}) == BOTH


def test_a_date_with_time_counts_for_its_day(table: Table) -> None:
    table.add("late", date={"start": "2026-07-20T23:59:00.000+00:00", "end": None, "time_zone": None})
    assert table.titles(leaf("Date", "date", "equals", "2026-07-20")) == ["late"]
    assert table.titles(leaf("Date", "date", "after", "2026-07-20")) == []


def test_a_week_begins_on_sunday(table: Table) -> None:
    for day in (11, 12, 18, 19):
        table.add(str(day), date={"start": f"2026-07-{day}", "end": None, "time_zone": None})
    assert table.titles(leaf("Date", "date", "this_week", {})) == ["18", "12", "full"]


def test_a_month_ago_ends_in_a_shorter_month() -> None:
    assert RELATIVE["one_month_ago"](date(2026, 3, 31)) == date(2026, 2, 28)
    assert RELATIVE["one_month_from_now"](date(2026, 12, 31)) == date(2027, 1, 31)


# Refusals

MISMATCH = (
    "The property type in the database does not match the property type of the filter provided: "
    "database property number does not match filter rich_text"
)
REFUSED = [
    (leaf("Num", "rich_text", "equals", "x"), MISMATCH),
    (leaf("Place", "rich_text", "is_empty", True), MISMATCH.replace("property number", "property place")),
    (leaf("Colour", "rich_text", "equals", "x"), "Could not find property with name or id: Colour"),
    (
        leaf("Num", "number", "equals", "x"),
        'body failed validation: body.filter.number.equals should be a number, instead was `"x"`.',
    ),
    (
        leaf("Text", "rich_text", "equals", None),
        "body failed validation: body.filter.rich_text.equals should be a string, instead was `null`.",
    ),
    (
        leaf("Box", "checkbox", "equals", 1),
        "body failed validation: body.filter.checkbox.equals should be a boolean, instead was `1`.",
    ),
    (
        leaf("Num", "number", "is_empty", False),
        "body failed validation: body.filter.number.is_empty should be `true`, instead was `false`.",
    ),
    (
        leaf("Who", "people", "contains", "you"),
        'body failed validation: body.filter.people.contains should be a valid uuid, instead was `"you"`.',
    ),
    (
        leaf("Date", "date", "after", "soon"),
        'body failed validation: body.filter.date.after should be a valid ISO 8601 date string, instead was `"soon"`.',
    ),
    (
        leaf("Date", "date", "this_week", True),
        "body failed validation: body.filter.date.this_week should be an empty object, instead was `true`.",
    ),
    (
        leaf("Ver", "verification", "status", "maybe"),
        ('body failed validation: body.filter.verification.status should be `"verified"`, `"expired"`, or `"none"`, '
        'instead was `"maybe"`.'),
    ),
    ([], "body failed validation: body.filter should be an object, instead was `[]`."),
    ({"and": 1}, "body failed validation: body.filter.and should be an array, instead was `1`."),
    (
        {"and": [leaf("Num", "number", "equals", 1), {"and": [{"or": [{"or": []}]}]}]},
        'body failed validation: body.filter.and[1].and[0].or should be not present, instead was `[{"or":[]}]`.',
    ),
    (
        {"and": [], "or": []},
        "body failed validation: body.filter.and should be not present, instead was `[]`.",
    ),
    (
        {"timestamp": "made", "made": {}},
        ('body failed validation: body.filter.timestamp should be `"created_time"` or `"last_edited_time"`, '
        'instead was `"made"`.'),
    ),
    (
        {**leaf("Num", "number", "equals", 1), "colour": 2},
        "body failed validation: body.filter.colour should be not present, instead was `2`.",
    ),
    (
        {"number": {"equals": 1}},
        "body failed validation: body.filter.property should be a string, instead was `null`.",
    ),
    (
        leaf("Num", "number", "near", 1),
        "body failed validation. Fix one:\n"
        + "\n".join(
            f"body.filter.number.{name} should be defined, instead was `undefined`."
            for name in (
                "equals", "does_not_equal", "greater_than", "less_than", "greater_than_or_equal_to",
                "less_than_or_equal_to", "is_empty", "is_not_empty",
            )
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("filter", "message"), REFUSED, ids=str)
def test_a_wrong_filter_is_refused_in_notions_words(table: Table, filter: Any, message: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        table.titles(filter)
    assert str(refusal.value) == message


def test_a_filter_of_nothing_lists_what_it_could_be(table: Table) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        table.titles({"property": "Num"})
    lines = str(refusal.value).split("\n")
    assert lines[:4] == [
        "body failed validation. Fix one:",
        "body.filter.or should be defined, instead was `undefined`.",
        "body.filter.and should be defined, instead was `undefined`.",
        "body.filter.title should be defined, instead was `undefined`.",
    ]


# Sorts


def test_without_sorts_the_newest_comes_first(table: Table) -> None:
    for number in range(1, 4):
        table.add(f"Page {number}")
    assert table.titles()[:3] == ["Page 3", "Page 2", "Page 1"]


SORTED = [
    ("Num", [3, 1, 2], ["b", "c", "a"]),
    ("Text", [plain("b"), plain("A"), plain("c")], ["b", "a", "c"]),
    ("Sel", [option("mid"), option("low"), option("high")], ["b", "c", "a"]),
    ("Multi", [[option("mid")], [option("low")], [option("high")]], ["b", "c", "a"]),
    ("Date", [{"start": f"2026-01-0{day}"} for day in (3, 1, 2)], ["b", "c", "a"]),
    ("Box", [True, False, False], ["c", "b", "a"]),
    ("Files", [[{"name": "z"}], [{"name": "x"}], [{"name": "y"}]], ["b", "c", "a"]),
    ("Form", [{"type": "number", "number": one} for one in (3, 1, 2)], ["b", "c", "a"]),
]


@pytest.mark.parametrize(("name", "values", "expected"), SORTED, ids=[one[0] for one in SORTED])
def test_a_sort_orders_by_the_kind_of_value(
    table: Table, name: str, values: list[Any], expected: list[str]
) -> None:
    for title, one in zip("abc", values, strict=True):
        table.add(title, **{name.lower(): one})
    only = {"or": [leaf("Name", "title", "equals", one) for one in "abc"]}
    up = table.titles(only, [{"property": name, "direction": "ascending"}])
    down = table.titles(only, [{"property": name, "direction": "descending"}])
    assert up == expected
    assert [one for one in down if one in "ab"] == [one for one in reversed(expected) if one in "ab"]


@pytest.mark.parametrize("direction", ["ascending", "descending"])
def test_empty_values_sort_last_in_both_directions(table: Table, direction: str) -> None:
    assert table.titles(sorts=[{"property": "Num", "direction": direction}])[-1] == ""


def test_the_first_sort_has_priority(table: Table) -> None:
    for title, number, text in (("a", 1, "y"), ("b", 1, "x"), ("c", 0, "z")):
        table.add(title, num=number, text=plain(text))
    only = {"or": [leaf("Name", "title", "equals", one) for one in "abc"]}
    sorts = [{"property": "Num", "direction": "ascending"}, {"property": "Text", "direction": "ascending"}]
    assert table.titles(only, sorts) == ["c", "b", "a"]


def test_timestamps_sort_to_the_millisecond(table: Table) -> None:
    table.add("b", at=NOW + 2)
    table.add("a", at=NOW + 1)
    created = table.titles(sorts=[{"timestamp": "created_time", "direction": "ascending"}])
    assert created == ["", "full", "a", "b"]
    assert table.titles(sorts=[{"timestamp": "last_edited_time", "direction": "descending"}])[:2] == [
        "b",
        "a",
    ]


BAD_SORTS = [
    ([{"property": "Colour"}], "Could not find sort property with name or id: Colour"),
    (
        [{"timestamp": "made"}],
        (
            'body failed validation: body.sorts[0].timestamp should be `"created_time"` or `"last_edited_time"`, '
            'instead was `"made"`.'
        ),
    ),
    (
        [{"property": "Num", "direction": "up"}],
        'body failed validation: body.sorts[0].direction should be `"ascending"` or `"descending"`, instead was `"up"`.',
    ),
    ([1], "body failed validation: body.sorts[0] should be an object, instead was `1`."),
    (
        {"property": "Num"},
        'body failed validation: body.sorts should be an array, instead was `{"property":"Num"}`.',
    ),
]


@pytest.mark.parametrize(("sorts", "message"), BAD_SORTS, ids=str)
def test_a_wrong_sort_is_refused_in_notions_words(table: Table, sorts: Any, message: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        table.titles(sorts=sorts)
    assert str(refusal.value) == message


# Any filter


def grown() -> st.SearchStrategy[Any]:
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5)
    )
    keys = st.sampled_from(
        [
            "and",
            "or",
            "property",
            "timestamp",
            "number",
            "rich_text",
            "formula",
            "rollup",
            "any",
            "equals",
            "date",
            "x",
        ]
    ) | st.text(max_size=3)
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
    )


TABLE = Table()


@given(grown(), grown())
def test_garbage_is_refused_and_never_breaks(filter: Any, sorts: Any) -> None:
    with suppress(ValidationFailed):
        assert isinstance(TABLE.titles(filter, sorts), list)


FILTERS = [one for one, _ in LEAVES]


@given(st.sampled_from(FILTERS), st.sampled_from(FILTERS))
def test_and_is_the_intersection_and_or_the_union(one: Json, other: Json) -> None:
    first, second = set(TABLE.titles(one)), set(TABLE.titles(other))
    assert set(TABLE.titles({"and": [one, other]})) == first & second
    assert set(TABLE.titles({"or": [one, other]})) == first | second
