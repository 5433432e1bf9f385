"""Three-way merge: what two sides that share an agreed past have become, property by property and row by row.

    merge_row ──▶ Merged(act, to_database, to_notion, settled, overruled, queued)
        └── merge_property, one line of a table: who changed, are they equal ──▶ Verdict

The past is remembered per side: a side has changed where it differs from what *it* showed when both last agreed. So what one side
cannot keep (a time's microseconds, the format of a text) is never taken for an edit by a person, and what we wrote
ourselves never comes back. Where both changed one property the table's policy decides, and whatever loses is in the result:
nothing is overruled silently.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from syncline.core.canonical import Form, canonical
from syncline.core.mapped_values import Value
from syncline.core.mapping import ConflictPolicy, DeletePolicy
from syncline.core.pair import (
    ROW,
    Act,
    Agreed,
    Clash,
    Decision,
    Field,
    Flow,
    Merged,
    Pair,
    Presence,
    Rules,
    Side,
    Take,
    Version,
    fingerprint,
    forms,
)

__all__ = ["Verdict", "merge_property", "merge_row"]


class Verdict(StrEnum):
    """What becomes of one property."""

    AGREED = "agreed"
    """Neither side changed."""
    EQUAL = "equal"
    """Both are the same now, and we did not know it."""
    TAKE_DATABASE = "take_database"
    TAKE_NOTION = "take_notion"
    TAKE_VALUE = "take_value"
    QUEUED = "queued"
    """Both changed, and a person is to decide."""


# --- one property ---------------------------------------------------------------------------------------------------

_UNCONTESTED: Mapping[tuple[bool, bool], Verdict] = {
    (False, False): Verdict.AGREED,
    (True, False): Verdict.TAKE_DATABASE,
    (False, True): Verdict.TAKE_NOTION,
}
"""(the database changed, Notion changed) → whose value counts, where only one can."""

_TAKEN = {
    Take.DATABASE: Verdict.TAKE_DATABASE,
    Take.NOTION: Verdict.TAKE_NOTION,
    Take.VALUE: Verdict.TAKE_VALUE,
}
_FLOWS = {Flow.TO_NOTION: Take.DATABASE, Flow.TO_DATABASE: Take.NOTION}


def merge_property(
    base: tuple[Form, Form], now: tuple[Form, Form], *, flow: Flow, winner: Take | None
) -> tuple[Verdict, bool]:
    """What becomes of a property, and whether a value is overruled or waits by it.

    `base` and `now` are (database, Notion); `winner` is who is right if both changed, None if a person has to say.
    """
    changed = (base[0] != now[0], base[1] != now[1])
    if any(changed) and now[0] == now[1]:
        return Verdict.EQUAL, False
    owner = _FLOWS.get(flow)
    if owner is not None and any(changed):
        return _TAKEN[owner], changed[owner is Take.DATABASE]
    if not all(changed):
        return _UNCONTESTED[changed], False
    return (_TAKEN[winner] if winner else Verdict.QUEUED), True


def _winner(rules: Rules, database_at: datetime | None, notion_at: datetime | None) -> Take | None:
    """Who is right by the table's policy; None where a person has to say."""
    match rules.conflicts:
        case ConflictPolicy.DATABASE:
            return Take.DATABASE
        case ConflictPolicy.NOTION:
            return Take.NOTION
        case ConflictPolicy.MANUAL:
            return None
    if database_at is None or notion_at is None:
        return None
    # Notion's time is the beginning of a minute (https://developers.notion.com/reference/page): a change of the database
    # within that minute may have been earlier or later, and counts as later.
    return Take.NOTION if database_at < notion_at else Take.DATABASE


# --- one row --------------------------------------------------------------------------------------------------------


def merge_row(
    pair: Pair, fields: Iterable[Field], rules: Rules, *, decisions: Mapping[str, Decision] | None = None
) -> Merged:
    """What is to be done with one row. `decisions` are what people decided, by property, ROW for the whole row."""
    made = _Merging(pair, tuple(fields), rules, decisions or {})
    here, there = pair.database is not None, pair.notion is not None and pair.page is Presence.PRESENT
    if here and there:
        return made.both()
    if pair.agreed is None:
        return made.first()
    if here:
        return made.only_row()
    if there:
        return made.only_page()
    return made.plain(Act.DETACH if pair.page is Presence.LOST else Act.FORGET)


@dataclass(frozen=True, slots=True)
class _Merging:
    """The merge of one row."""

    pair: Pair
    fields: tuple[Field, ...]
    rules: Rules
    decisions: Mapping[str, Decision]

    def plain(self, act: Act, *clashes: Clash) -> Merged:
        return Merged(self.pair.key, act, clashes=clashes)

    def first(self) -> Merged:
        """A row that only one side has and that never was on the other."""
        if self.pair.database is not None:
            return Merged(self.pair.key, Act.CREATE_PAGE, to_notion=self.whole(Side.DATABASE))
        if self.pair.page is Presence.PRESENT:
            return Merged(self.pair.key, Act.CREATE_ROW, to_database=self.whole(Side.NOTION))
        return self.plain(Act.NOTHING)

    def both(self, act: Act = Act.UPDATE, *clashes: Clash) -> Merged:
        """A row that both sides have, or will have once `act` is done."""
        to: dict[Side, dict[str, Value]] = {Side.DATABASE: {}, Side.NOTION: {}}
        settled: list[str] = []
        told = list(clashes)
        for each in self.fields:
            verdict, contested = self.verdict(each)
            if contested:
                told.append(self.clash(each, verdict))
            if verdict is Verdict.EQUAL:
                settled.append(each.name)
            for side, value in self.writes(each.name, verdict):
                to[side][each.name] = value
        known = self.pair.agreed is not None and not (self.pair.detached or self.pair.loose)
        idle = act is Act.UPDATE and known and not (any(to.values()) or settled)
        return Merged(
            self.pair.key,
            Act.NOTHING if idle else act,
            to_database=to[Side.DATABASE],
            to_notion=to[Side.NOTION],
            settled=tuple(settled),
            clashes=tuple(told),
        )

    def only_row(self) -> Merged:
        """The page is gone: in the trash, or out of sight."""
        if self.pair.detached:
            return self.plain(Act.NOTHING)
        if self.pair.page is Presence.LOST or self.rules.deletes is DeletePolicy.IGNORE:
            return self.plain(Act.DETACH)
        if not self.edited(Side.DATABASE):
            # There is no flag in a database; to keep the row is the milder reading.
            return self.plain(Act.DETACH if self.rules.deletes is DeletePolicy.FLAG else Act.DELETE_ROW)
        return self.outlived(Side.DATABASE)

    def only_page(self) -> Merged:
        """The row is gone."""
        if self.pair.detached:
            return self.plain(Act.NOTHING)
        if self.rules.deletes is DeletePolicy.IGNORE:
            return self.plain(Act.DETACH)
        if not self.edited(Side.NOTION):
            return self.plain(Act.FLAG_PAGE if self.rules.deletes is DeletePolicy.FLAG else Act.TRASH_PAGE)
        return self.outlived(Side.NOTION)

    def edited(self, side: Side) -> bool:
        """Whether the side has since changed anything that the other one would have had to follow."""
        against = Flow.TO_DATABASE if side is Side.DATABASE else Flow.TO_NOTION
        return any(
            each.flow is not against and self.base(each.name, side) != self.form(each, side)
            for each in self.fields
            if self.readable(each.name, side)
        )

    def outlived(self, side: Side) -> Merged:
        """Deleted on one side and edited on `side`: the edit lives, and that is told; or a person decides."""
        take, gone = Take(side), Take(side.other)
        shown = {side: forms(self.fields, self.version(side).values), side.other: None}
        winner = self.decided(ROW, shown[Side.DATABASE], shown[Side.NOTION])
        if winner is None and self.rules.conflicts is not ConflictPolicy.MANUAL:
            winner = take
        clash = Clash(
            ROW,
            base=self.agreed(side),
            database=shown[Side.DATABASE],
            notion=shown[Side.NOTION],
            winner=winner,
            database_at=self.changed_at(Side.DATABASE),
            notion_at=self.changed_at(Side.NOTION),
        )
        if winner is None:
            return self.plain(Act.QUEUE, clash)
        if winner is gone:
            return self.plain(Act.DELETE_ROW if side is Side.DATABASE else Act.TRASH_PAGE, clash)
        if side is Side.DATABASE:
            return self.both(Act.RESTORE_PAGE, clash)
        return Merged(self.pair.key, Act.CREATE_ROW, to_database=self.whole(side), clashes=(clash,))

    # What is there.

    def version(self, side: Side) -> Version:
        found = self.pair.database if side is Side.DATABASE else self.pair.notion
        return found or Version({})

    def changed_at(self, side: Side) -> datetime | None:
        return self.version(side).changed_at

    def form(self, each: Field, side: Side) -> Form:
        return canonical(each.kind, self.version(side).values.get(each.name))

    def agreed(self, side: Side) -> Mapping[str, Form]:
        agreed = self.pair.agreed or Agreed()
        return agreed.database if side is Side.DATABASE else agreed.notion

    def base(self, name: str, side: Side) -> Form:
        return self.agreed(side).get(name)

    def readable(self, name: str, *sides: Side) -> bool:
        return all(name not in self.version(side).unreadable for side in sides)

    def whole(self, side: Side) -> dict[str, Value]:
        """Every value of `side` that may go to the other one."""
        against = Flow.TO_DATABASE if side is Side.DATABASE else Flow.TO_NOTION
        return {
            each.name: self.version(side).values[each.name]
            for each in self.fields
            if each.flow is not against
            and self.readable(each.name, side)
            and self.form(each, side) is not None
        }

    # What becomes of one property.

    def verdict(self, each: Field) -> tuple[Verdict, bool]:
        if not self.readable(each.name, *Side):
            return Verdict.AGREED, False
        base = (self.base(each.name, Side.DATABASE), self.base(each.name, Side.NOTION))
        now = (self.form(each, Side.DATABASE), self.form(each, Side.NOTION))
        winner = self.decided(each.name, *now) or _winner(
            self.rules, self.changed_at(Side.DATABASE), self.changed_at(Side.NOTION)
        )
        return merge_property(base, now, flow=each.flow, winner=winner)

    def decided(self, name: str, database: Form, notion: Form) -> Take | None:
        decision = self.decisions.get(name)
        known = decision is not None and decision.fingerprint == fingerprint(database, notion)
        return decision.take if decision is not None and known else None

    def writes(self, name: str, verdict: Verdict) -> list[tuple[Side, Value]]:
        """What to write where."""
        match verdict:
            case Verdict.TAKE_DATABASE:
                return [(Side.NOTION, self.version(Side.DATABASE).values.get(name))]
            case Verdict.TAKE_NOTION:
                return [(Side.DATABASE, self.version(Side.NOTION).values.get(name))]
            case Verdict.TAKE_VALUE:
                return [(side, self.decisions[name].value) for side in Side]
            case _:
                return []

    def clash(self, each: Field, verdict: Verdict) -> Clash:
        winners = {taken: take for take, taken in _TAKEN.items()}
        return Clash(
            each.name,
            base=self.base(each.name, Side.DATABASE),
            database=self.form(each, Side.DATABASE),
            notion=self.form(each, Side.NOTION),
            winner=winners.get(verdict),
            database_at=self.changed_at(Side.DATABASE),
            notion_at=self.changed_at(Side.NOTION),
        )
