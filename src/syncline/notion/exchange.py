"""What passes between us and Notion: one request and what came of it, counts of many, the course of an operation that is repeated."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .budget import Lane
from .errors import NotionError, Paced

__all__ = ["Counts", "Course", "Exchange", "Observer"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it, for logs; the token is not among it. `seconds` is the time on the wire.

    `sent` and `answer` are the bodies, which hold whatever people wrote; `answer` is None for an error.
    """

    operation: str
    method: str
    path: str
    lane: Lane
    attempt: int
    seconds: float
    status: int | None
    request_id: str | None
    error: NotionError | None
    query: tuple[tuple[str, str], ...] = ()
    sent: Any = None
    answer: Any = None


Observer: TypeAlias = Callable[[Exchange], None]


@dataclass(slots=True)
class Counts:
    """What a client has sent so far, repetitions included."""

    requests: int = 0
    rate_limited: int = 0
    retries: int = 0
    by_operation: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Course:
    """How one operation has gone so far: when it began, how often it was sent, failed, and was told to slow down.

    `token` is the one it was sent with last; `renewed` tells that a refused one was replaced.
    """

    began: float
    sent: int = 0
    failures: int = 0
    slowed: int = 0
    token: str | None = None
    renewed: bool = False

    def failed(self, error: NotionError) -> int:
        """Count the failure; return how many there were of its sort."""
        if isinstance(error, Paced):
            self.slowed += 1
            return self.slowed
        self.failures += 1
        return self.failures
