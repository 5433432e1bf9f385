"""Deliveries: what each endpoint is sent, in which order, and how the attempts went.

    waiting ──claim──▶ being sent ──▶ delivered
       ▲                  │  ╰──────▶ dead: all attempts failed
       ╰──── later ───────╯

Deliveries about one subject are sent one after the other: while one waits, the next does not leave. A claim runs out, so that what a
worker was sending when it died is sent by another one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import NotFound
from syncline.store.tables_deliveries import attempts, deliveries, endpoints

__all__ = [
    "Attempt",
    "Delivery",
    "State",
    "again",
    "attempt",
    "attempts_of",
    "claim",
    "counts",
    "due",
    "end",
    "hasten",
    "later",
    "listing",
    "one",
    "prune",
    "put",
]


class State(StrEnum):
    """How a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery. `body` is what is sent, to the byte; `id` is its ``webhook-id``, the same at every attempt.

    `trace` is the context (telemetry) of what caused it.
    """

    id: str
    endpoint_id: str
    connection_id: str
    serial: int
    type: str
    subject: str
    state: State
    created_at: datetime
    next_at: datetime
    claimed_until: datetime | None
    tries: int
    ended_at: datetime | None
    body: str
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt went: the status and the beginning of the answer, or what went wrong before there was one."""

    delivery_id: str
    number: int
    connection_id: str
    at: datetime
    milliseconds: int
    status: int | None
    error: str | None
    answer: str | None


_COLUMNS = [deliveries.c[field.name] for field in fields(Delivery)]


async def put(conn: AsyncConnection, new: Sequence[Delivery]) -> None:
    """Add deliveries."""
    if new:
        rows = [{field.name: getattr(each, field.name) for field in fields(Delivery)} for each in new]
        await conn.execute(insert(deliveries), rows)


def _due(now: datetime) -> list[ColumnElement[bool]]:
    """What may be sent now: nothing that somebody is sending, nor what stands behind another of its subject."""
    earlier = deliveries.alias()
    first = ~exists().where(
        earlier.c.endpoint_id == deliveries.c.endpoint_id,
        earlier.c.subject == deliveries.c.subject,
        earlier.c.state == State.WAITING,
        earlier.c.serial < deliveries.c.serial,
    )
    free = or_(deliveries.c.claimed_until.is_(None), deliveries.c.claimed_until <= now)
    # The first attempt is due whatever the clock says: it may have been put back since.
    ripe = or_(deliveries.c.tries == 0, deliveries.c.next_at <= now)
    return [deliveries.c.state == State.WAITING, ripe, free, first]


async def due(conn: AsyncConnection, *, now: datetime) -> list[tuple[str, bool]]:
    """The endpoints to which something is to be sent, each with whether it is failing."""
    query = (
        select(endpoints.c.id, endpoints.c.failing_since)
        .where(endpoints.c.enabled, exists().where(deliveries.c.endpoint_id == endpoints.c.id, *_due(now)))
        .order_by(endpoints.c.id)
    )
    return [(row.id, row.failing_since is not None) for row in await conn.execute(query)]


async def claim(
    conn: AsyncConnection, endpoint_id: str, *, now: datetime, until: datetime, limit: int
) -> list[Delivery]:
    """Take what is to be sent to an endpoint, the oldest first; nothing is given to two takers."""
    query = (
        select(deliveries.c.id)
        .where(deliveries.c.endpoint_id == endpoint_id, *_due(now))
        .order_by(deliveries.c.serial)
        .limit(limit)
        .with_for_update(skip_locked=True, of=deliveries)
    )
    ids = list(await conn.scalars(query))
    if not ids:
        return []
    # What another worker took between its commit and our look is not free any more.
    free = or_(deliveries.c.claimed_until.is_(None), deliveries.c.claimed_until <= now)
    taken = (
        update(deliveries)
        .where(deliveries.c.id.in_(ids), free, deliveries.c.state == State.WAITING)
        .values(claimed_until=until, tries=deliveries.c.tries + 1)
        .returning(*_COLUMNS)
    )
    rows = (await conn.execute(taken)).mappings()
    return sorted((_delivery(row) for row in rows), key=lambda each: each.serial)


async def attempt(conn: AsyncConnection, made: Attempt) -> None:
    """Note how an attempt went."""
    await conn.execute(insert(attempts), {field.name: getattr(made, field.name) for field in fields(Attempt)})


async def end(conn: AsyncConnection, delivery_id: str, state: State, *, now: datetime) -> None:
    """A delivery arrived, or is given up."""
    values = {"state": state, "ended_at": now, "claimed_until": None}
    await _change(conn, delivery_id, **values)


async def later(conn: AsyncConnection, delivery_id: str, *, at: datetime) -> None:
    """An attempt failed: the next is then."""
    await _change(conn, delivery_id, next_at=at, claimed_until=None)


async def hasten(conn: AsyncConnection, endpoint_id: str, *, now: datetime) -> None:
    """An endpoint answers again: what waits for its next attempt leaves now."""
    waiting = (deliveries.c.endpoint_id == endpoint_id) & (deliveries.c.state == State.WAITING)
    await conn.execute(update(deliveries).where(waiting, deliveries.c.next_at > now).values(next_at=now))


async def again(
    conn: AsyncConnection,
    endpoint_id: str,
    *,
    now: datetime,
    rounds: int,
    delivery_id: str | None = None,
    since: datetime | None = None,
) -> int:
    """Send once more: one delivery whatever became of it, else all dead ones `since` a time. How many they are.

    Their tries go on from the next multiple of `rounds`, so that they have all their attempts again.
    """
    mine = [deliveries.c.endpoint_id == endpoint_id]
    if delivery_id is not None:
        mine += [deliveries.c.id == delivery_id]
    else:
        mine += [deliveries.c.state == State.DEAD]
        mine += [deliveries.c.created_at >= since] if since is not None else []
    tries = (deliveries.c.tries + (rounds - 1)) // rounds * rounds
    values: dict[str, Any] = {"state": State.WAITING, "next_at": now, "ended_at": None, "tries": tries}
    return (await conn.execute(update(deliveries).where(*mine).values(**values))).rowcount


async def one(conn: AsyncConnection, delivery_id: str) -> Delivery:
    """One delivery. Raises NotFound."""
    query = select(*_COLUMNS).where(deliveries.c.id == delivery_id)
    row = (await conn.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such delivery.")
    return _delivery(row)


async def listing(
    conn: AsyncConnection,
    endpoint_id: str,
    *,
    limit: int,
    state: State | None = None,
    before: int | None = None,
) -> list[Delivery]:
    """The newest deliveries to an endpoint, those `before` a serial."""
    query: Select[Any] = select(*_COLUMNS).where(deliveries.c.endpoint_id == endpoint_id)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    if before is not None:
        query = query.where(deliveries.c.serial < before)
    query = query.order_by(deliveries.c.serial.desc()).limit(limit)
    return [_delivery(row) for row in (await conn.execute(query)).mappings()]


async def attempts_of(conn: AsyncConnection, delivery_id: str) -> list[Attempt]:
    """The attempts of a delivery, the first first."""
    columns = [attempts.c[field.name] for field in fields(Attempt)]
    query = select(*columns).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.number)
    return [Attempt(**row) for row in (await conn.execute(query)).mappings()]


async def counts(conn: AsyncConnection, endpoint_id: str) -> dict[State, int]:
    """How many deliveries to an endpoint there are by state."""
    query = (
        select(deliveries.c.state, func.count())
        .where(deliveries.c.endpoint_id == endpoint_id)
        .group_by(deliveries.c.state)
    )
    return {State(state): count for state, count in await conn.execute(query)}


async def prune(conn: AsyncConnection, *, before: datetime) -> int:
    """Forget deliveries that arrived or were given up before then, with their attempts. How many they were."""
    old = select(deliveries.c.id).where(deliveries.c.ended_at < before)
    await conn.execute(delete(attempts).where(attempts.c.delivery_id.in_(old)))
    return (await conn.execute(delete(deliveries).where(deliveries.c.ended_at < before))).rowcount


async def _change(conn: AsyncConnection, delivery_id: str, **values: Any) -> None:
    """What has ended stays so: an attempt that took longer than its claim may come after another one's success."""
    waiting = (deliveries.c.id == delivery_id) & (deliveries.c.state == State.WAITING)
    await conn.execute(update(deliveries).where(waiting).values(**values))


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(**{**row, "state": State(row["state"])})
