"""One row of a merge while people go on editing: what Notion's answers show is never lost."""

from typing import Any

import pytest
from tests.mapping.merging import Merging, pair

from syncline.core.mapping import ConflictPolicy, DeletePolicy, Deletes
from syncline.core.pair import Take
from syncline.core.report import Report


async def edited_meanwhile(merging: Merging, page: str, **properties: Any) -> Report:
    """A merge in whose middle, after the pages were listed, somebody edits one of them."""

    async def edit() -> None:
        await merging.edit(page, **properties)

    merging.fuse.listed = edit
    return await merging.merge()


async def test_an_edit_of_another_property_meanwhile_arrives_in_the_same_merge(merging: Merging) -> None:
    page = await pair(merging)
    merging.change(1, name="Anna")
    await edited_meanwhile(merging, page, Note="there", Size=7)
    assert (merging.rows()[1]["note"], merging.rows()[1]["size"]) == ("there", 7)
    assert (await merging.pages())[page]["Name"] == "Anna"


@pytest.mark.parametrize("policy", [DeletePolicy.TRASH, DeletePolicy.FLAG])
async def test_an_edit_of_a_page_that_is_deleted_meanwhile_brings_the_row_back(
    merging: Merging, policy: DeletePolicy
) -> None:
    merging.deletes = Deletes(policy, threshold=1.0, flag="Done")
    page = await pair(merging)
    merging.drop(1)
    await edited_meanwhile(merging, page, Name="Anne")
    assert (merging.rows()[1]["name"], bool(merging.rows()[1]["done"])) == ("Anne", False)
    assert (await merging.pages())[page]["Done"] is False
    assert [(one.property, one.winner) for one in await merging.conflicts()] == [("", Take.NOTION)]


async def test_an_edit_of_a_page_that_is_deleted_meanwhile_waits_where_people_decide(
    merging: Merging,
) -> None:
    merging.conflicts_policy = ConflictPolicy.MANUAL
    page = await pair(merging)
    merging.drop(1)
    report = await edited_meanwhile(merging, page, Name="Anne")
    assert report.tables["items"].conflicts == 1
    assert ((await merging.pages())[page]["Name"], merging.rows()) == ("Anne", {})


async def test_an_edit_of_the_same_property_within_seconds_is_overwritten(merging: Merging) -> None:
    page = await pair(merging)
    merging.change(1, name="Anna")
    await edited_meanwhile(merging, page, Name="Anne")
    assert (await merging.pages())[page]["Name"] == "Anna"
    assert merging.rows()[1]["name"] == "Anna"


@pytest.mark.parametrize("seconds", [0, 10])
async def test_a_page_that_was_read_a_while_ago_is_looked_at_again_before_it_is_written(
    merging: Merging, seconds: int
) -> None:
    page = await pair(merging)
    merging.change(1, name="Anna")
    async with merging.opened() as merge:
        await merge.read()
        if seconds:
            await merging.edit(page, Name="Anne")
        merging.emulator.clock.advance(seconds)
        merging.emulator.requests.clear()
        await merge.write()
    assert merging.emulator.requests.count(method="GET") == (1 if seconds else 0)
    assert (await merging.pages())[page]["Name"] == "Anna"
    assert [one.notion for one in await merging.conflicts()] == (["Anne"] if seconds else [])
