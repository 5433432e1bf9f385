"""The first half of a merge: both sides of a table, read and paired.

what is remembered ─▶ the index of the Notion database ─▶ the rows ─▶ what is missing from the index, one by one
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import DeletePolicy, MappedTable
from syncline.core.mapping import Mapping as TableMapping
from syncline.core.pair import Presence
from syncline.core.schema import CatalogueTable, NotionSchema
from syncline.destinations.notion import NotionTable, Sender, key_type
from syncline.mapping import twoway_marks as marks
from syncline.mapping.targets import misfit, resolve
from syncline.mapping.twoway_memory import StoredMemory
from syncline.mapping.twoway_pages import NotionPages
from syncline.mapping.twoway_pairs import Item, Paired, pair_up
from syncline.mapping.twoway_rows import SqlRows
from syncline.mapping.twoway_sides import PageState, Places
from syncline.mapping.twoway_table import Table, fields_of
from syncline.notion.client import Client
from syncline.sources.sql import SqlSource
from syncline.store import agreed, conflicts
from syncline.store.agreed import Known, Standing
from syncline.store.links import Place

__all__ = ["TableReader"]


@dataclass
class TableReader:
    """Reads the tables of one mapping. With `changed_only` Notion is asked for edited pages, where the last merge left a mark."""

    app: App
    mapping: TableMapping
    source: SqlSource
    client: Client
    places: Places
    sender: Callable[[MappedTable], Sender]
    admit: Callable[[Iterable[str]], None]
    changed_only: bool
    settle: float

    async def read(self, mapped: MappedTable, place: Place) -> tuple[Table, Paired]:
        """Read both sides. Raises BadInput for what does not fit, NotFound for a database that is not there."""
        async with self.app.database.read() as conn:
            mark = await marks.find(conn, place, mapped) if self.changed_only else None
        table = await self._table(mapped, place, None if mark is None else mark.schema)
        paired = await self._paired(table, since=None if mark is None else mark.since)
        if mark is not None and table.pages.stale:
            table = await self._table(mapped, place, None)
            paired = await self._paired(table, since=None)
        return table, paired

    async def _table(self, mapped: MappedTable, place: Place, remembered: NotionSchema | None) -> Table:
        async def renew() -> NotionSchema:
            return await resolve(self.client, mapped.database)

        schema = remembered or await renew()
        described = await self._described(mapped)
        own = key_type(schema, mapped)
        computed = frozenset(column.name for column in described.columns if column.computed)
        fields = fields_of(mapped, own, computed=computed)
        kinds = {each.name: PropertyType(each.kind) for each in fields}
        if mapped.deletes.policy is DeletePolicy.FLAG:
            kinds[mapped.deletes.flag] = PropertyType.CHECKBOX
        wrong = misfit(mapped, schema, kinds)
        if wrong is not None:
            raise BadInput(wrong)
        notion = NotionTable(self.sender(mapped), schema, mapped, settle=self.settle)
        pages = NotionPages(notion, kinds, self.places, self.admit, renew=renew if remembered else None)
        async with self.app.database.read() as conn:
            decisions = await conflicts.decisions(conn, place)
            waits = frozenset(await conflicts.waiting(conn, place))
        return Table(
            place=place,
            mapped=mapped,
            key_type=own,
            fields=fields,
            rows=SqlRows(self.source, mapped, described, ZoneInfo(self.mapping.zone)),
            pages=pages,
            memory=StoredMemory(self.app.database, place, self.app.now),
            now=self.app.now,
            read_at=self.app.now(),
            began=self._began(),
            places=self.places,
            decisions=decisions,
            waiting=waits,
        )

    def _began(self) -> datetime:
        """Now, by Notion's clock or ours, whichever is behind."""
        here = self.app.now()
        return min(here, self.client.server_time() or here)

    async def _described(self, mapped: MappedTable) -> CatalogueTable:
        """What the catalogue says of the table. Raises BadInput for what cannot go both ways."""
        described = await self.source.described(mapped)
        if described is None or mapped.query is not None:
            raise BadInput(f"{mapped.name} goes both ways, so it has to be a table of the database.")
        if mapped.body is not None:
            raise BadInput(
                f"{mapped.name} goes both ways, and the content of pages does not: take `body` out of its mapping."
            )
        again = await self.source.duplicate_keys(mapped)
        if again:
            raise BadInput(
                f"The column {mapped.key.column} of {mapped.name} has {again[0]} more than once: it is no key."
            )
        return described

    async def _paired(self, table: Table, *, since: datetime | None) -> Paired:
        async with self.app.database.read() as conn:
            known = await agreed.of_table(conn, table.place)
        # The rows last: what somebody writes meanwhile is then found by the condition of the write, not overwritten.
        index = await self._index(table, known, since=since)
        rows = await table.rows.read()
        table.keys.update(known, (page.key for page in index if page.key is not None))
        paired = pair_up(table.mapped, table.fields, known, rows=rows, index=index)
        if any(_is_intent(item) for item in paired.items):
            await asyncio.sleep(self.settle)
        paired.items = [await _confirmed(table, item) for item in paired.items]
        for item in paired.items:
            table.settle_place(item)
        return paired

    async def _index(
        self, table: Table, known: Mapping[str, Known], *, since: datetime | None
    ) -> list[PageState]:
        """The pages; where only edited ones are asked for, the others as they were agreed on."""
        if since is None:
            return list(await table.pages.index())
        edited = {page.page: page for page in await table.pages.index(since=since)}
        linked = (one for one in known.values() if one.standing is Standing.LINKED and one.page not in edited)
        presumed = [table.presumed(one) for one in linked]
        self.admit(page.page for page in presumed)
        return [*edited.values(), *presumed]


def _is_intent(item: Item) -> bool:
    """Whether somebody died making the row's page, and the index does not show it."""
    return item.suspect and item.known is not None and item.known.page is None


async def _confirmed(table: Table, item: Item) -> Item:
    """A page that is missing from the index: only Notion itself says whether it is in the trash, or has come into being."""
    if not item.suspect or item.known is None:
        return item
    if item.known.page is None:
        made = await table.pages.find(item.key)
        return (
            replace(item, page=made[0], suspect=False) if made else replace(item, known=None, suspect=False)
        )
    page = await table.pages.one(item.known.page)
    # A listing is no snapshot: a page that is there all the same was only passed over.
    return replace(item, page=page, suspect=page.presence is not Presence.PRESENT)
