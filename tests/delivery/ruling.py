"""A store with rows that rules watch, time that stands still, and receivers of what they tell."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.store.samples import CONNECTION, page, record

from syncline.app import App
from syncline.core.model import Deletion, Kind
from syncline.core.rules import Channel, ChannelKind, Rule, Trigger
from syncline.delivery.deliveries import Send
from syncline.delivery.notifying import Notifier
from syncline.delivery.outbound import Answer
from syncline.delivery.rules import Asked, create, decide
from syncline.store import connections, notifications, records
from syncline.store.notifications import Notification

HOME = CONNECTION.id
SLACK = Channel(ChannelKind.SLACK, "https://hooks.slack.test/services/T1/B1/secret")


@dataclass
class Receiver:
    """Where Slack and webhooks arrive."""

    status: int = 200
    taken: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    tries: int = 0

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        assert url.startswith("https://")
        self.tries += 1
        if self.status != 200:
            return Answer(self.status, "no")
        self.taken.append(json.loads(body))
        self.headers.append(dict(headers))
        return Answer(200, "ok")

    @property
    def texts(self) -> list[str]:
        return [told["text"] for told in self.taken]


@dataclass
class Ruling:
    """The store, and what a test does to it."""

    app: App
    at: list[datetime]
    receiver: Receiver = field(default_factory=Receiver)

    async def connect(self) -> None:
        async with self.app.database.begin() as conn:
            await connections.add(conn, CONNECTION, token="ntn_x", ring=self.app.keys)

    async def rule(self, trigger: Trigger = Trigger.CHANGED, **asked: Any) -> Rule:
        found = Asked(**{"name": "Rule", "trigger": trigger, "channels": (SLACK,), **asked})
        rule, _ = await create(self.app, CONNECTION, found)
        return rule

    async def edit(self, key: str, status: str | None = None, *, stream: str = "tasks") -> None:
        """Write a row with this status."""
        cells = {
            "Name": {"id": "title", "type": "title", "title": [{"plain_text": key, "type": "text"}]},
            "Status": {"id": "s", "type": "select", "select": {"name": status} if status else None},
        }
        made = page(
            key,
            {"id": key, "url": f"https://notion.test/{key}", "parent": stream, "properties": cells},
            title=key,
        )
        async with self.app.database.begin() as conn:
            await records.upsert(conn, HOME, [replace(made, stream=stream)], run_id="run", now=self.app.now())

    async def source(self, key: str, title: str, *properties: str) -> None:
        """Write a data source with these properties."""
        made = record(Kind.DATA_SOURCE, key, {"properties": {name: {} for name in properties}}, title=title)
        async with self.app.database.begin() as conn:
            await records.upsert(conn, HOME, [made], run_id="run", now=self.app.now())

    async def trash(self, key: str) -> None:
        async with self.app.database.begin() as conn:
            await records.delete(conn, HOME, [(Kind.PAGE, key)], reason=Deletion.TRASHED, now=self.app.now())

    async def decide(self) -> None:
        while await decide(self.app) == 0.0:
            pass

    async def send(self) -> None:
        await self.send_with(self.receiver)

    async def send_with(self, post: Send | None) -> None:
        notifier = Notifier(post)
        while await notifier(self.app) == 0.0:
            pass
        await notifier.close()

    async def work(self) -> list[str]:
        """What a worker does at one moment; the texts that arrived in it."""
        before = len(self.receiver.taken)
        await self.decide()
        await self.send()
        return self.receiver.texts[before:]

    def pass_time(self, **span: float) -> None:
        self.at[0] += timedelta(**span)

    async def listed(self) -> list[Notification]:
        async with self.app.database.read() as conn:
            return await notifications.listing(conn, HOME, limit=1000)
