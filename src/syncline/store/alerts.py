"""Alerts: incidents of a connection, one open for each kind and subject at a time."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import RowMapping, delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.alerts import IncidentKind
from syncline.store.events import Logged
from syncline.store.tables import connections, unheard
from syncline.store.tables_deliveries import endpoints
from syncline.store.tables_events import events
from syncline.store.tables_rules import alerts

__all__ = [
    "Alert",
    "Position",
    "add",
    "again",
    "behind",
    "hold",
    "listing",
    "move",
    "news",
    "opened",
    "prune",
    "recovered",
    "resolve",
]


@dataclass(frozen=True, slots=True)
class Alert:
    """One incident: since when, when it was met last, how often, and when it ended."""

    id: str
    connection_id: str
    kind: IncidentKind
    subject: str
    opened_at: datetime
    last_at: datetime
    count: int
    resolved_at: datetime | None
    text: str


_COLUMNS = [alerts.c[field.name] for field in fields(Alert)]


@dataclass(frozen=True, slots=True)
class Position:
    """Up to which event of a connection's log all was heard, and which is the last."""

    heard: int
    head: int


async def behind(conn: AsyncConnection, *, limit: int) -> list[str]:
    """Up to `limit` connections whose log has events that were not heard, by id."""
    query = select(connections.c.id).where(unheard).order_by(connections.c.id).limit(limit)
    return list(await conn.scalars(query))


async def hold(conn: AsyncConnection, connection_id: str) -> Position | None:
    """The position in a connection's log, which nobody else moves until this transaction ends; None if the connection is gone."""
    query = select(connections.c.alert_seq, connections.c.event_seq).where(connections.c.id == connection_id)
    row = (await conn.execute(query.with_for_update())).one_or_none()
    return None if row is None else Position(*row)


async def move(conn: AsyncConnection, connection_id: str, heard: int) -> None:
    """All up to the event `heard` was heard."""
    await conn.execute(update(connections).where(connections.c.id == connection_id).values(alert_seq=heard))


async def news(
    conn: AsyncConnection, connection_id: str, kinds: Sequence[str], *, after: int, upto: int, limit: int
) -> list[Logged]:
    """Up to `limit` events of these kinds above the number `after`, `upto` another, in their order."""
    query = (
        select(events)
        .where(events.c.connection_id == connection_id, events.c.seq > after, events.c.seq <= upto)
        .where(events.c.kind.in_(kinds))
        .order_by(events.c.seq)
        .limit(limit)
    )
    return [Logged(**row) for row in (await conn.execute(query)).mappings()]


async def opened(conn: AsyncConnection, connection_id: str) -> dict[tuple[IncidentKind, str], Alert]:
    """The open alerts of a connection, by what they are about."""
    query = select(*_COLUMNS).where(alerts.c.connection_id == connection_id, alerts.c.resolved_at.is_(None))
    found = [_alert(row) for row in (await conn.execute(query)).mappings()]
    return {(one.kind, one.subject): one for one in found}


async def add(conn: AsyncConnection, alert: Alert) -> None:
    """Store an alert."""
    await conn.execute(insert(alerts), asdict(alert))


async def again(conn: AsyncConnection, alert_id: str, *, text: str, at: datetime) -> None:
    """The incident was met once more."""
    values = {"count": alerts.c.count + 1, "last_at": at, "text": text}
    await conn.execute(update(alerts).where(alerts.c.id == alert_id).values(**values))


async def resolve(conn: AsyncConnection, alert_id: str, *, at: datetime) -> None:
    """The incident has ended."""
    await conn.execute(update(alerts).where(alerts.c.id == alert_id).values(resolved_at=at))


async def recovered(conn: AsyncConnection) -> list[Alert]:
    """The open alerts about endpoints that are enabled again, or gone."""
    down = exists().where(endpoints.c.id == alerts.c.subject, ~endpoints.c.enabled)
    of_endpoints = alerts.c.kind == IncidentKind.ENDPOINT_DISABLED
    query = select(*_COLUMNS).where(of_endpoints, alerts.c.resolved_at.is_(None), ~down)
    return [_alert(row) for row in (await conn.execute(query)).mappings()]


async def listing(
    conn: AsyncConnection,
    connection_id: str,
    *,
    limit: int,
    unresolved: bool | None = None,
    before: tuple[datetime, str] | None = None,
) -> list[Alert]:
    """The newest alerts of a connection, those `before` a time and an id; with `unresolved` only the open, or only the other ones."""
    query = select(*_COLUMNS).where(alerts.c.connection_id == connection_id)
    if unresolved is not None:
        query = query.where(alerts.c.resolved_at.is_(None) == unresolved)
    if before is not None:
        at, last = before
        query = query.where(or_(alerts.c.opened_at < at, (alerts.c.opened_at == at) & (alerts.c.id < last)))
    query = query.order_by(alerts.c.opened_at.desc(), alerts.c.id.desc()).limit(limit)
    return [_alert(row) for row in (await conn.execute(query)).mappings()]


async def prune(conn: AsyncConnection, *, before: datetime) -> int:
    """Forget alerts that were resolved before then. How many they were."""
    return (await conn.execute(delete(alerts).where(alerts.c.resolved_at < before))).rowcount


def _alert(row: RowMapping) -> Alert:
    return Alert(**{**row, "kind": IncidentKind(row["kind"])})
