"""A push as a run: one at a time, its report kept, what a dead process left behind ended."""

import asyncio
from pathlib import Path

import pytest
from tests.mapping.pushes import Pushing, person
from tests.mapping.test_push import by_key

from syncline.app import App
from syncline.core.errors import BadInput, Busy
from syncline.core.report import Report
from syncline.engine import reaper
from syncline.engine.task import Progress
from syncline.mapping import pushing as subject
from syncline.mapping.asked import Asked
from syncline.mapping.push import Push
from syncline.store import runs, workers
from syncline.store.runs import Run, RunState
from syncline.store.workers import Worker


@pytest.fixture
def run(pushing: Pushing, monkeypatch: pytest.MonkeyPatch) -> "Running":
    """Runs pushes whose mapping, database and Notion are those of `pushing`."""
    return Running(pushing, monkeypatch)


class Running:
    def __init__(self, pushing: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pushing = pushing
        self.app = pushing.app
        self.seen: list[str] = []
        self.stop = asyncio.Event()
        self.stops_early = False
        monkeypatch.setattr(subject, "opened", lambda _app, _connection, asked, **_: pushing.opened(asked))

    async def __call__(self, asked: Asked | None = None) -> Run:
        return await subject.push(
            self.app, self.pushing.connection, asked or Asked("crew.toml"), watch=self.watch, stop=self.stop
        )

    def watch(self, progress: Progress) -> None:
        self.seen.append(progress.phase)
        if self.stops_early and progress.pages["added"]:
            self.stop.set()


async def left_behind(app: App, pushing: Pushing) -> None:
    """A run whose worker is gone."""
    async with app.database.begin() as conn:
        queued = await runs.queue(
            conn,
            pushing.connection.id,
            run_id="old",
            kind="push",
            slot="push",
            requested_by="cli",
            now=app.now(),
        )
        await runs.claim_one(conn, queued.id, "who died", now=app.now())


async def test_the_report_is_kept_with_the_run(pushing: Pushing, run: Running) -> None:
    pushing.tables.tables["people"] = [person("P1"), person("P2")]
    ended = await run()
    assert ended.state is RunState.SUCCEEDED
    assert ended.result is not None
    assert Report.from_json(ended.result).tables["people"].created == 2
    assert (ended.pages["added"], run.seen[-1]) == (2, "done")


async def test_a_run_is_durable_on_either_database(
    pushing_anywhere: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushing_anywhere.tables.tables["people"] = [person(f"P{n}") for n in range(30)]
    run = Running(pushing_anywhere, monkeypatch)
    await left_behind(run.app, pushing_anywhere)
    assert (await run()).pages["added"] == 30
    assert (await run()).pages["unchanged"] == 30


async def test_an_error_ends_the_run_as_failed_with_its_sentence(pushing: Pushing, run: Running) -> None:
    pushing.tables.tables["people"] = [person("P1")]
    ended = await run(Asked("crew.toml", saved={**(await pushing.plan()).as_json(), "against": "other"}))
    assert ended.state is RunState.FAILED
    assert ended.error is not None
    assert (ended.error["kind"], ended.error["exit_code"]) == (BadInput.__name__, 2)


async def test_a_push_that_halts_keeps_its_report_and_is_failed(pushing: Pushing, run: Running) -> None:
    pushing.tables.tables["people"] = [person(f"P{n}") for n in range(9)]
    pushing.emulator.faults.add(400, method="POST", path="/v1/pages$", count=1)
    ended = await run(Asked("crew.toml", halt_on_error=True))
    assert (ended.state, ended.error and ended.error["exit_code"]) == (RunState.FAILED, 10)
    assert ended.result is not None
    assert Report.from_json(ended.result).halted


async def test_what_a_dead_process_left_behind_is_ended_first(pushing: Pushing, run: Running) -> None:
    pushing.tables.tables["people"] = [person("P1")]
    await left_behind(run.app, pushing)
    assert (await run()).state is RunState.SUCCEEDED
    async with run.app.database.read() as conn:
        old = await runs.one(conn, "old")
    assert (old.state, old.error and old.error["kind"]) == (RunState.FAILED, "Interrupted")


async def test_what_a_dead_process_left_behind_is_ended_in_the_time_that_this_takes(
    pushing_anywhere: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of databases that started anew has forgotten the lock, so PostgreSQL is watched for a while."""
    for module in (subject, reaper):
        monkeypatch.setattr(module, "LEISURE", 0.2)
    monkeypatch.setattr(subject, "_LOOK", 0.05)
    run = Running(pushing_anywhere, monkeypatch)
    pushing_anywhere.tables.tables["people"] = [person("P1")]
    async with run.app.database.begin() as conn:
        now = run.app.now()
        await workers.register(conn, Worker("who died", "cli", "host", 1, "0", started_at=now, seen_at=now))
    await left_behind(run.app, pushing_anywhere)
    assert (await run()).state is RunState.SUCCEEDED


async def test_a_second_push_of_the_connection_is_busy(
    pushing: Pushing, run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushing.tables.tables["people"] = [person("P1")]
    going, begun = asyncio.Event(), asyncio.Event()
    original = Push.run

    async def waiting(self: Push) -> Report:
        begun.set()
        await going.wait()
        return await original(self)

    monkeypatch.setattr(Push, "run", waiting)
    first = asyncio.create_task(run())
    await begun.wait()
    with pytest.raises(Busy, match="Another push of this connection is under way"):
        await run()
    going.set()
    assert (await first).state is RunState.SUCCEEDED


async def test_a_push_that_is_stopped_ends_as_cancelled_and_the_next_one_goes_on(
    pushing: Pushing, people: str, run: Running
) -> None:
    pushing.tables.tables["people"] = [person(f"P{n:03}") for n in range(60)]
    run.stops_early, pushing.emulator.latency = True, 0.02
    ended = await run()
    assert ended.state is RunState.CANCELLED
    made = len(await pushing.pages(people))
    assert 0 < made < 60
    run.stop, run.stops_early, pushing.emulator.latency = asyncio.Event(), False, 0
    assert (await run()).state is RunState.SUCCEEDED
    assert len(await by_key(pushing, people)) == 60


def test_what_is_asked_survives_the_row_of_the_run() -> None:
    asked = Asked(str(Path("crew.toml")), {"actions": []}, accept_deletions=True, halt_on_error=True)
    assert Asked.from_json(asked.as_json()) == asked
