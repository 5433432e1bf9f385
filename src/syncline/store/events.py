"""The event log: what happened to each connection, numbered without a gap in the order in which it was committed.

A number is drawn from the connection's row, which stays locked until the transaction ends: a reader who has seen one event has
seen all below it. Whoever follows the log therefore needs one number as its position, and can be told of news more often than
there is some, never less. On PostgreSQL a commit tells by NOTIFY on CHANNEL; a reader of SQLite looks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import NotFound
from syncline.core.event import Event
from syncline.store.tables import chunks, connections
from syncline.store.tables_events import events

__all__ = ["CHANNEL", "Bounds", "Logged", "aged", "append", "bounds", "heads", "last", "prune", "since"]

CHANNEL: Final = "syncline_events"
"""The channel of PostgreSQL's NOTIFY; the payload is the connection's id."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One event of the log."""

    connection_id: str
    seq: int
    kind: str
    at: datetime
    run_id: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the log holds of a connection: the events above `floor` up to `head`."""

    floor: int
    head: int


# Built once: to build a statement costs more than to execute it, and a pull logs with each batch.
_DRAW = (
    update(connections)
    .where(connections.c.id == bindparam("this"))
    .values(event_seq=connections.c.event_seq + bindparam("count"))
    .returning(connections.c.event_seq)
)
# PostgreSQL tells of it when the transaction commits.
_TOLD = _DRAW.returning(func.pg_notify(CHANNEL, connections.c.id))
_INSERT = insert(events)


async def append(
    conn: AsyncConnection, connection_id: str, happened: Sequence[Event], *, now: datetime
) -> int:
    """Log events in this order, in the transaction that made them true. Returns the last number.

    Raises NotFound if the connection is gone. Without events it does nothing and returns 0.
    """
    if not happened:
        return 0
    draw = _TOLD if conn.dialect.name == "postgresql" else _DRAW
    last: int | None = await conn.scalar(draw, {"this": connection_id, "count": len(happened)})
    if last is None:
        raise NotFound(f"There is no connection {connection_id}: it has been removed.")
    rows = [
        {
            "connection_id": connection_id,
            "seq": seq,
            "kind": str(event.kind),
            "at": now,
            "run_id": event.run_id,
            "data": dict(event.data),
        }
        for seq, event in enumerate(happened, last - len(happened) + 1)
    ]
    await conn.execute(_INSERT, rows)
    return last


async def since(conn: AsyncConnection, connection_id: str, after: int, limit: int) -> list[Logged]:
    """Up to `limit` events above the number `after`, in their order."""
    query = (
        select(events)
        .where(events.c.connection_id == connection_id, events.c.seq > after)
        .order_by(events.c.seq)
        .limit(limit)
    )
    return [Logged(**row) for row in (await conn.execute(query)).mappings()]


async def heads(conn: AsyncConnection, connection_ids: Iterable[str]) -> dict[str, int]:
    """The number of the last event of each connection that is there."""
    found: dict[str, int] = {}
    for part in chunks(sorted(connection_ids)):
        query = select(connections.c.id, connections.c.event_seq).where(connections.c.id.in_(part))
        found.update({key: seq for key, seq in await conn.execute(query)})  # noqa: C416 - rows are no pairs to mypy
    return found


async def bounds(conn: AsyncConnection, connection_id: str) -> Bounds:
    """What the log holds. Raises NotFound if the connection is gone."""
    lowest = select(func.min(events.c.seq)).where(events.c.connection_id == connection_id).scalar_subquery()
    query = select(lowest, connections.c.event_seq).where(connections.c.id == connection_id)
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"There is no connection {connection_id}: it has been removed.")
    oldest, head = row
    return Bounds(floor=head if oldest is None else oldest - 1, head=head)


async def last(conn: AsyncConnection, connection_id: str, run_id: str, kind: str) -> Logged | None:
    """The newest event of this kind of a run, if it is among the last few hundred of the connection."""
    head = select(connections.c.event_seq).where(connections.c.id == connection_id).scalar_subquery()
    recent = (events.c.connection_id == connection_id) & (events.c.seq > head - _RECENT)
    query = select(events).where(recent, events.c.run_id == run_id, events.c.kind == kind)
    row = (await conn.execute(query.order_by(events.c.seq.desc()).limit(1))).mappings().first()
    return None if row is None else Logged(**row)


_RECENT: Final = 500


async def aged(
    conn: AsyncConnection, *, before: datetime, after: str, limit: int
) -> tuple[list[str], str | None]:
    """Of the next `limit` connections behind the id `after` those whose oldest event happened `before`; the last id looked at, None at the end."""
    mine = events.c.connection_id == connections.c.id
    oldest = select(events.c.at).where(mine).order_by(events.c.seq).limit(1).scalar_subquery()
    query = select(connections.c.id, oldest.label("at")).where(connections.c.id > after)
    rows = (await conn.execute(query.order_by(connections.c.id).limit(limit))).all()
    found = [row.id for row in rows if row.at is not None and row.at < before]
    return found, rows[-1].id if rows else None


async def prune(conn: AsyncConnection, connection_id: str, *, before: datetime, limit: int) -> int:
    """Forget up to `limit` of the oldest events that happened `before`. Returns how many.

    The first event that is younger ends it, so that what is left has no gap, even where the clocks of two writers differ.
    """
    query = (
        select(events.c.seq, events.c.at)
        .where(events.c.connection_id == connection_id)
        .order_by(events.c.seq)
        .limit(limit)
    )
    last: int | None = None
    count = 0
    for seq, at in await conn.execute(query):
        if at >= before:
            break
        last, count = seq, count + 1
    if last is not None:
        await conn.execute(
            delete(events).where(events.c.connection_id == connection_id, events.c.seq <= last)
        )
    return count
