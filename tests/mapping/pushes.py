"""A Notion of its own, a store, tables in memory, and the push between them: what the tests of the push share."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import httpx2
from tests.engine.pulling import HOME, SteadyClock

from notion_emulator import Emulator
from syncline.app import App
from syncline.core.mapped_values import PropertyType, Value
from syncline.core.mapping import Deletes, Key, MappedColumn, MappedTable, Mapping, Row, Target
from syncline.core.plan import Link, Plan
from syncline.core.report import Report
from syncline.mapping.asked import Asked
from syncline.mapping.push import Push
from syncline.mapping.survey import FRESH
from syncline.notion import objects
from syncline.notion import operations as op
from syncline.notion.budget import Unlimited
from syncline.notion.client import Client, Runtime
from syncline.notion.objects import LATEST, Version
from syncline.settings import Settings
from syncline.store import connections, links
from syncline.store.connections import Connection
from syncline.store.database import Database
from syncline.store.links import Place
from syncline.store.secrets import KeyRing

NOON = 1_795_176_000_000  # 2026-11-20T12:00:00Z in milliseconds
T = PropertyType

PEOPLE: dict[str, Any] = {
    "Name": {"title": {}},
    "Role": {"select": {"options": [{"name": "Engineer"}, {"name": "Lead"}]}},
    "Email": {"email": {}},
    "External ID": {"rich_text": {}},
    "Subsystem": {"select": {"options": [{"name": "Power"}, {"name": "Avionics"}]}},
    "Age": {"number": {}},
    "Deleted": {"checkbox": {}},
}


def column(name: str, prop: str, kind: PropertyType, **more: Any) -> MappedColumn:
    return MappedColumn(name, prop, kind, **more)


def people_table(database: str, **more: Any) -> MappedTable:
    """The table people, as the mapping has it."""
    columns = (
        column("name", "Name", T.TITLE),
        column("role", "Role", T.SELECT),
        column("email", "Email", T.EMAIL),
        column("subsystem", "Subsystem", T.SELECT),
        column("age", "Age", T.NUMBER),
    )
    values: dict[str, Any] = {
        "name": "people",
        "database": Target(id=database),
        "key": Key("id"),
        "columns": columns,
    }
    return MappedTable(**values | more)


def person(key: str, name: str = "", **values: Value) -> Row:
    """A row of people; `values` are by property name in lower case."""
    named = {one.capitalize(): value for one, value in values.items() if one != "body"}
    empty: dict[str, Value] = {"Role": None, "Email": None, "Subsystem": None, "Age": None}
    body = values.get("body")
    return Row(
        key, {**empty, "Name": name or f"Person {key}", **named}, body=body if isinstance(body, str) else None
    )


@dataclass
class Tables:
    """A database's side that is a dictionary: table name → rows."""

    tables: dict[str, list[Row]] = field(default_factory=dict)

    async def rows(
        self, table: MappedTable, /, *, zone: tzinfo, since: datetime | None = None
    ) -> AsyncIterator[list[Row]]:
        assert zone is not None
        bound = since if table.changed else None
        yield [
            row
            for row in self.tables[table.name]
            if bound is None or (row.changed_at is not None and row.changed_at >= bound)
        ]


@dataclass
class Pushing:
    """One emulated workspace, one store, tables in memory."""

    emulator: Emulator
    database: Database
    folder: Path
    tables: Tables = field(default_factory=Tables)
    protected: tuple[str, ...] = ()
    mapped: list[MappedTable] = field(default_factory=list)
    wrap: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] | None = None
    version: Version = LATEST
    last: Push | None = None

    @property
    def app(self) -> App:
        return App(
            settings=Settings(home=self.folder),
            database=self.database,
            keys=KeyRing.open(self.folder),
            now=self.now,
            new_id=lambda: uuid.uuid4().hex,
        )

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.emulator.clock.now() / 1000, UTC)

    def pass_time(self, **span: float) -> None:
        self.emulator.clock.advance(timedelta(**span).total_seconds())

    @property
    def connection(self) -> Connection:
        return Connection(
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

    async def connect(self) -> None:
        async with self.database.begin() as conn:
            await connections.add(
                conn, self.connection, token=self.emulator.token, ring=KeyRing.open(self.folder)
            )

    def client(self) -> Client:
        transport: httpx2.AsyncBaseTransport = httpx2.ASGITransport(app=self.emulator.app)
        steady = SteadyClock()
        return Client(
            self.emulator.token,
            version=self.version,
            base_url="http://notion.test",
            budget=Unlimited(),
            transport=self.wrap(transport) if self.wrap else transport,
            runtime=Runtime(clock=steady, sleep=steady.sleep, random=lambda: 0.5),
        )

    async def make_database(self, title: str, properties: dict[str, Any], *, page: str | None = None) -> str:
        """Make a Notion database; the id of its data source."""
        async with self.client() as client:
            made = await client.send(
                op.create_database(
                    parent={"type": "page_id", "page_id": page or self.root},
                    title=[{"type": "text", "text": {"content": title}}],
                    properties=properties,
                )
            )
        return objects.sources(made)[0].id

    @property
    def root(self) -> str:
        """A page that everything can be made on."""
        return self.emulator.root_page_id

    def mapping(self) -> Mapping:
        return Mapping("crew", "env:DATABASE", tuple(self.mapped), protected=self.protected)

    @asynccontextmanager
    async def opened(
        self, asked: Asked | None = None, *, fresh: timedelta = FRESH, settle: timedelta = timedelta()
    ) -> AsyncIterator[Push]:
        """A push as a process begins it; the log of requests then holds this push alone."""
        async with self.client() as client:
            self.emulator.requests.clear()
            self.last = Push(
                self.app,
                self.connection,
                self.mapping(),
                self.tables,
                client=client,
                asked=asked or Asked("crew.toml"),
                fresh=fresh,
                settle=settle,
            )
            yield self.last

    async def push(self, asked: Asked | None = None, **options: Any) -> Report:
        async with self.opened(asked, **options) as push:
            return await push.run()

    async def plan(self) -> Plan:
        async with self.opened() as push:
            return await push.plan()

    def requests(self) -> list[tuple[str, str]]:
        """What the last push sent: method and path."""
        return [(one.method, one.path) for one in self.emulator.requests]

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [
            (method, path)
            for method, path in self.requests()
            if method != "GET" and not path.endswith(("/query", "/search"))
        ]

    async def links(self, table: str = "people") -> dict[str, Link]:
        async with self.database.read() as conn:
            return await links.of_table(conn, Place(HOME, "crew", table))

    async def pages(self, data_source: str) -> list[dict[str, Any]]:
        """The pages of a database, as Notion shows them."""
        found: list[dict[str, Any]] = []
        async with self.client() as client:
            async for listing in client.pages(op.query_data_source(data_source, version=self.version)):
                found += objects.results(listing)
        return found

    async def edit(self, page: str, **fields: Any) -> None:
        """Change a page as a person would."""
        async with self.client() as client:
            await client.send(op.update_page(page, version=self.version, **fields))

    def set_table(self, name: str = "people", **changes: Any) -> None:
        self.mapped = [replace(one, **changes) if one.name == name else one for one in self.mapped]


def trashing(**more: Any) -> Deletes:
    return Deletes(**more)
