"""Sessions: one for each sign-in, with the chain of its refresh tokens, of which only hashes are kept."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.tables_accounts import refresh_tokens, sessions

__all__ = [
    "Reuse",
    "Session",
    "alive",
    "chain",
    "forget_ended",
    "open_session",
    "redeem",
    "revoke",
    "revoke_all",
]


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in."""

    id: str
    user_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reuse:
    """A refresh token came a second time: somebody has stolen one of the two."""

    session_id: str


async def open_session(
    conn: AsyncConnection, session: Session, *, refresh: str, agent: str | None, now: datetime
) -> None:
    """Begin a session with the hash of its first refresh token."""
    row = {"id": session.id, "user_id": session.user_id, "expires_at": session.expires_at}
    await conn.execute(insert(sessions), row | {"created_at": now, "revoked_at": None, "agent": agent})
    await chain(conn, session.id, refresh)


async def chain(conn: AsyncConnection, session_id: str, refresh: str) -> None:
    """Add the next refresh token of a session, by its hash."""
    await conn.execute(insert(refresh_tokens), {"hash": refresh, "session_id": session_id, "used_at": None})


async def redeem(conn: AsyncConnection, refresh: str, *, now: datetime) -> Session | Reuse | None:
    """Use up a refresh token by its hash: its session, Reuse if it was used before, None if it is good for nothing.

    Of two who redeem one token at once, one meets Reuse: the row decides.
    """
    this = refresh_tokens.c.hash == refresh
    used = update(refresh_tokens).where(this, refresh_tokens.c.used_at.is_(None)).values(used_at=now)
    session_id = await conn.scalar(used.returning(refresh_tokens.c.session_id))
    if session_id is None:
        known: str | None = await conn.scalar(select(refresh_tokens.c.session_id).where(this))
        return Reuse(known) if known else None
    return await alive(conn, session_id, now=now)


async def alive(conn: AsyncConnection, session_id: str, *, now: datetime) -> Session | None:
    """The session with this id, unless it was revoked or has expired."""
    row = (await conn.execute(_ALIVE, {"this": session_id, "now": now})).one_or_none()
    return Session(*row) if row else None


# Each request asks: building the statement costs more than executing it.
_ALIVE = select(sessions.c.id, sessions.c.user_id, sessions.c.expires_at).where(
    sessions.c.id == bindparam("this"),
    sessions.c.revoked_at.is_(None),
    sessions.c.expires_at > bindparam("now"),
)


async def revoke(conn: AsyncConnection, session_id: str, *, now: datetime) -> None:
    """End a session. What was issued for it is worth nothing from now on."""
    await _revoke(conn, session_id, "id", now=now)


async def revoke_all(conn: AsyncConnection, user_id: str, *, but: str | None, now: datetime) -> None:
    """End every session of a user, `but` one."""
    await _revoke(conn, user_id, "user_id", but=but, now=now)


async def _revoke(
    conn: AsyncConnection, value: str, column: str, *, but: str | None = None, now: datetime
) -> None:
    those = and_(sessions.c[column] == value, sessions.c.revoked_at.is_(None))
    if but is not None:
        those &= sessions.c.id != but
    await conn.execute(update(sessions).where(those).values(revoked_at=now))


async def forget_ended(conn: AsyncConnection, *, before: datetime) -> int:
    """Delete sessions that ended `before`, with their tokens. Returns how many went."""
    ended = select(sessions.c.id).where(or_(sessions.c.expires_at < before, sessions.c.revoked_at < before))
    await conn.execute(delete(refresh_tokens).where(refresh_tokens.c.session_id.in_(ended)))
    return (await conn.execute(delete(sessions).where(sessions.c.id.in_(ended)))).rowcount
