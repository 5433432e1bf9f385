"""Who is dead and who is not: by the lock, by silence that was watched, and never by a gap in the watching."""

from pathlib import Path

import pytest
import pytest_asyncio
from tests.engine.counting import KINDS, ask
from tests.store.samples import RING

from syncline.app import App
from syncline.engine.reaper import LEISURE, MOST_REAPS, SILENCE, Reaper
from syncline.engine.worker import Worker
from syncline.settings import Settings
from syncline.store import events, runs, workers
from syncline.store.database import Database
from syncline.store.locks import Lock
from syncline.store.runs import RunState


class Watch:
    """The reaper's clock, moved by the test; it looks each two seconds."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest_asyncio.fixture
async def app(database: Database, tmp_path: Path) -> App:
    return App(settings=Settings(home=tmp_path, database_url=None, key=None), database=database, keys=RING)


@pytest.fixture
def reaper(app: App, watch: Watch) -> Reaper:
    return Reaper(app, clock=watch)


async def hold(app: App, folder: Path, worker: str, run: str = "run") -> None:
    """Have a worker that is known, and that executes a run."""
    await ask(app, folder, run)
    async with app.database.begin() as conn:
        now = app.now()
        await workers.register(conn, workers.Worker(worker, "worker", "host", 1, "0", now, now))
        await runs.claim_one(conn, run, worker, now=now)


async def looks(reaper: Reaper, watch: Watch, *, seconds: float, step: float = 2.0) -> list[str]:
    """What is put back while the reaper looks for so long."""
    back = [run.id for run in await reaper.look()]
    for _ in range(int(seconds / step)):
        watch.time += step
        back += [run.id for run in await reaper.look()]
    return back


async def test_a_worker_whose_lock_is_free_is_dead(
    app: App, reaper: Reaper, watch: Watch, tmp_path: Path
) -> None:
    """At once on SQLite; PostgreSQL may have forgotten the lock, so there it must be silent as well."""
    await hold(app, tmp_path, "w")
    at_once = app.database.dialect == "sqlite"

    assert await looks(reaper, watch, seconds=0) == (["run"] if at_once else [])
    assert await looks(reaper, watch, seconds=LEISURE) == ([] if at_once else ["run"])
    async with app.database.read() as conn:
        assert await workers.every(conn) == []


async def test_a_worker_that_beats_is_alive_whatever_its_lock(
    app: App, reaper: Reaper, watch: Watch, tmp_path: Path
) -> None:
    await hold(app, tmp_path, "w")
    async with app.database.read() as conn:
        [known] = await workers.every(conn)
    if app.database.dialect == "sqlite":
        pytest.skip("on SQLite the operating system vouches for the lock")
    for _ in range(20):
        assert await looks(reaper, watch, seconds=2) == []
        async with app.database.begin() as conn:
            await workers.beat(conn, known, now=app.now())


async def test_a_silent_worker_that_holds_its_lock_is_dead_after_a_while(
    app: App, reaper: Reaper, watch: Watch, tmp_path: Path
) -> None:
    await hold(app, tmp_path, "w")
    async with Lock(app.database, workers.lock_name("w")):
        assert await looks(reaper, watch, seconds=SILENCE - 2) == []
        assert await looks(reaper, watch, seconds=4) == ["run"]


async def test_silence_is_measured_anew_after_a_gap_in_the_watching(
    app: App, reaper: Reaper, watch: Watch, tmp_path: Path
) -> None:
    """A laptop that was shut: all were silent, the reaper too."""
    await hold(app, tmp_path, "w")
    async with Lock(app.database, workers.lock_name("w")):
        for _ in range(5):
            assert await looks(reaper, watch, seconds=SILENCE - 2) == []
            watch.time += 3600


async def test_a_run_of_nobody_is_put_back(app: App, reaper: Reaper, watch: Watch, tmp_path: Path) -> None:
    """Such runs come from a release that knew no workers."""
    await hold(app, tmp_path, "w")
    async with app.database.begin() as conn:
        await conn.exec_driver_sql("UPDATE runs SET worker = NULL")

    assert await looks(reaper, watch, seconds=0) == ["run"]


async def test_a_run_of_a_worker_that_nobody_knows_is_put_back(
    app: App, reaper: Reaper, watch: Watch, tmp_path: Path
) -> None:
    await hold(app, tmp_path, "w")
    async with app.database.begin() as conn:
        await workers.forget(conn, "w")

    assert await looks(reaper, watch, seconds=0) == ["run"]


async def test_a_live_worker_is_left_alone(app: App, reaper: Reaper, watch: Watch, tmp_path: Path) -> None:
    await ask(app, tmp_path)
    worker = Worker(app, role="worker", kinds=KINDS)
    async with worker.present():
        async with app.database.begin() as conn:
            await runs.claim_one(conn, "run", worker.id, now=app.now())
        assert await looks(reaper, watch, seconds=SILENCE - 2) == []


async def test_a_run_that_keeps_killing_its_worker_is_parked_and_says_so(
    app: App, reaper: Reaper, watch: Watch, tmp_path: Path
) -> None:
    await hold(app, tmp_path, "w1")
    for number in range(2, MOST_REAPS + 1):
        assert await looks(reaper, watch, seconds=LEISURE) == ["run"]
        async with app.database.begin() as conn:
            now, worker = app.now(), f"w{number}"
            await workers.register(conn, workers.Worker(worker, "worker", "host", 1, "0", now, now))
            assert await runs.claim_one(conn, "run", worker, now=now)
    await looks(reaper, watch, seconds=LEISURE)

    async with app.database.read() as conn:
        run = await runs.one(conn, "run")
        told = [event.kind for event in await events.since(conn, "c", 0, 10)]
    assert (run.state, run.reaps) == (RunState.FAILED, MOST_REAPS)
    assert (run.error or {})["kind"] == "Parked"
    assert (run.error or {})["message"].startswith("3 workers have died")
    assert told == ["sync:error", "sync:status"]
    await ask(app, tmp_path, "again")
