"""Rows of a data source, filtered and sorted as a query asks.

The filter is compiled once into one predicate on a row, so that 12,000 rows cost one call each. Grammar:
https://developers.notion.com/reference/filter-data-source-entries and
https://developers.notion.com/reference/sort-data-source-entries. Without sorts the newest row comes first; empty
values sort last in both directions (recorded, and the default chosen for what no recording shows).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import unquote

from notion_emulator.clock import MINUTE
from notion_emulator.conditions import ACCEPTED, Context, comparable, condition, failed, single
from notion_emulator.errors import ValidationFailed
from notion_emulator.objects import DataSource, Page

__all__ = ["Value", "compile_filter", "compile_sorts", "select"]

Json = dict[str, Any]
Value = Callable[[Page, Json], Any]
Rows = list[Page]
RowPredicate = Callable[[Page], bool]

TIMESTAMPS = ("created_time", "last_edited_time")
DEPTH = 2  # compound filters within compound filters
# What a filter may be, in the order in which Notion lists it where nothing of it is there.
LEAF_KEYS = (
    "title", "rich_text", "number", "checkbox", "select", "multi_select", "status", "date", "people", "files", "url",
    "email", "phone_number", "relation", "created_by", "created_time", "last_edited_by", "last_edited_time", "formula",
    "unique_id", "rollup", "verification",
)  # fmt: skip
FORMULA_KEYS = ("string", "checkbox", "number", "date")
ROLLUP_KEYS = ("any", "every", "none", "number", "date")
# What the items of a rollup may be filtered by, with the property types that each reads.
ITEM_KEYS: dict[str, frozenset[str]] = {
    "rich_text": frozenset({"title", "rich_text", "url", "email", "phone_number"}),
    "number": frozenset({"number", "unique_id"}),
    "checkbox": frozenset({"checkbox"}),
    "select": frozenset({"select"}),
    "multi_select": frozenset({"multi_select"}),
    "relation": frozenset({"relation"}),
    "date": frozenset({"date", "created_time", "last_edited_time"}),
    "people": frozenset({"people", "created_by", "last_edited_by"}),
    "files": frozenset({"files"}),
    "status": frozenset({"status"}),
}
QUANTIFIERS: dict[str, Callable[[Iterable[bool]], bool]] = {
    "any": any,
    "every": all,
    "none": lambda results: not any(results),
}


def select(
    rows: Iterable[Page],
    source: DataSource,
    *,
    value: Value,
    now: int,
    filter: Json | None = None,
    sorts: Sequence[Json] | None = None,
    me: str | None = None,
) -> Rows:
    """The rows that match, in order; ``rows`` come in the order of their making and without those in the trash.

    ``value(row, entry)`` is the bare value of a property, computed types included; ``now`` is in milliseconds; ``me``
    is the person whom ``"me"`` names, None for an internal connection, which is nobody. Raises ValidationFailed.
    """
    keep = (
        compile_filter(filter, source, value=value, context=Context(now, me)) if filter is not None else None
    )
    order = compile_sorts(sorts or (), source, value=value)
    found = list(rows) if keep is None else [row for row in rows if keep(row)]
    found.sort(key=lambda row: row.created)  # a row that was moved here stands by its age
    found.reverse()
    for step in reversed(order):
        found = step(found)
    return found


# Filters


def compile_filter(
    body: Any, source: DataSource, *, value: Value, context: Context, path: str = "body.filter"
) -> RowPredicate:
    """One predicate on a row. Raises ValidationFailed, also where the schema has no such property."""
    return _Compiler(source, value, context).node(body, path, 0)


class _Compiler:
    """Turns the nodes of one filter into predicates."""

    def __init__(self, source: DataSource, value: Value, context: Context) -> None:
        self.source = source
        self.value = value
        self.context = context

    def node(self, body: Any, path: str, depth: int) -> RowPredicate:
        if not isinstance(body, dict):
            raise failed(path, "an object", value=body)
        for key in ("or", "and"):
            if key in body:
                return self.compound(key, body, path, depth)
        if "timestamp" in body:
            return self.timestamp(body, path)
        return self.leaf(body, path)

    def compound(self, key: str, body: Json, path: str, depth: int) -> RowPredicate:
        if depth == DEPTH:
            raise failed(f"{path}.{key}", "not present", value=body[key])
        single(body, path, {key: None})
        parts = body[key]
        if not isinstance(parts, list):
            raise failed(f"{path}.{key}", "an array", value=parts)
        if len(parts) > 100:
            raise failed(f"{path}.{key}.length", "≤ `100`", value=len(parts))
        tests = [self.node(part, f"{path}.{key}[{place}]", depth + 1) for place, part in enumerate(parts)]
        if key == "and":
            return lambda row: all(test(row) for test in tests)
        return lambda row: not tests or any(test(row) for test in tests)

    def timestamp(self, body: Json, path: str) -> RowPredicate:
        name = body["timestamp"]
        if name not in TIMESTAMPS:
            raise failed(f"{path}.timestamp", *(f'`"{one}"`' for one in TIMESTAMPS), value=name)
        rest = {key: one for key, one in body.items() if key not in ("timestamp", "type")}
        key, inner = single(rest, path, {name: None})
        test = condition(key, inner, f"{path}.{key}", self.context)
        read = _moment(name)
        return lambda row: test(read(row))

    def leaf(self, body: Json, path: str) -> RowPredicate:
        rest = {key: one for key, one in body.items() if key not in ("property", "type")}
        if not any(key in rest for key in LEAF_KEYS):
            single(rest, path, dict.fromkeys(("or", "and", *LEAF_KEYS)))
        key, inner = single(rest, path, dict.fromkeys(LEAF_KEYS))
        name = body.get("property")
        if not isinstance(name, str):
            raise failed(f"{path}.property", "a string", value=name)
        entry = _entry(self.source, name)
        if entry is None:
            raise ValidationFailed(f"Could not find property with name or id: {name}")
        build = {"formula": self.formula, "rollup": self.rollup}.get(key, self.plain)
        return build(entry, key, inner, f"{path}.{key}")

    def plain(self, entry: Json, key: str, body: Any, path: str) -> RowPredicate:
        test = condition(key, body, path, self.context)
        _match(entry, key)
        read = _reader(entry, self.value)
        return lambda row: test(read(row))

    def formula(self, entry: Json, key: str, body: Any, path: str) -> RowPredicate:
        kind, inner = single(body, path, dict.fromkeys(FORMULA_KEYS))
        test = condition(kind, inner, f"{path}.{kind}", self.context)
        _match(entry, key)
        wanted = "boolean" if kind == "checkbox" else kind
        empty: Any = {"string": "", "boolean": False}.get(wanted)

        def check(row: Page) -> bool:
            result = self.value(row, entry)
            found = result.get(wanted) if result and result["type"] == wanted else None
            return test(_formula_value(wanted, found) if found is not None else empty)

        return check

    def rollup(self, entry: Json, key: str, body: Any, path: str) -> RowPredicate:
        how, inner = single(body, path, dict.fromkeys(ROLLUP_KEYS))
        if how in ("number", "date"):
            return self.aggregate(entry, how, inner, f"{path}.{how}")
        kind, operation = single(inner, f"{path}.{how}", dict.fromkeys(ITEM_KEYS))
        test = condition(kind, operation, f"{path}.{how}.{kind}", self.context)
        _match(entry, key)
        types, quantify = ITEM_KEYS[kind], QUANTIFIERS[how]

        def check(row: Page) -> bool:
            result = self.value(row, entry)
            items = result["array"] if result and result["type"] == "array" else ()
            return quantify(
                test(comparable(item["type"], item[item["type"]])) for item in items if item["type"] in types
            )

        return check

    def aggregate(self, entry: Json, kind: str, body: Any, path: str) -> RowPredicate:
        test = condition(kind, body, path, self.context)
        _match(entry, "rollup")

        def check(row: Page) -> bool:
            result = self.value(row, entry)
            return test(comparable(kind, result[kind]) if result and result["type"] == kind else None)

        return check


def _formula_value(kind: str, found: Any) -> Any:
    return comparable("date", found) if kind == "date" else found


def _match(entry: Json, key: str) -> None:
    """Refuse a filter of another type than the property's."""
    if key not in ACCEPTED.get(entry["type"], frozenset()):
        raise ValidationFailed(
            "The property type in the database does not match the property type of the filter provided: "
            f"database property {entry['type']} does not match filter {key}"
        )


def _entry(source: DataSource, name: str) -> Json | None:
    """The schema entry of a name, an id, or a percent-encoded id."""
    return source.property(name) or source.property(unquote(name))


def _moment(name: str) -> Callable[[Page], int]:
    """A timestamp of a row as filters see it: rounded down to the minute."""
    if name == "created_time":
        return lambda row: row.created - row.created % MINUTE
    return lambda row: row.edited - row.edited % MINUTE


def _reader(entry: Json, value: Value) -> Callable[[Page], Any]:
    """How a property is read from a row in comparable form."""
    kind = entry["type"]
    if kind in TIMESTAMPS:
        return _moment(kind)
    if kind == "created_by":
        return lambda row: [row.created_by]
    if kind == "last_edited_by":
        return lambda row: [row.edited_by]
    return lambda row: comparable(kind, value(row, entry))


# Sorts


def compile_sorts(
    sorts: Any, source: DataSource, *, value: Value, path: str = "body.sorts"
) -> list[Callable[[Rows], Rows]]:
    """One stable sorting step for each sort, the first has priority. Raises ValidationFailed."""
    if not isinstance(sorts, list | tuple):
        raise failed(path, "an array", value=sorts)
    return [_step(one, source, value, f"{path}[{place}]") for place, one in enumerate(sorts)]


def _step(sort: Any, source: DataSource, value: Value, path: str) -> Callable[[Rows], Rows]:
    if not isinstance(sort, dict):
        raise failed(path, "an object", value=sort)
    direction = sort.get("direction", "ascending")
    if direction not in ("ascending", "descending"):
        raise failed(f"{path}.direction", '`"ascending"`', '`"descending"`', value=direction)
    what, name = single(
        {key: one for key, one in sort.items() if key != "direction"}, path, {"property": 0, "timestamp": 0}
    )
    key = _timestamp_key(name, path) if what == "timestamp" else _property_key(name, source, value, path)
    return lambda rows: _sorted(rows, key, descending=direction == "descending")


def _sorted(rows: Rows, key: Callable[[Page], Any], *, descending: bool) -> Rows:
    """Sort by a key, rows without one last in either direction."""
    keyed = [(key(row), row) for row in rows]
    present = [pair for pair in keyed if pair[0] is not None]
    present.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in present] + [row for found, row in keyed if found is None]


def _timestamp_key(name: Any, path: str) -> Callable[[Page], Any]:
    if name not in TIMESTAMPS:
        raise failed(f"{path}.timestamp", *(f'`"{one}"`' for one in TIMESTAMPS), value=name)
    return (lambda row: row.created) if name == "created_time" else (lambda row: row.edited)


def _property_key(name: Any, source: DataSource, value: Value, path: str) -> Callable[[Page], Any]:
    if not isinstance(name, str):
        raise failed(f"{path}.property", "a string", value=name)
    entry = _entry(source, name)
    if entry is None:
        raise ValidationFailed(f"Could not find sort property with name or id: {name}")
    kind = entry["type"]
    if kind in TIMESTAMPS:
        return _timestamp_key(kind, path)
    rank = {
        option["name"]: place for place, option in enumerate((entry.get(kind) or {}).get("options") or ())
    }
    read = _reader(entry, value)
    return lambda row: _rank(kind, read(row), rank)


def _rank(kind: str, found: Any, options: dict[str, int]) -> Any:
    """What a value sorts by; None is empty. Options go by their place in the schema."""
    if kind in ("select", "status"):
        return None if found is None else options.get(found, len(options))
    if kind == "multi_select":
        return [options.get(name, len(options)) for name in found] or None
    if kind == "files":
        return [one.get("name", "") for one in found] or None
    if kind in ("formula", "rollup"):
        return _computed(found)
    if isinstance(found, str):
        return found.casefold() or None
    return (found or None) if isinstance(found, list) else _scalar(found)


def _scalar(found: Any) -> Any:
    return found if isinstance(found, int | float) else None


# Results of different kinds in one column: numbers, then texts, then what has parts.
def _computed(result: Any) -> tuple[int, Any] | None:
    if not result:
        return None
    kind = result["type"]
    found = result.get(kind)
    if kind == "date":
        return (0, comparable("date", found)) if found else None
    if kind == "array":
        return (2, len(found)) if found else None
    if isinstance(found, bool | int | float):
        return 0, found
    return (1, found.casefold()) if isinstance(found, str) and found else None
