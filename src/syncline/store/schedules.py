"""Schedules: when each connection is pulled by itself. When that is, engine.schedule decides; here it is remembered."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.tables import upsert
from syncline.store.tables_work import schedules

__all__ = ["Schedule", "advance", "change", "due", "find", "pause", "put", "resume"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a connection is pulled: each `every` seconds, or by `cron` (UTC), `jitter` seconds late at most.

    `next_at` is the next pull, None while there is none to come. From `reconcile_at` on it is a reconciling one.
    `paused_for` says what has to happen before an enabled schedule goes on: a pause is not a person's decision.
    `failures` counts the pulls in a row that failed and may work later.
    """

    connection_id: str
    every: int | None = None
    cron: str | None = None
    jitter: int = 0
    enabled: bool = True
    paused_for: str | None = None
    reconcile_cron: str | None = None
    next_at: datetime | None = None
    reconcile_at: datetime | None = None
    last_at: datetime | None = None
    failures: int = 0


async def put(conn: AsyncConnection, schedule: Schedule) -> None:
    """Remember a schedule in place of the one its connection has."""
    row = {field.name: getattr(schedule, field.name) for field in fields(Schedule)}
    await conn.execute(upsert(conn, schedules), row)


async def find(conn: AsyncConnection, connection_id: str) -> Schedule | None:
    """A connection's schedule; None if it has none."""
    query = select(schedules).where(schedules.c.connection_id == connection_id)
    row = (await conn.execute(query)).mappings().one_or_none()
    return None if row is None else _schedule(row)


async def due(conn: AsyncConnection, *, now: datetime, limit: int) -> list[Schedule]:
    """The schedules whose next pull should have begun, the oldest first."""
    query = select(schedules).where(schedules.c.next_at <= now, *_ACTIVE).order_by(schedules.c.next_at)
    return [_schedule(row) for row in (await conn.execute(query.limit(limit))).mappings()]


async def advance(conn: AsyncConnection, schedule: Schedule, **values: Any) -> bool:
    """Change a schedule that was read, unless somebody else has moved it on since; whether it was changed."""
    same = schedules.c.next_at.is_not_distinct_from(schedule.next_at)
    statement = update(schedules).where(schedules.c.connection_id == schedule.connection_id, same, *_ACTIVE)
    return (await conn.execute(statement.values(**values))).rowcount > 0


async def change(conn: AsyncConnection, connection_id: str, values: Mapping[str, Any]) -> None:
    """Change some fields of a schedule, whatever they are now."""
    statement = update(schedules).where(schedules.c.connection_id == connection_id)
    await conn.execute(statement.values(**values))


async def pause(conn: AsyncConnection, connection_id: str, reason: str) -> None:
    """Hold a schedule until `resume` is called for the same reason. The first reason stays."""
    mine = (schedules.c.connection_id == connection_id) & schedules.c.paused_for.is_(None)
    await conn.execute(update(schedules).where(mine).values(paused_for=reason))


async def resume(conn: AsyncConnection, connection_id: str, reason: str, *, now: datetime) -> bool:
    """Let a schedule go on that was paused for `reason`, with a pull at once; whether it was."""
    mine = (schedules.c.connection_id == connection_id) & (schedules.c.paused_for == reason)
    values = {"paused_for": None, "next_at": now, "failures": 0}
    return (await conn.execute(update(schedules).where(mine).values(**values))).rowcount > 0


_ACTIVE = (schedules.c.enabled, schedules.c.paused_for.is_(None))


def _schedule(row: RowMapping) -> Schedule:
    return Schedule(**row)
