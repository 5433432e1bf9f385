"""Uses are counted once each, by however many at once, and a new window begins at nothing."""

import asyncio
from datetime import UTC, datetime, timedelta

from syncline.store.database import Database
from syncline.store.ratelimits import Use, count, forget, give_back

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def counted(database: Database, *uses: Use) -> list[int]:
    async with database.begin() as conn:
        return await count(conn, uses)


async def test_uses_add_up_within_a_window_and_begin_anew_after_it(database: Database) -> None:
    first, second = Use("a", 2, NOON), Use("a", 3, NOON + timedelta(minutes=1))

    assert await counted(database, first) == [2]
    assert await counted(database, first) == [4]
    assert await counted(database, second) == [3]
    assert await counted(database, first) == [5]  # a node whose clock is behind


async def test_a_use_is_given_back_to_its_own_window_alone(database: Database) -> None:
    await counted(database, Use("a", 3, NOON))
    async with database.begin() as conn:
        assert await give_back(conn, Use("a", 1, NOON)) == 2
        assert await give_back(conn, Use("a", 1, NOON + timedelta(minutes=1))) == 0
        assert await give_back(conn, Use("b", 1, NOON)) == 0

    assert await counted(database, Use("a", 0, NOON)) == [2]


async def test_many_who_count_at_once_in_any_order_lose_nothing(database: Database) -> None:
    uses = [Use("a", 1, NOON), Use("b", 1, NOON)]

    await asyncio.gather(*(counted(database, *(uses if n % 2 else uses[::-1])) for n in range(20)))

    assert await counted(database, Use("b", 0, NOON), Use("a", 0, NOON)) == [20, 20]


async def test_buckets_whose_window_is_over_are_forgotten(database: Database) -> None:
    await counted(database, Use("a", 1, NOON), Use("b", 1, NOON + timedelta(minutes=1)))

    async with database.begin() as conn:
        assert await forget(conn, before=NOON + timedelta(seconds=1)) == 1
