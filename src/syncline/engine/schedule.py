"""When connections are pulled by themselves.

The times are a grid that depends on the connection alone, so that a thousand schedules are spread evenly and a restart moves none.
What was due while nobody served runs once. Every serving worker ticks; a slot is taken by moving the schedule on in
the transaction that queues its pull, so no slot gives two.
"""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

from cronsim import CronSim, CronSimError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import BadInput, Busy
from syncline.core.model import Mode
from syncline.engine.begin import Request
from syncline.engine.task import Outcome, RunState
from syncline.store import schedules
from syncline.store.runs import Lane, Run
from syncline.store.schedules import Schedule

__all__ = [
    "DAILY",
    "EVERY",
    "LEAST",
    "backoff",
    "checked_cron",
    "moved",
    "next_cron",
    "next_slot",
    "note_end",
    "start_schedule",
    "tick",
]

EVERY: Final = 21_600
"""Seconds between two pulls of a connection that says nothing else."""

LEAST: Final = 30
"""The shortest interval, in seconds."""

DAILY: Final = "0 3 * * *"
"""When a connection is reconciled that says nothing else: at night, UTC."""

_SPREAD: Final = 3600
"""Seconds over which the reconciling pulls of one minute are spread."""

_FIRST_BACKOFF: Final = 60.0
_LONGEST_BACKOFF: Final = 900.0
_AGAIN: Final = 300.0
"""Seconds after which a reconciling pull is tried again that met another one."""

_BATCH: Final = 100
_BY: Final = "schedule"


def checked_cron(text: str) -> str:
    """A cron expression of five fields. Raises BadInput for one that is none."""
    words = " ".join(text.split())
    try:
        next(CronSim(words, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise BadInput(
            f"{text!r} is no cron expression: write five fields such as '*/15 * * * *'."
        ) from error
    return words


def next_cron(cron: str, now: datetime) -> datetime:
    """The next time after `now` that a cron expression names."""
    return next(CronSim(cron, now))


def _share(connection_id: str, what: str, seconds: int) -> timedelta:
    """A part of `seconds` that is always the same for a connection."""
    digest = blake2b(f"{what} {connection_id}".encode(), digest_size=8).digest()
    return timedelta(seconds=int.from_bytes(digest, "big") % seconds if seconds > 0 else 0)


def next_slot(schedule: Schedule, now: datetime) -> datetime | None:
    """When the next ordinary pull is due, given that one begins `now`; None for a schedule without any."""
    if schedule.cron is not None:
        return next_cron(schedule.cron, now) + _share(schedule.connection_id, "pull", schedule.jitter)
    if schedule.every is None:
        return None
    every = timedelta(seconds=schedule.every)
    start = datetime(2000, 1, 1, tzinfo=UTC) + _share(schedule.connection_id, "pull", schedule.every)
    slot = start + ((now - start) // every + 1) * every
    # The first pull of all begins where its connection is made, which is no slot.
    return slot if slot - now >= every / 2 else slot + every


def _next_reconcile(schedule: Schedule, now: datetime) -> datetime | None:
    if schedule.reconcile_cron is None:
        return None
    return next_cron(schedule.reconcile_cron, now) + _share(schedule.connection_id, "reconcile", _SPREAD)


def moved(schedule: Schedule, now: datetime) -> dict[str, datetime | None]:
    """What changes in a schedule whose pull begins `now`."""
    after = schedule.reconcile_at
    if after is None or after <= now:
        after = _next_reconcile(schedule, now)
    times = [moment for moment in (next_slot(schedule, now), after) if moment is not None]
    return {"next_at": min(times, default=None), "reconcile_at": after, "last_at": now}


def backoff(failures: int, every: int | None) -> timedelta:
    """How long to wait after so many failures in a row that may pass by themselves."""
    seconds = min(_FIRST_BACKOFF * 2 ** min(failures - 1, 10), _LONGEST_BACKOFF)
    return timedelta(seconds=min(seconds, every) if every is not None else seconds)


async def start_schedule(conn: AsyncConnection, schedule: Schedule, *, now: datetime) -> None:
    """Give a connection its schedule; the first pull is due at once, a reconciling one when its time comes."""
    first = Schedule(
        connection_id=schedule.connection_id,
        every=schedule.every if schedule.every is not None or schedule.cron is not None else EVERY,
        cron=schedule.cron,
        jitter=schedule.jitter,
        enabled=schedule.enabled,
        reconcile_cron=schedule.reconcile_cron,
        next_at=now,
        reconcile_at=_next_reconcile(schedule, now),
    )
    await schedules.put(conn, first)


async def tick(app: App) -> float | None:
    """Queue every pull that is due. Returns 0 where there may be more."""
    now = app.now()
    async with app.database.glance() as conn:
        found = await schedules.due(conn, now=now, limit=_BATCH)
    for schedule in found:
        await _start(app, schedule, now)
    return 0.0 if len(found) == _BATCH else None


class _Taken(Exception):
    """Another scheduler was quicker."""


async def _start(app: App, schedule: Schedule, now: datetime) -> None:
    values = moved(schedule, now)
    try:
        async with app.database.begin() as conn:
            # The run before the schedule: who ends a run writes in this order, too, so nobody waits crosswise.
            if not await _queued(conn, app, schedule, now) and _reconciles(schedule, now):
                again = now + timedelta(seconds=_AGAIN)
                values |= {"next_at": again, "reconcile_at": schedule.reconcile_at}
            await _move(conn, schedule, values)
    except _Taken:
        return


async def _queued(conn: AsyncConnection, app: App, schedule: Schedule, now: datetime) -> bool:
    """Queue the pull that is due; False where another one is live, which reads the same."""
    from syncline.engine.pulling import Asked, queue_pull  # noqa: PLC0415  it tells us how its runs end

    asked = Asked(Request(mode=Mode.RECONCILE if _reconciles(schedule, now) else None))
    one, run = schedule.connection_id, app.new_id()
    try:
        await queue_pull(conn, one, asked, run_id=run, requested_by=_BY, now=now, lane=Lane.SCHEDULED)
    except Busy:
        return False
    return True


def _reconciles(schedule: Schedule, now: datetime) -> bool:
    return schedule.reconcile_at is not None and schedule.reconcile_at <= now


async def _move(conn: AsyncConnection, schedule: Schedule, values: dict[str, datetime | None]) -> None:
    if not await schedules.advance(conn, schedule, **values):
        raise _Taken


async def note_end(conn: AsyncConnection, run: Run, outcome: Outcome, *, now: datetime) -> None:
    """Move a schedule by how a pull ended: after what may pass by itself it tries again, later each time."""
    found = await schedules.find(conn, run.connection_id)
    if found is None:
        return
    if outcome.state is RunState.SUCCEEDED and found.failures:
        await schedules.change(conn, run.connection_id, {"failures": 0})
    passing = outcome.failure is not None and outcome.failure.retry
    if passing and run.requested_by == _BY:
        failures = found.failures + 1
        again = now + backoff(failures, found.every)
        sooner = again if found.next_at is None else min(again, found.next_at)
        await schedules.change(conn, run.connection_id, {"failures": failures, "next_at": sooner})
