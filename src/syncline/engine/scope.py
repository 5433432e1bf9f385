"""Which records belong to what is selected, where a pull does not read the whole workspace.

A listing tells of the whole workspace. What hangs below a selected root is admitted at once when its parent is known to be
inside; the rest waits here until the content of a page inside shows it as a child, and is forgotten at the end. Where all but
some subtrees is selected, it is the other way round: a record is inside unless its parent is known to be outside. Only
below a block, of which no listing tells the page, it waits as well.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Kind, Record
from syncline.core.selection import Selection, chosen
from syncline.sources.base import Key
from syncline.store import trees
from syncline.store.trees import Node

__all__ = ["Scope"]

_CANDIDATES = 20_000
"""So many records outside are kept at hand; beyond that a child is read again by its id."""


class Scope:
    """What is inside. Without a selection, everything is."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._inside: set[str] = set(selection.roots)
        self._outside: set[str] = set(selection.excluded)
        self._parents: dict[str, str | None] = {}
        self._places: dict[str, str | None] = {}
        self._adopted: set[str] = set()
        self._guessed: set[str] = set()
        """Records below which some were admitted though nobody knew them."""
        self._ways: set[str] = set()
        """Records inside that are not held themselves: what is below them may be."""
        self._candidates: dict[Key, Record] = {}
        self._departed: dict[Key, None] = {}
        self._held: dict[Key, None] = {}
        self._strays: dict[Key, None] = {}

    async def load(self, conn: AsyncConnection, connection_id: str) -> None:
        """Learn what the store already holds inside and outside."""
        if not self._selection.partial:
            return
        nodes = await trees.tree(conn, connection_id)
        places = {node.key: node.place for node in nodes}
        for node in nodes:
            self._place(node, places)
        self._inside -= self._outside

    def _place(self, node: Node, places: Mapping[str, str | None]) -> None:
        self._parents[node.key], self._places[node.key] = node.parent, node.place
        inside = chosen(node.key, places, self._selection)
        wanted = self._wanted(node.kind, node.stream)
        if not inside:
            self._outside.add(node.key)
        elif not wanted:
            self._ways.add(node.key)
            self._inside.add(node.key)
        elif node.live:  # where a tombstone hangs now, if anywhere, nobody knows
            self._inside.add(node.key)
        if node.live and not (inside and wanted):
            self._held[node.kind, node.key] = None
        if node.live and inside and node.place not in places:
            self._guess(node.place)

    def claim(self) -> None:
        """What is held and lies outside is to go: nothing but what is selected is to be held."""
        self._strays = dict(self._held)

    def strays(self) -> list[Key]:
        """What is to go and was not told of yet."""
        return list(self._strays)

    def lost(self, keys: Iterable[Key]) -> None:
        """These are not there any more: nobody has to look at them."""
        for key in keys:
            self._strays.pop(key, None)

    def admit(self, read: Iterable[Record]) -> list[Record]:
        """Those of the records that are inside, with candidates that thereby turn out to be inside."""
        if not self._selection.partial:
            return list(read)
        admitted: list[Record] = []
        fresh = list(read)
        while fresh:
            for record in fresh:
                self._sort(record, admitted)
            fresh = [record for record in self._candidates.values() if self._belongs(record)]
        return admitted

    def _sort(self, record: Record, admitted: list[Record]) -> None:
        key = (record.kind, record.key)
        self._candidates.pop(key, None)
        self._departed.pop(key, None)
        stray = key in self._strays
        self._strays.pop(key, None)
        belongs = self._belongs(record)
        if belongs:
            self._take_in(record)
            if self._wanted(record.kind, record.stream):
                admitted.append(record)
                return
        elif belongs is False:
            self._outside.add(record.key)
        if stray or (not belongs and (record.key in self._inside or record.key in self._guessed)):
            self._departed[key] = None
        if not belongs and len(self._candidates) < _CANDIDATES:
            self._candidates[key] = record

    def _take_in(self, record: Record) -> None:
        self._inside.add(record.key)
        self._outside.discard(record.key)
        if not record.nested and record.parent not in self._inside:
            self._guess(record.parent)
        if not self._wanted(record.kind, record.stream):
            self._ways.add(record.key)

    def _guess(self, parent: str | None) -> None:
        if parent is not None and not self._selection.roots:
            self._guessed.add(parent)

    def _wanted(self, kind: Kind, stream: str) -> bool:
        """Whether what is inside is to be held: where only tables are selected, a page that is no row shows the way alone."""
        return not self._selection.tables or kind is not Kind.PAGE or stream != "pages"

    def _belongs(self, record: Record) -> bool | None:
        """Whether the record is inside: by its parent, as a child that was seen, or where it was before; None if nobody knows yet."""
        key, parent = record.key, record.parent
        if record.kind is Kind.USER or key in self._selection.roots:
            return True
        if key in self._selection.excluded:
            return False
        if key in self._adopted:
            return True
        # Where it hangs is known from the content of a page, unless it moved since.
        as_before = key in self._parents and self._parents[key] == parent
        for place in (parent, self._places[key] if as_before else None):
            if place in self._outside:
                return False
            if place in self._inside:
                return True
        return None if self._selection.roots or record.nested else True

    def wanted(self, children: Iterable[Key]) -> tuple[Key, ...]:
        """Those of the children seen in the content of a page inside that are to be read."""
        tables, excluded = self._selection.tables, self._selection.excluded
        return tuple(
            key for key in children if key[1] not in excluded and not (tables and key[0] is Kind.PAGE)
        )

    def adopt(self, children: Iterable[Key]) -> list[Record]:
        """Take in children seen in the content of a page inside; those that were candidates."""
        if not self._selection.partial:
            return []
        keys = list(children)
        self._adopted.update(key for _, key in keys)
        self._inside.update(key for _, key in keys)
        self._outside.difference_update(key for _, key in keys)
        for key in keys:
            self._departed.pop(key, None)
            self._strays.pop(key, None)
        return self.admit([self._candidates[key] for key in keys if key in self._candidates])

    def within(self, keys: Iterable[Key]) -> list[Key]:
        """Those of the keys that are inside."""
        if not self._selection.partial:
            return list(keys)
        return [key for key in keys if key[1] in self._inside and key not in self._departed]

    def departed(self) -> list[Key]:
        """The records that were inside and were told to hang elsewhere now; once each."""
        gone = list(self._departed)
        self._departed.clear()
        self._inside.difference_update({key for _, key in gone} - self._ways)
        return gone
