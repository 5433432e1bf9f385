"""A workspace that can be synced: the service, a Notion over TCP, and a worker that executes what the routes ask for."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from tests.api.doors import HOME, Door

from notion_emulator import Emulator
from notion_emulator.seed import generate
from notion_emulator.world import World
from syncline.core.permission import Scope
from syncline.engine.kinds import SERVED
from syncline.engine.worker import Worker
from syncline.store import runs
from syncline.store.runs import Run

__all__ = ["Syncing", "syncing"]

SECONDS = 60


@dataclass(slots=True)
class Syncing:
    """The workspace HOME, whose owner is ``owner``, with an emulated Notion behind it."""

    door: Door
    emulator: Emulator
    owner: dict[str, str]
    worker: Worker | None = None
    serving: asyncio.Task[None] | None = None

    async def ask(self, method: str, path: str, **rest: Any) -> tuple[int, Any]:
        """Send a request as the owner."""
        return await self.door.ask(method, path, headers=self.owner | rest.pop("headers", {}), **rest)

    async def get(self, path: str) -> Any:
        """The data of an answer that must be good."""
        status, body = await self.ask("GET", path)
        assert status == 200, body
        return body["data"]

    async def run(self, job: str) -> Run:
        """A run as its row is."""
        async with self.door.app.database.read() as conn:
            return await runs.one(conn, job)

    async def ended(self, job: str) -> Run:
        """The run once it is over."""
        async with asyncio.timeout(SECONDS):
            while not (run := await self.run(job)).ended:  # noqa: ASYNC110 - a row has no event
                await asyncio.sleep(0.02)
        return run

    async def sync(self, **body: Any) -> Run:
        """Sync to the end."""
        status, answer = await self.ask("POST", "/notion/sync", json=body)
        assert status == 202, answer
        return await self.ended(answer["data"]["jobId"])

    def pass_time(self, **span: float) -> None:
        """Let time go on, here and at Notion."""
        self.door.time.pass_(**span)
        self.emulator.clock.advance(timedelta(**span).total_seconds())

    def trash(self, page: str) -> None:
        """Put a page into Notion's trash."""
        self.emulator.world.trash(self.emulator.world.nodes[page])

    async def work(self) -> None:
        """Let a worker execute what is queued, from now on."""
        self.worker = Worker(self.door.app, role="all", kinds=SERVED, beat=0.1)
        self.serving = asyncio.create_task(self.worker.serve())

    async def rest(self) -> None:
        """Let the worker stop."""
        if self.worker is not None and self.serving is not None:
            self.worker.drain()
            await self.serving
            self.serving = None


@asynccontextmanager
async def syncing(
    door: Door, *, sizes: dict[str, int] | None = None, works: bool = True
) -> AsyncIterator[Syncing]:
    """A workspace of these sizes. With `works` a worker executes what is queued."""
    world = World()
    seeded = generate(world, seed=1, **(sizes or {"pages": 6, "rows": 5, "blocks": 12, "data_sources": 1}))
    emulator = Emulator(world=world, seeded=seeded)
    emulator.clock.freeze(int(door.time().timestamp() * 1000))
    async with _listening(emulator.app) as url:
        await door.user("owner", owner=True)
        await door.workspace(HOME, token=emulator.token, base_url=url, owner="owner")
        held = Syncing(door, emulator, await door.key("owner", Scope.ADMIN))
        try:
            if works:
                await held.work()
            yield held
        finally:
            await held.rest()


@asynccontextmanager
async def _listening(app: ASGIApp) -> AsyncIterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
