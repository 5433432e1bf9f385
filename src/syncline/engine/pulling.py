"""A pull as a durable run: begun, taken up where another process left it, ended.

A run holds the lock of its connection from beginning to end, so that no two read the same workspace at the same time.
What it was asked for stands in its row, so that any process can go on with it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from random import Random, SystemRandom
from typing import Any

from syncline.app import App
from syncline.core.model import Fidelity, Json, Mode
from syncline.engine.begin import Request, begin, decide, fits
from syncline.engine.clients import open_client
from syncline.engine.connect import executor
from syncline.engine.extract import Extraction, Limits
from syncline.engine.jobs import Jobs
from syncline.engine.plan import Plan, plan
from syncline.engine.pull import history, load_pull
from syncline.engine.task import Failure, JobState, OpenRun, Outcome, Progress, RunState
from syncline.notion.client import Counts
from syncline.sources.notion import LANES, NotionSource
from syncline.store import runs
from syncline.store.connections import Connection
from syncline.store.locks import connection_lock
from syncline.store.runs import Run

__all__ = ["Asked", "PullTask", "preview", "pull"]

_HISTORY = 30 * 86400.0
"""Seconds for which the job engine remembers an ended run; the store remembers it for good."""

_LEFT = Failure(
    "Interrupted", "The process ended before the run did. What was read stays.", exit_code=1, retry=True
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked for. `accept_deletions`: however much has vanished, it is to be deleted."""

    request: Request
    accept_deletions: bool = False

    def as_json(self) -> dict[str, Any]:
        """The form in which the run's row keeps it."""
        request = asdict(self.request)
        lists = {"pages": list(self.request.pages), "roots": list(self.request.roots)}
        return request | lists | {"accept_deletions": self.accept_deletions}

    @classmethod
    def from_json(cls, value: Json) -> "Asked":
        """The inverse of `as_json`."""
        request = Request(
            mode=Mode(value["mode"]) if value["mode"] else None,
            fidelity=Fidelity(value["fidelity"]) if value["fidelity"] else None,
            pages=tuple(value["pages"]),
            roots=tuple(value["roots"]),
            comments=value["comments"],
        )
        return cls(request, accept_deletions=value["accept_deletions"])


async def preview(app: App, connection: Connection, request: Request) -> Plan:
    """What a pull would read; it makes requests and writes nothing."""
    async with open_client(app, connection) as client:
        source = NotionSource(client, clock=app.now)
        return await plan(database=app.database, source=source, connection_id=connection.id, request=request)


async def pull(
    app: App,
    connection: Connection,
    asked: Asked,
    *,
    watch: Callable[[Progress], None],
    stop: asyncio.Event,
) -> Run:
    """Pull the connection's workspace, durably, and return the run as it ended.

    `watch` is told of progress. When `stop` is set the run ends as cancelled; what was read stays. A run that
    a dead process left behind is taken up if it was asked for the same, else ended. Raises Busy if another pull of
    the connection is under way, StoreUnavailable if the store or the job store cannot be used.
    """
    task = PullTask(app, connection)
    async with (
        connection_lock(app.database, app.settings.home, connection.id),
        Jobs(app.settings.jobs, executor=executor(connection), task=task) as jobs,
    ):
        run = await _left_behind(app, connection, asked, jobs) or await task.create(asked)
        await jobs.start(run)
        async with _stopped_by(stop, jobs, run):
            async for progress in jobs.watch(run):
                watch(progress)
            await jobs.wait(run)
        await jobs.prune(before=app.now().timestamp() - _HISTORY)
        async with app.database.read() as conn:
            return await runs.one(conn, run)


@asynccontextmanager
async def _stopped_by(stop: asyncio.Event, jobs: Jobs, run: str) -> AsyncIterator[None]:
    async def cancel() -> None:
        await stop.wait()
        await jobs.cancel(run)

    waiting = asyncio.create_task(cancel())
    try:
        yield
    finally:
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting


async def _left_behind(app: App, connection: Connection, asked: Asked, jobs: Jobs) -> str | None:
    """The run that a dead process left behind, if it was asked for the same; all others are ended."""
    async with app.database.read() as conn:
        left = await runs.unfinished(conn, connection.id)
    known = {run.id for run in left}
    for stray in await jobs.unfinished():
        if (
            stray not in known
        ):  # its end stands in the store, but was lost to the job store, as on a full disk
            await jobs.cancel(stray)
    same: str | None = None
    for run in left:
        state = await jobs.state(run.id)
        if same is None and state is not JobState.ENDED and run.options == asked.as_json():
            same = run.id
            continue
        if state is JobState.LIVE:
            await jobs.cancel(run.id)
        await jobs.task.finish(run.id, Outcome(RunState.FAILED, _LEFT))
    return same


class PullTask:
    """What the run of a pull does: the job engine's Task."""

    def __init__(self, app: App, connection: Connection) -> None:
        self._app = app
        self._connection = connection

    async def create(self, asked: Asked) -> str:
        """Write down a new run. Raises BadInput for what does not fit together."""
        app, run = self._app, self._app.new_id()
        async with app.database.begin() as conn:
            before = await history(conn, self._connection.id, asked.request.roots)
            policy = decide(asked.request, before)
            left = await load_pull(conn, self._connection.id)
            if left is not None and fits(left, asked.request, policy):
                policy = left.policy
            await runs.start(
                conn,
                self._connection.id,
                run_id=run,
                mode=policy.mode,
                fidelity=policy.fidelity,
                options=asked.as_json(),
                now=app.now(),
            )
        return run

    async def begin(self, run: str) -> None:
        """Take up the pull that was left behind if it reads the same; else begin one."""
        app, one = self._app, self._connection
        async with app.database.read() as conn:
            asked = Asked.from_json((await runs.one(conn, run)).options)
        async with open_client(app, one) as client:
            try:
                await begin(
                    database=app.database,
                    source=NotionSource(client, clock=app.now),
                    connection_id=one.id,
                    run_id=run,
                    request=asked.request,
                    now=app.now(),
                    random=SystemRandom(),
                )
            finally:
                await self._note_cost(run, asked.request, client.counts)

    async def _note_cost(self, run: str, request: Request, counts: Counts) -> None:
        """Count what it took to look up the pages and roots that were named: one request each at least."""
        if counts.requests == 0:
            return
        requests = {
            "made": counts.requests,
            "bound": len(request.pages) + len(request.roots),
            "rate_limited": counts.rate_limited,
        }
        async with self._app.database.begin() as conn:
            pages = (await runs.one(conn, run)).pages
            await runs.progress(conn, run, phase="begin", pages=pages, requests=requests)

    async def open(self, run: str) -> OpenRun:
        """Open the pull in this process."""
        app, one = self._app, self._connection
        async with app.database.read() as conn:
            row = await runs.one(conn, run)
            left = await load_pull(conn, one.id)
        if left is None:
            return _Finished(row)
        resources = AsyncExitStack()
        client = await resources.enter_async_context(open_client(app, one))
        extraction = Extraction(
            database=app.database,
            source=NotionSource(client, clock=app.now, lane=LANES[left.policy.mode]),
            connection_id=one.id,
            run_id=run,
            pull=left,
            clock=app.now,
            random=Random(),  # noqa: S311  numbers that must differ, not be secret
            limits=Limits(deletions=1.0) if row.options["accept_deletions"] else Limits(),
        )
        return _Pulling(extraction, resources)

    async def finish(self, run: str, outcome: Outcome) -> None:
        """Write the end into the run's row."""
        async with self._app.database.begin() as conn:
            await runs.finish(
                conn,
                run,
                state=runs.RunState(outcome.state.value),
                now=self._app.now(),
                error=asdict(outcome.failure) if outcome.failure else None,
            )


@dataclass(frozen=True, slots=True)
class _Pulling:
    """A pull that is open in this process, with what it reads through."""

    extraction: Extraction
    resources: AsyncExitStack

    async def advance(self, seconds: float) -> Progress:
        return await self.extraction.advance(seconds)

    async def stop(self) -> None:
        await self.extraction.stop()
        await self.resources.aclose()


@dataclass(frozen=True, slots=True)
class _Finished:
    """A pull that was done when the process died, before the run was: nothing is left to do."""

    run: Run
    done: bool = True
    waiting: int = 0

    @property
    def phase(self) -> str:
        return self.run.phase

    @property
    def pages(self) -> Mapping[str, int]:
        return self.run.pages

    @property
    def requests(self) -> Mapping[str, int]:
        return self.run.requests

    async def advance(self, seconds: float) -> Progress:  # noqa: ARG002  there is nothing to wait for
        return self

    async def stop(self) -> None:
        """Nothing is open."""
