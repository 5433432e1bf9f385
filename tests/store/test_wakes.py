"""Wakes: SQLite is looked at, PostgreSQL says whose log has news, and a lost session is an error that may pass."""

import asyncio

import pytest
from sqlalchemy import text
from tests.store.samples import T0, store

from syncline.core.errors import StoreUnavailable
from syncline.core.event import Event
from syncline.store import events, wakes
from syncline.store.database import Database


async def log(database: Database, connection_id: str) -> None:
    async with database.begin() as conn:
        await store(conn, connection_id)
        await events.append(conn, connection_id, [Event("test:one", {})], now=T0)


async def test_sqlite_is_looked_at_in_any_case(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakes, "LOOK", 0.0)
    async with wakes.wakes(sqlite_database) as told:
        assert [await anext(told) for _ in range(2)] == [None, None]


async def test_postgres_says_whose_log_has_news(postgres_store_url: str) -> None:
    database = await Database.open(postgres_store_url)
    async with wakes.wakes(database) as told:
        await log(database, "c")
        await log(database, "d")
        found: set[str] = set()
        while found != {"c", "d"}:
            async with asyncio.timeout(60):
                which = await anext(told)
            found |= which or frozenset()
    await database.close()


async def test_a_silent_postgres_is_asked_whether_it_lives(
    postgres_store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakes, "_QUIET", 0.01)
    database = await Database.open(postgres_store_url)
    async with wakes.wakes(database) as told:
        assert await anext(told) is None
    await database.close()


async def test_a_lost_session_is_the_store_being_away(postgres_store_url: str) -> None:
    database = await Database.open(postgres_store_url)

    async def listen() -> None:
        async with wakes.wakes(database) as told:
            async with database.session() as conn:
                cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'syncline wakes'"
                assert await conn.scalar(text(cut)) == 1
            async with asyncio.timeout(60):
                await anext(told)

    with pytest.raises(StoreUnavailable, match="does not tell of events"):
        await listen()
    await database.close()
