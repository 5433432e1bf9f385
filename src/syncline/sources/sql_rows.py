"""Reading the rows of a mapped table: streamed, with what link tables say of them, in the plain forms of a mapping."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from sqlalchemy import ColumnClause, Select, column, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.mapped_values import PropertyType, Span, Unfit, Value, from_column, key_text
from syncline.core.mapping import LinkTable, MappedColumn, MappedTable, Row
from syncline.sources.sql_statements import bound, keyed, parameter, relation, selection

__all__ = ["BATCH", "duplicates", "linked", "one", "read", "row"]

BATCH: Final = 500
"""Rows that are read, and keys that are asked for, at once."""

_SHOWN: Final = 10

Links = Mapping[str, Mapping[str, tuple[str, ...]]]
"""By property, then by key of the row: the keys of the others."""


async def read(
    conn: AsyncConnection,
    mapped: MappedTable,
    *,
    zone: tzinfo,
    keys: Collection[str] | None = None,
    since: datetime | None = None,
) -> AsyncIterator[list[Row]]:
    """The rows in the order of their keys, so many at once; those with `keys` alone, or those changed at `since` or later."""
    if keys is None:
        statement, values = _since(mapped, since, zone, dialect=conn.dialect.name)
        async for batch in _streamed(conn, mapped, statement, values, zone=zone):
            yield batch
        return
    wanted = sorted(keys)
    for start in range(0, len(wanted), BATCH):
        condition, values = keyed(mapped.key.column, wanted[start : start + BATCH], dialect=conn.dialect.name)
        statement = selection(mapped).where(condition)
        async for batch in _streamed(conn, mapped, statement, values, zone=zone):
            yield batch


async def one(
    conn: AsyncConnection,
    mapped: MappedTable,
    key: str,
    *,
    zone: tzinfo,
    statement: Select[Any] | None = None,
) -> Row | None:
    """The row with this key. `statement` is its selection where that is to lock it."""
    chosen = selection(mapped) if statement is None else statement
    condition, values = keyed(mapped.key.column, [key], dialect=conn.dialect.name)
    found = (await conn.execute(chosen.where(condition), values)).mappings().first()
    if found is None:
        return None
    return row(mapped, found, await linked(conn, mapped, [key]), zone=zone)


async def duplicates(conn: AsyncConnection, mapped: MappedTable) -> list[str]:
    """Some keys that more than one row has."""
    key: ColumnClause[Any] = column(mapped.key.column)
    rows = selection(mapped).order_by(None).subquery()
    again = select(rows.c[key.name]).group_by(rows.c[key.name]).having(func.count() > 1).limit(_SHOWN)
    return [text for raw in (await conn.scalars(again)).all() if (text := key_text(raw)) is not None]


async def linked(conn: AsyncConnection, mapped: MappedTable, keys: Sequence[str]) -> Links:
    """What link tables say of the rows with `keys`, of which there are at most `BATCH`."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for each in mapped.columns:
        if each.through is not None:
            found[each.property] = await _pairs(conn, each.through, keys)
    return found


async def _pairs(conn: AsyncConnection, link: LinkTable, keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
    own: ColumnClause[Any] = column(link.own)
    other: ColumnClause[Any] = column(link.other)
    condition, values = keyed(link.own, keys, dialect=conn.dialect.name)
    statement = select(own, other).select_from(relation(link.table)).where(condition).order_by(own, other)
    pairs: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for left, right in await conn.execute(statement, values):
        key, others = key_text(left), key_text(right)
        if key is not None and others is not None:
            pairs[key][others] = None
    return {key: tuple(others) for key, others in pairs.items()}


def _since(
    mapped: MappedTable, since: datetime | None, zone: tzinfo, *, dialect: str
) -> tuple[Select[Any], dict[str, Any]]:
    statement = selection(mapped)
    if since is None or mapped.changed is None:
        return statement, {}
    # SQLite compares texts: one without an offset is never behind the same moment with one.
    moment = since if dialect == "postgresql" else since.astimezone(zone).replace(tzinfo=None)
    values = {"syncline_since": bound(moment, dialect=dialect)}
    return statement.where(column(mapped.changed) >= parameter("syncline_since")), values


async def _streamed(
    conn: AsyncConnection,
    mapped: MappedTable,
    statement: Select[Any],
    values: Mapping[str, Any],
    *,
    zone: tzinfo,
) -> AsyncIterator[list[Row]]:
    """A server-side cursor: what is not read yet stays in the database."""
    result = await conn.stream(statement, values)
    try:
        async for part in result.mappings().partitions(BATCH):
            keys = [text for each in part if (text := key_text(each[mapped.key.column])) is not None]
            links = await linked(conn, mapped, keys)
            yield [row(mapped, each, links, zone=zone) for each in part]
    finally:
        await result.close()


def row(mapped: MappedTable, found: Mapping[str, Any], links: Links, *, zone: tzinfo) -> Row:
    """A row as a mapping sees it, from its columns and what link tables say."""
    key = key_text(found[mapped.key.column])
    values: dict[str, Value] = {}
    problems: dict[str, str] = {}
    for each in mapped.columns:
        try:
            values[each.property] = _value(each, key, found, links, zone)
        except Unfit as error:
            problems[each.property] = str(error)
    changed = found[mapped.changed] if mapped.changed else None
    return Row(
        key=key or "",
        values=values,
        body=None if mapped.body is None else str(found[mapped.body] or ""),
        changed_at=_changed(changed, zone),
        problems=problems,
        excluded=_excluded(mapped, found, key),
    )


def _value(
    each: MappedColumn, key: str | None, found: Mapping[str, Any], links: Links, zone: tzinfo
) -> Value:
    if each.through is not None:
        return links[each.property].get(key or "") or None
    return from_column(each.type, found[each.column], zone=zone)


def _changed(raw: Any, zone: tzinfo) -> datetime | None:
    """A row's time of change; one that is no time says nothing."""
    try:
        span = from_column(PropertyType.DATE, raw, zone=zone)
    except Unfit:
        return None
    start = span.start if isinstance(span, Span) else None
    return start if isinstance(start, datetime) else None


def _excluded(mapped: MappedTable, found: Mapping[str, Any], key: str | None) -> str | None:
    if key is None:
        return f"the column {mapped.key.column} is empty"
    for each in mapped.exclude:
        if key_text(found[each.column]) in each.values:
            return f"{each.column} is {key_text(found[each.column])}"
    return None
