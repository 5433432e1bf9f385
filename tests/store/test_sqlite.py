"""SQLite's driver: one change of threads for a statement, and transactions as SQLAlchemy has them."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import text

from syncline.store.database import Database

PUT = text("INSERT INTO checkpoints (connection_id, name, value) VALUES (:c, 'n', :value)")
SUM = text("SELECT sum(value) FROM checkpoints")


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often something was run in the thread of a connection."""
    counted: Counter[str] = Counter()
    run = aiosqlite.Connection._execute

    async def count(self: aiosqlite.Connection, act: Any, *rest: Any, **more: Any) -> Any:
        counted["all"] += 1
        return await run(self, act, *rest, **more)  # type: ignore[no-untyped-call]  # it has none

    monkeypatch.setattr(aiosqlite.Connection, "_execute", count)
    return counted


async def test_a_statement_costs_one_change_of_threads_and_a_transaction_one_more(
    sqlite_database: Database, changes: Counter[str]
) -> None:
    async with sqlite_database.read() as conn:
        await conn.scalar(SUM)
    changes.clear()

    async with sqlite_database.read() as conn:
        await conn.scalar(SUM)
        await conn.scalar(SUM)

    assert changes["all"] == 2 + 1, "two statements, of which the first begins the transaction, and COMMIT"


async def test_a_transaction_without_a_statement_costs_none(
    sqlite_database: Database, changes: Counter[str]
) -> None:
    async with sqlite_database.read() as conn:
        await conn.scalar(SUM)
    changes.clear()

    async with sqlite_database.read():
        pass

    assert not changes


async def test_a_glance_costs_one_change_of_threads_and_sees_what_is_there(
    sqlite_database: Database, changes: Counter[str]
) -> None:
    async with sqlite_database.glance() as conn:
        await conn.scalar(SUM)
    changes.clear()

    async with sqlite_database.glance() as conn:
        assert await conn.scalar(SUM) is None
    assert changes["all"] == 1

    async with sqlite_database.begin() as writer, sqlite_database.glance() as conn:
        await writer.execute(PUT, {"c": "a", "value": 1})
        assert await conn.scalar(SUM) is None
        await writer.commit()
        assert await conn.scalar(SUM) == 1


async def test_a_statement_that_is_cancelled_while_it_runs_is_undone(sqlite_database: Database) -> None:
    slow = text(
        "INSERT INTO checkpoints (connection_id, name, value) WITH RECURSIVE n(i) AS "
        "(VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT 'a', 'n', max(i) FROM n"
    )

    async def write() -> None:
        async with sqlite_database.begin() as conn:
            await conn.execute(slow)

    task = asyncio.create_task(write())
    async with asyncio.timeout(60):
        while not _is_written_to(sqlite_database):  # noqa: ASYNC110  SQLite tells no other connection
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with sqlite_database.begin() as conn:
        assert await conn.scalar(SUM) is None


def _is_written_to(database: Database) -> bool:
    with closing(sqlite3.connect(str(database), timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


async def test_a_transaction_sees_one_snapshot_from_its_first_statement_on(sqlite_database: Database) -> None:
    async with sqlite_database.read() as reader:
        assert await reader.scalar(SUM) is None
        async with sqlite_database.begin() as writer:
            await writer.execute(PUT, {"c": "a", "value": 1})

        assert await reader.scalar(SUM) is None


async def test_a_stream_that_goes_first_reads_in_the_transaction_of_what_follows(
    sqlite_database: Database,
) -> None:
    async with sqlite_database.read() as reader:
        result = await reader.stream(SUM)
        assert [row[0] async for row in result] == [None]
        async with sqlite_database.begin() as writer:
            await writer.execute(PUT, {"c": "a", "value": 1})

        assert await reader.scalar(SUM) is None


async def test_a_failure_undoes_what_the_first_statement_did(sqlite_database: Database) -> None:
    async def fail() -> None:
        async with sqlite_database.begin() as conn:
            await conn.execute(PUT, {"c": "a", "value": 1})
            raise KeyError

    with pytest.raises(KeyError):
        await fail()

    async with sqlite_database.read() as conn:
        assert await conn.scalar(SUM) is None


async def test_a_savepoint_that_goes_first_is_undone_alone(sqlite_database: Database) -> None:
    async def fail(conn: Any) -> None:
        async with conn.begin_nested():
            await conn.execute(PUT, {"c": "a", "value": 1})
            raise KeyError

    async with sqlite_database.begin() as conn:
        with pytest.raises(KeyError):
            await fail(conn)
        await conn.execute(PUT, {"c": "b", "value": 2})

    async with sqlite_database.read() as conn:
        assert await conn.scalar(SUM) == 2


async def test_a_statement_tells_how_many_rows_it_changed_and_which(sqlite_database: Database) -> None:
    async with sqlite_database.begin() as conn:
        await conn.execute(PUT, [{"c": one, "value": 1} for one in "abc"])
        changed = await conn.execute(text("UPDATE checkpoints SET value = 2 WHERE connection_id != 'a'"))
        gone = await conn.execute(text("DELETE FROM checkpoints RETURNING connection_id"))

    assert changed.rowcount == 2
    assert sorted(gone.scalars()) == ["a", "b", "c"]
