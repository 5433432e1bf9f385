"""A push as a run: opened from its mapping file, carried on between two looks, its report kept in the run's row."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import Busy, SynclineError
from syncline.core.mapping import Direction, Mapping
from syncline.core.plurals import be, counted
from syncline.core.report import Report
from syncline.engine.clients import open_client
from syncline.engine.execution import end
from syncline.engine.kinds import Kind
from syncline.engine.reaper import LEISURE, Reaper
from syncline.engine.syncs import is_served
from syncline.engine.task import Failure, OpenRun, Outcome, Progress, RunState
from syncline.engine.worker import Worker
from syncline.mapping.asked import Asked
from syncline.mapping.push import Push, PushFailed, Step
from syncline.notion.client import Client
from syncline.store import runs, workers
from syncline.store.connections import Connection
from syncline.store.locks import is_held
from syncline.store.runs import Run

if TYPE_CHECKING:
    from syncline.mapping.twoway import Merge
    from syncline.sources.sql import SqlSource

__all__ = ["SLOT", "PushTask", "opened", "push"]

SLOT = "push"
"""What one push of a connection at a time excludes."""


@asynccontextmanager
async def opened(
    app: App, connection: Connection, asked: Asked, *, run_id: str | None = None
) -> AsyncIterator[Push]:
    """A push of a mapping file, with its database and Notion open; `run_id` is what its requests are logged under.

    Raises BadInput for what the file has wrong.
    """
    from syncline.mapping.file import database_url, read_mapping  # noqa: PLC0415  pydantic is heavy
    from syncline.sources.sql import SqlSource  # noqa: PLC0415  SQLAlchemy's other half is, too

    mapping = read_mapping(Path(asked.file))
    async with (
        SqlSource(database_url(mapping, Path(asked.file).parent)) as rows,
        open_client(app, connection, run_id=run_id) as client,
    ):
        push = Push(app, connection, mapping, rows, client=client, asked=asked)
        if any(table.direction is Direction.BOTH for table in mapping.tables):
            push.join(_merge(push, app, connection, mapping=mapping, source=rows, client=client))
        yield push


def _merge(
    push: Push, app: App, connection: Connection, *, mapping: Mapping, source: "SqlSource", client: Client
) -> "Merge":
    from syncline.mapping.twoway import Merge, two_way  # noqa: PLC0415  not every mapping needs it

    guards = [push.guard(table) for table in two_way(mapping)]

    def admit(pages: Iterable[str]) -> None:
        known = list(pages)
        for guard in guards:
            guard.admit(known)

    return Merge(
        app,
        connection,
        mapping,
        source,
        client,
        push.report,
        sender=push.guard,
        admit=admit,
        halt_on_error=push.asked.halt_on_error,
        changed_only=push.asked.changed_only,
    )


class PushTask:
    """What a run of the kind ``push`` does."""

    def __init__(self, app: App, connection: Connection) -> None:
        self._app = app
        self._connection = connection

    async def begin(self, run: Run) -> None:
        """Nothing: a push is begun anew by whoever opens it."""

    async def open(self, run: Run) -> OpenRun:
        """Open the mapping, its database and Notion."""
        resources = AsyncExitStack()
        push = await resources.enter_async_context(
            opened(self._app, self._connection, Asked.from_json(run.options), run_id=run.id)
        )
        return _Pushing(self._app, run.id, push, resources)

    async def finish(self, conn: AsyncConnection, run: Run, outcome: Outcome) -> None:
        """The report is in the run's row already."""


async def push(
    app: App,
    connection: Connection,
    asked: Asked,
    *,
    watch: Callable[[Progress], None],
    stop: asyncio.Event,
) -> Run:
    """Push durably in this process, which has the mapping file and the database's address; the run as it ended.

    When `stop` is set the run ends as cancelled; what was written stays. What a dead process left behind is ended first. Raises Busy if
    another push of the connection is under way.
    """
    worker = Worker(app, role="cli", kinds=_HERE, watch=lambda _run, progress: watch(progress), patient=False)
    async with worker.present():
        run = await _claimed(app, connection, asked, worker)
        stopping = asyncio.create_task(_cancel_on(stop, worker, run.id))
        try:
            await worker.execute(run)
        finally:
            stopping.cancel()
            await asyncio.gather(stopping, return_exceptions=True)
        async with app.database.read() as conn:
            return await runs.one(conn, run.id)


_HERE: Final = {"push": Kind(SLOT, "syncline.mapping.pushing:PushTask")}
_LOOK: Final = 0.25
_LEFT: Final = Failure(
    "Interrupted", "The process ended before the push did. What was written stays.", exit_code=1, retry=True
)


async def _cancel_on(stop: asyncio.Event, worker: Worker, run: str) -> None:
    await stop.wait()
    worker.cancel(run)


async def _claimed(app: App, connection: Connection, asked: Asked, worker: Worker) -> Run:
    """A new run that is this worker's from the start. Raises Busy."""
    reaper = Reaper(app)
    # The first look begins the watching, the last but one may end what was left, and the last takes its place.
    for _ in range(3 + int(LEISURE / _LOOK)):
        try:
            return await _queued(app, connection, asked, worker)
        except Busy as error:
            refusal = error
        async with app.database.read() as conn:
            left = await runs.live(conn, connection.id, SLOT)
        if left is not None and await _is_alive(app, left):
            raise refusal
        if left is not None and (left.worker is None or left.worker in await reaper.dead()):
            async with app.database.begin() as conn:
                await end(conn, left, Outcome(RunState.FAILED, _LEFT), now=app.now())
        else:
            await asyncio.sleep(_LOOK)
    raise refusal


async def _queued(app: App, connection: Connection, asked: Asked, worker: Worker) -> Run:
    async with app.database.begin() as conn:
        run = await runs.queue(
            conn,
            connection.id,
            run_id=app.new_id(),
            kind="push",
            slot=SLOT,
            requested_by="cli",
            now=app.now(),
            options=asked.as_json(),
        )
        claimed = await runs.claim_one(conn, run.id, worker.id, now=app.now())
        assert claimed is not None, "nobody else sees the run before this transaction ends"
        return claimed


async def _is_alive(app: App, left: Run) -> bool:
    """Whether somebody executes the run, or is about to."""
    if left.worker is None:
        return left.state is runs.RunState.QUEUED and await is_served(app)
    return await is_held(app.database, workers.lock_name(left.worker))


@dataclass
class _Pushing:
    """A push that is open in this process: it goes on between two looks at it."""

    app: App
    run: str
    push: Push
    resources: AsyncExitStack
    work: asyncio.Task[Report] | None = None

    async def advance(self, seconds: float) -> Progress:
        self.work = self.work or asyncio.create_task(self.push.run())
        await asyncio.wait([self.work], timeout=seconds)
        if self.work.done():
            await self._conclude(self.work.result())
        await self._tell()
        return self.push.progress()

    async def _conclude(self, report: Report) -> None:
        """Keep the report. Raises PushFailed where the push as a whole failed."""
        async with self.app.database.begin() as conn:
            await runs.note_result(conn, self.run, report.as_json())
        await self._tell()
        if report.blocks:
            raise PushFailed(
                f"{counted(len(report.blocks), 'block')} of protected pages {be(len(report.blocks))} not as before the push."
            )
        if report.halted:
            raise PushFailed(
                "The push stopped at the first row that failed; the next one goes on from there."
            )
        self.push.stand.done, self.push.stand.phase = True, Step.DONE

    async def stop(self) -> None:
        try:
            if self.work is not None:
                await self._end(self.work)
        finally:
            await self.resources.aclose()

    async def _end(self, work: asyncio.Task[Report]) -> None:
        """Let what is written be written; what is only read is left."""
        await self.push.stop()
        reading = self.push.interruptible or self.push.stand.phase not in {Step.UPSERT, Step.DOCUMENTS}
        if reading:
            work.cancel()
        await asyncio.wait([work])
        error = None if work.cancelled() else work.exception()
        # A driver that is cancelled in the middle may say so in words of its own.
        if error is not None and not reading and not isinstance(error, SynclineError):
            raise error

    async def _tell(self) -> None:
        stand = self.push.progress()
        async with self.app.database.begin() as conn:
            await runs.progress(
                conn,
                self.run,
                phase=stand.phase,
                pages=stand.pages,
                requests=stand.requests,
                waiting=stand.waiting,
            )
