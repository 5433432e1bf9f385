"""Fills typed tables from the raw JSON of their rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, delete, insert, select

from syncline.core.model import Json
from syncline.destinations.sql_alter import columns_of, execute, relations
from syncline.destinations.sql_catalogue import remember
from syncline.destinations.sql_columns import Shape, cells, computed, joined, observed, targets
from syncline.destinations.sql_schema import KEY, Plan, TableBinding, reshaped
from syncline.destinations.sql_tables import link_table, pages, typed_table, upsert
from syncline.notion.values import PlainValue, properties

__all__ = ["Row", "fill", "parsed", "remove", "write"]

Row: TypeAlias = tuple[str, Mapping[str, PlainValue]]
"""A page's id and its plain values by property id."""

_CHUNK = 1000


def parsed(page_id: str, data: Json) -> Row:
    """The row that a page is."""
    return page_id, {cell.id: cell.plain for cell in properties(data).values()}


def write(conn: Connection, binding: TableBinding, rows: Sequence[Row]) -> None:
    """Write `rows`; where their results need wider columns, all rows again."""
    shapes = _widened(binding, rows)
    if shapes:
        _reshape(conn, binding, shapes)
    else:
        _upsert(conn, binding, rows)


def fill(conn: Connection, binding: TableBinding) -> None:
    """Derive every row of the table from the raw JSON that `pages` holds."""
    shapes: dict[str, Shape] = {}
    if any(computed(column.type) for column in binding.columns):
        for rows in _stored(conn, binding.data_source_id):
            shapes |= _widened(binding, rows, shapes)
    if shapes:
        _reshape(conn, binding, shapes)
        return
    for rows in _stored(conn, binding.data_source_id):
        _upsert(conn, binding, rows)


def remove(conn: Connection, binding: TableBinding, page_ids: Sequence[str]) -> None:
    """Remove rows with their links."""
    table = typed_table(binding)
    conn.execute(delete(table).where(table.c[KEY].in_(page_ids)))
    for column in binding.columns:
        if column.links:
            _unlink(conn, column.links, page_ids)


def _reshape(conn: Connection, binding: TableBinding, shapes: Mapping[str, Shape]) -> None:
    plan: Plan = reshaped(binding, shapes, tables=relations(conn), columns=columns_of(conn, binding.name))
    execute(conn, plan.steps)
    remember(conn, plan.binding)
    fill(conn, plan.binding)


def _widened(
    binding: TableBinding, rows: Sequence[Row], known: Mapping[str, Shape] | None = None
) -> dict[str, Shape]:
    """The shapes, by property id, of those computed columns that are too narrow for `rows`."""
    wider: dict[str, Shape] = {}
    for column in binding.columns:
        if computed(column.type):
            held = (known or {}).get(column.property_id, column.shape)
            needed = held
            for _, values in rows:
                needed = joined(needed, observed(values.get(column.property_id)))
            if needed is not held:
                wider[column.property_id] = needed
    return wider


def _stored(conn: Connection, data_source_id: str) -> Iterator[list[Row]]:
    """The live rows of a data source, some at a time."""
    last = ""
    live = (pages.c.data_source_id == data_source_id) & pages.c.deleted_at.is_(None)
    while True:
        query = (
            select(pages.c.id, pages.c.raw).where(live, pages.c.id > last).order_by(pages.c.id).limit(_CHUNK)
        )
        found = conn.execute(query).all()
        if not found:
            return
        yield [parsed(key, raw) for key, raw in found]
        last = found[-1][0]


def _upsert(conn: Connection, binding: TableBinding, rows: Sequence[Row]) -> None:
    if not rows:
        return
    conn.execute(upsert(typed_table(binding), conn.dialect.name), [_flat(binding, row) for row in rows])
    for column in binding.columns:
        if column.links:
            _unlink(conn, column.links, [key for key, _ in rows])
            linked = list(_linked(rows, column.property_id))
            if linked:
                conn.execute(insert(link_table(column.links)), linked)


def _flat(binding: TableBinding, row: Row) -> dict[str, Any]:
    key, values = row
    flat: dict[str, Any] = {KEY: key}
    for column in binding.columns:
        flat.update(zip(column.columns, cells(values.get(column.property_id), column.shape), strict=True))
    return flat


def _linked(rows: Iterable[Row], property_id: str) -> Iterator[dict[str, Any]]:
    for key, values in rows:
        for position, target in enumerate(targets(values.get(property_id))):
            yield {"from_id": key, "position": position, "to_id": target}


def _unlink(conn: Connection, name: str, page_ids: Sequence[str]) -> None:
    links = link_table(name)
    conn.execute(delete(links).where(links.c.from_id.in_(page_ids)))
