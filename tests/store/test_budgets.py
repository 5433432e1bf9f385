"""The shared budget: no more than the rate over all who share it, the urgent first, few trips to the database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import event, select, text

from syncline.core.errors import StoreUnavailable
from syncline.notion.budget import HOLD, LONGEST_REQUEST, Budget, BudgetState, Lane, Rate, Slot
from syncline.store.budgets import Limit, StoreBudget
from syncline.store.database import Database
from syncline.store.tables import budgets


class Clock:
    """A time that a test sets, and whose sleepers it wakes."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._moved = asyncio.Condition()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        async with self._moved:
            await self._moved.wait_for(lambda: self.now >= until)

    async def advance(self, seconds: float) -> None:
        async with self._moved:
            self.now += seconds
            self._moved.notify_all()


class Desk:
    """Budgets on one database that run by one clock and are closed at the end."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.budgets: list[StoreBudget] = []

    def budget(self, token: Limit, workspace: Limit | None = None) -> StoreBudget:
        self.budgets.append(
            StoreBudget(self.database, token, workspace, clock=self.clock, sleep=self.clock.sleep)
        )
        return self.budgets[-1]

    async def states(self) -> dict[str, BudgetState]:
        async with self.database.read() as conn:
            rows = await conn.execute(select(budgets.c.key, budgets.c.state))
            return {row.key: BudgetState.from_json(row.state) for row in rows}

    async def until(self, condition: Callable[[dict[str, BudgetState]], bool]) -> None:
        """Wait until the states in the database are so."""
        while not condition(await self.states()):  # noqa: ASYNC110 - nobody tells when a row changes
            await asyncio.sleep(0.01)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    desk = Desk(database)
    yield desk
    for budget in desk.budgets:
        await budget.close()


@asynccontextmanager
async def counted_trips(database: Database) -> AsyncIterator[list[object]]:
    trips: list[object] = []
    engine = database._writer.sync_engine
    listener = trips.append
    event.listen(engine, "begin", listener)
    yield trips
    event.remove(engine, "begin", listener)


def most_in_any_window(taken: list[float], seconds: float) -> int:
    """The most requests that any window of `seconds` holds."""
    return max(sum(start <= moment < start + seconds for moment in taken) for start in taken)


async def test_no_window_holds_more_than_the_rate_whoever_takes(store_location: str) -> None:
    limit, window = 12, 0.4
    databases = [await Database.open(store_location) for _ in range(2)]
    shared = [StoreBudget(each, Limit("token:t", Rate(limit, window, "window"))) for each in databases]
    loop = asyncio.get_running_loop()
    sent: list[float] = []

    async def work(budget: Budget, lane: Lane) -> None:
        for _ in range(5):
            slot = await budget.take(lane)
            sent.append(loop.time())
            await asyncio.sleep(0.01)
            await budget.settle(slot)

    lanes = (Lane.INTERACTIVE, Lane.INCREMENTAL, Lane.BACKFILL, Lane.BACKFILL)
    await asyncio.gather(*(work(budget, lane) for budget in shared for lane in lanes))
    for each in shared:
        await each.close()
    for database in databases:
        await database.close()

    assert len(sent) == 40
    assert most_in_any_window(sent, window) <= limit


async def test_a_burst_within_the_rate_is_granted_at_once_in_few_trips(desk: Desk) -> None:
    budget = desk.budget(Limit("token:t", Rate(180, 60)))

    async with counted_trips(desk.database) as trips:
        slots = await asyncio.gather(*(budget.take(Lane.BACKFILL) for _ in range(180)))

    assert len(slots) == 180
    assert len(trips) <= 2
    (state,) = (await desk.states()).values()
    assert sum(count for *_, count in state.open) == 180


async def test_what_exceeds_the_rate_waits_for_the_window_after_the_answers(desk: Desk) -> None:
    budget = desk.budget(Limit("token:t", Rate(2, 60)))
    first = [await budget.take(Lane.BACKFILL) for _ in range(2)]
    late = asyncio.create_task(budget.take(Lane.BACKFILL))
    await desk.until(lambda states: bool(states["token:t"].waiting))

    await desk.clock.advance(10)
    for slot in first:
        await budget.settle(slot)
    await desk.until(lambda states: not states["token:t"].open)
    await desk.clock.advance(59)
    assert not late.done()
    await desk.clock.advance(2)

    assert len(await late) == 1


async def test_slots_of_a_dead_owner_come_free_by_themselves(desk: Desk) -> None:
    dead, alive = (desk.budget(Limit("token:t", Rate(1, 60))) for _ in range(2))
    await dead.take(Lane.BACKFILL)
    late = asyncio.create_task(alive.take(Lane.BACKFILL))
    await desk.until(lambda states: bool(states["token:t"].waiting))

    await desk.clock.advance(HOLD + LONGEST_REQUEST + 61)

    assert len(await late) == 1


@pytest.mark.parametrize("shared", [True, False], ids=["in one process", "in two"])
async def test_the_urgent_go_first(desk: Desk, shared: bool) -> None:  # noqa: FBT001 - a case of the table above
    limit = Limit("token:t", Rate(1, 60))
    slow = desk.budget(limit)
    fast = slow if shared else desk.budget(limit)
    await slow.settle(await slow.take(Lane.BACKFILL))
    await desk.until(lambda states: bool(states["token:t"].spent))
    patient = asyncio.create_task(slow.take(Lane.BACKFILL))
    await desk.until(lambda states: bool(states["token:t"].waiting))
    urgent = asyncio.create_task(fast.take(Lane.INTERACTIVE))
    await desk.until(lambda states: any(lane == Lane.INTERACTIVE for lane, *_ in states["token:t"].waiting))

    await desk.clock.advance(60.2)

    slot = await urgent
    assert not patient.done()
    await fast.settle(slot)
    await desk.until(lambda states: bool(states["token:t"].spent))
    await desk.clock.advance(61.5)
    assert len(await patient) == 1


async def test_one_who_gave_up_waiting_holds_nobody_back(desk: Desk) -> None:
    limit = Limit("token:t", Rate(1, 60))
    hasty, patient = desk.budget(limit), desk.budget(limit)
    await hasty.settle(await hasty.take(Lane.INTERACTIVE))
    await desk.until(lambda states: bool(states["token:t"].spent))
    waiting = asyncio.create_task(hasty.take(Lane.INTERACTIVE))
    await desk.until(lambda states: bool(states["token:t"].waiting))

    waiting.cancel()
    await asyncio.wait([waiting])
    await desk.until(lambda states: not states["token:t"].waiting)
    await desk.clock.advance(60.2)

    assert len(await patient.take(Lane.BACKFILL)) == 1


async def test_a_slot_granted_to_one_who_left_is_given_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = desk.budget(Limit("token:t", Rate(1, 60)))
    deliver = budget._deliver
    leaving = asyncio.create_task(budget.take(Lane.BACKFILL))

    def deliver_too_late(slot: Slot) -> None:
        deliver(slot)
        leaving.cancel()

    monkeypatch.setattr(budget, "_deliver", deliver_too_late)
    await asyncio.wait([leaving])
    monkeypatch.undo()

    assert leaving.cancelled()
    assert len(await budget.take(Lane.BACKFILL)) == 1


async def test_a_pause_of_the_workspace_stops_all_its_tokens_and_no_others(desk: Desk) -> None:
    workspace = Limit("workspace:w", None)
    one, two, other = (
        desk.budget(Limit("token:1", Rate(180, 60)), workspace),
        desk.budget(Limit("token:2", Rate(180, 60)), workspace),
        desk.budget(Limit("token:3", Rate(180, 60)), Limit("workspace:x", None)),
    )
    await one.pause(30, scope="workspace")

    late = asyncio.create_task(two.take(Lane.INTERACTIVE))
    assert len(await other.take(Lane.BACKFILL)) == 2
    await desk.until(lambda states: bool(states["workspace:w"].waiting))
    assert not late.done()
    await desk.clock.advance(31)

    assert len(await late) == 2


async def test_a_pause_of_the_token_stops_all_its_budgets(desk: Desk) -> None:
    one, two = (desk.budget(Limit("token:1", Rate(180, 60)), Limit("workspace:w", None)) for _ in range(2))
    other = desk.budget(Limit("token:2", Rate(180, 60)), Limit("workspace:w", None))
    await one.pause(30, scope="token")

    late = asyncio.create_task(two.take(Lane.INTERACTIVE))
    await desk.until(lambda states: bool(states["token:1"].waiting))
    assert len(await other.take(Lane.BACKFILL)) == 2
    assert not late.done()
    await desk.clock.advance(31)
    await late


async def test_without_a_workspace_its_pauses_count_for_the_token(desk: Desk) -> None:
    budget = desk.budget(Limit("token:t", Rate(180, 60)))

    await budget.pause(30, scope="workspace")

    assert (await desk.states())["token:t"].not_before == desk.clock.now + 30


async def test_a_limit_without_a_rate_grants_any_number(desk: Desk) -> None:
    budget = desk.budget(Limit("token:t", None))

    for _ in range(3):
        slots = await asyncio.gather(*(budget.take(Lane.BACKFILL) for _ in range(100)))
        for slot in slots:
            await budget.settle(slot)


async def test_closing_notes_what_is_over_and_ends_those_who_wait(desk: Desk) -> None:
    budget = desk.budget(Limit("token:t", Rate(1, 60)))
    slot = await budget.take(Lane.BACKFILL)
    late = asyncio.create_task(budget.take(Lane.BACKFILL))
    await desk.until(lambda states: bool(states["token:t"].waiting))
    await budget.settle(slot)

    await budget.close()

    await asyncio.wait([late])
    assert late.cancelled()
    state = (await desk.states())["token:t"]
    assert (state.open, state.waiting, len(state.spent)) == ((), (), 1)


async def test_a_database_that_fails_is_told_to_those_who_take_and_not_to_those_who_settle(
    sqlite_database: Database,
) -> None:
    budget = StoreBudget(sqlite_database, Limit("token:t", Rate(180, 60)))
    slot = await budget.take(Lane.BACKFILL)
    async with sqlite_database.begin() as conn:
        await conn.execute(text("PRAGMA query_only = ON"))

    with pytest.raises(StoreUnavailable, match="read-only"):
        await budget.take(Lane.BACKFILL)
    await budget.settle(slot)
    await budget.close()


async def test_the_time_is_the_databases_own(database: Database) -> None:
    budget = StoreBudget(database, Limit("token:t", Rate(180, 60)))
    await budget.pause(0, scope="token")
    await budget.take(Lane.BACKFILL)
    await budget.close()
    now = "unixepoch('now')" if database.dialect == "sqlite" else "extract(epoch FROM clock_timestamp())"

    async with database.read() as conn:
        state = BudgetState.from_json(await conn.scalar(select(budgets.c.state)) or {})
        assert abs(float(await conn.scalar(text(f"SELECT {now}")) or 0) - state.not_before) < 600
