"""What the job engine runs, and what it says of it. Nothing here knows which engine that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["Failure", "JobState", "OpenRun", "Outcome", "Progress", "RunState", "Task"]


class Progress(Protocol):
    """How far a run is. `pages` and `requests` count things by name."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        ...

    @property
    def phase(self) -> str:
        """What it is doing, in a word or two."""
        ...

    @property
    def pages(self) -> Mapping[str, int]:
        """Pages by what became of them."""
        ...

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests by what they were."""
        ...

    @property
    def waiting(self) -> int:
        """Pieces of work that are known and not done."""
        ...


class OpenRun(Protocol):
    """A run that is open in this process. All that it must not lose is in the store, not in it."""

    async def advance(self, seconds: float) -> Progress:
        """Work until done, at most `seconds`. Raises errors of core.errors: they end the run."""
        ...

    async def stop(self) -> None:
        """Let what is in flight end and keep it. Called once, whatever ended the run."""
        ...


class RunState(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed: the error's class, its sentence, the exit code, and whether the same may work later."""

    kind: str
    message: str
    exit_code: int
    retry: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a run."""

    state: RunState
    failure: Failure | None = None


class Task(Protocol):
    """What runs do. Each method may be called again for the same run after a crash."""

    async def begin(self, run: str) -> None:
        """Note that the run is under way."""
        ...

    async def open(self, run: str) -> OpenRun:
        """Open the run in this process, from what the store holds."""
        ...

    async def finish(self, run: str, outcome: Outcome) -> None:
        """Note how the run ended."""
        ...


class JobState(StrEnum):
    """What the job engine knows about a run."""

    LIVE = "live"
    ENDED = "ended"
    UNKNOWN = "unknown"
