"""One trace from the request that asked for a sync, through the worker that ran it, to each request to Notion and the webhook."""

import asyncio
import http.server
import json
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.collector import Collector, collector
from tests.journeys.cluster import all_pulled, cluster, connect_many, line
from tests.journeys.conftest import Notion, emulator
from tests.journeys.test_distributed import ask

from syncline.app import App
from syncline.delivery.deliveries import create
from syncline.settings import Settings
from syncline.store import runs

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def notion() -> Iterator[Notion]:
    with emulator("generated:pages=4,rows=3,blocks=40,depth=2,data_sources=1") as started:
        yield started


@pytest_asyncio.fixture
async def app(tmp_path: Path, postgres_url: str) -> AsyncIterator[App]:
    settings = Settings(
        home=tmp_path / "home",
        database_url=SecretStr(postgres_url),
        key=None,
        allow_private_endpoints=True,
    )
    async with App.open(settings) as app:
        yield app


@contextmanager
def receiver() -> Iterator[tuple[str, list[str]]]:
    """An endpoint, and the contexts of what it was sent."""
    contexts: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            contexts.append(self.headers.get("traceparent", ""))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", contexts
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def sync(url: str, token: str, page: str) -> str:
    """Ask for a page as part of our trace; the id of the job."""
    request = urllib.request.Request(
        f"{url}/api/v1/notion/sync",
        data=json.dumps({"options": {"pageFilter": [page]}}).encode(),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "traceparent": PARENT,
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.loads(answer.read())["data"]["jobId"])


async def ended(app: App, run_id: str) -> None:
    async with asyncio.timeout(60):
        while True:
            async with app.database.read() as conn:
                run = await runs.one(conn, run_id)
            if run.ended:
                assert run.state is runs.RunState.SUCCEEDED, run
                return
            await asyncio.sleep(0.1)


async def test_one_trace_goes_through_all_processes(
    app: App, notion: Notion, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [one] = await connect_many(
        app, notion, "generated:pages=4,rows=3,blocks=40,depth=2,data_sources=1", count=1, rate="none"
    )
    with collector() as collected, receiver() as (hook, contexts):
        await create(app, one, url=hook, description="", types=("sync.complete",), streams=())
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collected.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        monkeypatch.setenv("SYNCLINE_ALLOW_PRIVATE_ENDPOINTS", "1")
        with cluster(tmp_path / "home", postgres_url) as members:
            kept = members.environment()
            monkeypatch.setattr(
                type(members), "environment", lambda _self: kept | {"SYNCLINE_ALLOW_PRIVATE_ENDPOINTS": "1"}
            )
            node = members.start("--role", "api", "--port", "0")
            members.worker()
            url, link = line(node).split()[-1], line(node).split()[-1]
            ann = {"email": "ann@example.com", "name": "Ann", "password": "correct horse battery"}
            key = link.partition("#key=")[2]
            token = ask(url, "/api/v1/auth/register", body=ann | {"key": key})["data"]["accessToken"]
            await all_pulled(app, [one], seconds=120)
            pages = ask(url, "/api/v1/notion/pages", token=token)["data"]
            page = next(iter(next(iter(pages.values()))))["sourceId"]
            before = len(notion.control("GET", "requests?limit=100000")["requests"])
            await ended(app, sync(url, token, page))
            made = len(notion.control("GET", "requests?limit=100000")["requests"]) - before
            await told(collected, contexts)
    check(collected, made)
    assert [context.split("-")[1] for context in contexts].count(TRACE) == 1


async def told(collected: Collector, contexts: list[str]) -> None:
    """Wait until the last span and the webhook have arrived."""
    async with asyncio.timeout(60):
        while not [context for context in contexts if TRACE in context]:  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.1)
        while not [span for span in collected.named("webhook") if span.trace == TRACE]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def check(collected: Collector, made: int) -> None:
    ours = [span for span in collected.spans if span.trace == TRACE]
    (asked,) = [span for span in ours if span.name == "POST /api/v1/notion/sync"]
    (run,) = [span for span in ours if span.name == "run pull"]
    requests = [span for span in ours if span.name.startswith("notion ")]
    assert (asked.parent, run.parent) == ("00f067aa0ba902b7", asked.id)
    assert {span.parent for span in requests} == {run.id}
    assert len(requests) == made > 0
    assert asked.attributes["http.response.status_code"] == 202
