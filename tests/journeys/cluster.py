"""Several processes of the service on one PostgreSQL, and a local Notion with many workspaces: to be killed and counted."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.journeys.conftest import Notion

from syncline.app import App
from syncline.core.model import Kind
from syncline.engine.connect import Asked, connect
from syncline.store import connections, frontier, ledger, records, runs
from syncline.store.connections import Connection
from syncline.store.runs import Run

SECONDS = 60
PAGE_READS = r"^/v1/blocks/"


@dataclass
class Cluster:
    """The processes. `database` is the URL of the store."""

    home: Path
    database: str
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNCLINE_")}
        return kept | {"SYNCLINE_HOME": str(self.home), "SYNCLINE_DATABASE_URL": self.database}

    def start(self, *options: str) -> "subprocess.Popen[str]":
        """Start ``syncline serve`` and wait for its first line."""
        child = subprocess.Popen(
            [sys.executable, "-m", "syncline", "serve", *options],
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.started.append(child)
        return child

    def worker(self) -> "subprocess.Popen[str]":
        return self.start("--role", "worker", "--concurrency", "8")

    def stop(self) -> None:
        """Stop what still runs, gently, and see that it went gently."""
        for child in self.started:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self.started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(60)
            child.kill()
            child.wait()
            assert child.stdout is not None
            child.stdout.close()


@contextlib.contextmanager
def cluster(home: Path, database: str) -> Iterator[Cluster]:
    one = Cluster(home, database)
    try:
        yield one
    finally:
        one.stop()


def line(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    return child.stdout.readline()


async def connect_many(
    app: App, notion: Notion, workspace: str, *, count: int, rate: str
) -> list[Connection]:
    """Connect to `count` workspaces of `notion`, each with a connection of its own name."""
    made = []
    for number in range(count):
        world = notion.control("POST", "workspaces", {"workspace": workspace})
        name = f"w{number}"
        asked = {"name": name, "workspace": world["id"], "all_pages": True}
        token = notion.control("POST", "connections", asked)["token"]
        made.append(await connect(app, Asked(token=token, name=name, base_url=notion.url, rate=rate)))
    return made


async def newest(app: App, connection: Connection) -> Run | None:
    async with app.database.read() as conn:
        found = await runs.latest(conn, connection.id, limit=1)
    return found[0] if found else None


async def all_pulled(app: App, known: list[Connection], *, seconds: float) -> list[Run]:
    """Wait until the first pull of each connection has succeeded; those pulls."""
    async with asyncio.timeout(seconds):
        while True:
            found = [await newest(app, one) for one in known]
            if all(run is not None and run.state is runs.RunState.SUCCEEDED for run in found):
                return [run for run in found if run is not None]
            assert not [run for run in found if run is not None and run.state is runs.RunState.FAILED], found
            await asyncio.sleep(0.2)


async def incomplete(app: App, known: list[Connection], *, pages: int) -> dict[str, Any]:
    """What is amiss with the stores, by connection: nothing, if each holds `pages` pages and has read them all."""
    wrong: dict[str, Any] = {}
    async with app.database.read() as conn:
        for one in known:
            held = await records.count_live(conn, one.id, kinds=[Kind.PAGE])
            state = held, await frontier.counts(conn, one.id), await ledger.count_open(conn, one.id)
            if state != (pages, {}, 0):
                wrong[one.name] = state
    return wrong


async def connection_names(app: App) -> list[str]:
    async with app.database.read() as conn:
        return [one.name for one in await connections.every(conn)]


def most_in_any(moments: list[int], *, seconds: float) -> int:
    """The largest number of `moments`, in milliseconds, within any window of so many seconds."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= seconds * 1000:
            first += 1
        most = max(most, last - first + 1)
    return most


def over_budget(log: list[dict[str, Any]], *, count: int, seconds: float) -> dict[str, int]:
    """The connections that sent more than `count` requests in some window, with how many."""
    moments: dict[str, list[int]] = {}
    for request in log:
        moments.setdefault(request["connection"], []).append(request["at"])
    most = {name: most_in_any(sorted(times), seconds=seconds) for name, times in moments.items()}
    return {name: number for name, number in most.items() if number > count}


def asked_twice(log: list[dict[str, Any]]) -> int:
    """How many answers about the content of a page were asked for again."""
    asked = Counter(
        (request["connection"], request["path"], request["query"])
        for request in log
        if request["path"].startswith("/v1/blocks/")
    )
    return sum(count - 1 for count in asked.values())
