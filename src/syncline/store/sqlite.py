"""SQLite's driver for the store: a statement costs one change of threads.

aiosqlite runs each call of the driver in the thread of its connection, and SQLAlchemy makes four of a statement: cursor, execute, fetch,
close. Each waits for the interpreter twice, and while a pull computes that is what a read of the API waits for. Here the four are one.
Streams (server-side cursors) are SQLAlchemy's own.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_cursor
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["execute_at_once"]


def execute_at_once(engine: AsyncEngine) -> None:
    """Have the connections that the engine opens from now on run a statement in one go."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(dialect: Any, _record: object, arguments: Any, options: Any) -> _Connection:
        connection = dialect.connect(*arguments, **options)
        return _Connection(connection.dbapi, connection.driver_connection)


class _DriverCursor:
    """What SQLAlchemy asks of a driver's cursor. The rows are here as soon as the statement has run."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        await self._run(lambda cursor: cursor.execute(statement, parameters))

    async def executemany(self, statement: str, parameters: Any) -> None:
        await self._run(lambda cursor: cursor.executemany(statement, parameters))

    async def fetchall(self) -> Sequence[Any]:
        return self._rows

    async def close(self) -> None:
        """It was closed in the thread already."""

    async def _run(self, act: Callable[[sqlite3.Cursor], object]) -> None:
        # As SQLAlchemy's own adapter does: aiosqlite has no public way to run a function in its thread.
        await self._connection._execute(self._act, act)  # type: ignore[no-untyped-call]  # noqa: SLF001

    def _act(self, act: Callable[[sqlite3.Cursor], object]) -> None:
        """Run a statement and read what it answers, in the thread of the connection."""
        cursor = self._connection._conn.cursor()  # noqa: SLF001  as above
        try:
            act(cursor)
            self.description = cursor.description
            self._rows = cursor.fetchall() if cursor.description else ()
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()


class _Cursor(AsyncAdapt_dbapi_cursor):
    __slots__ = ()

    def _make_new_cursor(self, connection: Any) -> Any:
        return _DriverCursor(connection)

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ()
    _cursor_cls = _Cursor  # type: ignore[assignment]  # the hook of the base class, declared by SQLAlchemy with its own class
