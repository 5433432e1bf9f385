"""Mappings that a server keeps up to date: a run of the kind ``push`` whenever the database says so, and every so often for Notion's sake.

    what the outbox has ─▶ a run, queued ─▶ its end ─▶ what it saw is acknowledged ─▶ the next change, or the time

Any number of workers may follow the same mapping. What the last run was is in the store, under the lock of the connection, so each
change and each time is taken once; the run itself is any worker's. What a run saw of the outbox is acknowledged, by whoever looks, once it
has succeeded.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import Busy, NotFound, SynclineError
from syncline.core.following import Last, Turn, turn
from syncline.core.mapping import Mapping as TableMapping
from syncline.core.report import Outcome
from syncline.engine import connect as connecting
from syncline.mapping.asked import Asked
from syncline.mapping.file import database_url, read_mapping
from syncline.mapping.follow import acknowledge, note
from syncline.mapping.pushing import SLOT
from syncline.sources.sql import SqlSource
from syncline.sources.sql_outbox import Changed
from syncline.store import checkpoints, connections, runs
from syncline.store.connections import Connection
from syncline.store.runs import Lane, Run, RunState

__all__ = ["serve_mappings"]

_LOOK: Final = 0.25
"""Seconds until the next look, at least."""

_AGAIN: Final = 10.0
"""Seconds until a mapping that cannot be followed is tried again: a database that is away, a connection that is not made yet."""

_HEARD: Final = timedelta(seconds=10)
"""How long after its end the duties that follow events may ask for a run."""

_BY: Final = "mapping"

Noted: TypeAlias = Mapping[str, Changed]
"""What the outbox has, by table."""

_LOG = logging.getLogger("syncline.mapping")


async def serve_mappings(app: App, files: tuple[Path, ...]) -> None:
    """Keep mappings up to date until cancelled. What fails is logged and tried again; a run that fails says so in its row."""
    async with asyncio.TaskGroup() as following:
        for file in files:
            following.create_task(_keep(app, file))


async def _keep(app: App, file: Path) -> None:
    while True:
        try:
            await _follow(app, file)
        except SynclineError as error:
            _LOG.warning("The mapping %s waits: %s", file, error)
            await asyncio.sleep(_AGAIN)
        except Exception:  # noqa: BLE001  nobody waits for it here; the server goes on
            _LOG.exception("The mapping %s could not be followed.", file)
            await asyncio.sleep(_AGAIN)


async def _follow(app: App, file: Path) -> None:
    """Follow a mapping as its file has it, until that says something else. Raises what keeps it from being followed."""
    mapping = read_mapping(file)
    connection = await connecting.pick(app, mapping.connection)
    async with SqlSource(database_url(mapping, file.parent)) as source, source.listening() as wait:
        following = _Following(app, file, mapping, connection, source)
        while read_mapping(file) == mapping:
            seconds = await following.go_on()
            following.heard |= await wait(seconds)


@dataclass
class _Following:
    app: App
    file: Path
    mapping: TableMapping
    connection: Connection
    source: SqlSource
    heard: bool = False
    """Whether something in the database may have changed just now."""

    async def go_on(self) -> float:
        """Begin a run if it is time to, and acknowledge what the last one saw; the seconds until the next look, at most."""
        async with self.app.database.read() as conn:
            past = await self._past(conn)
        if past.is_under_way:
            return _LOOK
        noted = await note(self.mapping, self.source)
        await acknowledge(self.mapping, self.source, past.seen_of(noted))
        found = self._turn(past, noted)
        if found.begin:
            await self._queue(noted)
            return _LOOK
        return max(found.wait, _LOOK)

    def _turn(self, past: "_Past", noted: Noted) -> Turn:
        changed = past.is_news(noted) or (self.heard and self._has_other_tables(noted))
        return turn(past.last, pace=self.mapping.pace, changed=changed, now=self.app.now())

    def _has_other_tables(self, noted: Noted) -> bool:
        """Whether a table has no outbox, so that any change of its file may be one of its."""
        return self.source.dialect == "sqlite" and len(noted) < len(self.mapping.tables)

    async def _past(self, conn: AsyncConnection) -> "_Past":
        state = await checkpoints.value(conn, self.connection.id, self._name)
        return _Past() if state is None else await _remembered(conn, state)

    async def _queue(self, noted: Noted) -> None:
        """Begin a run, unless somebody else was quicker, or another push of the connection is under way."""
        now = self.app.now()
        async with self.app.database.begin() as conn:
            await connections.hold(conn, self.connection.id)
            past = await self._past(conn)
            found = self._turn(past, noted)
            if not found.begin:
                return
            asked = Asked(str(self.file), changed_only=not found.whole)
            try:
                run = await runs.queue(
                    conn, self.connection.id, run_id=self.app.new_id(), kind="push", slot=SLOT,
                    requested_by=_BY, now=now, lane=Lane.FOLLOWING, options=asked.as_json(),
                )  # fmt: skip
            except Busy:
                return
            await checkpoints.put(conn, self.connection.id, self._name, _state(run, found, noted))
            if past.run is not None and _is_idle(past.run, now):
                await runs.forget(conn, past.run.id)
        self.heard = False

    @property
    def _name(self) -> str:
        return f"follow:{self.mapping.name}"


@dataclass(frozen=True, slots=True)
class _Past:
    """The last run, and the lines of the outbox that were there when it was queued, by table."""

    last: Last | None = None
    run: Run | None = None
    lines: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @property
    def is_under_way(self) -> bool:
        """Whether that run has not ended."""
        return self.last is not None and self.last.ended is None

    def seen_of(self, noted: Noted) -> Noted:
        """What of the outbox need not be kept: a run that has succeeded saw it."""
        if self.last is None or self.is_under_way or self.last.failed:
            return {}
        return {
            name: replace(one, versions=tuple(sorted(self._lines(name).intersection(one.versions))))
            for name, one in noted.items()
        }

    def is_news(self, noted: Noted) -> bool:
        """Whether the outbox has what no run that succeeded saw."""
        seen = self.seen_of(noted)
        return any(
            set(one.versions) - set(seen[name].versions if name in seen else ())
            for name, one in noted.items()
        )

    def _lines(self, name: str) -> frozenset[int]:
        return self.lines.get(name, frozenset())


def _is_idle(run: Run, now: datetime) -> bool:
    """Whether a run found nothing to be done, and whoever hears of runs has heard of it: the history is better without it."""
    clean = run.state is RunState.SUCCEEDED and (run.result or {}).get("outcome") == Outcome.CLEAN
    return clean and run.ended_at is not None and now - run.ended_at > _HEARD


def _state(run: Run, found: Turn, noted: Noted) -> dict[str, Any]:
    return {
        "run": run.id,
        "whole": found.whole,
        "whole_at": None if found.whole_at is None else found.whole_at.isoformat(),
        "failures": found.failures,
        "lines": {name: list(one.versions) for name, one in noted.items()},
    }


async def _remembered(conn: AsyncConnection, state: Any) -> _Past:
    """What `_state` made; nothing where the run was forgotten since."""
    try:
        run = await runs.one(conn, state["run"])
    except NotFound:
        return _Past()
    last = Last(
        began=run.queued_at,
        ended=run.ended_at if run.ended else None,
        failed=run.state is not RunState.SUCCEEDED,
        whole=state["whole"],
        whole_at=None if state["whole_at"] is None else datetime.fromisoformat(state["whole_at"]),
        failures=state["failures"],
    )
    return _Past(last, run, {name: frozenset(lines) for name, lines in state["lines"].items()})
