"""Webhooks going out: what happened becomes deliveries, and deliveries are sent until they arrive.

    event log, change sequence ──spool──▶ deliveries ──send──▶ endpoint
                                (position moved in the same transaction)

The form is Standard Webhooks (https://www.standardwebhooks.com): ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` over both and the
body, with the endpoint's secret, and with the one before it for a day after it was changed.
"""

import random
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from secrets import token_bytes
from typing import Any, Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection
from standardwebhooks import Webhook

from syncline.app import App
from syncline.core.delivery import ATTEMPTS, check_types, next_attempt, of_event, of_record, wanted
from syncline.core.errors import NotFound
from syncline.core.event import endpoint_disabled
from syncline.core.rules import masked_url
from syncline.delivery import outbound
from syncline.delivery import streams as watched
from syncline.delivery.dispatch import Dispatcher, Waiting, completed
from syncline.delivery.json_body import json_body
from syncline.delivery.outbound import Answer
from syncline.store import changes, deliveries, endpoints, events, runs
from syncline.store.changes import Filter
from syncline.store.connections import Connection
from syncline.store.deliveries import Attempt, Delivery, State
from syncline.store.endpoints import Endpoint

__all__ = [
    "BOTH",
    "Deliverer",
    "Send",
    "change",
    "create",
    "enable",
    "forget_old",
    "new_secret",
    "redeliver",
    "rotate",
    "test",
]

BOTH: Final = timedelta(days=1)
"""For how long after a rotation both secrets sign."""

_BATCH: Final = 500
_WIDTH: Final = 20
"""Deliveries that are sent to one endpoint at a time; to one that fails, a single one tries whether it is back."""
_CLAIM: Final = timedelta(seconds=60)
_SUSTAINED: Final = timedelta(days=3)
"""An endpoint that took nothing for so long is disabled."""
_KEPT: Final = timedelta(days=30)
_GONE: Final = 410

Send: TypeAlias = Callable[[str, bytes, Mapping[str, str]], Awaitable[Answer]]
"""How a body goes to an address with these headers; a test may put a receiver of its own here."""


def new_secret() -> str:
    """A secret as Standard Webhooks wants it: ``whsec_`` and 32 random bytes."""
    return f"whsec_{b64encode(token_bytes(32)).decode()}"


# --- what an admin does -------------------------------------------------------------------------------------------


async def create(
    app: App,
    connection: Connection,
    *,
    url: str,
    description: str,
    types: Sequence[str],
    streams: Sequence[str],
) -> tuple[Endpoint, str]:
    """Make an endpoint that hears of what happens from now on, and its secret, which is shown this once. Raises BadInput."""
    outbound.checked_url(url, allow_private=app.settings.allow_private_endpoints)
    check_types(types)
    secret = new_secret()
    async with app.database.begin() as conn:
        await watched.check(conn, connection.id, streams, field="streams")
        heads = await events.heads(conn, [connection.id])
        endpoint = Endpoint(
            id=app.new_id(),
            connection_id=connection.id,
            url=url,
            description=description,
            types=tuple(types),
            streams=tuple(streams),
            enabled=True,
            disabled_for=None,
            failing_since=None,
            created_at=app.now(),
            event_seq=heads[connection.id],
            change_seq=await changes.head(conn, connection.id),
            serial=0,
            previous_until=None,
        )
        await endpoints.add(conn, endpoint, secret=secret, ring=app.keys)
    return endpoint, secret


async def change(
    app: App,
    endpoint: Endpoint,
    *,
    types: Sequence[str] | None = None,
    streams: Sequence[str] | None = None,
    **values: Any,
) -> None:
    """Replace some fields. Raises BadInput for types and streams that there are not."""
    check_types(types or ())
    given = {"types": types, "streams": streams}
    values |= {name: list(value) for name, value in given.items() if value is not None}
    async with app.database.begin() as conn:
        await watched.check(conn, endpoint.connection_id, streams or (), field="streams")
        await endpoints.change(conn, endpoint.id, **values)


async def rotate(app: App, endpoint_id: str) -> str:
    """Give an endpoint a new secret, shown this once; for a day the old one signs as well."""
    secret = new_secret()
    async with app.database.begin() as conn:
        await endpoints.rotate(conn, endpoint_id, secret=secret, ring=app.keys, now=app.now(), both=BOTH)
    return secret


async def enable(app: App, endpoint_id: str) -> None:
    """Let an endpoint be sent to again; it goes on where it stopped."""
    async with app.database.begin() as conn:
        await endpoints.change(conn, endpoint_id, enabled=True, disabled_for=None, failing_since=None)
        await deliveries.hasten(conn, endpoint_id, now=app.now())


async def redeliver(
    app: App, endpoint_id: str, *, delivery_id: str | None = None, since: datetime | None = None
) -> int:
    """Send one delivery, or all that were given up `since` a time, once more. How many they are. Raises NotFound."""
    async with app.database.begin() as conn:
        await endpoints.hold(conn, endpoint_id)
        return await deliveries.again(
            conn, endpoint_id, now=app.now(), rounds=ATTEMPTS, delivery_id=delivery_id, since=since
        )


async def test(app: App, endpoint_id: str) -> Delivery:
    """Send an event of the type ``endpoint.test``, whatever the endpoint wants to hear."""
    async with app.database.begin() as conn:
        endpoint = await endpoints.hold(conn, endpoint_id)
        told = {"endpointId": endpoint.id, "message": "This is a test."}
        made = _delivery(app, endpoint, endpoint.serial + 1, "endpoint.test", "endpoint", told, app.now())
        await deliveries.put(conn, [made])
        await endpoints.change(conn, endpoint.id, serial=made.serial)
    return made


# --- from what happened to deliveries -----------------------------------------------------------------------------


async def _spool(app: App) -> bool:
    """Turn what endpoints have not been told into deliveries. Whether there may be more."""
    async with app.database.glance() as conn:
        behind = await endpoints.behind(conn)
    more = False
    for endpoint_id in behind:
        with suppress(NotFound):  # it was removed meanwhile
            async with app.database.begin() as conn:
                more |= await _spool_one(conn, app, endpoint_id)
    return more


async def _spool_one(conn: AsyncConnection, app: App, endpoint_id: str) -> bool:
    endpoint = await endpoints.hold(conn, endpoint_id)
    if not endpoint.enabled:
        return False
    one = endpoint.connection_id
    logged = await events.since(conn, one, endpoint.event_seq, _BATCH)
    changed = await changes.listed(conn, one, Filter(), after=endpoint.change_seq, limit=_BATCH)
    traces = await runs.traces(conn, {event.run_id for event in logged if event.run_id is not None})
    told: list[tuple[str, str, Mapping[str, Any], datetime, str | None]] = []
    for event in logged:
        kind, subject = of_event(event.kind)
        data = {**event.data, "jobId": event.run_id, "seq": event.seq}
        told.append((kind, subject, data, event.at, traces.get(event.run_id or "")))
    for listed in changed:
        if not endpoint.streams or listed.record.stream in endpoint.streams:
            kind, subject, change = of_record(listed.record)
            told.append((kind, subject, change, listed.record.changed_at, None))
    new = [
        _delivery(app, endpoint, endpoint.serial + number, *what)
        for number, what in enumerate((each for each in told if wanted(each[0], endpoint.types)), 1)
    ]
    await deliveries.put(conn, new)
    await endpoints.change(
        conn,
        endpoint.id,
        event_seq=logged[-1].seq if logged else endpoint.event_seq,
        change_seq=changed[-1].record.seq if changed else endpoint.change_seq,
        serial=endpoint.serial + len(new),
    )
    return len(logged) == _BATCH or len(changed) == _BATCH


def _delivery(
    app: App,
    endpoint: Endpoint,
    serial: int,
    kind: str,
    subject: str,
    data: Mapping[str, Any],
    at: datetime,
    trace: str | None = None,
) -> Delivery:
    body = {"type": kind, "timestamp": at, "data": {"workspaceId": endpoint.connection_id, **data}}
    return Delivery(
        id=f"msg_{app.new_id()}",
        endpoint_id=endpoint.id,
        connection_id=endpoint.connection_id,
        serial=serial,
        type=kind,
        subject=subject,
        state=State.WAITING,
        created_at=app.now(),
        next_at=app.now(),
        claimed_until=None,
        tries=0,
        ended_at=None,
        body=json_body(body).decode(),
        trace=trace,
    )


# --- sending ------------------------------------------------------------------------------------------------------


class Deliverer(Dispatcher[str]):
    """The duty that turns news into deliveries and sends what is due."""

    def __init__(self, send: Send | None = None) -> None:
        super().__init__()
        self._send = send

    async def prepare(self, app: App) -> bool:
        """Turn news into deliveries. Whether there may be more."""
        return await _spool(app)

    async def due(self, app: App) -> Sequence[Waiting[str]]:
        """The endpoints to which something is due."""
        async with app.database.glance() as conn:
            found = await deliveries.due(conn, now=app.now())
        return [Waiting(endpoint_id, failing) for endpoint_id, failing in found]

    async def serve(self, app: App, key: str, *, failing: bool) -> bool:
        """Send what is due to one endpoint; to one that fails a single delivery. Whether one arrived."""
        now = app.now()
        try:
            async with app.database.begin() as conn:
                endpoint = await endpoints.one(conn, key)
                secrets = await endpoints.secrets(conn, key, ring=app.keys, now=now)
                claimed = await deliveries.claim(
                    conn, key, now=now, until=now + _CLAIM, limit=1 if failing else _WIDTH
                )
        except NotFound:  # it was removed meanwhile
            return False
        send = self._send or partial(outbound.post, allow_private=app.settings.allow_private_endpoints)
        attempts = [_send_one(app, endpoint, each, secrets, send) for each in claimed]
        return any(await completed(attempts))


async def _send_one(
    app: App, endpoint: Endpoint, delivery: Delivery, secrets: Sequence[str], send: Send
) -> bool:
    at, began = app.now(), time.monotonic()
    signatures = [Webhook(secret).sign(delivery.id, at, delivery.body) for secret in secrets]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Syncline-Webhooks",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    told = {"syncline.endpoint.id": endpoint.id, "syncline.delivery.type": delivery.type}
    with app.telemetry.span("webhook", kind="producer", parent=delivery.trace, attributes=told) as span:
        context = app.telemetry.current()
        if context is not None:
            headers["traceparent"] = context
        answer = await send(endpoint.url, delivery.body.encode(), headers)
        if not answer.good:
            span.fail(str(answer.status or "no answer"))
    made = Attempt(
        delivery_id=delivery.id,
        number=delivery.tries,
        connection_id=delivery.connection_id,
        at=at,
        milliseconds=round((time.monotonic() - began) * 1000),
        status=answer.status,
        error=answer.error,
        answer=answer.body or None,
    )
    with suppress(NotFound):  # the endpoint was removed while this was under way
        async with app.database.begin() as conn:
            await _conclude(conn, app, delivery, made, good=answer.good)
    return answer.good


async def _conclude(
    conn: AsyncConnection, app: App, delivery: Delivery, made: Attempt, *, good: bool
) -> None:
    """Note how an attempt went, and what that means for the endpoint."""
    now = app.now()
    endpoint = await endpoints.hold(conn, delivery.endpoint_id)
    await deliveries.attempt(conn, made)
    if good:
        await deliveries.end(conn, delivery.id, State.DELIVERED, now=now)
        if endpoint.failing_since is not None:
            await endpoints.change(conn, endpoint.id, failing_since=None)
            await deliveries.hasten(conn, endpoint.id, now=now)
        return
    at = next_attempt(delivery.tries, now=now, random=random.random())  # noqa: S311 - spreads, hides nothing
    if at is None:
        await deliveries.end(conn, delivery.id, State.DEAD, now=now)
    else:
        await deliveries.later(conn, delivery.id, at=at)
    since = endpoint.failing_since or now
    if endpoint.failing_since is None:
        await endpoints.change(conn, endpoint.id, failing_since=since)
    if endpoint.enabled and (made.status == _GONE or now - since >= _SUSTAINED):
        await _disable(conn, app, endpoint, made)


async def _disable(conn: AsyncConnection, app: App, endpoint: Endpoint, made: Attempt) -> None:
    last = f"HTTP {made.status}" if made.status is not None else str(made.error)
    reason = (
        "It says that it is gone." if made.status == _GONE else f"It took nothing for three days: {last}."
    )
    await endpoints.change(conn, endpoint.id, enabled=False, disabled_for=reason)
    told = endpoint_disabled(endpoint.id, url=masked_url(endpoint.url), reason=reason)
    await events.append(conn, endpoint.connection_id, [told], now=app.now())


async def forget_old(app: App) -> float | None:
    """Forget deliveries that ended a month ago. A duty."""
    async with app.database.begin() as conn:
        await deliveries.prune(conn, before=app.now() - _KEPT)
    return None
