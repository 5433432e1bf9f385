"""Pulls on demand: what the API and the command line ask for.

A pull is asked for by a row; whichever worker is free executes it. Where no server runs, the command line is that worker.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import Busy, TooSoon
from syncline.core.event import sync_cancelled
from syncline.core.moments import moment
from syncline.engine.pulling import SLOT, Asked, ask_pull
from syncline.engine.reaper import Reaper
from syncline.store import events, runs, workers
from syncline.store.connections import Connection
from syncline.store.locks import is_held
from syncline.store.runs import Run, RunState

__all__ = ["cancel", "is_served", "require_idle", "trigger"]


_RECENT: Final = 20
"""Among so many of the newest runs the last whole one is looked for."""


async def trigger(app: App, connection: Connection, asked: Asked, *, requested_by: str, now: datetime) -> Run:
    """Ask for a pull.

    Raises BadInput for what does not fit together, Busy with `details` of the pull that is queued or under way, TooSoon
    where the last whole pull succeeded less than the cooldown ago. A pull of named pages knows no cooldown.
    """
    async with app.database.begin() as conn:
        run = await ask_pull(conn, app, connection.id, asked, requested_by=requested_by, now=now)
        if _is_whole(run):
            await _require_cool(conn, connection.id, app.settings.sync_cooldown, now)
    return run


async def _require_cool(conn: AsyncConnection, connection_id: str, cooldown: float, now: datetime) -> None:
    recent = await runs.latest(conn, connection_id, limit=_RECENT)
    last = next((run for run in recent if run.state is RunState.SUCCEEDED and _is_whole(run)), None)
    if last is None or last.ended_at is None:
        return
    left = (last.ended_at + timedelta(seconds=cooldown) - now).total_seconds()
    if left > 0:
        raise TooSoon(
            f"The last sync ended less than {cooldown:g} s ago: ask again in {left:.0f} s.",
            seconds=left,
            details={"remainingSeconds": -int(-left // 1), "lastSyncAt": moment(last.ended_at)},
        )


def _is_whole(run: Run) -> bool:
    return not run.options.get("pages") and not run.options.get("refresh")


async def cancel(app: App, connection_id: str, *, now: datetime) -> Run | None:
    """Have the pull that is queued or under way end as cancelled; None if there is none. Can be called again."""
    async with app.database.begin() as conn:
        run = await runs.live(conn, connection_id, SLOT)
        if run is None:
            return None
        asked = await runs.request_cancel(conn, run.id, now=now)
        if asked.state is RunState.CANCELLED:
            await events.append(conn, connection_id, [sync_cancelled(run.id, phase=run.phase)], now=now)
    return asked


async def is_served(app: App) -> bool:
    """Whether any process is alive that executes what is queued."""
    async with app.database.read() as conn:
        serving = [worker for worker in await workers.every(conn) if worker.role in workers.SERVING]
    return any([await is_held(app.database, workers.lock_name(worker.id)) for worker in serving])


async def require_idle(app: App, connection_id: str) -> None:
    """Raises Busy if a live worker executes a run of the connection."""
    async with app.database.read() as conn:
        run = await runs.live(conn, connection_id)
    if run is not None and run.state is RunState.RUNNING and run.worker not in await Reaper(app).dead():
        raise Busy(f"Another {run.kind} of this connection is under way: wait for its end, or stop it first.")
