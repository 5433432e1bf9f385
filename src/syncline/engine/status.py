"""How connections are doing: one answer for the command line, the REST API and the metrics, with a fixed number of queries.

The lag is how old the newest thing can be that we have not seen: the time since the last pull that succeeded began.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.standing import SyncStatus, TokenStatus
from syncline.engine.clients import budget_key
from syncline.engine.workspaces import standing
from syncline.notion.budget import BudgetState, Rate, remaining
from syncline.store import authorizations, connections
from syncline.store.connections import Connection
from syncline.store.overviews import Overview, overviews
from syncline.store.vitals import Live, Vitals, spent, vitals

__all__ = ["SPAN", "Status", "statuses"]

SPAN: Final = timedelta(hours=1)
"""Over which error rates are counted."""


@dataclass(frozen=True, slots=True)
class Status:
    """One connection.

    `lag` is None before the first success. `error_rate` is the share of requests to Notion within SPAN that failed, None where none was
    made (or none is logged). `budget_left` is how many requests may be sent at once, of `budget`; both None without a limit.
    """

    connection: Connection
    sync_status: SyncStatus
    token_status: TokenStatus
    last_success_at: datetime | None
    lag: timedelta | None
    next_at: datetime | None
    pages: int
    databases: int
    incomplete: int
    requests: int
    error_rate: float | None
    rate_limited: int
    runs: int
    failed_runs: int
    budget: int | None
    budget_left: int | None
    events_waiting: int
    live: Live | None


async def statuses(app: App, conn: AsyncConnection, known: Sequence[Connection]) -> list[Status]:
    """The status of each connection, in their order; one that was removed meanwhile is left out."""
    now, ids = app.now(), [one.id for one in known]
    seen = await overviews(conn, ids)
    vital = await vitals(conn, ids, since=now - SPAN)
    left = await _budgets(app, conn, known)
    return [
        _status(one, seen[one.id], vital[one.id], left.get(one.id), now) for one in known if one.id in seen
    ]


def _status(
    one: Connection, seen: Overview, vital: Vitals, left: tuple[int, int] | None, now: datetime
) -> Status:
    succeeded, took = seen.succeeded_at, seen.duration or timedelta()
    return Status(
        connection=one,
        sync_status=standing(seen),
        token_status=seen.token,
        last_success_at=succeeded,
        lag=None if succeeded is None else max(timedelta(), now - (succeeded - took)),
        next_at=seen.next_at,
        pages=seen.pages,
        databases=seen.databases,
        incomplete=vital.incomplete,
        requests=vital.requests,
        error_rate=vital.refused / vital.requests if vital.requests else None,
        rate_limited=vital.rate_limited,
        runs=vital.runs,
        failed_runs=vital.failed_runs,
        budget=None if left is None else left[0],
        budget_left=None if left is None else left[1],
        events_waiting=vital.events_waiting,
        live=vital.live,
    )


async def _budgets(
    app: App, conn: AsyncConnection, known: Sequence[Connection]
) -> dict[str, tuple[int, int]]:
    """The limit of each connection's budget, and how much of it is left; nothing for one without a limit or a token."""
    rates = {one.id: rate for one in known if (rate := Rate.parse(one.rate)) is not None}
    held = await authorizations.many(conn, rates.keys())
    tokens = await connections.tokens(conn, rates.keys(), ring=app.keys)
    keys = {
        one.id: budget_key(one, held[one.id].app_id, tokens[one.id])
        for one in known
        if one.id in tokens and one.id in held
    }
    states = await spent(conn, list(keys.values()))
    now = app.now().timestamp()
    return {
        key: (rates[key].limit, remaining(BudgetState.from_json(states.get(name, {})), rates[key], now))
        for key, name in keys.items()
    }
