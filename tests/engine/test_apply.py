"""One batch becomes one transaction: what it does to records, to the frontier and to the ledger."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from tests.engine.remembering import HOME, NOON, Remembering

from syncline.core.change import Policy, Reason
from syncline.core.model import Action, Deletion, DocumentState, Fidelity, Kind, Mode, Record
from syncline.engine.apply import Applied, Batch, Context, apply
from syncline.engine.worklist import Work, record_from
from syncline.sources.base import Listing
from syncline.store import frontier
from syncline.store.database import Database
from syncline.store.documents import NewDocument, StagedList
from syncline.store.frontier import Item, State
from syncline.store.ledger import Entry

INCREMENTAL = Policy(Mode.INCREMENTAL, Fidelity.BLOCKS)
FULL = Policy(Mode.FULL, Fidelity.BLOCKS)
LATER = NOON + timedelta(minutes=5)


@pytest_asyncio.fixture
async def home(sqlite_database: Database) -> Remembering:
    home = Remembering(sqlite_database)
    await home.connect()
    return home


def page(key: str, parent: str | None = None, **fields: Any) -> Record:
    values: dict[str, Any] = {"stream": "pages", "data": {"title": key}, "hash": f"hash of {key}"}
    return Record(Kind.PAGE, key, parent=parent, **(values | {"edited_at": NOON} | fields))


async def applied(
    home: Remembering, batch: Batch, *, policy: Policy = INCREMENTAL, pull: str = "pull", cut: bool = False
) -> Applied:
    numbers = count(1)
    context = Context(
        connection_id=HOME,
        run_id=pull,
        pull_id=pull,
        policy=policy,
        incomplete=lambda record: cut,
        stands=lambda held, record: held["title"] == record.data["title"],
        rows=lambda record: Listing(f"rows:{record.key}", {}),
        generation=lambda: next(numbers),
    )
    async with home.database.begin() as conn:
        return await apply(conn, batch, context, now=home.source.time)


async def work(home: Remembering) -> dict[tuple[str, str], str]:
    """The reasons of all work that waits, which is taken by this."""
    async with home.database.begin() as conn:
        items = await frontier.take(conn, HOME, kinds=list(Work), limit=100)
    return {(item.kind, item.key): item.reason for item in items}


def read(key: str, *, children: tuple[tuple[Kind, str], ...] = ()) -> Batch:
    """A page whose content was read to its end."""
    document = NewDocument(
        page=key,
        generation=1,
        fidelity=Fidelity.BLOCKS,
        hash=f"content of {key}",
        state=DocumentState.COMPLETE,
        edited_at=NOON,
        read_at=LATER,
    )
    staged = StagedList(key, 1, key, 0, None, ({"id": "b"},))
    return Batch(
        lists=[staged],
        documents=[document],
        children={key: children},
        done=[Item(Work.CONTENT, key, 3, Reason.NEW, generation=1)],
    )


async def test_what_is_new_asks_for_its_content_comments_and_rows(home: Remembering) -> None:
    table = Record(Kind.DATA_SOURCE, "d", "data_sources", {"title": "d"}, "hash")
    policy = replace(INCREMENTAL, comments=True)
    told = await applied(home, Batch(records=[page("p"), table]), policy=policy)
    assert told.news == {(Kind.PAGE, "p"), (Kind.DATA_SOURCE, "d")}
    assert await work(home) == {
        ("content", "p"): Reason.NEW,
        ("comments", "p"): Reason.NEW,
        ("listing", "rows:d"): Reason.NEW,
    }


async def test_what_is_told_again_is_no_news(home: Remembering) -> None:
    await applied(home, Batch(records=[page("p")]))
    told = await applied(home, Batch(records=[page("p")]))
    assert (told.news, dict(told.actions)) == (frozenset(), {(Kind.PAGE, "p"): Action.UNCHANGED})
    assert await home.frontier() == {(Work.CONTENT, State.WAITING): 1}


async def test_a_page_whose_content_is_to_be_read_is_news_though_its_record_is_not(home: Remembering) -> None:
    await applied(home, Batch(records=[page("p")]))
    told = await applied(home, Batch(records=[page("p", edited_at=LATER)]), pull="next")
    assert told.actions == {(Kind.PAGE, "p"): Action.UNCHANGED}
    assert told.news == {(Kind.PAGE, "p")}
    assert await work(home) == {("content", "p"): Reason.EDITED}


async def test_a_record_cut_short_is_not_written_before_it_is_whole(home: Remembering) -> None:
    told = await applied(home, Batch(records=[page("p")]), cut=True)
    assert await home.held() == {}
    assert told.news == {(Kind.PAGE, "p")}
    async with home.database.begin() as conn:
        [item] = await frontier.take(conn, HOME, kinds=[Work.PROPERTIES], limit=9)
    assert record_from(item) == page("p")
    await applied(home, Batch(completed=[page("p", hash="whole")], done=[item]), cut=True)
    assert (await home.held())[Kind.PAGE, "p"].hash == "whole"
    assert await work(home) == {("content", "p"): Reason.NEW}


@pytest.mark.parametrize(
    ("told", "policy", "pull", "again"),
    [
        (page("p"), INCREMENTAL, "pull", False),
        (page("p"), FULL, "pull", False),
        (page("p"), INCREMENTAL, "next", False),
        (page("p"), replace(INCREMENTAL, mode=Mode.RECONCILE), "next", False),
        (page("p"), FULL, "next", True),
        (page("p", edited_at=LATER), INCREMENTAL, "next", True),
        (page("p", edited_at=LATER), INCREMENTAL, "pull", True),
        (page("p", data={"title": "other"}), INCREMENTAL, "next", True),
    ],
)
async def test_values_that_stand_are_not_completed_again(
    home: Remembering, told: Record, policy: Policy, pull: str, *, again: bool
) -> None:
    home.pass_time(minutes=10)
    await applied(home, Batch(completed=[page("p", hash="whole")]), cut=True)
    await work(home)
    await applied(home, Batch(records=[told]), policy=policy, pull=pull, cut=True)
    assert ((Work.PROPERTIES, "p") in await work(home)) is again
    assert (await home.held())[Kind.PAGE, "p"].hash == "whole"


async def test_values_completed_within_the_minute_of_their_edit_are_completed_again(
    home: Remembering,
) -> None:
    await applied(home, Batch(completed=[page("p", hash="whole")]), cut=True)
    await work(home)
    await applied(home, Batch(records=[page("p")]), pull="next", cut=True)
    assert (Work.PROPERTIES, "p") in await work(home)


async def test_an_unknown_child_is_read_and_a_child_that_is_not_shown_any_more_is_suspect(
    home: Remembering,
) -> None:
    await applied(home, Batch(records=[page("p"), page("old", "p"), page("kept", "p")]))
    await applied(home, read("p", children=((Kind.PAGE, "kept"), (Kind.DATABASE, "new"))))
    found = await work(home)
    assert found["object", "database:new"] == Reason.CHILD
    assert found["object", "page:old"] == Reason.SUSPECT
    assert ("object", "page:kept") not in found


async def test_where_everything_is_listed_the_sweep_finds_what_is_absent(home: Remembering) -> None:
    await applied(home, Batch(records=[page("p"), page("old", "p")]), policy=FULL)
    await applied(home, read("p"), policy=FULL)
    assert ("object", "page:old") not in await work(home)


async def test_a_pull_of_named_pages_looks_at_nothing_else(home: Remembering) -> None:
    named = replace(INCREMENTAL, pages=("p",))
    await applied(home, Batch(records=[page("p"), page("old", "p")]), policy=named)
    await work(home)
    await applied(home, read("p", children=((Kind.PAGE, "new"),)), policy=named)
    assert await work(home) == {}


async def test_a_child_in_a_block_hangs_below_the_page_that_shows_it(home: Remembering) -> None:
    await applied(home, Batch(records=[page("p"), page("child", "block")]))
    await applied(home, read("p", children=((Kind.PAGE, "child"),)))
    assert (await home.held())[Kind.PAGE, "child"].place == "p"


async def test_what_is_gone_takes_its_work_along_and_makes_suspects_of_what_hung_below(
    home: Remembering,
) -> None:
    policy = replace(INCREMENTAL, comments=True)
    await applied(home, Batch(records=[page("p"), page("below", "p")]), policy=policy)
    properties = Item(Work.PROPERTIES, "p", 2, Reason.NEW, payload={})
    entry = Entry("p", None, "content", 500, "internal_server_error", "down")
    await applied(home, Batch(add=[properties], entries=[entry]), policy=policy)
    await applied(home, Batch(lost=[((Kind.PAGE, "p"), Deletion.TRASHED)]), policy=policy)
    assert (await home.held())[Kind.PAGE, "p"].deletion is Deletion.TRASHED
    assert await work(home) == {
        ("content", "below"): Reason.NEW,
        ("comments", "below"): Reason.NEW,
        ("object", "page:below"): Reason.SUSPECT,
    }
    assert await home.ledger() == []


async def test_a_suspect_that_is_not_held_needs_no_read(home: Remembering) -> None:
    told = await applied(home, Batch(suspects=[(Kind.PAGE, "nobody")]))
    assert (told.news, await work(home)) == (frozenset(), {})


async def test_a_suspect_that_is_held_is_news(home: Remembering) -> None:
    await applied(home, Batch(records=[page("p")]))
    told = await applied(home, Batch(suspects=[(Kind.PAGE, "p")] * 2))
    assert told.news == {(Kind.PAGE, "p")}
    assert (await work(home))["object", "page:p"] == Reason.SUSPECT


async def test_what_was_never_held_stays_in_the_ledger_while_it_cannot_be_read(home: Remembering) -> None:
    linked, held = (
        Entry("linked", None, "object", 0, "unread", "No."),
        Entry("p", None, "content", 404, "x", "No."),
    )
    await applied(home, Batch(records=[page("p")], entries=[linked, held]))
    lost = [((Kind.DATABASE, "linked"), Deletion.UNREACHABLE), ((Kind.PAGE, "p"), Deletion.TRASHED)]

    await applied(home, Batch(lost=lost, entries=[linked]))
    await applied(home, Batch(lost=lost[:1]))

    assert [(entry.page, entry.attempts) for entry in await home.ledger()] == [("linked", 2)]


async def test_a_batch_that_fails_changes_nothing(home: Remembering) -> None:
    await applied(home, Batch(records=[page("p")]))
    held, left = await home.held(), await home.frontier()
    unstaged = replace(read("p"), lists=[])
    with pytest.raises(ValueError, match="staged"):
        await applied(home, replace(unstaged, records=[page("q")], suspects=[(Kind.PAGE, "p")]))
    assert (await home.held(), await home.frontier()) == (held, left)
