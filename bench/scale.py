"""What workers and pages ask of a store with many connections: whether it stays the same work however many there are.

The rows are put into the tables directly: connections with schedules, tokens, ended and queued pulls, events, records and some
webhook endpoints. Each question is asked by the function that asks it in a server; nothing is due but what its line says.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias

from pydantic import SecretStr
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    String,
    Table,
    cast,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.harness import Result, command, scratch
from bench.serving import postgres
from syncline.app import App
from syncline.core.model import Kind
from syncline.core.standing import TokenStatus
from syncline.engine import retention, schedule
from syncline.engine.kinds import SERVED
from syncline.engine.reaper import Reaper
from syncline.engine.status import SPAN, statuses
from syncline.settings import Settings
from syncline.store import (
    alerts,
    authorizations,
    connections,
    deliveries,
    endpoints,
    inbox,
    notifications,
    rules,
    runs,
    schedules,
    search,
    tables,
    tallies,
)
from syncline.store.connections import Connection
from syncline.store.runs import Lane, RunState
from syncline.store.tables_connecting import authorizations as authorization_rows
from syncline.store.tables_deliveries import endpoints as endpoint_rows
from syncline.store.tables_events import events as event_rows
from syncline.store.tables_search import search_indexes
from syncline.store.tables_work import schedules as schedule_rows
from syncline.store.types import Instant, Json, Sealed, Unicode

__all__ = ["measure"]

PULLS, EVENTS, RECORDS = 3, 6, 4
"""Of each connection."""
FEW = 100
"""Of what few connections have: a schedule that is due, news, an endpoint; and the connections of a page of statuses."""
ROUNDS = 5
WORKER = "worker"

Ask: TypeAlias = Callable[[App, AsyncConnection], Awaitable[object]]

_numbers = Table("bench_numbers", MetaData(), Column("n", Integer, primary_key=True))
_N = _numbers.c.n
_each = _numbers.alias("each")
_EACH = _each.c.n
_HERE = (literal("c") + cast(_N, String)).label("connection_id")
_PLAIN: Final[Mapping[type, Any]] = {
    String: "",
    Unicode: "",
    Json: {},
    Sealed: b"",
    Boolean: True,
    Integer: 0,
    BigInteger: 0,
}


# --- the rows -----------------------------------------------------------------------------------------------------


async def filled(app: App, count: int) -> None:
    """Put `count` connections into an empty store, with what they have after some days of quiet pulls."""
    now = app.now()
    async with app.database.begin() as conn:
        await conn.run_sync(_numbers.create)
        for start in range(1, count + 1, 10_000):
            rows = [{"n": n} for n in range(start, min(start + 10_000, count + 1))]
            await conn.execute(insert(_numbers), rows)
    for put in (_put_connections, _put_pulls, _put_contents):
        async with app.database.begin() as conn:
            await put(conn, now)
    async with app.database.begin() as conn:
        await conn.execute(text("ANALYZE"))


async def _put(
    conn: AsyncConnection,
    table: Table,
    now: datetime,
    *,
    values: Mapping[str, Any],
    each: int = 1,
    one_in: int = 1,
) -> None:
    """Add `each` rows for one connection in so many; columns without a value get a plain one."""
    chosen: dict[str, Any] = {}
    for column in table.columns:
        value = values.get(column.name)
        if column.name == "connection_id":
            chosen[column.name] = _HERE
        elif isinstance(value, ColumnElement):
            chosen[column.name] = value
        elif column.name in values or not (column.nullable or column.server_default):
            plain = values.get(column.name, _plain(column, now))
            chosen[column.name] = literal(plain, column.type)
    query = select(*chosen.values()).select_from(_numbers.join(_each, each >= _EACH)).where(_N % one_in == 0)
    await conn.execute(insert(table).from_select(list(chosen), query))


def _plain(column: Column[Any], now: datetime) -> Any:
    return now if isinstance(column.type, Instant) else _PLAIN[type(column.type)]


async def _put_connections(conn: AsyncConnection, now: datetime) -> None:
    later = now + timedelta(hours=6)
    heads = {"seq": RECORDS, "event_seq": EVENTS, "alert_seq": EVENTS, "index_seq": RECORDS}
    named = {"id": _HERE, "name": _HERE, "rate": "none", "capabilities": []}
    await _put(conn, tables.connections, now, values=named | heads)
    checked = {"status": TokenStatus.VALID, "next_check_at": later}
    await _put(conn, authorization_rows, now, values=checked)
    await _put(conn, schedule_rows, now, values={"every": 21_600, "next_at": later, "reconcile_at": later})
    await _put(conn, search_indexes, now, values={"checkpoint": RECORDS})
    told = {"id": _HERE, "types": ["*"], "streams": [], "event_seq": EVENTS, "change_seq": RECORDS}
    await _put(conn, endpoint_rows, now, values=told, one_in=FEW)


async def _put_pulls(conn: AsyncConnection, now: datetime) -> None:
    """Ended pulls, a queue of one push for each connection, and some that a worker executes."""
    before = now - timedelta(hours=7)
    pull = {"id": _HERE + literal("-") + cast(_EACH, String), "kind": "pull", "slot": "pull"}
    done = {"state": RunState.SUCCEEDED, "queued_at": before, "begun_at": before, "ended_at": before}
    await _put(conn, tables.runs, before, values=pull | done, each=PULLS)
    push = {"id": _HERE + literal("-push"), "kind": "push", "slot": "push"}
    await _put(conn, tables.runs, now, values=push | {"state": RunState.QUEUED, "lane": Lane.SCHEDULED})
    live = {"id": _HERE + literal("-live"), "kind": "refresh", "slot": "refresh"}
    held = {"state": RunState.RUNNING, "worker": WORKER}
    await _put(conn, tables.runs, now, values=live | held, one_in=FEW)


async def _put_contents(conn: AsyncConnection, now: datetime) -> None:
    status = {"seq": _EACH, "kind": "sync:status"}
    await _put(conn, event_rows, now - timedelta(days=1), values=status, each=EVENTS)
    page = {"seq": _EACH, "kind": Kind.PAGE, "key": cast(_EACH, String), "edited_at": now}
    await _put(conn, tables.records, now, values=page, each=RECORDS)


# --- the questions ------------------------------------------------------------------------------------------------


async def _look_for_dead(app: App, _conn: AsyncConnection) -> None:
    await Reaper(app).dead()


async def _news(app: App) -> None:
    """A schedule that is due and an event that nobody heard, for few connections."""
    few = [f"c{number}" for number in range(1, FEW + 1)]
    connection, due = tables.connections, schedule_rows
    async with app.database.begin() as conn:
        news = {"event_seq": connection.c.event_seq + 1, "seq": connection.c.seq + 1}
        await conn.execute(update(connection).where(connection.c.id.in_(few)).values(**news))
        await conn.execute(update(due).where(due.c.connection_id.in_(few)).values(next_at=app.now()))


def _asks(now: datetime, shown: Sequence[Connection]) -> dict[str, Ask]:
    """What is asked in a transaction that reads, by what it is."""
    dead = (TokenStatus.EXPIRED, TokenStatus.INVALID)
    return {
        f"schedules that are due: {FEW}": lambda _, conn: schedules.due(
            conn, now=datetime.now(UTC), limit=FEW
        ),
        "whether a run waits": lambda _, conn: runs.are_waiting(conn, now=now),
        "what a worker holds": lambda _, conn: runs.held_by(conn, WORKER),
        "who is dead": _look_for_dead,
        f"whose events alerts have not heard: {FEW}": lambda _, conn: alerts.behind(conn, limit=500),
        "alerts that are over": lambda _, conn: alerts.recovered(conn),
        f"whose search index is behind: {FEW}": lambda _, conn: search.behind(conn, limit=500),
        "whose webhooks wait": lambda _, conn: inbox.due(conn, now=now),
        "endpoints with news": lambda _, conn: endpoints.behind(conn),
        "deliveries that are due": lambda _, conn: deliveries.due(conn, now=now),
        "rules with news": lambda _, conn: rules.behind(conn),
        "notifications that are due": lambda _, conn: notifications.due(conn, now=now),
        "dead tokens": lambda _, conn: authorizations.dead(conn, dead),
        f"statuses of {FEW} connections": lambda app, conn: statuses(app, conn, shown),
        "tallies of the metrics": lambda _, conn: tallies.tallies(conn, since=now - SPAN),
    }


async def _claim(app: App, conn: AsyncConnection) -> None:
    await runs.claim(conn, WORKER, kinds=list(SERVED), limit=4, now=app.now())


async def _check_tokens(app: App, conn: AsyncConnection) -> None:
    await authorizations.due(conn, now=app.now(), again=timedelta(hours=1), limit=20)


WRITES: Final[Mapping[str, Ask]] = {"claim 4 of the queue": _claim, "tokens to be checked": _check_tokens}
"""What is asked in a transaction that writes."""


async def _nothing() -> None:
    """Nothing is to be made ready."""


async def _timed(
    work: Callable[[], Awaitable[object]], ready: Callable[[], Awaitable[object]] = _nothing
) -> float:
    """Milliseconds, the median of some rounds; what makes each ready does not count."""
    took = []
    for _ in range(ROUNDS):
        await ready()
        start = time.perf_counter()
        await work()
        took.append((time.perf_counter() - start) * 1000)
    return median(took)


async def asked(app: App) -> dict[str, float]:
    """Milliseconds that each question takes."""

    async def read(ask: Ask) -> None:
        async with app.database.read() as conn:
            await ask(app, conn)

    async def write(ask: Ask) -> None:
        async with app.database.begin() as conn:
            await ask(app, conn)

    async def news() -> None:
        async with app.database.begin() as conn:
            await conn.execute(tables.runs.delete().where(tables.runs.c.requested_by == "schedule"))
        await _news(app)

    await _news(app)
    async with app.database.read() as conn:
        shown = [await connections.one(conn, f"c{number}") for number in range(1, FEW + 1)]
    found = {name: await _timed(lambda ask=ask: read(ask)) for name, ask in _asks(app.now(), shown).items()}  # type: ignore[misc]  # mypy cannot infer the default
    found |= {name: await _timed(lambda ask=ask: write(ask)) for name, ask in WRITES.items()}  # type: ignore[misc]  # as above
    found[f"a tick that queues {FEW} pulls"] = await _timed(lambda: schedule.tick(app), news)
    found["retention with nothing to forget"] = await _timed(lambda: retention.forget_old(app))
    return found


async def _measured(home: Path, url: str | None, count: int) -> dict[str, float]:
    settings = Settings(home=home, database_url=SecretStr(url) if url else None, key=None)
    async with App.open(settings) as app:
        await filled(app, count)
        return await asked(app)


def measured(count: int) -> tuple[dict[str, float], dict[str, float]]:
    """Milliseconds by question: on PostgreSQL, and on SQLite."""
    with scratch() as folder, postgres(folder) as server:
        there = asyncio.run(_measured(folder / "one", server.get_uri(), count))
    with scratch() as folder:
        return there, asyncio.run(_measured(folder, None, count))


def measure(*, counts: Sequence[int] = (1000, 100_000)) -> Result:
    found = [column for each in zip(*(measured(count) for count in counts), strict=True) for column in each]
    rows = [(name, *(f"{column[name]:,.1f}" for column in found)) for name in found[0]]
    heads = [f"{database}, {count:,}" for database in ("PostgreSQL", "SQLite") for count in counts]
    return Result(
        "Questions to a store with many connections",
        command(),
        ("ms", *heads),
        rows,
        f"Medians of {ROUNDS}, on a store of so many connections, each with {PULLS} ended pulls, a queued push, {EVENTS} events and {RECORDS} "
        f"records; one in {FEW} with an endpoint and a run under way.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measure(counts=arguments.counts).show(as_json=arguments.json)


if __name__ == "__main__":
    main()
