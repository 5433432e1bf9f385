"""Opening work: what is to be read for an item that was taken from the frontier.

nothing staged      the page from its beginning
something staged    the rest of it
named blocks only   those blocks, where what is held is at hand
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Fidelity
from syncline.engine import work
from syncline.engine.patch import Patch, strangers
from syncline.engine.pull import Pull
from syncline.engine.reading import Reading, Step
from syncline.engine.work import Outcome
from syncline.engine.worklist import Work
from syncline.sources.base import Content, Source
from syncline.store import documents
from syncline.store.documents import StagedList
from syncline.store.frontier import Item

__all__ = ["Opening", "Read"]

Read: TypeAlias = tuple[int, Callable[[], Awaitable[Outcome]]]
"""A read that is ready to be made, and its lane."""

_MOST_HELD: Final = 16_000_000
"""Bytes of a page of which parts are read again: what stands is at hand meanwhile. A larger one is read whole."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a pull opens work. `unfinished` are the pages, by key and generation, of which something is staged."""

    source: Source
    connection_id: str
    pull: Pull
    generation: Callable[[], int]
    unfinished: Collection[tuple[str, int]]

    async def open(self, conn: AsyncConnection, item: Item) -> list[Read]:
        """What is to be read for an item that was taken."""
        if item.kind != Work.CONTENT:
            return [(item.lane, lambda: work.read(self.source, item))]
        reading = Reading(
            page=item.key,
            generation=item.generation,
            fidelity=self.pull.policy.fidelity,
            edited_at=item.edited_at,
            read_at=self.source.now(),
        )
        if (item.payload or {}).get("blocks") is not None and reading.fidelity is Fidelity.BLOCKS:
            reads = await self._mended(conn, item, reading)
            if reads is not None:
                return reads
        if (item.key, item.generation) not in self.unfinished:
            return self.reads(item, reading, [reading.begin()])
        # What is staged may be as old as the pull, so an edit may have come after it that bears an older minute.
        reading.read_at = self.pull.began_at
        staged = await documents.staged(conn, self.connection_id, item.key, generation=item.generation)
        return self.reads(item, reading, reading.resume(staged, self._parsed))

    def reads(self, item: Item, reading: Reading, steps: Iterable[Step]) -> list[Read]:
        """The reads of a page's steps. A page that was begun goes before one that was not."""

        def read(step: Step) -> Callable[[], Awaitable[Outcome]]:
            return lambda: work.read_step(self.source, item, reading, step, generation=self.generation)

        return [(item.lane if step == Step(item.key) else 0, read(step)) for step in steps]

    async def _mended(self, conn: AsyncConnection, item: Item, reading: Reading) -> list[Read] | None:
        """The reads of a page of which only named blocks changed; None if it has to be read whole."""
        payload, one, page = item.payload or {}, self.connection_id, item.key
        held = await documents.current(conn, one, page, most=_MOST_HELD)
        if not held:
            return None
        named, homes = payload["blocks"], payload.get("homes")
        unknown = [] if homes is not None else strangers(held, page=page, named=named)
        if len(unknown) >= len(held):
            return None
        if unknown:
            return [(item.lane, lambda: work.locate(self.source, item, unknown))]
        await documents.drop(conn, one, page, generation=item.generation)
        patch = Patch.of(held, page=page, named=named, homes=homes or {}, parse=self._parsed)
        # What stands was read long ago: the next listing that tells of the page has it read whole, as a check.
        reading.read_at = item.edited_at or reading.read_at
        steps = reading.mend(patch)
        return self.reads(item, reading, steps)

    def _parsed(self, one: StagedList) -> Content:
        return replace(self.source.parse(one.blocks), cursor=one.cursor)
