"""The reference destination: the latest state of every record, in memory.

It is the contract in its smallest form, and a destination for tests of whatever feeds one.
"""

from collections.abc import Mapping, Sequence
from typing import Self, TypeAlias

from syncline.core.errors import BadInput
from syncline.core.model import Change, Kind

__all__ = ["Memory", "MemoryDestination"]

_Key: TypeAlias = tuple[Kind, str]


class Memory:
    """What outlives a destination that is closed: its data, its owner and its checkpoint."""

    def __init__(self) -> None:
        self.changes: dict[_Key, Change] = {}
        self.connection_id: str | None = None
        self.checkpoint = 0


class MemoryDestination:
    """A destination that keeps each record's latest change in `memory`; a tombstone is kept as one."""

    def __init__(self, memory: Memory, connection_id: str) -> None:
        self.memory = memory
        self.connection_id = connection_id

    async def __aenter__(self) -> Self:
        """Open it: there is nothing to open."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close it: the memory stays."""

    async def checkpoint(self) -> int:
        """The change number up to which everything is held. Raises BadInput for another connection's memory."""
        if self.memory.connection_id not in {None, self.connection_id}:
            raise BadInput(
                f"This destination holds connection {self.memory.connection_id}: choose another one."
            )
        return self.memory.checkpoint

    async def write(self, changes: Sequence[Change], checkpoint: int) -> None:
        """Keep the latest of `changes` for each record, then remember `checkpoint`."""
        held = max(await self.checkpoint(), checkpoint)
        self.memory.changes = _latest(self.memory.changes, changes)
        self.memory.checkpoint = held
        self.memory.connection_id = self.connection_id


def _latest(held: Mapping[_Key, Change], changes: Sequence[Change]) -> dict[_Key, Change]:
    latest = dict(held)
    for change in changes:
        key = change.record.kind, change.record.key
        if key not in latest or latest[key].record.seq <= change.record.seq:
            latest[key] = change
    return latest
