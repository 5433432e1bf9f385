"""One holder at a time, in any process; the death of a process frees what it held."""

import subprocess
import sys
from pathlib import Path

import pytest

from syncline.core.errors import Busy, StoreUnavailable
from syncline.store.database import Database
from syncline.store.locks import connection_lock

HOLD = """
import asyncio, sys
from pathlib import Path
from syncline.store.database import Database
from syncline.store.locks import connection_lock

async def main():
    database = await Database.open(sys.argv[1])
    async with connection_lock(database, Path(sys.argv[2]), "c"):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_held_connection_is_busy_until_it_is_released(store_location: str, tmp_path: Path) -> None:
    one, two = await Database.open(store_location), await Database.open(store_location)

    async with connection_lock(one, tmp_path, "c"):
        for database in (one, two):
            with pytest.raises(Busy, match="Another pull of this connection is under way"):
                async with connection_lock(database, tmp_path, "c"):
                    pytest.fail("two holders")
        async with connection_lock(two, tmp_path, "d"):
            pass
    async with connection_lock(two, tmp_path, "c"):
        pass

    await one.close()
    await two.close()


async def test_an_exception_releases_the_lock(database: Database, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        async with connection_lock(database, tmp_path, "c"):
            raise KeyError

    async with connection_lock(database, tmp_path, "c"):
        pass


async def test_the_death_of_the_holder_frees_the_lock(store_location: str, tmp_path: Path) -> None:
    database = await Database.open(store_location)
    with subprocess.Popen(  # noqa: ASYNC220 - it outlives the call on purpose
        [sys.executable, "-c", HOLD, store_location, tmp_path], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Busy):
            async with connection_lock(database, tmp_path, "c"):
                pytest.fail("two holders")

        holder.kill()
        holder.wait()

    for _ in range(1000):  # PostgreSQL notices a moment later
        try:
            async with connection_lock(database, tmp_path, "c"):
                break
        except Busy:
            continue
    else:
        pytest.fail("the lock outlived its holder")
    await database.close()


async def test_work_goes_on_while_the_lock_is_held(database: Database, tmp_path: Path) -> None:
    async with connection_lock(database, tmp_path, "c"), database.begin() as conn:
        await conn.exec_driver_sql("SELECT 1")


async def test_a_home_that_cannot_be_made_is_reported(sqlite_database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match=r"lock .*c\.lock cannot be opened"):
        async with connection_lock(sqlite_database, tmp_path / "file", "c"):
            pytest.fail("no lock")
