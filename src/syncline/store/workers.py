"""Workers: the processes that execute runs, and when each was last heard of.

Whether one lives is told by its lock (store.locks), which its death frees, and by its beats. The row is for people, and for
those who cannot see the lock.
"""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.tables_work import workers

__all__ = ["SERVING", "Worker", "beat", "every", "forget", "lock_name", "register"]

SERVING = ("worker", "all")
"""The roles that execute whatever is queued; a worker of another role executes one run of its own."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One process. `beats` grows as long as it lives."""

    id: str
    role: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    beats: int = 0


def lock_name(worker: str) -> str:
    """The name of the lock that a worker holds as long as it lives."""
    return f"worker-{worker}"


async def register(conn: AsyncConnection, worker: Worker) -> None:
    """Announce a worker. It holds its lock by now."""
    await conn.execute(insert(workers), {field.name: getattr(worker, field.name) for field in fields(Worker)})


async def beat(conn: AsyncConnection, worker: Worker, *, now: datetime) -> None:
    """Say that a worker lives; one that was taken for dead and forgotten is announced again."""
    statement = update(workers).where(workers.c.id == worker.id)
    done = await conn.execute(statement.values(seen_at=now, beats=workers.c.beats + 1))
    if not done.rowcount:
        await register(conn, worker)


async def every(conn: AsyncConnection) -> list[Worker]:
    """All workers that are known, oldest first."""
    query = select(workers).order_by(workers.c.started_at, workers.c.id)
    return [Worker(**row) for row in (await conn.execute(query)).mappings()]


async def forget(conn: AsyncConnection, worker: str) -> None:
    """Remove a worker that has left or died."""
    await conn.execute(delete(workers).where(workers.c.id == worker))
