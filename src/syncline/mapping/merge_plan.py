"""A merge's decisions as actions of a plan, so that one plan shows what happens on both sides."""

from collections.abc import Iterator, Mapping
from typing import Final

from syncline.core.hash import digest
from syncline.core.mapped_values import PropertyType, Value, to_json
from syncline.core.pair import Act, Merged
from syncline.core.plan import Action, ActionKind, Change
from syncline.mapping.twoway import Merge
from syncline.mapping.twoway_pairs import Item
from syncline.mapping.twoway_table import Table

__all__ = ["merge_actions"]

_NOTION: Final[Mapping[Act, ActionKind]] = {
    Act.CREATE_PAGE: ActionKind.CREATE,
    Act.UPDATE: ActionKind.UPDATE,
    Act.RESTORE_PAGE: ActionKind.UPDATE,
    Act.TRASH_PAGE: ActionKind.TRASH,
    Act.FLAG_PAGE: ActionKind.FLAG,
}
_DATABASE: Final[Mapping[Act, ActionKind]] = {
    Act.CREATE_ROW: ActionKind.INSERT,
    Act.UPDATE: ActionKind.REVISE,
    Act.RESTORE_PAGE: ActionKind.REVISE,
    Act.DELETE_ROW: ActionKind.DELETE,
}
_ALWAYS: Final = frozenset(
    {Act.CREATE_PAGE, Act.CREATE_ROW, Act.TRASH_PAGE, Act.FLAG_PAGE, Act.DELETE_ROW, Act.RESTORE_PAGE}
)
"""What is done even where no value is written."""


def merge_actions(merge: Merge) -> list[Action]:
    """What a merge that has read both sides is going to do, on each side, and what waits for a person."""
    return [action for table, item, merged in merge.decide() for action in _actions(table, item, merged)]


def _actions(table: Table, item: Item, merged: Merged) -> Iterator[Action]:
    page = None if item.page is None else item.page.page
    name = table.mapped.name
    shown = item.page.version if item.page is not None else None
    before = shown.values if shown is not None else {}
    if merged.act in _NOTION and (merged.to_notion or merged.act in _ALWAYS):
        changes = _changes(table, before, merged.to_notion)
        yield Action(_NOTION[merged.act], name, item.key, page, changes, row=_hash(merged.to_notion))
    held = {} if item.row is None else item.row.values
    restored = merged.act is Act.RESTORE_PAGE
    if merged.act in _DATABASE and (merged.to_database or (merged.act in _ALWAYS and not restored)):
        changes = _changes(table, held, merged.to_database)
        yield Action(_DATABASE[merged.act], name, item.key, page, changes, row=_hash(merged.to_database))
    waiting = [clash.property for clash in merged.clashes if clash.winner is None]
    if waiting or merged.act is Act.QUEUE:
        said = ", ".join(waiting) or "the row"
        reason = f"Both sides changed {said}: `syncline conflicts list`."
        yield Action(ActionKind.CONFLICT, name, item.key, page, reason=reason)


def _changes(table: Table, before: Mapping[str, Value], after: Mapping[str, Value]) -> tuple[Change, ...]:
    kinds = {each.name: each.kind for each in table.fields}
    return tuple(
        Change(name, PropertyType(kinds[name]), before.get(name), value)
        for name, value in after.items()
        if name in kinds
    )


def _hash(values: Mapping[str, Value]) -> str:
    return digest({name: to_json(value) for name, value in values.items()})
