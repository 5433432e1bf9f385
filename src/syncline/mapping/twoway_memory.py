"""What a merge remembers of rows while it settles them, and what it writes down of conflicts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from syncline.store import agreed, conflicts
from syncline.store.agreed import Known
from syncline.store.conflicts import Raised
from syncline.store.database import Database
from syncline.store.links import Place

__all__ = ["Memory", "StoredMemory"]


class Memory(Protocol):
    """What is known of one table's rows. Each method is one transaction."""

    async def remember(self, known: Known) -> None:
        """What both sides agree on, in the place of what was remembered of the row."""
        ...

    async def forget(self, keys: Sequence[str]) -> None:
        """Rows that are on neither side, or not ours to merge any more."""
        ...

    async def note(self, raised: Sequence[Raised]) -> list[str]:
        """Write down clashes; their ids."""
        ...

    async def end(self, key: str, *, met: Iterable[str], done: Iterable[str]) -> None:
        """End the row's conflicts that wait: what was decided and is `done` is resolved, the rest settled but for `met`."""
        ...


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """The memory in our store."""

    store: Database
    place: Place
    now: Callable[[], datetime]

    async def remember(self, known: Known) -> None:
        """See `Memory`."""
        async with self.store.begin() as conn:
            await agreed.save(conn, self.place, [known], now=self.now())

    async def forget(self, keys: Sequence[str]) -> None:
        """See `Memory`."""
        async with self.store.begin() as conn:
            await agreed.forget(conn, self.place, keys)

    async def note(self, raised: Sequence[Raised]) -> list[str]:
        """See `Memory`."""
        async with self.store.begin() as conn:
            return await conflicts.note(conn, self.place, raised, now=self.now())

    async def end(self, key: str, *, met: Iterable[str], done: Iterable[str]) -> None:
        """See `Memory`."""
        async with self.store.begin() as conn:
            await conflicts.end(conn, self.place, key, met=met, done=done, now=self.now())
