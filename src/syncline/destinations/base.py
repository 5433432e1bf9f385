"""The contract of a destination: where the store's changes are loaded to.

A destination keeps its own checkpoint, the highest change number it holds, beside its data and moves it in
the same transaction as the data where it has transactions. An empty destination therefore starts at
zero, and one that was restored from a backup goes on from there. `write` may be called again with changes it has already
seen: the result must be the same.
"""

from collections.abc import Sequence
from typing import Protocol, Self

from syncline.core.model import Change

__all__ = ["Destination"]


class Destination(Protocol):
    """Anything that can hold the latest state of a connection's records."""

    async def __aenter__(self) -> Self:
        """Open it, creating what is missing.

        Raises BadInput if it is not usable as a destination, Unreachable if it cannot be reached.
        """
        ...

    async def __aexit__(self, *exc: object) -> None:
        """Close it. Never raises for an already broken connection."""
        ...

    async def checkpoint(self) -> int:
        """The change number up to which everything is held; 0 for an empty destination.

        Raises BadInput if the destination belongs to another connection.
        """
        ...

    async def write(self, changes: Sequence[Change], checkpoint: int) -> None:
        """Apply `changes`, ascending by `record.seq`, then remember `checkpoint`.

        All or nothing where the destination has transactions; else in an order that makes a repetition after a crash right.
        """
        ...
