"""Connections: the authorised links to Notion workspaces, and the change sequence of each."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import BadInput, NotFound, Refused
from syncline.core.standing import TokenStatus
from syncline.store.schema import metadata
from syncline.store.secrets import KeyRing
from syncline.store.tables import chunks, connections, runs
from syncline.store.tables_connecting import authorizations

__all__ = [
    "COLUMNS",
    "Connection",
    "add",
    "advance",
    "every",
    "find",
    "forget_token",
    "from_row",
    "hold",
    "ids",
    "names",
    "one",
    "refresh",
    "remove",
    "replace_token",
    "token",
    "tokens",
]


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


COLUMNS = [connections.c[field.name] for field in fields(Connection)]
"""What a query selects for `from_row`."""


async def add(conn: AsyncConnection, connection: Connection, *, token: str, ring: KeyRing) -> None:
    """Store a connection with its token, as an internal one that was not checked yet (store.authorizations).

    Raises BadInput if its name is taken.
    """
    row = {column.name: getattr(connection, column.name) for column in COLUMNS}
    try:
        async with conn.begin_nested():
            await conn.execute(insert(connections), row | {"token": ring.encrypt(token), "seq": 0})
    except IntegrityError as error:
        raise BadInput(
            f"There is a connection called {connection.name} already: choose another name."
        ) from error
    first = {"connection_id": connection.id, "status": TokenStatus.UNKNOWN, "generation": 1}
    await conn.execute(insert(authorizations), first)


async def find(conn: AsyncConnection, name_or_id: str) -> Connection:
    """The connection with this name, else with this id. Raises NotFound if there is none."""
    known = await every(conn)
    for connection in sorted(known, key=lambda each: each.name != name_or_id):
        if name_or_id in {connection.name, connection.id}:
            return connection
    names = ", ".join(connection.name for connection in known)
    hint = f"there are: {names}" if names else "`syncline connect` makes the first one"
    raise NotFound(f"There is no connection called {name_or_id}; {hint}.")


async def one(conn: AsyncConnection, connection_id: str) -> Connection:
    """The connection with this id. Raises NotFound."""
    row = (await conn.execute(select(*COLUMNS).where(connections.c.id == connection_id))).one_or_none()
    if row is None:
        raise _missing(connection_id)
    return from_row(row)


async def ids(conn: AsyncConnection, *, after: str, limit: int) -> list[str]:
    """The next `limit` connections behind the id `after`, in the order of their ids."""
    query = select(connections.c.id).where(connections.c.id > after).order_by(connections.c.id).limit(limit)
    return list(await conn.scalars(query))


async def every(conn: AsyncConnection) -> list[Connection]:
    """All connections, oldest first."""
    query = select(*COLUMNS).order_by(connections.c.created_at, connections.c.id)
    return [from_row(row) for row in await conn.execute(query)]


async def tokens(conn: AsyncConnection, connection_ids: Collection[str], *, ring: KeyRing) -> dict[str, str]:
    """The tokens of connections, by id; nothing for one whose token was forgotten."""
    found: dict[str, str] = {}
    for part in chunks(sorted(connection_ids)):
        query = select(connections.c.id, connections.c.token).where(connections.c.id.in_(part))
        found |= {row.id: ring.decrypt(row.token) for row in await conn.execute(query) if row.token}
    return found


async def token(conn: AsyncConnection, connection_id: str, *, ring: KeyRing) -> str:
    """The token. Raises NotFound without such a connection, Refused if it was forgotten, Stop if the key ring cannot open it."""
    sealed = await conn.scalar(select(connections.c.token).where(connections.c.id == connection_id))
    if sealed is None:
        raise _missing(connection_id)
    if not sealed:
        raise Refused("The connection was disconnected and has no token: connect again.")
    return ring.decrypt(sealed)


async def names(conn: AsyncConnection, prefix: str) -> set[str]:
    """The names that begin with a text."""
    query = select(connections.c.name).where(connections.c.name.startswith(prefix, autoescape=True))
    return set(await conn.scalars(query))


async def refresh(conn: AsyncConnection, connection: Connection) -> None:
    """Replace what Notion says of a connection: its bot, the name of the workspace, what it may do."""
    told = ("bot_id", "bot_name", "workspace_id", "workspace_name", "capabilities")
    values = {name: getattr(connection, name) for name in told}
    await conn.execute(update(connections).where(connections.c.id == connection.id).values(**values))


async def replace_token(conn: AsyncConnection, connection_id: str, token: str, *, ring: KeyRing) -> None:
    """Put a new token in the place of the old one. Raises NotFound without such a connection."""
    this = connections.c.id == connection_id
    found = await conn.execute(update(connections).where(this).values(token=ring.encrypt(token)))
    if found.rowcount == 0:
        raise _missing(connection_id)


async def forget_token(conn: AsyncConnection, connection_id: str) -> None:
    """Keep the connection and what was read through it, and no token."""
    await conn.execute(update(connections).where(connections.c.id == connection_id).values(token=b""))


async def remove(conn: AsyncConnection, connection_id: str) -> dict[str, int]:
    """Delete a connection and every row that belongs to it; how many rows of which table. Raises NotFound if there is none.

    Budgets stay: they are about Notion's memory of a token, which outlives ours. A worker that executes a run of the connection
    loses it. The runs are locked before the connection, as a worker does.
    """
    await conn.execute(select(runs.c.id).where(runs.c.connection_id == connection_id).with_for_update())
    query = select(connections.c.id).where(connections.c.id == connection_id).with_for_update()
    if await conn.scalar(query) is None:
        raise _missing(connection_id)
    removed: dict[str, int] = {}
    for table in reversed(metadata.sorted_tables):
        if "connection_id" in table.columns:
            gone = await conn.execute(delete(table).where(table.c.connection_id == connection_id))
            removed[table.name] = gone.rowcount
    await conn.execute(delete(connections).where(connections.c.id == connection_id))
    return removed


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


def from_row(row: Row[Any]) -> Connection:
    """The connection in a row that has COLUMNS, among others perhaps."""
    values = {column.name: getattr(row, column.name) for column in COLUMNS}
    return Connection(**values | {"capabilities": tuple(values["capabilities"])})
