"""Webhooks to a receiver: handshake, signature, aggregation, duplicates, reordering, retries.

https://developers.notion.com/reference/webhooks. Deliveries are due by the emulator's clock, so that a test may move it;
over TCP a background task sends what is due, in process ``await webhooks.deliver()`` does.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from notion_emulator.clock import stamp
from notion_emulator.objects import Connection, Event, Json
from notion_emulator.outgoing import posted
from notion_emulator.webhook_events import data_of, entity_of, is_for

if TYPE_CHECKING:
    from notion_emulator.emulator import Emulator
    from notion_emulator.world import World

__all__ = ["Delivery", "Subscription", "Webhooks"]

Post = Callable[[str, dict[str, str], bytes], Awaitable[int]]
ATTEMPTS = 8
BACKOFF = (
    60.0,
    300.0,
    900.0,
    3600.0,
    10_800.0,
    28_800.0,
    41_940.0,
)  # the last attempt about 24 hours after the event
AT_ONCE = ("comment.", "page.locked", "page.unlocked")
MERGED = ("updated_blocks", "updated_properties", "updated_fields")
TICK = 0.05


@dataclass(slots=True, eq=False, kw_only=True)
class Subscription:
    """One receiver of one connection; active once its token was confirmed."""

    id: str
    url: str
    world: "World"
    connection: Connection
    verification_token: str
    api_version: str = "2026-03-11"
    events: frozenset[str] | None = None  # None: all types
    active: bool = False


@dataclass(slots=True, eq=False)
class Delivery:
    """One event on its way to one receiver."""

    subscription: Subscription
    body: Json
    due: int
    attempt: int = 1
    status: int | None = None  # of the last attempt
    done: bool = False


@dataclass(slots=True)
class Webhooks:
    """The subscriptions of one Emulator and what is on its way to them."""

    emulator: "Emulator"
    window: float = 1.0  # seconds in which events about one object become one
    duplicates: float = 0.0  # share of events delivered twice
    reorder: bool = False  # whether events due together leave in a random order
    backoff: tuple[float, ...] = BACKOFF
    seed: int = 0
    post: Post = posted
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    waiting: dict[tuple[str, str, str], tuple[int, Event]] = field(default_factory=dict)  # being aggregated
    deliveries: list[Delivery] = field(default_factory=list)
    log: list[Delivery] = field(default_factory=list)  # ended, newest last
    random: Random = field(init=False)
    busy: bool = False

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def add(self, url: str, *, connection: Connection | None = None, **fields: Any) -> Subscription:
        """A subscription whose hands were not shaken yet; further fields are those of Subscription."""
        emulator = self.emulator
        connection = connection or emulator.connection
        world = next(one for one in emulator.worlds if connection.id in one.connections)
        token = f"secret_{emulator.ids.random.getrandbits(172):043x}"
        one = Subscription(
            id=emulator.ids.random_v4(),
            url=url,
            world=world,
            connection=connection,
            verification_token=token,
            **fields,
        )
        self.subscriptions[one.id] = one
        return one

    async def shake_hands(self, subscription: Subscription) -> None:
        """POST ``{"verification_token": …}``, signed with it; a 2xx confirms it, as a person would in the settings."""
        token = subscription.verification_token
        status = await self._send(subscription, {"verification_token": token})
        if 200 <= status < 300 and not subscription.active:
            self.confirm(subscription, token)

    async def subscribe(
        self, url: str, *, connection: Connection | None = None, **fields: Any
    ) -> Subscription:
        """Add a subscription and shake hands."""
        subscription = self.add(url, connection=connection, **fields)
        await self.shake_hands(subscription)
        return subscription

    def confirm(self, subscription: Subscription, token: str) -> None:
        """Paste the token, as in Notion's settings. Raises ValueError for another one."""
        if not hmac.compare_digest(token, subscription.verification_token):
            raise ValueError("The verification token is another one.")
        subscription.active = True
        subscription.world.observers.append(partial(self._observe, subscription))

    def _observe(self, subscription: Subscription, event: Event) -> None:
        """Aggregate an event for a receiver that may know of it."""
        if subscription.id not in self.subscriptions or not is_for(subscription, event):
            return
        key = (subscription.id, event.type, event.id)
        window = 0 if event.type.startswith(AT_ONCE) else round(self.window * 1000)
        if event.type.endswith(".deleted"):
            made = (subscription.id, event.type.replace("deleted", "created"), event.id)
            if window and made in self.waiting:
                del self.waiting[made]  # made and gone within one window: nobody is told
                return
        known = self.waiting.get(key)
        self.waiting[key] = (known[0], _merged(known[1], event)) if known else (event.at + window, event)
        self.emulator.jobs.append(self._background)

    async def _background(self) -> None:
        """Send what becomes due until nothing is left, once at a time."""
        if self.busy:
            return
        self.busy = True
        try:
            while self.waiting or self.deliveries:
                await self.deliver()
                await asyncio.sleep(TICK)
        finally:
            self.busy = False

    async def deliver(self) -> int:
        """Send what is due by the clock; the number of requests made."""
        now = self.emulator.clock.now()
        self._ripen(now)
        due = [one for one in self.deliveries if one.due <= now]
        if self.reorder:
            self.random.shuffle(due)
        for one in due:
            await self._attempt(one)
        self.log += [one for one in due if one.done]
        self.deliveries = [one for one in self.deliveries if not one.done]
        return len(due)

    def _ripen(self, now: int) -> None:
        """Turn aggregated events whose window has passed into deliveries."""
        for key, (due, event) in list(self.waiting.items()):
            if due <= now:
                del self.waiting[key]
                subscription = self.subscriptions[key[0]]
                copies = 2 if self.random.random() < self.duplicates else 1
                body = self._envelope(subscription, event)
                self.deliveries += [Delivery(subscription, body, due) for _ in range(copies)]

    async def _attempt(self, one: Delivery) -> None:
        one.status = await self._send(one.subscription, {**one.body, "attempt_number": one.attempt})
        if 200 <= one.status < 300 or one.attempt >= ATTEMPTS:
            one.done = True
            return
        one.due = self.emulator.clock.now() + round(
            self.backoff[min(one.attempt, len(self.backoff)) - 1] * 1000
        )
        one.attempt += 1

    async def _send(self, subscription: Subscription, body: Json) -> int:
        data = orjson.dumps(body)
        digest = hmac.new(subscription.verification_token.encode(), data, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-notion-signature": f"sha256={digest}",
            "user-agent": "notion-api",
        }
        return await self.post(subscription.url, headers, data)

    def _envelope(self, subscription: Subscription, event: Event) -> Json:
        """The event as it is sent, without its attempt."""
        world, connection = subscription.world, subscription.connection
        authors = [_author(world, by) for by in event.by.split(",")]
        accessible = [_author(world, connection.bot_id)] if connection.kind == "public" else None
        kind, entity = entity_of(world, event, subscription.api_version)
        data = data_of(world, event)
        return {
            "id": self.emulator.ids.random_v4(),
            "timestamp": stamp(event.at),
            "workspace_id": world.id,
            "workspace_name": world.name,
            "subscription_id": subscription.id,
            "integration_id": connection.id,
            "type": kind,
            "authors": authors,
            **({"accessible_by": accessible} if accessible else {}),
            "attempt_number": 1,
            "api_version": subscription.api_version,
            "entity": entity,
            **({"data": data} if data else {}),  # a file upload's event has none
        }


def _author(world: "World", id: str) -> Json:
    user = world.users.get(id)
    return {"id": id, "type": user.type if user else "person"}


def _merged(old: Event, new: Event) -> Event:
    """Two events about one object as one: what they name is put together, their authors too."""
    data = {**old.data, **new.data}
    for name in MERGED:
        if name in old.data or name in new.data:
            both = [*old.data.get(name, ()), *new.data.get(name, ())]
            data[name] = list({orjson.dumps(one): one for one in both}.values())
    authors = list(dict.fromkeys([*old.by.split(","), new.by]))
    return new._replace(data=data, by=",".join(authors))
