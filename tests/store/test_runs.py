"""Runs are queued, claimed, given back and ended; one of a slot at a time."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.store.samples import T0

from syncline.core.errors import Busy, LeaseLost, NotFound
from syncline.core.model import Fidelity, Mode
from syncline.store import runs
from syncline.store.database import Database
from syncline.store.runs import Lane, Lease, Run, RunState


async def queue(
    database: Database, run_id: str, *, connection_id: str = "c", minute: int = 0, **values: Any
) -> Run:
    async with database.begin() as conn:
        return await runs.queue(
            conn,
            connection_id,
            run_id=run_id,
            now=T0 + timedelta(minutes=minute),
            **{"kind": "pull", "slot": run_id, "requested_by": "test", **values},
        )


async def claim(database: Database, worker: str = "w", *, limit: int = 10, minute: int = 60) -> list[Run]:
    async with database.begin() as conn:
        return await runs.claim(conn, worker, kinds=["pull"], limit=limit, now=T0 + timedelta(minutes=minute))


async def one(database: Database, run_id: str = "r") -> Run:
    async with database.read() as conn:
        return await runs.one(conn, run_id)


async def test_a_queued_run_has_counts_of_zero(database: Database) -> None:
    run = await queue(database, "r", mode=Mode.FULL, fidelity=Fidelity.MARKDOWN, options={"pages": ["p"]})

    assert await one(database) == run
    assert (run.state, run.mode, run.fidelity, run.options) == (
        RunState.QUEUED,
        Mode.FULL,
        Fidelity.MARKDOWN,
        {"pages": ["p"]},
    )
    assert run.pages == {"seen": 0, "added": 0, "updated": 0, "unchanged": 0, "deleted": 0, "incomplete": 0}
    assert run.requests == {"made": 0, "bound": 0, "rate_limited": 0}
    assert (run.queued_at, run.started_at, run.begun_at, run.ended_at, run.attempt) == (T0, T0, None, None, 0)


async def test_a_second_run_of_a_slot_is_refused_with_what_the_first_one_does(database: Database) -> None:
    await queue(database, "r", slot="pull")
    for state in (RunState.QUEUED, RunState.RUNNING):
        with pytest.raises(Busy, match="Another pull of this connection is under way") as caught:
            await queue(database, "second", slot="pull")
        assert caught.value.details["activeJobId"] == "r"
        assert caught.value.details["status"] == state
        assert caught.value.details["startedAt"].endswith("Z")
        await claim(database)

    await queue(database, "elsewhere", slot="pull", connection_id="d")
    await queue(database, "otherwise", slot="push")
    async with database.begin() as conn:
        await runs.finish(conn, "r", state=RunState.SUCCEEDED, now=T0)
    await queue(database, "third", slot="pull")


async def test_of_many_who_ask_at_once_one_is_let_in(database: Database) -> None:
    asked = [queue(database, f"r{number}", slot="pull") for number in range(10)]
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert sorted(type(answer).__name__ for answer in answers) == ["Busy"] * 9 + ["Run"]


async def test_the_most_urgent_run_is_claimed_first_and_within_a_lane_the_oldest(database: Database) -> None:
    await queue(database, "scheduled", lane=Lane.SCHEDULED, minute=0)
    await queue(database, "late", lane=Lane.INTERACTIVE, minute=2)
    await queue(database, "early", lane=Lane.INTERACTIVE, minute=1)

    assert [run.id for run in await claim(database, limit=2)] == ["early", "late"]
    assert [run.id for run in await claim(database, limit=2)] == ["scheduled"]


async def test_no_run_is_given_to_two_workers(database: Database) -> None:
    for number in range(20):
        await queue(database, f"r{number}")

    claimed = await asyncio.gather(*(claim(database, f"w{number}", limit=7) for number in range(6)))
    claimed += await asyncio.gather(*(claim(database, f"w{number}", limit=20) for number in range(6)))

    found = [run.id for runs_of_one in claimed for run in runs_of_one]
    assert sorted(found) == sorted(f"r{number}" for number in range(20))


async def test_a_run_waits_for_its_time_and_for_a_worker_of_its_kind(database: Database) -> None:
    await queue(database, "later", not_before=T0 + timedelta(minutes=10))
    await queue(database, "other", kind="push")

    assert await claim(database, minute=5) == []
    assert [run.id for run in await claim(database, minute=10)] == ["later"]


async def test_whether_any_run_waits_is_told(database: Database) -> None:
    async def waiting(minute: int) -> bool:
        async with database.read() as conn:
            return await runs.are_waiting(conn, now=T0 + timedelta(minutes=minute))

    assert not await waiting(0)
    await queue(database, "r", not_before=T0 + timedelta(minutes=10))
    assert (await waiting(5), await waiting(10)) == (False, True)
    await claim(database)
    assert not await waiting(10)


async def test_each_claim_is_another_lease_and_the_start_is_that_of_the_first(database: Database) -> None:
    await queue(database, "r")
    [first] = await claim(database, "w1", minute=1)
    async with database.begin() as conn:
        assert await runs.release(conn, Lease("r", "w1", 1), not_before=T0 + timedelta(minutes=2))
    [second] = await claim(database, "w2", minute=3)

    assert (first.attempt, first.worker, second.attempt, second.worker) == (1, "w1", 2, "w2")
    assert first.started_at == second.started_at == T0 + timedelta(minutes=1)
    assert second.not_before is None


@pytest.mark.parametrize("lease", [Lease("r", "w1", 1), Lease("r", "w2", 1), Lease("r", "w1", 2)])
async def test_a_transaction_under_another_lease_is_refused(database: Database, lease: Lease) -> None:
    await queue(database, "r")
    await claim(database, "w1")
    async with database.begin() as conn:
        await runs.release(conn, Lease("r", "w1", 1))
    await claim(database, "w2")

    async with database.begin() as conn:
        with pytest.raises(LeaseLost):
            await runs.guard(conn, lease)
        assert not await runs.release(conn, lease)
        await runs.guard(conn, Lease("r", "w2", 2))


async def test_the_runs_of_a_dead_worker_go_back_with_one_reap_more(database: Database) -> None:
    for name in ("r1", "r2"):
        await queue(database, name)
    await claim(database, "dead", limit=1)
    await claim(database, "alive", limit=1)

    async with database.begin() as conn:
        back = await runs.put_back(conn, "dead")
        assert await runs.put_back(conn, "dead") == []
        assert await runs.holders(conn) == {"alive"}

    assert [(run.id, run.state, run.worker, run.attempt, run.reaps) for run in back] == [
        ("r1", RunState.QUEUED, None, 1, 1)
    ]


async def test_a_waiting_run_is_cancelled_at_once_and_a_running_one_is_asked_to_end(
    database: Database,
) -> None:
    await queue(database, "r")
    await queue(database, "waiting", minute=1)
    await claim(database, limit=1)

    async with database.begin() as conn:
        cancelled = await runs.request_cancel(conn, "waiting", now=T0)
        asked = await runs.request_cancel(conn, "r", now=T0)
        again = await runs.request_cancel(conn, "r", now=T0 + timedelta(minutes=1))
        assert await runs.held_by(conn, "w") == {"r": (1, True)}

    assert (cancelled.state, cancelled.ended_at) == (RunState.CANCELLED, T0)
    assert (asked.state, asked.cancel_requested_at) == (RunState.RUNNING, T0)
    assert again.cancel_requested_at == T0


async def test_progress_replaces_phase_and_counts(database: Database) -> None:
    await queue(database, "r")

    async with database.begin() as conn:
        for number in (1, 2):
            await runs.progress(
                conn,
                "r",
                phase=f"phase {number}",
                pages={"seen": number},
                requests={"made": number},
                waiting=7,
            )
        run = await runs.one(conn, "r")

    assert (run.phase, run.pages, run.requests, run.waiting) == ("phase 2", {"seen": 2}, {"made": 2}, 7)


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (RunState.SUCCEEDED, None),
        (RunState.FAILED, {"message": "no \x00 answer"}),
        (RunState.CANCELLED, None),
    ],
)
async def test_a_run_ends_once_with_a_state_and_an_error(
    database: Database, state: RunState, error: dict[str, str] | None
) -> None:
    await queue(database, "r")
    await claim(database)

    async with database.begin() as conn:
        ended = await runs.finish(
            conn, "r", state=state, now=T0 + timedelta(hours=1), error=error, result={"rows": 3}
        )
        assert await runs.finish(conn, "r", state=RunState.FAILED, now=T0) is None

    assert ended == await one(database)
    assert (ended.state, ended.ended_at, ended.error) == (state, T0 + timedelta(hours=1), error)
    assert (ended.worker, ended.result, ended.ended) == (None, {"rows": 3}, True)


async def test_the_newest_pulls_come_first(database: Database) -> None:
    for minute, run_id in enumerate(["r1", "r2", "r3"]):
        await queue(database, run_id, minute=minute)
    await queue(database, "other", connection_id="d", minute=9)
    await queue(database, "push", kind="push", minute=10)

    async with database.read() as conn:
        assert [run.id for run in await runs.latest(conn, "c", limit=2)] == ["r3", "r2"]
        assert [run.id for run in await runs.latest(conn, None, limit=2)] == ["other", "r3"]
        assert [run.id for run in await runs.latest(conn, "c", limit=9, kinds=["push"])] == ["push"]


async def test_the_live_run_of_a_slot_is_found_until_it_ends(database: Database) -> None:
    await queue(database, "r", slot="pull")

    async with database.begin() as conn:
        found = await runs.live(conn, "c", "pull")
        assert found == await runs.live(conn, "c")
        assert await runs.live(conn, "c", "push") is None
        await runs.finish(conn, "r", state=RunState.FAILED, now=T0)
        assert await runs.live(conn, "c") is None


async def test_a_run_that_is_not_there_is_reported(database: Database) -> None:
    async with database.read() as conn:
        with pytest.raises(NotFound, match="no run r"):
            await runs.one(conn, "r")
