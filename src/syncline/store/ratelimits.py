"""Rate limits of our own: how often each bucket was used in its window, counted for all processes together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.tables import upsert
from syncline.store.tables_accounts import rate_limits

__all__ = ["Use", "count", "forget", "give_back"]


@dataclass(frozen=True, slots=True)
class Use:
    """A bucket was used so many times in the window that ends at `resets_at`."""

    bucket: str
    times: int
    resets_at: datetime


async def count(conn: AsyncConnection, uses: Sequence[Use]) -> list[int]:
    """Add to buckets and give how often each was used in its window by now.

    A window that has ended begins anew. Rows are locked in the order of their names, so that two who count never wait for each other.
    """
    table = rate_limits.c
    found: dict[str, int] = {}
    for use in sorted(uses, key=lambda use: use.bucket):
        row = {"bucket": use.bucket, "used": use.times, "resets_at": use.resets_at}
        same = table.resets_at >= use.resets_at
        statement = upsert(
            conn,
            rate_limits,
            replace={
                "used": case((same, table.used + use.times), else_=use.times),
                "resets_at": case((same, table.resets_at), else_=use.resets_at),
            },
        )
        used: int | None = await conn.scalar(statement.returning(table.used), row)
        found[use.bucket] = used or 0
    return [found[use.bucket] for use in uses]


async def give_back(conn: AsyncConnection, use: Use) -> int:
    """Take a use back, if its window is still the bucket's, and give how often it was used in it by now."""
    this = (rate_limits.c.bucket == use.bucket) & (rate_limits.c.resets_at == use.resets_at)
    statement = update(rate_limits).where(this).values(used=rate_limits.c.used - use.times)
    return await conn.scalar(statement.returning(rate_limits.c.used)) or 0


async def forget(conn: AsyncConnection, *, before: datetime) -> int:
    """Delete buckets whose window ended `before`. Returns how many went."""
    return (await conn.execute(delete(rate_limits).where(rate_limits.c.resets_at < before))).rowcount
