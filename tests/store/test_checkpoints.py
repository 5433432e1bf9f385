"""Checkpoints are put, read and dropped by name, each connection's apart from the others'."""

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store import checkpoints
from syncline.store.database import Database

NAMES = ("a", "a:1", "a:2", "b", "a%", "")


async def held(conn: AsyncConnection, connection_id: str = "c") -> set[str]:
    return {name for name in NAMES if await checkpoints.value(conn, connection_id, name) is not None}


async def test_the_last_value_put_is_the_value(database: Database) -> None:
    async with database.begin() as conn:
        await checkpoints.put(conn, "c", "a", {"at": 1})
        await checkpoints.put(conn, "c", "a", [2])

        assert await checkpoints.value(conn, "c", "a") == [2]
        assert await checkpoints.value(conn, "c", "b") is None
        assert await checkpoints.value(conn, "d", "a") is None


async def test_drop_takes_what_begins_with_the_prefix_and_no_more(database: Database) -> None:
    async with database.begin() as conn:
        for connection_id in ("c", "d"):
            for name in NAMES:
                await checkpoints.put(conn, connection_id, name, 1)

        await checkpoints.drop(conn, "c", "a:")
        assert await held(conn) == {"a", "b", "a%", ""}

        await checkpoints.drop(conn, "c", "a%")
        assert await held(conn) == {"a", "b", ""}

        await checkpoints.drop(conn, "c", "")
        assert await held(conn) == set()
        assert await held(conn, "d") == set(NAMES)
