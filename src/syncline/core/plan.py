"""A plan: what a push is going to do, as data that can be shown, saved and applied exactly.

    Plan ── actions ──▶ Action ── changes ──▶ Change     a property's old and new value
         ── settled ──▶ Link                             rows that need no write, but whose link is news
         ── gone ─────▶ (table, key)                     links whose row and page are both gone

`core.planning` makes one. Two plans with the same fingerprint do the same to the same state of both sides.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from syncline.core.hash import digest
from syncline.core.mapped_values import PropertyType, Value, from_json, to_json

__all__ = ["WRITES", "Action", "ActionKind", "Change", "Indexed", "Link", "Plan", "difference"]


class ActionKind(StrEnum):
    """What is to be done with one row or page."""

    CREATE = "create"
    UPDATE = "update"
    FLAG = "flag"
    """The row is gone: the page is marked."""
    TRASH = "trash"
    """The row is gone: the page goes to Notion's trash."""
    INSERT = "insert"
    """A two-way table: the page is new, and becomes a row."""
    REVISE = "revise"
    """A two-way table: the row takes what was changed in Notion."""
    DELETE = "delete"
    """A two-way table: the page is gone, and so goes the row."""
    SKIP = "skip"
    """An exclusion of the mapping keeps the row out."""
    AMBIGUOUS = "ambiguous"
    """Several pages could be the row's, or several rows the page's: nobody guesses."""
    CONFLICT = "conflict"
    """Both sides changed the same property, and the policy leaves it to a person."""
    FAIL = "fail"
    """The row cannot be written; `Action.reason` says why."""


WRITES = frozenset({ActionKind.CREATE, ActionKind.UPDATE, ActionKind.FLAG, ActionKind.TRASH})
"""The kinds that send something to Notion."""

_OF_DATABASE = frozenset({ActionKind.INSERT, ActionKind.REVISE, ActionKind.DELETE})


@dataclass(frozen=True, slots=True)
class Link:
    """Which page is a row's. `page` is None while it is an intent: somebody means to make the page, or died doing so.

    `written` is the hash of the values last written, `seen` that of the page's values last seen, `body` that of the content last
    written; None where nothing was. `generation` counts the times the link was saved. `intent` names who means to make it.
    """

    key: str
    page: str | None = None
    generation: int = 0
    written: str | None = None
    seen: str | None = None
    body: str | None = None
    intent: str | None = None
    intended_at: datetime | None = None
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Indexed:
    """A page as the index of its database has it: its key, its mapped values, the hash of those.

    A relation's value is the ids of the pages it leads to, not yet their keys.
    """

    page: str
    key: str | None
    values: Mapping[str, Value]
    hash: str
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One property: what it holds, what it is to hold. A relation's values are keys."""

    property: str
    type: PropertyType
    old: Value
    new: Value


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do.

    `row` is the hash of the row's values, `seen` that of the page's when this was planned. `pages` are those an ambiguous
    row could mean. `body` is Markdown to be written as the page's content. `drift` names properties that were changed in Notion since they
    were last written. Actions of a `wave` refer only to pages that are there once all earlier waves are done; relations `later` are
    set when all are.
    """

    kind: ActionKind
    table: str
    key: str
    page: str | None = None
    changes: tuple[Change, ...] = ()
    body: str | None = None
    reason: str = ""
    row: str | None = None
    seen: str | None = None
    drift: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    wave: int = 0
    later: tuple[str, ...] = ()

    @property
    def what(self) -> tuple[object, ...]:
        """All of it but its place among the others."""
        return (self.kind, self.table, self.key, self.page, self.changes, self.body, self.pages)

    def as_json(self) -> dict[str, Any]:
        """The form in which a plan is saved; what is empty is left out."""
        plain = {
            name: getattr(self, name) for name in _ACTION_FIELDS if getattr(self, name) != _EMPTY.get(name)
        }
        if self.changes:
            plain["changes"] = [
                {"property": one.property, "type": one.type, "old": to_json(one.old), "new": to_json(one.new)}
                for one in self.changes
            ]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Action":
        """The inverse of `as_json`."""
        plain: dict[str, Any] = {
            name: tuple(one) if isinstance(one, list) else one for name, one in value.items()
        }
        changes = tuple(
            Change(one["property"], PropertyType(one["type"]), from_json(one["old"]), from_json(one["new"]))
            for one in value.get("changes", ())
        )
        return cls(**plain | {"kind": ActionKind(value["kind"]), "changes": changes})


_ACTION_FIELDS = tuple(one.name for one in fields(Action))
_EMPTY: dict[str, Any] = {one.name: one.default for one in fields(Action)}


@dataclass(frozen=True)
class Plan:
    """All that a push of `mapping` is going to do, in the order in which it does it.

    `against` is the hash of the mapping and of the schemas it was made for. `unchanged` counts, by table, rows that need nothing. `stop` says
    why the plan must not be applied without being told to: more deletions than the mapping allows. `notes` are the table, the key and a sentence
    about what is left out of a page.
    """

    mapping: str
    against: str
    tables: tuple[str, ...]
    actions: tuple[Action, ...]
    unchanged: Mapping[str, int]
    stop: str | None = None
    notes: tuple[tuple[str, str, str], ...] = ()
    settled: Mapping[str, tuple[Link, ...]] = field(default_factory=dict, repr=False)
    gone: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def writes(self) -> tuple[Action, ...]:
        """The actions that send something."""
        return tuple(action for action in self.actions if action.kind in WRITES)

    @property
    def fingerprint(self) -> str:
        """The hash of what is done to what: another value where either side moved in a way that matters."""
        return digest([self.mapping, self.against, [action.as_json() for action in self.actions]])

    def counts(self, table: str) -> dict[str, int]:
        """How many actions of each kind a table has, and its unchanged rows."""
        found = Counter(action.kind.value for action in self.actions if action.table == table)
        return {
            **{kind.value: found[kind.value] for kind in ActionKind},
            "unchanged": self.unchanged.get(table, 0),
        }

    def as_json(self) -> dict[str, Any]:
        """The form in which it is printed and saved."""
        return {
            "mapping": self.mapping,
            "against": self.against,
            "fingerprint": self.fingerprint,
            "stop": self.stop,
            "tables": {table: self.counts(table) for table in self.tables},
            "actions": [action.as_json() for action in self.actions],
            "notes": [list(note) for note in self.notes],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Plan":
        """A saved plan: what it does, without the links of what it leaves alone."""
        return cls(
            mapping=value["mapping"],
            against=value["against"],
            tables=tuple(value["tables"]),
            actions=tuple(Action.from_json(one) for one in value["actions"]),
            unchanged={table: counts["unchanged"] for table, counts in value["tables"].items()},
            stop=value["stop"],
            notes=tuple((table, key, said) for table, key, said in value["notes"]),
        )


def difference(saved: Plan, now: Plan, *, done: Callable[[Action], bool]) -> list[str]:
    """What moved between a saved plan and the one that would be made now, one sentence each; none where nothing did.

    What `done` says a saved plan has done already, before it was interrupted, is no difference.
    """
    if saved.fingerprint == now.fingerprint:
        return []
    if saved.against != now.against:
        return ["The mapping or a Notion database's properties are not what they were."]
    before, after = _named(saved.actions), _named(now.actions)
    return [
        f"{name[1]} {name[2]}: {moved}."
        for name in sorted(before.keys() | after.keys())
        if (moved := _moved(before.get(name), after.get(name), done)) is not None
    ]


def _named(actions: Iterable[Action]) -> dict[tuple[str, str, str], Action]:
    """The actions by row and by what they write, if anything: a row may be written on both sides, and have a copy besides."""
    return {(_side(one), one.table, one.key or one.page or ""): one for one in actions}


def _side(action: Action) -> str:
    return "notion" if action.kind in WRITES else "database" if action.kind in _OF_DATABASE else ""


def _moved(before: Action | None, after: Action | None, done: Callable[[Action], bool]) -> str | None:
    if before is None:
        return None if after is None else f"{after.kind} was not planned"
    if after is None:
        return None if done(before) else f"{before.kind} is no longer to be done"
    if before.kind is ActionKind.CREATE and after.kind is ActionKind.UPDATE and _is_rest(after, before):
        return None  # made, and interrupted before its relations were set
    if before.kind is not after.kind:
        return f"{before.kind} has become {after.kind}"
    if before.row != after.row:
        return "the row changed"
    return None if before.what == after.what else "the page changed"


def _is_rest(after: Action, before: Action) -> bool:
    """Whether one action does what another has left."""
    meant = {(one.property, one.new) for one in before.changes}
    return before.row == after.row or {(one.property, one.new) for one in after.changes} <= meant
