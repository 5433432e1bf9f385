"""A pull on demand: let in, refused while another one is live or too soon after the last, and cancelled."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from tests.store.samples import CONNECTION, RING, T0

from syncline.app import App
from syncline.core.errors import BadInput, Busy, TooSoon
from syncline.core.model import Mode
from syncline.engine.begin import Request
from syncline.engine.pulling import Asked
from syncline.engine.syncs import cancel, is_served, require_idle, trigger
from syncline.engine.worker import Worker
from syncline.settings import Settings
from syncline.store import connections, events, runs
from syncline.store.database import Database
from syncline.store.runs import Run, RunState

WHOLE = Asked(Request())
ONE_PAGE = Asked(Request(pages=("p",)))


@pytest_asyncio.fixture
async def app(database: Database, tmp_path: Path) -> App:
    async with database.begin() as conn:
        await connections.add(conn, CONNECTION, token="t", ring=RING)
    settings = Settings(home=tmp_path, database_url=None, key=None, sync_cooldown=300)
    return App(settings=settings, database=database, keys=RING)


async def ask(app: App, asked: Asked = WHOLE, *, minute: float = 0) -> Run:
    now = T0 + timedelta(minutes=minute)
    return await trigger(app, CONNECTION, asked, requested_by="user:u", now=now)


async def end(app: App, run: Run, state: RunState = RunState.SUCCEEDED, *, minute: float = 0) -> None:
    async with app.database.begin() as conn:
        await runs.finish(conn, run.id, state=state, now=T0 + timedelta(minutes=minute))


async def test_a_pull_that_is_asked_for_is_queued(app: App) -> None:
    run = await ask(app)

    assert (run.state, run.mode, run.requested_by, run.queued_at) == (
        RunState.QUEUED,
        Mode.FULL,
        "user:u",
        T0,
    )
    assert Asked.from_json(run.options) == WHOLE


async def test_what_does_not_fit_together_is_refused(app: App) -> None:
    with pytest.raises(BadInput, match="Name pages or roots"):
        await ask(app, Asked(Request(pages=("p",), roots=("r",))))


async def test_a_second_pull_is_refused_and_told_of_the_first(app: App) -> None:
    first = await ask(app)
    with pytest.raises(Busy) as caught:
        await ask(app, ONE_PAGE)

    assert caught.value.details["activeJobId"] == first.id


async def test_a_pull_soon_after_one_that_succeeded_is_told_when_to_come_back(app: App) -> None:
    await end(app, await ask(app), minute=1)
    with pytest.raises(TooSoon, match="ask again in 240 s") as caught:
        await ask(app, minute=2)

    assert caught.value.seconds == 240
    assert caught.value.details == {"remainingSeconds": 240, "lastSyncAt": "2026-11-20T12:01:00.000Z"}
    async with app.database.read() as conn:
        assert await runs.live(conn, CONNECTION.id) is None
    assert (await ask(app, minute=6)).state is RunState.QUEUED


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED])
async def test_after_a_pull_that_did_not_succeed_there_is_no_cooldown(app: App, state: RunState) -> None:
    await end(app, await ask(app), state)

    await ask(app, minute=0.1)


async def test_pulls_of_named_pages_know_no_cooldown_and_begin_none(app: App) -> None:
    await end(app, await ask(app, ONE_PAGE))
    await end(app, await ask(app, ONE_PAGE, minute=0.1), minute=0.1)
    await end(app, await ask(app, minute=0.2), minute=0.2)

    await ask(app, ONE_PAGE, minute=0.3)


async def test_without_a_cooldown_pulls_may_follow_each_other(app: App) -> None:
    free = replace(app, settings=app.settings.model_copy(update={"sync_cooldown": 0.0}))
    await end(free, await ask(free))

    await ask(free, minute=0.1)


async def test_a_waiting_pull_is_cancelled_at_once_and_that_is_told(app: App) -> None:
    run = await ask(app)
    cancelled = await cancel(app, CONNECTION.id, now=T0)

    assert cancelled is not None
    assert (cancelled.id, cancelled.state) == (run.id, RunState.CANCELLED)
    assert await cancel(app, CONNECTION.id, now=T0) is None
    async with app.database.read() as conn:
        assert [event.kind for event in await events.since(conn, CONNECTION.id, 0, 9)] == ["sync:cancelled"]


async def test_a_pull_under_way_is_asked_to_end(app: App) -> None:
    run = await ask(app)
    async with app.database.begin() as conn:
        await runs.claim_one(conn, run.id, "w", now=T0)
    for _ in range(2):
        asked = await cancel(app, CONNECTION.id, now=T0)
        assert asked is not None
        assert (asked.state, asked.cancel_requested_at) == (RunState.RUNNING, T0)


async def test_a_store_is_served_while_a_server_lives(app: App) -> None:
    assert not await is_served(app)
    async with Worker(app, role="cli").present():
        assert not await is_served(app)
    async with Worker(app, role="all").present():
        assert await is_served(app)
    assert not await is_served(app)


async def test_a_connection_is_idle_unless_a_live_worker_executes_a_run_of_it(app: App) -> None:
    await require_idle(app, CONNECTION.id)
    run = await ask(app)
    await require_idle(app, CONNECTION.id)
    worker = Worker(app, role="cli")
    async with worker.present():
        async with app.database.begin() as conn:
            await runs.claim_one(conn, run.id, worker.id, now=T0)
        with pytest.raises(Busy, match="under way"):
            await require_idle(app, CONNECTION.id)
    await require_idle(app, CONNECTION.id)
