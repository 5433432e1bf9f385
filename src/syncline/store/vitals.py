"""How connections are doing, beyond what store.overviews tells: read for many of them with a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.inbox import State
from syncline.store.runs import RunState
from syncline.store.tables import budgets, chunks, failures, runs
from syncline.store.tables_inbox import inbox
from syncline.store.tables_logs import exchanges

__all__ = ["Live", "Vitals", "spent", "vitals"]


@dataclass(frozen=True, slots=True)
class Live:
    """The run that is queued or under way."""

    run_id: str
    kind: str
    state: str
    phase: str
    pages: Mapping[str, int]
    waiting: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """One connection. Requests and runs are those since a time; `incomplete` counts pages that could not be read whole."""

    requests: int = 0
    refused: int = 0
    rate_limited: int = 0
    runs: int = 0
    failed_runs: int = 0
    incomplete: int = 0
    events_waiting: int = 0
    live: Live | None = None


async def vitals(
    conn: AsyncConnection, connection_ids: Sequence[str], *, since: datetime
) -> dict[str, Vitals]:
    """The vitals of connections, by id."""
    found: dict[str, Vitals] = {}
    for part in chunks(sorted(connection_ids)):
        counted = {name: await _counted(conn, query) for name, query in _queries(part, since).items()}
        live = await _live(conn, part)
        for one in part:
            requests, refused, limited = counted["requests"].get(one, (0, 0, 0))
            ended, failed = counted["runs"].get(one, (0, 0))
            found[one] = Vitals(
                requests=requests,
                refused=refused,
                rate_limited=limited,
                runs=ended,
                failed_runs=failed,
                incomplete=counted["incomplete"].get(one, (0,))[0],
                events_waiting=counted["events"].get(one, (0,))[0],
                live=live.get(one),
            )
    return found


def _queries(part: Sequence[str], since: datetime) -> dict[str, Select[Any]]:
    """What is counted by connection, one query each."""
    failed = case((exchanges.c.message.is_not(None), 1))
    limited = case((exchanges.c.status == 429, 1))
    ended = (RunState.SUCCEEDED, RunState.FAILED)
    return {
        "requests": select(exchanges.c.connection_id, func.count(), func.count(failed), func.count(limited))
        .where(exchanges.c.connection_id.in_(part), exchanges.c.at >= since)
        .group_by(exchanges.c.connection_id),
        "runs": select(
            runs.c.connection_id, func.count(), func.count(case((runs.c.state == RunState.FAILED, 1)))
        )
        .where(runs.c.connection_id.in_(part), runs.c.started_at >= since, runs.c.state.in_(ended))
        .group_by(runs.c.connection_id),
        # What listings could not tell is about no page.
        "incomplete": select(failures.c.connection_id, func.count(failures.c.page.distinct()))
        .where(failures.c.connection_id.in_(part), failures.c.operation != "listing")
        .group_by(failures.c.connection_id),
        "events": select(inbox.c.connection_id, func.count())
        .where(inbox.c.connection_id.in_(part), inbox.c.state.in_([State.WAITING, State.TAKEN]))
        .group_by(inbox.c.connection_id),
    }


async def _counted(conn: AsyncConnection, query: Select[Any]) -> dict[str, tuple[int, ...]]:
    return {row[0]: tuple(row[1:]) for row in await conn.execute(query)}


async def _live(conn: AsyncConnection, part: Sequence[str]) -> dict[str, Live]:
    columns = (
        runs.c.id.label("run_id"),
        runs.c.kind,
        runs.c.state,
        runs.c.phase,
        runs.c.pages,
        runs.c.waiting,
    )
    query = (
        select(runs.c.connection_id, *columns)
        .where(runs.c.connection_id.in_(part), runs.c.state.in_([RunState.QUEUED, RunState.RUNNING]))
        .order_by(runs.c.queued_at.desc())
    )
    # Of several slots the run that was asked for first.
    return {
        row["connection_id"]: Live(**{name: row[name] for name in row if name != "connection_id"})
        for row in (await conn.execute(query)).mappings()
    }


async def spent(conn: AsyncConnection, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The stored states of budgets, by key; nothing for one that was never used."""
    found: dict[str, Mapping[str, Any]] = {}
    for part in chunks(sorted(keys)):
        query = select(budgets.c.key, budgets.c.state).where(budgets.c.key.in_(part))
        found |= {row.key: row.state for row in await conn.execute(query)}
    return found
