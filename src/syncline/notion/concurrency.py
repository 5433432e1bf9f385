"""How many requests are in flight at once: between 2 and 16, one more per round trip, half after a refusal.

Additive increase and multiplicative decrease, as in RFC 5681; `Concurrency` decides, `Gate` holds the requests back.
"""

import asyncio
import heapq
import math
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from .budget import Lane
from .errors import ConnectionLost, Gateway, NotionError, Paced, ServerError, TimedOut

__all__ = ["Concurrency", "Gate", "pressing"]

FEWEST: Final = 2
MOST: Final = 16
_SLOW: Final = 2.0
_TIMES_SLOWER: Final = 4.0


def pressing(error: NotionError | None) -> bool:
    """Tell whether an outcome asks for fewer requests at once: 429, 529, 5xx, no answer."""
    return isinstance(error, Paced | ServerError | Gateway | TimedOut | ConnectionLost)


@dataclass(frozen=True, slots=True)
class Concurrency:
    """The present limit, what an answer usually takes in seconds, and when the limit was last lowered."""

    limit: float = 4.0
    usual: float | None = None
    lowered_at: float = -math.inf

    def after(self, *, pressed: bool, started: float, now: float) -> "Concurrency":
        """Return the state after a request that was `started` has ended `now`.

        Requests sent before the limit was last lowered say nothing about the new one, so they do not lower it again. An
        answer that took four times the usual, and two seconds at least, does not raise it.
        """
        if pressed:
            if started < self.lowered_at:
                return self
            return replace(self, limit=max(FEWEST, self.limit / 2), lowered_at=now)
        latency = now - started
        usual = latency if self.usual is None else self.usual + (latency - self.usual) / 20
        slow = latency > max(_SLOW, _TIMES_SLOWER * (self.usual or math.inf))
        limit = self.limit if slow else min(MOST, self.limit + 1 / self.limit)
        return replace(self, limit=limit, usual=usual)


class Gate:
    """Lets as many through at once as the Concurrency says; of those who wait, the higher lane first."""

    def __init__(self, concurrency: Concurrency | None = None) -> None:
        self.concurrency = concurrency or Concurrency()
        self.inside = 0
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._serials = count()

    async def enter(self, lane: Lane) -> None:
        """Wait for a place inside."""
        if self.inside < int(self.concurrency.limit) and not self._queue:
            self.inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (lane, next(self._serials), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place back."""
        self.inside -= 1
        self._admit()

    def learn(self, *, pressed: bool, started: float, now: float) -> None:
        """Adapt the limit to how a request went."""
        self.concurrency = self.concurrency.after(pressed=pressed, started=started, now=now)
        self._admit()

    def _admit(self) -> None:
        while self._queue and self.inside < int(self.concurrency.limit):
            *_, turn = heapq.heappop(self._queue)
            if not turn.done():
                self.inside += 1
                turn.set_result(None)
