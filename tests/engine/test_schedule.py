"""Times are a grid, a slot is taken once, what was missed runs once, and what may pass is tried again later."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from tests.store.samples import CONNECTION, RING, T0

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.core.model import Mode
from syncline.engine.schedule import (
    DAILY,
    EVERY,
    backoff,
    checked_cron,
    moved,
    next_slot,
    note_end,
    start_schedule,
    tick,
)
from syncline.engine.task import Failure, Outcome, RunState
from syncline.settings import Settings
from syncline.store import connections, runs, schedules
from syncline.store.database import Database
from syncline.store.runs import Lane, Run
from syncline.store.schedules import Schedule

HOUR = 3600
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  bounds are naive
PASSING = Failure("Unreachable", "Notion is down.", 7, retry=True)
LASTING = Failure("Refused", "Notion refuses the token.", 5, retry=False)


class Clock:
    """Our time, moved by the test."""

    def __init__(self) -> None:
        self.time = T0

    def __call__(self) -> datetime:
        return self.time

    def pass_time(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def app(database: Database, tmp_path: Path, clock: Clock) -> App:
    settings = Settings(home=tmp_path, database_url=None, key=None)
    return App(settings=settings, database=database, keys=RING, now=clock)


async def connect(app: App, *names: str, **fields: Any) -> None:
    async with app.database.begin() as conn:
        for name in names:
            await connections.add(conn, replace(CONNECTION, id=name, name=name), token="t", ring=RING)
            schedule = replace(Schedule(name, every=HOUR, reconcile_cron=DAILY), **fields)
            await start_schedule(conn, schedule, now=app.now())


async def schedule_of(app: App, name: str) -> Schedule:
    async with app.database.read() as conn:
        found = await schedules.find(conn, name)
    assert found is not None
    return found


async def queued(app: App, name: str = "c") -> list[Run]:
    async with app.database.read() as conn:
        return await runs.latest(conn, name, limit=100)


async def end(app: App, name: str, outcome: Outcome) -> None:
    """End the live run of a connection."""
    async with app.database.begin() as conn:
        run = await runs.live(conn, name)
        assert run is not None
        await note_end(conn, run, outcome, now=app.now())
        await runs.finish(conn, run.id, state=runs.RunState(outcome.state), now=app.now())


# --- the times ----------------------------------------------------------------------------------------------------


@given(now=MOMENTS, every=st.integers(30, 7 * 86400), name=st.text("abc", min_size=1))
def test_an_interval_is_a_grid_of_the_connection_alone(now: datetime, every: int, name: str) -> None:
    schedule = Schedule(name, every=every)
    first = next_slot(schedule, now)
    assert first is not None
    second = next_slot(schedule, first)

    assert timedelta(seconds=every) / 2 <= first - now <= timedelta(seconds=every) * 1.5
    assert second == first + timedelta(seconds=every)
    assert next_slot(schedule, first + timedelta(seconds=every * 0.3)) == second, "a late start moves no slot"


def test_the_slots_of_many_connections_are_spread() -> None:
    slots = [next_slot(Schedule(f"c{number}", every=HOUR), T0) for number in range(1200)]
    minutes = [int((slot - T0).total_seconds() // 60) % 60 for slot in slots if slot is not None]

    assert max(minutes.count(minute) for minute in range(60)) < 50, "evenly it would be 20 a minute"


@given(now=MOMENTS, jitter=st.integers(0, 600))
def test_a_cron_schedule_is_late_by_its_jitter_at_most(now: datetime, jitter: int) -> None:
    slot = next_slot(Schedule("c", cron="30 4 * * *", jitter=jitter), now)
    assert slot is not None
    late = slot - slot.replace(hour=4, minute=30, second=0, microsecond=0)

    assert slot > now
    assert timedelta(0) <= late <= timedelta(seconds=jitter)


def test_a_schedule_without_an_interval_or_cron_has_only_its_reconciling_pulls() -> None:
    values = moved(Schedule("c", reconcile_cron=DAILY), T0)

    assert values["next_at"] == values["reconcile_at"]
    assert moved(Schedule("c"), T0)["next_at"] is None


@pytest.mark.parametrize("text", ["", "every day", "* * * *", "61 * * * *", "0 0 31 2 *"])
def test_what_is_no_cron_expression_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is no cron expression"):
        checked_cron(text)


def test_a_cron_expression_is_kept_without_needless_spaces() -> None:
    assert checked_cron("  */5  *  * * * ") == "*/5 * * * *"


@pytest.mark.parametrize(
    ("failures", "every", "seconds"),
    [(1, EVERY, 60), (2, EVERY, 120), (4, EVERY, 480), (9, EVERY, 900), (500, None, 900), (9, 30, 30)],
)
def test_the_pause_after_failures_doubles_up_to_a_quarter_of_an_hour(
    failures: int, every: int | None, seconds: int
) -> None:
    assert backoff(failures, every) == timedelta(seconds=seconds)


# --- the tick -----------------------------------------------------------------------------------------------------


async def test_a_new_connection_is_pulled_at_once_and_in_full(app: App) -> None:
    await connect(app, "c")
    await tick(app)

    [run] = await queued(app)
    assert (run.mode, run.requested_by, run.lane) == (Mode.FULL, "schedule", Lane.SCHEDULED)


async def test_nothing_is_queued_before_its_time(app: App, clock: Clock) -> None:
    await connect(app, "c")
    await tick(app)
    await end(app, "c", Outcome(RunState.SUCCEEDED))
    due = (await schedule_of(app, "c")).next_at
    assert due is not None

    clock.time = due - timedelta(seconds=1)
    await tick(app)
    assert len(await queued(app)) == 1
    clock.time = due
    await tick(app)
    assert len(await queued(app)) == 2


async def test_what_was_missed_runs_once(app: App, clock: Clock) -> None:
    await connect(app, "c", reconcile_cron=None)
    await tick(app)
    await end(app, "c", Outcome(RunState.SUCCEEDED))

    clock.pass_time(days=10)
    for _ in range(3):
        await tick(app)

    assert len(await queued(app)) == 2
    following = (await schedule_of(app, "c")).next_at
    assert following is not None
    assert clock.time < following <= clock.time + timedelta(hours=1.5)


async def test_many_schedulers_queue_each_pull_once(app: App, clock: Clock) -> None:
    names = [f"c{number}" for number in range(10)]
    await connect(app, *names)
    await asyncio.gather(*(tick(app) for _ in range(5)))
    for name in names:
        await end(app, name, Outcome(RunState.SUCCEEDED))
    clock.pass_time(hours=2)
    await asyncio.gather(*(tick(app) for _ in range(5)))

    assert [len(await queued(app, name)) for name in names] == [2] * len(names)


async def test_a_pull_that_takes_longer_than_the_interval_is_not_joined_by_another(
    app: App, clock: Clock
) -> None:
    await connect(app, "c", reconcile_cron=None)
    for _ in range(3):
        await tick(app)
        clock.pass_time(hours=2)

    assert len(await queued(app)) == 1


async def test_at_night_a_pull_reconciles(app: App, clock: Clock) -> None:
    await connect(app, "c", every=6 * HOUR)
    found: list[tuple[datetime, Mode | None]] = []
    for _ in range(48):
        before = len(await queued(app))
        await tick(app)
        if len(pulls := await queued(app)) > before:
            found.append((clock.time, pulls[0].mode))
            await end(app, "c", Outcome(RunState.SUCCEEDED))
        clock.pass_time(minutes=30)

    asked = [run.options["mode"] for run in await queued(app)]
    assert asked.count("reconcile") == 1
    assert 4 <= len(found) <= 6


async def test_a_reconciling_pull_that_meets_another_one_is_made_up_for(app: App, clock: Clock) -> None:
    await connect(app, "c")
    await tick(app)
    clock.time = T0.replace(hour=4, minute=0) + timedelta(days=1)
    await tick(app)
    schedule = await schedule_of(app, "c")
    assert schedule.next_at == clock.time + timedelta(minutes=5)

    await end(app, "c", Outcome(RunState.SUCCEEDED))
    clock.pass_time(minutes=5)
    await tick(app)
    assert (await queued(app))[0].options["mode"] == "reconcile"


@pytest.mark.parametrize("reason", ["token", "disconnected"])
async def test_a_paused_schedule_waits_and_goes_on_at_once(app: App, clock: Clock, reason: str) -> None:
    await connect(app, "c")
    async with app.database.begin() as conn:
        await schedules.pause(conn, "c", reason)
        await schedules.pause(conn, "c", "later")
    await tick(app)
    assert await queued(app) == []

    clock.pass_time(hours=5)
    async with app.database.begin() as conn:
        assert not await schedules.resume(conn, "c", "later", now=clock.time)
        assert await schedules.resume(conn, "c", reason, now=clock.time)
    await tick(app)
    assert len(await queued(app)) == 1


async def test_a_disabled_schedule_queues_nothing(app: App) -> None:
    await connect(app, "c", enabled=False)
    await tick(app)

    assert await queued(app) == []


async def test_more_than_one_batch_is_asked_for_again_at_once(app: App) -> None:
    await connect(app, *(f"c{number}" for number in range(101)))

    assert await tick(app) == 0.0
    assert await tick(app) is None
    async with app.database.read() as conn:
        assert len(await runs.latest(conn, None, limit=200)) == 101


# --- how a pull ended ---------------------------------------------------------------------------------------------


async def hour_of_failures(app: App, clock: Clock) -> Sequence[float]:
    """The minutes after the first one at which pulls begin while Notion is down for an hour."""
    began: list[float] = []
    for _ in range(3600):
        before = len(await queued(app))
        await tick(app)
        if len(await queued(app)) > before:
            began.append((clock.time - T0).total_seconds() / 60)
            await end(app, "c", Outcome(RunState.FAILED, PASSING))
        clock.pass_time(seconds=5)
        if clock.time > T0 + timedelta(hours=1):
            break
    return began


async def test_while_notion_is_down_pulls_are_tried_ever_more_seldom_and_go_on_afterwards(
    app: App, clock: Clock
) -> None:
    await connect(app, "c", every=6 * HOUR, reconcile_cron=None)

    assert [round(minute) for minute in await hour_of_failures(app, clock)] == [0, 1, 3, 7, 15, 30, 45, 60]
    clock.pass_time(minutes=15)
    await tick(app)
    await end(app, "c", Outcome(RunState.SUCCEEDED))
    assert (await schedule_of(app, "c")).failures == 0


async def test_what_does_not_pass_by_itself_waits_for_the_next_slot(app: App) -> None:
    await connect(app, "c")
    await tick(app)
    before = await schedule_of(app, "c")
    await end(app, "c", Outcome(RunState.FAILED, LASTING))

    assert await schedule_of(app, "c") == before
