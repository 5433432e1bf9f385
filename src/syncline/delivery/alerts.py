"""Alerts at work: events of the log open, update and resolve them; rules of the trigger `alert` tell of the first and the last.

Each connection has a position in its log. It moves in the transaction that writes what the events meant, under the connection's lock.
"""

from datetime import datetime
from typing import Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.alerts import HEARD, Facts, Incident, IncidentKind, news
from syncline.core.errors import NotFound, Unreachable
from syncline.core.event import EventKind, alert_opened, alert_resolved
from syncline.core.rules import Trigger
from syncline.delivery.rules import News, tell
from syncline.store import alerts, connections, events, ledger, rules, runs
from syncline.store.alerts import Alert
from syncline.store.events import Logged

__all__ = ["watch"]

_BATCH: Final = 100
_MANY: Final = 500
"""Connections that are looked at before it is asked again who is behind."""

_Open: TypeAlias = dict[tuple[IncidentKind, str], Alert]

_EVENTS: Final = {"opened": alert_opened, "resolved": alert_resolved}


async def watch(app: App) -> float | None:
    """Read what happened to each connection; 0.0 if there may be more. A duty."""
    async with app.database.glance() as conn:
        behind = await alerts.behind(conn, limit=_MANY)
        recovered = await alerts.recovered(conn)
    more = len(behind) == _MANY
    for connection_id in behind:
        async with app.database.begin() as conn:
            more |= await _watch_one(conn, app, connection_id)
    for alert in recovered:
        async with app.database.begin() as conn:
            await connections.hold(conn, alert.connection_id)
            held = await alerts.opened(conn, alert.connection_id)
            over = Incident(alert.kind, alert.subject, None)
            await _meet(conn, app, alert.connection_id, over, held, at=app.now())
    return 0.0 if more else None


async def _watch_one(conn: AsyncConnection, app: App, connection_id: str) -> bool:
    """Look at the next events of one connection. Whether there may be more."""
    at = await alerts.hold(conn, connection_id)
    if at is None or at.heard == at.head:  # it was removed meanwhile, or another worker has looked
        return False
    found = await alerts.news(conn, connection_id, HEARD, after=at.heard, upto=at.head, limit=_BATCH)
    held = await alerts.opened(conn, connection_id) if found else {}
    for event in found:
        for incident in news(event.kind, event.data, await _facts(conn, app, event)):
            await _meet(conn, app, connection_id, incident, held, at=event.at)
    full = len(found) == _BATCH
    await alerts.move(conn, connection_id, found[-1].seq if full else at.head)
    return full


async def _facts(conn: AsyncConnection, app: App, event: Logged) -> Facts:
    """What an event leaves unsaid."""
    if event.kind not in (EventKind.ERROR, EventKind.COMPLETE):
        return Facts()
    kind, unreachable = "", False
    if event.run_id is not None:
        try:
            run = await runs.one(conn, event.run_id)
        except NotFound:
            pass
        else:
            kind = run.kind
            unreachable = (run.error or {}).get("exit_code") == Unreachable.exit_code
    incomplete = await ledger.count_pages(conn, event.connection_id, beside=ledger.LISTING)
    return Facts(kind, unreachable, incomplete, app.settings.alert_incomplete)


async def _meet(
    conn: AsyncConnection, app: App, connection_id: str, incident: Incident, opened: _Open, *, at: datetime
) -> None:
    """Open an alert, update the one that is `opened`, or resolve it."""
    subject = (incident.kind, incident.subject)
    held = opened.get(subject)
    if incident.text is None:
        if held is not None:
            del opened[subject]
            await alerts.resolve(conn, held.id, at=at)
            await _tell(conn, app, held, "resolved")
        return
    if held is not None:
        await alerts.again(conn, held.id, text=incident.text, at=at)
        return
    made = Alert(
        id=app.new_id(),
        connection_id=connection_id,
        kind=incident.kind,
        subject=incident.subject,
        opened_at=at,
        last_at=at,
        count=1,
        resolved_at=None,
        text=incident.text,
    )
    opened[subject] = made
    await alerts.add(conn, made)
    await _tell(conn, app, made, "opened")


async def _tell(conn: AsyncConnection, app: App, alert: Alert, state: str) -> None:
    """Say in the log and to whom it concerns that an alert was opened or resolved."""
    told = _EVENTS[state](alert.id, kind=alert.kind, text=alert.text)
    await events.append(conn, alert.connection_id, [told], now=app.now())
    facts = {"title": alert.kind.replace("_", " "), "state": state, "text": alert.text}
    for rule_id in await rules.of_trigger(conn, alert.connection_id, Trigger.ALERT):
        rule = await rules.hold(conn, rule_id)
        await tell(conn, app, rule, [News(f"alert:{alert.id}:{state}", alert.id, facts)])
