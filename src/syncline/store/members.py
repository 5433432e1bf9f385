"""Members: who belongs to which connection, and as what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import Duplicate, NotFound
from syncline.core.permission import Role
from syncline.store.connections import COLUMNS, Connection, from_row
from syncline.store.tables import connections
from syncline.store.tables_accounts import members, users

__all__ = [
    "Member",
    "access",
    "add",
    "adopt",
    "every",
    "owners",
    "remove",
    "role",
    "set_role",
    "workspaces",
]


@dataclass(frozen=True, slots=True)
class Member:
    """A user within a connection."""

    user_id: str
    email: str
    name: str
    role: Role
    joined_at: datetime


async def add(conn: AsyncConnection, connection_id: str, user_id: str, *, role: Role, now: datetime) -> None:
    """Let a user in. Raises Duplicate if it is in already."""
    row = {"connection_id": connection_id, "user_id": user_id, "role": role, "joined_at": now}
    try:
        async with conn.begin_nested():
            await conn.execute(insert(members), row)
    except IntegrityError as error:
        raise Duplicate("This user is a member already.") from error


async def adopt(conn: AsyncConnection, user_id: str, *, now: datetime) -> None:
    """Make a user the owner of every connection that has no member yet: those of the command line."""
    held = select(members.c.connection_id)
    orphans = await conn.scalars(select(connections.c.id).where(connections.c.id.not_in(held)))
    for connection_id in orphans.all():
        await add(conn, connection_id, user_id, role=Role.OWNER, now=now)


async def role(conn: AsyncConnection, connection_id: str, user_id: str) -> Role | None:
    """What a user is in a connection; None: it is no member."""
    this = (members.c.connection_id == connection_id, members.c.user_id == user_id)
    found: str | None = await conn.scalar(select(members.c.role).where(*this))
    return Role(found) if found else None


async def access(conn: AsyncConnection, connection_id: str, user_id: str) -> tuple[Connection, Role] | None:
    """A connection and what a user is in it; None where there is none, or the user is no member."""
    this = {"user": user_id, "this": connection_id}
    row = (await conn.execute(_ACCESS, this)).one_or_none()
    return _parted(row) if row else None


async def workspaces(conn: AsyncConnection, user_id: str) -> list[tuple[Connection, Role]]:
    """The connections that a user belongs to, oldest first, and what it is in each."""
    return [_parted(row) for row in await conn.execute(_WORKSPACES, {"user": user_id})]


async def every(conn: AsyncConnection, connection_id: str) -> list[Member]:
    """The members of a connection in the order they joined."""
    query = (
        select(users.c.id, users.c.email, users.c.name, members.c.role, members.c.joined_at)
        .join(users, users.c.id == members.c.user_id)
        .where(members.c.connection_id == connection_id)
        .order_by(members.c.joined_at, users.c.id)
    )
    return [
        Member(user_id=row.id, email=row.email, name=row.name, role=Role(row.role), joined_at=row.joined_at)
        for row in await conn.execute(query)
    ]


async def owners(conn: AsyncConnection, connection_id: str) -> int:
    """How many owners a connection has. Hold the connection before, if the number is to stay."""
    query = select(func.count()).where(members.c.connection_id == connection_id, members.c.role == Role.OWNER)
    return await conn.scalar(query) or 0


async def set_role(conn: AsyncConnection, connection_id: str, user_id: str, role: Role) -> None:
    """Change what a member is. Raises NotFound if it is none."""
    statement = update(members).where(members.c.connection_id == connection_id, members.c.user_id == user_id)
    if not (await conn.execute(statement.values(role=role))).rowcount:
        raise NotFound("There is no such member.")


async def remove(conn: AsyncConnection, connection_id: str, user_id: str) -> None:
    """Take a member out. Raises NotFound if it is none."""
    statement = delete(members).where(members.c.connection_id == connection_id, members.c.user_id == user_id)
    if not (await conn.execute(statement)).rowcount:
        raise NotFound("There is no such member.")


# Each request asks for one of them: building the statement costs more than executing it.
_MINE = (members.c.connection_id == connections.c.id) & (members.c.user_id == bindparam("user"))
_JOINED = select(members.c.role, *COLUMNS).join_from(connections, members, _MINE)
_ACCESS = _JOINED.where(connections.c.id == bindparam("this"))
_WORKSPACES = _JOINED.order_by(connections.c.created_at, connections.c.id)


def _parted(row: Row[Any]) -> tuple[Connection, Role]:
    return from_row(row), Role(row.role)
