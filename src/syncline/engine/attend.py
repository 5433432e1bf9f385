"""A pull that somebody waits for.

    ask ──▶ queued ──▶ executed by a server, or here where none is alive ──▶ ended

Beside a live server the pull is handed over and followed by its row. Should the server die meanwhile, it is taken up
here. A run that a dead process left behind is gone on with if it was asked for the same, else ended.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from syncline.app import App
from syncline.core.errors import Busy, StoreUnavailable
from syncline.engine.execution import end
from syncline.engine.pulling import SLOT, Asked, queue_pull
from syncline.engine.reaper import LEISURE, Reaper
from syncline.engine.syncs import is_served
from syncline.engine.task import Failure, Outcome, Progress, RunState
from syncline.engine.worker import Worker
from syncline.store import runs, workers
from syncline.store.connections import Connection
from syncline.store.locks import is_held
from syncline.store.runs import Run

__all__ = ["pull"]

_LOOK: Final = 0.25
"""Seconds between two looks at a run that a server executes."""

_LEFT: Final = Failure(
    "Interrupted", "The process ended before the run did. What was read stays.", exit_code=1, retry=True
)


async def pull(
    app: App,
    connection: Connection,
    asked: Asked,
    *,
    watch: Callable[[Progress], None],
    stop: asyncio.Event,
) -> Run:
    """Pull the connection's workspace, durably, and return the run as it ended.

    `watch` is told of progress. When `stop` is set the run ends as cancelled; what was read stays. Raises Busy if another pull
    of the connection is under way, StoreUnavailable if the store cannot be used.
    """
    worker = Worker(app, role="cli", watch=lambda _run, progress: watch(progress), patient=False)
    attendant = _Attendant(app, worker, Reaper(app), watch)
    async with worker.present():
        run = await attendant.ask(connection, asked)
        async with _stopped_by(stop, lambda: attendant.cancel(run.id)):
            return await attendant.follow(run.id)


@asynccontextmanager
async def _stopped_by(stop: asyncio.Event, cancel: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    async def waited() -> None:
        await stop.wait()
        await cancel()

    waiting = asyncio.create_task(waited())
    try:
        yield
    finally:
        if not stop.is_set():
            waiting.cancel()
        with suppress(asyncio.CancelledError, StoreUnavailable):
            await waiting


@dataclass(frozen=True, slots=True)
class _Row:
    """The progress that a run's row tells."""

    done: bool
    phase: str
    pages: Mapping[str, int]
    requests: Mapping[str, int]
    waiting: int


@dataclass(frozen=True, slots=True)
class _Attendant:
    """Whoever waits for one run, with the worker that executes it if nobody else does."""

    app: App
    worker: Worker
    reaper: Reaper
    watch: Callable[[Progress], None]

    async def ask(self, connection: Connection, asked: Asked) -> Run:
        """The run to follow: a new one, or what a dead process left of the same. Raises Busy."""
        app = self.app
        while True:
            left: Run | None = None
            async with app.database.begin() as conn:
                try:
                    return await queue_pull(
                        conn, connection.id, asked, run_id=app.new_id(), requested_by="cli", now=app.now()
                    )
                except Busy as busy:
                    left = await runs.live(conn, connection.id, SLOT)
                    refusal = busy
            if left is not None:
                taken = await self._take_up(left, asked, refusal)
                if taken is not None:
                    return taken

    async def _take_up(self, left: Run, asked: Asked, refusal: Busy) -> Run | None:
        """Claim a run that was left behind; None if it was asked for otherwise and is ended. Raises Busy if it was not left."""
        if left.state is runs.RunState.RUNNING:
            await self._bury(left.worker, refusal)
        elif await is_served(self.app):
            raise refusal
        async with self.app.database.begin() as conn:
            if left.options != asked.as_json():
                await end(conn, left, Outcome(RunState.FAILED, _LEFT), now=self.app.now())
                return None
            claimed = await runs.claim_one(conn, left.id, self.worker.id, now=self.app.now())
        if claimed is None:
            raise refusal
        return claimed

    async def _bury(self, holder: str | None, refusal: Busy) -> None:
        """Put back the runs of a dead worker. Raises Busy if it is alive, as far as can be seen in a few seconds."""
        looks = int(LEISURE / _LOOK) + 2
        for _ in range(looks):
            if holder in await self.reaper.dead():
                break
            if holder is not None and await is_held(self.app.database, workers.lock_name(holder)):
                raise refusal
            await asyncio.sleep(_LOOK)
        else:
            raise refusal
        async with self.app.database.begin() as conn:
            # A person who starts the same again has decided that it is worth another try.
            await runs.put_back(conn, holder, reaps=0)

    async def follow(self, run_id: str) -> Run:
        """See a run to its end, and execute it where nobody else does."""
        while True:
            async with self.app.database.read() as conn:
                run = await runs.one(conn, run_id)
            if run.ended:
                return run
            if run.worker == self.worker.id:
                await self.worker.execute(run)
                continue
            if run.state is runs.RunState.RUNNING:
                self.watch(_Row(run.ended, run.phase or run.state, run.pages, run.requests, run.waiting))
                if run.worker in await self.reaper.dead():
                    await self.reaper.look()
            elif not await is_served(self.app):
                async with self.app.database.begin() as conn:
                    if await runs.claim_one(conn, run_id, self.worker.id, now=self.app.now()):
                        continue
            await asyncio.sleep(_LOOK)

    async def cancel(self, run_id: str) -> None:
        """Have the run end as cancelled, wherever it is executed."""
        self.worker.cancel(run_id)
        async with self.app.database.begin() as conn:
            await runs.request_cancel(conn, run_id, now=self.app.now())
