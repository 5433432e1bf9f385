"""Wakes: when to look into the event log again.

PostgreSQL says which connections have news (NOTIFY, on a session of its own); SQLite, whose other writers are other processes,
is looked at often instead. A wake may come without news, and news never without a wake.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final

from syncline.core.errors import StoreUnavailable
from syncline.store.database import Database
from syncline.store.events import CHANNEL

if TYPE_CHECKING:
    from psycopg import AsyncConnection

__all__ = ["LOOK", "wakes"]

LOOK: Final = 0.2
"""Seconds between two looks into SQLite."""

_QUIET = 5.0
"""Seconds after which a silent PostgreSQL session is asked whether it still lives, and the log is read in any case."""


@asynccontextmanager
async def wakes(database: Database) -> AsyncIterator[AsyncGenerator[frozenset[str] | None, None]]:
    """The wakes from now on, without an end: the connections that may have news, None for all of them.

    Raises StoreUnavailable when the session is lost: what happened until the next one is to be read from the log.
    """
    if database.dialect == "sqlite":
        async with aclosing(_looks()) as looks:
            yield looks
        return
    from psycopg import Error  # noqa: PLC0415 - only those who use PostgreSQL pay for it

    try:
        async with _session(database) as conn, aclosing(_told(conn)) as told:
            yield told
    except (Error, OSError) as error:
        raise StoreUnavailable(f"The store at {database} does not tell of events any more.") from error


async def _looks() -> AsyncGenerator[None, None]:
    while True:
        await asyncio.sleep(LOOK)
        yield None


@asynccontextmanager
async def _session(database: Database) -> AsyncIterator["AsyncConnection"]:
    from psycopg import AsyncConnection  # noqa: PLC0415 - as above

    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    conn = await AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=max(2, int(database.patience)),
        application_name="syncline wakes",
    )
    try:
        await conn.execute(f"LISTEN {CHANNEL}".encode())
        yield conn
    finally:
        await conn.close()


async def _told(conn: "AsyncConnection") -> AsyncGenerator[frozenset[str] | None, None]:
    while True:
        found = [notify.payload async for notify in conn.notifies(timeout=_QUIET, stop_after=1)]
        if not found:
            await conn.execute(b"SELECT 1")
        yield frozenset(found) or None
