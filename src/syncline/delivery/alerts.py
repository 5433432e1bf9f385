"""Alerts at work: events of the log open, update and resolve them; rules of the trigger `alert` tell of the first and the last.

Each connection has a position in its log. It moves in the transaction that writes what the events meant, under the connection's lock.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.alerts import HEARD, Facts, Incident, news
from syncline.core.errors import NotFound, Unreachable
from syncline.core.event import Event, EventKind
from syncline.core.rules import Trigger
from syncline.delivery.rules import News, tell
from syncline.store import alerts, checkpoints, connections, events, rules, runs
from syncline.store.alerts import Alert
from syncline.store.events import Logged
from syncline.store.vitals import vitals

__all__ = ["watch"]

_POSITION: Final = "alerts"
"""The checkpoint that keeps the number of the last event that was looked at."""

_BATCH: Final = 100


async def watch(app: App) -> float | None:
    """Read what happened to each connection; 0.0 if there may be more. A duty."""
    async with app.database.read() as conn:
        behind = await alerts.behind(conn, _POSITION)
        recovered = await alerts.recovered(conn)
    more = False
    for connection_id in behind:
        async with app.database.begin() as conn:
            more |= await _watch_one(conn, app, connection_id)
    for alert in recovered:
        async with app.database.begin() as conn:
            await connections.hold(conn, alert.connection_id)
            await _meet(conn, app, alert.connection_id, Incident(alert.kind, alert.subject, None), app.now())
    return 0.0 if more else None


async def _watch_one(conn: AsyncConnection, app: App, connection_id: str) -> bool:
    """Look at the next events of one connection. Whether there may be more."""
    await connections.hold(conn, connection_id)
    head = (await events.heads(conn, [connection_id])).get(connection_id)
    if head is None:  # it was removed meanwhile
        return False
    after = await checkpoints.value(conn, connection_id, _POSITION) or 0
    found = await alerts.news(conn, connection_id, HEARD, after=after, upto=head, limit=_BATCH)
    for event in found:
        for incident in news(event.kind, event.data, await _facts(conn, app, event)):
            await _meet(conn, app, connection_id, incident, event.at)
    full = len(found) == _BATCH
    await checkpoints.put(conn, connection_id, _POSITION, found[-1].seq if full else head)
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
    vital = await vitals(conn, [event.connection_id], since=app.now())
    incomplete = vital[event.connection_id].incomplete
    return Facts(kind, unreachable, incomplete, app.settings.alert_incomplete)


async def _meet(
    conn: AsyncConnection, app: App, connection_id: str, incident: Incident, at: datetime
) -> None:
    """Open an alert, update the open one, or resolve it."""
    held = await alerts.opened(conn, connection_id, incident.kind, incident.subject)
    if incident.text is None:
        if held is not None:
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
    await alerts.add(conn, made)
    await _tell(conn, app, made, "opened")


async def _tell(conn: AsyncConnection, app: App, alert: Alert, state: str) -> None:
    """Say in the log and to whom it concerns that an alert was opened or resolved."""
    told: dict[str, Any] = {"alertId": alert.id, "kind": alert.kind, "text": alert.text}
    await events.append(conn, alert.connection_id, [Event(f"alert:{state}", told)], now=app.now())
    facts = {"title": alert.kind.replace("_", " "), "state": state, "text": alert.text}
    for rule_id in await rules.of_trigger(conn, alert.connection_id, Trigger.ALERT):
        rule = await rules.hold(conn, rule_id)
        await tell(conn, app, rule, [News(f"alert:{alert.id}:{state}", alert.id, facts)])
