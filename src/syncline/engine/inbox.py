"""What Notion's webhooks bring: taken in at once, looked at later.

    receive ──▶ inbox ──▶ due: one run of the kind ``refresh`` for all that waits ──▶ what it named is read again

An event is never believed and its order never trusted; it only says where to look. So nothing that anybody sends can do more
than cost a read, and nothing unsigned gets that far.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import BadInput, Forged
from syncline.core.model import Kind
from syncline.core.refresh import Hint, Signal
from syncline.notion import webhook
from syncline.notion.webhook import Event, Handshake
from syncline.store import inbox, subscriptions
from syncline.store.inbox import Arrival, State
from syncline.store.subscriptions import Subscription

__all__ = ["WINDOW", "Paired", "Shown", "forget", "pairing", "receive", "show", "signals", "subscribe"]

WINDOW: Final = timedelta(minutes=15)
"""For how long a handshake is waited for."""

_HINTS: Final[Mapping[str, Hint]] = {
    "created": Hint.LOOK,
    "properties_updated": Hint.LOOK,
    "schema_updated": Hint.LOOK,
    "locked": Hint.LOOK,
    "unlocked": Hint.LOOK,
    "content_updated": Hint.CONTENT,
    "transcription_block.transcript_deleted": Hint.CONTENT,
    "moved": Hint.MOVED,
    "undeleted": Hint.MOVED,
    "deleted": Hint.GONE,
}
"""What happened to a page, database or data source, and what that asks for
(https://developers.notion.com/reference/webhooks-events-delivery)."""

_KINDS: Final = {"page": Kind.PAGE, "database": Kind.DATABASE, "data_source": Kind.DATA_SOURCE}

_FORGED = "The request is not signed with the token of this subscription."


def signals(event: Event) -> tuple[Signal, ...]:
    """What an event asks to be looked at; nothing for what is not kept (views, file uploads, linked databases)."""
    subject, _, happened = event.type.partition(".")
    if subject == "comment" and event.page is not None:
        return (Signal(Hint.COMMENTS, Kind.PAGE, event.page, event.at),)
    hint, kind = _HINTS.get(happened), _KINDS.get(event.kind)
    if hint is None or kind is None:
        return ()
    if kind is Kind.PAGE:
        return (Signal(hint, kind, event.entity, event.at, event.source, event.blocks),)
    if hint is not Hint.CONTENT:
        return (Signal(hint, kind, event.entity, event.at),)
    # The rows that came and went: each has an event of its own, which may be lost, and costs no second read.
    return tuple(
        Signal(Hint.LOOK, Kind.PAGE, row, event.at, event.entity if kind is Kind.DATA_SOURCE else None)
        for row in event.blocks or ()
    )


@dataclass(frozen=True, slots=True)
class Paired:
    """A handshake was taken. Its token is now to be pasted in Notion."""

    subscription: str


async def receive(app: App, subscription_id: str, body: bytes, header: str | None) -> Paired | bool:
    """Take in one request of Notion's: whether the event is new, or that a handshake was taken.

    Raises NotFound without such a subscription, Forged for a signature that does not fit these bytes and for a handshake nobody waits
    for, BadInput for a signed body that is no event. In all these cases nothing was kept.
    """
    async with app.database.read() as conn:
        subscription = await subscriptions.one(conn, subscription_id)
        token = await subscriptions.token(conn, subscription_id, ring=app.keys)
    now = app.now()
    if subscription.pairing(now) and (handshake := _handshake(body)) is not None:
        return await _pair(app, subscription, handshake, body, header)
    if token is None or not webhook.verify(body, header, token):
        raise Forged(_FORGED)
    try:
        event = webhook.parse(body)
    except webhook.Malformed as error:
        raise BadInput(str(error)) from error
    if isinstance(event, Handshake):
        raise Forged("No handshake is waited for: open the pairing window first.")
    return await _keep(app, subscription, event, now)


def _handshake(body: bytes) -> Handshake | None:
    try:
        told = webhook.parse(body)
    except webhook.Malformed:
        return None
    return told if isinstance(told, Handshake) else None


async def _pair(
    app: App, subscription: Subscription, handshake: Handshake, body: bytes, header: str | None
) -> Paired:
    # Notion signs the handshake with the very token that it brings; without a header it is taken all the same,
    # since the signature proves nothing that the open window does not.
    if header is not None and not webhook.verify(body, header, handshake.token):
        raise Forged(_FORGED)
    async with app.database.begin() as conn:
        taken = await subscriptions.pair(
            conn, subscription.id, token=handshake.token, ring=app.keys, now=app.now()
        )
    if not taken:
        raise Forged("No handshake is waited for: open the pairing window first.")
    return Paired(subscription.id)


async def _keep(app: App, subscription: Subscription, event: Event, now: datetime) -> bool:
    asked = signals(event)
    async with app.database.begin() as conn:
        connection_id = await subscriptions.route(conn, subscription, event.workspace_id)
        wanted = connection_id is not None and bool(asked)
        arrival = Arrival(
            subscription_id=subscription.id,
            event_id=event.id,
            connection_id=connection_id,
            type=event.type,
            entity=event.entity,
            at=event.at,
            received_at=now,
            state=State.WAITING if wanted else State.IGNORED,
            settled_at=None if wanted else now,
            signals=[signal.as_json() for signal in asked],
        )
        is_new = await inbox.put(conn, arrival)
        if subscription.confirmed_at is None:
            await subscriptions.confirm(conn, subscription.id, now=now)
        if is_new:
            await subscriptions.heard(conn, subscription.id, now=now)
    return is_new


# --- what an admin does -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A subscription as an admin sees it. `token` is what is to be pasted in Notion, as long as it was not."""

    subscription: Subscription
    token: str | None
    waiting: int
    ignored: int
    given_up: int


async def subscribe(
    app: App, *, name: str, connection_id: str | None = None, app_id: str | None = None
) -> Subscription:
    """Make a subscription of a connection, or of an OAuth app, and open its window."""
    now = app.now()
    subscription = Subscription(
        id=secrets.token_urlsafe(24),
        name=name,
        connection_id=connection_id,
        app_id=app_id,
        pairing_until=now + WINDOW,
        paired_at=None,
        confirmed_at=None,
        heard_at=None,
        created_at=now,
    )
    async with app.database.begin() as conn:
        await subscriptions.add(conn, subscription)
    return subscription


async def pairing(app: App, subscription_id: str) -> Subscription:
    """Open the window of a subscription again. Raises NotFound."""
    async with app.database.begin() as conn:
        await subscriptions.one(conn, subscription_id)
        await subscriptions.open_window(conn, subscription_id, until=app.now() + WINDOW)
        return await subscriptions.one(conn, subscription_id)


async def show(app: App, conn: AsyncConnection, subscription: Subscription) -> Shown:
    """One subscription with its counts, and its token while that is still to be pasted."""
    counts = await inbox.counts(conn, subscription.id)
    to_paste = subscription.paired_at is not None and subscription.confirmed_at is None
    token = await subscriptions.token(conn, subscription.id, ring=app.keys) if to_paste else None
    return Shown(
        subscription,
        token,
        waiting=counts.get(State.WAITING, 0) + counts.get(State.TAKEN, 0),
        ignored=counts.get(State.IGNORED, 0),
        given_up=counts.get(State.GIVEN_UP, 0),
    )


async def forget(app: App, subscription_id: str) -> None:
    """Remove a subscription with its inbox. Raises NotFound."""
    async with app.database.begin() as conn:
        await subscriptions.remove(conn, subscription_id)
