"""Sending what rules tell: each message arrives, whatever fails, in digests and outside quiet hours."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from tests.delivery.ruling import SLACK, Receiver, Ruling
from tests.letters import mailbox
from tests.store.samples import CONNECTION

from syncline.core.delivery import ATTEMPTS
from syncline.core.rules import Channel, ChannelKind, Trigger
from syncline.delivery.notifying import forget_old
from syncline.delivery.outbound import Answer
from syncline.delivery.rules import Asked, change, create
from syncline.store.notifications import State


async def states(ruling: Ruling) -> list[State]:
    return [one.state for one in await ruling.listed()]


async def test_slack_gets_one_post_with_a_text(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS)
    await ruling.edit("<!channel>")
    await ruling.work()
    assert ruling.receiver.taken == [{"text": "New: &lt;!channel&gt; https://notion.test/&lt;!channel&gt;"}]
    assert await states(ruling) == [State.SENT]


async def test_half_a_character_in_a_title_or_a_name_stops_no_message(ruling: Ruling) -> None:
    hook = Channel(ChannelKind.WEBHOOK, "https://receiver.test/hook")
    await ruling.rule(
        Trigger.APPEARS, name="half \ud83d", channels=(SLACK, hook), template="{{ rule }} {{ values.Status }}"
    )
    await ruling.edit("row", "half \ud83d")
    await ruling.decide()
    await ruling.send()
    told = {
        item["text"] for one in ruling.receiver.taken for item in one.get("data", {"items": [one]})["items"]
    }
    assert told == {"half \ufffd half \ufffd"}


async def test_a_message_travels_over_http(ruling: Ruling) -> None:
    heard: list[bytes] = []

    async def slack(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]  # it is there
        heard.append(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    settings = ruling.app.settings.model_copy(update={"allow_private_endpoints": True})
    here = replace(ruling.app, settings=settings)
    async with await asyncio.start_server(slack, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        target = Channel(ChannelKind.SLACK, f"http://127.0.0.1:{port}/services/T/B/x")
        await create(here, CONNECTION, Asked("Real", Trigger.APPEARS, (target,)))
        await ruling.edit("row")
        await ruling.decide()
        await replace(ruling, app=here).send_with(None)
    assert heard == [b'{"text":"New: row https://notion.test/row"}']
    assert await states(ruling) == [State.SENT]


async def test_what_is_due_at_once_is_one_message(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS, template="{{ title }}")
    for number in range(3):
        await ruling.edit(f"row {number}")
    assert await ruling.work() == ["row 0\nrow 1\nrow 2"]


async def test_a_digest_comes_when_its_time_comes(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS, template="{{ title }}", digest="30m")
    for minute in range(3):
        await ruling.edit(f"row {minute}")
        assert await ruling.work() == []
        ruling.pass_time(minutes=1)
    ruling.pass_time(minutes=26)
    assert await ruling.work() == []
    ruling.pass_time(minutes=1)
    assert await ruling.work() == ["row 0\nrow 1\nrow 2"]
    ruling.pass_time(hours=1)
    assert await ruling.work() == []


async def test_quiet_hours_over_midnight_hold_back_even_what_a_worker_comes_late_to(ruling: Ruling) -> None:
    ruling.at[0] = datetime(2026, 3, 28, 20, 59, tzinfo=UTC)  # 21:59 in Berlin, in the night of the change
    await ruling.rule(Trigger.APPEARS, template="{{ title }}", quiet="22:00-07:00", zone="Europe/Berlin")
    await ruling.edit("before")
    await ruling.decide()
    ruling.pass_time(minutes=5)
    await ruling.edit("within")
    assert await ruling.work() == []
    ruling.at[0] = datetime(2026, 3, 29, 4, 59, tzinfo=UTC)
    assert await ruling.work() == []
    ruling.at[0] = datetime(2026, 3, 29, 5, tzinfo=UTC)
    assert await ruling.work() == ["before\nwithin"]


async def test_a_worker_that_dies_while_sending_leaves_the_same_message_to_the_next(ruling: Ruling) -> None:
    hook = Channel(ChannelKind.WEBHOOK, "https://receiver.test/hook")
    await ruling.rule(Trigger.APPEARS, channels=(hook,))
    await ruling.edit("row")
    await ruling.decide()
    arrived = Receiver()

    async def dies(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        await arrived(url, body, headers)
        raise MemoryError

    with pytest.raises(MemoryError):
        await ruling.send_with(dies)
    await ruling.edit("later")
    await ruling.decide()
    ruling.pass_time(seconds=61)
    await ruling.send()
    first, again = arrived.taken[0]["data"]["items"], ruling.receiver.taken[0]["data"]["items"]
    assert [one["id"] for one in first] == [one["id"] for one in again]
    assert arrived.headers[0]["webhook-id"] == ruling.receiver.headers[0]["webhook-id"]
    assert sorted(one["subject"] for told in ruling.receiver.taken for one in told["data"]["items"]) == [
        "later",
        "row",
    ]


async def test_what_fails_is_sent_again_until_it_is_given_up(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS)
    await ruling.edit("row")
    ruling.receiver.status = 500
    await ruling.work()
    (one,) = await ruling.listed()
    assert (one.state, one.error, one.next_at > ruling.at[0]) == (State.WAITING, "HTTP 500: no", True)
    for _ in range(40):
        ruling.pass_time(hours=1)
        await ruling.send()
    assert ruling.receiver.tries == ATTEMPTS
    assert await states(ruling) == [State.DEAD]


async def test_a_receiver_that_is_back_gets_what_waited_once(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS, template="{{ title }}")
    ruling.receiver.status = 503
    for number in range(3):
        await ruling.edit(f"row {number}")
        await ruling.work()
        ruling.pass_time(seconds=1)
    ruling.receiver.status = 200
    ruling.pass_time(hours=1)
    assert sorted("\n".join(await ruling.work()).split("\n")) == ["row 0", "row 1", "row 2"]
    ruling.pass_time(days=2)
    assert await ruling.work() == []


async def test_a_webhook_is_signed_with_the_secret_that_was_shown(ruling: Ruling) -> None:
    hook = Channel(ChannelKind.WEBHOOK, "https://receiver.test/hook")
    _, (shown,) = await create(ruling.app, CONNECTION, Asked("Hook", Trigger.APPEARS, (hook,)))
    ruling.at[0] = datetime.now(UTC)  # the receiver verifies with the time of this machine
    await ruling.edit("row")
    await ruling.decide()

    async def verifies(_url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        told = Webhook(str(shown.secret)).verify(body, dict(headers))
        return Answer(200 if told["data"]["items"][0]["subject"] == "row" else 400, "")

    await ruling.send_with(verifies)
    assert await states(ruling) == [State.SENT]


async def test_mail_arrives_and_waits_where_its_server_is_down(ruling: Ruling) -> None:
    def mailing(url: str) -> Ruling:
        settings = ruling.app.settings.model_copy(update={"smtp_url": SecretStr(url)})
        return replace(ruling, app=replace(ruling.app, settings=settings))

    down = mailing("smtp://127.0.0.1:1?from=s@example.com")
    ann = Channel(ChannelKind.EMAIL, "ann@example.com")
    await down.rule(Trigger.APPEARS, channels=(ann,), name="New\nrows")
    for number in range(2):
        await ruling.edit(f"row {number}")
    await down.work()
    assert await states(ruling) == [State.WAITING] * 2
    with mailbox() as box:
        ruling.pass_time(hours=1)
        await mailing(box.url).send()
        ((_, people, letter),) = box.letters
    assert (people, letter["Subject"]) == (["ann@example.com"], "Syncline: New rows (2)")
    assert [line.split(" http")[0] for line in letter.get_content().splitlines()] == [
        "New: row 0",
        "New: row 1",
    ]


async def test_each_channel_of_a_rule_is_told(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS, channels=(SLACK, replace(SLACK, target=f"{SLACK.target}2")))
    await ruling.edit("row")
    assert len(await ruling.work()) == 2


async def test_what_was_meant_for_a_channel_that_was_taken_away_is_dead(ruling: Ruling) -> None:
    rule = await ruling.rule(Trigger.APPEARS, channels=(SLACK, SLACK))
    await ruling.edit("row")
    await ruling.decide()
    await change(ruling.app, rule, channels=[SLACK])
    await ruling.send()
    assert sorted(await states(ruling)) == [State.DEAD, State.SENT]


async def test_many_workers_send_each_message_once(ruling: Ruling) -> None:
    for number in range(4):
        await ruling.rule(Trigger.APPEARS, name=str(number))
    await ruling.edit("row")
    await ruling.decide()
    await asyncio.gather(*(ruling.send() for _ in range(4)))
    assert len(ruling.receiver.taken) == 4


async def test_what_ended_a_month_ago_is_forgotten(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS)
    await ruling.edit("row")
    await ruling.work()
    ruling.pass_time(days=29)
    await forget_old(ruling.app)
    assert len(await ruling.listed()) == 1
    ruling.pass_time(days=2)
    await forget_old(ruling.app)
    assert await ruling.listed() == []
