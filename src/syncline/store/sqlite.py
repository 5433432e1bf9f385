"""SQLite's driver for the store: a statement costs one change of threads, and so does the end of a transaction; its beginning none.

aiosqlite runs each call of the driver in the thread of its connection, and SQLAlchemy makes four of a statement: cursor, execute, fetch,
close. Each waits for the interpreter twice, and while a pull computes that is what a read of the API waits for. Here the four are one, and
the first of a transaction begins it as well. Streams (server-side cursors) are SQLAlchemy's own.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar

import aiosqlite
from sqlalchemy import URL, event
from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_cursor
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

__all__ = ["open_glancer", "open_reader", "open_writer"]


def open_reader(url: URL, *, connections: int, patience: float) -> AsyncEngine:
    """An engine whose transactions see one snapshot and cannot write. `patience` is how many seconds one waits for a connection."""
    return _engine(url, _Reader, connections, patience)


def open_glancer(url: URL, *, connections: int, patience: float) -> AsyncEngine:
    """An engine that cannot write and has no transactions: each statement sees what is there."""
    return _engine(url, _Glancer, connections, patience)


def open_writer(url: URL, *, patience: float) -> AsyncEngine:
    """An engine of one connection, whose transactions write. `patience` is how many seconds one waits for it, and it for other processes."""
    return _engine(url, _Writer, 1, patience)


def _engine(url: URL, driver: "type[_Driver]", connections: int, patience: float) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=patience,
        hide_parameters=True,
        # The driver's own BEGIN comes too late and is always deferred.
        connect_args={"factory": driver, "timeout": patience, "isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(dialect: Any, _record: object, arguments: Any, options: Any) -> _Connection:
        connection = dialect.connect(*arguments, **options)
        return _Connection(connection.dbapi, connection.driver_connection)

    return engine


# --- in the thread of a connection --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a statement answered: all of it, so that its cursor is needed no more."""

    rows: Sequence[Any] = ()
    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None


class _Whole(sqlite3.Cursor):
    """A cursor that is read at once."""

    def fetchall(self) -> list[Any]:
        """The one answer to what was executed."""
        rows = super().fetchall() if self.description else ()
        answer = _Answer(rows, self.description, self.rowcount, self.lastrowid)
        self.close()
        return [answer]


class _Driver(sqlite3.Connection):
    """A connection whose first statement begins a transaction, whatever it is; none where `begin` is empty."""

    begin: ClassVar[str]
    query_only: ClassVar[int]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        with closing(super().cursor()) as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.execute(f"PRAGMA query_only={self.query_only}")

    def cursor(self, factory: type[sqlite3.Cursor] = sqlite3.Cursor) -> Any:  # type: ignore[override]  # typeshed's has overloads
        """A cursor in a transaction."""
        cursor = super().cursor(factory)
        if self.begin and not self.in_transaction:
            cursor.execute(self.begin)
        return cursor

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run a statement; `fetchall` of what this returns is its one answer."""
        cursor: sqlite3.Cursor = self.cursor(_Whole)
        return cursor.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        """Run a statement for each of `parameters`; the cursor knows how many rows that changed, and is closed."""
        with closing(self.cursor()) as cursor:
            ran: sqlite3.Cursor = cursor.executemany(sql, parameters)
        return ran


class _Reader(_Driver):
    begin = "BEGIN"
    query_only = 1


class _Glancer(_Reader):
    begin = ""


class _Writer(_Driver):
    # A writer that starts by reading could not upgrade its lock once another has written:
    # https://sqlite.org/lang_transaction.html#immediate
    begin = "BEGIN IMMEDIATE"
    query_only = 0


# --- in the event loop --------------------------------------------------------------------------------------------


class _DriverCursor:
    """What SQLAlchemy asks of a driver's cursor. The rows are here as soon as the statement has run."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._answer = _Answer()
        self.arraysize = 1

    @property
    def description(self) -> Any:
        return self._answer.description

    @property
    def rowcount(self) -> int:
        return self._answer.rowcount

    @property
    def lastrowid(self) -> int | None:
        return self._answer.lastrowid

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        answers: Any = await self._connection.execute_fetchall(statement, parameters)
        [self._answer] = answers  # see _Whole

    async def executemany(self, statement: str, parameters: Any) -> None:
        cursor = await self._connection.executemany(statement, parameters)
        self._answer = _Answer(rowcount=cursor.rowcount, lastrowid=cursor.lastrowid)

    async def fetchall(self) -> Sequence[Any]:
        return self._answer.rows

    async def close(self) -> None:
        """It was closed in the thread already."""


class _Cursor(AsyncAdapt_dbapi_cursor):
    __slots__ = ()

    def _make_new_cursor(self, connection: Any) -> Any:
        return _DriverCursor(connection)

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor


class _Connection(AsyncAdapt_aiosqlite_connection):
    """Ends no transaction that has not begun: the pool rolls back whatever is given back to it."""

    __slots__ = ()
    _cursor_cls = _Cursor  # type: ignore[assignment]  # the hook of the base class, declared by SQLAlchemy with its own class

    def commit(self) -> None:
        if self._has_begun():
            super().commit()

    def rollback(self) -> None:
        if self._has_begun():
            super().rollback()

    def _has_begun(self) -> bool:
        try:
            return bool(self._connection.in_transaction)
        except ValueError:  # it was closed
            return False
