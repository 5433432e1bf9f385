"""Webhooks going out: all that happened arrives, signed, in order for each record, however long the receiver was down."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError
from tests.store.samples import CONNECTION, record

from syncline.app import App
from syncline.core.delivery import ATTEMPTS, DEFAULT
from syncline.core.errors import BadInput
from syncline.core.event import Event, sync_progress
from syncline.core.model import Kind
from syncline.delivery import deliveries as engine
from syncline.delivery.deliveries import Deliverer, Send, change, create, enable, redeliver, rotate
from syncline.delivery.outbound import Answer
from syncline.settings import Settings
from syncline.store import connections, deliveries, endpoints, events, records
from syncline.store.database import Database
from syncline.store.deliveries import State
from syncline.store.endpoints import Endpoint
from syncline.store.secrets import KeyRing
from syncline.store.tables_deliveries import attempts
from syncline.store.tables_deliveries import deliveries as made

HOME = CONNECTION.id


@dataclass
class Receiver:
    """Somebody's endpoint: up or down, and what it took in."""

    secrets: list[str] = field(default_factory=list)
    status: int = 200
    taken: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    tries: int = 0
    busy: set[str] = field(default_factory=set)

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.tries += 1
        told = json.loads(body)
        subject = str(told["data"].get("id", told["type"]))
        assert subject not in self.busy, "two deliveries about one subject at once"
        self.busy.add(subject)
        await asyncio.sleep(0)
        self.busy.discard(subject)
        if self.status != 200:
            return Answer(self.status, "no")
        for secret in self.secrets:
            Webhook(secret).verify(body, dict(headers))
        self.taken.append(told)
        self.ids.append(headers["webhook-id"])
        return Answer(200, "thank you")

    def titles(self) -> dict[str, list[object]]:
        """The titles that were told of each record, in the order of their arrival."""
        found = defaultdict(list)
        for told in self.taken:
            data = told["data"]
            if "id" in data:
                found[data["id"]].append(data["title"])
        return found


@dataclass
class Sending:
    """A store with one connection, time that stands still, and a receiver."""

    app: App
    receiver: Receiver
    at: list[datetime]

    async def happen(self, *happened: Event) -> None:
        async with self.app.database.begin() as conn:
            await events.append(conn, HOME, happened, now=self.app.now())

    async def edit(self, key: str, title: str) -> None:
        changed = replace(record(Kind.PAGE, key, title=title), hash=ascii(title))
        async with self.app.database.begin() as conn:
            await records.upsert(conn, HOME, [changed], run_id="r", now=self.app.now())

    async def send(self) -> None:
        """What a worker does at one moment."""
        await self.send_with(self.receiver)

    async def send_with(self, send: Send) -> None:
        deliverer = Deliverer(send)
        while await deliverer(self.app) == 0.0:
            pass
        await deliverer.close()

    async def pass_time(self, span: timedelta, *, step: timedelta = timedelta(minutes=10)) -> None:
        until = self.at[0] + span
        while self.at[0] < until:
            self.at[0] = min(until, self.at[0] + step)
            await self.send()

    async def endpoint(self, **asked: object) -> Endpoint:
        found, secret = await create(
            self.app,
            CONNECTION,
            description="",
            **{"url": "https://receiver.test/hook", "types": DEFAULT, "streams": (), **asked},  # type: ignore[arg-type]  # what a test names
        )
        self.receiver.secrets = [secret]
        return found

    async def counts(self, endpoint: Endpoint) -> dict[State, int]:
        async with self.app.database.read() as conn:
            return await deliveries.counts(conn, endpoint.id)

    async def now_is(self, endpoint: Endpoint) -> Endpoint:
        async with self.app.database.read() as conn:
            return await endpoints.one(conn, endpoint.id)


@pytest.fixture
async def sending(database: Database, tmp_path: Path) -> Sending:
    at = [datetime(2026, 11, 20, 12, tzinfo=UTC)]
    app = App(Settings(home=tmp_path), database, KeyRing.open(tmp_path), now=lambda: at[0])
    async with database.begin() as conn:
        await connections.add(conn, CONNECTION, token="ntn_x", ring=app.keys)
    return Sending(app, Receiver(), at)


async def test_what_happens_arrives_signed(sending: Sending) -> None:
    await sending.edit("before", "is not told")
    await sending.endpoint()
    await sending.happen(Event("sync:complete", {"totalPages": 1}, "run-1"))
    await sending.edit("p", "Title")
    # The receiver verifies with the time of this machine.
    sending.at[0] = datetime.now(UTC)
    await sending.send()
    assert [told["type"] for told in sending.receiver.taken] == ["sync.complete", "record.added"]
    first, second = sending.receiver.taken
    assert (first["data"]["jobId"], first["data"]["workspaceId"]) == ("run-1", HOME)
    assert (second["data"]["id"], second["data"]["title"], second["data"]["kind"]) == ("p", "Title", "page")


async def test_half_a_character_in_a_title_is_told_as_one_that_is_not_known(sending: Sending) -> None:
    await sending.endpoint()
    sending.receiver.secrets = []
    await sending.edit("p", "half \ud83d, NUL \x00")
    await sending.happen(Event("sync:page-fetched", {"title": ["half \ud83d"]}), Event("sync:complete", {}))
    await sending.send()
    assert sending.receiver.titles()["p"] == ["half \ufffd, NUL \x00"]


async def test_a_wrong_secret_does_not_verify(sending: Sending) -> None:
    await sending.endpoint()
    sending.receiver.secrets = [engine.new_secret()]
    sending.at[0] = datetime.now(UTC)
    await sending.happen(Event("sync:complete", {}))
    with pytest.raises(WebhookVerificationError):
        await sending.send()


async def test_only_what_is_wanted_is_sent(sending: Sending) -> None:
    await sending.endpoint(types=("record.added",), streams=("pages",))
    sending.receiver.secrets = []
    await sending.happen(
        sync_progress("r", phase="p", current=1, total=2, message=""), Event("sync:complete", {})
    )
    await sending.edit("p", "one")
    await sending.send()
    await sending.edit("p", "two")
    await sending.send()
    assert [told["type"] for told in sending.receiver.taken] == ["record.added"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"types": ("bla.*",)}, "has the type bla.*; there are record.added, .*endpoint.disabled"),
        ({"types": ("record.*", "sync.finished")}, "has the type sync.finished"),
        ({"streams": ("taks",)}, "no stream taks; there are pages"),
    ],
)
async def test_what_no_event_can_match_is_refused(
    sending: Sending, asked: dict[str, tuple[str, ...]], sentence: str
) -> None:
    await sending.edit("p", "there is a record")
    with pytest.raises(BadInput, match=sentence):
        await sending.endpoint(**asked)
    endpoint = await sending.endpoint()
    with pytest.raises(BadInput, match=sentence):
        await change(sending.app, endpoint, **asked)
    assert await sending.now_is(endpoint) == endpoint


async def test_an_endpoint_hears_what_it_is_changed_to(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets = []
    await change(sending.app, endpoint, types=("sync.*",), streams=("pages",), description="new")
    await sending.edit("p", "x")
    await sending.happen(Event("sync:start", {}))
    await sending.send()
    assert [told["type"] for told in sending.receiver.taken] == ["sync.start"]
    found = await sending.now_is(endpoint)
    assert (found.types, found.streams, found.description) == (("sync.*",), ("pages",), "new")


async def test_a_receiver_that_is_down_for_three_hours_gets_everything_in_order(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets, sending.receiver.status = [], 503
    expected = defaultdict(list)
    for step in range(18):
        for page in "abc":
            await sending.edit(page, f"{page}{step}")
            expected[page].append(f"{page}{step}")
        await sending.pass_time(timedelta(minutes=10))
    assert sending.receiver.taken == []
    sending.receiver.status = 200
    await sending.pass_time(timedelta(hours=5))
    assert dict(sending.receiver.titles()) == dict(expected)
    assert len(set(sending.receiver.ids)) == len(sending.receiver.ids)
    assert await sending.counts(endpoint) == {State.DELIVERED: 54}
    assert (await sending.now_is(endpoint)).failing_since is None
    # While it was down one delivery at a time found out, not all of them.
    assert sending.receiver.tries - 54 < 20


async def test_what_never_arrives_is_given_up_and_can_be_sent_again(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets, sending.receiver.status = [], 500
    await sending.happen(Event("connection:token", {}))
    await sending.pass_time(timedelta(hours=40), step=timedelta(minutes=20))
    assert await sending.counts(endpoint) == {State.DEAD: 1}
    async with sending.app.database.read() as conn:
        (dead,) = await deliveries.listing(conn, endpoint.id, limit=10)
        tried = await deliveries.attempts_of(conn, dead.id)
    assert [each.number for each in tried] == list(range(1, ATTEMPTS + 1))
    assert {(each.status, each.answer) for each in tried} == {(500, "no")}
    sending.receiver.status = 200
    assert await redeliver(sending.app, endpoint.id) == 1
    await sending.send()
    assert await sending.counts(endpoint) == {State.DELIVERED: 1}


async def test_a_dead_letter_holds_up_nothing_behind_it(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets, sending.receiver.status = [], 400
    await sending.edit("p", "first")
    await sending.send()
    await sending.edit("p", "second")
    await sending.pass_time(timedelta(hours=36), step=timedelta(minutes=20))
    sending.receiver.status = 200
    await sending.pass_time(timedelta(hours=14))
    assert sending.receiver.titles()["p"] == ["second"]
    assert await sending.counts(endpoint) == {State.DEAD: 1, State.DELIVERED: 1}


async def test_an_endpoint_that_fails_for_days_is_disabled_and_says_so(sending: Sending) -> None:
    endpoint = await sending.endpoint(url="https://receiver.test/hook?key=0123456789")
    sending.receiver.secrets, sending.receiver.status = [], 502
    for _ in range(7):
        await sending.happen(Event("connection:token", {}))
        await sending.pass_time(timedelta(hours=12), step=timedelta(hours=1))
    found = await sending.now_is(endpoint)
    assert (found.enabled, found.disabled_for) == (False, "It took nothing for three days: HTTP 502.")
    async with sending.app.database.read() as conn:
        assert "endpoint:disabled" in [each.kind for each in await events.since(conn, HOME, 0, 1000)]
        assert "/hook?key=" not in str(await events.since(conn, HOME, 0, 1000))
    await sending.edit("p", "meanwhile")
    tries = sending.receiver.tries
    await sending.send()
    assert sending.receiver.tries == tries
    sending.receiver.status = 200
    await enable(sending.app, endpoint.id)
    await sending.send()
    assert sending.receiver.titles()["p"] == ["meanwhile"]


async def test_an_endpoint_that_is_gone_is_disabled_at_once(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets, sending.receiver.status = [], 410
    await sending.edit("p", "x")
    await sending.send()
    assert (await sending.now_is(endpoint)).enabled is False


async def test_for_a_day_after_a_rotation_both_secrets_verify(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    old = sending.receiver.secrets[0]
    new = await rotate(sending.app, endpoint.id)
    sending.at[0] = datetime.now(UTC)
    sending.receiver.secrets = [old, new]
    await sending.happen(Event("sync:complete", {}))
    await sending.send()
    assert len(sending.receiver.taken) == 1
    sending.at[0] += timedelta(days=1, minutes=1)
    async with sending.app.database.read() as conn:
        good = await endpoints.secrets(conn, endpoint.id, ring=sending.app.keys, now=sending.app.now())
    assert good == [new]


async def test_a_second_rotation_ends_the_first_secret_at_once(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    second, third = await rotate(sending.app, endpoint.id), await rotate(sending.app, endpoint.id)
    async with sending.app.database.read() as conn:
        good = await endpoints.secrets(conn, endpoint.id, ring=sending.app.keys, now=sending.app.now())
    assert good == [third, second]


async def test_an_endpoint_disabled_while_a_delivery_is_under_way_gets_that_one_and_no_other(
    sending: Sending,
) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets = []
    await sending.edit("p", "one")
    await sending.edit("p", "two")

    async def disabling(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        async with sending.app.database.begin() as conn:
            await endpoints.change(conn, endpoint.id, enabled=False, disabled_for="Somebody disabled it.")
        return await sending.receiver(url, body, headers)

    await sending.happen(Event("sync:complete", {}))
    assert await Deliverer(disabling)(sending.app) == 0.0
    await sending.edit("p", "three")
    await sending.send()
    before = sending.receiver.titles()["p"]
    assert "three" not in before
    assert not (await sending.now_is(endpoint)).enabled
    await enable(sending.app, endpoint.id)
    await sending.send()
    assert sending.receiver.titles()["p"][-1] == "three"
    assert len(set(sending.receiver.ids)) == len(sending.receiver.ids)


@pytest.mark.parametrize("status", [200, 500, 410])
async def test_an_endpoint_removed_while_a_delivery_is_under_way_leaves_nothing_and_holds_up_no_other(
    sending: Sending, status: int
) -> None:
    first = await sending.endpoint()
    second = await sending.endpoint()
    sending.receiver.secrets = []
    await sending.edit("p", "x")
    gone: list[str] = []

    async def removing(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if gone:
            return Answer(200, "")
        gone.append(url)
        async with sending.app.database.begin() as conn:
            await endpoints.remove(conn, first.id)
            await endpoints.change(conn, second.id, description="is there")
        return Answer(status, "")

    await sending.send_with(removing)
    assert await sending.counts(first) == {}
    assert set(await sending.counts(second)) <= {State.DELIVERED, State.WAITING}
    async with sending.app.database.read() as conn:
        left = list(await conn.scalars(select(attempts.c.delivery_id)))
        known = list(await conn.scalars(select(made.c.id)))
    assert set(left) <= set(known)


async def test_an_endpoint_is_removed_while_an_attempt_is_written_down(
    sending: Sending, store_location: str
) -> None:
    endpoint = await sending.endpoint()
    await sending.edit("p", "x")
    sending.receiver.secrets, sending.receiver.status = [], 500
    await sending.send()

    async def remove() -> None:
        async with sending.app.database.begin() as conn:
            await endpoints.remove(conn, endpoint.id)

    async with sending.app.database.begin() as conn:
        await endpoints.hold(conn, endpoint.id)
        removing = asyncio.create_task(remove())
        await waits_for_a_lock(store_location)
        (one,) = await deliveries.listing(conn, endpoint.id, limit=10)
        await deliveries.end(conn, one.id, State.DELIVERED, now=sending.app.now())
    await removing
    assert await sending.counts(endpoint) == {}


async def waits_for_a_lock(location: str) -> None:
    """Wait until somebody waits for a lock of PostgreSQL's; SQLite has one writer."""
    if not location.startswith("postgresql"):
        return
    async with await psycopg.AsyncConnection.connect(location, autocommit=True) as conn, asyncio.timeout(60):
        waiting = (
            b"SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        while await (await conn.execute(waiting)).fetchone() is None:  # noqa: ASYNC110 - another process has none
            await asyncio.sleep(0.01)


async def test_a_clock_that_is_put_back_holds_up_nothing_that_was_not_tried(sending: Sending) -> None:
    await sending.endpoint()
    sending.receiver.secrets = []
    await sending.edit("p", "before")
    await Deliverer(sending.receiver).prepare(sending.app)
    sending.at[0] -= timedelta(hours=3)
    await sending.edit("p", "after")
    await sending.send()
    assert sending.receiver.titles()["p"] == ["before", "after"]


async def test_a_receiver_that_hangs_keeps_no_other_waiting(sending: Sending) -> None:
    hanging = await sending.endpoint(url="https://hangs.test/hook")
    await sending.endpoint()
    sending.receiver.secrets = []
    released = asyncio.Event()

    async def send(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if url.startswith("https://hangs."):
            await released.wait()
            return Answer(None, "", "There was no answer within 15 s.")
        return await sending.receiver(url, body, headers)

    deliverer = Deliverer(send)
    for number in range(30):
        await sending.edit("p", f"t{number}")
        while len(sending.receiver.taken) <= number:
            await deliverer(sending.app)
    assert sending.receiver.titles()["p"] == [f"t{number}" for number in range(30)]
    assert (await sending.now_is(hanging)).failing_since is None
    released.set()
    await deliverer.close()
    assert (await sending.now_is(hanging)).failing_since == sending.at[0]
    assert (await sending.counts(hanging))[State.WAITING] == 30


async def test_two_workers_send_nothing_twice(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets = []
    for number in range(40):
        await sending.edit(f"p{number % 7}", f"t{number}")
        await sending.happen(Event("sync:complete", {"n": number}))
    while State.WAITING in (await sending.counts(endpoint)) or not sending.receiver.taken:
        await asyncio.gather(*(sending.send() for _ in range(4)))
    assert len(set(sending.receiver.ids)) == len(sending.receiver.ids)
    assert [told["data"]["n"] for told in sending.receiver.taken if told["type"] == "sync.complete"] == list(
        range(40)
    )


async def test_what_a_dead_worker_was_sending_is_sent_after_a_minute(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets = []
    await sending.edit("p", "x")

    async def killed(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await sending.send_with(killed)
    await sending.send()
    assert sending.receiver.taken == []
    sending.at[0] += timedelta(seconds=61)
    await sending.send()
    assert sending.receiver.titles()["p"] == ["x"]
    assert await sending.counts(endpoint) == {State.DELIVERED: 1}


async def test_an_attempt_that_outlives_its_claim_does_not_undo_what_came_after(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets = []
    await sending.edit("p", "x")
    released, begun = asyncio.Event(), asyncio.Event()

    async def slow(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        begun.set()
        await released.wait()
        return Answer(500, "")

    deliverer = Deliverer(slow)
    while not begun.is_set():
        await deliverer(sending.app)
    sending.at[0] += timedelta(seconds=61)
    await sending.send()
    assert await sending.counts(endpoint) == {State.DELIVERED: 1}
    async with sending.app.database.begin() as conn:
        (one,) = await deliveries.listing(conn, endpoint.id, limit=10)
        await deliveries.end(conn, one.id, State.DEAD, now=sending.app.now())
    released.set()
    await deliverer.close()
    assert await sending.counts(endpoint) == {State.DELIVERED: 1}


async def test_deliveries_are_forgotten_after_a_month(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets = []
    await sending.edit("p", "x")
    await sending.send()
    sending.at[0] += timedelta(days=31)
    await engine.forget_old(sending.app)
    assert await sending.counts(endpoint) == {}


async def test_a_removed_connection_leaves_nothing_behind(sending: Sending) -> None:
    endpoint = await sending.endpoint()
    sending.receiver.secrets = []
    await sending.edit("p", "x")
    await sending.send()
    async with sending.app.database.begin() as conn:
        await connections.remove(conn, HOME)
    assert await sending.counts(endpoint) == {}
