"""How a listing moves on after an answer: to its next cursor, or to its end."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.checkpoint import SEARCH_LAG
from syncline.core.errors import Unreachable
from syncline.engine.apply import Applied
from syncline.engine.work import Outcome
from syncline.engine.worklist import Work, subject
from syncline.sources.base import Listed
from syncline.store import frontier, ledger, records
from syncline.store.frontier import Item

__all__ = ["move_on"]

_CHECKED = 20
"""So many answers of one listing pass between two looks whether it still tells anything new."""

_ENDLESS = 3
"""A listing that told so many times what is known goes in circles."""

_MOST = 1_000_000
"""No listing tells more items, where what it tells is not all kept and so cannot be counted."""


async def move_on(
    conn: AsyncConnection,
    connection_id: str,
    outcomes: Iterable[Outcome],
    applied: Applied,
    *,
    since: datetime | None,
    selected: bool,
) -> None:
    """Put each listing that has more to tell back on the frontier, at its new cursor; the others are done.

    `since` is the watermark of an incremental pull. `selected` tells that only some of what is listed is kept. Raises Unreachable for a listing that would never end.
    """
    more: list[Item] = []
    ended: list[Item] = []
    capped = {outcome.item.key for outcome in outcomes if outcome.item is not None and outcome.gap}
    for outcome in outcomes:
        if outcome.listed is not None and outcome.item is not None:
            goes_on = outcome.listed.cursor is not None and not _is_past(
                outcome.item, outcome.listed, applied, since=since
            )
            (more if goes_on else ended).append(outcome.item)
    for item in more:
        await _guard(conn, connection_id, item, selected=selected)
    await frontier.progress(conn, connection_id, more)
    await frontier.done(conn, connection_id, [(item.kind, item.key, item.generation) for item in ended])
    for kind in (Work.LISTING, Work.COMMENTS):
        whole = [item.key for item in ended if item.kind == kind and item.key == subject(item)]
        whole = [key for key in whole if key not in capped]
        await ledger.resolve(conn, connection_id, whole, operation=kind)


def _is_past(item: Item, listed: Listed, applied: Applied, *, since: datetime | None) -> bool:
    """Whether a listing that tells the newest edits first has come to what was read before.

    Search may show an edit late, so behind the watermark it is followed as long as it tells news, and no further than it may lag.
    """
    newest_first = (item.payload or {}).get("newest_first")
    if since is None or not newest_first or listed.oldest is None or listed.oldest >= since:
        return False
    told = [*((record.kind, record.key) for record in listed.records), *listed.suspects]
    return applied.news.isdisjoint(told) or listed.oldest < since - SEARCH_LAG


async def _guard(conn: AsyncConnection, connection_id: str, item: Item, *, selected: bool) -> None:
    """End a listing that tells far more than there is: Notion's search has been seen to go on for ever."""
    payload = item.payload or {}
    if payload["answers"] % _CHECKED:
        return
    live = await records.count_live(conn, connection_id)
    most = _MOST if selected else _ENDLESS * max(live, 100 * _CHECKED)
    if payload["size"] > most:
        raise Unreachable(
            f"The listing {item.key} told {payload['size']} items where {live} are known; it would never end. "
            "Try again later."
        )
