"""Retention: what is forgotten after so many days. By default only events and runs are, and nothing that was read.

Each piece is a transaction of its own, so that nobody waits for long; several workers may do it at the same time.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import NotFound
from syncline.engine import deadletters
from syncline.store import changes, connections, events, history

__all__ = ["forget_old"]

_PIECE: Final = 2000
"""Rows that are forgotten in one transaction."""

_STRETCH: Final = 500
"""Connections that one query looks through."""

_Walk: TypeAlias = Callable[[AsyncConnection, str, datetime], Awaitable[tuple[Sequence[str], str | None]]]
"""Of the connections behind an id those that may have something older, and the id to go on behind; None at the end."""

_Aged: TypeAlias = Callable[..., Awaitable[tuple[Sequence[str], str | None]]]

_Forget: TypeAlias = Callable[[AsyncConnection, str, datetime], Awaitable[int]]


async def forget_old(app: App) -> None:
    """Forget what is older than the settings say: events, runs, tombstones, the data of records."""
    for days, walk, forget in _kinds(app):
        if days is not None:
            before = app.now() - timedelta(days)
            async for connection_id in _walked(app, walk, before):
                await _forget_all(app, connection_id, before, forget)


async def _walked(app: App, walk: _Walk, before: datetime) -> AsyncIterator[str]:
    """The connections that may have something older, some hundreds at a time."""
    after: str | None = ""
    while after is not None:
        async with app.database.read() as conn:
            found, after = await walk(conn, after, before)
        for connection_id in found:
            yield connection_id


async def _forget_all(app: App, connection_id: str, before: datetime, forget: _Forget) -> None:
    count = _PIECE
    while count == _PIECE:
        async with app.database.begin() as conn:
            try:
                count = await forget(conn, connection_id, before)
            except NotFound:  # the connection was removed meanwhile
                return


def _with_old(aged: _Aged) -> _Walk:
    async def walk(conn: AsyncConnection, after: str, before: datetime) -> tuple[Sequence[str], str | None]:
        return await aged(conn, before=before, after=after, limit=_STRETCH)

    return walk


def _kinds(app: App) -> list[tuple[float | None, _Walk, _Forget]]:
    """For how many days each is kept, None for good; of which connections it is to be forgotten, and how."""
    now, settings = app.now(), app.settings

    async def all_of_them(
        conn: AsyncConnection, after: str, _before: datetime
    ) -> tuple[Sequence[str], str | None]:
        found = await connections.ids(conn, after=after, limit=_STRETCH)
        return found, found[-1] if found else None

    async def old_events(conn: AsyncConnection, connection_id: str, before: datetime) -> int:
        return await events.prune(conn, connection_id, before=before, limit=_PIECE)

    async def old_runs(conn: AsyncConnection, connection_id: str, before: datetime) -> int:
        letters = await deadletters.open_runs(conn, connection_id)
        return await history.prune(conn, connection_id, before=before, limit=_PIECE, but=letters)

    async def old_tombstones(conn: AsyncConnection, connection_id: str, before: datetime) -> int:
        return await changes.forget(conn, connection_id, before=before, limit=_PIECE)

    async def old_data(conn: AsyncConnection, connection_id: str, before: datetime) -> int:
        return await changes.prune(conn, connection_id, before=before, limit=_PIECE, now=now)

    return [
        (settings.events_days, _with_old(events.aged), old_events),
        # Events and logged requests name their run.
        (max(settings.runs_days, settings.events_days, settings.log_days), _with_old(history.aged), old_runs),
        (settings.tombstones_days, all_of_them, old_tombstones),
        (settings.data_days, all_of_them, old_data),
    ]
