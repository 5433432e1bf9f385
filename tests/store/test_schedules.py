"""Schedules are remembered, are due, and are moved on by one process at a time."""

from dataclasses import replace
from datetime import timedelta

from tests.store.samples import T0

from syncline.store import schedules
from syncline.store.database import Database
from syncline.store.schedules import Schedule

ONE = Schedule("c", every=3600, next_at=T0)


async def put(database: Database, *found: Schedule) -> None:
    async with database.begin() as conn:
        for schedule in found:
            await schedules.put(conn, schedule)


async def find(database: Database, connection_id: str = "c") -> Schedule | None:
    async with database.read() as conn:
        return await schedules.find(conn, connection_id)


async def test_a_schedule_is_found_as_it_was_put_last(database: Database) -> None:
    assert await find(database) is None
    whole = Schedule(
        "c",
        cron="*/5 * * * *",
        jitter=30,
        paused_for="token",
        reconcile_cron="0 3 * * *",
        next_at=T0,
        reconcile_at=T0 + timedelta(hours=1),
        last_at=T0 - timedelta(hours=1),
        failures=2,
    )
    await put(database, ONE, whole)

    assert await find(database) == whole


async def test_what_is_due_comes_oldest_first(database: Database) -> None:
    await put(
        database,
        replace(ONE, connection_id="late", next_at=T0 + timedelta(minutes=2)),
        replace(ONE, connection_id="first", next_at=T0 - timedelta(minutes=2)),
        replace(ONE, connection_id="second", next_at=T0),
        replace(ONE, connection_id="disabled", enabled=False),
        replace(ONE, connection_id="paused", paused_for="token"),
        replace(ONE, connection_id="never", next_at=None),
    )

    async with database.read() as conn:
        found = [one.connection_id for one in await schedules.due(conn, now=T0, limit=10)]
        assert [one.connection_id for one in await schedules.due(conn, now=T0, limit=1)] == found[:1]
    assert found == ["first", "second"]


async def test_a_schedule_is_moved_on_once(database: Database) -> None:
    await put(database, ONE)
    later = T0 + timedelta(hours=1)

    async with database.begin() as conn:
        assert await schedules.advance(conn, ONE, next_at=later)
        assert not await schedules.advance(conn, ONE, next_at=later + timedelta(hours=1))

    assert await find(database) == replace(ONE, next_at=later)


async def test_a_schedule_that_was_paused_meanwhile_is_not_moved_on(database: Database) -> None:
    await put(database, ONE)

    async with database.begin() as conn:
        await schedules.pause(conn, "c", "token")
        assert not await schedules.advance(conn, ONE, next_at=T0 + timedelta(hours=1))


async def test_the_first_reason_of_a_pause_stays_and_ends_it(database: Database) -> None:
    await put(database, replace(ONE, failures=3))
    later = T0 + timedelta(days=1)

    async with database.begin() as conn:
        await schedules.pause(conn, "c", "token")
        await schedules.pause(conn, "c", "disconnected")
        assert not await schedules.resume(conn, "c", "disconnected", now=later)
        assert await schedules.resume(conn, "c", "token", now=later)
        assert not await schedules.resume(conn, "c", "token", now=later)

    assert await find(database) == replace(ONE, next_at=later)


async def test_some_fields_are_changed_and_the_others_stay(database: Database) -> None:
    await put(database, ONE)
    async with database.begin() as conn:
        await schedules.change(conn, "c", {"every": 60, "enabled": False})

    assert await find(database) == replace(ONE, every=60, enabled=False)
