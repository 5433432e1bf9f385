"""The feed: followers get what they lack, in order and once, as long as they belong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.store.samples import T0, store

from syncline.core.errors import NotFound
from syncline.core.event import Event
from syncline.core.permission import Role
from syncline.engine import feed as feeds
from syncline.engine.feed import Feed, FeedClosed, Follower, News
from syncline.store import connections, events, members, users
from syncline.store.database import Database
from syncline.store.users import User


async def prepared(database: Database, *connection_ids: str) -> None:
    """Connections that Ada is a member of."""
    async with database.begin() as conn:
        user = User("ada", "ada@example.com", "Ada", instance_owner=True, created_at=T0)
        await users.add(conn, user, password="x")
        for connection_id in connection_ids or ("c",):
            await store(conn, connection_id)
            await members.add(conn, connection_id, "ada", role=Role.VIEWER, now=T0)


async def log(database: Database, *numbers: int, connection_id: str = "c") -> None:
    async with database.begin() as conn:
        happened = [Event("test:number", {"number": number}) for number in numbers]
        await events.append(conn, connection_id, happened, now=T0)


@asynccontextmanager
async def running(database: Database) -> AsyncIterator[Feed]:
    feed = Feed(database)
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def told(follower: Follower, count: int) -> list[int]:
    """The numbers of the next events."""
    numbers: list[int] = []
    while len(numbers) < count:
        news = await follower.next(60)
        assert news is not None
        assert news.reset is None
        numbers += [one.data["number"] for one in news.events]
    return numbers


async def test_a_follower_is_told_of_what_happens_from_now_on(database: Database) -> None:
    await prepared(database)
    await log(database, 1)

    async with running(database) as feed, feed.follower("ada") as follower:
        assert await follower.follow("c") == 1
        await log(database, 2, 3)
        assert await told(follower, 2) == [2, 3]
        await log(database, 4)
        assert await told(follower, 1) == [4]


async def test_a_follower_that_comes_back_is_told_what_it_missed_and_then_the_rest(
    database: Database,
) -> None:
    await prepared(database)
    await log(database, *range(1, 501))

    async with running(database) as feed, feed.follower("ada") as follower:
        await follower.follow("c", after=100)
        await log(database, 501)

        assert await told(follower, 401) == list(range(101, 502))
        assert follower.positions == {"c": 501}


async def test_a_slow_follower_gets_all_however_much_the_node_holds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "_HELD", 5)
    await prepared(database)

    async with running(database) as feed, feed.follower("ada") as fast, feed.follower("ada") as slow:
        await fast.follow("c")
        await slow.follow("c")
        for number in range(1, 31):
            await log(database, number)
            if number % 3 == 0:
                assert await told(fast, 3) == [number - 2, number - 1, number]

        assert await told(slow, 30) == list(range(1, 31))


async def test_followers_of_one_connection_hear_nothing_of_another(database: Database) -> None:
    await prepared(database, "c", "d")

    async with running(database) as feed, feed.follower("ada") as one, feed.follower("ada") as both:
        await one.follow("c")
        await both.follow("c")
        await both.follow("d")
        await log(database, 7, connection_id="d")
        await log(database, 1)

        assert await told(one, 1) == [1]
        assert sorted(await told(both, 2)) == [1, 7]


async def test_a_busy_connection_keeps_no_other_waiting(database: Database) -> None:
    await prepared(database, "c", "d")
    await log(database, *range(1, 1001))
    await log(database, 7, connection_id="d")

    async with running(database) as feed, feed.follower("ada") as follower:
        await follower.follow("c", after=0)
        await follower.follow("d", after=0)

        assert [news.connection_id for _ in range(3) if (news := await follower.next(60))] == ["c", "d", "c"]


async def test_who_was_removed_is_told_nothing_that_happened_later(database: Database) -> None:
    await prepared(database)

    async with running(database) as feed, feed.follower("ada") as follower:
        await follower.follow("c")
        await log(database, 1)
        assert await told(follower, 1) == [1]
        async with database.begin() as conn:
            await members.remove(conn, "c", "ada")
        await log(database, 2)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(follower.next(), 0.5)


async def test_an_outsider_is_told_nothing(database: Database) -> None:
    await prepared(database)
    await log(database, 1)

    async with running(database) as feed, feed.follower("eve") as follower:
        await follower.follow("c", after=0)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(follower.next(), 0.4)


async def test_a_position_that_the_log_holds_no_more_is_reset_to_its_oldest_event(database: Database) -> None:
    await prepared(database)
    await log(database, 1, 2, 3)
    async with database.begin() as conn:
        await events.prune(conn, "c", before=T0 + timedelta(1), limit=2)

    async with running(database) as feed, feed.follower("ada") as follower:
        await follower.follow("c", after=1)
        news = await follower.next(60)

    assert news is not None
    assert news.reset == 2
    assert [one.seq for one in news.events] == [3]


async def test_a_position_that_the_log_has_not_reached_is_reset_to_its_end(database: Database) -> None:
    await prepared(database)
    await log(database, 1, 2)

    async with running(database) as feed, feed.follower("ada") as follower:
        await follower.follow("c", after=99)

        assert await follower.next() == News("c", (), reset=2)
        await log(database, 3)
        assert await told(follower, 1) == [3]


async def test_a_connection_that_is_gone_is_followed_no_longer(database: Database) -> None:
    await prepared(database, "c", "d")

    async with running(database) as feed, feed.follower("ada") as follower:
        with pytest.raises(NotFound):
            await follower.follow("gone")
        await follower.follow("c", after=7)  # news, as the log does not reach so far
        await follower.follow("d")
        async with database.begin() as conn:
            await connections.remove(conn, "c")
        await log(database, 1, connection_id="d")

        assert await told(follower, 1) == [1]
        assert follower.positions.keys() == {"d"}


async def test_a_node_that_stops_ends_its_followers(database: Database) -> None:
    await prepared(database)

    async with running(database) as feed, feed.follower("ada") as follower:
        await follower.follow("c")
        waiting = asyncio.create_task(follower.next())
        await asyncio.sleep(0)
        feed.close()

        with pytest.raises(FeedClosed):
            await waiting


async def test_a_feed_whose_listening_session_is_cut_reads_what_it_missed(postgres_store_url: str) -> None:
    database = await Database.open(postgres_store_url)
    await prepared(database)

    async with running(database) as feed, feed.follower("ada") as follower:
        await follower.follow("c")
        await log(database, 1)
        assert await told(follower, 1) == [1]
        async with database.session() as conn:
            cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'syncline wakes'"
            assert await conn.scalar(text(cut)) == 1
        await log(database, 2)
        assert await told(follower, 1) == [2]
    await database.close()
