"""A Notion of its own, a store, and the pull between them: what the tests of the engine share."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx2

from notion_emulator import Emulator
from syncline.core.errors import SynclineError
from syncline.core.model import Action, Document, Kind, StoredRecord
from syncline.engine.begin import Request, begin
from syncline.engine.extract import Extraction, Limits, Progress
from syncline.engine.pull import load_pull
from syncline.notion.budget import Budget, Unlimited
from syncline.notion.client import Client, Runtime
from syncline.notion.objects import LATEST, Version
from syncline.sources.notion import NotionSource
from syncline.store import connections, documents, ledger, records, runs
from syncline.store.database import Database
from syncline.store.ledger import Entry, Wanted
from syncline.store.secrets import KeyRing

HOME = "c1"
MARKER = re.compile(r"\bm\d{6}\b")


def by_place(entries: Iterable[Entry]) -> list[Entry]:
    """Entries of the ledger in an order that no time has a part in."""
    return sorted(entries, key=lambda entry: (entry.page, entry.block or ""))


@dataclass(slots=True)
class SteadyClock:
    """Time that passes only when somebody sleeps, so that retries cost a test nothing."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(slots=True)
class Pulling:
    """One emulated workspace and one store.

    `clock` is our time, `emulator.clock` Notion's; both stand still until a test moves them. `wrap` may put a
    transport around the emulator's. `ahead` is by how many seconds our clock is wrong.
    """

    emulator: Emulator
    database: Database
    version: Version = LATEST
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=Unlimited)
    wrap: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] | None = None
    runs: int = 0
    ahead: float = 0
    client: Client | None = None

    def now(self) -> datetime:
        """Our time: the emulator's, so that what is stored can be compared with what was edited."""
        return datetime.fromtimestamp(self.emulator.clock.now() / 1000 + self.ahead, UTC)

    def pass_time(self, **span: float) -> None:
        """Let time go on, by the keywords of timedelta."""
        self.emulator.clock.advance(timedelta(**span).total_seconds())

    async def connect(self, ring: KeyRing) -> None:
        """Store the connection."""
        connection = connections.Connection(
            id=HOME,
            name="home",
            base_url="http://notion.test",
            notion_version=self.version,
            rate="none",
            bot_id="bot",
            bot_name="bot",
            workspace_id=None,
            workspace_name=None,
            capabilities=(),
            created_at=self.now(),
        )
        async with self.database.begin() as conn:
            await connections.add(conn, connection, token=self.emulator.token, ring=ring)

    async def start(self, request: Request | None = None) -> Extraction:
        """Begin a run, as a process does that has just started."""
        self.runs += 1
        run_id = f"run-{self.runs}"
        source = self.source()
        pull = await begin(
            database=self.database,
            source=source,
            connection_id=HOME,
            run_id=run_id,
            request=request or Request(),
            now=self.now(),
            random=Random(self.runs),
        )
        async with self.database.begin() as conn:
            await runs.queue(
                conn,
                HOME,
                run_id=run_id,
                kind="pull",
                slot=run_id,  # no worker ends these runs, and each is to be let in
                requested_by="test",
                mode=pull.policy.mode,
                fidelity=pull.policy.fidelity,
                options={},
                now=self.now(),
            )
        return Extraction(
            database=self.database,
            source=source,
            connection_id=HOME,
            run_id=run_id,
            pull=pull,
            clock=self.now,
            random=Random(self.runs),
            limits=self.limits,
        )

    def source(self) -> NotionSource:
        """The workspace, through a client of its own."""
        transport: httpx2.AsyncBaseTransport = httpx2.ASGITransport(app=self.emulator.app)
        steady = SteadyClock()
        self.client = Client(
            self.emulator.token,
            version=self.version,
            base_url="http://notion.test",
            budget=self.budget,
            transport=self.wrap(transport) if self.wrap else transport,
            runtime=Runtime(clock=steady, sleep=steady.sleep, random=Random(self.runs).random),
        )
        return NotionSource(self.client, clock=self.now)

    async def pull(self, request: Request | None = None) -> Progress:
        """Pull to the end; the log of requests then holds this pull alone."""
        self.emulator.requests.clear()
        extraction = await self.start(request)
        while not (progress := await extraction.advance(60)).done:
            pass
        await self.close()
        return progress

    async def fail(self, error: type[SynclineError], request: Request | None = None) -> SynclineError:
        """Pull and expect that it ends with `error`."""
        try:
            await self.pull(request)
        except error as caught:
            await self.close()
            return caught
        raise AssertionError(f"the pull did not raise {error.__name__}")

    async def reached(self, requests: int, task: asyncio.Task[Any]) -> None:
        """Wait until so many requests were made, or the task has ended."""
        while self.emulator.requests.total < requests and not task.done():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)

    async def close(self) -> None:
        if self.client is not None:
            await self.client.close()

    def asked(self, path: str = "") -> int:
        """How many requests of the last pull had a path that matches."""
        return self.emulator.requests.count(path=path) if path else self.emulator.requests.total

    async def pages(self) -> dict[str, StoredRecord]:
        """The live pages by key."""
        return {key: one for key, one in (await self.held(Kind.PAGE)).items() if one.deleted_at is None}

    async def held(self, kind: Kind) -> dict[str, StoredRecord]:
        """All records of a kind by key, tombstones included."""
        async with self.database.read() as conn:
            found = await records.changes(conn, HOME, after=0, limit=1_000_000)
        return {one.key: one for one in found if one.kind is kind}

    async def documents(self) -> dict[str, Document]:
        """The content of the live pages."""
        pages = list(await self.pages())
        async with self.database.read() as conn:
            return await documents.load(conn, HOME, pages)

    async def left(self) -> bool:
        """Whether a pull was left behind."""
        async with self.database.read() as conn:
            return await load_pull(conn, HOME) is not None

    async def begun(self) -> None:
        """Wait until a first answer about a page is stored and the page is not whole."""
        while True:
            async with self.database.read() as conn:
                if await documents.unfinished(conn, HOME):
                    return
            await asyncio.sleep(0.01)

    async def ledger(self) -> list[Entry]:
        async with self.database.read() as conn:
            return by_place(await ledger.listed(conn, HOME, Wanted(), limit=10_000))

    async def markers(self) -> set[str]:
        """Every marker that stands anywhere in the live pages and their content."""
        found: set[str] = set()
        for page in (await self.pages()).values():
            found.update(MARKER.findall(repr(page.data)))
        for document in (await self.documents()).values():
            found.update(MARKER.findall(repr(document.lists)), MARKER.findall(document.markdown or ""))
        return found

    async def state(self) -> Any:
        """All that a reader of the store can see but numbers and times of ours: for comparing two stores."""
        live = {
            (one.kind, one.key): (one.stream, one.hash, one.title, one.place, one.content_hash)
            for kind in Kind
            for one in (await self.held(kind)).values()
            if one.action is not Action.DELETED
        }
        content = {
            key: (one.hash, one.state, [(unread.block, unread.code) for unread in one.unread])
            for key, one in (await self.documents()).items()
        }
        return live, content


Make = Callable[..., Awaitable[Pulling]]
