"""One pull of a connection at a time, across processes: a lock that the death of its holder frees."""

import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import text

from syncline.core.errors import Busy, StoreUnavailable
from syncline.store.database import Database

__all__ = ["connection_lock"]


@asynccontextmanager
async def connection_lock(database: Database, home: Path, connection_id: str) -> AsyncIterator[None]:
    """Hold the connection exclusively. Raises Busy at once if another holder has it.

    On SQLite it is a lock on a file in `home`; on PostgreSQL, where the holders may be on several machines, an advisory
    lock of a session of its own. The operating system, or the server, frees either when the holder dies.
    """
    lock = (
        _file_lock(home, connection_id)
        if database.dialect == "sqlite"
        else _session_lock(database, connection_id)
    )
    async with lock:
        yield


@asynccontextmanager
async def _file_lock(home: Path, connection_id: str) -> AsyncIterator[None]:
    """The file stays: to remove it would let two holders lock two files of one name."""
    descriptor = _open(home, f"{connection_id}.lock")
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _busy() from error
        yield
    finally:
        os.close(descriptor)


def _open(home: Path, name: str) -> int:
    try:
        home.mkdir(parents=True, exist_ok=True)
        return os.open(home / name, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"The lock {home / name} cannot be opened: {error.strerror}.") from error


@asynccontextmanager
async def _session_lock(database: Database, connection_id: str) -> AsyncIterator[None]:
    name = hashlib.blake2b(f"syncline pull {connection_id}".encode(), digest_size=8).digest()
    number = {"number": int.from_bytes(name, "big", signed=True)}
    async with database.session() as conn:
        if not await conn.scalar(text("SELECT pg_try_advisory_lock(:number)"), number):
            raise _busy()
        try:
            yield
        finally:
            await conn.execute(text("SELECT pg_advisory_unlock(:number)"), number)


def _busy() -> Busy:
    return Busy("Another pull of this connection is under way: wait for its end, or stop it first.")
