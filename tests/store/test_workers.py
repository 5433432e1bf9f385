"""Workers are announced, beat, and are forgotten."""

from datetime import timedelta

from tests.store.samples import T0

from syncline.store import workers
from syncline.store.database import Database
from syncline.store.workers import Worker

ONE = Worker("w1", "worker", "host", 7, "1.2.3", T0, T0)


async def known(database: Database) -> list[Worker]:
    async with database.read() as conn:
        return await workers.every(conn)


async def test_a_worker_is_known_from_its_announcement_until_it_is_forgotten(database: Database) -> None:
    async with database.begin() as conn:
        await workers.register(conn, ONE)
    assert await known(database) == [ONE]

    async with database.begin() as conn:
        await workers.forget(conn, "w1")
        await workers.forget(conn, "w1")
    assert await known(database) == []


async def test_each_beat_is_counted(database: Database) -> None:
    later = T0 + timedelta(seconds=2)
    async with database.begin() as conn:
        await workers.register(conn, ONE)
        await workers.beat(conn, ONE, now=T0)
        await workers.beat(conn, ONE, now=later)

    [found] = await known(database)
    assert (found.beats, found.seen_at, found.started_at) == (2, later, T0)


async def test_a_worker_that_was_forgotten_and_beats_is_known_again(database: Database) -> None:
    async with database.begin() as conn:
        await workers.beat(conn, ONE, now=T0)

    assert await known(database) == [ONE]


def test_a_lock_is_named_after_its_worker() -> None:
    assert workers.lock_name("w1") == "worker-w1"
