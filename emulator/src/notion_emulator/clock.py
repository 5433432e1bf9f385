"""The emulator's clock: real time by default, shifted or frozen when a test asks.

Times are integers: milliseconds since 1970-01-01 UTC. Notion prints pages and blocks rounded down to the minute and
databases, views and queries to the millisecond with ``+00:00``
(https://developers.notion.com/reference/intro#conventions, and recorded answers).
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

__all__ = ["MINUTE", "Clock", "exact", "millis", "minute", "stamp"]

MINUTE = 60_000


@dataclass(slots=True)
class Clock:
    """Milliseconds now: real time plus ``offset``, or ``frozen`` when that is set."""

    offset: int = 0
    frozen: int | None = None

    def now(self) -> int:
        """Milliseconds since the epoch as this emulator sees them."""
        return self.frozen if self.frozen is not None else time.time_ns() // 1_000_000 + self.offset

    def freeze(self, at: int | None = None) -> None:
        """Stop at ``at`` (milliseconds), or at the present moment."""
        self.frozen = self.now() if at is None else at

    def run(self) -> None:
        """Run again from where the clock stands."""
        if self.frozen is not None:
            self.offset = self.frozen - time.time_ns() // 1_000_000
            self.frozen = None

    def advance(self, seconds: float) -> None:
        """Move forward, or back with a negative number; a frozen clock stays frozen."""
        step = round(seconds * 1000)
        if self.frozen is None:
            self.offset += step
        else:
            self.frozen += step


def millis(text: str) -> int:
    """Milliseconds of an ISO 8601 time; a naive one or a bare date is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def minute(at: int) -> str:
    """Pages, blocks, comments, data sources and uploads: rounded down to the minute, with ``Z``."""
    return _minute(at // MINUTE)


@lru_cache(maxsize=65_536)
def _minute(minutes: int) -> str:
    return datetime.fromtimestamp(minutes * 60, UTC).strftime("%Y-%m-%dT%H:%M:00.000Z")


def exact(at: int) -> str:
    """Databases, views and view queries: milliseconds and ``+00:00``."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


def stamp(at: int) -> str:
    """Async tasks and webhooks: milliseconds and ``Z``."""
    return exact(at).replace("+00:00", "Z")
