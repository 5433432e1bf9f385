"""Two API nodes and three workers on one PostgreSQL, and workers killed in the middle of twenty syncs."""

import asyncio
import json
import signal
import subprocess
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.journeys.cluster import (
    Cluster,
    all_pulled,
    asked_twice,
    cluster,
    connect_many,
    incomplete,
    line,
    over_budget,
)
from tests.journeys.conftest import Notion, emulator

from syncline.app import App
from syncline.engine.worker import BEAT
from syncline.settings import Settings
from syncline.store import runs
from syncline.store import workers as registered

WORKSPACE = "generated:pages=8,rows=12,blocks=300,depth=2,data_sources=1"
PAGES = 8 + 12
CONNECTIONS = 20
BUDGET = (60, 2.0)
"""Requests, seconds. A killed worker's requests in flight hold their slots for over a minute: three kills must leave some."""
SLOW = 6.0
"""Seconds that an answer takes while workers are killed, so that no sync ends before the last of them is."""
TAKEOVER = 15.0
IN_FLIGHT = 32
"""Answers that a killed worker may have asked for and not stored, for each run it executed."""


@pytest.fixture
def notion() -> Iterator[Notion]:
    with emulator("empty") as started:
        yield started


@pytest.fixture
def members(tmp_path: Path, postgres_url: str) -> Iterator[Cluster]:
    with cluster(tmp_path / "home", postgres_url) as made:
        yield made


@pytest_asyncio.fixture
async def app(tmp_path: Path, postgres_url: str) -> AsyncIterator[App]:
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(postgres_url), key=None)
    async with App.open(settings) as app:
        yield app


async def held_by_others(app: App, alive: set[int]) -> dict[str, int]:
    """The runs under way whose worker is none of the processes `alive`, with their attempts."""
    query = "SELECT r.id, r.attempt FROM runs r LEFT JOIN workers w ON w.id = r.worker WHERE r.state = 'running' AND (w.pid IS NULL OR w.pid NOT IN (%s))"
    async with app.database.read() as conn:
        rows = await conn.exec_driver_sql(query % ",".join(map(str, alive)))
        found: list[Any] = list(rows)
    return {run: attempt for run, attempt in found}  # noqa: C416  a row is a pair to no type checker


async def beats(app: App, alive: set[int]) -> dict[int, int]:
    """How often each of the processes `alive` has beaten."""
    async with app.database.read() as conn:
        return {worker.pid: worker.beats for worker in await registered.every(conn) if worker.pid in alive}


async def taken_over(app: App, orphans: dict[str, int], *, alive: set[int]) -> float:
    """The seconds until somebody else has each of the runs, or it has ended, by the clock of those who live: their beats."""
    began = await beats(app, alive)
    async with asyncio.timeout(60):
        for run_id, attempt in orphans.items():
            while True:  # a row has no event
                async with app.database.read() as conn:
                    run = await runs.one(conn, run_id)
                if run.ended or run.attempt > attempt:
                    break
                await asyncio.sleep(0.1)
    ended = await beats(app, alive)
    return max(count - began.get(pid, 0) for pid, count in ended.items()) * BEAT


async def under_way(app: App) -> None:
    """Wait until some runs are executed."""
    async with asyncio.timeout(60):
        while len(await held_by_others(app, {0})) < 3:  # noqa: ASYNC110  a row has no event
            await asyncio.sleep(0.05)


async def kill(
    app: App, members: Cluster, workers: list["subprocess.Popen[str]"], *, count: int
) -> tuple[int, float]:
    """Kill workers and start others in their place: how many runs they had, and how long those had nobody."""
    for victim in workers[:count]:
        victim.send_signal(signal.SIGKILL)
    for victim in workers[:count]:
        victim.wait()
    workers[:count] = []
    alive = {worker.pid for worker in workers}
    orphans = await held_by_others(app, alive)
    workers.extend(members.worker() for _ in range(count))
    return len(orphans), await taken_over(app, orphans, alive=alive)


def ask(url: str, path: str, *, token: str | None = None, body: Any = None) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url + path, headers=headers, data=data)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


async def test_killed_workers_leave_every_store_complete_and_the_budget_kept(
    app: App, notion: Notion, members: Cluster
) -> None:
    known = await connect_many(app, notion, WORKSPACE, count=CONNECTIONS, rate=f"{BUDGET[0]}/{BUDGET[1]:g}")
    notion.control("PUT", "latency", {"seconds": SLOW})
    nodes = [members.start("--role", "api", "--port", "0") for _ in range(2)]
    workers = [members.worker() for _ in range(3)]
    urls = [line(node).split()[-1] for node in nodes]
    link = line(nodes[0]).split()[-1]
    killed: list[tuple[int, float]] = []

    for count in (1, 2):  # what three deaths strike is parked: twice is the most that a run may meet here
        await under_way(app)
        killed.append(await kill(app, members, workers, count=count))
    notion.control("PUT", "latency", {"seconds": 0.2})
    pulled = await all_pulled(app, known, seconds=180)

    log = notion.control("GET", "requests?limit=200000")["requests"]
    assert await incomplete(app, known, pages=PAGES) == {}
    assert over_budget(log, count=BUDGET[0], seconds=BUDGET[1]) == {}
    assert [request for request in log if request["status"] == 429] == []
    assert sum(count for count, _ in killed) > 0, "no kill struck a run"
    assert max(seconds for _, seconds in killed) < TAKEOVER
    assert sum(run.reaps for run in pulled) == sum(count for count, _ in killed), "no live work was taken"
    assert asked_twice(log) <= IN_FLIGHT * sum(count for count, _ in killed)
    assert seen_from(urls, link) == [CONNECTIONS, CONNECTIONS]


def seen_from(urls: list[str], link: str) -> list[int]:
    """How many workspaces the first user sees from each node, after registering at the first one."""
    key = link.partition("#key=")[2]
    ann = {"email": "ann@example.com", "name": "Ann", "password": "correct horse battery", "key": key}
    token = ask(urls[0], "/api/v1/auth/register", body=ann)["data"]["accessToken"]
    return [len(ask(url, "/api/v1/notion/workspaces", token=token)["data"]["workspaces"]) for url in urls]


async def test_a_drained_worker_hands_its_syncs_over_at_once(
    app: App, notion: Notion, members: Cluster
) -> None:
    [one] = await connect_many(app, notion, WORKSPACE, count=1, rate="none")
    notion.control("PUT", "latency", {"seconds": 0.5})
    first = members.worker()
    async with asyncio.timeout(60):
        while not await held_by_others(app, {0}):  # noqa: ASYNC110  a row has no event
            await asyncio.sleep(0.05)
    members.worker()
    first.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(first.wait, 60) == 0
    notion.control("PUT", "latency", {"seconds": 0})

    [run] = await all_pulled(app, [one], seconds=120)
    assert (run.attempt, run.reaps) == (2, 0)
    assert await incomplete(app, [one], pages=PAGES) == {}
