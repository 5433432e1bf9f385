"""How connections are doing is told from what happened, for any number of them with the same number of queries."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from tests.store.samples import CONNECTION, RING, T0, record
from tests.store.test_exchanges import BASE

from syncline.app import App
from syncline.core.model import Fidelity, Kind, Mode
from syncline.core.standing import SyncStatus
from syncline.engine.clients import token_key
from syncline.engine.status import Status, statuses
from syncline.notion.budget import BudgetState
from syncline.settings import Settings
from syncline.store import connections, exchanges, ledger, records, runs
from syncline.store.database import Database
from syncline.store.ledger import Entry
from syncline.store.tables import budgets, upsert

NOW = T0 + timedelta(minutes=30)
TOKEN = "ntn_" + "x" * 30


@pytest.fixture
async def app(database: Database, tmp_path: Path) -> App:
    async with database.begin() as conn:
        await connections.add(conn, CONNECTION, token=TOKEN, ring=RING)
    return App(Settings(home=tmp_path), database, RING, now=lambda: NOW)


async def seen(app: App) -> Status:
    async with app.database.read() as conn:
        (found,) = await statuses(app, conn, [CONNECTION])
    return found


async def pulled(app: App, run_id: str, state: runs.RunState, *, began: timedelta, took: timedelta) -> None:
    async with app.database.begin() as conn:
        await runs.queue(
            conn,
            CONNECTION.id,
            run_id=run_id,
            kind="pull",
            slot="pull",
            requested_by="test",
            mode=Mode.FULL,
            fidelity=Fidelity.BLOCKS,
            now=T0 + began,
        )
        await runs.claim_one(conn, run_id, "w", now=T0 + began)
        await runs.begun(conn, run_id, now=T0 + began)
        await runs.finish(conn, run_id, state=state, now=T0 + began + took)


async def test_a_connection_that_was_never_pulled(app: App) -> None:
    found = await seen(app)
    assert (found.last_success_at, found.lag, found.error_rate, found.live) == (None, None, None, None)
    assert (found.budget, found.budget_left) == (180, 180)


async def test_the_lag_counts_from_the_beginning_of_the_last_success(app: App) -> None:
    await pulled(app, "r1", runs.RunState.SUCCEEDED, began=timedelta(), took=timedelta(minutes=5))
    await pulled(app, "r2", runs.RunState.FAILED, began=timedelta(minutes=10), took=timedelta(minutes=1))
    found = await seen(app)
    assert found.last_success_at == T0 + timedelta(minutes=5)
    assert found.lag == timedelta(minutes=30)
    assert (found.runs, found.failed_runs, found.sync_status) == (2, 1, SyncStatus.ERROR)


async def test_errors_are_counted_over_an_hour(app: App) -> None:
    told = [
        replace(BASE, id=number, connection_id=CONNECTION.id, at=NOW - timedelta(minutes=number * 20), status=status,
                message=None if status == 200 else "No.")
        for number, status in enumerate([200, 429, 500, 404], 1)
    ]  # fmt: skip
    async with app.database.begin() as conn:
        await exchanges.append(conn, told)
    found = await seen(app)
    assert (found.requests, found.error_rate, found.rate_limited) == (3, 2 / 3, 1)


async def test_pages_that_could_not_be_read_whole_are_counted_once(app: App) -> None:
    entry = Entry("p", "b1", "content", 404, "object_not_found", "No.", None)
    told = [entry, replace(entry, block="b2"), replace(entry, page="search", block=None, operation="listing")]
    async with app.database.begin() as conn:
        await records.upsert(conn, CONNECTION.id, [record(Kind.PAGE, "p")], run_id="r", now=T0)
        await ledger.record(conn, CONNECTION.id, told, run_id="r", now=T0)
    found = await seen(app)
    assert (found.pages, found.incomplete) == (1, 1)


async def test_what_is_left_of_the_budget(app: App) -> None:
    now = NOW.timestamp()
    state = BudgetState(spent=((now - 1, 50), (now + 10, 30)), open=((1, now + 5, 2),))
    async with app.database.begin() as conn:
        row = {"key": token_key(TOKEN), "state": state.to_json()}
        await conn.execute(upsert(conn, budgets), row)
    assert (await seen(app)).budget_left == 148


async def test_a_pause_leaves_nothing(app: App) -> None:
    state = BudgetState(not_before=NOW.timestamp() + 60)
    async with app.database.begin() as conn:
        await conn.execute(upsert(conn, budgets), {"key": token_key(TOKEN), "state": state.to_json()})
    assert (await seen(app)).budget_left == 0


async def test_the_run_that_goes_on_is_told(app: App) -> None:
    async with app.database.begin() as conn:
        await runs.queue(
            conn,
            CONNECTION.id,
            run_id="r1",
            kind="pull",
            slot="pull",
            requested_by="test",
            mode=Mode.FULL,
            fidelity=Fidelity.BLOCKS,
            now=T0,
        )
    found = await seen(app)
    assert found.live is not None
    assert (found.live.run_id, found.live.state, found.sync_status) == ("r1", "queued", SyncStatus.SYNCING)


async def test_the_number_of_queries_does_not_depend_on_the_number_of_connections(app: App) -> None:
    async def queries(count: int) -> int:
        known = [replace(CONNECTION, id=f"c{number}", name=f"n{number}") for number in range(count)]
        made: list[str] = []

        def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
            made.append(statement)

        async with app.database.begin() as conn:
            present = {one.id for one in await connections.every(conn)}
            for one in known:
                if one.id not in present:
                    await connections.add(conn, one, token=TOKEN, ring=RING)
        async with app.database.read() as conn:
            engine = conn.sync_connection.engine if conn.sync_connection is not None else None
            assert engine is not None
            event.listen(engine, "before_cursor_execute", note)
            try:
                assert len(await statuses(app, conn, known)) == count
            finally:
                event.remove(engine, "before_cursor_execute", note)
        return len(made)

    assert await queries(2) == await queries(60)
