"""Notifications: what rules tell, and how far that is.

    waiting ──claim──▶ being sent ──▶ sent
       ▲                  │  ╰──────▶ dead: all attempts failed
       ╰──── later ───────╯

Those of one rule that are due at the same time for one channel go out as one message, which stays the same message, with the same id,
at every attempt. A claim runs out, so that what a worker was sending when it died is sent by another one.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, RowMapping, Select, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.tables import insert_into
from syncline.store.tables_rules import notifications, rules

__all__ = [
    "Notification",
    "State",
    "claim",
    "due",
    "end",
    "later",
    "listing",
    "postpone",
    "prune",
    "put",
]


class State(StrEnum):
    """How a notification stands."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing that a rule tells one of its channels. `source` names what it tells of, `subject` the record or the alert."""

    id: str
    connection_id: str
    rule_id: str
    serial: int
    source: str
    channel: int
    subject: str
    state: State
    created_at: datetime
    next_at: datetime
    claimed_until: datetime | None
    message: str | None
    tries: int
    ended_at: datetime | None
    error: str | None
    text: str


_COLUMNS = [notifications.c[field.name] for field in fields(Notification)]
_ONCE = ["rule_id", "source", "channel"]


async def put(conn: AsyncConnection, new: Sequence[Notification]) -> None:
    """Add notifications; what a rule has told a channel already is not told again."""
    if new:
        insert = insert_into(conn, notifications).on_conflict_do_nothing(index_elements=_ONCE)
        await conn.execute(insert, [asdict(one) for one in new])


def _due(now: datetime) -> list[ColumnElement[bool]]:
    free = or_(notifications.c.claimed_until.is_(None), notifications.c.claimed_until <= now)
    return [notifications.c.state == State.WAITING, notifications.c.next_at <= now, free]


def _to(rule_id: str, channel: int) -> ColumnElement[bool]:
    return (notifications.c.rule_id == rule_id) & (notifications.c.channel == channel)


async def due(conn: AsyncConnection, *, now: datetime) -> list[tuple[str, int, bool]]:
    """The channels of enabled rules to which something is to be sent, each with whether the last attempt there failed."""
    channel = (notifications.c.rule_id, notifications.c.channel)
    query = (
        select(*channel, func.count(notifications.c.error))
        .join(rules, rules.c.id == notifications.c.rule_id)
        .where(rules.c.enabled, *_due(now))
        .group_by(*channel)
        .order_by(*channel)
    )
    return [(rule_id, number, failed > 0) for rule_id, number, failed in await conn.execute(query)]


async def claim(
    conn: AsyncConnection,
    rule_id: str,
    channel: int,
    *,
    now: datetime,
    until: datetime,
    message: str,
    limit: int,
) -> list[Notification]:
    """Take the next message to a channel, a new one called `message` where none waits for another attempt; oldest first.

    Whoever calls this holds the rule, so nothing is given to two takers.
    """
    mine = [_to(rule_id, channel), *_due(now)]
    query = select(notifications.c.id, notifications.c.message).where(*mine)
    rows = (await conn.execute(query.order_by(notifications.c.serial).limit(limit))).all()
    if not rows:
        return []
    again = next((row.message for row in rows if row.message is not None), None)
    if again is not None:
        these = notifications.c.message == again
    else:
        these = notifications.c.id.in_([row.id for row in rows])
    taken = (
        update(notifications)
        .where(*mine, these)
        .values(claimed_until=until, message=again or message, tries=notifications.c.tries + 1)
        .returning(*_COLUMNS)
    )
    found = (await conn.execute(taken)).mappings()
    return sorted((_notification(row) for row in found), key=lambda one: one.serial)


async def postpone(conn: AsyncConnection, rule_id: str, *, now: datetime, until: datetime) -> None:
    """What is due now of a rule is told later."""
    mine = (notifications.c.rule_id == rule_id) & (notifications.c.state == State.WAITING)
    late = notifications.c.next_at <= now
    await conn.execute(update(notifications).where(mine, late).values(next_at=until))


async def end(
    conn: AsyncConnection, message: str, state: State, *, now: datetime, error: str | None = None
) -> None:
    """A message arrived, or is given up."""
    values = {"state": state, "ended_at": now, "claimed_until": None, "error": error}
    await conn.execute(update(notifications).where(_waits(message)).values(**values))


async def later(conn: AsyncConnection, message: str, *, at: datetime, error: str | None) -> None:
    """An attempt failed: the next is then."""
    values = {"next_at": at, "claimed_until": None, "error": error}
    await conn.execute(update(notifications).where(_waits(message)).values(**values))


def _waits(message: str) -> ColumnElement[bool]:
    """What of a message has not ended: an attempt that took longer than its claim may come after another one's success."""
    return (notifications.c.message == message) & (notifications.c.state == State.WAITING)


async def listing(
    conn: AsyncConnection,
    connection_id: str,
    *,
    limit: int,
    rule_id: str | None = None,
    state: State | None = None,
    before: tuple[datetime, str] | None = None,
) -> list[Notification]:
    """The newest notifications of a connection, those `before` a time and an id."""
    query: Select[tuple[object, ...]] = select(*_COLUMNS).where(
        notifications.c.connection_id == connection_id
    )
    if rule_id is not None:
        query = query.where(notifications.c.rule_id == rule_id)
    if state is not None:
        query = query.where(notifications.c.state == state)
    if before is not None:
        at, last = before
        older = (notifications.c.created_at == at) & (notifications.c.id < last)
        query = query.where(or_(notifications.c.created_at < at, older))
    query = query.order_by(notifications.c.created_at.desc(), notifications.c.id.desc()).limit(limit)
    return [_notification(row) for row in (await conn.execute(query)).mappings()]


async def prune(conn: AsyncConnection, *, before: datetime) -> int:
    """Forget notifications that arrived or were given up before then. How many they were."""
    return (await conn.execute(delete(notifications).where(notifications.c.ended_at < before))).rowcount


def _notification(row: RowMapping) -> Notification:
    return Notification(**{**row, "state": State(row["state"])})
