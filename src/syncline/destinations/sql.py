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
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Self, TypeVar

from sqlalchemy import URL, Connection, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from syncline.core.errors import BadInput
from syncline.core.model import Change
from syncline.destinations.sql_alter import relations
from syncline.destinations.sql_load import load
from syncline.destinations.sql_tables import FORMAT, METADATA
from syncline.destinations.sql_tables import checkpoint as checkpoint_table
from syncline.foreign import open_engine, parse_url, translated

__all__ = ["SqlDestination"]

T = TypeVar("T")

_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=NORMAL")
_MOST: Final = 5000  # changes taken at once: SQLite allows 32,766 parameters in a statement


class SqlDestination:
    """The latest state of a connection in SQL tables.

    `url` is ``sqlite:///PATH``, a plain path, or ``postgresql://HOST/NAME``, there with ``?schema=NAME`` for
    another schema than the one the server chooses. Raises BadInput for any other.
    """

    def __init__(self, url: str | os.PathLike[str], connection_id: str) -> None:
        self.connection_id = connection_id
        self.url, self.schema = parse_url(os.fspath(url))
        self._engine: AsyncEngine | None = None

    async def __aenter__(self) -> Self:
        """Open the database and create our tables.

        Raises BadInput for a database that is another connection's, of a newer release, or has tables of
        our names that are not ours; Unreachable if it cannot be reached; StoreUnavailable if it cannot be written.
        """
        if self.url.get_backend_name() == "sqlite":
            _create_file(self.url)
        self._engine = open_engine(self.url, pragmas=_PRAGMAS)
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
        async with translated(self.url), self._opened().begin() as conn:
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


def _create_file(url: URL) -> None:
    """Create the file where it is missing: a failure is clearer here than in the driver's thread."""
    try:
        os.close(os.open(url.database or "", os.O_CREAT | os.O_RDWR, 0o666))
    except OSError as error:
        raise BadInput(f"The database {url.database} cannot be opened: {error.strerror}.") from error
