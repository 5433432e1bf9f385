"""One holder at a time, in any process; the death of a process frees what it held."""

import subprocess
import sys
from pathlib import Path

import pytest

from syncline.core.errors import Busy, StoreUnavailable
from syncline.store.database import Database
from syncline.store.locks import Lock, is_held

HOLD = """
import asyncio, sys
from syncline.store.database import Database
from syncline.store.locks import Lock

async def main():
    database = await Database.open(sys.argv[1])
    async with Lock(database, "name"):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_held_name_is_busy_until_it_is_released(store_location: str) -> None:
    one, two = await Database.open(store_location), await Database.open(store_location)

    assert not await is_held(two, "name")
    async with Lock(one, "name"):
        for database in (one, two):
            assert await is_held(database, "name")
            with pytest.raises(Busy, match="Another process holds name"):
                async with Lock(database, "name"):
                    pytest.fail("two holders")
        assert not await is_held(two, "other")
        async with Lock(two, "other"):
            pass
    assert not await is_held(two, "name")
    async with Lock(two, "name"):
        pass

    await one.close()
    await two.close()


async def test_to_ask_takes_nothing(store_location: str) -> None:
    database = await Database.open(store_location)
    assert [await is_held(database, "name") for _ in range(3)] == [False, False, False]
    async with Lock(database, "name"):
        assert [await is_held(database, "name") for _ in range(3)] == [True, True, True]
    await database.close()


async def test_an_exception_releases_the_lock(database: Database) -> None:
    with pytest.raises(KeyError):
        async with Lock(database, "name"):
            raise KeyError

    async with Lock(database, "name"):
        pass


async def test_the_death_of_the_holder_frees_the_lock(store_location: str) -> None:
    database = await Database.open(store_location)
    with subprocess.Popen(  # noqa: ASYNC220 - it outlives the call on purpose
        [sys.executable, "-c", HOLD, store_location], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert await is_held(database, "name")

        holder.kill()
        holder.wait()

    for _ in range(1000):  # PostgreSQL notices a moment later
        if not await is_held(database, "name"):
            break
    else:
        pytest.fail("the lock outlived its holder")
    async with Lock(database, "name"):
        pass
    await database.close()


async def test_a_lock_whose_session_is_gone_is_taken_anew(postgres_store_url: str) -> None:
    one, two = await Database.open(postgres_store_url), await Database.open(postgres_store_url)
    async with Lock(one, "name") as lock:
        async with two.begin() as conn:
            await conn.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        await lock.renew()
        assert await is_held(two, "name")
        await lock.renew()
    assert not await is_held(two, "name")
    await one.close()
    await two.close()


async def test_work_goes_on_while_the_lock_is_held(database: Database) -> None:
    async with Lock(database, "name") as lock, database.begin() as conn:
        await conn.exec_driver_sql("SELECT 1")
        await lock.renew()


def locks_in(folder: Path) -> list[Path]:
    return list(folder.glob("*.lock"))


async def test_a_file_lock_leaves_no_file_behind(sqlite_database: Database, tmp_path: Path) -> None:
    async with Lock(sqlite_database, "name"):
        [lock] = locks_in(tmp_path)
        assert lock.stat().st_mode & 0o777 == 0o600

    assert locks_in(tmp_path) == []


async def test_a_lock_that_cannot_be_made_is_reported(sqlite_database: Database, tmp_path: Path) -> None:
    (tmp_path / "store.sqlite.name.lock").mkdir()

    with pytest.raises(StoreUnavailable, match=r"lock .*name\.lock cannot be opened"):
        async with Lock(sqlite_database, "name"):
            pytest.fail("no lock")
