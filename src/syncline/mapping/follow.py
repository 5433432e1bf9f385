"""A mapping kept up to date: pushed and merged again whenever the database says so, and every so often for Notion's sake.

    note what the outbox has ─▶ run ─▶ acknowledge ─▶ wait for the next change, or for the time ─▶ …

What the outbox has is acknowledged once the run that saw it has succeeded, so nothing is lost while nobody runs, or when a run fails.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from syncline.core.errors import Retry
from syncline.core.mapping import Mapping as TableMapping
from syncline.core.mapping import Pace
from syncline.sources.sql import SqlSource
from syncline.sources.sql_outbox import Changed

__all__ = ["After", "acknowledge", "follow", "note"]


class After(StrEnum):
    """What a run leaves to be done."""

    WAIT = "wait"
    """It succeeded: wait for the next change."""
    AGAIN = "again"
    """It failed in a way that may pass: try the same again after a while."""
    END = "end"


async def follow(
    mapping: TableMapping,
    source: SqlSource,
    once: Callable[[bool], Awaitable[After]],
    *,
    pace: Pace,
    clock: Callable[[], float],
    told: Callable[[Retry], None],
) -> None:
    """Run `mapping` by `once` until that says that it is enough; its argument is whether Notion is read whole.

    A database that is away is `told` and asked again. Raises errors that need a person.
    """
    following = _Following(mapping, source, once, pace, clock)
    while True:
        try:
            if await following.listen() is After.END:
                return
        except Retry as error:
            told(error)
            await asyncio.sleep(pace.every)


@dataclass
class _Following:
    mapping: TableMapping
    source: SqlSource
    once: Callable[[bool], Awaitable[After]]
    pace: Pace
    clock: Callable[[], float]
    last_whole: float = -inf

    async def listen(self) -> After:
        """Run again and again on one connection that hears of changes."""
        async with self.source.listening() as wait:
            while (after := await self.run()) is not After.END:
                await (asyncio.sleep(self.pace.every) if after is After.AGAIN else wait(self.pace.every))
        return After.END

    async def run(self) -> After:
        began = self.clock()
        whole = began - self.last_whole >= self.pace.whole
        noted = await note(self.mapping, self.source)
        after = await self.once(whole)
        if after is After.WAIT:
            self.last_whole = began if whole else self.last_whole
            await acknowledge(self.mapping, self.source, noted)
        return after


async def note(mapping: TableMapping, source: SqlSource) -> Mapping[str, Changed]:
    """What is in the outbox of each table that has one."""
    found = {}
    for table in mapping.tables:
        if table.query is None and await source.installed(mapping.name, table):
            found[table.name] = await source.changed_keys(mapping.name, table)
    return found


async def acknowledge(mapping: TableMapping, source: SqlSource, noted: Mapping[str, Changed]) -> None:
    """Forget what a run has seen of the outbox."""
    for name, changed in noted.items():
        if changed:
            await source.acknowledge(mapping.name, mapping.table(name), of=changed)
