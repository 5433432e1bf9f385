"""Runs: one execution of a pull each, with its counts and outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import NotFound
from syncline.core.model import Fidelity, Json, Mode
from syncline.store.tables import runs

__all__ = ["Run", "RunState", "finish", "latest", "one", "progress", "start", "unfinished"]

PAGES = ("seen", "added", "updated", "unchanged", "deleted", "incomplete")
REQUESTS = ("made", "bound", "rate_limited")


class RunState(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    `pages` counts pages by outcome (seen, added, updated, unchanged, deleted, incomplete), `requests` those
    made, the least possible (bound) and those answered with a rate limit. `error` is what ended a failed run.
    """

    id: str
    connection_id: str
    mode: Mode
    fidelity: Fidelity
    options: Json
    state: RunState
    started_at: datetime
    ended_at: datetime | None
    phase: str
    pages: Mapping[str, int]
    requests: Mapping[str, int]
    error: Json | None


async def start(
    conn: AsyncConnection,
    connection_id: str,
    *,
    run_id: str,
    mode: Mode,
    fidelity: Fidelity,
    options: Json,
    now: datetime,
) -> Run:
    """Begin a run; its counts are zero."""
    run = Run(
        id=run_id,
        connection_id=connection_id,
        mode=mode,
        fidelity=fidelity,
        options=dict(options),
        state=RunState.RUNNING,
        started_at=now,
        ended_at=None,
        phase="",
        pages=dict.fromkeys(PAGES, 0),
        requests=dict.fromkeys(REQUESTS, 0),
        error=None,
    )
    await conn.execute(insert(runs), {name: getattr(run, name) for name in runs.columns.keys()})  # noqa: SIM118 - no dict
    return run


async def progress(
    conn: AsyncConnection, run_id: str, *, phase: str, pages: Mapping[str, int], requests: Mapping[str, int]
) -> None:
    """Replace the phase and the counts of a run."""
    values = {"phase": phase, "pages": dict(pages), "requests": dict(requests)}
    await conn.execute(update(runs).where(runs.c.id == run_id).values(**values))


async def finish(
    conn: AsyncConnection, run_id: str, *, state: RunState, now: datetime, error: Json | None = None
) -> None:
    """End a run."""
    values = {"state": state, "ended_at": now, "error": None if error is None else dict(error)}
    await conn.execute(update(runs).where(runs.c.id == run_id).values(**values))


async def one(conn: AsyncConnection, run_id: str) -> Run:
    """One run. Raises NotFound if there is no such run."""
    row = (await conn.execute(select(runs).where(runs.c.id == run_id))).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no run {run_id}: `syncline runs` lists them.")
    return _run(row)


async def latest(conn: AsyncConnection, connection_id: str | None, *, limit: int) -> list[Run]:
    """The `limit` newest runs of a connection, of all connections for None, newest first."""
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    if connection_id is not None:
        query = query.where(runs.c.connection_id == connection_id)
    return [_run(row) for row in (await conn.execute(query)).mappings()]


async def unfinished(conn: AsyncConnection, connection_id: str) -> list[Run]:
    """The runs that have not ended, newest first: under way, or left behind by a process that died."""
    running = (runs.c.connection_id == connection_id) & (runs.c.state == RunState.RUNNING)
    query = select(runs).where(running).order_by(runs.c.started_at.desc(), runs.c.id.desc())
    return [_run(row) for row in (await conn.execute(query)).mappings()]


def _run(row: RowMapping) -> Run:
    typed = {
        "mode": Mode(row["mode"]),
        "fidelity": Fidelity(row["fidelity"]),
        "state": RunState(row["state"]),
    }
    return Run(**{**row, **typed})
