"""Writing rows: only mapped columns are touched, and only if the row is still as it was seen.

What a table cannot take (a reference to nothing, an empty value where there must be one) is a refusal of that row, with
the database's own words; the other rows of the transaction stay.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from sqlalchemy import Insert, Select, Update, column, delete, func, insert, select, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import Skip
from syncline.core.mapped_values import ColumnType, Unfit, Value, comparable, from_column, key_text, to_column
from syncline.core.mapping import LinkTable, MappedTable, Row
from syncline.core.schema import CatalogueTable
from syncline.sources import sql_rows
from syncline.sources.sql_statements import (
    bound,
    castable,
    free_columns,
    keyed,
    parameter,
    relation,
    selection,
)

__all__ = [
    "Moved",
    "Place",
    "Refusal",
    "check_values",
    "insert_row",
    "next_key",
    "numbers",
    "remove_row",
    "update_row",
]


class Moved(Skip):
    """The row is no longer as it was seen, or not there."""


class Refusal(Skip):
    """The table does not take this row; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """A mapped table, what the catalogue says of it, and the zone of its times without one."""

    mapped: MappedTable
    table: CatalogueTable
    zone: tzinfo
    dialect: str

    def type(self, name: str) -> ColumnType:
        """What the column `name` holds."""
        found = self.table.column(name)
        return ColumnType.ANY if found is None else found.type

    def column_value(self, name: str, value: Value) -> Any:
        """`value` as the driver takes it for the column `name`. Raises Refusal."""
        try:
            taken = to_column(self.type(name), value, zone=self.zone)
        except Unfit as error:
            raise Refusal(f"{name}: {error}") from error
        return bound(taken, dialect=self.dialect)


def check_values(place: Place, values: Mapping[str, Value], *, key: str | None = None) -> None:
    """Raises Refusal for what the columns cannot hold; what else the table refuses only it knows."""
    _split(place, values)
    if key is not None:
        place.column_value(place.mapped.key.column, key)


async def update_row(
    conn: AsyncConnection,
    place: Place,
    key: str,
    values: Mapping[str, Value],
    *,
    expected: Mapping[str, Value] | None = None,
) -> Row:
    """Change the columns of the properties in `values`, and return the row as it is then.

    With `expected`, by property, only if these are still so. Raises Moved, Refusal.
    """
    held = await _locked(conn, place, key)
    if held is None or not _as_expected(held, expected):
        raise Moved
    changed = {
        name: value
        for name, value in values.items()
        if not _same(held.values.get(name), _as_held(place, name, value))
    }
    columns, links = _split(place, changed)
    async with _guarded(conn):
        if columns:
            condition, at = keyed(place.mapped.key.column, [key], dialect=place.dialect)
            await conn.execute(_update(place, columns).where(condition), _parameters(columns) | at)
        for link, others in links:
            await _relink(conn, place, link, key, others)
    return await _read(conn, place, key) if changed else held


async def insert_row(
    conn: AsyncConnection, place: Place, key: str | None, values: Mapping[str, Value]
) -> Row:
    """Add a row with `key` (None lets the table choose it), and return it. Raises Moved if the key is taken, Refusal."""
    if key is not None and await _locked(conn, place, key) is not None:
        raise Moved
    columns, links = _split(place, {name: value for name, value in values.items() if value is not None})
    if key is not None:
        columns[place.mapped.key.column] = place.column_value(place.mapped.key.column, key)
    async with _guarded(conn):
        chosen = await conn.scalar(_insert(place, columns), _parameters(columns))
        made = str(chosen)
        for link, others in links:
            await _relink(conn, place, link, made, others)
    return await _read(conn, place, made)


async def remove_row(
    conn: AsyncConnection, place: Place, key: str, *, expected: Mapping[str, Value] | None = None
) -> None:
    """Delete a row, and what link tables say of it. Raises Moved, Refusal (as where another table refers to it)."""
    held = await _locked(conn, place, key)
    if held is None or not _as_expected(held, expected):
        raise Moved
    async with _guarded(conn):
        for each in place.mapped.columns:
            if each.through is not None:
                await _relink(conn, place, each.through, key, ())
        condition, at = keyed(place.mapped.key.column, [key], dialect=place.dialect)
        await conn.execute(delete(_table(place)).where(condition), at)


async def next_key(conn: AsyncConnection, place: Place) -> str | None:
    """A key that the next row may have; None where the table does not number its rows. On PostgreSQL nobody else gets it."""
    name = place.mapped.key.column
    if not await numbers(conn, place):
        return None
    if place.dialect == "postgresql":
        return str(await conn.scalar(select(func.nextval(_sequence(place)))))
    highest = await conn.scalar(select(func.max(column(name))).select_from(relation(_name(place))))
    return str(int(highest or 0) + 1)


async def numbers(conn: AsyncConnection, place: Place) -> bool:
    """Whether the table numbers its rows."""
    if place.type(place.mapped.key.column) is not ColumnType.INTEGER:
        return False
    return place.dialect == "sqlite" or await conn.scalar(select(_sequence(place))) is not None


# --- statements ---------------------------------------------------------------------------------------------------


def _name(place: Place) -> str:
    return place.mapped.table or place.mapped.name


def _quoted(place: Place) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in _name(place).split("."))


def _sequence(place: Place) -> Any:
    return func.pg_get_serial_sequence(_quoted(place), place.mapped.key.column)


def _table(place: Place, *names: str) -> Any:
    return relation(_name(place), *(column(name) for name in (names or free_columns(place.mapped))))


def _parameters(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {f"syncline_{n}": value for n, value in enumerate(columns.values())}


def _set(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: parameter(f"syncline_{n}") for n, name in enumerate(columns)}


def _update(place: Place, columns: Mapping[str, Any]) -> Update:
    return update(_table(place, *columns)).values(_set(columns))


def _insert(place: Place, columns: Mapping[str, Any]) -> Any:
    key = place.mapped.key.column
    target = _table(place, *dict.fromkeys([*columns, key]))
    statement: Insert = insert(target).values(_set(columns))
    return statement.returning(target.c[key])


async def _locked(conn: AsyncConnection, place: Place, key: str) -> Row | None:
    if not castable(key, place.type(place.mapped.key.column)):
        return None
    statement: Select[Any] = selection(place.mapped)
    if place.dialect == "postgresql":
        statement = statement.with_for_update()
    return await sql_rows.one(conn, place.mapped, key, zone=place.zone, statement=statement)


async def _read(conn: AsyncConnection, place: Place, key: str) -> Row:
    found = await sql_rows.one(conn, place.mapped, key, zone=place.zone)
    if found is None:
        raise Refusal(f"the row {key} is not among those that the mapping selects")
    return found


def _as_expected(held: Row, expected: Mapping[str, Value] | None) -> bool:
    return all(_same(held.values.get(name), value) for name, value in (expected or {}).items())


def _as_held(place: Place, name: str, value: Value) -> Value:
    """What would be read of `value` once its column held it: a day cannot be told from its midnight, say."""
    each = place.mapped.of_property(name)
    if each is None or each.through is not None:
        return value
    try:
        held = to_column(place.type(each.column), value, zone=place.zone)
        return from_column(each.type, held, zone=place.zone)
    except Unfit:
        return value


def _same(one: Value, other: Value) -> bool:
    return _plain(one) == _plain(other)


def _plain(value: Value) -> object:
    """Neither side can tell these apart: no text, an empty list, an unchecked box."""
    return None if value is None or value is False or value in ("", ()) else comparable(value)


def _split(
    place: Place, values: Mapping[str, Value]
) -> tuple[dict[str, Any], list[tuple[LinkTable, tuple[str, ...]]]]:
    """What goes into columns, and what into link tables. Raises Refusal."""
    columns: dict[str, Any] = {}
    links: list[tuple[LinkTable, tuple[str, ...]]] = []
    single = {each.column for each in place.table.foreign_keys}
    for name, value in values.items():
        each = place.mapped.of_property(name)
        if each is None or each.column == place.mapped.key.column:
            continue
        if each.through is not None:
            links.append((each.through, value if isinstance(value, tuple) else ()))
            continue
        if each.column in single and isinstance(value, tuple) and len(value) > 1:
            raise Refusal(f"{each.column}: it holds one key, and the page names {len(value)}")
        columns[each.column] = place.column_value(each.column, None if value in ("", ()) else value)
    return columns, links


async def _relink(
    conn: AsyncConnection, place: Place, link: LinkTable, key: str, others: Sequence[str]
) -> None:
    """Let the link table say exactly `others` of the row."""
    pairs = relation(link.table, column(link.own), column(link.other))
    condition, at = keyed(link.own, [key], dialect=place.dialect)
    found = await conn.scalars(select(pairs.c[link.other]).where(condition), at)
    held = {other for raw in found if (other := key_text(raw)) is not None}
    gone = sorted(held - set(others))
    if gone:
        of_others, those = keyed(link.other, gone, dialect=place.dialect, prefix="syncline_other")
        await conn.execute(delete(pairs).where(condition, of_others), at | those)
    added = [other for other in others if other not in held]
    if added:
        pair = {link.own: parameter("syncline_own"), link.other: parameter("syncline_other")}
        rows = [{"syncline_own": key, "syncline_other": other} for other in added]
        await conn.execute(insert(pairs).values(pair), rows)


@asynccontextmanager
async def _guarded(conn: AsyncConnection) -> AsyncIterator[None]:
    """What the table refuses leaves the rest of the transaction as it is."""
    try:
        async with conn.begin_nested():
            yield
    except (IntegrityError, DataError) as error:
        raise Refusal(" ".join(str(error.orig).split()).rstrip(".")) from error
