"""Workers killed at random while they pull many workspaces on one PostgreSQL: how long a pull has nobody, and what it costs.

The test tests/journeys/test_distributed.py does the same in small. A kill strikes a worker that executes something;
another one is started in its place afterwards.
"""

import argparse
import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from pydantic import SecretStr
from sqlalchemy import select

from bench.harness import Emulator, Result, command, scratch
from bench.serving import Server, percentile, postgres
from syncline.app import App
from syncline.core.model import Kind
from syncline.engine.connect import Asked, connect
from syncline.settings import Settings
from syncline.store import records
from syncline.store.runs import RunState
from syncline.store.tables import runs
from syncline.store.tables_work import workers

__all__ = ["measure"]

PAGES, ROWS = 40, 110
WORKSPACE = f"generated:pages={PAGES},rows={ROWS},blocks=3000,depth=3,data_sources=2"
RATE = "180/10"


@dataclass(slots=True)
class Found:
    """What the kills did: the runs that each struck, and for each run the seconds until it went on."""

    struck: list[int] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)


async def held(app: App, process: int) -> dict[str, int]:
    """The runs that a process executes, with their attempts."""
    query = select(runs.c.id, runs.c.attempt).join_from(runs, workers, runs.c.worker == workers.c.id)
    async with app.database.read() as conn:
        found = (await conn.execute(query.where(workers.c.pid == process))).all()
    return {run_id: attempt for run_id, attempt in found}  # noqa: C416  rows are no pairs to mypy


async def any_live(app: App) -> bool:
    live = runs.c.state.in_([RunState.QUEUED, RunState.RUNNING])
    async with app.database.read() as conn:
        return await conn.scalar(select(runs.c.id).where(live).limit(1)) is not None


async def gone_on(app: App, orphans: dict[str, int], found: Found, *, since: float) -> None:
    """Note when each of the runs has somebody else, or has ended."""
    while orphans:
        async with app.database.read() as conn:
            now = (await conn.execute(select(runs.c.id, runs.c.attempt, runs.c.state))).all()
        for run_id, attempt, state in now:
            if run_id in orphans and (attempt > orphans[run_id] or state == RunState.FAILED):
                del orphans[run_id]
                found.waited.append(time.monotonic() - since)
        await asyncio.sleep(0.05)


async def killed(app: App, folder: Path, url: str, *, count: int, random: Random) -> Found:
    """Start three workers, and kill one of them again and again until `count` were killed or all is read."""
    options = ("--role", "worker", "--concurrency", "8")
    crew = [Server(folder, *options, SYNCLINE_DATABASE_URL=url) for _ in range(3)]
    found = Found()
    while len(found.struck) < count:
        await asyncio.sleep(random.uniform(1, 4))
        random.shuffle(crew)
        held_by = [await held(app, worker.process) for worker in crew]
        orphans = next((runs_of_one for runs_of_one in held_by if runs_of_one), None)
        if orphans is None:
            if not await any_live(app):
                break
            continue
        victim = crew.pop(held_by.index(orphans))
        os.kill(victim.process, signal.SIGKILL)
        since = time.monotonic()
        victim.stop()
        found.struck.append(len(orphans))
        await gone_on(app, orphans, found, since=since)
        crew.append(Server(folder, *options, SYNCLINE_DATABASE_URL=url))
    while await any_live(app):  # noqa: ASYNC110  rows have no event
        await asyncio.sleep(0.5)
    for worker in crew:
        worker.stop()
    return found


async def measured(
    folder: Path, *, connections: int, kills: int, seed: int
) -> tuple[Found, int, int, int, float]:
    """What the kills did; complete stores, requests made, rate limits met, seconds."""
    with postgres(folder) as database, Emulator("empty", latency=100) as emulator:
        url = database.get_uri()
        settings = Settings(home=folder / "home", database_url=SecretStr(url), key=None)
        async with App.open(settings) as app:
            known = []
            for number in range(connections):
                token = emulator.ask("/_emulator/workspaces", {"workspace": WORKSPACE})["token"]
                asked = Asked(token=token, name=f"w{number}", base_url=emulator.url, rate=RATE)
                known.append(await connect(app, asked))
            start = time.monotonic()
            found = await killed(app, settings.home, url, count=kills, random=Random(seed))
            seconds = time.monotonic() - start
            async with app.database.read() as conn:
                held_pages = [await records.count_live(conn, one.id, kinds=[Kind.PAGE]) for one in known]
        made = int(emulator.ask("/_emulator/requests?limit=0")["count"])
        limited = int(emulator.ask("/_emulator/requests?limit=0&status=429")["count"])
    return found, sum(pages == PAGES + ROWS for pages in held_pages), made, limited, seconds


def measure(*, connections: int = 40, kills: int = 20, seed: int = 0) -> Result:
    with scratch() as folder:
        found, complete, made, limited, seconds = asyncio.run(
            measured(folder, connections=connections, kills=kills, seed=seed)
        )
    waited = found.waited or [0.0]
    row = (
        str(len(found.struck)), str(sum(found.struck)), f"{complete} of {connections}",
        f"{percentile(waited, 0.5):.1f} s", f"{max(waited):.1f} s", str(made), str(limited), f"{seconds:.0f} s",
    )  # fmt: skip
    return Result(
        "Workers killed in the middle",
        command(),
        ("kills", "runs struck", "stores complete", "taken over, median", "at the latest", "requests", "rate limited", "time"),
        [row],
        f"Three workers on one PostgreSQL, {connections} workspaces `{WORKSPACE}`, budget {RATE} each.",
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=40)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(connections=arguments.connections, kills=arguments.kills, seed=arguments.seed)
    result.show(as_json=arguments.json)


if __name__ == "__main__":
    main()
