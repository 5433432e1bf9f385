"""A pull that somebody waits for: executed here or by a server, taken up, refused, stopped."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from notion_emulator.seed import generate
from notion_emulator.server import ServerThread
from syncline.app import App
from syncline.core.errors import BadInput, Busy
from syncline.core.model import Fidelity, Mode
from syncline.engine import connect as connecting
from syncline.engine.attend import pull
from syncline.engine.begin import Request
from syncline.engine.pulling import Asked, queue_pull
from syncline.engine.task import Progress
from syncline.engine.worker import Worker
from syncline.settings import Settings
from syncline.store import runs, workers
from syncline.store.connections import Connection
from syncline.store.locks import Lock
from syncline.store.runs import Run, RunState

WHOLE = Asked(Request())


@pytest_asyncio.fixture
async def app(tmp_path: Path, store_location: str) -> AsyncIterator[App]:
    url = store_location if "://" in store_location else f"sqlite:///{store_location}"
    async with App.open(Settings(home=tmp_path / "home", database_url=SecretStr(url), key=None)) as app:
        yield app


@pytest_asyncio.fixture
async def connection(app: App, notion_emulator_server: ServerThread) -> Connection:
    """A connection to a small workspace."""
    emulator = notion_emulator_server.emulator
    generate(emulator.world, seed=1, pages=6, rows=8, blocks=60, data_sources=1)
    asked = connecting.Asked(token=emulator.token, base_url=notion_emulator_server.url, rate="none")
    return await connecting.connect(app, asked)


async def waited(
    app: App, connection: Connection, asked: Asked = WHOLE, *, stop: asyncio.Event | None = None
) -> tuple[Run, list[Progress]]:
    seen: list[Progress] = []
    run = await pull(app, connection, asked, watch=seen.append, stop=stop or asyncio.Event())
    return run, seen


async def left_behind(app: App, connection: Connection, worker: str, asked: Asked = WHOLE) -> None:
    """A run whose worker has died."""
    async with app.database.begin() as conn:
        now = app.now()
        await queue_pull(conn, connection.id, asked, run_id="left", requested_by="cli", now=now)
        await workers.register(conn, workers.Worker(worker, "cli", "host", 1, "0", now, now))
        await runs.claim_one(conn, "left", worker, now=now)


async def test_without_a_server_the_pull_is_executed_here(app: App, connection: Connection) -> None:
    run, seen = await waited(app, connection)

    assert (run.state, run.mode, run.requested_by) == (RunState.SUCCEEDED, Mode.FULL, "cli")
    assert run.pages["added"] == run.pages["seen"] > 0
    assert run.requests["made"] == run.requests["bound"]
    assert seen[-1].done
    async with app.database.read() as conn:
        assert await workers.every(conn) == []


async def test_beside_a_server_the_pull_is_executed_by_it(app: App, connection: Connection) -> None:
    server = Worker(app, role="all")
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not await workers_of(app, "all"):  # noqa: ASYNC110  a row has no event
            await asyncio.sleep(0.02)
        run, seen = await waited(app, connection)
    server.drain()
    await serving

    assert (run.state, run.attempt) == (RunState.SUCCEEDED, 1)
    assert all(not progress.done for progress in seen), "what is seen of it is its row"
    assert all(progress.phase for progress in seen)


async def workers_of(app: App, role: str) -> list[str]:
    async with app.database.read() as conn:
        return [worker.id for worker in await workers.every(conn) if worker.role == role]


async def test_what_a_dead_process_left_is_gone_on_with(app: App, connection: Connection) -> None:
    await left_behind(app, connection, "dead")

    run, _ = await waited(app, connection)

    assert (run.id, run.state, run.attempt, run.reaps) == ("left", RunState.SUCCEEDED, 2, 0)


async def test_what_a_dead_process_left_is_ended_if_something_else_is_asked_for(
    app: App, connection: Connection
) -> None:
    await left_behind(app, connection, "dead")

    run, _ = await waited(app, connection, Asked(Request(fidelity=Fidelity.MARKDOWN)))

    assert run.id != "left"
    assert run.state is RunState.SUCCEEDED
    async with app.database.read() as conn:
        left = await runs.one(conn, "left")
    assert (left.state, (left.error or {})["kind"]) == (RunState.FAILED, "Interrupted")


async def test_a_pull_beside_a_live_one_is_refused(app: App, connection: Connection) -> None:
    await left_behind(app, connection, "alive")
    async with Lock(app.database, workers.lock_name("alive")):
        with pytest.raises(Busy, match="Another pull of this connection is under way"):
            await waited(app, connection)


async def test_what_waits_for_a_server_is_not_taken_from_it(app: App, connection: Connection) -> None:
    async with app.database.begin() as conn:
        await queue_pull(conn, connection.id, WHOLE, run_id="r", requested_by="user:u", now=app.now())
    async with Worker(app, role="worker").present():
        with pytest.raises(Busy):
            await waited(app, connection)


async def test_a_stopped_pull_ends_as_cancelled(app: App, connection: Connection) -> None:
    stop = asyncio.Event()
    stop.set()

    run, _ = await waited(app, connection, stop=stop)

    assert run.state is RunState.CANCELLED


async def test_what_is_wrong_with_the_request_is_raised_before_there_is_a_run(
    app: App, connection: Connection
) -> None:
    with pytest.raises(BadInput, match="Name pages or roots"):
        await waited(app, connection, Asked(Request(pages=("p",), roots=("r",))))
    async with app.database.read() as conn:
        assert await runs.latest(conn, None, limit=9) == []


@pytest.mark.parametrize(
    "asked",
    [
        WHOLE,
        Asked(
            Request(mode=Mode.RECONCILE, fidelity=Fidelity.MARKDOWN, roots=("r",), comments=True),
            accept_deletions=True,
        ),
        Asked(Request(pages=("a", "b"))),
    ],
)
def test_what_was_asked_for_is_read_as_it_was_written(asked: Asked) -> None:
    assert Asked.from_json(asked.as_json()) == asked


def test_what_another_release_wrote_is_read_as_far_as_it_goes() -> None:
    assert Asked.from_json({"pages": ["a"], "new": 1}) == replace(WHOLE, request=Request(pages=("a",)))
