"""Sending to many at once, each at its own pace: who hangs keeps no other waiting.

    due ──▶ a place for each that is due ──serve──▶ one batch, then the place is free for the next

A receiver has one place in a worker at a time. Whoever was served stands behind those who were not, and those that fail share half of
the places, so that neither a busy receiver nor many that hang take them all.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from syncline.app import App

__all__ = ["PLACES", "Dispatcher", "Waiting", "completed"]

PLACES: Final = 20
"""How many receivers a worker sends to at a time."""

_LOOK: Final = 0.25
"""Seconds after which somebody new is looked for, while all who have a place are being served."""

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waiting(Generic[K]):
    """A receiver to which something is due, and whether the last attempt there failed."""

    key: K
    failing: bool


class Dispatcher(ABC, Generic[K]):
    """A duty (engine.duties) that sends. Each worker has one of its own, and ends it with `close`."""

    def __init__(self) -> None:
        self._served: dict[K, asyncio.Task[bool]] = {}
        self._failing: set[K] = set()
        self._turns: dict[K, int] = {}
        self._turn = 0

    async def prepare(self, app: App) -> bool:  # noqa: ARG002 - for those who override it
        """Find out what there is to be sent. Whether there may be more."""
        return False

    @abstractmethod
    async def due(self, app: App) -> Sequence[Waiting[K]]:
        """The receivers to which something is due."""

    @abstractmethod
    async def serve(self, app: App, key: K, *, failing: bool) -> bool:
        """Send what is due to one receiver, up to a bound. Whether something arrived."""

    async def __call__(self, app: App) -> float | None:
        """Give free places to who is next, and wait a while for one to end; 0.0 if there may be more at once. Raises what `serve` raised."""
        more = await self.prepare(app)
        self._begin(app, await self.due(app))
        if self._served:
            await asyncio.wait(self._served.values(), timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
        return 0.0 if self._end() or more or self._served else None

    async def close(self) -> None:
        """Begin nothing more, and wait for what is under way. Raises what `serve` raised."""
        if self._served:
            await asyncio.wait(self._served.values())
        self._end()

    def _begin(self, app: App, waiting: Sequence[Waiting[K]]) -> None:
        # Of those who are served as well: what they have left may be due again before the others had a turn.
        self._turns = {key: self._turns.get(key, 0) for key in (*self._served, *(one.key for one in waiting))}
        for one in sorted(waiting, key=lambda one: (self._turns[one.key], one.failing)):
            full = len(self._served) >= PLACES or (one.failing and len(self._failing) >= PLACES // 2)
            if full or one.key in self._served:
                continue
            self._turn += 1
            self._turns[one.key] = self._turn
            self._failing |= {one.key} if one.failing else set()
            self._served[one.key] = asyncio.create_task(self.serve(app, one.key, failing=one.failing))

    def _end(self) -> bool:
        """Free the places of those who were served. Whether something arrived."""
        ended = {key: task for key, task in self._served.items() if task.done()}
        for key in ended:
            del self._served[key]
            self._failing.discard(key)
        return any(_results([task.exception() or task.result() for task in ended.values()]))


async def completed(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What pieces of work come to that are done at the same time. One that fails stops no other; then its error is raised."""
    return _results(await asyncio.gather(*work, return_exceptions=True))


def _results(ended: Sequence[T | BaseException]) -> list[T]:
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]
