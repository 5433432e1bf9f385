"""The first half of a push: what is meant, what the tables hold, what Notion holds. It reads and writes nothing.

discover   which Notion database each table means and what its properties are; remembered, so that it costs a request once
extract    the rows, streamed
resolve    the pages: the index of each database, read once, or taken from the store where a pull has just read it
plan       the difference, as core.planning finds it
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from syncline.app import App
from syncline.core.errors import BadInput, Skip
from syncline.core.hash import digest
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import Direction, MappedTable
from syncline.core.mapping import Mapping as TableMapping
from syncline.core.matching import Side, pushed
from syncline.core.plan import ActionKind, Plan
from syncline.core.planning import plan
from syncline.core.schema import NotionSchema, Property
from syncline.destinations.notion import NotionTable, Sender, indexed, key_type, oversize, person_ids
from syncline.destinations.property_values import payload
from syncline.mapping.extent import Extent, RowSource, entries, led_to, unfit
from syncline.mapping.recency import last_whole_pull
from syncline.mapping.targets import resolve
from syncline.notion.client import Client
from syncline.store import checkpoints, links
from syncline.store.connections import Connection
from syncline.store.links import Place
from syncline.store.rows import rows_of

__all__ = [
    "FRESH",
    "SETTLE",
    "Manner",
    "Survey",
    "against",
    "has_creates",
]

FRESH: Final = timedelta(minutes=5)
"""How old a pull may be whose records stand for the index of a database."""

SETTLE: Final = timedelta(seconds=2)
"""How long after a connection broke, or a process died, a page may still come into being that it asked for."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How both sides are read. `fresh` bounds the age of a pull that may stand for an index; `settle` as SETTLE.

    With `since` only rows that changed then or later are read, of tables that tell; then none of theirs counts as gone.
    """

    fresh: timedelta = FRESH
    settle: timedelta = SETTLE
    since: datetime | None = None


class Survey:
    """One look at both sides of a mapping."""

    def __init__(
        self,
        app: App,
        connection: Connection,
        mapping: TableMapping,
        rows: RowSource,
        *,
        client: Client,
        sender: Callable[[MappedTable], Sender] | None = None,
        manner: Manner,
    ) -> None:
        self.mapping = mapping
        self.extents = {one.name: Extent(one) for one in mapping.tables if one.direction is Direction.PUSH}
        self.others = {name: Extent(mapping.table(name)) for name in led_to(self.extents.values())}
        self.people: dict[str, str] = {}
        self.from_store = False
        self.read_at: datetime | None = None
        self._app = app
        self._connection = connection
        self._rows = rows
        self._client = client
        self._sender = sender or (lambda _table: client)
        self._manner = manner

    def place(self, table: str) -> Place:
        """Where the links of a table are."""
        return Place(self._connection.id, self.mapping.name, table)

    def notion(self, extent: Extent) -> NotionTable:
        """The Notion database of a table."""
        sender, settle = self._sender(extent.table), self._manner.settle.total_seconds()
        return NotionTable(sender, extent.known, extent.table, settle=settle)

    async def discover(self) -> None:
        """Find every table's Notion database. Raises NotFound or BadInput for one that is not there or does not fit."""
        for extent in self._all():
            remembered = await self._remembered(extent.table)
            extent.schema = remembered or await self._resolved(extent)

    async def extract(self) -> None:
        """Read the rows. Raises what the source raises."""
        zone = ZoneInfo(self.mapping.zone)
        for extent in self.extents.values():
            with extent.timed(self._app):
                async for batch in self._rows.rows(extent.table, zone=zone, since=self._manner.since):
                    extent.rows += batch

    async def resolve(self, *, stored: bool = True) -> None:
        """Read the links and the indexes; with `stored`, indexes from the store where they are fresh."""
        self.read_at = self._app.now()
        for extent in self._all():
            with extent.timed(self._app):
                async with self._app.database.read() as conn:
                    extent.links = await links.of_table(conn, self.place(extent.table.name))
                if stored and await self._from_store(extent):
                    self.from_store = True
                else:
                    await self._from_notion(extent)
        await self._find_people()
        await self._check_options()

    def plan(self) -> Plan:
        """What there is to do."""
        sides = [self._side(extent) for extent in self.extents.values()]
        others = [self._side(extent) for extent in self.others.values()]
        return plan(self.mapping.name, sides, against=against(self.mapping, self._schemas()), others=others)

    async def settle(self, found: Plan) -> None:
        """Store the links of rows that need no write, and drop those of rows and pages that are gone."""
        async with self._app.database.begin() as conn:
            for table, settled in found.settled.items():
                await links.save(conn, self.place(table), settled, now=None)
            for table, gone in found.gone.items():
                await links.forget(conn, self.place(table), gone)

    def page_ids(self, found: Plan) -> dict[str, dict[str, str]]:
        """The page of each key, by table: what relations are written with. Pages that `found` gives to a row count as its own."""
        ids: dict[str, dict[str, str]] = {}
        for extent in self._all():
            keyed = {page.key: page.page for page in extent.pages if page.key}
            linked = {key: link.page for key, link in extent.links.items() if link.page is not None}
            ids[extent.table.name] = keyed | linked
        for table, settled in found.settled.items():
            ids[table] |= {link.key: link.page for link in settled if link.page is not None}
        for action in found.writes:
            if action.kind is ActionKind.UPDATE and action.page is not None:
                ids[action.table][action.key] = action.page
            elif action.kind is ActionKind.CREATE:
                ids[action.table].pop(action.key, None)  # a link to a page that is gone
        return ids

    # --- schemas --------------------------------------------------------------------------------------

    async def _remembered(self, table: MappedTable) -> NotionSchema | None:
        async with self._app.database.read() as conn:
            value = await checkpoints.value(conn, self._connection.id, self._memory(table))
        if value is None or value["target"] != str(table.database):
            return None
        schema = value["schema"]
        properties = tuple(
            Property(**{**one, "options": tuple(one["options"])}) for one in schema["properties"]
        )
        found = NotionSchema(**{**schema, "properties": properties})
        return found if unfit(table, found) is None else None

    async def _resolved(self, extent: Extent) -> NotionSchema:
        """Ask Notion, and remember what it says. Raises BadInput where a property is missing or of another type."""
        before = self._client.counts.requests
        found = await resolve(self._client, extent.table.database)
        extent.requests += self._client.counts.requests - before
        wrong = unfit(extent.table, found)
        if wrong is not None:
            raise BadInput(wrong)
        value = {"target": str(extent.table.database), "schema": asdict(found)}
        async with self._app.database.begin() as conn:
            await checkpoints.put(conn, self._connection.id, self._memory(extent.table), value)
        return found

    def _memory(self, table: MappedTable) -> str:
        return f"push:{self.mapping.name}:{table.name}"

    def _schemas(self) -> dict[str, NotionSchema]:
        return {extent.table.name: extent.known for extent in self._all()}

    # --- indexes --------------------------------------------------------------------------------------

    async def _from_store(self, extent: Extent) -> bool:
        """Whether the store could stand for Notion: a pull that is recent enough began after the last write."""
        if not extent.links:
            return False
        async with self._app.database.read() as conn:
            pulled = await last_whole_pull(conn, self._connection.id)
            written = await links.last_written(conn, self.place(extent.table.name))
            if pulled is None or self._app.now() - pulled > self._manner.fresh:
                return False
            if written is not None and pulled <= written:
                return False
            pages = [page async for page in rows_of(conn, self._connection.id, extent.known.data_source)]
        self._take(extent, pages)
        return not extent.is_stale(pages[:1])

    async def _from_notion(self, extent: Extent) -> None:
        try:
            fits = await self._indexed(extent)
        except Skip:  # a property or the database itself is not what it was
            fits = False
        if not fits:
            extent.schema = await self._resolved(extent)
            await self._indexed(extent)

    async def _indexed(self, extent: Extent) -> bool:
        """Read the index; False as soon as a page has not the properties that are remembered."""
        extent.pages.clear()
        async for pages in self.notion(extent).index():
            if extent.is_stale(pages[:1]):
                return False
            self._take(extent, pages)
        return True

    def _take(self, extent: Extent, pages: list[Mapping[str, Any]]) -> None:
        kinds = pushed(extent.table, key_type(extent.known, extent.table))
        extent.pages += [indexed(page, extent.table, kinds) for page in pages]
        for page in pages:
            self.people |= person_ids(page)

    async def _find_people(self) -> None:
        """Ask for the workspace's people, if a row names somebody whom no page shows."""
        for extent in self.extents.values():
            columns = [one.property for one in extent.table.columns if one.type is PropertyType.PEOPLE]
            named = {one for row in extent.written for name in columns for one in entries(row, name)}
            if named - self.people.keys():
                self.people |= await self.notion(extent).user_ids()
                return

    async def _check_options(self) -> None:
        """Ask for a database's properties anew, if a row has an option that was not there."""
        for extent in self.extents.values():
            closed = extent.closed_options()
            wanted = ((name, one) for row in extent.written for name in closed for one in entries(row, name))
            if any(one not in closed[name] for name, one in wanted):
                extent.schema = await self._resolved(extent)

    def _side(self, extent: Extent) -> Side:
        return Side(
            table=extent.table,
            rows=extent.rows,
            pages=extent.pages,
            links=extent.links,
            key_type=key_type(extent.known, extent.table),
            options={name: frozenset(options) for name, options in extent.closed_options().items()},
            people=frozenset(self.people),
            check=lambda kind, value: payload(kind, value, pages=_ANY, people=_ANY),
            check_body=oversize,
            only=self._only(extent),
        )

    def _only(self, extent: Extent) -> frozenset[str] | None:
        """The keys that were read, where not all were."""
        partly = self._manner.since is not None and extent.table.changed is not None
        return frozenset(row.key for row in extent.rows) if partly else None

    def _all(self) -> list[Extent]:
        return [*self.extents.values(), *self.others.values()]


def against(mapping: TableMapping, schemas: Mapping[str, NotionSchema]) -> str:
    """The hash of what a plan is made for: the mapping, and the properties it maps with their types and options."""
    return digest([repr(mapping.tables), {name: asdict(schema) for name, schema in sorted(schemas.items())}])


def has_creates(found: Plan) -> bool:
    """Whether a plan makes pages: then its indexes must be Notion's own."""
    return any(action.kind is ActionKind.CREATE for action in found.actions)


class _Anything(dict[str, str]):
    """Knows every name: to try a value, the pages and people it leads to need not be there."""

    def __contains__(self, _name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return name


_ANY: Final = _Anything()
