"""Connections are found, keep their tokens secret, number their changes, and go without a trace."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from sqlalchemy import func, select
from tests.store.samples import CONNECTION, RING, T0, store

from syncline.core.errors import BadInput, NotFound, Refused, Stop
from syncline.store import connections
from syncline.store.connections import Connection
from syncline.store.database import Database
from syncline.store.schema import metadata
from syncline.store.secrets import KeyRing
from syncline.store.types import Instant, Json, Unicode

OTHER = replace(
    CONNECTION, id="d", name="home", workspace_id=None, workspace_name=None, created_at=T0 + timedelta(1)
)


async def add(database: Database, *added: Connection) -> None:
    async with database.begin() as conn:
        for connection in added:
            await connections.add(conn, connection, token=f"token of {connection.id}", ring=RING)


async def test_a_connection_is_found_by_name_and_by_id(database: Database) -> None:
    await add(database, CONNECTION, OTHER)

    async with database.read() as conn:
        assert await connections.find(conn, "work") == await connections.find(conn, "c") == CONNECTION
        assert await connections.find(conn, "home") == OTHER
        assert await connections.every(conn) == [CONNECTION, OTHER]


async def test_a_name_goes_before_an_id(database: Database) -> None:
    await add(database, CONNECTION, replace(OTHER, name="c"))

    async with database.read() as conn:
        assert (await connections.find(conn, "c")).id == "d"


async def test_what_is_not_there_is_reported_with_what_is(database: Database) -> None:
    async with database.read() as conn:
        with pytest.raises(NotFound, match="no connection called x; `syncline connect` makes the first one"):
            await connections.find(conn, "x")

    await add(database, CONNECTION, OTHER)

    async with database.read() as conn:
        with pytest.raises(NotFound, match="no connection called x; there are: work, home"):
            await connections.find(conn, "x")


async def test_a_name_is_taken_once(database: Database) -> None:
    await add(database, CONNECTION)

    with pytest.raises(BadInput, match="called work already"):
        await add(database, replace(OTHER, name="work"))

    async with database.read() as conn:
        assert await connections.every(conn) == [CONNECTION]


async def test_the_token_is_read_with_the_ring_and_lies_encrypted(database: Database) -> None:
    await add(database, CONNECTION)

    async with database.read() as conn:
        assert await connections.token(conn, "c", ring=RING) == "token of c"
        rows = (await conn.execute(select(metadata.tables["connections"]))).all()
        assert "token of c" not in repr(rows)
        with pytest.raises(Stop, match="another key"):
            await connections.token(conn, "c", ring=KeyRing(Fernet.generate_key().decode()))
        with pytest.raises(NotFound):
            await connections.token(conn, "x", ring=RING)


async def test_a_token_is_replaced_and_forgotten(database: Database) -> None:
    await add(database, CONNECTION)

    async with database.begin() as conn:
        await connections.replace_token(conn, "c", "another", ring=RING)
        assert await connections.token(conn, "c", ring=RING) == "another"
        await connections.forget_token(conn, "c")
        with pytest.raises(Refused, match="connect again"):
            await connections.token(conn, "c", ring=RING)
        with pytest.raises(NotFound):
            await connections.replace_token(conn, "x", "another", ring=RING)
        assert await connections.one(conn, "c") == CONNECTION
        with pytest.raises(NotFound):
            await connections.one(conn, "x")


async def test_what_notion_says_anew_is_kept_and_the_name_stays(database: Database) -> None:
    await add(database, CONNECTION, OTHER)
    told = replace(
        CONNECTION, name="other", bot_name="New", workspace_name="New", capabilities=("read_content",)
    )

    async with database.begin() as conn:
        await connections.refresh(conn, told)
        assert await connections.one(conn, "c") == replace(told, name=CONNECTION.name)
        assert await connections.one(conn, "d") == OTHER
        assert await connections.names(conn, "w") == {"work"}


async def test_numbers_are_drawn_in_rows_without_a_gap(database: Database) -> None:
    await add(database, CONNECTION, OTHER)

    async with database.begin() as conn:
        drawn = [await connections.advance(conn, "c", n) for n in (3, 1, 0, 2)]
        assert await connections.advance(conn, "d", 1) == 1

    assert drawn == [1, 4, 5, 5]


async def test_numbers_drawn_at_once_are_never_the_same(database: Database) -> None:
    await add(database, CONNECTION)

    async def draw() -> int:
        async with database.begin() as conn:
            return await connections.advance(conn, "c", 2)

    assert sorted(await asyncio.gather(*(draw() for _ in range(10)))) == list(range(1, 21, 2))


@pytest.mark.parametrize("use", [partial(connections.advance, n=1), connections.remove])
async def test_a_connection_that_is_gone_has_no_numbers(database: Database, use: Any) -> None:
    async with database.begin() as conn:
        with pytest.raises(NotFound, match="no connection c"):
            await use(conn, "c")


OWNED = [table for table in metadata.sorted_tables if "connection_id" in table.columns]
SAMPLES: dict[type, Any] = {
    Json: {},
    Instant: T0,
    Unicode: "text",
    sa.String: "text",
    sa.LargeBinary: b"x",
    sa.Boolean: False,
    sa.Integer: 1,
    sa.BigInteger: 1,
    sa.Float: 1.0,
}


def row(table: sa.Table, connection_id: str) -> dict[str, Any]:
    """A row of a table that belongs to the connection, and like no other's."""
    values: dict[str, Any] = {}
    for column in table.columns:
        value = next(sample for kind, sample in SAMPLES.items() if isinstance(column.type, kind))
        own = {"text": f"text of {connection_id}", 1: ord(connection_id)}
        values[column.name] = own.get(value, value) if isinstance(value, str | int) else value
    return values | {"connection_id": connection_id}


async def fill(database: Database, connection_id: str) -> None:
    """A row in every table that belongs to a connection."""
    async with database.begin() as conn:
        await store(conn, connection_id)
        for table in OWNED:
            mine = select(func.count()).where(table.c.connection_id == connection_id)
            if not await conn.scalar(mine.select_from(table)):
                await conn.execute(sa.insert(table), row(table, connection_id))


async def counts(database: Database) -> dict[tuple[str, str], int]:
    found = {}
    async with database.read() as conn:
        for table in [*OWNED, metadata.tables["connections"]]:
            column = table.c.get("connection_id", table.c.get("id"))
            assert column is not None
            for key, count in await conn.execute(select(column, func.count()).group_by(column)):
                found[table.name, key] = count
    return found


async def test_a_removed_connection_leaves_no_row_behind_and_the_others_alone(database: Database) -> None:
    await fill(database, "c")
    await fill(database, "d")
    before = await counts(database)
    assert {table for table, _ in before} == {table.name for table in OWNED} | {"connections"}

    async with database.begin() as conn:
        removed = await connections.remove(conn, "c")

    assert set(removed) == {table.name for table in OWNED}
    assert min(removed.values()) >= 1
    assert await counts(database) == {
        (table, key): count for (table, key), count in before.items() if key == "d"
    }
