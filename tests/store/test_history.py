"""History: runs are wanted by how they stand, what they are and who asked; failures are put aside and nothing else is."""

from datetime import timedelta

import pytest
from tests.store.samples import T0

from syncline.core.model import Mode
from syncline.store import history, runs
from syncline.store.database import Database
from syncline.store.history import Wanted, conditions
from syncline.store.runs import RunState

KINDS = {
    "a": (RunState.SUCCEEDED, Mode.FULL, "schedule"),
    "b": (RunState.FAILED, Mode.INCREMENTAL, "ann"),
    "c": (RunState.FAILED, None, "cli"),
    "d": (None, Mode.RECONCILE, "schedule"),
}


async def fill(database: Database) -> None:
    """A run each minute; the last is queued."""
    async with database.begin() as conn:
        for minute, (run_id, (state, mode, asker)) in enumerate(KINDS.items()):
            now = T0 + timedelta(minutes=minute)
            await runs.queue(
                conn, "c", run_id=run_id, kind="pull", slot="pull", requested_by=asker, now=now, mode=mode
            )
            if state is not None:
                await runs.finish(conn, run_id, state=state, now=now)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), "dcba"),
        (Wanted(states=[RunState.FAILED]), "cb"),
        (Wanted(states=[RunState.SUCCEEDED, RunState.QUEUED]), "da"),
        (Wanted(modes=[Mode.INCREMENTAL]), "cb"),
        (Wanted(modes=[Mode.FULL, Mode.RECONCILE]), "da"),
        (Wanted(askers=["schedule", "ann"]), "dba"),
        (Wanted(nobody=["schedule", "cli"]), "b"),
        (Wanted(since=T0 + timedelta(minutes=1)), "dcb"),
        (Wanted(since=T0 + timedelta(minutes=1), until=T0 + timedelta(minutes=2)), "b"),
        (Wanted(states=[RunState.FAILED], askers=["cli"]), "c"),
    ],
)
async def test_runs_are_wanted_by_state_mode_asker_and_time(
    database: Database, wanted: Wanted, found: str
) -> None:
    await fill(database)

    async with database.read() as conn:
        shown = await runs.latest(conn, "c", limit=10, where=conditions(wanted))

    assert "".join(run.id for run in shown) == found


async def test_failures_alone_are_put_aside_and_come_back(database: Database) -> None:
    await fill(database)

    async with database.begin() as conn:
        await history.dismiss(conn, "c", list(KINDS), now=T0)
        await history.dismiss(conn, "other", ["b"], now=None)
        aside = [run.id for run in await runs.latest(conn, "c", limit=10) if run.dismissed_at == T0]
        await history.dismiss(conn, "c", ["b"], now=None)

        assert aside == ["c", "b"]
        assert (await runs.one(conn, "b")).dismissed_at is None
