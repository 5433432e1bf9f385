"""The search index by itself: it follows what is pulled while it is pulled, and soon after whatever changes otherwise."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import NotFound
from syncline.core.event import sync_indexing
from syncline.core.model import Change, Kind
from syncline.core.refresh import Refresh
from syncline.destinations.search import SearchIndex
from syncline.engine.begin import Request
from syncline.engine.load import changes_of, next_changes
from syncline.engine.pulling import SLOT, Asked, PullTask, ask_pull
from syncline.engine.task import OpenRun, Outcome, Progress, Task
from syncline.store import events, runs, search
from syncline.store.connections import Connection
from syncline.store.runs import Run
from syncline.store.search import Key

__all__ = ["Followed", "Indexed", "catch_up", "follow", "indexed_pull", "reindex"]

_BATCH: Final = 50
"""Records of one transaction: few enough that a pull that writes beside it hardly waits."""

_LATE: Final = 500
"""Connections that the duty looks at before it asks again who is behind."""

_PAUSE: Final = 2.0
"""Seconds between two looks of a pull at what there is to index."""

_SLICE: Final = 2.0
"""Seconds for which the duty works for one connection before the next has its turn."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What was done for an index: how many records were looked at, the title of the last, and how many still wait."""

    records: int = 0
    current: str = ""
    waiting: int = 0


async def follow(app: App, connection_id: str, *, seconds: float) -> Followed:
    """Bring the index of a connection up to date, for about so many seconds. An index that is off has nothing to follow.

    Raises NotFound if the connection is removed meanwhile.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    done = Followed()
    while changes := await _step(app, connection_id):
        done = Followed(done.records + len(changes), changes[-1].record.title)
        if clock() >= end:
            return Followed(done.records, done.current, await _waiting(app, connection_id))
    return done


async def _step(app: App, connection_id: str) -> Sequence[Change]:
    """Index the next few records: those that were marked for it, then those that changed. None are left if it answers none."""
    async with app.database.read() as conn:
        index = await search.index(conn, connection_id)
        if not index.enabled:
            return ()
        marked = await search.stale(conn, connection_id, limit=_BATCH)
        renewed = await changes_of(conn, connection_id, marked) if marked else []
        changes = await next_changes(conn, connection_id, index.checkpoint, limit=_BATCH)
    destination = SearchIndex(app.database, connection_id, now=app.now(), seen=index.checkpoint)
    if renewed:
        await destination.renew(renewed)
        return renewed
    if changes:
        await destination.write(changes, changes[-1].record.seq)
    return changes


async def _waiting(app: App, connection_id: str) -> int:
    async with app.database.read() as conn:
        held = await search.index(conn, connection_id)
        return await search.count_waiting(conn, connection_id, checkpoint=held.checkpoint)


async def reindex(app: App, connection: Connection, key: Key, *, requested_by: str) -> Run:
    """Ask for a page, row or data source to be read again and indexed anew, whether or not it changed; the pull that does it.

    Until then it is found as it was. Raises Busy while another pull of the connection is queued or under way.
    """
    kind, identity = key
    content = {identity: None} if kind is Kind.PAGE else {}
    asked = Asked(Request(refresh=Refresh(objects=(key,), content=content)))
    async with app.database.begin() as conn:
        run = await ask_pull(conn, app, connection.id, asked, requested_by=requested_by, now=app.now())
        await search.mark(conn, connection.id, [key])
    return run


async def catch_up(app: App) -> float | None:
    """A duty: index what changed without a pull. A pull that is under way indexes its own.

    Two workers may do the same at the same time; the second finds it done.
    """
    async with app.database.read() as conn:
        late = [
            one for one in await search.behind(conn, limit=_LATE) if await runs.live(conn, one, SLOT) is None
        ]
    waiting = 0
    for connection_id in late:
        try:
            waiting += (await follow(app, connection_id, seconds=_SLICE)).waiting
        except NotFound:  # it was removed meanwhile: there is nothing to index
            continue
    return 0.0 if waiting else None


# --- beside a pull ------------------------------------------------------------------------------------------------


def indexed_pull(app: App, connection: Connection) -> Task:
    """The task of a pull on a server: it indexes what it reads."""
    return Indexed(PullTask(app, connection), app, connection.id)


class Indexed:
    """A task whose run also keeps the search index of its connection up to date, and is done when both are."""

    def __init__(self, task: Task, app: App, connection_id: str) -> None:
        self._task = task
        self._app = app
        self._connection_id = connection_id

    async def begin(self, run: Run) -> None:
        """As the task does."""
        await self._task.begin(run)

    async def open(self, run: Run) -> OpenRun:
        """Open the run of the task, with the index beside it."""
        clock = asyncio.get_running_loop().time
        return _Indexing(self._app, run, await self._task.open(run), clock, looked_at=clock())

    async def finish(self, conn: AsyncConnection, run: Run, outcome: Outcome) -> None:
        """As the task does."""
        await self._task.finish(conn, run, outcome)


@dataclass(slots=True)
class _Indexing:
    """An open run and the index that follows it. `read` is set once all is read."""

    app: App
    run: Run
    inner: OpenRun
    clock: Callable[[], float]
    looked_at: float
    read: Progress | None = None
    documents: int = 0

    async def advance(self, seconds: float) -> Progress:
        if self.read is None:
            progress = await self.inner.advance(seconds)
            if not progress.done:
                if self.clock() - self.looked_at >= _PAUSE:
                    await self._look(seconds)
                return progress
            self.read = progress
        waiting = await self._look(seconds)
        return _Indexed(self.read, waiting)

    async def _look(self, seconds: float) -> int:
        """Index for a while and tell how far that is; how many records wait."""
        followed = await follow(self.app, self.run.connection_id, seconds=seconds)
        self.looked_at = self.clock()
        self.documents += followed.records
        if followed.records:
            async with self.app.database.begin() as conn:
                await self._tell(conn, followed)
        return followed.waiting

    async def _tell(self, conn: AsyncConnection, followed: Followed) -> None:
        total = self.documents + followed.waiting
        event = sync_indexing(self.run.id, indexed=self.documents, total=total, current=followed.current)
        await events.append(conn, self.run.connection_id, [event], now=self.app.now())
        if self.read is not None:
            await runs.progress(
                conn,
                self.run.id,
                phase="indexing" if followed.waiting else self.read.phase,
                pages=self.read.pages,
                requests=self.read.requests,
                waiting=followed.waiting + (0 if self.read.done else self.read.waiting),
            )

    async def stop(self) -> None:
        await self.inner.stop()


@dataclass(frozen=True, slots=True)
class _Indexed:
    """How far a run is that has read everything: what waits is to be indexed."""

    read: Progress
    waiting: int
    phase: str = "indexing"

    @property
    def done(self) -> bool:
        return self.waiting == 0

    @property
    def pages(self) -> Mapping[str, int]:
        return self.read.pages

    @property
    def requests(self) -> Mapping[str, int]:
        return self.read.requests
