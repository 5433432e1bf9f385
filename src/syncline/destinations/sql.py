"""Loads a connection into an SQLite file or a PostgreSQL database: a typed table for each data source, and its pages.

    pages  blocks  comments  users  databases  data_sources        every workspace has these
    <data source>                                                   one row a page, one property a column
    <data source>__<relation>                                       from_id, position, to_id
    _syncline_tables  _syncline_columns  _syncline_checkpoint       what belongs to which Notion id; how far we are

Tables and columns are bound to Notion's ids and follow renames, new types and deletions (destinations.sql_schema).
One `write` is one transaction, the checkpoint with it. A row that comes before its data source waits in `pages`.
One database, or one schema of a PostgreSQL database, holds one connection.
"""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, Self, TypeVar

from sqlalchemy import URL, Connection, event, insert, make_url, select, text, update
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from syncline.core.errors import BadInput, StoreUnavailable, SynclineError, Unreachable
from syncline.core.model import Change
from syncline.destinations.sql_alter import relations
from syncline.destinations.sql_load import load
from syncline.destinations.sql_tables import FORMAT, METADATA
from syncline.destinations.sql_tables import checkpoint as checkpoint_table

__all__ = ["SqlDestination"]

T = TypeVar("T")

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_BUSY_SECONDS: Final = 30
_MOST: Final = 5000  # changes taken at once: SQLite allows 32,766 parameters in a statement


class SqlDestination:
    """The latest state of a connection in SQL tables.

    `url` is ``sqlite:///PATH``, a plain path, or ``postgresql://HOST/NAME``, there with ``?schema=NAME`` for
    another schema than the one the server chooses. Raises BadInput for any other.
    """

    def __init__(self, url: str | os.PathLike[str], connection_id: str) -> None:
        self.connection_id = connection_id
        self.url, self.schema = _parsed(os.fspath(url))
        self._engine: AsyncEngine | None = None

    async def __aenter__(self) -> Self:
        """Open the database and create our tables.

        Raises BadInput for a database that is another connection's, of a newer release, or has tables of
        our names that are not ours; Unreachable if it cannot be reached; StoreUnavailable if it cannot be written.
        """
        if self.url.get_backend_name() == "sqlite":
            _create_file(self.url)
        self._engine = _engine(self.url)
        try:
            await self._transaction(partial(_prepare, connection_id=self.connection_id, schema=self.schema))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close all connections."""
        if self._engine is not None:
            await self._engine.dispose()

    async def checkpoint(self) -> int:
        """The change number up to which everything is held. Raises BadInput if it is another connection's."""
        return await self._transaction(partial(_checkpoint, connection_id=self.connection_id))

    async def write(self, changes: Sequence[Change], checkpoint: int) -> None:
        """Apply `changes` and move the checkpoint, in one transaction. Raises as `__aenter__` does."""
        await self._transaction(partial(self._write, changes=changes, checkpoint=checkpoint))

    def _write(self, conn: Connection, *, changes: Sequence[Change], checkpoint: int) -> None:
        held = _checkpoint(conn, connection_id=self.connection_id)
        for start in range(0, len(changes), _MOST):
            load(conn, changes[start : start + _MOST])
        conn.execute(update(checkpoint_table).values(checkpoint=max(held, checkpoint)))

    async def _transaction(self, function: Callable[[Connection], T]) -> T:
        async with _translated(self.url), self._opened().begin() as conn:
            if self.schema is not None:
                await conn.execute(
                    text("SELECT set_config('search_path', quote_ident(:schema), true)"),
                    {"schema": self.schema},
                )
            return await conn.run_sync(function)

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            raise RuntimeError("the destination is not open: use it in `async with`")
        return self._engine


def _prepare(conn: Connection, *, connection_id: str, schema: str | None) -> None:
    if schema is not None and not conn.scalar(
        text("SELECT to_regnamespace(quote_ident(:name)) IS NOT NULL"), {"name": schema}
    ):
        conn.exec_driver_sql(f"CREATE SCHEMA {conn.dialect.identifier_preparer.quote_identifier(schema)}")
    present = relations(conn)
    if checkpoint_table.name not in present:
        _create(conn, present, connection_id)
    _checkpoint(conn, connection_id=connection_id)


def _create(conn: Connection, present: set[str], connection_id: str) -> None:
    in_the_way = sorted(present & METADATA.tables.keys())
    if in_the_way:
        raise BadInput(
            f"The database already has a table {in_the_way[0]} that is not Syncline's: "
            "choose another file, or another schema by adding ?schema=NAME to the URL."
        )
    METADATA.create_all(conn, checkfirst=False)
    conn.execute(insert(checkpoint_table).values(connection_id=connection_id, checkpoint=0, format=FORMAT))


def _checkpoint(conn: Connection, *, connection_id: str) -> int:
    row = conn.execute(select(checkpoint_table).with_for_update()).one()
    if row.format > FORMAT:
        raise BadInput(
            "The database was written by a newer Syncline: upgrade Syncline, or choose another database."
        )
    if row.connection_id != connection_id:
        raise BadInput(
            f"The database holds the connection {row.connection_id}: choose another file, "
            "or another schema by adding ?schema=NAME to the URL."
        )
    return int(row.checkpoint)


def _parsed(location: str) -> tuple[URL, str | None]:
    if location in {"", ":memory:"}:
        raise BadInput("The destination names no file: write sqlite:///PATH or the path of a file.")
    if "://" not in location:
        return URL.create("sqlite+aiosqlite", database=location), None
    try:
        url = make_url(location)
    except (ArgumentError, ValueError) as error:
        raise BadInput("The URL cannot be read: write sqlite:///PATH or postgresql://HOST/NAME.") from error
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise BadInput(f"A SQL destination is SQLite or PostgreSQL, not {url.drivername}.")
    if driver.startswith("sqlite") and url.database in {None, "", ":memory:"}:
        raise BadInput("The URL names no file: write sqlite:///PATH.")
    schema = url.query.get("schema")
    if schema is not None and (driver.startswith("sqlite") or not isinstance(schema, str) or not schema):
        raise BadInput(
            "A schema is one name, and only PostgreSQL has schemas: for SQLite choose another file."
        )
    return url.difference_update_query(["schema"]).set(drivername=driver), schema


def _create_file(url: URL) -> None:
    """Create the file where it is missing: a failure is clearer here than in the driver's thread."""
    try:
        os.close(os.open(url.database or "", os.O_CREAT | os.O_RDWR, 0o666))
    except OSError as error:
        raise BadInput(f"The database {url.database} cannot be opened: {error.strerror}.") from error


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "postgresql":
        return create_async_engine(
            url, pool_size=1, max_overflow=0, connect_args={"connect_timeout": _BUSY_SECONDS}
        )
    engine = create_async_engine(url, pool_size=1, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # else the driver commits before each ALTER TABLE
        cursor = connection.cursor()
        try:
            for pragma in (f"busy_timeout={_BUSY_SECONDS * 1000}", "journal_mode=WAL", "synchronous=NORMAL"):
                cursor.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()  # the pool does not know it yet
            raise
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@asynccontextmanager
async def _translated(url: URL) -> AsyncIterator[None]:
    try:
        yield
    except DBAPIError as error:
        translated = _translation(error, url)
        if translated is None:
            raise
        raise translated from error


def _translation(error: DBAPIError, url: URL) -> SynclineError | None:
    """What lies outside the program: https://peps.python.org/pep-0249/#operationalerror . None for a fault of ours."""
    sqlstate = getattr(error.orig, "sqlstate", "")
    reason = " ".join(str(error.orig).split()).rstrip(".")
    ours = sqlstate != _NO_PRIVILEGE and _BAD_OPTION not in reason
    if isinstance(error, ProgrammingError | DataError | IntegrityError) and ours:
        return None
    named = url.set(drivername=url.get_backend_name()).difference_update_query(_SECRET)
    where = named.render_as_string(hide_password=True)
    for marker, kind, sentence in _SENTENCES:
        if marker in reason:
            return kind(f"The database {where} {sentence} ({reason}).")
    if sqlstate is None or error.connection_invalidated:
        return Unreachable(f"The database {where} cannot be reached ({reason}).")
    return None


_NO_PRIVILEGE: Final = "42501"
_BAD_OPTION: Final = "invalid connection option"
_SECRET: Final = ("password", "sslpassword")
"""What libpq also takes from the query: https://www.postgresql.org/docs/current/libpq-connect.html ."""

_SENTENCES: tuple[tuple[str, type[SynclineError], str], ...] = (
    (
        "database is locked",
        StoreUnavailable,
        f"was locked by another program for more than {_BUSY_SECONDS} s",
    ),
    ("disk is full", StoreUnavailable, "cannot grow; what was loaded before is safe"),
    ("disk I/O error", StoreUnavailable, "cannot be read or written"),
    ("No space left", StoreUnavailable, "cannot grow; what was loaded before is safe"),
    ("readonly database", BadInput, "is read-only"),
    ("unable to open", BadInput, "cannot be opened"),
    ("not a database", BadInput, "is not an SQLite database"),
    ("malformed", BadInput, "is damaged"),
    (_BAD_OPTION, BadInput, "has no such option"),
    ("authentication failed", BadInput, "refuses the name or password"),
    ("does not exist", BadInput, "cannot be used"),
    ("permission denied", BadInput, "does not let us work"),
)
