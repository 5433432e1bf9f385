"""A merge that is only played: the same steps on copies of both sides, so that a plan says what the merge then does.

What Notion or a column would refuse is refused here, too, by the same checks. What only the database knows, its constraints, defaults and
triggers, cannot be played. Nothing is sent and nothing written; at most Notion is asked for the people of the workspace.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime

from syncline.core.hash import digest
from syncline.core.mapped_values import PropertyType, Value, to_json
from syncline.core.mapping import Row
from syncline.core.pair import Presence, Version
from syncline.core.plan import Action, ActionKind, Change, Plan
from syncline.core.report import Report
from syncline.core.schema import NotionSchema
from syncline.mapping.twoway import Merge
from syncline.mapping.twoway_count import clashing
from syncline.mapping.twoway_pairs import Item
from syncline.mapping.twoway_row import Result
from syncline.mapping.twoway_sides import Pages, PageState, Places, Rows
from syncline.mapping.twoway_table import Table
from syncline.store.agreed import Known
from syncline.store.conflicts import Raised

__all__ = ["rehearsed"]


async def rehearsed(merge: Merge, plan: Plan) -> Plan:
    """`plan`, of the tables that go one way, with all that the merge would do after it. The merge has read both sides."""
    script = _Script()
    played = _copy(merge, script)
    for action in plan.actions:
        if action.kind is ActionKind.CREATE:
            played.places.add(action.table, action.key, f"new {action.key}")
        elif action.kind is ActionKind.TRASH:
            played.places.remove(action.table, action.key)
    played.settled = lambda table, item, result: script.settled(played.tables[table], item, result)
    await played.carry_out()
    notes = ((one.table, one.key, one.reason) for one in played.report.findings if one.what == "note")
    stops = [said for said in (plan.stop, merge.too_many_deletions()) if said]
    return replace(
        plan,
        tables=(*plan.tables, *played.tables),
        actions=(*plan.actions, *script.actions(), *_left_out(merge)),
        unchanged={**plan.unchanged, **{name: played.report.tally(name).unchanged for name in played.tables}},
        stop=" ".join(stops) or None,
        notes=(*plan.notes, *notes),
    )


def _copy(merge: Merge, script: "_Script") -> Merge:
    """The merge with copies of both sides, and nothing else to write to."""
    places = deepcopy(merge.places)
    tables = {}
    for name, table in merge.tables.items():
        items = merge.paired[name].items
        tables[name] = replace(
            table,
            rows=_PlayedRows(table.rows, script),
            pages=_PlayedPages(
                table.pages,
                script,
                places,
                states={item.page.page: item.page for item in items if item.page},
                leads={each.property: each.relation or "" for each in table.mapped.relations},
            ),
            memory=_NoMemory(),
            places=places,
            keys=table.keys | {item.key for item in items},
        )
    return replace(
        merge, report=Report(merge.report.mapping), tables=tables, places=places, halt_on_error=False
    )


def _left_out(merge: Merge) -> Iterator[Action]:
    for name, paired in merge.paired.items():
        for key, reason in paired.skipped.items():
            yield Action(ActionKind.SKIP, name, key, reason=reason)
        for one in paired.ambiguous:
            yield Action(ActionKind.AMBIGUOUS, name, one.key or "", reason=one.reason, pages=one.pages)


# --- what is written down -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Write:
    """One write on one side: `values` are all it writes, None for a deletion."""

    kind: ActionKind
    values: Mapping[str, Value]


@dataclass
class _Script:
    """What a played merge has written: the writes of the row that is being settled, and the actions of all before."""

    writes: list[_Write] = field(default_factory=list)
    promised: set[str] = field(default_factory=set)
    """Keys that stand for those which new rows are going to get, which nobody knows yet."""
    found: dict[tuple[str, str, bool], Action] = field(default_factory=dict)
    """By table, key and whether it is Notion that is written: the writes of one row on one side are one action."""
    told: list[Action] = field(default_factory=list)

    def wrote(self, kind: ActionKind, values: Mapping[str, Value] | None = None) -> None:
        self.writes.append(_Write(kind, values or {}))

    def actions(self) -> list[Action]:
        return [*self.found.values(), *self.told]

    def settled(self, table: Table, item: Item, result: Result) -> None:
        """The row is done: its writes become actions."""
        name, page = table.mapped.name, None if item.page is None else item.page.page
        key = "" if result.key in self.promised else result.key
        for write in self.writes:
            action = _action(table, item, write, key=key)
            place = (name, result.key, write.kind in _NOTION)
            if action.changes or write.kind in _ALWAYS:
                known = self.found.get(place)
                self.found[place] = action if known is None else _folded(known, action)
        self.writes.clear()
        if result.failed is not None:
            self.told.append(Action(ActionKind.FAIL, name, key, page, reason=result.failed))
        elif result.waits:
            clash = Action(ActionKind.CONFLICT, name, key, page, reason=clashing(result.waits))
            if clash not in self.told:
                self.told.append(clash)


_NOTION = frozenset({ActionKind.CREATE, ActionKind.UPDATE, ActionKind.TRASH, ActionKind.FLAG})
_ALWAYS = frozenset(ActionKind) - {ActionKind.UPDATE, ActionKind.REVISE}
"""What is an action even where it changes no value."""


def _action(table: Table, item: Item, write: _Write, *, key: str) -> Action:
    """One write as an action; the key that a new row is to get cannot be named."""
    page = None if item.page is None else item.page.page
    before = _shown(table, item) if write.kind in _NOTION else {} if item.row is None else item.row.values
    kinds = {each.name: PropertyType(each.kind) for each in table.fields}
    kinds |= {table.mapped.deletes.flag: PropertyType.CHECKBOX}
    own = table.mapped.key.property
    changes = tuple(
        Change(name, kinds[name], before.get(name), value)
        for name, value in write.values.items()
        if key or name != own
    )
    restored = write.kind is ActionKind.UPDATE and item.presence is Presence.TRASHED
    reason = "Back from the trash." if restored else "" if key else "The page gets the key of its row."
    return Action(write.kind, table.mapped.name, key, page, changes, reason=reason, row=_hash(changes))


def _shown(table: Table, item: Item) -> Mapping[str, Value]:
    version = None if item.page is None else table.page_version(item.page)
    return {} if version is None else version.values


def _folded(first: Action, then: Action) -> Action:
    """Two writes of one row as one action; what the second adds to a page that is made follows `later`."""
    changes = {one.property: one for one in first.changes}
    for one in then.changes:
        known = changes.get(one.property)
        changes[one.property] = one if known is None else replace(one, old=known.old)
    kind = first.kind if then.kind in {ActionKind.UPDATE, ActionKind.REVISE} else then.kind
    added = tuple(one.property for one in then.changes) if first.kind is ActionKind.CREATE else ()
    folded = tuple(changes.values())
    return replace(first, kind=kind, changes=folded, later=(*first.later, *added), row=_hash(folded))


def _hash(changes: Iterable[Change]) -> str:
    return digest({one.property: to_json(one.new) for one in changes})


# --- both sides, played -------------------------------------------------------------------------------------------


class _NoMemory:
    """Remembers nothing."""

    async def remember(self, known: Known) -> None:
        """See `Memory`."""

    async def forget(self, keys: Sequence[str]) -> None:
        """See `Memory`."""

    async def note(self, raised: Sequence[Raised]) -> list[str]:
        """See `Memory`."""
        return [repr(one) for one in raised]

    async def end(self, key: str, *, met: Iterable[str], done: Iterable[str]) -> None:
        """See `Memory`."""


@dataclass
class _PlayedRows:
    """Rows that are written nowhere."""

    inner: Rows
    script: _Script

    async def read(self, keys: Collection[str] | None = None) -> dict[str, Row]:
        return await self.inner.read(keys)

    async def pretend(self, page: str, *, taken: Collection[str]) -> str:
        return await self.inner.pretend(page, taken=taken)

    def check(self, values: Mapping[str, Value], *, key: str | None = None) -> None:
        self.inner.check(values, key=key)

    async def reserve(self, page: str, *, taken: Collection[str]) -> str:
        key = await self.inner.pretend(page, taken=taken)
        self.script.promised.add(key)
        return key

    async def insert(self, key: str, values: Mapping[str, Value]) -> Row | None:
        self.inner.check(values, key=key)
        self.script.wrote(ActionKind.INSERT, values)
        return Row(key, dict(values))

    async def update(self, seen: Row, values: Mapping[str, Value]) -> Row | None:
        self.inner.check(values)
        self.script.wrote(ActionKind.REVISE, values)
        return replace(seen, values={**seen.values, **values})

    async def delete(self, seen: Row) -> bool:  # noqa: ARG002  it is what the script has
        self.script.wrote(ActionKind.DELETE)
        return True


@dataclass
class _PlayedPages:
    """Pages that are written nowhere; `states` are those that are there, by id, `leads` the table of each relation."""

    inner: Pages
    script: _Script
    places: Places
    states: dict[str, PageState]
    leads: Mapping[str, str]

    @property
    def stale(self) -> bool:
        return self.inner.stale

    @property
    def schema(self) -> NotionSchema:
        return self.inner.schema

    async def index(self, *, since: datetime | None = None) -> Sequence[PageState]:
        return await self.inner.index(since=since)

    async def find(self, key: str) -> Sequence[PageState]:
        return await self.inner.find(key)

    async def one(self, page: str) -> PageState:
        return self.states[page]

    async def check(self, values: Mapping[str, Value], *, places: Places) -> None:
        await self.inner.check(values, places=places)

    async def create(self, key: str, values: Mapping[str, Value]) -> PageState:
        await self.inner.check(values, places=self.places)
        self.script.wrote(ActionKind.CREATE, values)
        return self._now(PageState(f"new {key}", key, Version({})), values)

    async def update(self, page: str, values: Mapping[str, Value], *, restore: bool = False) -> PageState:
        await self.inner.check(values, places=self.places)
        self.script.wrote(ActionKind.UPDATE, values)
        state = self.states[page]
        return self._now(replace(state, presence=Presence.PRESENT) if restore else state, values)

    async def flag(self, page: str, name: str) -> PageState:
        self.script.wrote(ActionKind.FLAG, {name: True})
        return self._now(self.states[page], {name: True})

    async def trash(self, page: str) -> PageState:
        self.script.wrote(ActionKind.TRASH)
        return replace(self.states[page], presence=Presence.TRASHED)

    def _now(self, state: PageState, values: Mapping[str, Value]) -> PageState:
        """A page once `values` are written. Relations are ids of pages, unless the page is presumed."""
        shown = state.version or Version({})
        given = {name: value if state.presumed else self._ids(name, value) for name, value in values.items()}
        version = replace(
            shown, values={**shown.values, **given}, unreadable=shown.unreadable - values.keys()
        )
        self.states[state.page] = replace(state, version=version)
        return self.states[state.page]

    def _ids(self, name: str, value: Value) -> Value:
        if name not in self.leads or not isinstance(value, tuple):
            return value
        known = self.places.pages.get(self.leads[name], {})
        return tuple(known[one] for one in value)
