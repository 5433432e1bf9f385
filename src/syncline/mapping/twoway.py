"""The merge of a mapping's two-way tables: read both sides, pair them, decide, and write what is decided, row by row.

read      what is remembered; all rows; the index of each database; what is missing from it, one by one
decide    core.merge, one row at a time; too many deletions stop here
write     mapping.twoway_row; rows wait until what their relations lead to has its page
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from syncline.app import App
from syncline.core.checkpoint import SKEW, watermark
from syncline.core.errors import BadInput, TooManyDeletions
from syncline.core.hash import digest
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import DeletePolicy, Direction, MappedTable
from syncline.core.mapping import Mapping as TableMapping
from syncline.core.pair import Act, Merged, Presence
from syncline.core.report import Finding, Report
from syncline.core.schema import NotionSchema, Property
from syncline.destinations.notion import NotionTable, Sender, key_type
from syncline.mapping.targets import resolve
from syncline.mapping.twoway_pages import NotionPages
from syncline.mapping.twoway_pairs import Item, Paired, pair_up
from syncline.mapping.twoway_row import Result, settle_row
from syncline.mapping.twoway_rows import SqlRows
from syncline.mapping.twoway_sides import PageState, Places
from syncline.mapping.twoway_table import Table, fields_of
from syncline.notion.client import Client
from syncline.sources.sql import SqlSource
from syncline.store import agreed, checkpoints, conflicts, links
from syncline.store.agreed import Known, Standing
from syncline.store.connections import Connection
from syncline.store.links import Place

__all__ = ["Merge", "two_way"]

_DELETIONS = frozenset({Act.TRASH_PAGE, Act.FLAG_PAGE, Act.DELETE_ROW})


def two_way(mapping: TableMapping) -> tuple[MappedTable, ...]:
    """The tables that go both ways."""
    return tuple(table for table in mapping.tables if table.direction is Direction.BOTH)


@dataclass
class Merge:
    """One merge of one mapping. `sender` is what writes go through, `admit` is told which pages are rows."""

    app: App
    connection: Connection
    mapping: TableMapping
    source: SqlSource
    client: Client
    report: Report
    sender: Callable[[MappedTable], Sender] | None = None
    admit: Callable[[Iterable[str]], None] = lambda _pages: None
    watch: Callable[[int, int], None] = lambda _done, _of: None
    halt_on_error: bool = False
    changed_only: bool = False
    """Ask Notion only for pages edited since the last merge, where that left nothing open. What went to the trash is not seen."""
    settle: float = 2.0
    """Seconds for which a page may still come into being after whoever asked for it was cut off."""
    places: Places = field(default_factory=Places)
    tables: dict[str, Table] = field(default_factory=dict)
    paired: dict[str, Paired] = field(default_factory=dict)
    _began: dict[str, datetime] = field(default_factory=dict)

    async def read(self) -> None:
        """Read both sides. Raises BadInput for what does not fit, NotFound for a database that is not there."""
        await self._place_others()
        for mapped in two_way(self.mapping):
            before = self.client.counts.requests
            mark = await self._mark_of(mapped)
            remembered = None if mark is None else _schema(mark["schema"])
            table = await self._table(mapped, remembered)
            paired = await self._paired(table, since=None if mark is None else mark["since"])
            if remembered is not None and table.pages.stale:
                table = await self._table(mapped, None)
                paired = await self._paired(table, since=None)
            self.tables[mapped.name], self.paired[mapped.name] = table, paired
            self.report.tally(mapped.name).requests += self.client.counts.requests - before

    def decide(self) -> list[tuple[Table, Item, Merged]]:
        """What there is to do now, in the order in which it is done; relations that lead nowhere yet come later."""
        return [
            (table, item, merged)
            for name, table in self.tables.items()
            for item in self.paired[name].items
            if (merged := table.merge(item)).act is not Act.NOTHING or merged.clashes
        ]

    def refuse_deletions(self) -> None:
        """Raises TooManyDeletions if a table would lose more than its threshold."""
        acts = [(table.mapped.name, merged.act) for table, _item, merged in self.decide()]
        for name, table in self.tables.items():
            gone = sum(1 for one, act in acts if one == name and act in _DELETIONS)
            linked = sum(1 for item in self.paired[name].items if item.known is not None)
            if gone > table.mapped.deletes.threshold * linked:
                raise TooManyDeletions(
                    f"{gone} of the {linked} rows of {name} are gone on one side, more than the share of "
                    f"{table.mapped.deletes.threshold:g} that may be deleted at once: look at both sides, "
                    "then allow it with --accept-deletions."
                )

    async def write(self) -> None:
        """Do what is decided. Raises errors that end the run; what is done stays, and the next merge goes on."""
        await self._forget_strangers()
        waiting = [(name, item) for name in self.tables for item in self.paired[name].items]
        total, unresolved = len(waiting), list[tuple[str, Item]]()
        while waiting:
            ready = [one for one in waiting if not self.tables[one[0]].unresolved(one[1])]
            waiting = [one for one in waiting if self.tables[one[0]].unresolved(one[1])]
            if not ready:
                # Rows that lead to each other: made without the relation, which follows.
                ready, waiting, unresolved = waiting, [], list(waiting)
            await self._settle(ready, left=unresolved, counted=True)
            self.watch(total - len(waiting), total)
            if self.report.halted:
                return
        await self._relate(unresolved)
        await self._note_marks()

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _table(self, mapped: MappedTable, remembered: NotionSchema | None) -> Table:
        async def renew() -> NotionSchema:
            return await resolve(self.client, mapped.database)

        schema = remembered or await renew()
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
        own = key_type(schema, mapped)
        computed = frozenset(column.name for column in described.columns if column.computed)
        fields = fields_of(mapped, own, computed=computed)
        kinds = {each.name: PropertyType(each.kind) for each in fields}
        if mapped.deletes.policy is DeletePolicy.FLAG:
            kinds[mapped.deletes.flag] = PropertyType.CHECKBOX
        _fits(mapped, schema, kinds)
        sender = self.sender(mapped) if self.sender is not None else self.client
        place = Place(self.connection.id, self.mapping.name, mapped.name)
        async with self.app.database.read() as conn:
            decisions = await conflicts.decisions(conn, place)
            waits = frozenset(await conflicts.waiting(conn, place))
        return Table(
            place=place,
            mapped=mapped,
            key_type=own,
            fields=fields,
            rows=SqlRows(self.source, mapped, described, ZoneInfo(self.mapping.zone)),
            pages=NotionPages(
                NotionTable(sender, schema, mapped, settle=self.settle),
                kinds,
                self.places,
                self.admit,
                renew=renew if remembered is not None else None,
            ),
            store=self.app.database,
            now=self.app.now,
            read_at=self.app.now(),
            places=self.places,
            decisions=decisions,
            waiting=waits,
        )

    async def _place_others(self) -> None:
        """Where relations to tables that only go one way lead."""
        async with self.app.database.read() as conn:
            for mapped in self.mapping.tables:
                if mapped.direction is not Direction.BOTH:
                    place = Place(self.connection.id, self.mapping.name, mapped.name)
                    for key, link in (await links.of_table(conn, place)).items():
                        if link.page is not None:
                            self.places.add(mapped.name, key, link.page)

    async def _paired(self, table: Table, *, since: str | None) -> Paired:
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

    async def _index(self, table: Table, known: Mapping[str, Known], *, since: str | None) -> list[PageState]:
        """The pages; where only edited ones are asked for, the others as they were agreed on."""
        name, here = table.place.table, self.app.now()
        self._began[name] = min(here, self.client.server_time() or here)
        if since is None:
            return list(await table.pages.index())
        edited = {page.page: page for page in await table.pages.index(since=datetime.fromisoformat(since))}
        linked = (one for one in known.values() if one.standing is Standing.LINKED and one.page not in edited)
        presumed = [table.presumed(one) for one in linked]
        self._admit(presumed)
        return [*edited.values(), *presumed]

    def _admit(self, pages: Iterable[PageState]) -> None:
        self.admit(page.page for page in pages)

    async def _mark_of(self, mapped: MappedTable) -> Any | None:
        """What the last merge of the table left behind, if that may be built upon."""
        async with self.app.database.read() as conn:
            mark = await checkpoints.value(conn, self.connection.id, self._mark(mapped.name))
        # A property that was not mapped then was not looked at either.
        same = mark is not None and mark["table"] == digest(repr(mapped))
        return mark if self.changed_only and same else None

    def _mark(self, name: str) -> str:
        return f"merge:{self.mapping.name}:{name}"

    async def _note_marks(self) -> None:
        """Remember since when edits have to be looked for; nothing of a table that was left with anything open."""
        async with self.app.database.begin() as conn:
            for name, began in self._began.items():
                tally, mark = self.report.tally(name), self._mark(name)
                told = any(one.table == name for one in self.report.findings)
                if told or tally.skipped or tally.failed or tally.ambiguous or tally.conflicts:
                    await checkpoints.drop(conn, self.connection.id, mark)
                else:
                    since = watermark(began - SKEW).isoformat()
                    table = self.tables[name]
                    schema = asdict(table.pages.schema)
                    value = {"since": since, "table": digest(repr(table.mapped)), "schema": schema}
                    await checkpoints.put(conn, self.connection.id, mark, value)

    # --- writing ------------------------------------------------------------------------------------------------------

    async def _forget_strangers(self) -> None:
        """Drop what is remembered of rows that are remembered no longer, and tell what is left out."""
        for name, table in self.tables.items():
            paired, tally = self.paired[name], self.report.tally(name)
            tally.skipped += len(paired.skipped)
            tally.ambiguous += len(paired.ambiguous)
            for one in paired.ambiguous:
                self.report.findings.append(Finding(name, one.key or "", "ambiguous", one.reason, one.pages))
            kept = {item.key for item in paired.items if item.known is not None} | paired.skipped.keys()
            kept |= {one.key for one in paired.ambiguous if one.key is not None}
            async with self.app.database.begin() as conn:
                strangers = (await agreed.of_table(conn, table.place)).keys() - kept
                await agreed.forget(conn, table.place, sorted(strangers))

    async def _settle(
        self, items: Sequence[tuple[str, Item]], *, left: list[tuple[str, Item]], counted: bool
    ) -> None:
        """Settle rows one after the other; those of `left` are replaced by what they have become."""
        for name, item in items:
            table, tally = self.tables[name], self.report.tally(name)
            began, before = self.app.now(), self.client.counts.requests
            try:
                result, after = await settle_row(table, item)
            finally:
                tally.requests += self.client.counts.requests - before
                tally.seconds += (self.app.now() - began).total_seconds()
            if (name, item) in left:
                left.remove((name, item))
                if after is not None and result.failed is None:
                    left.append((name, after))
            self._count(name, result, counted=counted)
            if result.failed is not None and self.halt_on_error:
                self.report.halted = True
                return

    async def _relate(self, unresolved: list[tuple[str, Item]]) -> None:
        """Set the relations that had to wait; tell of those that lead nowhere still."""
        await self._settle(list(unresolved), left=unresolved, counted=False)
        for name, item in unresolved:
            for lost in self.tables[name].unresolved(item):
                reason = f"{lost}: it leads to a row that has no page, or a page that has no row"
                self.report.findings.append(Finding(name, item.key, "note", reason))

    def _count(self, name: str, result: Result, *, counted: bool) -> None:
        tally = self.report.tally(name)
        if result.failed is not None:
            tally.failed += 1
            self.report.findings.append(Finding(name, result.key, "failed", result.failed))
            return
        if result.conflicts:
            self.report.findings.append(
                Finding(name, result.key, "conflict", "both sides changed it: `syncline conflicts list`")
            )
        what = _outcome(result)
        if counted or what != "unchanged":
            setattr(tally, what, getattr(tally, what) + 1)


def _schema(value: Any) -> NotionSchema:
    """What `asdict` made of a schema, as JSON gives it back."""
    properties = tuple(Property(**{**one, "options": tuple(one["options"])}) for one in value["properties"])
    return NotionSchema(**{**value, "properties": properties})


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


_OUTCOMES = (
    (frozenset({Act.CREATE_PAGE, Act.CREATE_ROW}), "created"),
    (_DELETIONS, "deleted"),
)


def _outcome(result: Result) -> str:
    """The count that a row goes to."""
    if result.conflicts:
        return "conflicts"
    for acts, name in _OUTCOMES:
        if acts & set(result.acts):
            return name
    return "updated" if result.pages_written or result.rows_written else "unchanged"


def _fits(mapped: MappedTable, schema: NotionSchema, kinds: dict[str, PropertyType]) -> None:
    for name, kind in kinds.items():
        found = schema.named(name)
        if found is None:
            raise BadInput(
                f"The Notion database {schema.title} has no property {name} (table {mapped.name}): make it there, correct the mapping, "
                "or let `syncline mapping check --create` make it."
            )
        if found.type != kind.value:
            raise BadInput(
                f"The property {name} of the Notion database {schema.title} is a {found.type}, and the mapping says {kind.value} "
                f"(table {mapped.name}): correct the one or the other."
            )
