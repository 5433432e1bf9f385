"""The engine between a store and the memory source: a pull without Notion, HTTP or an emulator."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from syncline.core.model import Document, Fidelity, Json, Kind, StoredRecord
from syncline.engine.begin import Request, begin
from syncline.engine.extract import Extraction, Limits, Progress
from syncline.engine.pull import Pull
from syncline.sources.base import Content, Found, Key, Listed, Listing, Lost
from syncline.sources.memory import MemorySource
from syncline.store import connections, documents, frontier, ledger, records, runs
from syncline.store.database import Database
from syncline.store.frontier import Item, State
from syncline.store.ledger import Entry, Wanted
from syncline.store.secrets import KeyRing

HOME = "c1"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@dataclass(slots=True)
class Failing(MemorySource):
    """A memory source that raises `errors[what]` instead of answering; `what` names a listing, a key or a container."""

    errors: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.errors:
            self.spent += 1
            raise self.errors[what]

    async def list(self, listing: Listing, cursor: str | None) -> Listed:
        self._ask(listing.name)
        return await MemorySource.list(self, listing, cursor)

    async def content(
        self, container: str, cursor: str | None, *, fidelity: Fidelity, size: int | None = None
    ) -> Content:
        self._ask(container if cursor is None else f"{container}@{cursor}")
        return await MemorySource.content(self, container, cursor, fidelity=fidelity, size=size)

    async def record(self, kind: Kind, key: str) -> Found | Lost:
        self._ask(f"{kind}:{key}")
        return await MemorySource.record(self, kind, key)

    async def comments(self, page: str, cursor: str | None) -> Listed:
        self._ask(f"comments:{page}")
        return await MemorySource.comments(self, page, cursor)


@dataclass(slots=True)
class Remembering:
    """One workspace of plain values and one store. The time of both is `source.time`."""

    database: Database
    source: Failing = field(default_factory=lambda: Failing(NOON))
    limits: Limits = field(default_factory=Limits)
    runs: int = 0

    async def connect(self) -> None:
        connection = connections.Connection(
            id=HOME,
            name="home",
            base_url="memory:",
            notion_version="none",
            rate="none",
            bot_id="bot",
            bot_name="bot",
            workspace_id=None,
            workspace_name=None,
            capabilities=(),
            created_at=NOON,
        )
        async with self.database.begin() as conn:
            await connections.add(conn, connection, token="token", ring=KeyRing(KEY))

    # What people do.

    def write(self, key: str, *texts: str, parent: str | None = None, **data: Any) -> None:
        """Write a page: one block for each text. Its place in `parent` is shown there."""
        self.source.put(Kind.PAGE, key, stream="pages", parent=parent, **{"title": key, **data})
        shown = [block for block in self.source.blocks.get(key, []) if "child" in block]
        self.source.blocks[key] = [*blocks(key, texts), *shown]
        if parent is not None:
            self.show(key, parent)

    def show(self, key: str, parent: str) -> None:
        """Let `parent` show the page among its blocks."""
        below = self.source.blocks.setdefault(parent, [])
        if all(block.get("child") != key for block in below):
            below.append({"id": key, "type": "page", "child": key})

    def pass_time(self, **span: float) -> None:
        self.source.time += timedelta(**span)

    # What we do.

    async def begin(self, request: Request | None = None) -> Pull:
        """Begin a pull as the next run would."""
        self.runs += 1
        return await begin(
            database=self.database,
            source=self.source,
            connection_id=HOME,
            run_id=f"run-{self.runs}",
            request=request or Request(),
            now=self.source.time,
            random=Random(self.runs),
        )

    async def start(self, request: Request | None = None) -> Extraction:
        """Begin a run, as a process does that has just started."""
        pull = await self.begin(request)
        run = f"run-{self.runs}"
        self.source.spent = 0
        async with self.database.begin() as conn:
            await runs.queue(
                conn,
                HOME,
                run_id=run,
                kind="pull",
                slot=run,  # no worker ends these runs, and each is to be let in
                requested_by="test",
                mode=pull.policy.mode,
                fidelity=pull.policy.fidelity,
                options={},
                now=self.source.time,
            )
        return Extraction(
            database=self.database,
            source=self.source,
            connection_id=HOME,
            run_id=run,
            pull=pull,
            clock=self.source.now,
            random=Random(self.runs),
            limits=self.limits,
        )

    async def pull(self, request: Request | None = None) -> Progress:
        """Pull to the end. `source.asked` then holds what this pull asked for."""
        self.source.asked.clear()
        extraction = await self.start(request)
        while not (progress := await extraction.advance(60)).done:
            pass
        return progress

    # What the store holds.

    async def held(self) -> dict[Key, StoredRecord]:
        async with self.database.read() as conn:
            found = await records.changes(conn, HOME, after=0, limit=100_000)
        return {(one.kind, one.key): one for one in found}

    async def pages(self) -> set[str]:
        """The keys of the live pages."""
        return {
            key
            for (kind, key), one in (await self.held()).items()
            if kind is Kind.PAGE and not one.deleted_at
        }

    async def documents(self) -> dict[str, Document]:
        pages = sorted(await self.pages())
        async with self.database.read() as conn:
            return await documents.load(conn, HOME, pages)

    async def texts(self, page: str) -> list[str]:
        """The texts of a page as the store holds them."""
        document = (await self.documents())[page]
        return [str(block["text"]) for one in document.lists for block in one.blocks if "text" in block]

    async def ledger(self) -> list[Entry]:
        async with self.database.read() as conn:
            found = await ledger.listed(conn, HOME, Wanted(), limit=1000)
        return sorted(found, key=lambda entry: (entry.page, entry.block or ""))

    async def frontier(self) -> dict[tuple[str, State], int]:
        """How much work there is, by kind and state."""
        async with self.database.read() as conn:
            return await frontier.counts(conn, HOME)

    async def add(self, items: Sequence[Item]) -> None:
        async with self.database.begin() as conn:
            await frontier.add(conn, HOME, items)


def blocks(key: str, texts: Sequence[str]) -> list[Json]:
    return [{"id": f"{key}/{number}", "type": "text", "text": text} for number, text in enumerate(texts)]
