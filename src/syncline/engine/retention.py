"""Retention: what is forgotten after so many days. By default only events are, and nothing that was read.

Each piece is a transaction of its own, so that nobody waits for long; several workers may do it at the same time.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import NotFound
from syncline.store import changes, connections, events

__all__ = ["forget_old"]

_PIECE: Final = 2000
"""Rows that are forgotten in one transaction."""

_Forget: TypeAlias = Callable[[AsyncConnection, str, float], Awaitable[int]]


async def forget_old(app: App) -> None:
    """Forget what is older than the settings say: events, tombstones, the data of records."""
    async with app.database.read() as conn:
        known = [one.id for one in await connections.every(conn)]
    for days, forget in _kinds(app):
        if days is not None:
            for connection_id in known:
                await _forget_all(app, connection_id, days, forget)


async def _forget_all(app: App, connection_id: str, days: float, forget: _Forget) -> None:
    count = _PIECE
    while count == _PIECE:
        async with app.database.begin() as conn:
            try:
                count = await forget(conn, connection_id, days)
            except NotFound:  # the connection was removed meanwhile
                return


def _kinds(app: App) -> list[tuple[float | None, _Forget]]:
    """For how many days each is kept, None for good, and how it is forgotten."""
    now, settings = app.now(), app.settings

    async def old_events(conn: AsyncConnection, connection_id: str, days: float) -> int:
        return await events.prune(conn, connection_id, before=now - timedelta(days), limit=_PIECE)

    async def old_tombstones(conn: AsyncConnection, connection_id: str, days: float) -> int:
        return await changes.forget(conn, connection_id, before=now - timedelta(days), limit=_PIECE)

    async def old_data(conn: AsyncConnection, connection_id: str, days: float) -> int:
        before = now - timedelta(days)
        return await changes.prune(conn, connection_id, before=before, limit=_PIECE, now=now)

    return [
        (settings.events_days, old_events),
        (settings.tombstones_days, old_tombstones),
        (settings.data_days, old_data),
    ]
