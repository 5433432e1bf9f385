"""The event log: numbered without a gap in the order of commits, read from a position, shortened from its old end."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from tests.store.samples import T0, store

from syncline.core.errors import NotFound
from syncline.core.event import Event
from syncline.store import connections, events
from syncline.store.database import Database
from syncline.store.events import CHANNEL, Bounds, Logged

LATER = T0 + timedelta(hours=1)


def numbered(*numbers: int, run_id: str | None = None) -> list[Event]:
    return [Event("test:number", {"number": number}, run_id) for number in numbers]


async def prepared(database: Database, *happened: Event, connection_id: str = "c") -> None:
    async with database.begin() as conn:
        await store(conn, connection_id)
        await events.append(conn, connection_id, happened, now=T0)


async def read(database: Database, after: int = 0, *, limit: int = 1000) -> list[Logged]:
    async with database.read() as conn:
        return await events.since(conn, "c", after, limit)


async def test_an_event_is_read_as_it_was_logged(database: Database) -> None:
    await prepared(database, Event("sync:start", {"z": 1, "a": "ü\x00"}, "r"))

    assert await read(database) == [Logged("c", 1, "sync:start", T0, "r", {"z": 1, "a": "ü\x00"})]


async def test_events_are_numbered_in_order_from_where_the_log_ended(database: Database) -> None:
    await prepared(database, *numbered(1, 2))
    await prepared(database, *numbered(3))
    await prepared(database, *numbered(9), connection_id="d")

    assert [(one.seq, one.data["number"]) for one in await read(database)] == [(1, 1), (2, 2), (3, 3)]
    assert [one.seq for one in await read(database, 1, limit=1)] == [2]
    async with database.read() as conn:
        assert await events.heads(conn, ["c", "d", "gone"]) == {"c": 3, "d": 1}


async def test_a_transaction_that_fails_leaves_no_gap(database: Database) -> None:
    await prepared(database, *numbered(1))

    async def fail() -> None:
        async with database.begin() as conn:
            await events.append(conn, "c", numbered(2), now=T0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await prepared(database, *numbered(3))

    assert [(one.seq, one.data["number"]) for one in await read(database)] == [(1, 1), (2, 3)]


async def test_no_event_is_logged_for_a_connection_that_is_gone(database: Database) -> None:
    async with database.begin() as conn:
        assert await events.append(conn, "gone", [], now=T0) == 0
        with pytest.raises(NotFound):
            await events.append(conn, "gone", numbered(1), now=T0)
        with pytest.raises(NotFound):
            await events.bounds(conn, "gone")


async def test_the_events_of_a_connection_go_with_it(database: Database) -> None:
    await prepared(database, *numbered(1))

    async with database.begin() as conn:
        await connections.remove(conn, "c")

    assert await read(database) == []


async def test_a_reader_who_follows_many_writers_misses_nothing_and_sees_nothing_twice(
    database: Database,
) -> None:
    writers, each = 8, 25
    await prepared(database)

    async def write(writer: int) -> None:
        for number in range(each):
            async with database.begin() as conn:
                await asyncio.sleep(0)
                await events.append(conn, "c", numbered(writer * each + number), now=T0)

    seen: list[int] = []

    async def follow() -> None:
        position = 0
        while len(seen) < writers * each:
            for one in await read(database, position):
                assert one.seq == position + 1
                position = one.seq
                seen.append(one.data["number"])

    await asyncio.gather(follow(), *(write(writer) for writer in range(writers)))

    assert sorted(seen) == list(range(writers * each))


@pytest.mark.parametrize(
    ("hours", "left"), [([0, 0, 2, 2], [3, 4]), ([2, 0, 0], [1, 2, 3]), ([0, 0, 0], []), ([], [])]
)
async def test_the_log_is_shortened_from_its_old_end_to_the_first_young_event(
    database: Database, hours: list[int], left: list[int]
) -> None:
    await prepared(database)
    async with database.begin() as conn:
        for hour in hours:
            await events.append(conn, "c", numbered(0), now=T0 + timedelta(hours=hour))

        forgotten = await events.prune(conn, "c", before=LATER, limit=100)

        assert forgotten == len(hours) - len(left)
        assert [one.seq for one in await events.since(conn, "c", 0, 100)] == left
        floor = left[0] - 1 if left else len(hours)
        assert await events.bounds(conn, "c") == Bounds(floor=floor, head=len(hours))


async def test_the_log_is_shortened_in_pieces_and_goes_on_with_its_numbers(database: Database) -> None:
    await prepared(database, *numbered(1, 2, 3))

    async with database.begin() as conn:
        assert [await events.prune(conn, "c", before=LATER, limit=2) for _ in range(3)] == [2, 1, 0]
        assert await events.append(conn, "c", numbered(4), now=T0) == 4


async def test_postgres_tells_of_events_once_they_are_committed(postgres_store_url: str) -> None:
    database = await Database.open(postgres_store_url)
    await prepared(database)
    with psycopg.connect(postgres_store_url, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}".encode())
        async with database.begin() as conn:
            await events.append(conn, "c", numbered(1), now=T0)
            await events.append(conn, "c", numbered(2), now=T0)
            assert list(listener.notifies(timeout=0)) == []
        told = [notify.payload for notify in listener.notifies(timeout=60, stop_after=1)]

    await database.close()
    assert told == ["c"]
