"""The second half of a push: a plan, carried out against Notion, each link stored the moment its page exists.

    create   intent ─▶ request ─▶ link       an intent that is found later is settled by asking Notion for the key
    update   request ─▶ link
    later    the relations that had to wait, once every page is there

A row that Notion refuses is a finding of the report, and the others go on; what refuses the token, or is not answered after all tries,
ends the push. Whatever ends it, the next push finds what is done as unchanged.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from syncline.app import App
from syncline.core.errors import Skip
from syncline.core.hash import digest
from syncline.core.mapped_values import PropertyType, Unfit, Value, comparable
from syncline.core.matching import pushed
from syncline.core.plan import WRITES, Action, ActionKind, Change, Indexed, Link, Plan
from syncline.core.report import Finding, Report
from syncline.destinations.notion import Full, NotionTable, indexed, key_type
from syncline.notion import objects
from syncline.store import links
from syncline.store.links import Place

__all__ = ["WRITERS", "Table", "Upsert"]

WRITERS: Final = 6
"""Rows that are written at the same time."""


@dataclass
class Table:
    """One table as a push writes it. `pages` are the ids of pages by key; new ones are added. `admit` lets pages be written.

    `seen` are the pages by id, as Notion showed them last.
    """

    notion: NotionTable
    place: Place
    links: Mapping[str, Link]
    admit: Callable[[Iterable[str]], None]
    pages: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Indexed] = field(default_factory=dict)

    @property
    def relations(self) -> dict[str, str]:
        """The table that each relation leads to."""
        return {one.property: one.relation for one in self.notion.table.relations if one.relation}


class Upsert:
    """Carries out one plan.

    `read_at` is when the indexes were read. `now` and `sleep` are the time. After `halt` no new action is begun.
    """

    def __init__(
        self,
        app: App,
        tables: Mapping[str, Table],
        report: Report,
        *,
        people: Mapping[str, str],
        read_at: datetime,
        halt_on_error: bool = False,
        settle: timedelta,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self.done = 0
        self._app = app
        self._tables = tables
        self._report = report
        self._people = people
        self._read_at = read_at
        self._halt_on_error = halt_on_error
        self._settle = settle
        self._sleep = sleep
        self._intent = app.new_id()
        self._halted = False
        self._full: dict[str | None, str] = {}
        self._bodies: list[Action] = []
        self._partial: set[tuple[str, str]] = set()

    @property
    def stopped(self) -> bool:
        """Whether no new action is begun."""
        return self._halted

    def halt(self) -> None:
        """Begin no new action; what is under way ends."""
        self._halted = True

    async def rows(self, found: Plan) -> None:
        """Write the rows: wave after wave, then the relations that had to wait."""
        waves: defaultdict[int, list[Action]] = defaultdict(list)
        for action in found.writes:
            waves[action.wave].append(action)
        for wave in sorted(waves):
            await self._each(waves[wave], self._write)
        waiting = [one for one in found.writes if one.later and one.key in self._tables[one.table].pages]
        await self._each(waiting, self._relate)

    async def bodies(self) -> None:
        """Write the content of pages that were there before; new ones came with it."""
        await self._each(self._bodies, self._write_body)

    # --- many at once ---------------------------------------------------------------------------------

    async def _each(self, actions: Iterable[Action], write: Callable[[Action], Any]) -> None:
        queue = iter(actions)

        async def work() -> None:
            for action in queue:
                if self._halted:
                    return
                await self._one(action, write)

        workers = [asyncio.create_task(work()) for _ in range(WRITERS)]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            # What is in flight is finished and linked, whatever happens.
            self._halted = self._halted or any(not one.done() for one in workers)
            ended = await asyncio.shield(asyncio.gather(*workers, return_exceptions=True))
        for error in ended:
            if error is not None:
                raise error

    async def _one(self, action: Action, write: Callable[[Action], Any]) -> None:
        tally, began = self._report.tally(action.table), self._app.now()
        try:
            await write(action)
            self.done += 1
        except (Skip, Unfit) as error:
            self._fail(action, error)
        finally:
            tally.seconds += (self._app.now() - began).total_seconds()

    def _fail(self, action: Action, error: Exception) -> None:
        if isinstance(error, Full):
            self._full[None if error.workspace else action.table] = str(error)
        tally = self._report.tally(action.table)
        tally.failed += 1
        self._report.findings.append(Finding(action.table, action.key, "failed", str(error)))
        self._halted = self._halted or self._halt_on_error
        self._report.halted = self._report.halted or self._halt_on_error

    # --- one action -----------------------------------------------------------------------------------

    async def _write(self, action: Action) -> None:
        await _WRITE[action.kind](self, action)

    async def _create(self, action: Action) -> None:
        full = self._full.get(None) or self._full.get(action.table)
        if full is not None:
            raise Skip(full)
        table = self._tables[action.table]
        sent = self._sent(action, [one for one in action.changes if one.property not in action.later])
        page = await self._intended(table, action.key)
        if page is None:
            page = await self._made(table, action, sent)
        else:
            page = await table.notion.update(str(page["id"]), sent)
        link = Link(action.key, written=None if action.later else action.row, body=_hash(action.body))
        await self._linked(table, link, page)
        self._report.tally(action.table).created += 1

    async def _intended(self, table: Table, key: str) -> Mapping[str, Any] | None:
        """Say that we are about to make the page of `key`; the page, if somebody else has made it."""
        async with self._app.database.begin() as conn:
            held = await links.intend(conn, table.place, key, intent=self._intent, now=self._app.now())
        if held is None:
            return None
        if held.page is None:
            return await self._settled(table, held)
        other = await self._alive(table, held.page)
        if other is None:
            async with self._app.database.begin() as conn:
                await links.forget(conn, table.place, [key])
                await links.intend(conn, table.place, key, intent=self._intent, now=self._app.now())
        return other

    async def _alive(self, table: Table, page: str) -> Mapping[str, Any] | None:
        """The page that a link leads to, if it still is a row of the database."""
        try:
            found = await table.notion.retrieve(page)
        except Skip:
            return None
        place = objects.parent(found)
        here = place is not None and place.id == table.notion.schema.data_source
        if objects.trashed(found) or not here:
            return None
        table.admit([page])
        return found

    async def _settled(self, table: Table, held: Link) -> Mapping[str, Any] | None:
        """What has become of an intent that somebody else wrote: the page, or None, and then the intent is ours."""
        meant = held.intended_at or self._read_at
        if meant + self._settle > self._read_at:
            left = (meant + self._settle - self._app.now()).total_seconds()
            if left > 0:
                await self._sleep(left)
            found = await self._come_true(table, held.key)
            if found is not None:
                return found
        async with self._app.database.begin() as conn:
            if await links.take_over(conn, table.place, held, intent=self._intent, now=self._app.now()):
                return None
        raise Skip("Another push is making this page: run the push again.")

    async def _come_true(self, table: Table, key: str) -> Mapping[str, Any] | None:
        """The page that was meant: linked by now, or found at Notion by its key."""
        async with self._app.database.read() as conn:
            held = (await links.of_keys(conn, table.place, [key])).get(key)
        if held is not None and held.page is not None:
            return await self._alive(table, held.page)
        pages = await table.notion.find(key)
        table.admit(str(page["id"]) for page in pages)
        return next(iter(pages), None)

    async def _made(self, table: Table, action: Action, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await table.notion.create(action.key, sent, body=action.body)
        except Skip:
            # Refused for good, so nothing was made. Any other error leaves the intent for whoever comes next.
            async with self._app.database.begin() as conn:
                await links.forget(conn, table.place, [action.key])
            raise

    async def _update(self, action: Action) -> None:
        table = self._tables[action.table]
        held = table.links.get(action.key)
        link = Link(action.key, action.page, body=held.body if held else None, written=action.row)
        if action.changes:
            page = await table.notion.update(action.page or "", self._sent(action, action.changes))
            await self._linked(table, link, page, sent=action.changes)
        if action.body is not None:
            self._bodies.append(action)
        else:
            self._report.tally(action.table).updated += 1

    async def _write_body(self, action: Action) -> None:
        table = self._tables[action.table]
        await table.notion.write_body(action.page or "", action.body or "")
        async with self._app.database.begin() as conn:
            held = (await links.of_keys(conn, table.place, [action.key])).get(action.key)
            link = held or Link(action.key, action.page, written=action.row, seen=action.seen)
            await links.save(conn, table.place, [replace(link, body=_hash(action.body))], now=self._app.now())
        self._report.tally(action.table).updated += 1

    async def _relate(self, action: Action) -> None:
        """Set the relations of a new page that had to wait."""
        table = self._tables[action.table]
        sent = self._sent(action, [one for one in action.changes if one.property in action.later])
        page = await table.notion.update(table.pages[action.key], sent)
        link = Link(action.key, written=action.row, body=_hash(action.body))
        await self._linked(table, link, page, sent=action.changes)

    async def _flag(self, action: Action) -> None:
        table = self._tables[action.table]
        page = await table.notion.update(action.page or "", self._sent(action, action.changes))
        held = table.links[action.key]
        await self._linked(table, Link(action.key, body=held.body), page)
        self._report.tally(action.table).deleted += 1

    async def _trash(self, action: Action) -> None:
        table = self._tables[action.table]
        await table.notion.trash(action.page or "")
        async with self._app.database.begin() as conn:
            await links.forget(conn, table.place, [action.key])
        self._report.tally(action.table).deleted += 1

    async def _linked(
        self, table: Table, link: Link, page: Mapping[str, Any], *, sent: Iterable[Change] = ()
    ) -> None:
        """Store whose the page is, what was written into it, and how it looks now.

        What somebody edited since the page was read is not taken for ours: the next push compares the page anew.
        """
        seen = self._seen(table, page)
        edited = _differ(table.seen.get(seen.page), seen, beside={one.property for one in sent})
        table.pages[link.key], table.seen[seen.page] = seen.page, seen
        whole = (table.place.table, link.key) not in self._partial
        written = link.written if whole else None
        stored = replace(link, page=seen.page, seen=None if edited else seen.hash, written=written)
        async with self._app.database.begin() as conn:
            await links.save(conn, table.place, [stored], now=self._app.now())

    def _seen(self, table: Table, page: Mapping[str, Any]) -> Indexed:
        mapped = table.notion.table
        return indexed(page, mapped, pushed(mapped, key_type(table.notion.schema, mapped)))

    def _sent(self, action: Action, changes: Iterable[Change]) -> dict[str, Any]:
        """The values of a request. A relation to a row whose page could not be made is left out, and noted."""
        table = self._tables[action.table]
        values: dict[str, tuple[PropertyType, Value]] = {}
        for change in changes:
            values[change.property] = (change.type, self._reachable(action, table, change))
        return table.notion.sent(
            values, ids=lambda name: self._ids(table.relations.get(name)), people=self._people
        )

    def _ids(self, table: str | None) -> Mapping[str, str]:
        return self._tables[table].pages if table is not None else {}

    def _reachable(self, action: Action, table: Table, change: Change) -> Value:
        other = table.relations.get(change.property)
        if other is None or not isinstance(change.new, tuple):
            return change.new
        known = self._ids(other)
        missing = [key for key in change.new if key not in known]
        if missing:
            said = f"{change.property}: the page of {other} {', '.join(missing)} could not be made."
            self._report.findings.append(Finding(action.table, action.key, "note", said))
            self._partial.add((action.table, action.key))
        return tuple(key for key in change.new if key in known)


def _differ(before: Indexed | None, after: Indexed, *, beside: AbstractSet[str]) -> bool:
    """Whether a page shows another value than before, `beside` these properties."""
    if before is None:
        return False
    names = after.values.keys() - beside
    return any(comparable(before.values.get(name)) != comparable(after.values[name]) for name in names)


def _hash(body: str | None) -> str | None:
    return None if body is None else digest(body)


_WRITE: Final[Mapping[ActionKind, Callable[[Upsert, Action], Any]]] = {
    ActionKind.CREATE: Upsert._create,  # noqa: SLF001  its own table
    ActionKind.UPDATE: Upsert._update,  # noqa: SLF001  as above
    ActionKind.FLAG: Upsert._flag,  # noqa: SLF001  as above
    ActionKind.TRASH: Upsert._trash,  # noqa: SLF001  as above
}
assert _WRITE.keys() == WRITES, "every kind that writes has its way"
