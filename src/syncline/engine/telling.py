"""What the event log is told: the pages that a batch brought, how far a pull is, how a connection stands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core import event
from syncline.core.event import Event, PageStatus, page_fetched, sync_progress
from syncline.core.model import Action, Fidelity, Kind
from syncline.core.standing import sync_status
from syncline.engine.pull import Phase
from syncline.engine.task import Progress
from syncline.store import events, records
from syncline.store.overviews import standings
from syncline.store.records import Key

__all__ = ["fetched", "status_news", "tell_pages", "tell_progress", "tell_status"]


def fetched(
    fidelity: Fidelity, promoted: Mapping[str, Action], actions: Mapping[Key, Action]
) -> Mapping[str, Action]:
    """The pages that a batch has read: those whose content it had; where no content is read, those that are news."""
    if fidelity is not Fidelity.PROPERTIES:
        return promoted
    pages = {key: action for (kind, key), action in actions.items() if kind is Kind.PAGE}
    return {key: action for key, action in pages.items() if action is not Action.UNCHANGED}


async def tell_pages(
    conn: AsyncConnection,
    connection_id: str,
    *,
    run_id: str,
    read: Mapping[str, Action],
    failed: Mapping[str, str],
    now: datetime,
) -> None:
    """Log an event for each page that was `read`, by what that did, and for each that `failed`, by why."""
    titles = await records.titles(conn, connection_id, [*read, *failed])
    happened = [
        page_fetched(run_id, page=page, title=titles.get(page, ""), status=_status(action))
        for page, action in read.items()
    ]
    happened += [
        page_fetched(run_id, page=page, title=titles.get(page, ""), status=PageStatus.ERROR, error=why)
        for page, why in failed.items()
        if page not in read
    ]
    await events.append(conn, connection_id, happened, now=now)


def _status(action: Action) -> PageStatus:
    return PageStatus.SKIPPED if action is Action.UNCHANGED else PageStatus.SUCCESS


_MESSAGES: Final = {
    Phase.LISTING: "Listing pages and reading their properties.",
    Phase.CONTENT: "Reading the content of pages.",
    Phase.SWEEP: "Looking after what was not listed.",
    Phase.DONE: "All that was found is read.",
}


async def tell_progress(
    conn: AsyncConnection,
    connection_id: str,
    *,
    run_id: str,
    at: Progress,
    now: datetime,
) -> None:
    """Log how far a pull is: of the pages it has seen, those are done for which no work is waiting."""
    phase, total = Phase(at.phase), max(at.pages["seen"], at.waiting)
    current, message = total - at.waiting, _MESSAGES[phase]
    happened = sync_progress(run_id, phase=phase, current=current, total=total, message=message)
    await events.append(conn, connection_id, [happened], now=now)


async def tell_status(
    conn: AsyncConnection, connection_id: str, *, run_id: str | None = None, now: datetime
) -> None:
    """Log the one word about the connection's syncs, after something that may have changed it."""
    await events.append(conn, connection_id, await status_news(conn, connection_id, run_id=run_id), now=now)


async def status_news(conn: AsyncConnection, connection_id: str, *, run_id: str | None) -> list[Event]:
    """What `tell_status` logs, for those who log more at the same time; nothing for a connection that is gone."""
    found = await standings(conn, [connection_id])
    return [
        event.sync_status(
            sync_status(one.token, running=one.running, paused=one.paused, failed=one.failed), run_id=run_id
        )
        for one in found.values()
    ]
