"""The worker: a process, or a part of one, that claims runs and executes them.

It holds a lock named after itself as long as it lives, beats every two seconds, looks twice a second for requests to cancel what it
executes, and lets go of a run that has become somebody else's. Told to drain it claims nothing more and gives its runs
back, so that another worker takes them at once.
"""

import asyncio
import logging
import os
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from importlib.metadata import version
from typing import Final

from syncline.app import App
from syncline.core.errors import Busy, NotFound, StoreUnavailable, SynclineError
from syncline.engine.duties import Duty, Lasting
from syncline.engine.execution import Execution, Order, Watch, leased
from syncline.engine.kinds import KINDS, Kind
from syncline.engine.reaper import Reaper
from syncline.engine.task import Progress
from syncline.store import connections, runs, workers
from syncline.store.locks import Lock
from syncline.store.runs import Lease, Run

__all__ = ["Worker"]

BEAT: Final = 2.0
LOOK: Final = 0.25
"""Seconds between two beats, and between two looks for runs to claim or to cancel."""

_SHARE: Final = 4
"""A worker takes a quarter of what it has room for at a time."""

_ANOTHER_TRY: Final = 60.0
"""Seconds until a run is tried again whose end could not be written for a reason that nobody foresaw."""

_LOG = logging.getLogger("syncline.worker")


def _unwatched(_run: Run, _progress: Progress) -> None:
    """Nobody looks."""


class Worker:
    """One worker. `role` says what the process is for (store.workers), `patient` what Execution says.

    `look` and `beat` are seconds; tests shorten them.
    """

    def __init__(
        self,
        app: App,
        *,
        role: str,
        kinds: Mapping[str, Kind] = KINDS,
        duties: Sequence[Duty] = (),
        concurrency: int = 1,
        watch: Watch = _unwatched,
        patient: bool = True,
        beat: float = BEAT,
    ) -> None:
        self.app = app
        self.id = app.new_id()
        self.draining = asyncio.Event()
        self._kinds = kinds
        self._duties = duties
        self._concurrency = concurrency
        self._watch = watch
        self._patient = patient
        self._beat = beat
        self._row = workers.Worker(
            id=self.id,
            role=role,
            host=platform.node(),
            pid=os.getpid(),
            version=version("syncline"),
            started_at=app.now(),
            seen_at=app.now(),
        )
        self._executions: dict[str, Execution] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Claim and execute what is queued, do the duties and reap the dead, until `drain` is called."""
        reaper = Reaper(self.app)
        async with self.present():
            try:
                async with asyncio.TaskGroup() as loops:
                    loops.create_task(self._repeat(self._beat, reaper.look))
                    loops.create_task(self._repeat(LOOK, self._claim))
                    for duty in self._duties:
                        loops.create_task(self._do(duty))
            finally:
                await self._give_back()

    async def _give_back(self) -> None:
        for execution in self._executions.values():
            execution.order(Order.RELEASE)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def drain(self) -> None:
        """Claim nothing more, give back what is executed, and let `serve` return."""
        self.draining.set()

    def cancel(self, run_id: str) -> None:
        """Have a run of this worker end as cancelled."""
        if run_id in self._executions:
            self._executions[run_id].order(Order.CANCEL)

    async def execute(self, run: Run) -> None:
        """Execute a run that this worker has claimed, to its end. Raises what Execution.execute raises."""
        lease = Lease(run.id, self.id, run.attempt)
        app = leased(self.app, lease)
        try:
            async with app.database.glance() as conn:
                connection = await connections.one(conn, run.connection_id)
        except NotFound:  # it was removed with all its runs, this one among them
            return
        task = self._kinds[run.kind].task(app, connection)
        execution = Execution(app, run, task, lease=lease, watch=self._watch, patient=self._patient)
        self._executions[run.id] = execution
        try:
            await execution.execute()
        finally:
            del self._executions[run.id]

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """Be known as alive, and hear what is wanted of the runs that are executed, while the block runs."""
        database = self.app.database
        async with Lock(database, workers.lock_name(self.id)) as lock:
            async with database.begin() as conn:
                await workers.register(conn, self._row)
            over = asyncio.Event()
            loops = [
                asyncio.create_task(self._repeat_until(over, self._beat, lambda: self._say_alive(lock))),
                asyncio.create_task(self._repeat_until(over, LOOK, self._obey)),
            ]
            try:
                yield
            finally:
                # Not cancelled: in the middle of a call that would break the connection which it makes.
                over.set()
                await asyncio.gather(*loops, return_exceptions=True)
                with suppress(StoreUnavailable):
                    async with database.begin() as conn:
                        await workers.forget(conn, self.id)

    async def _say_alive(self, lock: Lock) -> None:
        with suppress(Busy):  # the server has not noticed yet that the session before is gone
            await lock.renew()
        async with self.app.database.begin() as conn:
            await workers.beat(conn, self._row, now=self.app.now())

    async def _obey(self) -> None:
        """Stop what somebody asked to end, and what is not ours any more."""
        executions = dict(self._executions)
        if not executions:
            return
        async with self.app.database.glance() as conn:
            held = await runs.held_by(conn, self.id)
        for run_id, execution in executions.items():
            attempt, cancelled = held.get(run_id, (0, False))
            if cancelled:
                execution.order(Order.CANCEL)
            elif attempt != execution.attempt:
                execution.order(Order.LET_GO)

    async def _claim(self) -> None:
        free = self._concurrency - len(self._tasks)
        if free <= 0:
            return
        async with self.app.database.glance() as conn:
            if not await runs.are_waiting(conn, now=self.app.now()):
                return
        async with self.app.database.begin() as conn:
            # Not all that there is room for: the others look as often, and share what many ask for at once.
            most = -(-free // _SHARE)
            claimed = await runs.claim(conn, self.id, kinds=list(self._kinds), limit=most, now=self.app.now())
        for run in claimed:
            task = asyncio.create_task(self._execute_one(run))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _execute_one(self, run: Run) -> None:
        try:
            await self.execute(run)
        except SynclineError as error:
            _LOG.warning("The run %s was let go: %s", run.id, error)
        except Exception:  # noqa: BLE001  nobody waits for it here
            # It is noted as the run's failure; the worker lives on for the others.
            _LOG.exception("The run %s failed unexpectedly.", run.id)
            await self._let_go(run)

    async def _let_go(self, run: Run) -> None:
        """Leave no run that nobody executes: one that could not even be ended waits for another try."""
        later = self.app.now() + timedelta(seconds=_ANOTHER_TRY)
        with suppress(StoreUnavailable):
            async with self.app.database.begin() as conn:
                await runs.release(conn, Lease(run.id, self.id, run.attempt), not_before=later)

    async def _do(self, duty: Duty) -> None:
        once = duty.load()
        while not self.draining.is_set():
            seconds = await _attempted(duty, once(self.app))
            await _set_within(self.draining, duty.every if seconds is None else seconds)
        if isinstance(once, Lasting):
            await _attempted(duty, once.close())

    async def _repeat(self, seconds: float, step: Callable[[], Awaitable[object]]) -> None:
        """Do a step at once, and again and again until draining."""
        with suppress(StoreUnavailable):
            await step()
        await self._repeat_until(self.draining, seconds, step)

    async def _repeat_until(
        self, over: asyncio.Event, seconds: float, step: Callable[[], Awaitable[object]]
    ) -> None:
        """Do a step every so often. While the store is away there is nothing to be done."""
        while not await _set_within(over, seconds):
            with suppress(StoreUnavailable):
                await step()


async def _attempted(duty: Duty, work: Awaitable[float | None]) -> float | None:
    """Do a piece of a duty; None where it fails: the next time comes, and nobody else could be told."""
    try:
        return await work
    except StoreUnavailable as error:
        _LOG.warning("The duty %s waits for the store: %s", duty.name, error)
    except SynclineError as error:
        _LOG.error("The duty %s failed: %s", duty.name, error)
    except Exception:  # noqa: BLE001  as above
        _LOG.exception("The duty %s failed.", duty.name)
    return None


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether an event is set within so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
