"""A task for the job engine: each run counts to a number, one file per run; run as a program it is a process to be killed."""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from syncline.core.errors import SynclineError
from syncline.engine.jobs import Jobs
from syncline.engine.task import Outcome

BEAT = 0.01


@dataclass(frozen=True)
class Counted:
    """How far a run has counted."""

    done: bool
    phase: str
    pages: dict[str, int]
    requests: dict[str, int] = field(default_factory=dict)
    waiting: int = 0


@dataclass
class Counting:
    """A task that counts to `goal`. Its truth is on disk; `log` is what happened, as a list of JSON lines."""

    folder: Path
    goal: int
    raises: Exception | None = None

    async def begin(self, run: str) -> None:
        self.log("begin", run)

    async def open(self, run: str) -> "Count":
        self.log("open", run)
        return Count(self, run)

    async def finish(self, run: str, outcome: Outcome) -> None:
        self.log("finish", run, outcome.state, outcome.failure.message if outcome.failure else None)

    def log(self, *event: str | None) -> None:
        with (self.folder / "log").open("a") as file:
            file.write(json.dumps(event) + "\n")

    def events(self, kind: str) -> list[list[str | None]]:
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [event[1:] for line in lines if (event := json.loads(line))[0] == kind]

    def reached(self, run: str) -> int:
        path = self.folder / f"{run}.count"
        return len(path.read_text()) if path.exists() else 0


@dataclass
class Count:
    """One run, open in this process."""

    task: Counting
    run: str

    async def advance(self, seconds: float) -> Counted:
        if self.task.raises is not None:
            raise self.task.raises
        await asyncio.sleep(BEAT)
        with (self.task.folder / f"{self.run}.count").open("a") as file:
            file.write("|")
        count = self.task.reached(self.run)
        return Counted(count >= self.task.goal, "counting", {"seen": count})

    async def stop(self) -> None:
        self.task.log("stop", self.run)


async def main(store: str, executor: str, folder: str, goal: str, run: str) -> None:
    """Start the run, or go on with what the executor had left, and wait for its end."""
    task = Counting(Path(folder), int(goal))
    async with Jobs(store if "://" in store else Path(store), executor=executor, task=task) as jobs:
        left = await jobs.unfinished()
        if run not in left:
            await jobs.start(run)
        await jobs.wait(run)


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except SynclineError as error:
        sys.exit(str(error))
