"""What a worker promises, on both databases: every run ends once, whoever dies, and none is executed by two."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select
from tests.engine.counting import KINDS, ask, events, reached
from tests.store.samples import RING

from syncline.app import App
from syncline.core.errors import BadInput, LeaseLost, StoreUnavailable
from syncline.engine.duties import Duty
from syncline.engine.execution import leased
from syncline.engine.worker import Worker
from syncline.settings import Settings
from syncline.store import events as log
from syncline.store import runs, workers
from syncline.store.database import Database
from syncline.store.runs import Lease, Run, RunState
from syncline.store.tables import runs as table

PROGRAM = Path(__file__).with_name("counting.py")


@pytest_asyncio.fixture
async def app(database: Database, tmp_path: Path) -> App:
    return App(settings=Settings(home=tmp_path, database_url=None, key=None), database=database, keys=RING)


@contextlib.asynccontextmanager
async def serving(app: App, *, concurrency: int = 4, duties: tuple[Duty, ...] = ()) -> AsyncIterator[Worker]:
    """A worker in this process; drained at the end."""
    worker = Worker(app, role="worker", kinds=KINDS, duties=duties, concurrency=concurrency, beat=0.2)
    task = asyncio.create_task(worker.serve())
    try:
        yield worker
    finally:
        worker.drain()
        await task


@contextlib.contextmanager
def process(location: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own; killed at the end if it is still there."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["src", "."])}
    child = subprocess.Popen([sys.executable, str(PROGRAM), location], env=environment)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  what is waited for is in a file
            await asyncio.sleep(0.02)


async def one(app: App, run: str = "run") -> Run:
    async with app.database.read() as conn:
        return await runs.one(conn, run)


async def ended(app: App, run: str = "run") -> Run:
    async with asyncio.timeout(60):
        while not (found := await one(app, run)).ended:  # noqa: ASYNC110  a row has no event
            await asyncio.sleep(0.02)
    return found


async def told(app: App) -> list[str]:
    async with app.database.read() as conn:
        return [event.kind for event in await log.since(conn, "c", 0, 100)]


async def test_a_queued_run_is_begun_advanced_and_finished_once(app: App, tmp_path: Path) -> None:
    await ask(app, tmp_path)
    async with serving(app):
        run = await ended(app)

    assert (run.state, run.attempt, run.reaps, run.worker) == (RunState.SUCCEEDED, 1, 0, None)
    assert events(tmp_path, "begin") == events(tmp_path, "stop") == [["run"]]
    assert events(tmp_path, "finish") == [["run", "succeeded", None]]
    assert reached(tmp_path, "run") == 5
    assert await told(app) == ["sync:start", "sync:status", "sync:complete", "sync:status"]


async def test_a_worker_is_known_while_it_serves(app: App) -> None:
    async def known() -> list[workers.Worker]:
        async with app.database.read() as conn:
            return await workers.every(conn)

    async with serving(app) as worker:
        async with asyncio.timeout(60):
            while not (found := await known()) or found[0].beats < 2:  # noqa: ASYNC110  a row has no event
                await asyncio.sleep(0.05)
        assert [(one.id, one.role, one.pid) for one in found] == [(worker.id, "worker", os.getpid())]
    assert await known() == []


@pytest.mark.parametrize(("name", "retry"), [("Stop", False), ("Unreachable", True)])
async def test_an_error_of_ours_ends_the_run_with_its_sentence(
    app: App, tmp_path: Path, name: str, *, retry: bool
) -> None:
    await ask(app, tmp_path, raises=name)
    async with serving(app):
        run = await ended(app)

    assert run.state is RunState.FAILED
    assert run.error is not None
    assert (run.error["kind"], run.error["message"], run.error["retry"]) == (name, "It cannot be.", retry)
    assert events(tmp_path, "stop") == [["run"]]
    assert await told(app) == ["sync:start", "sync:status", "sync:error", "sync:status"]


async def test_an_unexpected_error_fails_the_run_and_not_the_worker(
    app: App, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(app, tmp_path, "bug", raises="ZeroDivisionError")
    async with serving(app):
        run = await ended(app, "bug")
        await ask(app, tmp_path, "next")
        assert (await ended(app, "next")).state is RunState.SUCCEEDED

    assert (run.state, (run.error or {})["kind"]) == (RunState.FAILED, "ZeroDivisionError")
    assert "The run bug failed unexpectedly." in caplog.text


async def test_a_cancelled_run_stops_and_ends_as_cancelled(app: App, tmp_path: Path) -> None:
    await ask(app, tmp_path, goal=100_000)
    async with serving(app):
        await until(lambda: reached(tmp_path, "run") > 2)
        async with app.database.begin() as conn:
            await runs.request_cancel(conn, "run", now=app.now())
        run = await ended(app)

    assert run.state is RunState.CANCELLED
    assert events(tmp_path, "finish") == [["run", "cancelled", None]]
    assert await told(app) == ["sync:start", "sync:status", "sync:cancelled", "sync:status"]


async def test_a_drained_worker_gives_its_run_back_and_another_goes_on_with_it(
    app: App, tmp_path: Path
) -> None:
    await ask(app, tmp_path, goal=40)
    async with serving(app):
        await until(lambda: reached(tmp_path, "run") > 2)
    left, count = await one(app), reached(tmp_path, "run")
    async with serving(app):
        run = await ended(app)

    assert (left.state, left.worker, left.not_before) == (RunState.QUEUED, None, None)
    assert 2 < count < 40
    assert (run.state, run.attempt, run.reaps) == (RunState.SUCCEEDED, 2, 0)
    assert events(tmp_path, "begin") == [["run"]], "a run that had begun is not begun again"
    assert reached(tmp_path, "run") == 40


async def test_a_killed_worker_is_followed_by_another_that_goes_on(
    app: App, store_location: str, tmp_path: Path
) -> None:
    await ask(app, tmp_path, goal=150)
    with process(store_location) as child:
        await until(lambda: reached(tmp_path, "run") > 10)
        child.send_signal(signal.SIGKILL)
        child.wait()
    async with serving(app):
        run = await ended(app)

    assert (run.state, run.attempt, run.reaps) == (RunState.SUCCEEDED, 2, 1)
    assert events(tmp_path, "begin") == [["run"]]
    assert 150 <= reached(tmp_path, "run") <= 151, "at most the step in flight is repeated"


async def test_no_worker_takes_up_the_live_work_of_another(
    app: App, store_location: str, tmp_path: Path
) -> None:
    await ask(app, tmp_path, goal=150)
    with process(store_location):
        await until(lambda: reached(tmp_path, "run") > 3)
        async with serving(app):
            run = await ended(app)

    assert (run.attempt, run.reaps) == (1, 0)
    assert events(tmp_path, "open") == [["run"]]


async def stopped(child: subprocess.Popen[bytes], location: str) -> Run:
    """Stop a worker outside of a transaction, whose locks would be the database's to take away, and take its run."""
    database = await Database.open(location, patience=0.3)
    while True:
        child.send_signal(signal.SIGSTOP)
        try:
            async with database.begin() as conn:
                if database.dialect == "postgresql":
                    await conn.exec_driver_sql("SET LOCAL lock_timeout = '300ms'")
                [stale] = await runs.put_back(conn, (await runs.one(conn, "run")).worker)
            break
        except StoreUnavailable:
            child.send_signal(signal.SIGCONT)
            await asyncio.sleep(0.003)
    await database.close()
    return stale


async def test_a_worker_that_was_taken_for_dead_writes_nothing_more(
    app: App, store_location: str, tmp_path: Path
) -> None:
    """SIGSTOP is what a swapped out or partitioned machine looks like; SIGCONT brings the zombie back."""
    await ask(app, tmp_path, goal=400)
    with process(store_location) as child:
        await until(lambda: reached(tmp_path, "run") > 3)
        async with app.database.begin() as conn:
            # While we hold the row it is in no transaction of the run: what it held then would be the database's to take away.
            await conn.execute(select(table.c.id).where(table.c.id == "run").with_for_update())
            child.send_signal(signal.SIGSTOP)
            [stale] = await runs.put_back(conn, (await runs.one(conn, "run")).worker)
        async with serving(app):
            async with asyncio.timeout(60):
                while (await one(app)).attempt < 2:  # noqa: ASYNC110  a row has no event
                    await asyncio.sleep(0.02)
            child.send_signal(signal.SIGCONT)
            run = await ended(app)

    assert stale.attempt == 1
    assert (run.state, run.attempt) == (RunState.SUCCEEDED, 2)
    assert events(tmp_path, "finish") == [["run", "succeeded", None]]
    assert reached(tmp_path, "run") <= 401


async def test_a_lease_that_is_lost_writes_nothing(app: App, tmp_path: Path) -> None:
    await ask(app, tmp_path)
    async with app.database.begin() as conn:
        await runs.claim_one(conn, "run", "w1", now=app.now())
        old = Lease("run", "w1", 1)
        await runs.put_back(conn, "w1")
        await runs.claim_one(conn, "run", "w2", now=app.now())

    with pytest.raises(LeaseLost):
        async with leased(app, old).database.begin() as conn:
            pytest.fail("a transaction without a lease")
    async with leased(app, Lease("run", "w2", 2)).database.begin() as conn:
        await runs.begun(conn, "run", now=app.now())


async def test_a_worker_executes_as_many_runs_at_once_as_it_may(app: App, tmp_path: Path) -> None:
    for name in "abc":
        await ask(app, tmp_path, name, connection=f"of {name}", goal=30)
    async with serving(app, concurrency=2):
        await until(lambda: all(reached(tmp_path, name) > 2 for name in "ab"))
        assert reached(tmp_path, "c") == 0
        assert [(await ended(app, name)).state for name in "abc"] == [RunState.SUCCEEDED] * 3


async def test_the_store_may_go_away_and_the_run_waits_for_it(app: App, tmp_path: Path) -> None:
    soon = replace(app, now=lambda: datetime.now(app.now().tzinfo) + timedelta(hours=1))
    await ask(app, tmp_path, raises="StoreUnavailable")
    async with serving(app):
        async with asyncio.timeout(60):
            while (run := await one(app)).not_before is None:  # noqa: ASYNC110  a row has no event
                await asyncio.sleep(0.02)

    assert (run.state, run.attempt) == (RunState.QUEUED, 1)
    assert app.now() < run.not_before < soon.now()


async def test_a_run_that_the_store_fails_again_and_again_ends(app: App, tmp_path: Path) -> None:
    hours = iter(range(100))
    later = replace(
        app, now=lambda: datetime(2026, 1, 1, tzinfo=app.now().tzinfo) + timedelta(hours=next(hours))
    )
    await ask(later, tmp_path, raises="StoreUnavailable")
    for _ in range(8):
        worker = Worker(later, role="worker", kinds=KINDS)
        async with app.database.begin() as conn:
            run = await runs.claim_one(conn, "run", worker.id, now=app.now())
        assert run is not None
        await worker.execute(run)

    assert ((await one(app)).error or {})["kind"] == "StoreUnavailable"


DONE: list[str] = []


async def note(_app: App) -> float | None:
    DONE.append("done")
    if len(DONE) == 1:
        raise ZeroDivisionError
    return 0.01


async def test_duties_are_done_again_and_again_whatever_they_raise(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    DONE.clear()
    async with serving(app, duties=(Duty("note", 0.01, f"{__name__}:note"),)):
        await until(lambda: len(DONE) > 3)

    assert "The duty note failed." in caplog.text


async def refuse(_app: App) -> float | None:
    DONE.append("done")
    raise BadInput("The key is another.")


async def test_a_duty_that_fails_on_purpose_is_one_line_of_the_log(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    DONE.clear()
    async with serving(app, duties=(Duty("refuse", 0.01, f"{__name__}:refuse"),)):
        await until(lambda: len(DONE) > 1)

    assert "The duty refuse failed: The key is another." in caplog.text
    assert "Traceback" not in caplog.text


class Slow:
    """A duty that has work under way when the worker is told to stop."""

    def __init__(self) -> None:
        self.work: list[asyncio.Task[None]] = []

    async def __call__(self, _app: App) -> float | None:
        if not self.work:
            self.work.append(asyncio.create_task(self._end()))
        DONE.append("begun")
        return None

    async def _end(self) -> None:
        await asyncio.sleep(0.05)
        DONE.append("ended")

    async def close(self) -> None:
        await asyncio.wait(self.work)


async def test_a_worker_that_drains_waits_for_what_a_duty_has_under_way(app: App) -> None:
    DONE.clear()
    async with serving(app, duties=(Duty("slow", 60, f"{__name__}:Slow"),)) as worker:
        await until(lambda: "begun" in DONE)
        worker.drain()

    assert DONE == ["begun", "ended"]


async def test_a_run_whose_end_nobody_foresaw_is_not_left_with_a_worker_that_does_not_execute_it(
    app: App, tmp_path: Path
) -> None:
    await ask(app, tmp_path, unfinished="yes")
    async with serving(app):
        async with asyncio.timeout(60):
            while (run := await one(app)).not_before is None:  # noqa: ASYNC110  a row has no event
                await asyncio.sleep(0.02)

    assert (run.state, run.worker) == (RunState.QUEUED, None)


async def test_what_goes_wrong_while_a_run_is_stopped_is_its_failure(app: App, tmp_path: Path) -> None:
    await ask(app, tmp_path, unstoppable="yes")
    async with serving(app):
        run = await ended(app)

    assert (run.state, (run.error or {})["message"]) == (RunState.FAILED, "cannot stop")


async def test_a_driver_that_takes_a_cancellation_for_a_bug_does_not_fail_the_run(
    app: App, tmp_path: Path
) -> None:
    await ask(app, tmp_path, goal=100_000, confused="yes")
    async with serving(app):
        await until(lambda: reached(tmp_path, "run") > 2)
        async with app.database.begin() as conn:
            await runs.request_cancel(conn, "run", now=app.now())
        run = await ended(app)

    assert run.state is RunState.CANCELLED
