"""The error ledger: what could not be read, where, why, and since when.

An entry stands for a page, or for one block of it. It stays until its page has been read without it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.tables import chunks, failures, upsert

__all__ = ["Entry", "count_open", "count_pages", "of_runs", "open_entries", "record", "resolve"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One failed read.

    `block` is None where the page as a whole failed, `status` where no HTTP answer came. `first_at`, `last_at` and `attempts`
    are the ledger's own: when it was first and last met, and how often.
    """

    page: str
    block: str | None
    operation: str
    status: int | None
    code: str
    message: str
    request_id: str | None = None
    run_id: str | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    attempts: int = 0


async def record(
    conn: AsyncConnection, connection_id: str, entries: Sequence[Entry], *, run_id: str | None, now: datetime
) -> None:
    """Enter failures; one that stands there already is replaced and counted once more."""
    mine = {"connection_id": connection_id, "run_id": run_id, "first_at": now, "last_at": now, "attempts": 1}
    rows = {
        (entry.page, entry.block or ""): asdict(entry) | mine | {"block": entry.block or ""}
        for entry in entries
    }
    if rows:
        again = {"attempts": failures.c.attempts + 1}
        statement = upsert(conn, failures, keep=("first_at",), replace=again)
        await conn.execute(statement, [rows[key] for key in sorted(rows)])


async def resolve(
    conn: AsyncConnection,
    connection_id: str,
    pages: Sequence[str],
    *,
    operation: str | None = None,
    before: datetime | None = None,
) -> int:
    """Remove the entries of `pages`, of one operation or all, with `before` only those not met since. Returns how many went."""
    gone = 0
    for keys in chunks(pages):
        statement = delete(failures).where(
            failures.c.connection_id == connection_id, failures.c.page.in_(keys)
        )
        if operation is not None:
            statement = statement.where(failures.c.operation == operation)
        if before is not None:
            statement = statement.where(failures.c.last_at < before)
        gone += (await conn.execute(statement)).rowcount
    return gone


async def open_entries(
    conn: AsyncConnection, connection_id: str, *, limit: int, after: Entry | None = None
) -> list[Entry]:
    """Up to `limit` entries by page and block, those behind `after`."""
    query = select(failures).where(failures.c.connection_id == connection_id)
    if after is not None:
        query = query.where(tuple_(failures.c.page, failures.c.block) > (after.page, after.block or ""))
    rows = await conn.execute(query.order_by(failures.c.page, failures.c.block).limit(limit))
    return [_entry(row) for row in rows.mappings()]


async def of_runs(
    conn: AsyncConnection, connection_id: str, run_ids: Sequence[str], *, limit: int
) -> list[Entry]:
    """Up to `limit` entries that were last met by one of these runs, by page and block."""
    mine = (failures.c.connection_id == connection_id) & failures.c.run_id.in_(run_ids)
    rows = await conn.execute(
        select(failures).where(mine).order_by(failures.c.page, failures.c.block).limit(limit)
    )
    return [_entry(row) for row in rows.mappings()]


async def count_open(conn: AsyncConnection, connection_id: str) -> int:
    """How many entries there are."""
    query = select(func.count()).select_from(failures).where(failures.c.connection_id == connection_id)
    return await conn.scalar(query) or 0


async def count_pages(conn: AsyncConnection, connection_id: str, *, beside: str) -> int:
    """How many pages have an entry, those of the operation `beside`, which are about no page, left out."""
    query = select(func.count(failures.c.page.distinct())).where(
        failures.c.connection_id == connection_id, failures.c.operation != beside
    )
    return await conn.scalar(query) or 0


def _entry(row: RowMapping) -> Entry:
    values = {name: value for name, value in row.items() if name != "connection_id"}
    return Entry(**values | {"block": row["block"] or None})
