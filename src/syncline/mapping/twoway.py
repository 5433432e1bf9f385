"""The merge of a mapping's two-way tables: read both sides, pair them, decide, and write what is decided, row by row.

read      mapping.twoway_read: what is remembered, the index of each database, all rows
decide    core.merge, one row at a time; too many deletions stop here
write     mapping.twoway_row; rows wait until what their relations lead to has its page
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from syncline.app import App
from syncline.core.canonical import canonical
from syncline.core.mapping import Direction, MappedTable
from syncline.core.mapping import Mapping as TableMapping
from syncline.core.pair import Act, Merged
from syncline.core.plan import Action, ActionKind
from syncline.core.plurals import be
from syncline.core.report import Finding, Report
from syncline.destinations.notion import Sender
from syncline.mapping import twoway_marks as marks
from syncline.mapping.twoway_count import DELETIONS, Counting
from syncline.mapping.twoway_pairs import Item, Paired
from syncline.mapping.twoway_read import TableReader
from syncline.mapping.twoway_row import Result, settle_row
from syncline.mapping.twoway_sides import Places
from syncline.mapping.twoway_table import Table
from syncline.notion.client import Client
from syncline.sources.sql import SqlSource
from syncline.store import agreed, links
from syncline.store.agreed import Standing
from syncline.store.connections import Connection
from syncline.store.links import Place

__all__ = ["Merge", "two_way"]


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
    settled: Callable[[str, Item, Result], None] = lambda _table, _item, _result: None
    """Is told of each row that was settled: its table, what it was before, what became of it."""
    halt_on_error: bool = False
    changed_only: bool = False
    """Ask Notion only for pages edited since the last merge, where that left nothing open. What went to the trash is not seen."""
    settle: float = 2.0
    """Seconds for which a page may still come into being after whoever asked for it was cut off."""
    places: Places = field(default_factory=Places)
    tables: dict[str, Table] = field(default_factory=dict)
    paired: dict[str, Paired] = field(default_factory=dict)

    async def read(self) -> None:
        """Read both sides. Raises BadInput for what does not fit, NotFound for a database that is not there."""
        await self.place_others()
        reader = TableReader(
            self.app, self.mapping, self.source, self.client, self.places,
            sender=self.sender or (lambda _table: self.client),
            admit=self.admit, changed_only=self.changed_only, settle=self.settle,
        )  # fmt: skip
        for mapped in two_way(self.mapping):
            before = self.client.counts.requests
            read = await reader.read(mapped, self._place(mapped))
            self.tables[mapped.name], self.paired[mapped.name] = read
            self.report.tally(mapped.name).requests += self.client.counts.requests - before

    async def place_others(self) -> None:
        """Find where relations to tables that only go one way lead, which may have got pages since."""
        async with self.app.database.read() as conn:
            for mapped in self.mapping.tables:
                if mapped.direction is not Direction.BOTH:
                    found = await links.of_table(conn, self._place(mapped))
                    pages = {key: link.page for key, link in found.items() if link.page is not None}
                    self.places.replace(mapped.name, pages)

    def decide(self) -> list[tuple[Table, Item, Merged]]:
        """What there is to do now; relations that lead nowhere yet come later."""
        return [
            (table, item, merged)
            for name, table in self.tables.items()
            for item in self.paired[name].items
            if (merged := table.merge(item)).act is not Act.NOTHING or merged.clashes
        ]

    def too_many_deletions(self) -> str | None:
        """Why nothing may be written without being told to: a table would lose more than its threshold."""
        acts = [(table.mapped.name, merged.act) for table, _item, merged in self.decide()]
        for name, table in self.tables.items():
            gone = sum(1 for one, act in acts if one == name and act in DELETIONS)
            linked = sum(1 for item in self.paired[name].items if item.known is not None)
            if gone > table.mapped.deletes.threshold * linked:
                return (
                    f"{gone} of the {linked} rows of {name} {be(gone)} gone on one side, more than the share of "
                    f"{table.mapped.deletes.threshold:g} that may be deleted at once: look at both sides, "
                    "then allow it with --accept-deletions."
                )
        return None

    def is_done(self, action: Action) -> bool:
        """Whether what a plan wanted is what both sides agree on now."""
        items = self.paired[action.table].items
        own = (
            item for item in items if item.key == action.key or (item.page and item.page.page == action.page)
        )
        known = next((item.known for item in own), None)
        if action.kind in {ActionKind.TRASH, ActionKind.DELETE}:
            return known is None
        if action.kind is ActionKind.FLAG:
            return known is not None and known.standing is Standing.DETACHED
        agreed_on = None if known is None else known.agreed
        return agreed_on is not None and all(
            canonical(one.type, one.new)
            in (agreed_on.database.get(one.property), agreed_on.notion.get(one.property))
            for one in action.changes
        )

    async def write(self) -> None:
        """Do what is decided. Raises errors that end the run; what is done stays, and the next merge goes on."""
        await self._forget_strangers()
        await self.carry_out()
        if not self.report.halted:
            await self._leave_marks()

    async def carry_out(self) -> None:
        """Settle every row, those that others lead to first, and tell of what is left out."""
        self._tell_left_out()
        counting = Counting(self.report)
        waiting = [(name, item) for name in self.tables for item in self.paired[name].items]
        total, unresolved = len(waiting), list[tuple[str, Item]]()
        while waiting:
            ready = [one for one in waiting if not self.tables[one[0]].unresolved(one[1])]
            waiting = [one for one in waiting if self.tables[one[0]].unresolved(one[1])]
            if not ready:
                # Rows that lead to each other: made without the relation, which follows.
                ready, waiting, unresolved = waiting, [], list(waiting)
            await self._settle(ready, left=unresolved, count=counting.first)
            self.watch(total - len(waiting), total)
            if self.report.halted:
                return
        await self._settle(list(unresolved), left=unresolved, count=counting.again)
        self._tell_unresolved(unresolved)

    # --- the rows -----------------------------------------------------------------------------------------------------

    async def _settle(
        self,
        items: Sequence[tuple[str, Item]],
        *,
        left: list[tuple[str, Item]],
        count: Callable[[str, Result], None],
    ) -> None:
        """Settle rows one after the other; those of `left` are replaced by what they have become."""
        for name, item in items:
            result, after = await self._timed(name, item)
            if (name, item) in left:
                left.remove((name, item))
                if after is not None and result.failed is None:
                    left.append((name, after))
            count(name, result)
            self.settled(name, item, result)
            if result.failed is not None and self.halt_on_error:
                self.report.halted = True
                return

    async def _timed(self, name: str, item: Item) -> tuple[Result, Item | None]:
        tally, began, before = self.report.tally(name), self.app.now(), self.client.counts.requests
        try:
            return await settle_row(self.tables[name], item)
        finally:
            tally.requests += self.client.counts.requests - before
            tally.seconds += (self.app.now() - began).total_seconds()

    def _tell_unresolved(self, unresolved: Iterable[tuple[str, Item]]) -> None:
        for name, item in unresolved:
            for lost in self.tables[name].unresolved(item):
                reason = f"{lost}: it leads to a row that has no page, or a page that has no row"
                self.report.findings.append(Finding(name, item.key, "note", reason))

    def _tell_left_out(self) -> None:
        for name, paired in self.paired.items():
            tally = self.report.tally(name)
            tally.skipped += len(paired.skipped)
            tally.ambiguous += len(paired.ambiguous)
            for one in paired.ambiguous:
                found = Finding(name, one.key or "", "ambiguous", one.reason, one.pages)
                self.report.findings.append(found)

    # --- what is remembered -------------------------------------------------------------------------------------------

    def _place(self, mapped: MappedTable) -> Place:
        return Place(self.connection.id, self.mapping.name, mapped.name)

    async def _forget_strangers(self) -> None:
        """Drop what is remembered of rows that are remembered no longer."""
        for name, table in self.tables.items():
            paired = self.paired[name]
            kept = {item.key for item in paired.items if item.known is not None} | paired.skipped.keys()
            kept |= {one.key for one in paired.ambiguous if one.key is not None}
            async with self.app.database.begin() as conn:
                strangers = (await agreed.of_table(conn, table.place)).keys() - kept
                await agreed.forget(conn, table.place, sorted(strangers))

    async def _leave_marks(self) -> None:
        """Remember since when edits have to be looked for; nothing of a table that was left with anything open."""
        told = {one.table for one in self.report.findings}
        async with self.app.database.begin() as conn:
            for name, table in self.tables.items():
                tally = self.report.tally(name)
                if name in told or tally.skipped or tally.failed or tally.ambiguous or tally.conflicts:
                    await marks.drop(conn, table.place)
                else:
                    await marks.put(
                        conn, table.place, table.mapped, began=table.began, schema=table.pages.schema
                    )
