"""The tree of a workspace as a person chooses from it: what hangs where, and whether it is synced."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Kind
from syncline.core.selection import chosen
from syncline.store import preferences, trees
from syncline.store.trees import Branch

__all__ = ["Item", "items"]


@dataclass(frozen=True, slots=True)
class Item:
    """One to choose. `mark` is ``included`` or ``excluded`` where the selection names it, `selected` what follows for it."""

    branch: Branch
    mark: str | None
    selected: bool


async def items(
    conn: AsyncConnection,
    connection_id: str,
    *,
    below: str | None = None,
    title: str | None = None,
    offset: int,
    limit: int,
) -> tuple[Sequence[Item], int]:
    """What hangs directly below one, or at the top, or what has `title` in its name, by name; and how many there are in all."""
    found = await trees.branches(conn, connection_id, below=below, title=title, offset=offset, limit=limit)
    selection = (await preferences.find(conn, connection_id)).selection
    places = await trees.ancestors(conn, connection_id, [branch.key for branch in found.branches])
    marks = dict.fromkeys(selection.roots, "included") | dict.fromkeys(selection.excluded, "excluded")
    known = [
        Item(
            branch,
            mark=marks.get(branch.key),
            selected=chosen(branch.key, places, selection)
            and not (selection.tables and branch.kind is Kind.PAGE and branch.stream == "pages"),
        )
        for branch in found.branches
    ]
    return known, found.total
