"""Import: what a pull left in the store, into tables of people's own, as a mapping says.

    pages that changed since the last import, in the order of their changes
      1 rows       each table in the order in which they refer to each other; relations that lead in a circle stay empty
      2 relations  those
      3 position   how far each table is, in the transaction of its last rows

Rows come 500 to a transaction. A crash anywhere leaves the position where it was, and the next import finds what was done as unchanged.
A page whose row the table refuses holds the position back, so that it is tried again; the others go on.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from syncline.app import App
from syncline.core.errors import BadInput, NotFound, TooManyDeletions
from syncline.core.findings import Level
from syncline.core.mapped_values import Unfit, Value, key_text
from syncline.core.mapping import PAGE_ID, DeletePolicy, Direction, MappedColumn, MappedTable
from syncline.core.mapping import Mapping as TableMapping
from syncline.core.model import Json, Kind, StoredRecord
from syncline.core.schema import NotionSchema
from syncline.destinations.property_values import value
from syncline.mapping.check import check_mapping
from syncline.mapping.file import zone_of
from syncline.notion.client import Client
from syncline.notion.values import properties
from syncline.sources.sql import SqlSource, Writer
from syncline.sources.sql_write import Moved, Refusal
from syncline.store import records
from syncline.store.changes import head
from syncline.store.connections import Connection
from syncline.store.rows import rows_of

__all__ = ["Asked", "Import", "Imported", "Outcome", "order"]

_BATCH = 500
_FEW = 5
"""So many rows may always be deleted, however few there are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an import is asked for: only `tables`, all where empty; every page with `full`; what is missing to be made."""

    tables: tuple[str, ...] = ()
    full: bool = False
    create_tables: bool = False
    accept_deletions: bool = False


class Outcome(StrEnum):
    """What became of one page."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    SKIPPED = "skipped"
    """It bears no key, or is gone and the mapping lets its row be."""
    FAILED = "failed"
    """The table does not take it; it is tried again at each import."""


@dataclass(slots=True)
class Imported:
    """What became of the pages of one table, by page id; `problems` are sentences.

    `unresolved` is how many references lead to pages that have no key, or are not shared with the connection.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    unresolved: int = 0

    def count(self, outcome: Outcome) -> int:
        """How many pages came to this."""
        return sum(each is outcome for each in self.outcomes.values())


@dataclass(slots=True)
class _Side:
    """One table on its way: its Notion schema, the keys of its pages, and which properties wait for the second pass.

    `pages` counts the pages by key; `held_back` is the number of the first change that was refused.
    """

    mapped: MappedTable
    schema: NotionSchema
    late: frozenset[str]
    keys: dict[str, str] = field(default_factory=dict)
    pages: Counter[str] = field(default_factory=Counter)
    held_back: int | None = None


_WRITTEN = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED})


class Import:
    """One import. `result` is by table name."""

    def __init__(
        self, app: App, connection: Connection, mapping: TableMapping, source: SqlSource, *, asked: Asked
    ) -> None:
        self.result: dict[str, Imported] = {}
        self.made: list[str] = []
        self._app = app
        self._connection = connection
        self._mapping = mapping
        self._source = source
        self._asked = asked
        self._sides: dict[str, _Side] = {}
        self._upto = 0

    async def run(self, client: Client) -> dict[str, Imported]:
        """Do all of it. Raises BadInput for what does not fit, NotFound where nothing was pulled, TooManyDeletions."""
        tables = self._chosen()
        schemas = await self._fit(client, tables)
        await self._survey(tables, schemas)
        for name in order(tables):
            self.result[name] = Imported()
            await self._permit(self._sides[name])
        for name in order(tables):
            await self._write(self._sides[name], late=False)
        for name in order(tables):
            await self._write(self._sides[name], late=True)
            await self._conclude(self._sides[name])
        return self.result

    def _chosen(self) -> list[MappedTable]:
        pulled = [table for table in self._mapping.tables if table.direction is Direction.PULL]
        for name in self._asked.tables:
            if name not in [table.name for table in pulled]:
                raise BadInput(f"The mapping has no table {name} with direction = pull.")
        if not pulled:
            raise BadInput("No table of the mapping has direction = pull: that is what an import writes.")
        return [table for table in pulled if not self._asked.tables or table.name in self._asked.tables]

    async def _fit(self, client: Client, tables: Sequence[MappedTable]) -> dict[str, NotionSchema]:
        """Stop before anything is written where the mapping does not fit; make the tables that are missing."""
        checked = await check_mapping(self._mapping, self._source, client)
        names = {table.name: table.table or table.name for table in tables}
        errors = [each for each in checked.findings if each.level is Level.ERROR and each.table in names]
        missing = [each.table for each in errors if each.item == names[each.table]]
        others = [each for each in errors if each.table not in missing]
        if others or (missing and not self._asked.create_tables):
            first = (others or errors)[0]
            hint = "--create-tables makes it" if not others else first.fix
            raise BadInput(f"{first.table}: {first.sentence}{f': {hint}' if hint else ''}.")
        if missing:
            wanted = [table for table in tables if table.name in missing]
            self.made = await self._source.create_tables(wanted, self._mapping)
            return await self._fit(client, tables)
        return checked.schemas

    async def _survey(self, tables: Sequence[MappedTable], schemas: Mapping[str, NotionSchema]) -> None:
        """Note how far the store is, then read the keys of the pages: what changes later is the next import's."""
        async with self._app.database.read() as conn:
            self._upto = await head(conn, self._connection.id)
        names, late = {table.name for table in tables}, _late(tables)
        for table in self._mapping.tables:
            if table.name in schemas:
                side = _Side(table, schemas[table.name], late.get(table.name, frozenset()))
                self._sides[table.name] = side
                await self._index(side, needed=table.name in names)

    async def _index(self, side: _Side, *, needed: bool) -> None:
        source = side.schema.data_source
        async with self._app.database.read() as conn:
            held = await records.find(conn, self._connection.id, Kind.DATA_SOURCE, [source])
            if not held and needed:
                raise NotFound(
                    f"The database {side.schema.title} was not pulled yet: `syncline pull` reads it into the store."
                )
            async for page in rows_of(conn, self._connection.id, source):
                key = _key(side, page)
                if key is not None:
                    side.keys[str(page["id"])] = key
                    side.pages[key] += 1

    async def _permit(self, side: _Side) -> None:
        """Stop before a large part of a table is deleted."""
        deletes = side.mapped.deletes
        if deletes.policy is DeletePolicy.IGNORE or self._asked.accept_deletions:
            return
        gone = 0
        async for batch in self._changes(side):
            gone += sum(record.deleted_at is not None for record in batch)
        rows = await self._source.count(side.mapped)
        if gone > max(_FEW, deletes.threshold * rows):
            raise TooManyDeletions(
                f"{gone:,} of {rows:,} rows of {side.mapped.name} have no page any more, and the mapping allows "
                f"{deletes.threshold:.0%}: look at Notion, then repeat with --accept-deletions. Nothing was written."
            )

    async def _changes(self, side: _Side) -> AsyncIterator[list[StoredRecord]]:
        """The pages of the table's database that changed since its last import, so many at once."""
        after = await self._position(side)
        while True:
            async with self._app.database.read() as conn:
                found = await records.changes(conn, self._connection.id, after=after, limit=_BATCH)
            if not found or after >= self._upto:
                return
            after = found[-1].seq
            batch = [each for each in found if each.seq <= self._upto and _is_page_of(each, side)]
            if batch:
                yield batch

    async def _position(self, side: _Side) -> int:
        if self._asked.full:
            return 0
        name = side.mapped.name
        return await self._source.position(self._mapping.name, name, connection_id=self._connection.id)

    async def _write(self, side: _Side, *, late: bool) -> None:
        """Write the rows, or with `late` only what waited for the others."""
        if late and not side.late:
            return
        async for batch in self._changes(side):
            async with self._source.writing(zone=zone_of(self._mapping)) as writer:
                for record in batch:
                    await self._one(writer, side, record, late=late)

    async def _one(self, writer: Writer, side: _Side, record: StoredRecord, *, late: bool) -> None:
        result = self.result[side.mapped.name]
        if late and result.outcomes.get(record.key) not in _WRITTEN:
            return
        try:
            outcome = await self._act(writer, side, record, late=late)
        except (Refusal, Unfit) as error:
            result.problems[record.key] = str(error)
            held = side.held_back
            side.held_back = record.seq if held is None else min(held, record.seq)
            outcome = Outcome.FAILED
        first = result.outcomes.get(record.key)
        made = late and first is Outcome.CREATED and outcome is Outcome.UPDATED
        if not (made or (late and outcome is Outcome.UNCHANGED)):
            result.outcomes[record.key] = outcome

    async def _act(self, writer: Writer, side: _Side, record: StoredRecord, *, late: bool) -> Outcome:
        key = _key(side, record.data)
        if key is None:
            return Outcome.SKIPPED
        if record.deleted_at is not None:
            gone = not side.pages[key] and await _delete(writer, side.mapped, key)
            return Outcome.DELETED if gone else Outcome.SKIPPED
        if side.pages[key] > 1:
            raise Refusal(
                f"{side.pages[key]} pages have the key {key}, so none of them is known to be the row"
            )
        values = self._values(side, record, late=late)
        held = await writer.one(side.mapped, key)
        if held is None:
            await writer.insert(side.mapped, key, values)
            return Outcome.CREATED
        row = await writer.update(side.mapped, key, values)
        return Outcome.UNCHANGED if row == held else Outcome.UPDATED

    def _values(self, side: _Side, record: StoredRecord, *, late: bool) -> dict[str, Value]:
        """The values by the mapping's names of the properties; Notion's names are looked up by id, for they change."""
        cells = {cell.id: cell for cell in properties(record.data).values()}
        found: dict[str, Value] = {}
        for column in side.mapped.columns:
            known = side.schema.named(column.property)
            cell = cells.get(known.id) if known is not None else None
            if cell is None or (column.property in side.late) is not late:
                continue
            found[column.property] = self._value(side, column, cell.raw)
        return found

    def _value(self, side: _Side, column: MappedColumn, raw: Json) -> Value:
        if column.relation is None:
            return value(raw)
        other = self._sides.get(column.relation)
        found = value(raw, keys=other.keys if other else {})
        keys = found if isinstance(found, tuple) else ()
        known = tuple(key for key in keys if other and key in other.pages)
        self.result[side.mapped.name].unresolved += len(keys) - len(known)
        return known or None

    async def _conclude(self, side: _Side) -> None:
        """Move the position to the end, or to before the first page that was refused."""
        reached = self._upto if side.held_back is None else side.held_back - 1
        await self._source.remember(
            self._mapping.name, side.mapped.name, connection_id=self._connection.id, reached=reached
        )


def order(tables: Collection[MappedTable]) -> list[str]:
    """Their names, each after those it refers to, as far as that can be; else in the order of the mapping."""
    waiting = {
        table.name: {str(each.relation) for each in table.relations} - {table.name} for table in tables
    }
    done: list[str] = []
    while waiting:
        free = [name for name, needs in waiting.items() if not needs & waiting.keys()]
        for name in free or [next(iter(waiting))]:
            done.append(name)
            del waiting[name]
    return done


def _late(tables: Collection[MappedTable]) -> dict[str, frozenset[str]]:
    """The relations, by table, that lead to a table that is written later, or to the table itself."""
    place = {name: position for position, name in enumerate(order(tables))}
    return {
        table.name: frozenset(
            each.property
            for each in table.relations
            if place.get(str(each.relation), -1) >= place[table.name]
        )
        for table in tables
    }


def _is_page_of(record: StoredRecord, side: _Side) -> bool:
    return record.kind is Kind.PAGE and record.stream == side.schema.data_source


async def _delete(writer: Writer, mapped: MappedTable, key: str) -> bool:
    if mapped.deletes.policy is not DeletePolicy.TRASH:
        return False
    try:
        await writer.remove(mapped, key)
    except Moved:
        return False
    return True


def _key(side: _Side, page: Mapping[str, Any]) -> str | None:
    """The key that the page bears."""
    if side.mapped.key.property == PAGE_ID:
        return str(page["id"])
    known = side.schema.named(side.mapped.key.property)
    cells = properties(page).values()
    cell = next((cell for cell in cells if known is not None and cell.id == known.id), None)
    return None if cell is None else key_text(value(cell.raw))
