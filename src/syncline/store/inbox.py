"""The inbox: events that Notion's webhooks brought, kept until what they are about was read again.

    waiting ──claim──▶ taken ──settle──▶ done
       ╰───── release: it failed ─────╯  ╰── kept for a while, since Notion may send it again

An event of a workspace that is not connected is kept as well, ignored, so that it can be seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Json
from syncline.store.tables import insert_new
from syncline.store.tables_inbox import inbox

__all__ = [
    "Arrival",
    "State",
    "claim",
    "counts",
    "due",
    "latest",
    "of_run",
    "prune",
    "put",
    "release",
    "settle",
]

_TRIES = 8
"""After so many failed refreshes an event is left to the poll."""


class State(StrEnum):
    """How an event stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"
    IGNORED = "ignored"
    """It is about something that is not held."""
    GIVEN_UP = "given_up"
    """Reading failed again and again; the next pull finds what changed."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event as it came. `signals` are what it asks for (core.refresh), none where it is of no interest."""

    subscription_id: str
    event_id: str
    connection_id: str | None
    type: str
    entity: str
    at: datetime
    received_at: datetime
    state: State
    run_id: str | None = None
    tries: int = 0
    not_before: datetime | None = None
    settled_at: datetime | None = None
    signals: Sequence[Json] = ()


_COLUMNS = [inbox.c[field.name] for field in fields(Arrival)]
_ONE = (inbox.c.subscription_id == bindparam("this_sub")) & (inbox.c.event_id == bindparam("this_event"))


async def put(conn: AsyncConnection, arrival: Arrival) -> bool:
    """Keep an event. False if it was here before: Notion repeats what it is not sure of."""
    row = {field.name: getattr(arrival, field.name) for field in fields(Arrival)}
    return (await conn.execute(insert_new(conn, inbox), row)).rowcount == 1


async def due(conn: AsyncConnection, *, now: datetime) -> list[str]:
    """The connections for which events wait."""
    waits = inbox.c.state == State.WAITING
    ripe = inbox.c.not_before.is_(None) | (inbox.c.not_before <= now)
    query = select(inbox.c.connection_id).where(waits, ripe, inbox.c.connection_id.is_not(None)).distinct()
    return list(await conn.scalars(query))


async def claim(conn: AsyncConnection, connection_id: str, *, run_id: str, now: datetime, limit: int) -> int:
    """Give a run what waits, the oldest first. How many events that were."""
    ripe = inbox.c.not_before.is_(None) | (inbox.c.not_before <= now)
    query = (
        select(inbox.c.subscription_id, inbox.c.event_id)
        .where(inbox.c.state == State.WAITING, inbox.c.connection_id == connection_id, ripe)
        .order_by(inbox.c.received_at, inbox.c.event_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = [{"this_sub": row[0], "this_event": row[1]} for row in await conn.execute(query)]
    if found:
        await conn.execute(update(inbox).where(_ONE).values(state=State.TAKEN, run_id=run_id), found)
    return len(found)


async def of_run(conn: AsyncConnection, run_id: str) -> list[Arrival]:
    """The events that a run took."""
    query = select(*_COLUMNS).where(inbox.c.run_id == run_id).order_by(inbox.c.received_at, inbox.c.event_id)
    return [_arrival(row) for row in (await conn.execute(query)).mappings()]


async def settle(conn: AsyncConnection, run_id: str, *, now: datetime) -> None:
    """What the run's events are about was read."""
    await conn.execute(update(inbox).where(_taken_by(run_id)).values(state=State.DONE, settled_at=now))


async def release(conn: AsyncConnection, run_id: str, *, now: datetime, wait: timedelta) -> None:
    """The run failed: its events wait again, twice as long each time, or are given up."""
    for arrival in await of_run(conn, run_id):
        if arrival.state is not State.TAKEN:
            continue
        tries = arrival.tries + 1
        values: dict[str, Any] = {"tries": tries, "run_id": None}
        if tries >= _TRIES:
            values |= {"state": State.GIVEN_UP, "settled_at": now}
        else:
            values |= {"state": State.WAITING, "not_before": now + wait * 2**arrival.tries}
        this = {"this_sub": arrival.subscription_id, "this_event": arrival.event_id}
        await conn.execute(update(inbox).where(_ONE).values(**values), this)


async def counts(conn: AsyncConnection, subscription_id: str) -> dict[State, int]:
    """How many events of a subscription there are by state."""
    query = (
        select(inbox.c.state, func.count())
        .where(inbox.c.subscription_id == subscription_id)
        .group_by(inbox.c.state)
    )
    return {State(state): count for state, count in await conn.execute(query)}


async def latest(conn: AsyncConnection, subscription_id: str, *, limit: int) -> Sequence[Arrival]:
    """The newest events of a subscription, the last first."""
    query = (
        select(*_COLUMNS)
        .where(inbox.c.subscription_id == subscription_id)
        .order_by(inbox.c.received_at.desc(), inbox.c.event_id)
        .limit(limit)
    )
    return [_arrival(row) for row in (await conn.execute(query)).mappings()]


async def prune(conn: AsyncConnection, *, before: datetime) -> int:
    """Forget events that were settled before then; Notion does not repeat them any more. How many they were."""
    return (await conn.execute(delete(inbox).where(inbox.c.settled_at < before))).rowcount


def _taken_by(run_id: str) -> ColumnElement[bool]:
    return (inbox.c.run_id == run_id) & (inbox.c.state == State.TAKEN)


def _arrival(row: Any) -> Arrival:
    return Arrival(**{**row, "state": State(row["state"])})
