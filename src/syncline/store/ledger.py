"""The error ledger: what could not be read, where, why, and since when.

An entry stands for a page, or for one block of it. It stays until its page has been read without it. One that somebody dismissed
stays, too, and is out of sight until the same place fails with another code.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    bindparam,
    case,
    delete,
    false,
    func,
    null,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.surrogates import legible
from syncline.store.tables import chunks, failures, upsert

__all__ = [
    "LISTING",
    "Entry",
    "Of",
    "Wanted",
    "count",
    "count_open",
    "count_pages",
    "dismiss",
    "find",
    "listed",
    "of_runs",
    "record",
    "resolve",
]

LISTING = "listing"
"""The operation of entries that are about no page: a listing did not tell everything."""


class Of(StrEnum):
    """What an entry is about."""

    DOCUMENT = "document"
    LISTING = "listing"


@dataclass(frozen=True, slots=True)
class Entry:
    """One failed read.

    `block` is None where the page as a whole failed, `status` where no HTTP answer came. `first_at`, `last_at` and `attempts`
    are the ledger's own: when it was first and last met, and how often. `kind` is what the page is, None for a listing.
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
    kind: str | None = None
    dismissed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of a page, about a kind of thing, dismissed or not. `but` leaves out these pages, `only` all others."""

    of: Of | None = None
    page: str | None = None
    dismissed: bool = False
    only: Sequence[str] | None = None
    but: Sequence[str] = ()


async def record(
    conn: AsyncConnection, connection_id: str, entries: Sequence[Entry], *, run_id: str | None, now: datetime
) -> None:
    """Enter failures; one that stands there already is replaced and counted once more."""
    mine = {"connection_id": connection_id, "run_id": run_id, "first_at": now, "last_at": now, "attempts": 1}
    rows = {
        (entry.page, entry.block or ""): asdict(entry)
        | mine
        | {"block": entry.block or "", "message": legible(entry.message)}
        for entry in entries
    }
    if rows:
        same = failures.c.code == upsert(conn, failures).excluded.code
        again = {
            "attempts": failures.c.attempts + 1,
            "dismissed_at": case((same, failures.c.dismissed_at), else_=null()),
        }
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


async def listed(
    conn: AsyncConnection, connection_id: str, wanted: Wanted, *, limit: int, offset: int = 0
) -> list[Entry]:
    """Some of the entries that are wanted, the last met first."""
    order = (failures.c.last_at.desc(), failures.c.page, failures.c.block)
    query = select(failures).where(*_conditions(connection_id, wanted)).order_by(*order)
    return [_entry(row) for row in (await conn.execute(query.limit(limit).offset(offset))).mappings()]


async def count(conn: AsyncConnection, connection_id: str, wanted: Wanted) -> int:
    """How many entries are wanted."""
    query = select(func.count()).select_from(failures).where(*_conditions(connection_id, wanted))
    return await conn.scalar(query) or 0


def _conditions(connection_id: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    dismissed = failures.c.dismissed_at
    found = [
        failures.c.connection_id == connection_id,
        dismissed.is_not(None) if wanted.dismissed else dismissed.is_(None),
    ]
    if wanted.of is not None:
        is_listing = failures.c.operation == LISTING
        found.append(is_listing if wanted.of is Of.LISTING else ~is_listing)
    if wanted.page is not None:
        found.append(failures.c.page == wanted.page)
    if wanted.only is not None:
        found.append(failures.c.page.in_(wanted.only) if wanted.only else false())
    if wanted.but:
        found.append(failures.c.page.not_in(wanted.but))
    return found


async def find(conn: AsyncConnection, connection_id: str, page: str, block: str | None) -> Entry | None:
    """One entry, dismissed or not; None if the place can be read, or never failed."""
    query = select(failures).where(
        failures.c.connection_id == connection_id, failures.c.page == page, failures.c.block == (block or "")
    )
    row = (await conn.execute(query)).mappings().one_or_none()
    return None if row is None else _entry(row)


async def dismiss(
    conn: AsyncConnection,
    connection_id: str,
    places: Sequence[tuple[str, str | None]],
    *,
    now: datetime | None,
) -> None:
    """Put the entries of these pages and blocks out of sight; with `now` None, back."""
    this = (failures.c.page == bindparam("this_page")) & (failures.c.block == bindparam("this_block"))
    rows = [{"this_page": page, "this_block": block or ""} for page, block in places]
    if rows:
        statement = update(failures).where(failures.c.connection_id == connection_id, this)
        await conn.execute(
            statement.values(dismissed_at=now), sorted(rows, key=lambda row: tuple(row.values()))
        )


async def of_runs(
    conn: AsyncConnection, connection_id: str, run_ids: Sequence[str], *, limit: int
) -> list[Entry]:
    """Up to `limit` entries that were last met by one of these runs, by page and block."""
    if not run_ids:
        return []
    mine = (failures.c.connection_id == connection_id) & failures.c.run_id.in_(run_ids)
    rows = await conn.execute(
        select(failures).where(mine).order_by(failures.c.page, failures.c.block).limit(limit)
    )
    return [_entry(row) for row in rows.mappings()]


async def count_open(conn: AsyncConnection, connection_id: str) -> int:
    """How many entries there are that nobody dismissed."""
    return await count(conn, connection_id, Wanted())


async def count_pages(conn: AsyncConnection, connection_id: str, *, beside: str) -> int:
    """How many pages have an entry, those of the operation `beside`, which are about no page, left out."""
    query = select(func.count(failures.c.page.distinct())).where(
        failures.c.connection_id == connection_id, failures.c.operation != beside
    )
    return await conn.scalar(query) or 0


def _entry(row: RowMapping) -> Entry:
    values = {name: value for name, value in row.items() if name != "connection_id"}
    return Entry(**values | {"block": row["block"] or None})
