"""A pull as a run: asked for, begun, taken up where another worker left it, ended.

What it was asked for stands in its row, so that any process can go on with it.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from random import Random, SystemRandom
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import Busy, NotFound
from syncline.core.model import Fidelity, Json, Mode
from syncline.core.refresh import Refresh
from syncline.engine import schedule
from syncline.engine.begin import ROOTS, Request, begin, considered, fits, named
from syncline.engine.clients import open_client
from syncline.engine.extract import Extraction, Limits
from syncline.engine.plan import Plan, plan
from syncline.engine.pull import Pull, load_pull
from syncline.engine.task import OpenRun, Outcome, Progress
from syncline.notion.budget import Lane as BudgetLane
from syncline.notion.exchange import Counts
from syncline.sources.notion import LANES, NotionSource
from syncline.store import runs, trees
from syncline.store.connections import Connection
from syncline.store.runs import Lane, Run

__all__ = ["SLOT", "Asked", "PullTask", "ask_pull", "preview", "queue_pull", "unshown"]

SLOT: Final = "pull"
"""Of a connection one pull is queued or under way at a time, whatever it reads."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked for. `accept_deletions`: however much has vanished, it is to be deleted."""

    request: Request
    accept_deletions: bool = False

    def as_json(self) -> dict[str, Any]:
        """The form in which the run's row keeps it."""
        request = self.request
        return {
            "mode": request.mode,
            "fidelity": request.fidelity,
            "pages": list(request.pages),
            "roots": list(request.roots),
            "comments": request.comments,
            "refresh": None if request.refresh is None else request.refresh.as_json(),
            "accept_deletions": self.accept_deletions,
        }

    @classmethod
    def from_json(cls, value: Json) -> "Asked":
        """The inverse of `as_json`; what another release has left out or added is no obstacle."""
        request = Request(
            mode=Mode(value["mode"]) if value.get("mode") else None,
            fidelity=Fidelity(value["fidelity"]) if value.get("fidelity") else None,
            pages=tuple(value.get("pages", ())),
            roots=tuple(value.get("roots", ())),
            comments=value.get("comments"),
            refresh=Refresh.from_json(value["refresh"]) if value.get("refresh") else None,
        )
        return cls(request, accept_deletions=value.get("accept_deletions", False))


async def preview(app: App, connection: Connection, request: Request) -> Plan:
    """What a pull would read; it makes requests and writes nothing."""
    async with open_client(app, connection) as client:
        source = NotionSource(client, clock=app.now)
        return await plan(database=app.database, source=source, connection_id=connection.id, request=request)


async def unshown(app: App, connection: Connection, keys: Sequence[str], *, limit: int) -> list[str]:
    """The first `limit` of these pages and databases that Notion does not show: what is not held costs up to three requests.

    Raises what a request raises.
    """
    async with app.database.read() as conn:
        held = await trees.ancestors(conn, connection.id, keys)
    unknown = [key for key in keys if key not in held]
    missing: list[str] = []
    if unknown:
        async with open_client(app, connection) as client:
            source = NotionSource(client, clock=app.now)
            for key in unknown:
                if len(missing) < limit and not await _is_shown(source, key):
                    missing.append(key)
    return missing


async def _is_shown(source: NotionSource, key: str) -> bool:
    try:
        await named(source, key, ROOTS)
    except NotFound:
        return False
    return True


async def queue_pull(
    conn: AsyncConnection,
    connection_id: str,
    asked: Asked,
    *,
    run_id: str,
    requested_by: str,
    now: datetime,
    lane: Lane = Lane.INTERACTIVE,
    trace: str | None = None,
) -> Run:
    """Put a pull into the queue.

    Raises BadInput for what does not fit together, Busy while another one is live, or for a refresh where one was left unfinished.
    """
    _, policy = await considered(conn, connection_id, asked.request)
    left = await load_pull(conn, connection_id)
    if left is not None and fits(left, asked.request, policy):
        policy = left.policy
    elif left is not None and left.policy.refresh is None and policy.refresh is not None:
        raise Busy("A sync was left unfinished: start one, which goes on where that was, and ask again then.")
    return await runs.queue(
        conn,
        connection_id,
        run_id=run_id,
        kind="pull",
        slot=SLOT,
        requested_by=requested_by,
        now=now,
        lane=lane,
        mode=policy.mode,
        fidelity=policy.fidelity,
        options=asked.as_json(),
        trace=trace,
    )


async def ask_pull(
    conn: AsyncConnection, app: App, connection_id: str, asked: Asked, *, requested_by: str, now: datetime
) -> Run:
    """Put a pull into the queue that somebody asks for. Raises what `queue_pull` raises."""
    return await queue_pull(
        conn,
        connection_id,
        asked,
        run_id=app.new_id(),
        requested_by=requested_by,
        now=now,
        trace=app.telemetry.current(),
    )


class PullTask:
    """What the run of a pull does: a Task."""

    def __init__(self, app: App, connection: Connection) -> None:
        self._app = app
        self._connection = connection
        self._begun: Pull | None = None

    async def begin(self, run: Run) -> None:
        """Take up the pull that was left behind if it reads the same; else begin one."""
        app, one = self._app, self._connection
        asked = Asked.from_json(run.options)
        async with open_client(app, one, run_id=run.id) as client:
            try:
                self._begun = await begin(
                    database=app.database,
                    source=NotionSource(client, clock=app.now),
                    connection_id=one.id,
                    run_id=run.id,
                    request=asked.request,
                    now=app.now(),
                    random=SystemRandom(),
                )
            finally:
                await self._note_cost(run.id, asked.request, client.counts)

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

    async def open(self, run: Run) -> OpenRun:
        """Open the pull in this process."""
        app, one = self._app, self._connection
        left = self._begun
        if left is None:
            async with app.database.read() as conn:
                left = await load_pull(conn, one.id)
                if left is None:
                    return _Finished(await runs.one(conn, run.id))
        resources = AsyncExitStack()
        client = await resources.enter_async_context(open_client(app, one, run_id=run.id))
        extraction = Extraction(
            database=app.database,
            source=NotionSource(client, clock=app.now, lane=_lane(left)),
            connection_id=one.id,
            run_id=run.id,
            pull=left,
            clock=app.now,
            random=Random(),  # noqa: S311  numbers that must differ, not be secret
            limits=Limits(deletions=1.0) if Asked.from_json(run.options).accept_deletions else Limits(),
        )
        return _Pulling(extraction, resources)

    async def finish(self, conn: AsyncConnection, run: Run, outcome: Outcome) -> None:
        """Let the schedule know how it went."""
        await schedule.note_end(conn, run, outcome, now=self._app.now())


def _lane(pull: Pull) -> BudgetLane:
    """Where the requests of a pull stand among those of everybody who shares the budget."""
    return BudgetLane.WEBHOOK if pull.policy.refresh is not None else LANES[pull.policy.mode]


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
