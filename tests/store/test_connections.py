"""Connections are found, keep their tokens secret, number their changes, and go without a trace."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select
from tests.store.samples import CONNECTION, RING, T0, block_list, document, page, store

from syncline.core.errors import BadInput, NotFound, Stop
from syncline.core.model import Fidelity, Mode
from syncline.store import checkpoints, connections, documents, frontier, ledger, records, runs
from syncline.store.connections import Connection
from syncline.store.database import Database
from syncline.store.frontier import Item
from syncline.store.ledger import Entry
from syncline.store.secrets import KeyRing
from syncline.store.tables import metadata

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


async def test_rotated_tokens_need_the_new_key_alone(database: Database) -> None:
    await add(database, CONNECTION, OTHER)
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    async with database.begin() as conn:
        with pytest.raises(Stop):
            await connections.rotate_tokens(conn, KeyRing(old))

    rings = {connection.id: KeyRing(new) for connection in (CONNECTION, OTHER)}
    async with database.begin() as conn:
        both = KeyRing(new)
        both._fernet._fernets.extend(RING._fernet._fernets)
        assert await connections.rotate_tokens(conn, both) == 2

    async with database.read() as conn:
        for connection_id, ring in rings.items():
            assert await connections.token(conn, connection_id, ring=ring) == f"token of {connection_id}"


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


async def fill(database: Database, connection_id: str) -> None:
    """A row in every table that belongs to a connection."""
    async with database.begin() as conn:
        await store(conn, connection_id)
        await records.upsert(conn, connection_id, [page("p")], run_id="r", now=T0)
        await documents.stage(conn, connection_id, [block_list("p", 1, "x")])
        await documents.promote(conn, connection_id, [document("p", 1, "x")], now=T0)
        await frontier.add(conn, connection_id, [Item("page", "p", 0, "new")])
        await checkpoints.put(conn, connection_id, "a", 1)
        await runs.start(
            conn,
            connection_id,
            run_id=f"run of {connection_id}",
            mode=Mode.FULL,
            fidelity=Fidelity.BLOCKS,
            options={},
            now=T0,
        )
        entry = Entry("p", None, "content", 500, "code", "message")
        await ledger.record(conn, connection_id, [entry], run_id="r", now=T0)


async def counts(database: Database) -> dict[tuple[str, str], int]:
    found = {}
    async with database.read() as conn:
        for name, table in metadata.tables.items():
            column = table.c.get("connection_id", table.c.get("id"))
            if column is not None:
                for key, count in await conn.execute(select(column, func.count()).group_by(column)):
                    found[name, key] = count
    return found


async def test_a_removed_connection_leaves_no_row_behind_and_the_others_alone(database: Database) -> None:
    await fill(database, "c")
    await fill(database, "d")
    before = await counts(database)
    assert {table for table, _ in before} == set(metadata.tables) - {"budgets"}

    async with database.begin() as conn:
        await connections.remove(conn, "c")

    assert await counts(database) == {
        (table, key): count for (table, key), count in before.items() if key == "d"
    }
