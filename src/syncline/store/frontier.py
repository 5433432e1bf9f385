"""The frontier: work that is known and not done. It lives in the store because Notion's cursors die with their sessions.

An item waits, is taken by one worker, and ends done (its row goes), waiting again because there is more to it, or parked,
which means that it is out until somebody asks for it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Json
from syncline.store.tables import frontier, upsert

__all__ = [
    "Item",
    "State",
    "add",
    "clear",
    "counts",
    "done",
    "drop",
    "park",
    "progress",
    "reset",
    "set_aside",
    "take",
    "unpark",
    "unpark_keys",
    "waiting",
]


class State(StrEnum):
    """How an item stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of work, known by `kind` and `key`.

    A lower `lane` goes first. `generation` tells two occasions of the same work apart; `attempt` counts the tries that failed
    and `error` says how the last one did.
    """

    kind: str
    key: str
    lane: int
    reason: str
    edited_at: datetime | None = None
    attempt: int = 0
    generation: int = 0
    payload: Json | None = None
    error: str | None = None


_COLUMNS = [frontier.c[field.name] for field in fields(Item)]


async def add(conn: AsyncConnection, connection_id: str, items: Sequence[Item]) -> None:
    """Put work on the frontier, waiting, at its first attempt.

    What waits or is taken already with the same `edited_at` is left alone; other items that are there are replaced.
    """
    statement = upsert(conn, frontier)
    pending = frontier.c.state != State.PARKED
    known = pending & frontier.c.edited_at.is_not_distinct_from(statement.excluded.edited_at)
    rows = [row | {"attempt": 0, "error": None} for row in _rows(connection_id, items)]
    if rows:
        await conn.execute(upsert(conn, frontier, where=~known), rows)


async def progress(conn: AsyncConnection, connection_id: str, items: Sequence[Item]) -> None:
    """Put items as they are now back on the frontier, waiting, in place of whatever stands there."""
    rows = _rows(connection_id, items)
    if rows:
        await conn.execute(upsert(conn, frontier), rows)


def _rows(connection_id: str, items: Sequence[Item]) -> list[dict[str, Any]]:
    """One row a key, the last; in order, so that two who write the same items wait for each other and never crosswise."""
    rows = {
        (item.kind, item.key): {field.name: getattr(item, field.name) for field in fields(Item)}
        | {"connection_id": connection_id, "state": State.WAITING, "rank": _rank(item)}
        for item in items
    }
    return [rows[key] for key in sorted(rows)]


def _rank(item: Item) -> int:
    return 0 if item.edited_at is None else -int(item.edited_at.timestamp() * 1_000_000)


async def take(conn: AsyncConnection, connection_id: str, *, kinds: Sequence[str], limit: int) -> list[Item]:
    """Take up to `limit` items that wait: by lane, the last edited first.

    No item is given to two takers, in any process.
    """
    query = (
        select(*_COLUMNS)
        .where(_of(connection_id), frontier.c.state == State.WAITING, frontier.c.kind.in_(kinds))
        .order_by(frontier.c.lane, frontier.c.rank, frontier.c.key, frontier.c.kind)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    items = [Item(**row) for row in (await conn.execute(query)).mappings()]
    if items:
        rows = [{"this_kind": item.kind, "this_key": item.key} for item in items]
        await conn.execute(update(frontier).where(_of(connection_id), _ONE).values(state=State.TAKEN), rows)
    return items


async def done(conn: AsyncConnection, connection_id: str, keys: Sequence[tuple[str, str, int]]) -> None:
    """Remove finished items, given as (kind, key, generation). One that was added anew in the meantime stays."""
    if keys:
        this = _ONE & (frontier.c.generation == bindparam("this_generation"))
        rows = [
            {"this_kind": kind, "this_key": key, "this_generation": number}
            for kind, key, number in sorted(keys)
        ]
        await conn.execute(delete(frontier).where(_of(connection_id), this), rows)


async def drop(conn: AsyncConnection, connection_id: str, keys: Sequence[tuple[str, str]]) -> None:
    """Remove items that have become pointless, however they stand."""
    if keys:
        rows = [{"this_kind": kind, "this_key": key} for kind, key in sorted(keys)]
        await conn.execute(delete(frontier).where(_of(connection_id), _ONE), rows)


async def park(conn: AsyncConnection, connection_id: str, failed: Sequence[tuple[str, str, str]]) -> None:
    """Set items aside, given as (kind, key, error): this run does not try them again."""
    if failed:
        rows = [
            {"this_kind": kind, "this_key": key, "new_error": error} for kind, key, error in sorted(failed)
        ]
        values = {"state": State.PARKED, "error": bindparam("new_error")}
        await conn.execute(update(frontier).where(_of(connection_id), _ONE).values(**values), rows)


async def set_aside(conn: AsyncConnection, connection_id: str) -> int:
    """Park everything that waits, to be taken up by a later run. Returns how many items that were."""
    return await _move(conn, connection_id, State.WAITING, State.PARKED)


async def unpark(conn: AsyncConnection, connection_id: str) -> int:
    """Let everything parked wait again at its first attempt. Returns how many items that were."""
    return await _move(conn, connection_id, State.PARKED, State.WAITING, attempt=0)


async def unpark_keys(conn: AsyncConnection, connection_id: str, keys: Sequence[str]) -> None:
    """Let what is parked about these keys wait again at its first attempt, of whatever kind it is."""
    parked = (frontier.c.key == bindparam("this_key")) & (frontier.c.state == State.PARKED)
    if keys:
        statement = update(frontier).where(_of(connection_id), parked)
        values = {"state": State.WAITING, "attempt": 0}
        await conn.execute(statement.values(**values), [{"this_key": key} for key in sorted(keys)])


async def reset(conn: AsyncConnection, connection_id: str) -> int:
    """Let everything taken wait again, after a worker died. Returns how many items that were."""
    return await _move(conn, connection_id, State.TAKEN, State.WAITING)


async def counts(conn: AsyncConnection, connection_id: str) -> dict[tuple[str, State], int]:
    """How many items there are by kind and state."""
    query = (
        select(frontier.c.kind, frontier.c.state, func.count())
        .where(_of(connection_id))
        .group_by(frontier.c.kind, frontier.c.state)
    )
    return {(kind, State(state)): count for kind, state, count in await conn.execute(query)}


async def waiting(conn: AsyncConnection, connection_id: str, kinds: Sequence[str]) -> int:
    """How many items of `kinds` wait or are taken."""
    pending = frontier.c.state.in_([State.WAITING, State.TAKEN])
    query = (
        select(func.count())
        .select_from(frontier)
        .where(_of(connection_id), pending, frontier.c.kind.in_(kinds))
    )
    return await conn.scalar(query) or 0


async def clear(conn: AsyncConnection, connection_id: str, kinds: Sequence[str]) -> None:
    """Forget all work of `kinds`."""
    await conn.execute(delete(frontier).where(_of(connection_id), frontier.c.kind.in_(kinds)))


async def _move(conn: AsyncConnection, connection_id: str, before: State, after: State, **values: Any) -> int:
    statement = update(frontier).where(_of(connection_id), frontier.c.state == before)
    return (await conn.execute(statement.values(state=after, **values))).rowcount


def _of(connection_id: str) -> ColumnElement[bool]:
    return frontier.c.connection_id == connection_id


_ONE = (frontier.c.kind == bindparam("this_kind")) & (frontier.c.key == bindparam("this_key"))
