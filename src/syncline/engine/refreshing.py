"""Refreshes: runs that read what Notion's webhooks named, and nothing else.

One run answers all that waits for a connection. While a pull goes on, or one was left behind, the events wait for its end; what
keeps failing is left to the next pull, which finds it by itself.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.model import Kind, Mode
from syncline.core.refresh import Hint, Refresh, Signal, refresh
from syncline.engine.begin import Request, considered
from syncline.engine.pull import load_pull
from syncline.engine.pulling import SLOT, Asked, PullTask
from syncline.engine.task import Outcome, RunState
from syncline.notion.objects import Version
from syncline.store import connections, inbox, records, runs
from syncline.store.connections import Connection
from syncline.store.runs import Lane, Run

__all__ = ["RefreshTask", "due", "forget_old"]

_LIMIT: Final = 5000
"""Events that one run answers at most."""

_WAIT: Final = timedelta(seconds=5)
"""Before what failed is tried again; twice as long each time."""

_SCHEMA: Final = "database.schema_updated"
"""What a subscription of the API version 2022-06-28 says of a data source, by the name of the database that holds it."""

_REMEMBERED: Final = timedelta(days=7)
"""For how long an event that was answered is known, should it come again; Notion repeats for a day."""


async def due(app: App) -> float | None:
    """Queue a refresh for every connection whose events wait and that is idle."""
    now = app.now()
    async with app.database.glance() as conn:
        waiting = await inbox.due(conn, now=now)
    for connection_id in waiting:
        async with app.database.begin() as conn:
            await _queue(conn, app, connection_id)
    return None


async def forget_old(app: App) -> float | None:
    """Forget events that Notion does not repeat any more."""
    async with app.database.begin() as conn:
        await inbox.prune(conn, before=app.now() - _REMEMBERED)
    return None


async def _queue(conn: AsyncConnection, app: App, connection_id: str) -> None:
    await connections.hold(conn, connection_id)
    before, policy = await considered(conn, connection_id, Request())
    left = await load_pull(conn, connection_id)
    is_busy = await runs.live(conn, connection_id, SLOT) is not None
    if is_busy or before.watermark is None or (left is not None and left.policy.refresh is None):
        return
    run_id, now = app.new_id(), app.now()
    await inbox.claim(conn, connection_id, run_id=run_id, now=now, limit=_LIMIT)
    connection = await connections.find(conn, connection_id)
    asked = Request(refresh=await _asked(conn, connection, await inbox.of_run(conn, run_id)))
    await runs.queue(
        conn,
        connection_id,
        run_id=run_id,
        kind="refresh",
        slot=SLOT,
        requested_by="webhook",
        now=now,
        lane=Lane.WEBHOOK,
        mode=Mode.INCREMENTAL,
        fidelity=policy.fidelity,
        options=Asked(asked).as_json(),
    )


async def _asked(conn: AsyncConnection, connection: Connection, arrivals: list[inbox.Arrival]) -> Refresh:
    told = [Signal.from_json(signal) for arrival in arrivals for signal in arrival.signals]
    if not Version(connection.notion_version).has_data_sources:
        # Up to 2022-06-28 a database stands for its only data source.
        return refresh([_as_data_source(signal) for signal in told])
    schemas = {arrival.entity: arrival.at for arrival in arrivals if arrival.type == _SCHEMA}
    for kind, key in await records.children(conn, connection.id, list(schemas)):
        if kind is Kind.DATA_SOURCE:
            told.append(Signal(Hint.LOOK, kind, key, max(schemas.values())))
    return refresh(told)


def _as_data_source(signal: Signal) -> Signal:
    kind = Kind.DATA_SOURCE if signal.kind is Kind.DATABASE else signal.kind
    return Signal(signal.hint, kind, signal.key, signal.at, None, signal.blocks)


class RefreshTask(PullTask):
    """What the run of a refresh does: a pull of what was named."""

    async def finish(self, conn: AsyncConnection, run: Run, outcome: Outcome) -> None:
        """Settle the events, or let them wait again."""
        now = self._app.now()
        if outcome.state is RunState.SUCCEEDED:
            await inbox.settle(conn, run.id, now=now)
        else:
            await inbox.release(conn, run.id, now=now, wait=_WAIT)
