"""History: which of the runs that were are wanted, which failures somebody put aside, and which runs are forgotten."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Mode
from syncline.store import checkpoints
from syncline.store import connections as known
from syncline.store.runs import RunState
from syncline.store.tables import chunks, connections, failures, runs

__all__ = ["Wanted", "aged", "conditions", "dismiss", "prune"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs: in one of these states, of one of these modes, asked for by one of those, begun since and before a time.

    `nobody` are askers whose runs are left out.
    """

    states: Collection[RunState] = ()
    modes: Collection[Mode] = ()
    askers: Collection[str] = ()
    nobody: Collection[str] = ()
    since: datetime | None = None
    until: datetime | None = None


def conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """The same in SQL, for `runs.latest`."""
    if wanted.states:
        yield runs.c.state.in_(wanted.states)
    if wanted.modes:
        # A pull that nobody gave a mode is incremental.
        yield func.coalesce(runs.c.mode, Mode.INCREMENTAL).in_(wanted.modes)
    if wanted.askers:
        yield runs.c.requested_by.in_(wanted.askers)
    if wanted.nobody:
        yield runs.c.requested_by.not_in(wanted.nobody)
    if wanted.since is not None:
        yield runs.c.started_at >= wanted.since
    if wanted.until is not None:
        yield runs.c.started_at < wanted.until


async def dismiss(
    conn: AsyncConnection, connection_id: str, run_ids: Sequence[str], *, now: datetime | None
) -> None:
    """Put failed runs aside; with `now` None, back."""
    failed = (runs.c.connection_id == connection_id) & (runs.c.state == RunState.FAILED)
    for part in chunks(sorted(run_ids)):
        await conn.execute(update(runs).where(failed, runs.c.id.in_(part)).values(dismissed_at=now))


async def aged(
    conn: AsyncConnection, *, before: datetime, after: str, limit: int
) -> tuple[list[str], str | None]:
    """Of the next `limit` connections behind the id `after` those whose oldest run began `before`; the last id looked at, None at the end."""
    mine = runs.c.connection_id == connections.c.id
    oldest = select(runs.c.started_at).where(mine).order_by(runs.c.started_at).limit(1).scalar_subquery()
    query = select(connections.c.id, oldest.label("at")).where(connections.c.id > after)
    rows = (await conn.execute(query.order_by(connections.c.id).limit(limit))).all()
    found = [row.id for row in rows if row.at is not None and row.at < before]
    return found, rows[-1].id if rows else None


async def prune(
    conn: AsyncConnection, connection_id: str, *, before: datetime, limit: int, but: Collection[str] = ()
) -> int:
    """Forget up to `limit` of the oldest runs that ended `before`, without those of `but`. Returns how many.

    Of each slot the last run that ended stays, and the last that succeeded; so does what an entry of the ledger names, and
    what a mapping file goes on behind. Raises NotFound if the connection is gone.
    """
    await known.hold(conn, connection_id)
    old = (runs.c.connection_id == connection_id) & (runs.c.started_at < before) & (runs.c.ended_at < before)
    kept = {*but, *await checkpoints.runs_named(conn, connection_id)}
    for slot in (await conn.scalars(select(runs.c.slot).where(old).distinct())).all():
        kept |= await _last(conn, connection_id, slot)
    met = select(failures.c.run_id).where(
        failures.c.connection_id == connection_id, failures.c.run_id.is_not(None)
    )
    query = select(runs.c.id).where(old, runs.c.id.not_in(met), runs.c.id.not_in(sorted(kept)))
    found = (await conn.scalars(query.order_by(runs.c.started_at).limit(limit))).all()
    for part in chunks(found):
        await conn.execute(delete(runs).where(runs.c.id.in_(part)))
    return len(found)


async def _last(conn: AsyncConnection, connection_id: str, slot: str) -> set[str]:
    """The last run of a slot that ended, and the last that succeeded."""
    mine = (runs.c.connection_id == connection_id) & (runs.c.slot == slot)
    found: set[str] = set()
    for ended in (runs.c.ended_at.is_not(None), runs.c.state == RunState.SUCCEEDED):
        query = select(runs.c.id).where(mine, ended).order_by(runs.c.started_at.desc()).limit(1)
        found.update(await conn.scalars(query))
    return found
