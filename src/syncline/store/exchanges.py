"""The log of requests to Notion and their answers, redacted before it comes here."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import NotFound
from syncline.store.tables import insert_new
from syncline.store.tables_logs import exchanges

__all__ = ["Exchange", "Filter", "Tally", "append", "listing", "one", "prune", "tally"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. `seconds` is the time on the wire; `code` and `message` are of its error, if it was one.

    `sent` and `answer` are the bodies, None where they are not kept.
    """

    id: int
    connection_id: str
    run_id: str | None
    at: datetime
    operation: str
    method: str
    path: str
    attempt: int
    lane: str
    seconds: float
    status: int | None
    request_id: str | None
    code: str | None
    message: str | None
    sent: Any = None
    answer: Any = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which exchanges are wanted. `status` is a number, a class such as ``4xx``, or ``error`` for all that failed.

    `text` is looked for in paths, operations, codes, messages and Notion's request ids, without regard to case.
    """

    connection_ids: Sequence[str] | None = None
    run_id: str | None = None
    operation: str | None = None
    status: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """The requests of one operation, how many of them failed, were rate limited, and their seconds on the wire."""

    operation: str
    requests: int
    failed: int
    rate_limited: int
    seconds: float


_ALL = [exchanges.c[field.name] for field in fields(Exchange)]
_HEAD = _ALL[:-2]


async def append(conn: AsyncConnection, told: Sequence[Exchange]) -> None:
    """Keep exchanges."""
    if told:
        rows = [{field.name: getattr(one, field.name) for field in fields(Exchange)} for one in told]
        await conn.execute(insert_new(conn, exchanges), rows)


async def listing(
    conn: AsyncConnection,
    wanted: Filter,
    *,
    limit: int,
    before: int | None = None,
    after: int | None = None,
) -> list[Exchange]:
    """Exchanges without their bodies: the newest first, those `before` an id; or with `after` the oldest first behind it."""
    query = _where(select(*_HEAD), wanted).limit(limit)
    if after is not None:
        query = query.where(exchanges.c.id > after).order_by(exchanges.c.id)
    else:
        query = query.order_by(exchanges.c.id.desc())
    if before is not None:
        query = query.where(exchanges.c.id < before)
    return [Exchange(**row) for row in (await conn.execute(query)).mappings()]


async def one(conn: AsyncConnection, exchange_id: int) -> Exchange:
    """One exchange with its bodies. Raises NotFound."""
    row = (await conn.execute(select(*_ALL).where(exchanges.c.id == exchange_id))).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such request in the log.")
    return Exchange(**row)


async def tally(conn: AsyncConnection, run_id: str) -> list[Tally]:
    """What a run asked for, by operation, as far as the log still has it."""
    count = func.count()
    query = (
        select(
            exchanges.c.operation,
            count,
            func.count(exchanges.c.message),
            count.filter(exchanges.c.status == 429),
            func.sum(exchanges.c.seconds),
        )
        .where(exchanges.c.run_id == run_id)
        .group_by(exchanges.c.operation)
        .order_by(count.desc(), exchanges.c.operation)
    )
    return [Tally(*row) for row in await conn.execute(query)]


async def prune(conn: AsyncConnection, *, before: datetime) -> int:
    """Forget what was said before then. How many exchanges that were."""
    return (await conn.execute(delete(exchanges).where(exchanges.c.at < before))).rowcount


def _where(query: Select[Any], wanted: Filter) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.connection_ids is not None:
        conditions.append(exchanges.c.connection_id.in_(wanted.connection_ids))
    if wanted.run_id is not None:
        conditions.append(exchanges.c.run_id == wanted.run_id)
    if wanted.operation is not None:
        conditions.append(exchanges.c.operation == wanted.operation)
    if wanted.status is not None:
        conditions.append(_of_status(wanted.status))
    if wanted.text:
        conditions.append(_with(wanted.text))
    if wanted.since is not None:
        conditions.append(exchanges.c.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(exchanges.c.at < wanted.until)
    return query.where(*conditions)


def _of_status(status: str) -> ColumnElement[bool]:
    if status == "error":
        return exchanges.c.message.is_not(None)
    if status.endswith("xx"):
        first = int(status[0]) * 100
        return exchanges.c.status.between(first, first + 99)
    return exchanges.c.status == int(status)


def _with(text: str) -> ColumnElement[bool]:
    columns = (
        exchanges.c.path,
        exchanges.c.operation,
        exchanges.c.code,
        exchanges.c.message,
        exchanges.c.request_id,
    )
    sought = text.lower()
    return or_(*(func.lower(column).contains(sought, autoescape=True) for column in columns))
