"""Subscriptions to Notion's webhooks: who may send us events, and with which token they are signed.

    new ──open──▶ pairing ──handshake──▶ paired ──first signed event──▶ confirmed
                     ╰── the window passes: back to what it was

A handshake is taken only while somebody has opened the window. Its token can be read until the first signed event shows that it
was pasted in Notion, and never again.
"""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import RowMapping, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import NotFound
from syncline.store.secrets import KeyRing
from syncline.store.tables_connecting import authorizations
from syncline.store.tables_inbox import inbox, subscriptions

__all__ = [
    "Subscription",
    "add",
    "confirm",
    "every",
    "heard",
    "one",
    "open_window",
    "pair",
    "remove",
    "route",
    "token",
]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription: of a connection with an internal token, or of an OAuth app and all that were made with it."""

    id: str
    name: str
    connection_id: str | None
    app_id: str | None
    pairing_until: datetime | None
    paired_at: datetime | None
    confirmed_at: datetime | None
    heard_at: datetime | None
    created_at: datetime

    def pairing(self, now: datetime) -> bool:
        """Whether a handshake is waited for."""
        return self.pairing_until is not None and now < self.pairing_until

    def state(self, now: datetime) -> str:
        """How far the pairing is."""
        if self.pairing(now):
            return "pairing"
        return "confirmed" if self.confirmed_at else "paired" if self.paired_at else "new"


_COLUMNS = [subscriptions.c[field.name] for field in fields(Subscription)]


async def add(conn: AsyncConnection, subscription: Subscription) -> None:
    """Store a subscription that knows no token yet."""
    await conn.execute(
        insert(subscriptions), {column.name: getattr(subscription, column.name) for column in _COLUMNS}
    )


async def every(conn: AsyncConnection, connection_id: str | None = None) -> list[Subscription]:
    """All subscriptions, oldest first; with a connection those that bring its events."""
    query = select(*_COLUMNS).order_by(subscriptions.c.created_at, subscriptions.c.id)
    if connection_id is not None:
        app = select(authorizations.c.app_id).where(authorizations.c.connection_id == connection_id)
        query = query.where(
            or_(
                subscriptions.c.connection_id == connection_id,
                subscriptions.c.app_id == app.scalar_subquery(),
            )
        )
    return [_subscription(row) for row in (await conn.execute(query)).mappings()]


async def one(conn: AsyncConnection, subscription_id: str) -> Subscription:
    """One subscription. Raises NotFound."""
    query = select(*_COLUMNS).where(subscriptions.c.id == subscription_id)
    row = (await conn.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such webhook subscription.")
    return _subscription(row)


async def token(conn: AsyncConnection, subscription_id: str, *, ring: KeyRing) -> str | None:
    """The verification token, None before the handshake."""
    sealed = await conn.scalar(select(subscriptions.c.token).where(subscriptions.c.id == subscription_id))
    return None if sealed is None else ring.decrypt(sealed)


async def open_window(conn: AsyncConnection, subscription_id: str, *, until: datetime) -> None:
    """Let a handshake come in until then. The token that is known stays good until it comes."""
    await _change(conn, subscription_id, pairing_until=until)


async def pair(
    conn: AsyncConnection, subscription_id: str, *, token: str, ring: KeyRing, now: datetime
) -> bool:
    """Take the token of a handshake, and close the window with it. False if none was open."""
    is_open = (subscriptions.c.id == subscription_id) & (subscriptions.c.pairing_until > now)
    values = {"token": ring.encrypt(token), "paired_at": now, "pairing_until": None, "confirmed_at": None}
    return (await conn.execute(update(subscriptions).where(is_open).values(**values))).rowcount == 1


async def confirm(conn: AsyncConnection, subscription_id: str, *, now: datetime) -> None:
    """Note the first signed event: the token was pasted, and is not to be shown any more."""
    await _change(conn, subscription_id, confirmed_at=now)


async def heard(conn: AsyncConnection, subscription_id: str, *, now: datetime) -> None:
    """Note that an event came."""
    await _change(conn, subscription_id, heard_at=now)


async def remove(conn: AsyncConnection, subscription_id: str) -> None:
    """Forget a subscription and its inbox. Raises NotFound."""
    await conn.execute(delete(inbox).where(inbox.c.subscription_id == subscription_id))
    gone = await conn.execute(delete(subscriptions).where(subscriptions.c.id == subscription_id))
    if gone.rowcount != 1:
        raise NotFound("There is no such webhook subscription.")


async def route(conn: AsyncConnection, subscription: Subscription, workspace_id: str) -> str | None:
    """Which connection an event is about, None if none is known."""
    if subscription.connection_id is not None:
        return subscription.connection_id
    mine = (authorizations.c.app_id == subscription.app_id) & (authorizations.c.workspace_id == workspace_id)
    found: str | None = await conn.scalar(select(authorizations.c.connection_id).where(mine))
    return found


async def _change(conn: AsyncConnection, subscription_id: str, **values: datetime | None) -> None:
    await conn.execute(update(subscriptions).where(subscriptions.c.id == subscription_id).values(**values))


def _subscription(row: RowMapping) -> Subscription:
    return Subscription(**row)
