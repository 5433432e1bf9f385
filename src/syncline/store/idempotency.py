"""Commands that carry an Idempotency-Key: which are running, and what those that are done have answered.

Answers are encrypted: one may hold an API key that is shown once. They are forgotten after a day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.secrets import KeyRing
from syncline.store.tables import insert_into
from syncline.store.tables_accounts import idempotency

__all__ = ["KEPT", "Answered", "Claim", "Other", "Running", "claim", "finish", "forget", "release"]

KEPT: Final = timedelta(hours=24)
_PATIENCE: Final = timedelta(minutes=2)
"""Who has not answered by then has died."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The command is ours to run."""


@dataclass(frozen=True, slots=True)
class Running:
    """The same command runs already."""


@dataclass(frozen=True, slots=True)
class Other:
    """The key was used for another command."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The command is done, and this was the answer."""

    status: int
    answer: str


async def claim(
    conn: AsyncConnection, key: str, request: str, *, ring: KeyRing, now: datetime
) -> Claim | Running | Other | Answered:
    """Claim a key for a request; of several who do so at once one gets it."""
    row = {"key": key, "request": request, "claimed_at": now, "status": None, "answer": None}
    insert = insert_into(conn, idempotency).on_conflict_do_nothing()
    new = await conn.scalar(insert.returning(idempotency.c.key), row)
    if new is not None or await _take_over(conn, key, request, now=now):
        return Claim()
    held = (await conn.execute(select(idempotency).where(idempotency.c.key == key))).one()
    if held.request != request:
        return Other()
    if held.status is None:
        return Running()
    return Answered(held.status, ring.decrypt(held.answer))


async def finish(conn: AsyncConnection, key: str, *, status: int, answer: str, ring: KeyRing) -> None:
    """Remember what a command has answered."""
    values = {"status": status, "answer": ring.encrypt(answer)}
    await conn.execute(update(idempotency).where(idempotency.c.key == key).values(values))


async def release(conn: AsyncConnection, key: str) -> None:
    """Give a key back: the command had no effect, and may be tried again."""
    await conn.execute(delete(idempotency).where(idempotency.c.key == key))


async def forget(conn: AsyncConnection, *, now: datetime) -> int:
    """Delete what is older than a day. Returns how much went."""
    return (await conn.execute(delete(idempotency).where(idempotency.c.claimed_at < now - KEPT))).rowcount


async def _take_over(conn: AsyncConnection, key: str, request: str, *, now: datetime) -> bool:
    """Whether the key was free after all: it has expired, or who held it has died."""
    dead = idempotency.c.status.is_(None) & (idempotency.c.claimed_at < now - _PATIENCE)
    free = or_(idempotency.c.claimed_at < now - KEPT, dead)
    statement = update(idempotency).where(idempotency.c.key == key, free)
    values = {"request": request, "claimed_at": now, "status": None, "answer": None}
    return bool((await conn.execute(statement.values(values))).rowcount)
