"""Realtime with real processes: a whole sync as a client hears it, and two nodes of which one dies."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import socketio
from cryptography.fernet import Fernet
from pydantic import SecretStr
from tests.api.doors import HOME, T0, Door, opened
from tests.journeys.conftest import Notion, Syncline

from syncline.api.deps import ACCESS_COOKIE
from syncline.app import App
from syncline.core.event import Event
from syncline.core.permission import Scope
from syncline.settings import Settings
from syncline.store import events

SECONDS = 60
PAGES = 12 + 20
"""What the emulator of these journeys holds."""


@pytest.fixture
def settings(tmp_path: Path, postgres_url: str) -> Settings:
    key = SecretStr(Fernet.generate_key().decode())
    return Settings(home=tmp_path / "home", database_url=SecretStr(postgres_url), key=key)


@pytest_asyncio.fixture
async def door(settings: Settings) -> AsyncIterator[Door]:
    """The store that the nodes share, with a workspace and its owner."""
    async with App.open(settings) as app, opened(app) as door:
        await door.user("owner", owner=True)
        await door.workspace(HOME, owner="owner")
        yield door


@contextmanager
def node(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """One API process, and its URL."""
    assert settings.database_url is not None
    assert settings.key is not None
    environment = os.environ | {
        "SYNCLINE_HOME": str(settings.home),
        "SYNCLINE_DATABASE_URL": settings.database_url.get_secret_value(),
        "SYNCLINE_KEY": settings.key.get_secret_value(),
    }
    command = [sys.executable, "-m", "syncline", "serve", "--role", "api", "--port", "0"]
    with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


@asynccontextmanager
async def listening(url: str, token: str, since: int | None = None) -> AsyncIterator[list[int]]:
    """What a client hears: the numbers of the events."""
    heard: list[int] = []
    greeted = asyncio.Event()
    client = socketio.AsyncClient(reconnection=False, request_timeout=SECONDS)

    async def progress(message: dict[str, Any]) -> None:
        heard.append(message["number"])

    client.on("sync:progress", progress, namespace="/sync")
    client.on("connected", lambda _: greeted.set(), namespace="/sync")
    auth = {"token": token} | ({} if since is None else {"since": {HOME: since}})
    await client.connect(url, auth=auth, namespaces=["/sync"], transports=["websocket"], wait_timeout=SECONDS)
    await asyncio.wait_for(greeted.wait(), SECONDS)  # from here on nothing is missed
    try:
        yield heard
    finally:
        await client.disconnect()


async def log(door: Door, *numbers: int) -> None:
    async with door.app.database.begin() as conn:
        await events.append(conn, HOME, [Event("sync:progress", {"number": one}) for one in numbers], now=T0)


async def until(heard: list[int], count: int) -> None:
    async def wait() -> None:
        while len(heard) < count:  # noqa: ASYNC110 - it is filled by a callback
            await asyncio.sleep(0.02)

    await asyncio.wait_for(wait(), SECONDS)


async def test_clients_of_two_processes_hear_everything_once_and_in_order(
    door: Door, settings: Settings
) -> None:
    token = (await door.key("owner", Scope.READ))["Authorization"].removeprefix("Bearer ")
    with ExitStack() as nodes:
        (dying, here), (_, there) = (nodes.enter_context(node(settings)) for _ in range(2))
        async with listening(here, token) as one, listening(there, token) as two:
            await asyncio.gather(*(log(door, *range(10 * part, 10 * part + 10)) for part in range(20)))
            await until(one, 200)
            await until(two, 200)
            dying.send_signal(signal.SIGKILL)
            await log(door, *range(200, 250))
            await until(two, 250)
        async with listening(there, token, since=200) as moved:
            await until(moved, 50)
            await log(door, 250)
            await until(moved, 51)

    assert one == two[:200]
    assert sorted(two) == list(range(250))
    assert moved == list(range(200, 251))


@pytest.fixture
def connected(syncline: Syncline, notion: Notion) -> Syncline:
    syncline.connect(notion)
    return syncline


async def test_a_client_hears_a_whole_sync_from_its_start_to_its_end(connected: Syncline) -> None:
    with connected.start("serve", "--port", "0", SYNCLINE_SYNC_COOLDOWN="0") as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            setup = server.stdout.readline().strip().partition("#key=")[2]
            heard = await whole_sync(url, setup)
        finally:
            server.kill()

    kinds = [kind for kind, _ in heard]
    job = heard[-1][1]["jobId"]
    assert [one["seq"] for _, one in heard] == list(range(1, len(heard) + 1))
    assert {one["jobId"] for _, one in heard} == {job}
    assert kinds[:2] == ["sync:start", "sync:status"]
    assert kinds.count("sync:page-fetched") == heard[-1][1]["totalPages"] == PAGES
    assert {one["status"] for kind, one in heard if kind == "sync:page-fetched"} == {"success"}
    assert "sync:progress" in kinds
    assert "sync:indexing" in kinds


async def whole_sync(url: str, setup: str) -> list[tuple[str, Any]]:
    """Register as the first user, and listen to the first sync until it is complete."""
    async with httpx2.AsyncClient(base_url=url, timeout=SECONDS) as http:
        person = {
            "email": "ann@example.com",
            "name": "Ann",
            "password": "correct horse battery",
            "key": setup,
        }
        answer = await http.post("/api/v1/auth/register", json=person)
        assert answer.status_code == 201, answer.text
        cookie = answer.cookies[ACCESS_COOKIE]
        headers = {"Authorization": f"Bearer {cookie}"}
        (workspace,) = (await http.get("/api/v1/notion/workspaces", headers=headers)).json()["data"][
            "workspaces"
        ]
    heard: list[tuple[str, Any]] = []
    complete = asyncio.Event()
    client = socketio.AsyncClient(reconnection=False, request_timeout=SECONDS)

    async def hear(kind: str, message: Any) -> None:
        if "seq" in message:
            heard.append((kind, message))
        if kind == "sync:complete":
            complete.set()

    client.on("*", hear, namespace="/sync")
    auth = {"token": cookie, "since": {workspace["id"]: 0}}
    await client.connect(url, auth=auth, namespaces=["/sync"], transports=["websocket"], wait_timeout=SECONDS)
    await asyncio.wait_for(complete.wait(), SECONDS)
    await client.disconnect()
    return heard[: 1 + next(place for place, (kind, _) in enumerate(heard) if kind == "sync:complete")]
