"""What is shown of connections at a glance, read for many of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ScalarSelect, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Kind
from syncline.core.standing import TokenStatus
from syncline.store.runs import RunState
from syncline.store.tables import chunks, connections, frontier, records, runs
from syncline.store.tables_connecting import authorizations
from syncline.store.tables_work import schedules

__all__ = ["Overview", "Standing", "overviews", "standings"]

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


@dataclass(frozen=True, slots=True)
class Standing:
    """What the one word about a connection's syncs depends on (core.standing). The fields are those of Overview."""

    token: TokenStatus
    running: bool
    paused: bool
    failed: bool


async def standings(conn: AsyncConnection, connection_ids: Sequence[str]) -> dict[str, Standing]:
    """How connections that are there stand, by id. Nothing is counted, so it costs the same however much they hold."""
    found: dict[str, Standing] = {}
    for part in chunks(sorted(connection_ids)):
        for row in (await conn.execute(_BRIEF, {_IDS.key: part})).mappings():
            found[row["id"]] = Standing(
                token=TokenStatus(row["status"]),
                running=row["live"] > 0,
                paused=row["enabled"] is False or row["paused_for"] is not None,
                failed=row["last_state"] == RunState.FAILED,
            )
    return found


async def overviews(conn: AsyncConnection, connection_ids: Sequence[str]) -> dict[str, Overview]:
    """The overviews of connections that are there, by id."""
    found: dict[str, Overview] = {}
    for part in chunks(sorted(connection_ids)):
        for row in (await conn.execute(_STANDING, {_IDS.key: part})).mappings():
            one = row["id"]
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
                pages=row[Kind.PAGE] or 0,
                databases=row[Kind.DATABASE] or row[Kind.DATA_SOURCE] or 0,
                waiting=row["waiting"],
            )
    return found


def _last(column: Any, *states: RunState) -> ScalarSelect[Any]:
    """What the last of a connection's pulls that ended like this has in `column`."""
    mine = (runs.c.connection_id == connections.c.id, runs.c.slot == _SLOT, runs.c.state.in_(states))
    return select(column).where(*mine).order_by(runs.c.started_at.desc()).limit(1).scalar_subquery()


_ENDED = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_BRIEF = (
    select(
        connections.c.id,
        authorizations.c.status,
        schedules.c.enabled,
        schedules.c.paused_for,
        _last(runs.c.state, *_ENDED).label("last_state"),
        select(func.count())
        .where(runs.c.connection_id == connections.c.id, runs.c.slot == _SLOT, runs.c.state.in_(_LIVE))
        .scalar_subquery()
        .label("live"),
    )
    .join(authorizations, authorizations.c.connection_id == connections.c.id)
    .outerjoin(schedules, schedules.c.connection_id == connections.c.id)
    .where(connections.c.id.in_(_IDS))
)
_KINDS = (Kind.PAGE, Kind.DATABASE, Kind.DATA_SOURCE)
_COUNTED = (
    select(
        records.c.connection_id, *(func.count(case((records.c.kind == one, 1))).label(one) for one in _KINDS)
    )
    .where(records.c.connection_id.in_(_IDS), records.c.deleted_at.is_(None), records.c.kind.in_(_KINDS))
    .group_by(records.c.connection_id)
    .subquery()
)
_STANDING = _BRIEF.add_columns(
    authorizations.c.checked_at,
    authorizations.c.workspace_icon,
    schedules.c.next_at,
    _last(runs.c.begun_at, RunState.SUCCEEDED).label("begun_at"),
    _last(runs.c.ended_at, RunState.SUCCEEDED).label("succeeded_at"),
    select(func.count())
    .where(frontier.c.connection_id == connections.c.id)
    .scalar_subquery()
    .label("waiting"),
    *(_COUNTED.c[one] for one in _KINDS),
).outerjoin(_COUNTED, _COUNTED.c.connection_id == connections.c.id)
