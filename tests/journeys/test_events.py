"""Events with real processes: an edit in Notion reaches the record through nodes that die, and the log is followed through a pipe."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.journeys.cluster import all_pulled, cluster, line
from tests.journeys.conftest import Notion, Syncline

from syncline.app import App
from syncline.core.model import Kind
from syncline.engine import inbox as engine
from syncline.engine.connect import Asked, connect
from syncline.settings import Settings
from syncline.store import connections, inbox, records, runs, subscriptions
from syncline.store.inbox import State

SECONDS = 60
WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] == 'opentelemetry':
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
from syncline.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@pytest_asyncio.fixture
async def app(tmp_path: Path, postgres_url: str) -> AsyncIterator[App]:
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(postgres_url), key=None)
    async with App.open(settings) as app:
        yield app


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await holds():  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.05)


def rename(notion: Notion, page: str, title: str) -> None:
    notion.api("PATCH", f"pages/{page}", {"properties": {"title": {"title": [{"text": {"content": title}}]}}})


def pages(notion: Notion) -> list[str]:
    wanted = {"filter": {"property": "object", "value": "page"}}
    return [page["id"] for page in notion.api("POST", "search", wanted)["results"]]


async def test_an_edit_reaches_the_record_and_what_a_killed_worker_was_reading_is_read_by_another(
    app: App, own_notion: Notion, tmp_path: Path, postgres_url: str
) -> None:
    notion = own_notion
    one = await connect(app, Asked(token=notion.token, name="w", base_url=notion.url, rate="none"))
    first, *others = pages(notion)[:6]

    async def titles() -> dict[str, str]:
        async with app.database.read() as conn:
            found = await records.find(conn, one.id, Kind.PAGE, [first, *others])
        return {record.key: record.title for record in found.values()}

    async def refreshing() -> bool:
        async with app.database.read() as conn:
            run = await runs.live(conn, one.id, "pull")
        return run is not None and run.kind == "refresh" and run.state is runs.RunState.RUNNING

    with cluster(tmp_path / "home", postgres_url) as members:
        url = line(members.start("--role", "api", "--port", "0")).split()[-1]
        worker = members.worker()
        async with app.database.read() as conn:
            known = await connections.find(conn, one.id)
        await all_pulled(app, [known], seconds=60)
        ours = await engine.subscribe(app, name="test", connection_id=one.id)
        notion.control("PATCH", "webhooks", {"window": 0.0})
        notion.control("POST", "webhooks", {"url": f"{url}/webhooks/notion/{ours.id}"})

        async def paired() -> bool:
            async with app.database.read() as conn:
                return (await subscriptions.one(conn, ours.id)).paired_at is not None

        await until(paired)
        rename(notion, first, "Told")
        await until(lambda: _is(titles, {first: "Told"}))

        notion.control("PUT", "latency", {"seconds": 1})
        for page in others:
            await asyncio.to_thread(rename, notion, page, "Told to another")
        await until(refreshing)
        worker.kill()
        worker.wait()
        notion.control("PUT", "latency", {"seconds": 0})
        members.worker()
        await until(lambda: _is(titles, dict.fromkeys(others, "Told to another")))

        async def answered() -> bool:
            async with app.database.read() as conn:
                return set(await inbox.counts(conn, ours.id)) <= {State.DONE, State.IGNORED}

        await until(answered)


async def _is(titles: Callable[[], Awaitable[dict[str, str]]], wanted: dict[str, str]) -> bool:
    return (await titles()).items() >= wanted.items()


def test_the_log_is_followed_through_a_pipe_line_by_line_until_ctrl_c(
    syncline: Syncline, notion: Notion
) -> None:
    syncline.connect(notion)
    assert syncline("pull").code == 0
    with syncline.start("logs", "--follow", "--json", "--limit", "1") as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["status"] == 200
        assert syncline("pull").code == 0
        assert json.loads(child.stdout.readline())["run_id"] is not None
        child.send_signal(signal.SIGINT)
        ended = syncline.ended(child)
    assert (ended.code, ended.err) == (130, "Stopped.\n")


def test_the_log_of_one_run_is_found_by_the_beginning_of_its_id(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)
    run = syncline("pull", "--json").json["run"]
    syncline("pull")
    lines = syncline("logs", "--run", run[:8], "--json").out.splitlines()
    assert {json.loads(line)["run_id"] for line in lines} == {run}
    assert len(lines) > 1


def test_a_token_in_a_title_is_in_the_record_and_nowhere_in_the_log(
    syncline: Syncline, own_notion: Notion
) -> None:
    planted = "ntn_PlantedInATitle0123456789abcdefghijklmno"
    rename(own_notion, pages(own_notion)[0], f"my token {planted}")
    syncline.connect(own_notion)
    assert syncline("pull", SYNCLINE_LOG_REQUESTS="bodies").code == 0
    with closing(sqlite3.connect(syncline.home / "store.sqlite")) as store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        holding = {
            table
            for table in tables
            if not table.startswith(("sqlite_", "search_"))
            and any(planted in repr(row) for row in store.execute(f'SELECT * FROM "{table}"'))
        }
        (bodies,) = store.execute(
            "SELECT count(*) FROM exchanges WHERE answer LIKE '%[redacted]%'"
        ).fetchone()
    # A page's title is also the text of the block that shows it on the page around it.
    assert {"records"} <= holding <= {"records", "block_lists", "documents"}
    assert bodies > 0


def test_a_reader_of_the_log_that_goes_away_ends_it_quietly(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)
    assert syncline("pull").code == 0
    with syncline.start("logs", "--follow") as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.stdout.close()
        assert syncline("pull").code == 0
        assert child.wait(SECONDS) == 1
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_a_worker_whose_collector_is_away_ends_in_time(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)
    with syncline.start(
        "serve", "--role", "worker", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9"
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.terminate()
        ended = syncline.ended(child)
    assert ended.code == 0
    assert ended.err == "Stopped.\n"


@pytest.mark.parametrize(("endpoint", "code"), [({}, 0), ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, 2)])
def test_without_the_extra_everything_works_that_does_not_ask_for_it(
    syncline: Syncline, notion: Notion, endpoint: dict[str, str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncline.connect(notion)
    monkeypatch.setenv("SYNCLINE_HOME", str(syncline.home))
    for name, value in endpoint.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-c", WITHOUT, "pull"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert said.returncode == code, said.stderr
    assert ("pip install 'syncline[otel]'" in said.stderr) is bool(endpoint)
