"""The change log of records, read through a filter, and shortened.

The log has one place for each record: that of its newest change. A reader who goes on behind the last number it has seen therefore gets
every record that changed since, once, in its latest state. Numbers are committed in their order (store.connections), so it misses none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Action, Kind, StoredRecord
from syncline.store import connections
from syncline.store.stored import STORED, stored_record
from syncline.store.tables import block_lists, chunks, documents, records, upsert
from syncline.store.tables import connections as connection_rows
from syncline.store.tables_events import floors, pruned

__all__ = ["Filter", "Listed", "floor", "forget", "head", "listed", "prune"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records to list; empty means all. `actions` is what last happened to them, `modified_after` when."""

    actions: tuple[Action, ...] = ()
    kinds: tuple[Kind, ...] = ()
    streams: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    modified_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A record of a listing. `pruned_at` is when its data was given up: it is empty then."""

    record: StoredRecord
    pruned_at: datetime | None


_PRUNED = (
    (pruned.c.connection_id == records.c.connection_id)
    & (pruned.c.kind == records.c.kind)
    & (pruned.c.key == records.c.key)
    & (pruned.c.seq == records.c.seq)
)
_AT = select(pruned.c.at).where(_PRUNED).correlate(records).scalar_subquery()
_LISTED = STORED.add_columns(_AT.label("pruned_at"))


async def listed(
    conn: AsyncConnection,
    connection_id: str,
    wanted: Filter,
    *,
    after: int,
    upto: int | None = None,
    limit: int,
) -> list[Listed]:
    """Up to `limit` records changed after the number `after`, `upto` another, in the order of their changes."""
    within = [records.c.connection_id == connection_id, records.c.seq > after, *_conditions(wanted)]
    if upto is not None:
        within.append(records.c.seq <= upto)
    query = _LISTED.where(*within).order_by(records.c.seq).limit(limit)
    return [Listed(stored_record(row), row["pruned_at"]) for row in (await conn.execute(query)).mappings()]


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    named = (
        (records.c.action, wanted.actions),
        (records.c.kind, wanted.kinds),
        (records.c.stream, wanted.streams),
        (records.c.key, wanted.keys),
    )
    conditions: list[ColumnElement[bool]] = [column.in_(values) for column, values in named if values]
    if wanted.modified_after is not None:
        conditions.append(records.c.changed_at > wanted.modified_after)
    return conditions


async def head(conn: AsyncConnection, connection_id: str) -> int:
    """The number of the connection's last change; 0 if it is gone."""
    query = select(connection_rows.c.seq).where(connection_rows.c.id == connection_id)
    return await conn.scalar(query) or 0


async def floor(conn: AsyncConnection, connection_id: str) -> int:
    """The change number up to which tombstones were forgotten; 0: none was."""
    query = select(floors.c.tombstones).where(floors.c.connection_id == connection_id)
    return await conn.scalar(query) or 0


async def prune(
    conn: AsyncConnection,
    connection_id: str,
    *,
    upto: int | None = None,
    before: datetime | None = None,
    streams: Sequence[str] = (),
    limit: int,
    now: datetime,
) -> int:
    """Give up the data of up to `limit` records that last changed `upto` a number and `before` a time. Returns how many.

    What was read of them stays otherwise: an unchanged record that is read again is unchanged, and has no data until it changes.
    """
    await connections.hold(conn, connection_id)
    bounds = [records.c.connection_id == connection_id, ~select(pruned.c.seq).where(_PRUNED).exists()]
    bounds += [records.c.stream.in_(streams)] if streams else []
    bounds += [records.c.seq <= upto] if upto is not None else []
    bounds += [records.c.changed_at < before] if before is not None else []
    query = select(records.c.kind, records.c.key, records.c.seq).where(*bounds)
    rows = (await conn.execute(query.order_by(records.c.seq).limit(limit))).all()
    for part in chunks(rows):
        these = tuple_(records.c.kind, records.c.key).in_([(row.kind, row.key) for row in part])
        mine = records.c.connection_id == connection_id
        await conn.execute(update(records).where(mine, these).values(data={}))
        given_up = [{**row._mapping, "connection_id": connection_id, "at": now} for row in part]  # noqa: SLF001 - SQLAlchemy's public name
        await conn.execute(upsert(conn, pruned), given_up)
    return len(rows)


async def forget(conn: AsyncConnection, connection_id: str, *, before: datetime, limit: int) -> int:
    """Forget up to `limit` of the oldest tombstones of records deleted `before`, content included. Returns how many."""
    await connections.hold(conn, connection_id)
    dead = (records.c.connection_id == connection_id) & (records.c.deleted_at < before)
    query = select(records.c.kind, records.c.key, records.c.seq).where(dead).order_by(records.c.seq)
    rows = (await conn.execute(query.limit(limit))).all()
    for part in chunks(rows):
        pairs = [(row.kind, row.key) for row in part]
        pages = [key for kind, key in pairs if kind == Kind.PAGE]
        for table in (records, pruned):
            these = tuple_(table.c.kind, table.c.key).in_(pairs)
            await conn.execute(delete(table).where(table.c.connection_id == connection_id, these))
        for table in (documents, block_lists):
            of_pages = (table.c.connection_id == connection_id) & table.c.page.in_(pages)
            await conn.execute(delete(table).where(of_pages))
    if rows:
        highest = max(rows[-1].seq, await floor(conn, connection_id))
        await conn.execute(upsert(conn, floors), {"connection_id": connection_id, "tombstones": highest})
    return len(rows)
