"""What is shown of connections at a glance, read for many of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Kind
from syncline.core.standing import TokenStatus
from syncline.store.runs import RunState
from syncline.store.tables import chunks, connections, frontier, records, runs
from syncline.store.tables_connecting import authorizations
from syncline.store.tables_work import schedules

__all__ = ["Overview", "overviews"]

_SLOT = "pull"
_LIVE = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class Overview:
    """One connection. `databases` counts Notion's databases, or what stands for them before API version 2025-09-03.

    `failed` tells how the last pull ended. `waiting` counts the pieces of work that are known and not done.
    """

    token: TokenStatus
    checked_at: datetime | None
    icon: str | None
    running: bool
    paused: bool
    failed: bool
    next_at: datetime | None
    succeeded_at: datetime | None
    duration: timedelta | None
    pages: int
    databases: int
    waiting: int


async def overviews(conn: AsyncConnection, connection_ids: Sequence[str]) -> dict[str, Overview]:
    """The overviews of connections that are there, by id."""
    found: dict[str, Overview] = {}
    for part in chunks(sorted(connection_ids)):
        counted = await _counted(conn, part)
        for row in (await conn.execute(_STANDING.where(connections.c.id.in_(part)))).mappings():
            one = row["id"]
            pages, databases, sources = counted.get(one, (0, 0, 0))
            begun, ended = row["begun_at"], row["succeeded_at"]
            idle = row["next_at"] is None or not row["enabled"] or row["paused_for"] is not None
            found[one] = Overview(
                token=TokenStatus(row["status"]),
                checked_at=row["checked_at"],
                icon=row["workspace_icon"],
                running=row["live"] > 0,
                paused=row["enabled"] is False or row["paused_for"] is not None,
                failed=row["last_state"] == RunState.FAILED,
                next_at=None if idle else row["next_at"],
                succeeded_at=ended,
                duration=ended - begun if ended and begun else None,
                pages=pages,
                databases=databases or sources,
                waiting=row["waiting"],
            )
    return found


def _last(column: Any, *states: RunState) -> ScalarSelect[Any]:
    """What the last of a connection's pulls that ended like this has in `column`."""
    mine = (runs.c.connection_id == connections.c.id, runs.c.slot == _SLOT, runs.c.state.in_(states))
    return select(column).where(*mine).order_by(runs.c.started_at.desc()).limit(1).scalar_subquery()


_ENDED = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)
_STANDING = (
    select(
        connections.c.id,
        authorizations.c.status,
        authorizations.c.checked_at,
        authorizations.c.workspace_icon,
        schedules.c.enabled,
        schedules.c.paused_for,
        schedules.c.next_at,
        _last(runs.c.state, *_ENDED).label("last_state"),
        _last(runs.c.begun_at, RunState.SUCCEEDED).label("begun_at"),
        _last(runs.c.ended_at, RunState.SUCCEEDED).label("succeeded_at"),
        select(func.count())
        .where(runs.c.connection_id == connections.c.id, runs.c.slot == _SLOT, runs.c.state.in_(_LIVE))
        .scalar_subquery()
        .label("live"),
        select(func.count())
        .where(frontier.c.connection_id == connections.c.id)
        .scalar_subquery()
        .label("waiting"),
    )
    .join(authorizations, authorizations.c.connection_id == connections.c.id)
    .outerjoin(schedules, schedules.c.connection_id == connections.c.id)
)


async def _counted(conn: AsyncConnection, part: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    kinds = (Kind.PAGE, Kind.DATABASE, Kind.DATA_SOURCE)
    columns = [func.count(case((records.c.kind == kind, 1))) for kind in kinds]
    query = (
        select(records.c.connection_id, *columns)
        .where(records.c.connection_id.in_(part), records.c.deleted_at.is_(None), records.c.kind.in_(kinds))
        .group_by(records.c.connection_id)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in await conn.execute(query)}
