"""Runs begin, get on, end, and are listed."""

from datetime import timedelta
from typing import Any

import pytest
from tests.store.samples import T0

from syncline.core.errors import NotFound
from syncline.core.model import Fidelity, Mode
from syncline.store import runs
from syncline.store.database import Database
from syncline.store.runs import Run, RunState


async def start(
    database: Database, run_id: str, *, connection_id: str = "c", minute: int = 0, **options: Any
) -> Run:
    async with database.begin() as conn:
        return await runs.start(
            conn,
            connection_id,
            run_id=run_id,
            mode=Mode.FULL,
            fidelity=Fidelity.MARKDOWN,
            options=options,
            now=T0 + timedelta(minutes=minute),
        )


async def test_a_run_begins_with_counts_of_zero(database: Database) -> None:
    run = await start(database, "r", pages=["p"])

    async with database.read() as conn:
        assert await runs.one(conn, "r") == run
    assert run == Run(
        id="r",
        connection_id="c",
        mode=Mode.FULL,
        fidelity=Fidelity.MARKDOWN,
        options={"pages": ["p"]},
        state=RunState.RUNNING,
        started_at=T0,
        ended_at=None,
        phase="",
        pages={"seen": 0, "added": 0, "updated": 0, "unchanged": 0, "deleted": 0, "incomplete": 0},
        requests={"made": 0, "bound": 0, "rate_limited": 0},
        error=None,
    )


async def test_progress_replaces_phase_and_counts(database: Database) -> None:
    await start(database, "r")

    async with database.begin() as conn:
        for number in (1, 2):
            await runs.progress(
                conn, "r", phase=f"phase {number}", pages={"seen": number}, requests={"made": number}
            )
        run = await runs.one(conn, "r")

    assert (run.phase, run.pages, run.requests, run.state) == (
        "phase 2",
        {"seen": 2},
        {"made": 2},
        RunState.RUNNING,
    )


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (RunState.SUCCEEDED, None),
        (RunState.FAILED, {"message": "no \x00 answer"}),
        (RunState.CANCELLED, None),
    ],
)
async def test_a_run_ends_with_a_state_and_an_error(
    database: Database, state: RunState, error: dict[str, str] | None
) -> None:
    await start(database, "r")

    async with database.begin() as conn:
        await runs.finish(conn, "r", state=state, now=T0 + timedelta(hours=1), error=error)
        run = await runs.one(conn, "r")

    assert (run.state, run.ended_at, run.error) == (state, T0 + timedelta(hours=1), error)


async def test_the_newest_runs_come_first(database: Database) -> None:
    for minute, run_id in enumerate(["r1", "r2", "r3"]):
        await start(database, run_id, minute=minute)
    await start(database, "other", connection_id="d", minute=9)

    async with database.read() as conn:
        assert [run.id for run in await runs.latest(conn, "c", limit=2)] == ["r3", "r2"]
        assert [run.id for run in await runs.latest(conn, None, limit=2)] == ["other", "r3"]


async def test_unfinished_runs_are_those_of_the_connection_that_have_not_ended(database: Database) -> None:
    for minute, run_id in enumerate(["r1", "r2", "r3"]):
        await start(database, run_id, minute=minute)
    await start(database, "other", connection_id="d")

    async with database.begin() as conn:
        await runs.finish(conn, "r2", state=RunState.FAILED, now=T0)

        assert [run.id for run in await runs.unfinished(conn, "c")] == ["r3", "r1"]


async def test_a_run_that_is_not_there_is_reported(database: Database) -> None:
    async with database.read() as conn:
        with pytest.raises(NotFound, match="no run r"):
            await runs.one(conn, "r")
