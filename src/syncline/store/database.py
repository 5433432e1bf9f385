"""The store's database: one SQLite file, or the schema ``syncline`` of a PostgreSQL database.

A caller opens a transaction here and hands the connection to the functions of the other files, none of
which commits. SQLite runs in WAL mode with one connection that writes and a few that read; a writer waits its turn
inside the process for that connection and, between processes, for SQLite's write lock. PostgreSQL's writers meet at the
row of their connection (store.connections). A reader sees one snapshot on both.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from copy import copy
from pathlib import Path
from typing import Final, Self, TypeAlias

from anyio import CancelScope
from sqlalchemy import URL, Connection, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from syncline.core.errors import BadInput, StoreUnavailable, SynclineError
from syncline.store.sqlite import open_glancer, open_reader, open_writer
from syncline.store.types import dump

__all__ = ["REVISIONS", "SCHEMA", "VERSION_TABLE", "Database", "Guard"]

REVISIONS: Final = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
)
"""The schema versions this release knows, oldest first; a test compares them with the migrations."""

SCHEMA: Final = "syncline"
"""Our schema in a PostgreSQL database, so that it may hold other tables, those of a destination among them."""

VERSION_TABLE: Final = "schema_version"

Guard: TypeAlias = Callable[[AsyncConnection], Awaitable[None]]
"""What a transaction begins with; it raises where the transaction must not be."""

_MIGRATION_LOCK = 0x73796E636C696E65  # "syncline": the advisory lock of those who migrate
_AGAIN = 0.05
_READERS = 4
_WRITERS = 12  # on PostgreSQL; on SQLite there is one


class Database:
    """The open store. `begin`, `read` and `glance` are the only ways to its tables."""

    def __init__(self, url: URL, *, patience: float) -> None:
        self.url = url
        self.patience = patience
        self.dialect = url.get_backend_name()
        self._writer = _ENGINES[self.dialect](url, patience, False)
        self._reader = _ENGINES[self.dialect](url, patience, True)
        self._glancer = _GLANCERS[self.dialect](self._reader, patience)
        self._guard: Guard | None = None

    @classmethod
    async def open(cls, location: str | Path, *, patience: float = 30.0) -> Self:
        """Open the store at a path or URL, creating it and bringing its schema up to date.

        `patience` is the number of seconds that a writer waits for another one. Raises BadInput for a URL
        that is none of ours and for a store that a newer release has written, StoreUnavailable if it cannot
        be reached or written.
        """
        database = cls(_url(location), patience=patience)
        try:
            await database._migrate()
        except BaseException:
            await database.close()
            raise
        return database

    def guarded(self, guard: Guard | None) -> Self:
        """The same open database, whose every writing transaction begins with `guard`, or with none."""
        return self._with(guard)

    def unguarded(self) -> Self:
        """The same open database without a guard."""
        return self if self._guard is None else self._with(None)

    def _with(self, guard: Guard | None) -> Self:
        other = copy(self)
        other._guard = guard  # noqa: SLF001  it is ourselves
        return other

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        await self._reader.dispose()
        await self._glancer.dispose()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes: committed at the end, rolled back by an exception.

        Do not open a second one inside it. Raises StoreUnavailable where the database fails.
        """
        with _whole(), self.translated():
            async with self._writer.begin() as conn:
                if self._guard is not None:
                    await self._guard(conn)
                yield conn

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one snapshot and cannot write. Raises StoreUnavailable where the database fails."""
        with _whole(), self.translated():
            async with self._reader.begin() as conn:
                yield conn

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncConnection]:
        """For one statement that reads: no transaction begins and ends, which costs as much again.

        Two statements may see different things. Raises StoreUnavailable where the database fails.
        """
        with _whole(), self.translated():
            async with self._glancer.connect() as conn:
                yield conn

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncConnection]:
        """A PostgreSQL session of one's own outside any transaction, for locks that live as long as it does."""
        with self.translated():
            async with self._writer.connect() as conn:
                yield await conn.execution_options(isolation_level="AUTOCOMMIT")

    async def check(self) -> None:
        """Raises StoreUnavailable if the store does not answer, or another release has changed its schema meanwhile."""
        async with self.read() as conn:
            version = await _version(conn)
        if version != REVISIONS[-1]:
            raise StoreUnavailable(
                f"The schema of the store at {self} is {version}, and not {REVISIONS[-1]}."
            )

    async def _migrate(self) -> None:
        if self.dialect == "sqlite":
            path = self._create_file()
            with self.translated():
                await asyncio.to_thread(_write_ahead, path, self.patience)
        async with self.read() as conn:
            version = await _version(conn)
        if version == REVISIONS[-1]:
            return
        if version is not None and version not in REVISIONS:
            raise BadInput(
                f"The store at {self} was written by a newer Syncline (its schema is {version}, this release knows up to "
                f"{REVISIONS[-1]}): upgrade Syncline, or choose another store."
            )
        async with self.begin() as conn:
            if self.dialect == "postgresql":
                await _create_schema(conn)
            # The first statement takes SQLite's lock, which keeps others from migrating: Alembic is one for the whole process.
            if await _version(conn) != REVISIONS[-1]:
                await conn.run_sync(_upgrade)

    def _create_file(self) -> Path:
        """Create the file before SQLite does: it holds a workspace and is its owner's alone."""
        path = Path(self.url.database or "")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreUnavailable(f"The store at {self} cannot be opened: {error.strerror}.") from error
        return path

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise StoreUnavailable or BadInput for what the database fails with."""
        try:
            yield
        except PoolTimeoutError as error:
            raise StoreUnavailable(
                f"The store at {self} had no free connection for {self.patience:g} s."
            ) from error
        except (DBAPIError, sqlite3.Error) as error:
            translated = _TRANSLATIONS[self.dialect](error, str(self), self.patience)
            if translated is None:
                raise
            raise translated from error

    def __str__(self) -> str:
        """Where it is, without a password."""
        if self.dialect == "sqlite":
            return str(self.url.database)
        url = self.url.set(drivername="postgresql").difference_update_query(["password", "sslpassword"])
        return url.render_as_string(hide_password=True)


def _whole() -> CancelScope:
    """What a transaction runs in, so that a client who hangs up does not break it off.

    Starlette then cancels what reads for that client, and goes on cancelling while the driver puts its connection in order, which is lost by that.
    """
    return CancelScope(shield=True)


def _url(location: str | Path) -> URL:
    if isinstance(location, Path) or "://" not in location:
        return URL.create("sqlite+aiosqlite", database=os.fspath(location))
    try:
        url = make_url(location)
    except (ArgumentError, ValueError) as error:
        raise BadInput(
            "The URL of the store cannot be read: write sqlite:///PATH or postgresql://HOST/NAME."
        ) from error
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise BadInput(
            f"The store is SQLite or PostgreSQL: no store of the kind {url.drivername} can be opened."
        )
    if driver == _DRIVERS["sqlite"] and url.database in {None, "", ":memory:"}:
        raise BadInput("The URL of the store names no file: write sqlite:///PATH.")
    return url.set(drivername=driver)


_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def _write_ahead(path: Path, patience: float) -> None:
    """Have a file use a write-ahead log from now on. Blocks until nobody else is just doing the same.

    To change the journal SQLite needs the file for itself, and does not wait for that as it waits for a lock.
    """
    until = time.monotonic() + patience
    while True:
        try:
            with closing(sqlite3.connect(path)) as conn:
                conn.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_AGAIN)
        else:
            return


def _sqlite_engine(url: URL, patience: float, read_only: bool) -> AsyncEngine:  # noqa: FBT001 - a row of the table below
    if read_only:
        return open_reader(url, connections=_READERS, patience=patience)
    return open_writer(url, patience=patience)


def _postgres_engine(url: URL, patience: float, read_only: bool) -> AsyncEngine:  # noqa: FBT001 - as above
    settings = (f"search_path={SCHEMA}", *(_READS if read_only else ()))
    options = " ".join(f"-c {setting}" for setting in settings)
    return create_async_engine(
        url.difference_update_query(["options"]),
        json_serializer=dump,
        hide_parameters=True,
        pool_size=_READERS if read_only else _WRITERS,
        max_overflow=0,
        pool_timeout=patience,
        connect_args={
            "options": f"{options} {url.query.get('options', '')}",
            "connect_timeout": max(2, int(patience)),
        },
    )


_READS = (r"default_transaction_isolation=repeatable\ read", "default_transaction_read_only=on")

_ENGINES = {"sqlite": _sqlite_engine, "postgresql": _postgres_engine}


def _sqlite_glancer(reader: AsyncEngine, patience: float) -> AsyncEngine:
    return open_glancer(reader.url, connections=_READERS, patience=patience)


def _postgres_glancer(reader: AsyncEngine, _patience: float) -> AsyncEngine:
    return reader.execution_options(isolation_level="AUTOCOMMIT")  # it shares the reader's connections


_GLANCERS = {"sqlite": _sqlite_glancer, "postgresql": _postgres_glancer}


def _sqlite_error(error: Exception, where: str, patience: float) -> SynclineError | None:
    text = str(getattr(error, "orig", error))
    for marker, kind, sentence in _SQLITE_SENTENCES:
        if marker in text:
            return kind(f"The store at {where} {sentence.format(patience=patience)}")
    return None


_SQLITE_SENTENCES: tuple[tuple[str, type[SynclineError], str], ...] = (
    ("locked", StoreUnavailable, "was locked by another process for more than {patience:g} s."),
    ("disk is full", StoreUnavailable, "cannot grow: the disk is full. What was stored before is safe."),
    ("disk I/O error", StoreUnavailable, "cannot be read or written: the disk reports an error, or is full."),
    ("readonly database", StoreUnavailable, "cannot be written: the file is read-only."),
    ("unable to open", StoreUnavailable, "cannot be opened."),
    ("not a database", BadInput, "is not an SQLite database: choose another file."),
    ("malformed", BadInput, "is damaged: restore it from a backup, or remove it and pull again."),
)


def _postgres_error(error: Exception, where: str, _patience: float) -> SynclineError | None:
    """What psycopg calls operational lies outside the program: https://peps.python.org/pep-0249/#operationalerror ."""
    from psycopg import InterfaceError, OperationalError  # noqa: PLC0415 - only those who use PostgreSQL pay for it

    cause = getattr(error, "orig", error)
    reason = " ".join(str(cause).split()).rstrip(".")
    if "invalid connection option" in reason:
        return BadInput(f"The URL of the store cannot be used: {reason}.")
    if not isinstance(cause, OperationalError | InterfaceError):
        return None
    return StoreUnavailable(f"The store at {where} cannot be used: {reason}.")


_TRANSLATIONS = {"sqlite": _sqlite_error, "postgresql": _postgres_error}


async def _version(conn: AsyncConnection) -> str | None:
    if not await conn.run_sync(lambda sync: inspect(sync).has_table(VERSION_TABLE)):
        return None
    version: str | None = await conn.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
    return version


async def _create_schema(conn: AsyncConnection) -> None:
    """Create our schema once, and keep others from migrating until this transaction ends."""
    await conn.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    if await conn.scalar(text(f"SELECT to_regnamespace('{SCHEMA}')")) is None:
        await conn.execute(text(f"CREATE SCHEMA {SCHEMA}"))


def _upgrade(conn: Connection) -> None:
    """Run the migrations that are missing; Alembic is imported here because opening a current store needs none of it."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    scripts = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
