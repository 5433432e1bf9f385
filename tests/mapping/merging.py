"""A table, a Notion database and the merge between them: a real database, the emulator, and people who edit both."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from random import Random
from typing import Any, cast

import httpx2
import psycopg
from tests.engine.pulling import HOME, SteadyClock

from notion_emulator import Emulator
from notion_emulator.objects import DataSource, Page
from syncline.app import App
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import (
    ConflictPolicy,
    DeletePolicy,
    Deletes,
    Direction,
    Key,
    MappedColumn,
    MappedTable,
    Target,
)
from syncline.core.mapping import (
    Mapping as TableMapping,
)
from syncline.core.report import Report
from syncline.mapping.twoway import Merge
from syncline.notion import operations as op
from syncline.notion import values
from syncline.notion.budget import Unlimited
from syncline.notion.client import Client, Runtime
from syncline.settings import Settings
from syncline.sources.sql import SqlSource
from syncline.store import agreed, conflicts, connections
from syncline.store.agreed import Known
from syncline.store.conflicts import Conflict, Filter
from syncline.store.connections import Connection
from syncline.store.database import Database
from syncline.store.links import Place
from syncline.store.secrets import KeyRing

NAME = "work"
PLACE = Place(HOME, NAME, "items")

TABLE = """
    CREATE TABLE items (
        id INTEGER PRIMARY KEY, name TEXT, size NUMERIC, tags TEXT, done BOOLEAN NOT NULL DEFAULT FALSE, due DATE,
        parent INTEGER, note TEXT CHECK (note <> 'never'), changed TIMESTAMP
    )
"""
PROPERTIES = {
    "Name": {"title": {}},
    "Size": {"number": {}},
    "Tags": {"multi_select": {}},
    "Done": {"checkbox": {}},
    "Due": {"date": {}},
    "Note": {"rich_text": {}},
    "Kind": {"select": {"options": [{"name": "old"}]}},
    "External ID": {"rich_text": {}},
}
COLUMNS = (
    MappedColumn("name", "Name", PropertyType.TITLE),
    MappedColumn("size", "Size", PropertyType.NUMBER),
    MappedColumn("tags", "Tags", PropertyType.MULTI_SELECT, add_options=True),
    MappedColumn("done", "Done", PropertyType.CHECKBOX),
    MappedColumn("due", "Due", PropertyType.DATE),
    MappedColumn("note", "Note", PropertyType.RICH_TEXT),
    MappedColumn("parent", "Parent", PropertyType.RELATION, relation="items"),
)


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Fuse:
    """What happens at the n-th step of a merge that touches the outside: before and after each request and each transaction.

    `crash_at` lets the process die there; `meanwhile` is what somebody else does there. `listed` happens once the pages are listed.
    """

    crash_at: int | None = None
    meanwhile: dict[int, Callable[[], None]] = field(default_factory=dict)
    listed: Callable[[], Awaitable[None]] | None = None
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        self.meanwhile.pop(self.steps, lambda: None)()
        if self.steps == self.crash_at:
            raise Crash

    @contextlib.asynccontextmanager
    async def around(self, inner: Any) -> AsyncIterator[Any]:
        self.step()
        async with inner as opened:
            yield opened
        self.step()


@dataclass
class FusedTransport(httpx2.AsyncBaseTransport):
    inner: httpx2.AsyncBaseTransport
    fuse: Fuse

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.fuse.step()
        answer = await self.inner.handle_async_request(request)
        if self.fuse.listed is not None and request.url.path.endswith("/query"):
            listed, self.fuse.listed = self.fuse.listed, None
            await listed()
        self.fuse.step()
        return answer


class FusedStore:
    """Our store, with a fuse around what it writes."""

    def __init__(self, inner: Database, fuse: Fuse) -> None:
        self.inner, self.fuse, self.read = inner, fuse, inner.read

    def begin(self) -> Any:
        return self.fuse.around(self.inner.begin())


class FusedSource(SqlSource):
    """The user's database, with a fuse around what is written into it."""

    fuse: Fuse

    def writing(self, *, zone: tzinfo = UTC) -> Any:
        return self.fuse.around(super().writing(zone=zone))


@dataclass
class Merging:
    """One mapped table. `url` is the user's database, `store` ours."""

    emulator: Emulator
    store: Database
    url: str
    home: Path
    conflicts_policy: ConflictPolicy = ConflictPolicy.DATABASE
    deletes: Deletes = field(default_factory=lambda: Deletes(DeletePolicy.TRASH, threshold=1.0))
    match: tuple[str, ...] = ()
    source_id: str = ""
    mapping: TableMapping | None = None
    columns: tuple[MappedColumn, ...] = COLUMNS
    fuse: Fuse = field(default_factory=Fuse)
    runs: int = 0

    async def begin(self, ring: KeyRing) -> None:
        """Make the table and the database, and store the connection."""
        numbered = "INTEGER GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
        self.sql(TABLE.replace("INTEGER PRIMARY KEY", numbered) if self.postgres else TABLE)
        async with self.people() as client:
            parent = {"type": "page_id", "page_id": self.emulator.root_page_id}
            title = [{"type": "text", "text": {"content": "Items"}}]
            made = await client.send(op.create_database(parent=parent, title=title, properties=PROPERTIES))
            self.source_id = made["data_sources"][0]["id"]
            relation = {"relation": {"data_source_id": self.source_id, "single_property": {}}}
            await client.send(op.update_data_source(self.source_id, properties={"Parent": relation}))
        async with self.store.begin() as conn:
            await connections.add(conn, self.connection, token=self.emulator.token, ring=ring)

    @property
    def postgres(self) -> bool:
        return self.url.startswith("postgres")

    @property
    def connection(self) -> Connection:
        return Connection(
            id=HOME,
            name="home",
            base_url="http://notion.test",
            notion_version="2026-03-11",
            rate="none",
            bot_id="bot",
            bot_name="bot",
            workspace_id=None,
            workspace_name=None,
            capabilities=(),
            created_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        )

    @property
    def table(self) -> MappedTable:
        return MappedTable(
            name="items",
            table="items",
            database=Target(id=self.source_id),
            key=Key("id"),
            columns=self.columns,
            direction=Direction.BOTH,
            conflicts=self.conflicts_policy,
            deletes=self.deletes,
            changed="changed",
            match=self.match,
        )

    # What we do.

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.emulator.clock.now() / 1000, UTC)

    def client(self) -> Client:
        self.runs += 1
        steady = SteadyClock()
        return Client(
            self.emulator.token,
            base_url="http://notion.test",
            budget=Unlimited(),
            transport=FusedTransport(httpx2.ASGITransport(app=self.emulator.app), self.fuse),
            runtime=Runtime(clock=steady, sleep=steady.sleep, random=Random(self.runs).random),
        )

    @contextlib.asynccontextmanager
    async def opened(self, **options: Any) -> Any:
        """A merge that is about to read."""
        app = App(
            settings=Settings(home=self.home),
            database=cast("Database", FusedStore(self.store, self.fuse)),
            keys=KeyRing.open(self.home),
            now=self.now,
        )
        mapping = self.mapping or TableMapping(NAME, self.url, (self.table,))
        async with self.client() as client, FusedSource(self.url) as source:
            source.fuse = self.fuse
            yield Merge(app, self.connection, mapping, source, client, Report(NAME), settle=0.0, **options)

    async def merge(self, **options: Any) -> Report:
        """One merge to its end; the log of requests then holds it alone."""
        self.emulator.requests.clear()
        async with self.opened(**options) as merge:
            await merge.read()
            await merge.write()
            report: Report = merge.report
            return report

    async def conflicts(self, *states: conflicts.State) -> list[Conflict]:
        async with self.store.read() as conn:
            return await conflicts.listing(conn, HOME, Filter(states=states), limit=10_000)

    async def known(self) -> dict[str, Known]:
        async with self.store.read() as conn:
            return await agreed.of_table(conn, PLACE)

    def writes(self) -> int:
        """How many requests of the last merge changed anything in Notion."""
        patches = self.emulator.requests.count(method="PATCH")
        return patches + self.emulator.requests.count(method="POST", path=r"/v1/pages$")

    # What people do in the database.

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own; `?` stands for a value."""
        if self.postgres:
            with psycopg.connect(self.url) as server:
                found = server.execute(statement.replace("?", "%s").encode(), values)
                return found.fetchall() if found.description else []
        with contextlib.closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as conn, conn:
            return conn.execute(statement, values).fetchall()

    def put(self, key: int, **columns: Any) -> None:
        """Add a row."""
        names = ["id", *columns]
        marks = ", ".join("?" * len(names))
        self.sql(f"INSERT INTO items ({', '.join(names)}) VALUES ({marks})", key, *columns.values())

    def change(self, key: int, **columns: Any) -> None:
        """Change a row."""
        named = ", ".join(f"{name} = ?" for name in columns)
        self.sql(f"UPDATE items SET {named} WHERE id = ?", *columns.values(), key)

    def drop(self, key: int) -> None:
        self.sql("DELETE FROM items WHERE id = ?", key)

    def rows(self) -> dict[int, dict[str, Any]]:
        """Every row's mapped columns by key, as plain values."""
        names = ("name", "size", "tags", "done", "due", "note", "parent")
        found = self.sql(f"SELECT id, {', '.join(names)} FROM items ORDER BY id")
        return {key: dict(zip(names, map(_plain, some), strict=True)) for key, *some in found}

    # What people do in Notion.

    @contextlib.asynccontextmanager
    async def people(self) -> Any:
        """A client of somebody else's: no fault hits it."""
        faults, self.emulator.faults.active = self.emulator.faults.active, []
        client = Client(
            self.emulator.token,
            base_url="http://notion.test",
            budget=Unlimited(),
            transport=httpx2.ASGITransport(app=self.emulator.app),
        )
        try:
            yield client
        finally:
            self.emulator.faults.active = faults
            await client.close()

    async def page(self, **properties: Any) -> str:
        """Add a page."""
        parent = {"type": "data_source_id", "data_source_id": self.source_id}
        async with self.people() as client:
            made = await client.send(op.create_page(parent=parent, properties=_sent(properties)))
            return str(made["id"])

    async def edit(self, page: str, **properties: Any) -> None:
        async with self.people() as client:
            await client.send(op.update_page(page, properties=_sent(properties)))

    async def trash(self, page: str, *, back: bool = False) -> None:
        async with self.people() as client:
            await client.send(op.update_page(page, in_trash=not back))

    async def move(self, page: str, *, back: bool = False) -> None:
        """Move a page out of the database, or back into it."""
        home = {"type": "data_source_id", "data_source_id": self.source_id}
        away = {"type": "page_id", "page_id": self.emulator.root_page_id}
        async with self.people() as client:
            await client.send(op.move_page(page, parent=home if back else away))

    async def change_schema(self, **properties: Any) -> None:
        """Change properties of the database."""
        async with self.people() as client:
            await client.send(op.update_data_source(self.source_id, properties=properties))

    def rename_option(self, old: str, new: str) -> None:
        """As people do in Notion, and the API does not: every page shows the new name, and none counts as edited."""
        source = cast("DataSource", self.emulator.world.nodes[self.source_id])
        (kind,) = (one for one in source.properties.values() if one["name"] == "Kind")
        shown = [page.properties.get(kind["id"]) for page in self.all_pages()]
        for option in (*kind["select"]["options"], *shown):
            if option and option["name"] == old:
                option["name"] = new

    async def pages(self) -> dict[str, dict[str, Any]]:
        """The live pages' values by page."""
        found: dict[str, dict[str, Any]] = {}
        async with self.people() as client:
            async for listing in client.pages(op.query_data_source(self.source_id)):
                for page in listing["results"]:
                    cells = values.properties(page)
                    found[str(page["id"])] = {name: _shown(cell.plain) for name, cell in cells.items()}
        return found

    async def page_of(self, key: int) -> str:
        """The page of a key."""
        pages = await self.pages()
        (one,) = [page for page, shown in pages.items() if shown["External ID"] == str(key)]
        return one

    def moved(self) -> Iterator[Page]:
        """Every page that was moved out of the database."""
        for page in self.emulator.world.pages.values():
            if page.parent_id == self.emulator.root_page_id:
                yield page

    def all_pages(self) -> Iterator[Page]:
        """Every page of the database, thrown away or not."""
        for page in self.emulator.world.pages.values():
            if page.parent_kind == "data_source":
                yield page


async def pair(merging: Merging, **columns: Any) -> str:
    """One row that both sides have; its page."""
    merging.put(1, **{"name": "Ann", "size": 1, **columns})
    await merging.merge()
    return await merging.page_of(1)


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return float(value) if value is not None and hasattr(value, "as_tuple") else value


def _shown(value: Any) -> Any:
    return value.start if isinstance(value, values.DateValue) else value


def _sent(properties: Mapping[str, Any]) -> dict[str, Any]:
    from syncline.notion.writing import notion  # noqa: PLC0415

    kinds = {"Name": "title", "Size": "number", "Tags": "multi_select", "Done": "checkbox", "Due": "date"}
    kinds |= {"Parent": "relation", "Kind": "select"}
    names = {"key": "External ID"}
    return {
        names.get(name, name): notion(kinds.get(name, "rich_text"), value)
        for name, value in properties.items()
    }
