"""Rules at work: a change of a row is told once, whatever crashes and however many workers look."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.delivery.ruling import HOME, SLACK, Ruling
from tests.store.samples import CONNECTION

from syncline.core.errors import BadInput
from syncline.core.rules import Channel, ChannelKind, Trigger
from syncline.delivery.rules import Asked, change, create, decide, preview
from syncline.store import changes, rules


async def test_a_property_that_becomes_what_the_rule_waits_for_is_told(ruling: Ruling) -> None:
    await ruling.edit("Ship", "Open")
    await ruling.rule(property="Status", was="Open", becomes="Done")
    assert await ruling.work() == []
    await ruling.edit("Ship", "Done")
    assert await ruling.work() == ["Ship: Status is Done (was Open)\nhttps://notion.test/Ship"]
    await ruling.edit("Ship", "Open")
    assert await ruling.work() == []


async def test_what_was_there_before_the_rule_is_no_news(ruling: Ruling) -> None:
    for number in range(3):
        await ruling.edit(f"old {number}", "Open")
    ruling.pass_time(seconds=1)
    await ruling.rule(Trigger.APPEARS)
    # Edited before the rule has looked at it for the first time.
    await ruling.edit("old 1", "Done")
    await ruling.edit("new", "Open")
    assert await ruling.work() == ["New: new https://notion.test/new"]


async def test_a_row_that_goes_or_leaves_its_stream_is_told(ruling: Ruling) -> None:
    for key in ("trashed", "moved", "stays"):
        await ruling.edit(key, "Open")
    await ruling.rule(Trigger.GOES, stream="tasks")
    await ruling.decide()
    await ruling.trash("trashed")
    await ruling.edit("moved", "Open", stream="archive")
    await ruling.edit("stays", "Done")
    assert await ruling.work() == ["Gone: trashed (trashed)\nGone: moved (moved)"]


async def test_a_row_of_another_stream_concerns_no_rule(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS, stream="tasks")
    await ruling.edit("elsewhere", "Open", stream="notes")
    assert await ruling.work() == []


async def test_data_that_was_given_up_is_no_change(ruling: Ruling) -> None:
    await ruling.edit("row", "Open")
    await ruling.rule(property="Status")
    async with ruling.app.database.begin() as conn:
        await changes.prune(conn, HOME, limit=10, now=ruling.app.now())
    assert await ruling.work() == []


async def test_several_workers_tell_once(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS)
    for number in range(5):
        await ruling.edit(f"row {number}")
    await asyncio.gather(*(decide(ruling.app) for _ in range(4)))
    assert len(await ruling.listed()) == 5
    await asyncio.gather(*(ruling.send() for _ in range(4)))
    assert len(ruling.receiver.taken) == 1


async def test_a_crash_while_deciding_loses_nothing_and_tells_nothing_twice(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS)
    for number in range(5):
        await ruling.edit(f"row {number}")
    left = iter(range(3))

    def dies() -> str:
        if next(left, None) is None:
            raise MemoryError
        return ruling.app.new_id()

    with pytest.raises(MemoryError):
        await decide(replace(ruling.app, new_id=dies))
    assert await ruling.listed() == []
    await ruling.decide()
    await ruling.decide()
    assert [one.source for one in reversed(await ruling.listed())] != []
    assert len({one.source for one in await ruling.listed()}) == len(await ruling.listed()) == 5


async def test_many_changes_are_read_in_parts(ruling: Ruling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline.delivery.rules._BATCH", 3)
    for number in range(7):
        await ruling.edit(f"old {number}")
    ruling.pass_time(seconds=1)
    await ruling.rule(Trigger.APPEARS)
    for number in range(7):
        await ruling.edit(f"new {number}")
    await ruling.edit("old 6", "Done")
    await ruling.work()
    assert sorted(one.subject for one in await ruling.listed()) == [f"new {number}" for number in range(7)]


async def test_a_rule_that_is_switched_off_sees_and_tells_nothing(ruling: Ruling) -> None:
    rule = await ruling.rule(Trigger.APPEARS)
    await change(ruling.app, rule, enabled=False)
    await ruling.edit("meanwhile")
    assert await ruling.work() == []
    await change(ruling.app, replace(rule, enabled=False), enabled=True)
    await ruling.edit("afterwards")
    assert await ruling.work() == ["New: afterwards https://notion.test/afterwards"]


async def test_an_empty_text_is_not_told(ruling: Ruling) -> None:
    await ruling.rule(Trigger.APPEARS, template="{% if values.Status == 'Done' %}{{ title }}{% endif %}")
    await ruling.edit("one", "Open")
    await ruling.edit("two", "Done")
    assert await ruling.work() == ["two"]


async def test_channels_are_kept_encrypted(ruling: Ruling) -> None:
    rule = await ruling.rule(Trigger.APPEARS)
    async with ruling.app.database.read() as conn:
        held = await conn.exec_driver_sql("SELECT channels FROM rules")
        assert b"slack" not in bytes(held.scalar_one())
        assert await rules.channels(conn, rule.id, ring=ruling.app.keys) == [SLACK]


async def test_removing_a_rule_removes_what_it_saw_and_told(ruling: Ruling) -> None:
    rule = await ruling.rule(Trigger.APPEARS)
    await ruling.edit("row")
    await ruling.decide()
    async with ruling.app.database.begin() as conn:
        await rules.remove(conn, rule.id)
        assert await rules.saw(conn, rule.id, ["row"]) == {}
    assert await ruling.listed() == []
    await ruling.send()
    assert ruling.receiver.tries == 0


GOOD = Asked("Rule", Trigger.CHANGED, (SLACK,))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (replace(GOOD, channels=()), "channels"),
        (replace(GOOD, channels=(Channel(ChannelKind.SLACK, "http://hooks.slack.test/"),)), "https"),
        (
            replace(GOOD, channels=(Channel(ChannelKind.WEBHOOK, "https://127.0.0.1/"),)),
            "not on the internet",
        ),
        (replace(GOOD, channels=(Channel(ChannelKind.EMAIL, "ann"),)), "no address of mail"),
        (replace(GOOD, channels=(Channel(ChannelKind.EMAIL, "a@b.c, d@e.f"),)), "no address of mail"),
        (replace(GOOD, channels=(Channel(ChannelKind.EMAIL, "ann@example.com"),)), "SYNCLINE_SMTP_URL"),
        (replace(GOOD, trigger=Trigger.GOES, property="Status"), "takes no property"),
        (replace(GOOD, trigger=Trigger.ALERT, stream="tasks"), "no stream"),
        (replace(GOOD, stream="tasks", property="Stauts"), "has no Stauts; there are Name, Status"),
        (replace(GOOD, stream="taks"), "no stream taks; there are pages, .*tasks-id .Tasks."),
        (replace(GOOD, property="Stauts"), "no data source has a Stauts; there are Name, Status"),
        (replace(GOOD, template="{{ titel }}"), "there is no titel"),
        (replace(GOOD, digest="weekly"), "digest"),
        (replace(GOOD, quiet="night"), "quiet"),
        (replace(GOOD, zone="Berlin"), "zone"),
    ],
)
async def test_what_cannot_work_is_refused_in_a_sentence(ruling: Ruling, wrong: Asked, sentence: str) -> None:
    await ruling.edit("row", "Open")
    await ruling.source("tasks-id", "Tasks", "Name", "Status")
    with pytest.raises(BadInput, match=sentence):
        await create(ruling.app, CONNECTION, wrong)


async def test_a_rule_may_name_a_data_source_without_rows_and_anything_before_the_first_pull(
    ruling: Ruling,
) -> None:
    await ruling.rule(stream="taks", property="Stauts")
    await ruling.source("tasks-id", "Tasks", "Name")
    await ruling.rule(stream="tasks-id", property="Name")
    await ruling.rule(stream="pages")


async def test_a_preview_shows_what_would_be_told_of_the_newest_row(ruling: Ruling) -> None:
    asked = replace(GOOD, property="Status", was="Open", digest="60m")
    title, told = await preview(ruling.app, CONNECTION, asked)
    assert (title, "Roadmap: Status is Done (was Open)" in told.text) == ("an example", True)
    await ruling.edit("row", "Doing")
    title, told = await preview(ruling.app, CONNECTION, asked)
    assert (title, told.text) == ("row", "row: Status is Doing (was Open)\nhttps://notion.test/row")
    assert told.next_at == ruling.at[0] + timedelta(hours=1)
    assert await ruling.listed() == []
