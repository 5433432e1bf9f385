"""The database of a mapping: an SQLite file or a PostgreSQL database of people's own, read and written row by row.

    catalogue                          what there is
    rows, duplicate_keys               reading: a snapshot, streamed
    writing → Writer                   one transaction: update, insert, remove; nothing of it is noted in the outbox
    install, changed_keys, …           the outbox (sources.sql_outbox)
    create_tables, position, remember  what an import needs

It is not ours: nothing in it is made or changed but what is asked for.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any, Final, Self, TypeAlias

from sqlalchemy import URL, func, select, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from syncline.core.errors import BadInput
from syncline.core.mapped_values import Value
from syncline.core.mapping import MappedTable, Row
from syncline.core.mapping import Mapping as Mapped
from syncline.core.schema import Catalogue, CatalogueTable
from syncline.foreign import named, open_engine, parse_url, translation
from syncline.sources import sql_outbox, sql_rows, sql_tables, sql_write
from syncline.sources.sql_catalogue import catalogue, described
from syncline.sources.sql_outbox import CHANNEL, Changed
from syncline.sources.sql_statements import selection
from syncline.sources.sql_write import Place

__all__ = ["SqlSource", "Wait", "Writer"]

Wait: TypeAlias = Callable[[float], Awaitable[bool]]
"""Waits so many seconds at most for a change; says whether there may be one."""

_READERS: Final = 3
_CHANGES: Final = 5000
_POLL: Final = 0.2
"""Seconds between two looks at an SQLite file for a change by another program."""


class SqlSource:
    """A database by its URL: ``sqlite:///PATH``, a plain path, or ``postgresql://HOST/NAME``, there with ``?schema=NAME``.

    Use it in `async with`. Every method raises BadInput where the database refuses what the mapping asks for, Unreachable
    if it cannot be reached, StoreUnavailable if it is locked or full.
    """

    def __init__(self, url: str) -> None:
        self.url, self.schema = parse_url(url)
        self._reader = _reader(self.url)
        self._writer = open_engine(self.url, begin="BEGIN IMMEDIATE", pragmas=("foreign_keys=ON",))
        self._catalogue: Catalogue | None = None

    async def __aenter__(self) -> Self:
        """Open it. An SQLite file must be there: nothing is read from an empty one that was made by mistake."""
        if self.url.get_backend_name() == "sqlite":
            await asyncio.to_thread(_require_file, str(self.url.database))
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close all connections."""
        await self._reader.dispose()
        await self._writer.dispose()

    def __str__(self) -> str:
        """Where it is, without a password."""
        return named(self.url)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.url.get_backend_name()

    async def catalogue(self) -> Catalogue:
        """What tables there are, read anew."""
        async with self._transaction(self._reader, UTC) as conn:
            self._catalogue = await conn.run_sync(catalogue)
        return self._catalogue

    async def described(self, mapped: MappedTable) -> CatalogueTable | None:
        """The table or query of `mapped` as the catalogue would have it; None for a table that is not there."""
        known = self._catalogue or await self.catalogue()
        if mapped.query is None:
            return known.table(mapped.table or mapped.name)
        async with self._transaction(self._reader, UTC) as conn:
            return await described(conn, mapped)

    async def rows(
        self,
        mapped: MappedTable,
        *,
        zone: tzinfo = UTC,
        keys: Collection[str] | None = None,
        since: datetime | None = None,
    ) -> AsyncGenerator[list[Row], None]:
        """The rows in the order of their keys, `sql_rows.BATCH` at once, as one snapshot.

        With `keys` those alone; with `since` those whose `MappedTable.changed` is that or later, and some before it. Close it with
        `contextlib.aclosing` where it may not be read to its end.
        """
        async with self._transaction(self._reader, zone) as conn:
            async for batch in sql_rows.read(conn, mapped, zone=zone, keys=keys, since=since):
                yield batch

    async def duplicate_keys(self, mapped: MappedTable) -> list[str]:
        """Some of the keys that more than one row has."""
        async with self._transaction(self._reader, UTC) as conn:
            return await sql_rows.duplicates(conn, mapped)

    async def count(self, mapped: MappedTable) -> int:
        """How many rows the mapping selects."""
        rows = selection(mapped).order_by(None).subquery()
        async with self._transaction(self._reader, UTC) as conn:
            return int(await conn.scalar(select(func.count()).select_from(rows)) or 0)

    async def numbers(self, mapped: MappedTable) -> bool:
        """Whether the table numbers its rows, so that a new one can have a key of its own."""
        table = await self.described(mapped)
        if table is None:
            return False
        async with self._transaction(self._reader, UTC) as conn:
            return await sql_write.numbers(conn, Place(mapped, table, UTC, self.dialect))

    @asynccontextmanager
    async def writing(self, *, zone: tzinfo = UTC) -> AsyncIterator["Writer"]:
        """One transaction that writes: committed at the end, rolled back by an exception."""
        known = self._catalogue or await self.catalogue()
        async with self._transaction(self._writer, zone) as conn:
            muted = await conn.run_sync(sql_outbox.installed)
            if muted:
                await sql_outbox.mute(conn)
            yield Writer(conn, known, zone)
            if muted:
                await sql_outbox.unmute(conn)

    # --- what is made in it because it was asked for ------------------------------------------------------------------

    async def create_tables(self, missing: Collection[MappedTable], mapping: Mapped) -> list[str]:
        """Make the tables of `missing` with the columns that the mapping names; returns the names of what was made."""
        known = {table.name: table for table in mapping.tables}
        async with self._transaction(self._writer, UTC) as conn:
            made = await conn.run_sync(sql_tables.create_tables, tuple(missing), known)
        self._catalogue = None
        return made

    async def position(self, mapping: str, name: str, *, connection_id: str) -> int:
        """How far an import of the table is."""
        async with self._transaction(self._reader, UTC) as conn:
            return await conn.run_sync(
                partial(sql_tables.position, mapping=mapping, name=name, connection_id=connection_id)
            )

    async def remember(self, mapping: str, name: str, *, connection_id: str, reached: int) -> None:
        """Note how far an import of the table is."""
        note = partial(sql_tables.remember, mapping=mapping, name=name)
        async with self._transaction(self._writer, UTC) as conn:
            await conn.run_sync(partial(note, connection_id=connection_id, reached=reached))

    # --- the outbox ---------------------------------------------------------------------------------------------------

    async def install(self, mapping: str, tables: Collection[MappedTable]) -> None:
        """Make the outbox and the triggers of `tables`; again is no harm. Raises BadInput for a query or a view."""
        known = await self.catalogue()
        async with self._transaction(self._writer, UTC) as conn:
            await conn.run_sync(sql_outbox.install, mapping, tuple(tables), known)

    async def uninstall(self, mapping: str, tables: Collection[MappedTable]) -> None:
        """Remove all that `install` made for this mapping, and the outbox if no other uses it."""
        async with self._transaction(self._writer, UTC) as conn:
            await conn.run_sync(sql_outbox.uninstall, mapping, tuple(tables))

    async def installed(self, mapping: str, mapped: MappedTable) -> bool:
        """Whether every change of the table is noted for this mapping."""
        async with self._transaction(self._reader, UTC) as conn:
            return await conn.run_sync(sql_outbox.watched, mapping, mapped)

    async def changed_keys(self, mapping: str, mapped: MappedTable, *, limit: int = _CHANGES) -> Changed:
        """What changed in the table and was not acknowledged, oldest first. Only where `installed`."""
        async with self._transaction(self._reader, UTC) as conn:
            return await sql_outbox.changed(conn, mapping, mapped.name, limit=limit)

    async def acknowledge(self, mapping: str, mapped: MappedTable, *, of: Changed) -> None:
        """Forget what was read; what came since stays."""
        async with self._transaction(self._writer, UTC) as conn:
            await sql_outbox.acknowledge(conn, mapping, mapped.name, of=of)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Wait]:
        """A way to wait for the next change: `await wait(seconds)` says whether there may be one.

        It hears from the moment it is entered, so look at the outbox once inside before waiting.
        """
        async with self._translated(), self._reader.connect() as conn:
            raw: Any = (await conn.get_raw_connection()).driver_connection
            if self.dialect == "sqlite":
                yield await _polled(raw)
                return
            await raw.set_autocommit(True)
            await raw.execute(f"LISTEN {CHANNEL}")
            try:
                yield partial(_notified, raw)
            finally:
                await conn.invalidate()  # the next user of the connection did not ask to hear

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine, zone: tzinfo) -> AsyncIterator[AsyncConnection]:
        async with self._translated(), engine.begin() as conn:
            if self.dialect == "postgresql":
                await conn.execute(_SETTINGS, {"zone": str(zone), "schema": self.schema or ""})
            yield conn

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._sentence(error) from error

    def _sentence(self, error: DBAPIError) -> Exception:
        """What the database refuses is the mapping's fault here: its names and conditions are people's own."""
        found = translation(error, self.url)
        if found is not None:
            return found
        said = " ".join(str(error.orig).split()).rstrip(".")
        if isinstance(error, _REFUSALS) or self.dialect == "sqlite":
            return BadInput(f"The database {self} refuses what the mapping asks for: {said}.")
        return error


async def _notified(raw: Any, seconds: float) -> bool:
    """Whether PostgreSQL told of a change: https://www.psycopg.org/psycopg3/docs/advanced/async.html#asynchronous-notifications ."""
    heard = False
    async for _notice in raw.notifies(timeout=seconds, stop_after=1):
        heard = True
    return heard


async def _polled(raw: Any) -> Wait:
    """SQLite counts the commits of others: https://www.sqlite.org/pragma.html#pragma_data_version ."""

    async def version() -> int:
        return int((await (await raw.execute("PRAGMA data_version")).fetchone())[0])

    seen = await version()

    async def wait(seconds: float) -> bool:
        nonlocal seen
        for _look in range(max(1, round(seconds / _POLL))):
            await asyncio.sleep(min(_POLL, seconds))
            before, seen = seen, await version()
            if seen != before:
                return True
        return False

    return wait


_REFUSALS: Final = (ProgrammingError, DataError, IntegrityError, NotSupportedError, InternalError)
"""What the database says to a statement that it understood too well or not at all, or that would write where it must not."""


def _reader(url: URL) -> AsyncEngine:
    """Transactions that see one snapshot and cannot write, whatever a query of people's own would do."""
    engine = open_engine(url, pool=_READERS, begin="BEGIN", pragmas=("query_only=ON",))
    if url.get_backend_name() == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


_SETTINGS: Final = text(
    "SELECT set_config('TimeZone', :zone, true), "
    "CASE WHEN :schema <> '' THEN set_config('search_path', quote_ident(:schema), true) END"
)


def _require_file(path: str) -> None:
    try:
        with open(path, "rb"):  # noqa: PTH123  as short as can be
            pass
    except OSError as error:
        raise BadInput(f"The database {path} cannot be opened: {error.strerror}.") from error


@dataclass(frozen=True, slots=True)
class Writer:
    """The writes of one transaction. Each may raise `sql_write.Moved` or `sql_write.Refusal`; the transaction stays good."""

    conn: AsyncConnection
    catalogue: Catalogue
    zone: tzinfo

    async def update(
        self,
        mapped: MappedTable,
        key: str,
        values: Mapping[str, Value],
        *,
        expected: Mapping[str, Value] | None = None,
    ) -> Row:
        """Change the row; see `sql_write.update_row`."""
        return await sql_write.update_row(self.conn, self._place(mapped), key, values, expected=expected)

    async def insert(self, mapped: MappedTable, key: str | None, values: Mapping[str, Value]) -> Row:
        """Add a row; see `sql_write.insert_row`."""
        return await sql_write.insert_row(self.conn, self._place(mapped), key, values)

    async def remove(
        self, mapped: MappedTable, key: str, *, expected: Mapping[str, Value] | None = None
    ) -> None:
        """Delete a row; see `sql_write.remove_row`."""
        await sql_write.remove_row(self.conn, self._place(mapped), key, expected=expected)

    async def next_key(self, mapped: MappedTable) -> str | None:
        """A key for a new row; None where the table does not number its rows."""
        return await sql_write.next_key(self.conn, self._place(mapped))

    async def one(self, mapped: MappedTable, key: str) -> Row | None:
        """The row with this key, as it is inside the transaction."""
        return await sql_rows.one(self.conn, mapped, key, zone=self.zone)

    def _place(self, mapped: MappedTable) -> Place:
        table = self.catalogue.table(mapped.table or mapped.name)
        if mapped.query is not None or table is None or table.view:
            raise BadInput(
                f"{mapped.name} is not a table, so nothing can be written to it: map the table itself."
            )
        return Place(mapped, table, self.zone, self.conn.dialect.name)
