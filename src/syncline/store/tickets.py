"""Tickets: one-time tokens with an end, of which only hashes are kept. One sets up the instance, others a password, or prove an address."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.tables_accounts import tickets

__all__ = ["Purpose", "forget", "issue", "tear", "use"]


class Purpose(StrEnum):
    """What a ticket is good for."""

    SETUP = "setup"
    RESET = "reset"
    VERIFY = "verify"


async def issue(
    conn: AsyncConnection, ticket: str, *, purpose: Purpose, user_id: str | None, expires_at: datetime
) -> None:
    """Remember a ticket by its hash."""
    row = {"hash": ticket, "purpose": purpose, "user_id": user_id, "expires_at": expires_at}
    await conn.execute(insert(tickets), row)


async def use(
    conn: AsyncConnection, ticket: str, *, purpose: Purpose, now: datetime
) -> tuple[str | None] | None:
    """Use up a ticket by its hash. The user it is for, in a tuple; None if it is good for nothing."""
    this = delete(tickets).where(
        tickets.c.hash == ticket, tickets.c.purpose == purpose, tickets.c.expires_at > now
    )
    row = (await conn.execute(this.returning(tickets.c.user_id))).one_or_none()
    return (row.user_id,) if row else None


async def tear(conn: AsyncConnection, *, purpose: Purpose, user_id: str | None) -> None:
    """Take back every ticket for a purpose and a user."""
    mine = tickets.c.user_id.is_(None) if user_id is None else tickets.c.user_id == user_id
    await conn.execute(delete(tickets).where(tickets.c.purpose == purpose, mine))


async def forget(conn: AsyncConnection, *, before: datetime) -> int:
    """Delete tickets that ended `before`. Returns how many went."""
    return (await conn.execute(delete(tickets).where(tickets.c.expires_at < before))).rowcount
