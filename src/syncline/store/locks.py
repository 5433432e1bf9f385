"""Named locks that the death of their holder frees: how one process knows whether another one lives.

On SQLite a lock is a lock on a file beside the store; on PostgreSQL, where the holders may be on several machines, an advisory
lock of a session of its own. The operating system, or the server, frees either when the holder dies.
"""

import fcntl
import hashlib
import os
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import Busy, StoreUnavailable
from syncline.store.database import Database

__all__ = ["Lock", "is_held"]


class Lock:
    """A name, held exclusively as long as the context lasts. Entering raises Busy at once if another holder has it."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._descriptor: int | None = None
        self._session = AsyncExitStack()
        self._conn: AsyncConnection | None = None

    async def __aenter__(self) -> Self:
        if self._database.dialect == "sqlite":
            self._take_file()
        else:
            await self._take_session()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._descriptor is not None:
            # It goes while it is still locked, so that whoever finds the file finds it held.
            _path(self._database, self._name).unlink(missing_ok=True)
            os.close(self._descriptor)
        if self._conn is not None:
            with suppress(StoreUnavailable):
                async with self._session:
                    # A `renew` that was cancelled in its query has ended the session, and the lock with it.
                    if not self._conn.invalidated:
                        await self._conn.execute(text("SELECT pg_advisory_unlock(:number)"), self._number)

    async def renew(self) -> None:
        """Hold the lock again where the session that held it is gone, as after a restart of the database.

        Raises StoreUnavailable where the database cannot be reached, Busy where somebody else has the name by now.
        """
        if self._conn is None:
            return
        try:
            with self._database.translated():
                await self._conn.execute(text("SELECT 1"))
        except StoreUnavailable:
            self._conn = None
            with suppress(StoreUnavailable):
                await self._session.aclose()
            await self._take_session()

    @property
    def _number(self) -> dict[str, int]:
        return {"number": _number(self._name)}

    def _take_file(self) -> None:
        path = _path(self._database, self._name)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"The lock {path} cannot be opened: {error.strerror}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise _busy(self._name) from error
        self._descriptor = descriptor

    async def _take_session(self) -> None:
        self._session = AsyncExitStack()
        conn = await self._session.enter_async_context(self._database.session())
        if not await conn.scalar(text("SELECT pg_try_advisory_lock(:number)"), self._number):
            await self._session.aclose()
            raise _busy(self._name)
        self._conn = conn


async def is_held(database: Database, name: str) -> bool:
    """Whether anybody holds a name, without taking it."""
    if database.dialect == "sqlite":
        return _is_file_held(_path(database, name))
    number = _number(name) & 0xFFFFFFFFFFFFFFFF
    query = text(
        "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid = CAST(:high AS oid) AND objid = CAST(:low AS oid))"
    )
    async with database.read() as conn:
        return bool(await conn.scalar(query, {"high": number >> 32, "low": number & 0xFFFFFFFF}))


def _is_file_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who ask at the same time do not see each other.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _path(database: Database, name: str) -> Path:
    store = Path(database.url.database or "")
    return store.with_name(f"{store.name}.{name}.lock")


def _number(name: str) -> int:
    digest = hashlib.blake2b(f"syncline {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _busy(name: str) -> Busy:
    return Busy(f"Another process holds {name}.")
