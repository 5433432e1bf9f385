"""One run, executed under a lease from its claim to its end.

    begin (once) ──▶ open ──▶ advance ──▶ advance ──▶ … ──▶ stop ──▶ end

Whatever comes in between, what is open is stopped first. Then the run ends, goes back into the queue, or is let go without a
word, because it has become somebody else's.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import LeaseLost, StoreUnavailable, SynclineError
from syncline.core.event import Event, sync_cancelled, sync_complete, sync_error, sync_start
from syncline.engine.task import Failure, OpenRun, Outcome, Progress, RunState, Task, failure
from syncline.engine.telling import status_news
from syncline.store import events, runs
from syncline.store.runs import Lease, Run

__all__ = ["Execution", "Order", "Watch", "end", "leased"]

Watch: TypeAlias = Callable[[Run, Progress], None]

_STEP: Final = 0.5
_FIRST_STEP: Final = 0.1
"""Seconds between two looks at a run; short at first, for the eye."""

_AGAIN: Final = 0.5
"""Seconds between two tries to write down the end of a run while the store is away."""

_TRIES: Final = 8
"""So often a run is claimed in vain because the store fails, before that is its end."""


class Order(StrEnum):
    """What somebody wants of a run that is under way."""

    CANCEL = "cancel"
    RELEASE = "release"
    LET_GO = "let_go"


def leased(app: App, lease: Lease) -> App:
    """The app as a task sees it: whatever it writes is written under the lease, or not at all."""
    return replace(app, database=app.database.guarded(partial(runs.guard, lease=lease)))


class Execution:
    """One run in this process. `app` is the leased one.

    `patient` says that the store may go away and come back: the run then waits for it, or goes back into the queue.
    """

    def __init__(self, app: App, run: Run, task: Task, *, lease: Lease, watch: Watch, patient: bool) -> None:
        self._app = app
        self._run = run
        self._task = task
        self._lease = lease
        self._watch = watch
        self._patient = patient
        self._open: OpenRun | None = None
        self._ordered: asyncio.Future[Order] = asyncio.get_running_loop().create_future()

    @property
    def attempt(self) -> int:
        """The number of the lease."""
        return self._lease.attempt

    def order(self, order: Order) -> None:
        """Have the run stopped; the first order counts."""
        if not self._ordered.done():
            self._ordered.set_result(order)

    async def execute(self) -> None:
        """Execute the run until it ends or is not ours any more.

        Raises what was not foreseen, after it was noted as the run's failure; if not patient, StoreUnavailable too.
        """
        run, telemetry, began = self._run, self._app.telemetry, self._app.now()
        told: dict[str, str | int | float | bool] = {
            "syncline.run.id": run.id,
            "syncline.run.kind": run.kind,
            "syncline.run.mode": run.mode or "",
            "syncline.connection.id": run.connection_id,
        }
        with telemetry.span(f"run {run.kind}", parent=run.trace, attributes=told) as span:
            error, order = await self._worked()
            if error is not None:
                span.fail(type(error).__name__)
            await self._conclude(error, order)
        ended = {"syncline.run.kind": run.kind, "error.type": "" if error is None else type(error).__name__}
        telemetry.observe("syncline.run.duration", (self._app.now() - began).total_seconds(), ended)

    async def _conclude(self, error: Exception | None, order: Order | None) -> None:
        """Write down what the work came to."""
        match error:
            case LeaseLost():
                return
            case StoreUnavailable() if self._patient and self._lease.attempt < _TRIES:
                await self._release(seconds=2.0 ** min(self._lease.attempt, 6))
            case Exception():
                await self._end(Outcome(RunState.FAILED, failure(error)))
                if not isinstance(error, SynclineError):
                    raise error
            case None if order is None:
                await self._end(Outcome(RunState.SUCCEEDED))
            case None if order is Order.CANCEL:
                await self._end(Outcome(RunState.CANCELLED))
            case None if order is Order.RELEASE:
                await self._release(seconds=0.0)

    async def _worked(self) -> tuple[Exception | None, Order | None]:
        """Work until done or ordered to stop, then stop: what went wrong, and the order if it came before the end."""
        work = asyncio.create_task(self._work())
        try:
            both: set[asyncio.Future[Any]] = {work, self._ordered}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = work.done()
            work.cancel()
            await asyncio.wait([work])
            stopped = await self._stopped()
        error = None if work.cancelled() else work.exception()
        if not ended and not isinstance(error, LeaseLost):
            # Whatever a driver makes of being cancelled, it was the order that ended the work.
            return stopped, self._ordered.result()
        assert error is None or isinstance(error, Exception)
        return error or stopped, None

    async def _work(self) -> None:
        if self._run.begun_at is None:
            await self._told_start()
            await self._task.begin(self._run)
            async with self._app.database.begin() as conn:
                trace = self._run.trace or self._app.telemetry.current()
                await runs.begun(conn, self._run.id, now=self._app.now(), trace=trace)
        self._open = await self._task.open(self._run)
        seconds = _FIRST_STEP
        while True:
            progress = await self._open.advance(seconds)
            self._watch(self._run, progress)
            if progress.done:
                return
            seconds = min(_STEP, seconds + _FIRST_STEP)

    async def _told_start(self) -> None:
        run, now = self._run, self._app.now()
        async with self._app.database.begin() as conn:
            told = [sync_start(run.id, sync_type=run.mode or run.kind)]
            told += await status_news(conn, run.connection_id, run_id=run.id)
            await events.append(conn, run.connection_id, told, now=now)

    async def _stopped(self) -> Exception | None:
        opened, self._open = self._open, None
        try:
            if opened is not None:
                await opened.stop()
        except Exception as error:  # noqa: BLE001  it is the run's failure, and its row says so
            return error
        return None

    async def _end(self, outcome: Outcome) -> None:
        async def write(conn: AsyncConnection) -> None:
            await end(conn, self._run, outcome, now=self._app.now(), task=self._task)

        await self._written(write)

    async def _release(self, *, seconds: float) -> None:
        async def write(conn: AsyncConnection) -> None:
            later = self._app.now() + timedelta(seconds=seconds) if seconds else None
            await runs.release(conn, self._lease, not_before=later)

        await self._written(write)

    async def _written(self, write: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        """Write under the lease, if it still is ours; a patient run waits for a store that is away."""
        while True:
            try:
                async with self._app.database.begin() as conn:
                    await write(conn)
            except LeaseLost:
                return
            except StoreUnavailable:
                if not self._patient:
                    raise
                await asyncio.sleep(_AGAIN)
            else:
                return


async def end(
    conn: AsyncConnection, run: Run, outcome: Outcome, *, now: datetime, task: Task | None = None
) -> None:
    """End a run, tell the event log, and let the task write what that means."""
    if task is not None:
        await task.finish(conn, run, outcome)
    error = asdict(outcome.failure) if outcome.failure else None
    ended = await runs.finish(conn, run.id, state=runs.RunState(outcome.state), now=now, error=error)
    if ended is not None:
        told = [_told(ended, outcome), *await status_news(conn, run.connection_id, run_id=run.id)]
        await events.append(conn, run.connection_id, told, now=now)


def _told(run: Run, outcome: Outcome) -> Event:
    pages = run.pages
    match outcome:
        case Outcome(RunState.SUCCEEDED):
            assert run.ended_at is not None
            return sync_complete(
                run.id,
                total=pages.get("seen", 0),
                succeeded=pages.get("added", 0) + pages.get("updated", 0),
                failed=pages.get("incomplete", 0),
                skipped=pages.get("unchanged", 0),
                seconds=(run.ended_at - run.started_at).total_seconds(),
            )
        case Outcome(RunState.FAILED, Failure() as failed):
            return sync_error(run.id, error=failed.message, phase=run.phase, recoverable=failed.retry)
        case _:
            return sync_cancelled(run.id, phase=run.phase)
