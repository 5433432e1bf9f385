"""The store's database opens, migrates, keeps transactions apart, and fails in sentences."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from syncline.core.errors import BadInput, StoreUnavailable
from syncline.store import checkpoints
from syncline.store.database import REVISIONS, VERSION_TABLE, Database


async def put(database: Database, value: int) -> None:
    async with database.begin() as conn:
        await checkpoints.put(conn, "c", "n", value)


async def held(database: Database) -> int | None:
    async with database.read() as conn:
        return await checkpoints.value(conn, "c", "n")


async def test_what_was_committed_is_read(database: Database) -> None:
    await put(database, 1)

    assert await held(database) == 1


async def test_an_exception_undoes_the_transaction_and_passes(database: Database) -> None:
    async def fail() -> None:
        async with database.begin() as conn:
            await checkpoints.put(conn, "c", "n", 1)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await held(database) is None


async def test_a_cancelled_transaction_is_undone_and_the_next_one_works(database: Database) -> None:
    writing = asyncio.Event()

    async def write() -> None:
        async with database.begin() as conn:
            await checkpoints.put(conn, "c", "n", 1)
            writing.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await writing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await held(database) is None
    await put(database, 2)
    assert await held(database) == 2


async def test_a_reader_sees_one_snapshot_while_others_write(database: Database) -> None:
    await put(database, 1)

    async with database.read() as conn:
        first = await checkpoints.value(conn, "c", "n")
        await put(database, 2)
        second = await checkpoints.value(conn, "c", "n")

    assert (first, second, await held(database)) == (1, 1, 2)


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises((StoreUnavailable, DBAPIError), match=r"read-?only"):
        async with database.read() as conn:
            await checkpoints.put(conn, "c", "n", 1)

    assert await held(database) is None
    await put(database, 2)


async def test_a_glance_reads_and_cannot_write(database: Database) -> None:
    await put(database, 1)

    async with database.glance() as conn:
        assert await checkpoints.value(conn, "c", "n") == 1
    with pytest.raises((StoreUnavailable, DBAPIError), match=r"read-?only"):
        async with database.glance() as conn:
            await checkpoints.put(conn, "c", "n", 2)

    await put(database, 3)
    async with database.glance() as conn:
        assert await checkpoints.value(conn, "c", "n") == 3


async def test_writers_wait_for_each_other_and_lose_nothing(store_location: str) -> None:
    one, two = await Database.open(store_location), await Database.open(store_location)
    await put(one, 0)

    async def count_up(database: Database) -> None:
        async with database.begin() as conn:
            key = "connection_id = 'c' AND name = 'n'"
            lock = "" if database.dialect == "sqlite" else " FOR UPDATE"
            number = await conn.scalar(text(f"SELECT value FROM checkpoints WHERE {key}{lock}"))
            await checkpoints.put(conn, "c", "n", int(number or 0) + 1)

    await asyncio.gather(*(count_up(database) for database in [one, two] * 10))

    assert await held(one) == 20
    await one.close()
    await two.close()


async def test_a_store_is_opened_again_with_what_it_held(store_location: str) -> None:
    database = await Database.open(store_location)
    await put(database, 1)
    await database.close()

    again = await Database.open(store_location)

    assert await held(again) == 1
    await again.close()


async def test_an_empty_postgresql_database_becomes_a_store_in_a_schema_of_its_own(postgres_url: str) -> None:
    database = await Database.open(postgres_url)
    await put(database, 1)
    await database.close()

    with psycopg.connect(postgres_url) as conn:
        assert conn.execute("SELECT value FROM syncline.checkpoints").fetchall() == [(1,)]
        assert conn.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


async def test_several_processes_may_create_the_store_at_once(postgres_url: str, tmp_path: Path) -> None:
    for location in (postgres_url, str(tmp_path / "store.sqlite")):
        databases = await asyncio.gather(*(Database.open(location) for _ in range(4)))
        await asyncio.gather(*(put(database, 1) for database in databases))
        for database in databases:
            await database.close()


async def test_a_store_of_a_newer_release_is_refused(own_location: str) -> None:
    database = await Database.open(own_location)
    async with database.begin() as conn:
        await conn.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    await database.close()

    with pytest.raises(
        BadInput, match="newer Syncline .its schema is 9999, this release knows up to " + REVISIONS[-1]
    ):
        await Database.open(own_location)


async def test_the_file_and_its_folder_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "50% store?.sqlite"

    database = await Database.open(path)
    await put(database, 1)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    await database.close()

    assert set(modes.values()) == {0o600}
    assert path.name in modes


async def test_sqlite_runs_in_wal_mode(sqlite_database: Database) -> None:
    async with sqlite_database.read() as conn:
        settings = [
            await conn.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]

    assert settings == ["wal", 1, 30_000]


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("mysql://host/name", "no store of the kind mysql"),
        ("postgresql+asyncpg://host/name", "no store of the kind postgresql"),
        ("postgresql://host:none/name", "cannot be read"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
async def test_a_url_that_is_no_store_is_refused(location: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        await Database.open(location)


@pytest.mark.parametrize("prefix", ["sqlite:///", "sqlite+aiosqlite:///", ""])
async def test_a_path_and_both_urls_open_the_same_file(sqlite_path: Path, prefix: str) -> None:
    database = await Database.open(f"{prefix}{sqlite_path}")
    await put(database, 1)
    await database.close()

    with sqlite3.connect(sqlite_path) as conn:
        assert conn.execute("SELECT value FROM checkpoints").fetchall() == [("1",)]
    conn.close()


async def test_a_locked_file_is_reported_after_the_patience_is_over(sqlite_path: Path) -> None:
    database = await Database.open(sqlite_path, patience=0.05)
    other = sqlite3.connect(sqlite_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(
        StoreUnavailable, match=f"{sqlite_path.name} was locked by another process for more than 0.05 s"
    ):
        await put(database, 1)

    other.execute("ROLLBACK")
    other.close()
    await put(database, 2)
    assert await held(database) == 2
    await database.close()


async def test_a_full_disk_is_reported_and_what_was_stored_stays(sqlite_database: Database) -> None:
    await put(sqlite_database, 1)

    async def fill() -> None:
        async with sqlite_database.begin() as conn:
            pages = await conn.scalar(text("PRAGMA page_count"))
            await conn.execute(text(f"PRAGMA max_page_count = {pages}"))
            await checkpoints.put(conn, "c", "n", "x" * 1_000_000)

    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await fill()
    assert await held(sqlite_database) == 1


async def test_a_writer_that_waits_too_long_for_its_turn_is_told(sqlite_path: Path) -> None:
    database = await Database.open(sqlite_path, patience=0.05)

    async with database.begin():
        with pytest.raises(StoreUnavailable, match=r"no free connection for 0\.05 s"):
            await put(database, 1)
    await database.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ada, " * 200)

    with pytest.raises(BadInput, match=r"letter\.txt is not an SQLite database"):
        await Database.open(path)


async def test_a_folder_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be opened: Is a directory"):
        await Database.open(tmp_path)


async def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match="cannot be opened: Not a directory"):
        await Database.open(tmp_path / "file" / "folder" / "store.sqlite")


async def test_a_server_that_is_not_there_is_reported_without_the_password() -> None:
    with pytest.raises(StoreUnavailable, match=r"postgresql://ada:\*\*\*@127\.0\.0\.1:1/name") as caught:
        await Database.open("postgresql://ada:geheim@127.0.0.1:1/name", patience=2)

    assert "geheim" not in str(caught.value)


async def test_a_password_in_the_query_is_not_printed() -> None:
    with pytest.raises(StoreUnavailable, match=r"postgresql:///name\?host=127\.0\.0\.1&port=1 ") as caught:
        await Database.open("postgresql:///name?host=127.0.0.1&port=1&password=geheim", patience=2)
    assert "geheim" not in str(caught.value)


async def test_an_option_that_no_server_has_is_refused() -> None:
    with pytest.raises(BadInput, match='"bogus"'):
        await Database.open("postgresql://127.0.0.1:1/name?bogus=1", patience=2)


async def test_a_lost_postgresql_connection_is_reported_and_the_next_transaction_works(
    postgres_store_url: str,
) -> None:
    database = await Database.open(postgres_store_url)

    async def lose() -> None:
        async with database.begin() as conn:
            with psycopg.connect(postgres_store_url, autocommit=True) as other:
                pid = await conn.scalar(text("SELECT pg_backend_pid()"))
                other.execute("SELECT pg_terminate_backend(%s)", [pid])
            await checkpoints.put(conn, "c", "n", 1)

    with pytest.raises(StoreUnavailable, match="cannot be used"):
        await lose()
    await put(database, 2)
    assert await held(database) == 2
    await database.close()


async def test_a_mistake_in_our_own_sql_is_not_dressed_up(database: Database) -> None:
    with pytest.raises(DBAPIError, match="nonsense"):
        async with database.begin() as conn:
            await conn.execute(text("SELECT * FROM nonsense"))


async def test_an_error_does_not_show_what_was_to_be_stored(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.begin() as conn:
            await conn.execute(text("INSERT INTO nonsense VALUES (:it)"), {"it": "private"})

    assert "private" not in str(caught.value)


def test_opening_a_current_store_does_not_import_alembic(sqlite_path: Path) -> None:
    program = (
        "import asyncio, sys; from syncline.store.database import Database\n"
        "async def main(): await (await Database.open(sys.argv[1])).close()\n"
        "asyncio.run(main()); sys.exit('alembic' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program, sqlite_path], check=False).returncode == 0
