"""Invitations: an e-mail address, and what it may become in a connection; without one, a user of the instance."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import NotFound
from syncline.core.permission import Role
from syncline.store.tables_accounts import invitations

__all__ = ["Invitation", "add", "every", "forget", "redeem", "remove"]


@dataclass(frozen=True, slots=True)
class Invitation:
    """One invitation. Without a connection it lets somebody register and no more."""

    id: str
    connection_id: str | None
    role: Role | None
    email: str
    invited_by: str | None
    created_at: datetime
    expires_at: datetime


_COLUMNS = [invitations.c[field.name] for field in fields(Invitation)]


async def add(conn: AsyncConnection, invitation: Invitation, *, token: str) -> None:
    """Store an invitation with the hash of its token; an older one of the same address goes."""
    this = invitations.c.connection_id == invitation.connection_id
    await conn.execute(delete(invitations).where(this, invitations.c.email == invitation.email))
    row = {column.name: getattr(invitation, column.name) for column in _COLUMNS}
    await conn.execute(insert(invitations), row | {"hash": token})


async def every(conn: AsyncConnection, connection_id: str) -> list[Invitation]:
    """The invitations to a connection, oldest first."""
    query = select(*_COLUMNS).where(invitations.c.connection_id == connection_id)
    rows = await conn.execute(query.order_by(invitations.c.created_at, invitations.c.id))
    return [_invitation(row._asdict()) for row in rows]


async def redeem(conn: AsyncConnection, token: str, *, now: datetime) -> Invitation | None:
    """Use up the invitation with this hash; None if it is good for nothing."""
    this = delete(invitations).where(invitations.c.hash == token, invitations.c.expires_at > now)
    row = (await conn.execute(this.returning(*_COLUMNS))).one_or_none()
    return _invitation(row._asdict()) if row else None


async def remove(conn: AsyncConnection, connection_id: str, invitation_id: str) -> None:
    """Take an invitation back. Raises NotFound if there is none."""
    this = delete(invitations).where(
        invitations.c.id == invitation_id, invitations.c.connection_id == connection_id
    )
    if not (await conn.execute(this)).rowcount:
        raise NotFound("There is no such invitation.")


async def forget(conn: AsyncConnection, *, before: datetime) -> int:
    """Delete invitations that ended `before`. Returns how many went."""
    return (await conn.execute(delete(invitations).where(invitations.c.expires_at < before))).rowcount


def _invitation(values: dict[str, object]) -> Invitation:
    role = values["role"]
    return Invitation(**values | {"role": Role(role) if role else None})  # type: ignore[arg-type]  # a row of _COLUMNS
