"""Connections: the authorised links to Notion workspaces, and the change sequence of each."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import BadInput, NotFound
from syncline.store.secrets import KeyRing
from syncline.store.tables import connections, metadata

__all__ = ["Connection", "add", "advance", "every", "find", "hold", "remove", "rotate_tokens", "token"]


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection. Its token stays in the store: `token` reads it.

    `rate` is what the command line takes: requests/seconds such as ``180/60``, or ``none``.
    """

    id: str
    name: str
    base_url: str
    notion_version: str
    rate: str
    bot_id: str
    bot_name: str
    workspace_id: str | None
    workspace_name: str | None
    capabilities: tuple[str, ...]
    created_at: datetime


_COLUMNS = [connections.c[field.name] for field in fields(Connection)]


async def add(conn: AsyncConnection, connection: Connection, *, token: str, ring: KeyRing) -> None:
    """Store a connection with its token. Raises BadInput if its name is taken."""
    row = {column.name: getattr(connection, column.name) for column in _COLUMNS}
    try:
        await conn.execute(insert(connections), row | {"token": ring.encrypt(token), "seq": 0})
    except IntegrityError as error:
        raise BadInput(
            f"There is a connection called {connection.name} already: choose another name."
        ) from error


async def find(conn: AsyncConnection, name_or_id: str) -> Connection:
    """The connection with this name, else with this id. Raises NotFound if there is none."""
    known = await every(conn)
    for connection in sorted(known, key=lambda each: each.name != name_or_id):
        if name_or_id in {connection.name, connection.id}:
            return connection
    names = ", ".join(connection.name for connection in known)
    hint = f"there are: {names}" if names else "`syncline connect` makes the first one"
    raise NotFound(f"There is no connection called {name_or_id}; {hint}.")


async def every(conn: AsyncConnection) -> list[Connection]:
    """All connections, oldest first."""
    query = select(*_COLUMNS).order_by(connections.c.created_at, connections.c.id)
    return [_connection(row) for row in await conn.execute(query)]


async def token(conn: AsyncConnection, connection_id: str, *, ring: KeyRing) -> str:
    """The token. Raises NotFound without such a connection, Stop if the key ring cannot open it."""
    sealed = await conn.scalar(select(connections.c.token).where(connections.c.id == connection_id))
    if sealed is None:
        raise _missing(connection_id)
    return ring.decrypt(sealed)


async def rotate_tokens(conn: AsyncConnection, ring: KeyRing) -> int:
    """Encrypt every token anew with the first key of `ring`. Returns how many there are."""
    rows = (await conn.execute(select(connections.c.id, connections.c.token))).all()
    for connection_id, sealed in rows:
        this = connections.c.id == connection_id
        await conn.execute(update(connections).where(this).values(token=ring.rotate(sealed)))
    return len(rows)


async def remove(conn: AsyncConnection, connection_id: str) -> None:
    """Delete a connection and every row that belongs to it. Raises NotFound if there is none.

    Budgets stay: they are about Notion's memory of a token, which outlives ours.
    """
    query = select(connections.c.id).where(connections.c.id == connection_id).with_for_update()
    if await conn.scalar(query) is None:
        raise _missing(connection_id)
    for table in reversed(metadata.sorted_tables):
        if "connection_id" in table.columns:
            await conn.execute(delete(table).where(table.c.connection_id == connection_id))
    await conn.execute(delete(connections).where(connections.c.id == connection_id))


async def hold(conn: AsyncConnection, connection_id: str) -> None:
    """Keep other writers out of the connection's changes until this transaction ends.

    Without it two writers could both find a record missing, or commit their numbers in another order than
    they drew them. SQLite has one writer anyway, so there it costs nothing.
    """
    if conn.dialect.name == "sqlite":
        return
    await conn.execute(select(connections.c.seq).where(connections.c.id == connection_id).with_for_update())


async def advance(conn: AsyncConnection, connection_id: str, n: int) -> int:
    """Draw the next `n` numbers of the change sequence and return the first.

    The row stays locked until the transaction ends, so numbers are committed in ascending order: a reader who has seen one
    has seen all below it.
    """
    statement = (
        update(connections)
        .where(connections.c.id == connection_id)
        .values(seq=connections.c.seq + n)
        .returning(connections.c.seq)
    )
    last: int | None = await conn.scalar(statement)
    if last is None:
        raise _missing(connection_id)
    return last - n + 1


def _missing(connection_id: str) -> NotFound:
    return NotFound(f"There is no connection {connection_id}: it has been removed.")


def _connection(row: Row[tuple[object, ...]]) -> Connection:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    return Connection(**values | {"capabilities": tuple(values["capabilities"])})
