"""Makes a plan from both sides of each mapped table: first which page is a row's, then what differs.

A row's page is the one it is linked to, else the only one with its key, else the only one without a key that has the same values in the
columns `match` names. Values that were last written, on a page that looks as it did then, need no further look: Notion may have kept
them in a form of its own. Everything else is compared property by property, and the database is right.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from syncline.core.hash import digest
from syncline.core.mapped_values import (
    PropertyType,
    Value,
    comparable,
    values_hash,
)
from syncline.core.mapping import DeletePolicy, Row
from syncline.core.matching import Match, Side, row_values
from syncline.core.plan import WRITES, Action, ActionKind, Change, Indexed, Link, Plan
from syncline.core.plurals import be
from syncline.core.waves import waves

__all__ = ["plan"]


def plan(mapping: str, sides: Sequence[Side], *, against: str, others: Sequence[Side] = ()) -> Plan:
    """The plan for all tables. `against` is the hash of the mapping and the schemas.

    `others` are tables that relations lead to and that are not to be written; only their pages count.
    """
    matches = {side.table.name: Match(side).run() for side in (*sides, *others)}
    removals = [_removals(side, matches[side.table.name]) for side in sides]
    for removed, side in zip(removals, sides, strict=True):
        going = {one.key for one in removed.actions if one.kind is ActionKind.TRASH}
        matches[side.table.name].going |= going
    settled: dict[str, tuple[Link, ...]] = {}
    actions: list[Action] = []
    notes: list[tuple[str, str, str]] = []
    unchanged: dict[str, int] = {}
    for side in sides:
        decided = _Table(side, matches).decide()
        actions += decided.actions
        notes += decided.notes
        unchanged[side.table.name] = decided.unchanged
        settled[side.table.name] = tuple(decided.settled)
    gone = {side.table.name: removed.gone for side, removed in zip(sides, removals, strict=True)}
    stops = [removed.stop for removed in removals if removed.stop]
    actions += [action for removed in removals for action in removed.actions]
    return Plan(
        mapping=mapping,
        against=against,
        tables=tuple(side.table.name for side in sides),
        actions=tuple(_ordered(actions, sides)),
        unchanged=unchanged,
        stop=" ".join(stops) or None,
        notes=tuple(notes),
        settled=settled,
        gone=gone,
    )


# --- what differs -------------------------------------------------------------------------------------------------


class _Table:
    """The rows of one table, compared with their pages."""

    def __init__(self, side: Side, matches: Mapping[str, Match]) -> None:
        self.side = side
        self.actions: list[Action] = []
        self.settled: list[Link] = []
        self.notes: list[tuple[str, str, str]] = []
        self.unchanged = 0
        self._match = matches[side.table.name]
        self._relations = {
            one.property: (other, frozenset(matches[other].known), matches[other].keys)
            for one in side.table.relations
            if (other := one.relation) is not None and other in matches
        }
        self._pages = {
            other: {key: page.page for key, page in matches[other].page_of.items() if page is not None}
            for other, _, _ in self._relations.values()
        }
        columns = side.table.columns
        self._people = [one.property for one in columns if one.type is PropertyType.PEOPLE]

    def decide(self) -> "_Table":
        self.actions += [*self._match.instead.values(), *self._match.copies]
        for key, page in self._match.page_of.items():
            self._decide(self._match.rows[key], page)
        return self

    def _decide(self, row: Row, page: Indexed | None) -> None:
        wanted = self._wanted(row)
        link, hashed = self.side.links.get(row.key), self._hash(wanted)
        if page is None:
            self.actions.append(self._create(row, wanted, link))
            return
        same = link is not None and (link.written, link.seen, link.page) == (hashed, page.hash, page.page)
        changes = () if same else tuple(self._changes(wanted, page))
        body = _body(row, link)
        if not changes and body is None:
            self._settle(row, page, hashed, link)
            return
        reason = self.side.refuse({one.property: one.new for one in changes}, body=body)
        if reason is not None:
            self.actions.append(
                Action(ActionKind.FAIL, self.side.table.name, row.key, page.page, reason=reason)
            )
            return
        drift = self._drift(changes, link, hashed)
        self.actions.append(
            Action(
                ActionKind.UPDATE, self.side.table.name, row.key, page.page, changes, body,
                reason=self._why(page, link), row=hashed, seen=page.hash, drift=drift,
            )
        )  # fmt: skip

    def _hash(self, wanted: Mapping[str, Value]) -> str:
        """The hash of a row's values. A relation counts as the pages it leads to: a page that was made anew is another one."""
        led = dict(wanted)
        for name, (table, _, _) in self._relations.items():
            value = wanted.get(name)
            if isinstance(value, tuple):
                led[name] = tuple(self._pages[table].get(key, key) for key in value)
        return values_hash(led)

    def _settle(self, row: Row, page: Indexed, hashed: str, link: Link | None) -> None:
        self.unchanged += 1
        body = None if row.body is None else digest(row.body)
        new = Link(row.key, page.page, written=hashed, seen=page.hash, body=body)
        old = link or Link(row.key)
        if (old.page, old.written, old.seen, old.body) != (new.page, new.written, new.seen, new.body):
            self.settled.append(replace(new, generation=old.generation))

    def _create(self, row: Row, wanted: Mapping[str, Value], link: Link | None) -> Action:
        gone = link is not None and link.page is not None
        before = self._left_behind.get(self._features(wanted))
        if before is not None:
            self._note(
                row,
                f"it has the values of {before}, whose row is gone: if only its key changed, give the page of {before} the key {row.key}.",
            )
        changes = tuple(
            Change(name, self.side.types[name], None, value)
            for name, value in wanted.items()
            if not _is_empty(value)
        )
        return Action(
            ActionKind.CREATE, self.side.table.name, row.key, None, changes, row.body or None,
            reason="Its page is gone from the Notion database." if gone else "", row=self._hash(wanted),
        )  # fmt: skip

    @cached_property
    def _left_behind(self) -> dict[tuple[object, ...], str]:
        """The keys of rows that are gone and whose pages still stand, by the values there."""
        links = self.side.links.items() if self.side.only is None else ()
        gone = (
            (key, self.side.by_page.get(link.page or ""))
            for key, link in links
            if key not in self._match.rows
        )
        return {self._features(page.values): key for key, page in gone if page is not None}

    def _features(self, values: Mapping[str, Value]) -> tuple[object, ...]:
        """What tells a row from others but its key; relations have another form in a page."""
        own = self.side.table.key.property
        names = (one.property for one in self.side.table.columns if one.relation is None)
        return tuple(comparable(values.get(name)) for name in names if name != own)

    def _wanted(self, row: Row) -> dict[str, Value]:
        """What the page is to hold; what is left out of it is noted."""
        wanted = row_values(self.side.table, row, self.side.key_type)
        for name, (table, known, _) in self._relations.items():
            missing = _leave_out(wanted, name, known)
            if missing:
                self._note(row, f"{name}: no page of {table} has the key {', '.join(missing)}.")
        for name in self._people:
            missing = _leave_out(wanted, name, self.side.people)
            if missing:
                self._note(row, f"{name}: nobody in the workspace has the address {', '.join(missing)}.")
        return wanted

    def _note(self, row: Row, said: str) -> None:
        self.notes.append((self.side.table.name, row.key, said))

    def _changes(self, wanted: Mapping[str, Value], page: Indexed) -> Iterator[Change]:
        for name, value in wanted.items():
            old = self._old(name, page.values.get(name))
            if not _same(value, old):
                yield Change(name, self.side.types[name], old, value)

    def _old(self, name: str, value: Value) -> Value:
        """A page's value in the row's terms: keys for the pages a relation leads to; a page without one stays an id."""
        if name not in self._relations or not isinstance(value, tuple):
            return value
        keys = self._relations[name][2]
        return tuple(keys.get(page, page) for page in value)

    def _drift(self, changes: Iterable[Change], link: Link | None, hashed: str) -> tuple[str, ...]:
        """The row is as it was when it was written, so what differs was changed in Notion."""
        return tuple(one.property for one in changes) if link is not None and link.written == hashed else ()

    def _why(self, page: Indexed, link: Link | None) -> str:
        if link is not None and link.page == page.page:
            return ""
        by = "its key" if page.key else f"the same {', '.join(self.side.table.match)}"
        return f"Found by {by}."


def _leave_out(wanted: dict[str, Value], name: str, known: frozenset[str]) -> list[str]:
    """Take out of a list what is not known, and say what that was. Where nothing would be left, the page's value stays as it is."""
    value = wanted.get(name)
    asked = value if isinstance(value, tuple) else ()
    missing = [entry for entry in asked if entry not in known]
    if missing and len(missing) == len(asked):
        del wanted[name]
    elif missing:
        wanted[name] = tuple(entry for entry in asked if entry in known)
    return missing


def _body(row: Row, link: Link | None) -> str | None:
    """The content to write; None where there is none, or it is what was last written."""
    before = link.body if link is not None else None
    if row.body is None or before == digest(row.body):
        return None
    return row.body if row.body.strip() or before is not None else None


def _is_empty(value: Value) -> bool:
    """Whether a new page holds it anyway."""
    return value is None or value is False or value in ((), "")


def _same(one: Value, other: Value) -> bool:
    return (_is_empty(one) and _is_empty(other)) or comparable(one) == comparable(other)


# --- rows that are gone -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Removals:
    actions: tuple[Action, ...] = ()
    gone: tuple[str, ...] = ()
    stop: str | None = None


def _removals(side: Side, match: Match) -> _Removals:
    linked = {key: link for key, link in side.links.items() if link.page is not None}
    left = [key for key in linked if key not in match.rows and (side.only is None or key in side.only)]
    taken = match.taken()
    standing = [key for key in left if (page := linked[key].page) in side.by_page and page not in taken]
    there = set(standing)
    gone = tuple(key for key in left if key not in there)
    actions = tuple(action for key in standing if (action := _removal(side, key, linked[key])) is not None)
    return _Removals(actions, gone, _too_many(side, len(actions), len(linked)))


def _removal(side: Side, key: str, link: Link) -> Action | None:
    table, page = side.table, side.by_page[link.page or ""]
    if table.deletes.policy is DeletePolicy.TRASH:
        return Action(ActionKind.TRASH, table.name, key, page.page, reason="Its row is gone.", seen=page.hash)
    if table.deletes.policy is DeletePolicy.IGNORE or page.values.get(table.deletes.flag):
        return None
    change = Change(table.deletes.flag, PropertyType.CHECKBOX, old=False, new=True)
    return Action(
        ActionKind.FLAG, table.name, key, page.page, (change,), reason="Its row is gone.", seen=page.hash
    )


def _too_many(side: Side, removed: int, linked: int) -> str | None:
    allowed = side.table.deletes.threshold
    if removed <= allowed * linked:
        return None
    return (
        f"{removed} of the {linked} rows of {side.table.name} {be(removed)} gone, more than the share of {allowed:g} that may be deleted at once: "
        "look at the table, then allow it with --accept-deletions."
    )


# --- in which order -----------------------------------------------------------------------------------------------


def _ordered(actions: Sequence[Action], sides: Sequence[Side]) -> list[Action]:
    """The actions by wave, then as the mapping has the tables, then by key."""
    leads = {
        side.table.name: {one.property: one.relation for one in side.table.relations if one.relation}
        for side in sides
    }
    made = {(one.table, one.key) for one in actions if one.kind is ActionKind.CREATE}
    needs = {
        (one.table, one.key): _needs(one, leads[one.table], made)
        for one in actions
        if (one.table, one.key) in made
    }
    wave, later = waves(needs)
    place = {side.table.name: number for number, side in enumerate(sides)}
    ordered = [_in_wave(one, leads[one.table], wave, later) for one in actions]
    return sorted(ordered, key=lambda one: (one.wave, place[one.table], one.key, one.page or ""))


def _needs(
    action: Action, leads: Mapping[str, str], made: set[tuple[str, str]]
) -> dict[str, tuple[tuple[str, str], ...]]:
    needs = {}
    for change in action.changes:
        if change.property in leads and isinstance(change.new, tuple):
            others = tuple((leads[change.property], key) for key in change.new)
            needs[change.property] = tuple(other for other in others if other in made)
    return needs


def _in_wave(
    action: Action,
    leads: Mapping[str, str],
    wave: Mapping[tuple[str, str], int],
    later: Mapping[tuple[str, str], tuple[str, ...]],
) -> Action:
    this = (action.table, action.key)
    if action.kind is ActionKind.CREATE:
        return replace(action, wave=wave[this], later=later.get(this, ()))
    if action.kind not in WRITES:
        return action
    needs = _needs(action, leads, set(wave))
    after = [wave[other] for others in needs.values() for other in others]
    return replace(action, wave=1 + max(after)) if after else action
