"""Which records belong to the selected subtrees, where a pull is told to read only those.

A listing tells of the whole workspace. What hangs below a selected root is admitted at once when its parent is known to be
inside; the rest waits here until the content of a page inside shows it as a child, and is forgotten at the end.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Kind, Record
from syncline.sources.base import Key
from syncline.store import records

__all__ = ["Scope"]

_CANDIDATES = 20_000
"""So many records outside are kept at hand; beyond that a child is read again by its id."""


class Scope:
    """The selected subtrees. Without roots, everything is inside."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = frozenset(roots)
        self._inside: set[str] = set(roots)
        self._parents: dict[str, str | None] = {}
        self._places: dict[str, str | None] = {}
        self._adopted: set[str] = set()
        self._candidates: dict[Key, Record] = {}
        self._departed: dict[Key, None] = {}

    async def load(self, conn: AsyncConnection, connection_id: str) -> None:
        """Learn what the store already holds below the roots."""
        if self._roots:
            keys = await records.descendants(conn, connection_id, list(self._roots))
            self._parents = await records.parents(conn, connection_id, keys)
            self._places = await records.places(conn, connection_id, keys)
            self._inside.update(keys)

    def admit(self, read: Iterable[Record]) -> list[Record]:
        """Those of the records that are inside, with candidates that thereby turn out to be inside."""
        if not self._roots:
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
        if self._belongs(record):
            self._inside.add(record.key)
            admitted.append(record)
            return
        if record.key in self._inside:
            self._departed[key] = None
        if len(self._candidates) < _CANDIDATES:
            self._candidates[key] = record

    def _belongs(self, record: Record) -> bool:
        """Whether the record hangs below a root: by its parent, as a child that was seen, or where it did before."""
        key, parent = record.key, record.parent
        if record.kind is Kind.USER or key in self._roots or key in self._adopted or parent in self._inside:
            return True
        return key in self._parents and self._parents[key] == parent and self._places[key] in self._inside

    def adopt(self, children: Iterable[Key]) -> list[Record]:
        """Take in children seen in the content of a page inside; those that were candidates."""
        if not self._roots:
            return []
        keys = list(children)
        self._adopted.update(key for _, key in keys)
        self._inside.update(key for _, key in keys)
        for key in keys:
            self._departed.pop(key, None)
        return self.admit([self._candidates[key] for key in keys if key in self._candidates])

    def within(self, keys: Iterable[Key]) -> list[Key]:
        """Those of the keys that are inside."""
        return [
            key for key in keys if not self._roots or (key[1] in self._inside and key not in self._departed)
        ]

    def departed(self) -> list[Key]:
        """The records that were inside and were told to hang elsewhere now; once each."""
        gone = list(self._departed)
        self._departed.clear()
        self._inside.difference_update(key for _, key in gone)
        return gone
