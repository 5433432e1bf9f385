"""Many connected workspaces on one PostgreSQL with two workers: whether schedules are on time, and what an idle poll costs.

Each connection is pulled once in full, then every `every` seconds, and nothing changes in between. Lateness is from the slot, as the
grid of the schedule has it, to the start of the pull. What is idle apart from polls is measured with all schedules off.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import func, select, text, update

from bench.harness import Emulator, Result, command, scratch
from bench.serving import Server, cpu_seconds, percentile, postgres
from syncline.app import App
from syncline.engine.connect import Asked, connect
from syncline.engine.schedule import next_slot
from syncline.settings import Settings
from syncline.store.runs import RunState
from syncline.store.schedules import Schedule
from syncline.store.tables import runs
from syncline.store.tables_work import schedules

__all__ = ["measure"]

WORKSPACE = "generated:pages=2,rows=0,blocks=2,depth=1,data_sources=0"
WIDTH = 8
"""Workspaces that are connected at the same time."""
WARM = 10
"""Seconds before what is measured: what was under way has ended, and what begins has begun."""
POLLS_A_DAY = 4
"""Of a connection at the interval that is the default, six hours."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a span of time took: seconds, and of processor time the workers' and the database's; its transactions."""

    seconds: float
    workers: float
    database: float
    transactions: int


async def connected(app: App, emulator: Emulator, count: int) -> None:
    """Connect to `count` workspaces, a few at a time, with schedules that are off."""
    numbers = iter(range(count))

    async def connect_some() -> None:
        for number in numbers:
            world = await asyncio.to_thread(emulator.ask, "/_emulator/workspaces", {"workspace": WORKSPACE})
            asked = Asked(token=world["token"], name=f"w{number}", base_url=emulator.url, rate="180/60")
            await connect(app, asked)

    await asyncio.gather(*(connect_some() for _ in range(WIDTH)))
    async with app.database.begin() as conn:
        await conn.execute(update(schedules).values(enabled=False))


async def settled(app: App, count: int) -> float:
    """Seconds until the first pull of each connection has ended."""
    async with app.database.begin() as conn:
        await conn.execute(
            update(schedules).values(enabled=True, next_at=app.now(), every=86_400, reconcile_cron=None)
        )
    start = time.monotonic()
    query = select(func.count()).select_from(runs).where(runs.c.state == RunState.SUCCEEDED)
    while True:
        async with app.database.read() as conn:
            if (await conn.scalar(query) or 0) >= count:
                return time.monotonic() - start
        await asyncio.sleep(1)


async def observed(app: App, processes: Sequence[int], database: Any, *, seconds: float) -> Span:
    """What happens in so many seconds."""

    async def counted() -> tuple[float, float, int]:
        async with app.database.read() as conn:
            done = await conn.scalar(
                text("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
            )
        return cpu_seconds(processes), cpu_seconds(family(database)), int(done or 0)

    start, before = time.monotonic(), await counted()
    await asyncio.sleep(seconds)
    after, passed = await counted(), time.monotonic() - start
    return Span(passed, after[0] - before[0], after[1] - before[1], after[2] - before[2])


def family(server: Any) -> list[int]:
    """The processes of the database."""
    process = server.get_postmaster_info().process
    return [process.pid, *(child.pid for child in process.children(recursive=True))]


async def lateness(app: App, *, every: int, since: datetime) -> list[float]:
    """By how many seconds each pull since then began after its slot."""
    columns = [runs.c.connection_id, runs.c.started_at]
    query = select(*columns).where(runs.c.queued_at >= since, runs.c.requested_by == "schedule")
    async with app.database.read() as conn:
        found = (await conn.execute(query)).all()
    late = []
    for connection_id, started_at in found:
        slot = next_slot(Schedule(connection_id, every=every), started_at - timedelta(seconds=every))
        assert slot is not None
        late.append((started_at - slot).total_seconds() % every)
    return late


async def measured(
    folder: Path, *, count: int, every: int, seconds: float
) -> tuple[float, Span, Span, list[float]]:
    with postgres(folder) as database, Emulator("empty") as emulator:
        url = database.get_uri()
        settings = Settings(home=folder / "home", database_url=SecretStr(url), key=None)
        async with App.open(settings) as app:
            await connected(app, emulator, count)
            options = ("--role", "worker", "--concurrency", "16")
            with Server(settings.home, *options, SYNCLINE_DATABASE_URL=url) as one, \
                    Server(settings.home, *options, SYNCLINE_DATABASE_URL=url) as two:  # fmt: skip
                first = await settled(app, count)
                processes = [one.process, two.process]
                await asyncio.sleep(WARM)
                idle = await observed(app, processes, database, seconds=seconds / 4)
                await spread(app, every)
                await asyncio.sleep(WARM)
                since = datetime.now(UTC)
                polling = await observed(app, processes, database, seconds=seconds)
                late = await lateness(app, every=every, since=since)
    return first, idle, polling, late


async def spread(app: App, every: int) -> None:
    """Put every schedule on its grid."""
    now = app.now()
    async with app.database.begin() as conn:
        for (connection_id,) in (await conn.execute(select(schedules.c.connection_id))).all():
            slot = next_slot(Schedule(connection_id, every=every), now - timedelta(seconds=every / 2))
            this = schedules.c.connection_id == connection_id
            await conn.execute(update(schedules).where(this).values(every=every, next_at=slot))


def measure(*, count: int = 1000, every: int = 120, seconds: float = 240) -> Result:
    with scratch() as folder:
        first, idle, polling, late = asyncio.run(measured(folder, count=count, every=every, seconds=seconds))
    polls = len(late)
    workers = max(0.0, polling.workers - idle.workers * polling.seconds / idle.seconds) / polls
    database = max(0.0, polling.database - idle.database * polling.seconds / idle.seconds) / polls
    transactions = (polling.transactions - idle.transactions * polling.seconds / idle.seconds) / polls
    cores = (workers + database) * 100_000 * POLLS_A_DAY / 86_400
    row = (
        f"{count:,}", f"{first:.0f} s", f"{polls:,} of {count * polling.seconds / every:,.0f}",
        f"{percentile(late, 0.5):.2f} s", f"{percentile(late, 0.99):.2f} s", f"{max(late):.2f} s",
        f"{workers * 1000:.0f} ms", f"{database * 1000:.0f} ms", f"{transactions:.0f}",
        f"{(idle.workers + idle.database) / idle.seconds:.1%}", f"{cores:.2f}",
    )  # fmt: skip
    return Result(
        "Schedules of many connections",
        command(),
        (
            "connections", "first pulls", "polls", "late, median", "late, p99", "late, most", "workers' CPU a poll",
            "PostgreSQL's CPU a poll", "transactions a poll", "of a core, without polls", "cores for 100,000",
        ),
        [row],
        f"Two workers, each pull every {every} s for {polling.seconds:.0f} s, nothing changed. The last column is extrapolated: 100,000 connections, "
        f"{POLLS_A_DAY} polls a day each. Workers, PostgreSQL and emulator share the machine: {os.cpu_count()} cores.",
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--every", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(count=arguments.count, every=arguments.every, seconds=arguments.seconds)
    result.show(as_json=arguments.json)


if __name__ == "__main__":
    main()
