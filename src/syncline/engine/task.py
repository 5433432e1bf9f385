"""What runs do, and what is said of it. Nothing here knows who executes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import Retry, SynclineError
from syncline.store.runs import Run

__all__ = ["Failure", "OpenRun", "Outcome", "Progress", "RunState", "Task", "failure"]


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
        """Work until done, at most `seconds`. Raises errors of core.errors: they end the run.

        It may be cancelled anywhere; then `stop` is called.
        """
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


def failure(error: Exception) -> Failure:
    """What an error says of the run that it ended."""
    exit_code = error.exit_code if isinstance(error, SynclineError) else SynclineError.exit_code
    return Failure(type(error).__name__, str(error), exit_code, isinstance(error, Retry))


class Task(Protocol):
    """What runs of one kind do, with one connection. Each method may be called again for the same run after a crash.

    A task is made for one lease. Each of its writing transactions fails with LeaseLost once the run is somebody else's, if it
    goes through the App that the task was made with.
    """

    async def begin(self, run: Run) -> None:
        """Do what is done once, before the run is opened for the first time."""
        ...

    async def open(self, run: Run) -> OpenRun:
        """Open the run in this process, from what the store holds."""
        ...

    async def finish(self, conn: AsyncConnection, run: Run, outcome: Outcome) -> None:
        """Write what the end of the run means, in the transaction that ends it."""
        ...
