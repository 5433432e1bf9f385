"""Sending what rules tell: to Slack, by mail, to a webhook.

What is due of a rule for one channel goes out as one message, so that a busy minute is one message and not a hundred. An attempt that
fails is made again as for webhooks (core.delivery), for more than a day. Each message is sent at least once: with a crash between its
leaving and our noting that, it comes twice, to a webhook with the same ``webhook-id``.
"""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection
from standardwebhooks import Webhook

from syncline.app import App
from syncline.core.delivery import next_attempt
from syncline.core.due import due
from syncline.core.errors import NotFound, Unreachable
from syncline.core.rules import Channel, ChannelKind, Rule
from syncline.delivery import mail, outbound
from syncline.delivery.deliveries import Send
from syncline.delivery.dispatch import Dispatcher, Waiting
from syncline.delivery.json_body import json_body
from syncline.delivery.outbound import Answer
from syncline.store import alerts, notifications, rules
from syncline.store.notifications import Notification, State

__all__ = ["Notifier", "forget_old"]

_WIDTH: Final = 100
"""Notifications in one message."""
_SHOWN: Final = 20_000
"""Characters of a message: Slack cuts at 40,000."""
_CLAIM: Final = timedelta(seconds=60)
_KEPT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Message:
    """What goes to one channel at once."""

    rule: Rule
    channel: Channel
    parts: Sequence[Notification]
    at: datetime

    @property
    def id(self) -> str:
        return str(self.parts[0].message)

    @property
    def text(self) -> str:
        text = "\n".join(one.text for one in self.parts)
        return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


class Notifier(Dispatcher[tuple[str, int]]):
    """The duty that sends what is due to the channels of rules. A channel is a rule's id and a number."""

    def __init__(self, post: Send | None = None) -> None:
        super().__init__()
        self._post = post

    async def due(self, app: App) -> Sequence[Waiting[tuple[str, int]]]:
        """The channels to which something is due."""
        async with app.database.glance() as conn:
            found = await notifications.due(conn, now=app.now())
        return [Waiting((rule_id, channel), failing) for rule_id, channel, failing in found]

    async def serve(self, app: App, key: tuple[str, int], *, failing: bool) -> bool:  # noqa: ARG002 - one message in any case
        """Send the next message to one channel. Whether it arrived."""
        rule_id, channel = key
        with suppress(NotFound):  # the rule was removed meanwhile
            async with app.database.begin() as conn:
                message = await _claimed(conn, app, rule_id, channel)
            if message is not None:
                post = self._post or partial(
                    outbound.post, allow_private=app.settings.allow_private_endpoints
                )
                answer = await _SENDERS[message.channel.kind](app, message, post)
                async with app.database.begin() as conn:
                    await _conclude(conn, app, message, answer)
                return answer.good
        return False


async def _claimed(conn: AsyncConnection, app: App, rule_id: str, channel: int) -> _Message | None:
    """The next message to a channel. Within quiet hours there is none: what is due waits for their end."""
    now, rule = app.now(), await rules.hold(conn, rule_id)
    until = due(now, digest="off", quiet=rule.quiet, zone=rule.zone)
    if until > now:
        await notifications.postpone(conn, rule_id, now=now, until=until)
        return None
    new = f"msg_{app.new_id()}"
    parts = await notifications.claim(
        conn, rule_id, channel, now=now, until=now + _CLAIM, message=new, limit=_WIDTH
    )
    told = await rules.channels(conn, rule_id, ring=app.keys)
    if not parts:
        return None
    if channel >= len(told):  # the rule has fewer channels than it had
        await notifications.end(conn, str(parts[0].message), State.DEAD, now=now, error="It was taken away.")
        return None
    return _Message(rule, told[channel], parts, now)


async def _conclude(conn: AsyncConnection, app: App, message: _Message, answer: Answer) -> None:
    """Note how an attempt went."""
    now = app.now()
    if answer.good:
        await notifications.end(conn, message.id, State.SENT, now=now)
        return
    error = answer.error or f"HTTP {answer.status}: {answer.body[:200]}"
    tries = message.parts[0].tries
    at = next_attempt(tries, now=now, random=random.random())  # noqa: S311 - spreads, hides nothing
    if at is None:
        await notifications.end(conn, message.id, State.DEAD, now=now, error=error)
    else:
        await notifications.later(conn, message.id, at=at, error=error)


async def _to_slack(_app: App, message: _Message, post: Send) -> Answer:
    """One POST of a text (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks)."""
    body = json_body({"text": message.text})
    return await post(message.channel.target, body, {"Content-Type": "application/json"})


async def _by_mail(app: App, message: _Message, _post: Send) -> Answer:
    url = app.settings.smtp_url
    if url is None:
        return Answer(None, "", "Mail is not sent here: SYNCLINE_SMTP_URL is not set.")
    subject = f"Syncline: {message.rule.name}" + (
        f" ({len(message.parts)})" if len(message.parts) > 1 else ""
    )
    letter = mail.notification(message.channel.target, subject, message.text)
    try:
        await mail.send(mail.server(url.get_secret_value()), letter, name=message.id)
    except Unreachable as error:
        return Answer(None, "", str(error))
    return Answer(250, "")


async def _to_webhook(_app: App, message: _Message, post: Send) -> Answer:
    body = json_body(_body(message))
    signature = Webhook(str(message.channel.secret)).sign(message.id, message.at, body.decode())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Syncline-Webhooks",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(message.at.timestamp())),
        "webhook-signature": signature,
    }
    return await post(message.channel.target, body, headers)


def _body(message: _Message) -> Mapping[str, Any]:
    rule, parts = message.rule, message.parts
    items = [
        {"id": one.id, "source": one.source, "subject": one.subject, "at": one.created_at, "text": one.text}
        for one in parts
    ]
    data = {"workspaceId": rule.connection_id, "ruleId": rule.id, "rule": rule.name, "items": items}
    return {"type": "notification", "timestamp": parts[-1].created_at, "data": data}


_Sender: TypeAlias = Callable[[App, _Message, Send], Awaitable[Answer]]

_SENDERS: Final[Mapping[ChannelKind, _Sender]] = MappingProxyType(
    {ChannelKind.SLACK: _to_slack, ChannelKind.EMAIL: _by_mail, ChannelKind.WEBHOOK: _to_webhook}
)


async def forget_old(app: App) -> float | None:
    """Forget notifications and alerts that ended a month ago. A duty."""
    before = app.now() - _KEPT
    async with app.database.begin() as conn:
        await notifications.prune(conn, before=before)
        await alerts.prune(conn, before=before)
    return None
