"""A mapped table, its rows and its pages, as small as they go: what the tests of planning share."""

from collections.abc import Mapping
from typing import Any

from syncline.core.mapped_values import PropertyType, Value, values_hash
from syncline.core.mapping import Key, MappedColumn, MappedTable, Row, Target
from syncline.core.matching import Side, row_values
from syncline.core.plan import Indexed, Link, Plan
from syncline.core.planning import plan

T = PropertyType


def table(name: str = "people", **more: Any) -> MappedTable:
    columns = (
        MappedColumn("name", "Name", T.TITLE),
        MappedColumn("role", "Role", T.SELECT),
        MappedColumn("age", "Age", T.NUMBER),
        MappedColumn("tags", "Tags", T.MULTI_SELECT),
        MappedColumn("done", "Done", T.CHECKBOX),
        MappedColumn("boss", "Boss", T.RELATION, relation=name),
        MappedColumn("team", "Team", T.PEOPLE),
    )
    values: dict[str, Any] = {"database": Target(id="x"), "key": Key("id"), "columns": columns}
    return MappedTable(name, **values | more)


EMPTY: Mapping[str, Value] = {
    "Name": None, "Role": None, "Age": None, "Tags": None, "Done": False, "Boss": None, "Team": None
}  # fmt: skip


def row(key: str, body: str | None = None, **values: Any) -> Row:
    return Row(key, {**EMPTY, "Name": key, **values}, body=body)


def page(key: str | None, *, identity: str | None = None, **values: Any) -> Indexed:
    """A page; by default the page ``page-KEY`` that shows just what a row of that key has."""
    held = {**EMPTY, "Name": key, "External ID": key, **values}
    return Indexed(identity or f"page-{key}", key, held, values_hash(held))


def linked(mapped: MappedTable, of: Row, shown: Indexed, **more: Any) -> Link:
    """The link of a row that was pushed to its page."""
    written = values_hash(row_values(mapped, of, T.RICH_TEXT))
    return Link(**{"key": of.key, "page": shown.page, "written": written, "seen": shown.hash} | more)


def side(
    rows: list[Row] | None = None,
    pages: list[Indexed] | None = None,
    links: list[Link] | None = None,
    *,
    mapped: MappedTable | None = None,
    **more: Any,
) -> Side:
    return Side(mapped or table(), rows or [], pages or [], {one.key: one for one in links or []}, **more)


def planned(*sides: Side) -> Plan:
    return plan("crew", sides, against="a")
