"""Socket.IO with the official JavaScript client, running the program that docs/howto/realtime.md shows."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.api.doors import HOME, T0, Door
from tests.api.served import served

from syncline.api.service import Service
from syncline.core.event import Event
from syncline.store import events

DOCS = Path(__file__).parents[2] / "docs"
SECONDS = 60


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of the page, beside the client that it imports."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no Node.js")
    folder = tmp_path_factory.mktemp("javascript")
    (folder / "package.json").write_text('{"type": "module"}')
    quietly = ("--no-audit", "--no-fund", "--silent", "--fetch-retries=1")
    install = [npm, "install", *quietly, "socket.io-client@4.8.1"]
    try:
        done = subprocess.run(install, cwd=folder, check=False, timeout=100, capture_output=True)
    except subprocess.TimeoutExpired:
        pytest.skip("npm got nothing from its registry in 100 seconds")
    if done.returncode:
        pytest.skip("socket.io-client cannot be installed: no network")
    page = (DOCS / "howto" / "realtime.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```js\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (folder / "listen.js").write_text(f'{block}socket.on("connected", () => console.log("connected"));\n')
    return folder / "listen.js"


@dataclass
class Program:
    """The program as it runs."""

    process: asyncio.subprocess.Process

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), SECONDS)).decode().rstrip()

    async def event(self) -> tuple[str, Any]:
        """The next event: kind and message."""
        while (line := await self.line()) == "connected" or "error" in line.partition("{")[0]:
            pass  # it says so, too, where it comes back before the service does
        kind, _, message = line.split(" ", 2)
        return kind, json.loads(message)


@asynccontextmanager
async def running(program: Path, url: str, key: str) -> AsyncIterator[Program]:
    node = shutil.which("node")
    assert node is not None
    process = await asyncio.create_subprocess_exec(
        node,
        str(program),
        cwd=program.parent,
        env={"PATH": os.environ["PATH"], "SYNCLINE_URL": url, "SYNCLINE_KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Program(process)
    finally:
        process.kill()
        await process.communicate()


@asynccontextmanager
async def node(door: Door, place: str = "") -> AsyncIterator[str]:
    """One node of the service, anew or in the place of another."""
    port = int(place.rpartition(":")[2]) if place else 0
    async with Service.open(door.app) as service, served(service, port=port) as url:
        yield url


async def log(door: Door, *numbers: int) -> None:
    async with door.app.database.begin() as conn:
        happened = [Event("sync:progress", {"current": number}, "job") for number in numbers]
        await events.append(conn, HOME, happened, now=T0)


async def token(door: Door, name: str) -> str:
    return (await door.signed_in(name))["Authorization"].removeprefix("Bearer ")


async def test_the_official_client_hears_the_events_of_its_workspace(door: Door, program: Path) -> None:
    async with (
        node(door) as url,
        running(program, url, await token(door, "viewer")) as ear,
    ):
        assert await ear.line() == "connected"
        await log(door, 45)
        kind, message = await ear.event()

    assert kind == "sync:progress"
    assert message == {
        "workspaceId": HOME,
        "notionWorkspaceId": f"notion-{HOME}",
        "jobId": "job",
        "seq": 1,
        "timestamp": "2026-11-20T12:00:00.000Z",
        "current": 45,
    }


async def test_the_official_client_comes_back_by_itself_and_misses_nothing(door: Door, program: Path) -> None:
    async with AsyncExitStack() as first:
        url = await first.enter_async_context(node(door))
        async with running(program, url, await token(door, "member")) as ear:
            assert await ear.line() == "connected"
            await log(door, 1)
            assert (await ear.event())[1]["current"] == 1

            await first.aclose()
            await log(door, *range(2, 301))
            door.time.pass_(seconds=60)
            async with node(door, url):
                await log(door, 301)
                heard = [(await ear.event())[1]["current"] for _ in range(300)]

    assert heard == list(range(2, 302))


async def test_the_official_client_is_told_why_it_is_refused(door: Door, program: Path) -> None:
    async with node(door) as url, running(program, url, "slk_forged") as ear:
        assert (await ear.line()).endswith("TOKEN_INVALID")
