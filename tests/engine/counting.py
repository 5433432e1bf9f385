"""A kind of run that counts to a number, and a worker process that can be killed in the middle of it.

What a run is to do stands in its options: ``folder``, ``goal``, what it ``raises``, and how it misbehaves. Its truth is on disk.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection
from tests.store.samples import CONNECTION, RING

from syncline.app import App
from syncline.core import errors
from syncline.engine.kinds import Kind
from syncline.engine.task import Outcome
from syncline.engine.worker import Worker
from syncline.settings import Settings
from syncline.store import connections, runs
from syncline.store.connections import Connection
from syncline.store.database import Database
from syncline.store.runs import Run

BEAT = 0.01
KINDS = {"count": Kind("count", "tests.engine.counting:Counting")}


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
    """The task. `log` is what happened, as a list of JSON lines."""

    app: App
    connection: Connection

    async def begin(self, run: Run) -> None:
        log(run, "begin")

    async def open(self, run: Run) -> "Count":
        log(run, "open")
        return Count(self.app, run)

    async def finish(self, conn: AsyncConnection, run: Run, outcome: Outcome) -> None:
        if "unfinished" in run.options:
            raise RuntimeError("cannot finish")
        log(run, "finish", outcome.state, outcome.failure.message if outcome.failure else None)


@dataclass
class Count:
    """One run, open in this process."""

    app: App
    run: Run

    async def advance(self, seconds: float) -> Counted:
        name = self.run.options.get("raises")
        if name == "ZeroDivisionError":
            raise ZeroDivisionError("a bug")
        if name is not None:
            error: Exception = getattr(errors, name)("It cannot be.")
            raise error
        try:
            await asyncio.sleep(BEAT)
        except asyncio.CancelledError:
            assert "confused" not in self.run.options
            raise
        folder = Path(self.run.options["folder"])
        async with self.app.database.begin() as conn:
            with (folder / f"{self.run.id}.count").open("a") as file:
                file.write("|")
            count = reached(folder, self.run.id)
            await runs.progress(conn, self.run.id, phase="counting", pages={"seen": count}, requests={})
        return Counted(count >= self.run.options["goal"], "counting", {"seen": count})

    async def stop(self) -> None:
        log(self.run, "stop")
        if "unstoppable" in self.run.options:
            raise RuntimeError("cannot stop")


def log(run: Run, *event: str | None) -> None:
    with (Path(run.options["folder"]) / "log").open("a") as file:
        file.write(json.dumps([*event[:1], run.id, *event[1:]]) + "\n")


def events(folder: Path, kind: str) -> list[list[str | None]]:
    path = folder / "log"
    lines = path.read_text().splitlines() if path.exists() else []
    return [event[1:] for line in lines if (event := json.loads(line))[0] == kind]


def reached(folder: Path, run: str) -> int:
    path = folder / f"{run}.count"
    return len(path.read_text()) if path.exists() else 0


async def ask(
    app: App, folder: Path, run: str = "run", *, connection: str = "c", goal: int = 5, **options: str
) -> Run:
    """Queue a run that counts, of a connection that is made where it is missing and has no schedule."""
    async with app.database.begin() as conn:
        if all(one.id != connection for one in await connections.every(conn)):
            one = Connection(
                **{
                    **{name: getattr(CONNECTION, name) for name in CONNECTION.__slots__},
                    "id": connection,
                    "name": connection,
                }
            )
            await connections.add(conn, one, token="secret", ring=RING)
        return await runs.queue(
            conn, connection, run_id=run, kind="count", slot="count", requested_by="test", now=app.now(),
            options={"folder": str(folder), "goal": goal, **options},
        )  # fmt: skip


async def main(store: str) -> None:
    """Serve, as a process of its own."""
    settings = Settings(home=Path("unused"), database_url=None, key=None)
    app = App(settings=settings, database=await Database.open(store), keys=RING)
    await Worker(app, role="worker", kinds=KINDS, concurrency=4, beat=0.2).serve()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
