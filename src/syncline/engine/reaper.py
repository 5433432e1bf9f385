"""The reaper: the runs of a worker that died go back into the queue, within seconds, and no others do.

A worker is dead when its lock can be had: at once on SQLite, where the operating system vouches for that; on PostgreSQL once it
has been silent for LEISURE as well, since the server forgets every lock when it starts anew. It counts as dead, too,
when it has been silent for SILENCE, whatever it holds: its machine may be unreachable.

Silence is what this process has watched itself, by its own clock: a time that another machine wrote down proves nothing. After a
gap in the watching, such as a suspended laptop or a database that was away, it begins anew.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import Parked
from syncline.engine.execution import end
from syncline.engine.task import Outcome, RunState, failure
from syncline.store import runs, workers
from syncline.store.database import Database
from syncline.store.locks import is_held
from syncline.store.runs import Run

__all__ = ["LEISURE", "MOST_REAPS", "SILENCE", "Reaper"]

LEISURE: Final = 4.0
SILENCE: Final = 10.0
"""Seconds without a beat; a worker beats every two."""

_GAP: Final = 5.0
"""Seconds between two looks after which what was seen before counts no more."""

MOST_REAPS: Final = 3
"""A run that so many workers died of is parked."""


def _monotonic() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Reaper:
    """Watches the workers of one store. Call `look` every two seconds or so."""

    app: App
    clock: Callable[[], float] = _monotonic
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)
    """How often each worker had beaten, and when that was first seen."""
    _looked: float = float("-inf")

    async def look(self) -> list[Run]:
        """Put back the runs of the dead, and return those runs. Raises StoreUnavailable."""
        return [run for worker in await self.dead() for run in await self._put_back(worker)]

    async def dead(self) -> list[str | None]:
        """The workers that are dead, None among them if there are runs of no worker at all.

        Raises StoreUnavailable; then the watching begins anew.
        """
        try:
            return await self._dead()
        except BaseException:
            self._seen.clear()
            raise

    async def _dead(self) -> list[str | None]:
        now, database = self.clock(), self.app.database
        if now - self._looked > _GAP:
            self._seen.clear()
        self._looked = now
        async with database.read() as conn:
            known = {worker.id: worker.beats for worker in await workers.every(conn)}
            holders = await runs.holders(conn)
        self._seen = {
            worker: before if (before := self._seen.get(worker)) and before[0] == beats else (beats, now)
            for worker, beats in known.items()
        }
        gone = [holder for holder in holders if holder is None or holder not in known]
        return [*gone, *[worker for worker in known if await self._is_dead(database, worker, now)]]

    async def _is_dead(self, database: Database, worker: str, now: float) -> bool:
        silent = now - self._seen[worker][1]
        if silent >= SILENCE:
            return True
        enough = 0.0 if database.dialect == "sqlite" else LEISURE
        return silent >= enough and not await is_held(database, workers.lock_name(worker))

    async def _put_back(self, worker: str | None) -> list[Run]:
        async with self.app.database.begin() as conn:
            back = await runs.put_back(conn, worker)
            for run in back:
                if run.reaps >= MOST_REAPS:
                    await self._park(conn, run)
            if worker is not None:
                await workers.forget(conn, worker)
        return back

    async def _park(self, conn: AsyncConnection, run: Run) -> None:
        error = Parked(
            f"{run.reaps} workers have died while they executed this run. It is not tried again by itself: "
            "look for what killed them, then start it anew."
        )
        await end(conn, run, Outcome(RunState.FAILED, failure(error)), now=self.app.now())
