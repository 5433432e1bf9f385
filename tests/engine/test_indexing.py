"""The index follows a pull while it is under way, and whatever changes otherwise soon after."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.engine.remembering import HOME, Remembering
from tests.store.samples import RING

from syncline.app import App
from syncline.core.errors import Busy
from syncline.core.model import Deletion, Kind
from syncline.engine import indexing
from syncline.engine.begin import Request
from syncline.engine.indexing import Followed, Indexed, catch_up, follow, reindex
from syncline.engine.search import find
from syncline.engine.task import OpenRun, Outcome, Progress
from syncline.settings import Settings
from syncline.store import connections, events, records, runs, search
from syncline.store.database import Database
from syncline.store.runs import Run

PAGES = 7


@pytest_asyncio.fixture
async def home(database: Database) -> Remembering:
    """A store with pages of some words each."""
    home = Remembering(database)
    await home.connect()
    for number in range(PAGES):
        home.write(f"p{number}", title=f"whale number{number}")
    home.pass_time(hours=1)
    return home


@pytest.fixture
def app(home: Remembering, tmp_path: Path) -> App:
    settings = Settings(home=tmp_path, database_url=None, key=None)
    return App(settings=settings, database=home.database, keys=RING, now=lambda: home.source.time)


async def keys(app: App, query: str) -> list[str]:
    return sorted(hit.key for hit in await find(app, [HOME], query, limit=50))


async def told(app: App, kind: str) -> list[dict[str, object]]:
    async with app.database.read() as conn:
        return [dict(event.data) for event in await events.since(conn, HOME, 0, 1000) if event.kind == kind]


async def test_everything_that_was_pulled_is_found(app: App, home: Remembering) -> None:
    await home.pull()
    assert await follow(app, HOME, seconds=60) == Followed(PAGES, "whale number6")
    assert await keys(app, "whale") == [f"p{n}" for n in range(PAGES)]
    assert await keys(app, "number3") == ["p3"]
    assert await follow(app, HOME, seconds=60) == Followed()


async def test_changes_and_deletions_follow(app: App, home: Remembering) -> None:
    await home.pull()
    await follow(app, HOME, seconds=60)
    home.pass_time(hours=1)
    home.write("p3", title="tuna")
    home.source.trash.add((Kind.PAGE, "p5"))
    home.pass_time(minutes=5)
    await home.pull()
    assert (await follow(app, HOME, seconds=60)).records == 2
    assert await keys(app, "tuna") == ["p3"]
    assert await keys(app, "whale") == ["p0", "p1", "p2", "p4", "p6"]


async def test_a_little_time_indexes_some_and_says_what_waits(
    app: App, home: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_BATCH", 2)
    await home.pull()
    assert await follow(app, HOME, seconds=0) == Followed(2, "whale number1", PAGES - 2)
    assert await keys(app, "whale") == ["p0", "p1"]
    assert (await follow(app, HOME, seconds=60)).waiting == 0
    assert len(await keys(app, "whale")) == PAGES


async def test_an_index_that_is_off_follows_nothing_and_catches_up_once_it_is_on(
    app: App, home: Remembering
) -> None:
    async with app.database.begin() as conn:
        await search.switch(conn, HOME, enabled=False)
    await home.pull()
    assert await follow(app, HOME, seconds=60) == Followed()
    assert await catch_up(app) is None
    assert await keys(app, "whale") == []
    async with app.database.begin() as conn:
        await search.switch(conn, HOME, enabled=True)
    await catch_up(app)
    assert len(await keys(app, "whale")) == PAGES


async def test_the_duty_indexes_what_no_pull_does(app: App, home: Remembering) -> None:
    await home.pull()
    assert await catch_up(app) is None
    assert len(await keys(app, "whale")) == PAGES
    async with app.database.begin() as conn:
        await records.delete(conn, HOME, [(Kind.PAGE, "p0")], reason=Deletion.TRASHED, now=app.now())
    await catch_up(app)
    assert len(await keys(app, "whale")) == PAGES - 1


async def test_the_duty_wants_to_go_on_while_much_waits(
    app: App, home: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_BATCH", 2)
    monkeypatch.setattr(indexing, "_SLICE", 0)
    await home.pull()
    calls = [await catch_up(app) for _ in range(4)]
    assert calls == [0.0, 0.0, 0.0, None]


async def queued(app: App) -> Run:
    async with app.database.begin() as conn:
        return await runs.queue(
            conn, HOME, run_id="r", kind="pull", slot="pull", requested_by="", now=app.now()
        )


async def test_the_duty_leaves_a_connection_alone_whose_pull_is_live(app: App, home: Remembering) -> None:
    await home.pull()
    await queued(app)
    await catch_up(app)
    assert await keys(app, "whale") == []


@dataclass
class Reading:
    """A task that reads for `steps` steps; each step pulls one page more."""

    home: Remembering
    steps: int
    log: list[str] = field(default_factory=list)

    async def begin(self, run: Run) -> None:
        self.log.append("begin")

    async def open(self, run: Run) -> OpenRun:
        return self

    async def finish(self, conn: AsyncConnection, run: Run, outcome: Outcome) -> None:
        self.log.append("finish")

    async def advance(self, seconds: float) -> Progress:
        self.log.append("advance")
        self.home.write(f"q{self.steps}", title="shark")
        self.home.pass_time(minutes=5)
        progress = await self.home.pull()
        self.steps -= 1
        return Step(progress, done=self.steps == 0)

    async def stop(self) -> None:
        self.log.append("stop")


@dataclass
class Step:
    read: Progress
    done: bool
    phase: str = "content"
    waiting: int = 3

    @property
    def pages(self) -> dict[str, int]:
        return {"seen": 1}

    @property
    def requests(self) -> dict[str, int]:
        return {"made": 2}


async def test_a_run_indexes_while_it_reads_and_is_done_when_both_are(
    app: App, home: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_PAUSE", 0)
    run, reading = await queued(app), Reading(home, 2)
    task = Indexed(reading, app, HOME)
    await task.begin(run)
    opened = await task.open(run)
    first = await opened.advance(1)
    assert (first.done, first.phase, len(await keys(app, "shark"))) == (False, "content", 1)
    second = await opened.advance(1)
    assert (second.done, second.phase, second.pages, second.requests) == (
        True,
        "indexing",
        {"seen": 1},
        {"made": 2},
    )
    assert len(await keys(app, "shark")) == 2
    await opened.stop()
    assert reading.log == ["begin", "advance", "advance", "stop"]
    last = (await told(app, "sync:indexing"))[-1]
    assert (last["documentsIndexed"], last["totalDocuments"], last["percentage"]) == (
        PAGES + 2,
        PAGES + 2,
        100,
    )


async def test_a_run_goes_on_until_all_is_indexed_and_reads_no_further(
    app: App, home: Remembering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "_BATCH", 2)
    run, reading = await queued(app), Reading(home, 1)
    opened = await Indexed(reading, app, HOME).open(run)
    states = []
    while not (progress := await opened.advance(0)).done:
        async with app.database.read() as conn:
            row = await runs.one(conn, run.id)
        states.append((progress.waiting, row.waiting, row.phase))
    assert states == [(6, 6, "indexing"), (4, 4, "indexing"), (2, 2, "indexing")]
    async with app.database.read() as conn:
        row = await runs.one(conn, run.id)
    assert (row.waiting, row.phase, row.pages, row.requests) == (0, "content", {"seen": 1}, {"made": 2})
    assert reading.log == ["advance"]
    assert [event["documentsIndexed"] for event in await told(app, "sync:indexing")] == [2, 4, 6, 8]


async def test_reindexing_asks_for_one_page_and_marks_it(app: App, home: Remembering) -> None:
    await home.pull()
    await follow(app, HOME, seconds=60)
    async with app.database.read() as conn:
        connection = await connections.one(conn, HOME)
    run = await reindex(app, connection, (Kind.PAGE, "p3"), requested_by="ann")
    assert (run.kind, run.requested_by, run.options["refresh"]["content"]) == ("pull", "ann", {"p3": None})
    async with app.database.read() as conn:
        assert await search.stale(conn, HOME, limit=9) == [(Kind.PAGE, "p3")]
    assert await keys(app, "number3") == ["p3"]
    with pytest.raises(Busy):
        await reindex(app, connection, (Kind.PAGE, "p4"), requested_by="ann")
    async with app.database.read() as conn:
        assert await search.stale(conn, HOME, limit=9) == [(Kind.PAGE, "p3")]


async def test_a_pull_of_one_page_indexes_that_page(app: App, home: Remembering) -> None:
    await home.pull(Request(pages=("p2",)))
    assert (await follow(app, HOME, seconds=60)).records == 1
    assert await keys(app, "whale") == ["p2"]
