"""The engine pulls a source that is not Notion by the same laws."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from tests.engine.remembering import NOON, Failing, Remembering, blocks

from syncline.core.errors import Refused, Unreachable
from syncline.core.model import Deletion, DocumentState, Fidelity, Kind, Mode, Record, Unread
from syncline.engine.apply import Batch, Context, apply
from syncline.engine.begin import Request
from syncline.sources.base import Unreadable
from syncline.store.database import Database


@pytest_asyncio.fixture
async def home(sqlite_database: Database) -> Remembering:
    """Five pages, one below another, and a data source with rows."""
    home = Remembering(sqlite_database)
    await home.connect()
    for number in range(4):
        home.write(f"p{number}", f"text {number}")
    home.write("child", "below", parent="p0")
    home.source.put(Kind.DATA_SOURCE, "d", stream="data_sources", parent="p1", title="Rows")
    for number in range(3):
        home.source.put(Kind.PAGE, f"r{number}", stream="d", parent="d", title=f"row {number}")
    home.pass_time(hours=1)
    return home


ALL = {"p0", "p1", "p2", "p3", "child", "r0", "r1", "r2"}


async def test_everything_is_pulled_whole(home: Remembering) -> None:
    progress = await home.pull()
    assert await home.pages() == ALL
    assert await home.texts("child") == ["below"]
    listings = 2
    assert progress.requests == {
        "made": listings + len(ALL),
        "bound": listings + len(ALL),
        "rate_limited": 0,
    }
    assert await home.frontier() == {}


async def test_a_long_page_of_several_long_containers_is_pulled_whole(home: Remembering) -> None:
    """Cursors may be numbers, which begin anew in each container."""
    home.source.page_size = 2
    holders = [{"id": f"h{n}", "type": "holder", "has_children": True} for n in range(5)]
    home.source.blocks["p2"] = list(holders)
    for holder in holders:
        home.source.blocks[str(holder["id"])] = blocks(
            str(holder["id"]), [f"{holder['id']}.{n}" for n in range(5)]
        )
    await home.pull()
    assert sorted(await home.texts("p2")) == sorted(f"h{n}.{m}" for n in range(5) for m in range(5))
    assert await home.ledger() == []


async def test_an_idle_pull_asks_for_what_changed_and_what_was_thrown_away(home: Remembering) -> None:
    await home.pull()
    progress = await home.pull()
    assert home.source.asked == ["every", "trash"]
    assert progress.pages["added"] == progress.pages["updated"] == progress.pages["deleted"] == 0


async def test_an_edit_and_a_deletion_arrive(home: Remembering) -> None:
    await home.pull()
    home.pass_time(hours=1)
    home.write("p2", "another text")
    home.source.trash.add((Kind.PAGE, "p3"))
    home.pass_time(minutes=2)
    progress = await home.pull()
    assert await home.texts("p2") == ["another text"]
    assert (await home.held())[Kind.PAGE, "p3"].deletion is Deletion.TRASHED
    assert (progress.pages["updated"], progress.pages["deleted"]) == (1, 1)


async def test_an_absence_is_confirmed_by_a_direct_read(home: Remembering) -> None:
    await home.pull()
    del home.source.records[Kind.PAGE, "p3"]
    await home.pull()
    assert "p3" in await home.pages()
    await home.pull(Request(mode=Mode.RECONCILE))
    assert home.source.asked.count("page:p3") == 1
    assert (await home.held())[Kind.PAGE, "p3"].deletion is Deletion.UNREACHABLE


async def test_markdown_is_pulled_with_one_read_a_page(home: Remembering) -> None:
    await home.pull(Request(fidelity=Fidelity.MARKDOWN))
    assert (await home.documents())["child"].markdown == "below"
    assert home.source.asked.count("child") == 1


async def test_comments_come_and_go(home: Remembering) -> None:
    home.source.put(Kind.COMMENT, "c1", stream="comments", parent="p1", title="first")
    home.source.put(Kind.COMMENT, "c2", stream="comments", parent="p1", title="second")
    await home.pull(Request(comments=True))
    del home.source.records[Kind.COMMENT, "c1"]
    await home.pull(Request(mode=Mode.FULL))
    held = await home.held()
    assert held[Kind.COMMENT, "c1"].deletion is Deletion.RESOLVED
    assert held[Kind.COMMENT, "c2"].deleted_at is None


# --- what failed is listed for as long as it fails, and no longer ------------------------------------------


async def test_comments_that_failed_once_are_listed_until_they_are_read(home: Remembering) -> None:
    home.source.errors["comments:p1"] = Unreachable("down")
    progress = await home.pull(Request(comments=True))
    assert [(entry.page, entry.operation) for entry in await home.ledger()] == [("p1", "comments")]
    assert progress.pages["incomplete"] == 1
    home.source.errors.clear()
    progress = await home.pull()
    assert await home.ledger() == []
    assert progress.pages["incomplete"] == 0


async def test_a_direct_read_that_failed_once_is_listed_until_it_is_made(home: Remembering) -> None:
    await home.pull()
    home.pass_time(hours=1)
    home.source.trash.add((Kind.PAGE, "p3"))
    home.source.errors["page:p3"] = Unreachable("down")
    await home.pull()
    assert [(entry.page, entry.operation) for entry in await home.ledger()] == [("p3", "object")]
    home.source.errors.clear()
    home.source.trash.clear()
    await home.pull()
    assert await home.ledger() == []


async def test_a_listing_that_was_refused_once_is_listed_until_it_is_walked(home: Remembering) -> None:
    home.source.errors["rows:d"] = Unreadable(Unread("rows:d", 404, "object_not_found", "gone"))
    await home.pull()
    assert [entry.page for entry in await home.ledger()] == ["rows:d"]
    home.source.errors.clear()
    await home.pull(Request(mode=Mode.RECONCILE))
    assert await home.ledger() == []


async def test_a_child_that_could_not_be_read_is_listed_until_it_is_told(home: Remembering) -> None:
    home.show("linked", "p2")
    await home.pull()
    assert [entry.page for entry in await home.ledger()] == ["linked"]
    home.pass_time(minutes=5)
    home.write("linked", "here")
    await home.pull()
    assert await home.ledger() == []


async def test_a_block_that_is_read_again_leaves_the_ledger_while_another_stays(home: Remembering) -> None:
    holders = [{"id": f"h{n}", "type": "holder", "has_children": True} for n in range(2)]
    home.source.blocks["p2"] = list(holders)
    for name in ("h0", "h1"):
        home.source.errors[name] = Unreadable(Unread(name, 404, "object_not_found", "gone"))
    await home.pull()
    assert [entry.block for entry in await home.ledger()] == ["h0", "h1"]
    first = (await home.ledger())[1].first_at
    del home.source.errors["h0"]
    home.pass_time(minutes=5)
    await home.pull(Request(mode=Mode.FULL))
    assert [(entry.block, entry.first_at, entry.attempts) for entry in await home.ledger()] == [
        ("h1", first, 2)
    ]
    assert (await home.documents())["p2"].state is DocumentState.MARKED


async def test_values_that_could_not_be_completed_are_listed_until_they_are(
    sqlite_database: Database,
) -> None:
    class Cut(Failing):
        def incomplete(self, record: Record) -> bool:
            return record.key == "p" and "whole" not in record.data

        async def complete(self, record: Record) -> tuple[Record, int]:
            self._ask(f"complete:{record.key}")
            return replace(record, data={**record.data, "whole": True}), 1

    home = Remembering(sqlite_database)
    home.source = Cut(home.source.time)
    await home.connect()
    home.write("p", "text")
    home.source.errors["complete:p"] = Unreachable("down")
    await home.pull(Request(fidelity=Fidelity.PROPERTIES))
    assert [entry.operation for entry in await home.ledger()] == ["properties"]
    home.source.errors.clear()
    await home.pull()
    assert (await home.held())[Kind.PAGE, "p"].data["whole"]
    assert await home.ledger() == []


async def test_values_edited_while_they_are_completed_are_completed_again(sqlite_database: Database) -> None:
    """Another listing tells of an edit that the first one did not know yet."""
    home = Remembering(sqlite_database)
    context: list[Context] = []

    class Cut(Failing):
        def incomplete(self, record: Record) -> bool:
            return "whole" not in record.data

        async def complete(self, record: Record) -> tuple[Record, int]:
            self._ask(f"complete:{record.key}")
            if len(self.asked) == 2:
                later = replace(record, data={"title": "new"}, edited_at=NOON + timedelta(minutes=1))
                async with sqlite_database.begin() as conn:
                    await apply(conn, Batch(records=[later]), context[0], now=NOON)
            return replace(record, data={**record.data, "whole": True}, hash=str(len(self.asked))), 1

    home.source = Cut(NOON)
    await home.connect()
    home.write("p", "text")
    extraction = await home.start(Request(fidelity=Fidelity.PROPERTIES))
    context.append(extraction._context)
    await extraction.advance(60)
    assert home.source.asked == ["every", "complete:p", "complete:p"]
    assert (await home.held())[Kind.PAGE, "p"].data["title"] == "new"


# --- a reading that a dead process began -------------------------------------------------------------------


async def die_in(home: Remembering, container: str, request: Request | None = None) -> None:
    """Pull until a container is asked for, and die there."""
    asked = asyncio.Event()

    async def hang(
        self: Any, one: str, cursor: str | None, *, fidelity: Fidelity, size: int | None = None
    ) -> Any:
        if one == container:
            asked.set()
            await asyncio.Event().wait()
        return await Failing.content(self, one, cursor, fidelity=fidelity, size=size)

    class Hanging(Failing):
        content = hang  # type: ignore[assignment]  # the same call

    alive, home.source = home.source, Hanging(home.source.time, home.source.records, home.source.blocks)
    extraction = await home.start(request)
    task = asyncio.create_task(extraction.advance(60))
    await asked.wait()
    for _ in range(50):
        await asyncio.sleep(0.002)
    assert extraction._main is not None
    extraction._main.cancel()
    await asyncio.gather(task, return_exceptions=True)
    home.source = alive


async def test_an_edit_of_the_minute_in_which_a_dead_process_read_is_found(home: Remembering) -> None:
    """The first answers were read right after an edit; a second edit of that minute came, then the reading was taken up."""
    await home.pull()
    home.pass_time(hours=1)
    home.write("p2", "first")
    home.source.blocks["p2"] = [
        *blocks("p2", ["first"]),
        {"id": "h", "type": "holder", "has_children": True},
    ]
    home.source.blocks["h"] = blocks("h", ["inner"])
    home.pass_time(seconds=10)
    await die_in(home, "h")
    home.source.blocks["p2"] = [*blocks("p2", ["second"]), home.source.blocks["p2"][-1]]
    home.pass_time(minutes=10)
    await home.pull()
    assert "p2" not in home.source.asked
    await home.pull()
    assert await home.texts("p2") == ["second", "inner"]


# --- selection --------------------------------------------------------------------------------------------


async def moved(home: Remembering, *, request: Request) -> dict[Any, Any]:
    """Pull the subtree of p0, move its child with all below it elsewhere, pull again."""
    home.write("grandchild", "deep", parent="child")
    await home.pull(Request(roots=("p0",)))
    assert await home.pages() == {"p0", "child", "grandchild"}
    home.pass_time(hours=1)
    home.source.blocks["p0"] = blocks("p0", ["text 0"])
    old = home.source.records[Kind.PAGE, "child"]
    home.source.records[Kind.PAGE, "child"] = replace(old, parent="p1", edited_at=home.source.time)
    home.pass_time(minutes=5)
    await home.pull(request)
    return await home.held()


async def test_what_hangs_below_a_page_that_left_the_subtree_goes_with_it(home: Remembering) -> None:
    held = await moved(home, request=Request(roots=("p0",)))
    assert held[Kind.PAGE, "child"].deletion is Deletion.OUT_OF_SCOPE
    assert held[Kind.PAGE, "grandchild"].deletion is Deletion.OUT_OF_SCOPE
    assert await home.frontier() == {}


async def test_a_reconcile_lets_a_departed_subtree_go_as_well(home: Remembering) -> None:
    held = await moved(home, request=Request(mode=Mode.RECONCILE, roots=("p0",)))
    assert {one.deletion for (_, key), one in held.items() if "child" in key} == {Deletion.OUT_OF_SCOPE}
    assert await home.frontier() == {}


async def test_a_refused_token_ends_the_pull_and_keeps_what_was_read(home: Remembering) -> None:
    home.source.errors["p2"] = Refused("no")
    with pytest.raises(Refused):
        await home.pull()
    home.source.errors.clear()
    await home.pull()
    assert "every" not in home.source.asked
    assert set(await home.documents()) == ALL
