"""What the job port promises, on both databases. It is kept so that another engine can be put behind it."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.engine.counting import Counting

from syncline.core.errors import Busy, Stop, StoreUnavailable, Unreachable
from syncline.engine.jobs import Jobs, forget
from syncline.engine.task import JobState, RunState
from syncline.store.database import Database
from syncline.store.locks import connection_lock

PROGRAM = Path(__file__).with_name("counting.py")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where the job engine keeps its own."""
    if request.param == "sqlite":
        return tmp_path / "jobs.sqlite"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def task(tmp_path: Path) -> Counting:
    return Counting(tmp_path, goal=5)


def open_jobs(store: Path | str, task: Counting, executor: str = "one") -> Jobs:
    return Jobs(store, executor=executor, task=task)


@contextlib.contextmanager
def process(
    store: Path | str, folder: Path, run: str, *, executor: str = "one", goal: int = 5
) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that executes a run; killed at the end if it is still there."""
    command = [sys.executable, str(PROGRAM), str(store), executor, str(folder), str(goal), run]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["src", "."])}
    child = subprocess.Popen(command, env=environment)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def count_reaches(task: Counting, run: str, count: int) -> None:
    async with asyncio.timeout(60):
        while task.reached(run) < count:  # noqa: ASYNC110  what is waited for is in a file
            await asyncio.sleep(0.02)


async def test_a_run_begins_advances_and_finishes_once(store: Path | str, task: Counting) -> None:
    async with open_jobs(store, task) as jobs:
        await jobs.start("run")
        outcome = await jobs.wait("run")
        assert await jobs.state("run") is JobState.ENDED

    assert outcome.state is RunState.SUCCEEDED
    assert task.events("begin") == [["run"]]
    assert task.events("finish") == [["run", "succeeded", None]]
    assert task.reached("run") == 5


async def test_whoever_watches_sees_the_progress_up_to_the_end(store: Path | str, task: Counting) -> None:
    async with open_jobs(store, task) as jobs:
        await jobs.start("run")
        seen = [progress.pages["seen"] async for progress in jobs.watch("run")]

    assert seen == sorted(seen)
    assert seen[-1] == 5


async def test_starting_a_run_again_changes_nothing(store: Path | str, task: Counting) -> None:
    async with open_jobs(store, task) as jobs:
        await jobs.start("run")
        await jobs.start("run")
        await jobs.wait("run")
        await jobs.start("run")
        await jobs.wait("run")

    assert task.events("finish") == [["run", "succeeded", None]]


async def test_cancelling_ends_the_run_at_its_next_step_and_stops_what_is_open(
    store: Path | str, task: Counting
) -> None:
    task.goal = 100_000
    async with open_jobs(store, task) as jobs:
        await jobs.start("run")
        await count_reaches(task, "run", 3)
        await jobs.cancel("run")
        outcome = await jobs.wait("run")
        assert await jobs.state("run") is JobState.ENDED

    assert outcome.state is RunState.CANCELLED
    assert task.events("stop") == [["run"]]
    assert task.events("finish") == [["run", "cancelled", None]]


async def test_cancelling_an_ended_run_leaves_it_as_it_ended(store: Path | str, task: Counting) -> None:
    async with open_jobs(store, task) as jobs:
        await jobs.start("run")
        await jobs.wait("run")
        await jobs.cancel("run")

    assert task.events("finish") == [["run", "succeeded", None]]


@pytest.mark.parametrize(
    ("error", "retry"), [(Stop("Nothing helps."), False), (Unreachable("Not there."), True)]
)
async def test_an_error_of_ours_ends_the_run_with_its_sentence(
    store: Path | str, task: Counting, error: Stop | Unreachable, *, retry: bool
) -> None:
    task.raises = error
    async with open_jobs(store, task) as jobs:
        await jobs.start("run")
        outcome = await jobs.wait("run")

    assert outcome.state is RunState.FAILED
    assert outcome.failure is not None
    assert (outcome.failure.kind, outcome.failure.message) == (type(error).__name__, str(error))
    assert (outcome.failure.retry, outcome.failure.exit_code) == (retry, error.exit_code)
    assert task.events("stop") == [["run"]]


async def test_an_unexpected_error_reaches_whoever_waits_and_the_run_is_noted_as_failed(
    store: Path | str, task: Counting
) -> None:
    task.raises = ZeroDivisionError("a bug")
    async with open_jobs(store, task) as jobs:
        await jobs.start("run")
        with pytest.raises(ZeroDivisionError, match="a bug"):
            await jobs.wait("run")

    assert task.events("finish") == [["run", "failed", "a bug"]]


async def test_closing_leaves_a_live_run_to_the_next_opening(store: Path | str, task: Counting) -> None:
    task.goal = 20
    for _ in range(2):
        async with open_jobs(store, task) as jobs:
            await jobs.start("run")
            await count_reaches(task, "run", task.reached("run") + 3)
    assert task.events("finish") == []

    async with open_jobs(store, task) as jobs:
        assert await jobs.unfinished() == ["run"]
        outcome = await jobs.wait("run")

    assert outcome.state is RunState.SUCCEEDED
    assert task.events("begin") == [["run"]]
    assert task.reached("run") == 20


async def test_a_process_killed_in_a_run_is_followed_by_another_that_goes_on(
    store: Path | str, task: Counting, tmp_path: Path
) -> None:
    task.goal = 60
    with process(store, tmp_path, "run", goal=60) as child:
        await count_reaches(task, "run", 10)
        child.send_signal(signal.SIGKILL)
        child.wait()
    reached = task.reached("run")
    assert reached < 60

    async with open_jobs(store, task) as jobs:
        assert await jobs.unfinished() == ["run"]
        outcome = await jobs.wait("run")

    assert outcome.state is RunState.SUCCEEDED
    assert task.events("begin") == [["run"]], "the steps that had ended are not repeated"
    assert task.reached("run") <= 61, "at most the step in flight is repeated"


async def test_two_runs_at_once_in_one_process_do_not_wait_for_each_other(
    store: Path | str, task: Counting
) -> None:
    task.goal = 20
    async with open_jobs(store, task) as jobs:
        await jobs.start("a")
        await jobs.start("b")
        await count_reaches(task, "a", 3)
        await count_reaches(task, "b", 3)
        assert max(task.reached("a"), task.reached("b")) < 20
        await asyncio.gather(jobs.wait("a"), jobs.wait("b"))

    assert task.reached("a") == task.reached("b") == 20


async def test_no_process_takes_up_the_live_work_of_another(
    store: Path | str, task: Counting, tmp_path: Path
) -> None:
    """Nor what another one recovers: DBOS puts that on a queue that many processes read."""
    task.goal = 300
    with process(store, tmp_path, "theirs", executor="other", goal=300) as child:
        await count_reaches(task, "theirs", 3)
        child.send_signal(signal.SIGKILL)
        child.wait()
    (tmp_path / "mine").mkdir()
    mine = Counting(tmp_path / "mine", goal=150)
    async with open_jobs(store, mine, executor="mine") as jobs:
        await jobs.start("run")
        with process(store, tmp_path, "theirs", executor="other", goal=300) as child:
            assert await jobs.unfinished() == ["run"]
            assert await jobs.state("theirs") is JobState.LIVE
            await jobs.wait("run")
            assert child.wait(60) == 0

    assert mine.events("open") == [["run"]]
    assert task.events("finish") == [["theirs", "succeeded", None]]


async def test_a_second_holder_of_a_connection_is_refused_until_the_first_dies(
    database: Database, tmp_path: Path
) -> None:
    async with connection_lock(database, tmp_path, "c"):
        with pytest.raises(Busy, match="Another pull of this connection is under way"):
            async with connection_lock(database, tmp_path, "c"):
                pass
        async with connection_lock(database, tmp_path, "d"):
            pass
    async with connection_lock(database, tmp_path, "c"):
        pass


async def test_an_ended_run_stays_in_the_history_until_it_is_pruned(
    store: Path | str, task: Counting
) -> None:
    async with open_jobs(store, task) as jobs:
        await jobs.start("run")
        await jobs.wait("run")

        assert await jobs.prune(before=0.0) == 0
        assert await jobs.state("run") is JobState.ENDED
        assert await jobs.prune(before=4e9) == 1
        assert await jobs.state("run") is JobState.UNKNOWN


async def test_the_thread_pool_of_the_loop_works_after_closing(tmp_path: Path, task: Counting) -> None:
    async with open_jobs(tmp_path / "jobs.sqlite", task) as jobs:
        await jobs.start("run")
        await jobs.wait("run")

    assert await asyncio.to_thread(lambda: 7) == 7


async def test_a_job_file_that_is_none_is_refused_with_a_sentence(
    tmp_path: Path, task: Counting, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_text("this is not a database, however long it may be " * 50)
    with pytest.raises(
        StoreUnavailable, match=r"The job store .*jobs\.sqlite cannot be used: .*not a database"
    ):
        async with open_jobs(path, task):
            pass
    with pytest.raises(StoreUnavailable, match="a damaged one may be removed"):
        forget(path, "one")
    assert capsys.readouterr() == ("", "")


async def test_the_job_file_is_its_owners_alone_and_in_wal_mode(tmp_path: Path, task: Counting) -> None:
    path = tmp_path / "jobs.sqlite"
    async with open_jobs(path, task):
        pass

    assert path.stat().st_mode & 0o777 == 0o600
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_an_executors_runs_are_forgotten_without_taking_them_up(
    store: Path | str, task: Counting, tmp_path: Path
) -> None:
    task.goal = 1000
    async with open_jobs(store, task) as jobs:
        await jobs.start("left")
        await count_reaches(task, "left", 3)
    reached = task.reached("left")

    await asyncio.to_thread(forget, store, "other")
    async with open_jobs(store, task, "other") as jobs:
        assert await jobs.state("left") is JobState.LIVE
    await asyncio.to_thread(forget, store, "one")
    async with open_jobs(store, task) as jobs:
        assert await jobs.state("left") is JobState.UNKNOWN
    assert task.reached("left") == reached


def test_forgetting_where_nothing_was_kept_makes_nothing(tmp_path: Path) -> None:
    forget(tmp_path / "jobs.sqlite", "one")

    assert list(tmp_path.iterdir()) == []


def test_forgetting_in_a_store_that_found_no_room_for_its_tables_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.touch()
    forget(path, "one")


def test_forgetting_in_a_database_without_our_schema_makes_nothing(postgres_url: str) -> None:
    forget(postgres_url, "one")

    with psycopg.connect(postgres_url) as connection:
        query = "SELECT count(*) FROM information_schema.schemata WHERE schema_name = 'syncline_jobs'"
        assert connection.execute(query).fetchone() == (0,)
