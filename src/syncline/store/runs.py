"""Runs: one execution each of a pull, a load or a push, with its counts and outcome.

    queued ──claim──▶ running ──finish──▶ succeeded | failed | cancelled
       ▲                 │
       ╰─ release, reap ─╯

A run is a leased row. Whoever claims it gets the next `attempt`, and every transaction that writes for the run begins with
`guard`, which fails once somebody else has it: so the work of a worker that was taken for dead, and was not, cannot be
written twice. Of each connection one run of a slot is queued or running at a time; that is an index of the database.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, case, delete, literal, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import BadInput, Busy, LeaseLost, NotFound
from syncline.core.model import Fidelity, Json, Mode
from syncline.core.moments import moment
from syncline.store.tables import chunks, insert_into, live_run, runs

__all__ = [
    "PAGES",
    "REQUESTS",
    "Lane",
    "Lease",
    "Run",
    "RunState",
    "are_waiting",
    "begun",
    "claim",
    "claim_one",
    "finish",
    "forget",
    "guard",
    "held_by",
    "holders",
    "latest",
    "live",
    "named",
    "note_result",
    "one",
    "progress",
    "put_back",
    "queue",
    "release",
    "request_cancel",
    "traces",
]

PAGES = ("seen", "added", "updated", "unchanged", "deleted", "incomplete")
REQUESTS = ("made", "bound", "rate_limited")


class RunState(StrEnum):
    """How a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Lane(IntEnum):
    """The rank of a run among those that wait for a worker; the lower goes first."""

    INTERACTIVE = 0
    WEBHOOK = 1
    FOLLOWING = 2
    SCHEDULED = 3


_LIVE = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class Run:
    """One run.

    `kind` names the task, `slot` what excludes a second one of the same connection. `pages` counts pages by outcome (seen,
    added, updated, unchanged, deleted, incomplete), `requests` those made, the least possible (bound) and those answered
    with a rate limit; `waiting` is the work known and not done. `started_at` is when it was first claimed, until then when
    it was queued; `begun_at` when its task had begun. `attempt` is how often it was claimed, `reaps` how often a worker died
    of it. `error` is what ended a failed run, `result` what else there is to report. `trace` is the context (telemetry) of what caused it.
    `dismissed_at` is when somebody put the failure aside.
    """

    id: str
    connection_id: str
    kind: str
    slot: str
    requested_by: str
    queued_at: datetime
    started_at: datetime
    mode: Mode | None = None
    fidelity: Fidelity | None = None
    state: RunState = RunState.QUEUED
    lane: int = Lane.INTERACTIVE
    not_before: datetime | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    worker: str | None = None
    attempt: int = 0
    reaps: int = 0
    cancel_requested_at: datetime | None = None
    phase: str = ""
    waiting: int = 0
    options: Json = field(default_factory=dict)
    pages: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(PAGES, 0))
    requests: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(REQUESTS, 0))
    error: Json | None = None
    result: Json | None = None
    trace: str | None = None
    dismissed_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.state not in _LIVE


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one worker to write for one run, from one claim to the next."""

    run: str
    worker: str
    attempt: int


async def queue(
    conn: AsyncConnection,
    connection_id: str,
    *,
    run_id: str,
    kind: str,
    slot: str,
    requested_by: str,
    now: datetime,
    **values: Any,
) -> Run:
    """Put a run into the queue; its counts are zero. `values` are other fields of Run.

    Raises Busy, with details of it, while another run of the slot is queued or running.
    """
    run = Run(run_id, connection_id, kind, slot, requested_by, queued_at=now, started_at=now, **values)
    row = {one.name: getattr(run, one.name) for one in fields(Run)}
    # The condition is spelt out: PostgreSQL finds no index for one whose values are parameters of a prepared statement.
    statement = insert_into(conn, runs).on_conflict_do_nothing(
        index_elements=[runs.c.connection_id, runs.c.slot], index_where=live_run
    )
    while not (await conn.execute(statement.returning(runs.c.id), row)).all():
        if (other := await live(conn, connection_id, slot)) is not None:
            raise _busy(other)
    return run


def _busy(run: Run) -> Busy:
    details = {
        "activeJobId": run.id,
        "status": run.state,
        "progress": dict(run.pages),
        "startedAt": moment(run.started_at),
    }
    sentence = f"Another {run.kind} of this connection is under way: wait for its end, or stop it first."
    return Busy(sentence, details=details)


async def claim(
    conn: AsyncConnection, worker: str, *, kinds: Sequence[str], limit: int, now: datetime
) -> list[Run]:
    """Take up to `limit` runs that wait, the most urgent first; no run is given to two workers.

    It is fair among connections without a turn to keep: none has more than one run of a slot in the queue, and within a lane
    the oldest goes first.
    """
    due = or_(runs.c.not_before.is_(None), runs.c.not_before <= now)
    query = (
        select(runs.c.id)
        .where(_QUEUED, due, runs.c.kind.in_(kinds))
        .order_by(runs.c.lane, runs.c.queued_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = (await conn.scalars(query)).all()
    claimed = [await claim_one(conn, run_id, worker, now=now) for run_id in found]
    return [run for run in claimed if run is not None]


async def claim_one(conn: AsyncConnection, run_id: str, worker: str, *, now: datetime) -> Run | None:
    """Take one run if it waits; None if somebody else was quicker, or it has ended."""
    first = runs.c.attempt == 0
    statement = (
        update(runs)
        .where(runs.c.id == run_id, _QUEUED)
        .values(
            state=RunState.RUNNING,
            worker=worker,
            attempt=runs.c.attempt + 1,
            started_at=case((first, literal(now, runs.c.started_at.type)), else_=runs.c.started_at),
            not_before=None,
        )
        .returning(runs)
    )
    row = (await conn.execute(statement)).mappings().one_or_none()
    return None if row is None else _run(row)


async def guard(conn: AsyncConnection, lease: Lease) -> None:
    """Keep the run ours until this transaction ends. Raises LeaseLost if it is not."""
    query = select(runs.c.id).where(_leased(lease)).with_for_update()
    if await conn.scalar(query) is None:
        raise LeaseLost(f"The run {lease.run} is not this worker's any more.")


async def begun(conn: AsyncConnection, run_id: str, *, now: datetime, trace: str | None = None) -> None:
    """Note that the task has begun, and in which trace: whoever takes the run up goes on with it."""
    await conn.execute(update(runs).where(runs.c.id == run_id).values(begun_at=now, trace=trace))


async def progress(
    conn: AsyncConnection,
    run_id: str,
    *,
    phase: str,
    pages: Mapping[str, int],
    requests: Mapping[str, int],
    waiting: int = 0,
) -> None:
    """Replace the phase and the counts of a run."""
    values = {"phase": phase, "pages": dict(pages), "requests": dict(requests), "waiting": waiting}
    await conn.execute(update(runs).where(runs.c.id == run_id).values(**values))


async def note_result(conn: AsyncConnection, run_id: str, result: Json) -> None:
    """Keep what a run has to report, before its end."""
    await conn.execute(update(runs).where(runs.c.id == run_id).values(result=dict(result)))


async def forget(conn: AsyncConnection, run_id: str) -> None:
    """Forget a run that has ended."""
    await conn.execute(delete(runs).where(runs.c.id == run_id, runs.c.state.not_in(_LIVE)))


async def finish(
    conn: AsyncConnection,
    run_id: str,
    *,
    state: RunState,
    now: datetime,
    error: Json | None = None,
    result: Json | None = None,
) -> Run | None:
    """End a run that has not ended, and return it; None where it has."""
    values = {
        "state": state,
        "ended_at": now,
        "worker": None,
        "not_before": None,
        "error": None if error is None else dict(error),
    }
    if result is not None:
        values["result"] = dict(result)
    statement = update(runs).where(runs.c.id == run_id, runs.c.state.in_(_LIVE)).values(**values)
    row = (await conn.execute(statement.returning(runs))).mappings().one_or_none()
    return None if row is None else _run(row)


async def release(conn: AsyncConnection, lease: Lease, *, not_before: datetime | None = None) -> bool:
    """Put a run back into the queue for whoever comes next; whether it was still ours."""
    values = {"state": RunState.QUEUED, "worker": None, "not_before": not_before}
    return (await conn.execute(update(runs).where(_leased(lease)).values(**values))).rowcount > 0


async def put_back(conn: AsyncConnection, worker: str | None, *, reaps: int = 1) -> list[Run]:
    """Put the runs of a dead worker back into the queue, each with so many reaps more; None: those of no worker at all."""
    theirs = runs.c.worker.is_(None) if worker is None else runs.c.worker == worker
    statement = (
        update(runs)
        .where(theirs, _RUNNING)
        .values(state=RunState.QUEUED, worker=None, reaps=runs.c.reaps + reaps)
        .returning(runs)
    )
    return [_run(row) for row in (await conn.execute(statement)).mappings()]


async def request_cancel(conn: AsyncConnection, run_id: str, *, now: datetime) -> Run:
    """Ask that a run ends: at once where it waits, else as soon as its worker hears of it. An ended run stays as it is."""
    waiting = update(runs).where(runs.c.id == run_id, _QUEUED)
    await conn.execute(waiting.values(state=RunState.CANCELLED, ended_at=now, cancel_requested_at=now))
    under_way = (runs.c.id == run_id) & _RUNNING & runs.c.cancel_requested_at.is_(None)
    await conn.execute(update(runs).where(under_way).values(cancel_requested_at=now))
    return await one(conn, run_id)


async def are_waiting(conn: AsyncConnection, *, now: datetime) -> bool:
    """Whether any run waits to be claimed."""
    due = or_(runs.c.not_before.is_(None), runs.c.not_before <= now)
    return await conn.scalar(select(runs.c.id).where(_QUEUED, due).limit(1)) is not None


async def held_by(conn: AsyncConnection, worker: str) -> dict[str, tuple[int, bool]]:
    """The runs that a worker holds: their attempts, and whether somebody asked that they end."""
    query = select(runs.c.id, runs.c.attempt, runs.c.cancel_requested_at).where(
        runs.c.worker == worker, _RUNNING
    )
    return {run_id: (attempt, asked is not None) for run_id, attempt, asked in await conn.execute(query)}


async def holders(conn: AsyncConnection) -> set[str | None]:
    """The workers that hold runs; None for runs that say they are under way and name nobody."""
    query = select(runs.c.worker).where(_RUNNING).distinct()
    return set(await conn.scalars(query))


async def one(conn: AsyncConnection, run_id: str) -> Run:
    """One run. Raises NotFound if there is no such run."""
    row = (await conn.execute(select(runs).where(runs.c.id == run_id))).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no run {run_id}: `syncline runs` lists them.")
    return _run(row)


async def named(conn: AsyncConnection, beginning: str) -> str:
    """The id of the run that begins with this text. Raises NotFound if there is none, BadInput if there are several."""
    query = select(runs.c.id).where(runs.c.id.startswith(beginning, autoescape=True)).limit(2)
    found = list(await conn.scalars(query))
    if len(found) > 1:
        raise BadInput(f"Several runs begin with {beginning}: name more of its id.")
    return found[0] if found else (await one(conn, beginning)).id


async def traces(conn: AsyncConnection, run_ids: Collection[str]) -> dict[str, str]:
    """The contexts of those of the runs that have one, by id."""
    found: dict[str, str] = {}
    for part in chunks(sorted(run_ids)):
        query = select(runs.c.id, runs.c.trace).where(runs.c.id.in_(part), runs.c.trace.is_not(None))
        found |= {row.id: row.trace for row in await conn.execute(query)}
    return found


async def live(conn: AsyncConnection, connection_id: str, slot: str | None = None) -> Run | None:
    """The run of a slot, or of any, that is queued or running."""
    query = select(runs).where(runs.c.connection_id == connection_id, live_run)
    if slot is not None:
        query = query.where(runs.c.slot == slot)
    row = (await conn.execute(query.order_by(runs.c.queued_at).limit(1))).mappings().one_or_none()
    return None if row is None else _run(row)


async def latest(
    conn: AsyncConnection,
    connection_id: str | None,
    *,
    limit: int,
    kinds: Sequence[str] = ("pull",),
    before: tuple[datetime, str] | None = None,
    where: Iterable[ColumnElement[bool]] = (),
) -> list[Run]:
    """The `limit` newest runs of a connection, of all connections for None, newest first.

    With `before`, the start and id of a run, those that are older than it; `where` are conditions of store.history.
    """
    query = select(runs).where(runs.c.kind.in_(kinds), *where).limit(limit)
    if connection_id is not None:
        query = query.where(runs.c.connection_id == connection_id)
    if before is not None:
        started_at, run_id = before
        same = (runs.c.started_at == started_at) & (runs.c.id < run_id)
        query = query.where(or_(runs.c.started_at < started_at, same))
    query = query.order_by(runs.c.started_at.desc(), runs.c.id.desc())
    return [_run(row) for row in (await conn.execute(query)).mappings()]


# Spelt out as the conditions of the indexes are: a parameter might have any value when a statement is planned.
_QUEUED = runs.c.state == literal_column("'queued'")
_RUNNING = runs.c.state == literal_column("'running'")


def _leased(lease: Lease) -> ColumnElement[bool]:
    return (
        (runs.c.id == lease.run)
        & _RUNNING
        & (runs.c.worker == lease.worker)
        & (runs.c.attempt == lease.attempt)
    )


def _run(row: RowMapping) -> Run:
    typed = {
        "mode": Mode(row["mode"]) if row["mode"] else None,
        "fidelity": Fidelity(row["fidelity"]) if row["fidelity"] else None,
        "state": RunState(row["state"]),
    }
    return Run(**{**row, **typed})
