"""How a pull begins: it takes up what fits, and never loses what another left."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from tests.engine.remembering import HOME, NOON, Remembering

from syncline.core.change import Policy
from syncline.core.errors import BadInput, NotFound, Refused, SynclineError, Unreachable
from syncline.core.model import Fidelity, Kind, Mode, Unread
from syncline.engine.begin import Request, decide, named
from syncline.engine.pull import History, Watermark, load_pull
from syncline.engine.worklist import Work
from syncline.sources.base import Found, Unreadable
from syncline.store.database import Database
from syncline.store.frontier import State

LAST = Watermark(NOON, Fidelity.MARKDOWN, comments=True)
READ = History(LAST, held=True)


@pytest_asyncio.fixture
async def home(sqlite_database: Database) -> Remembering:
    home = Remembering(sqlite_database)
    await home.connect()
    for number in range(3):
        home.write(f"p{number}", f"text {number}")
    home.pass_time(hours=1)
    return home


async def left(home: Remembering, request: Request | None = None, *, at: str = "p1") -> None:
    """A pull that ended in the middle: a page could not be read, and the token was withdrawn."""
    home.source.errors[at] = Refused("no")
    with suppress(Refused):
        await home.pull(request)
    home.source.errors.clear()


# --- what a pull reads ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "before", "policy"),
    [
        (Request(), History(), Policy(Mode.FULL, Fidelity.BLOCKS)),
        (Request(mode=Mode.INCREMENTAL), History(), Policy(Mode.FULL, Fidelity.BLOCKS)),
        (Request(mode=Mode.RECONCILE), History(), Policy(Mode.FULL, Fidelity.BLOCKS)),
        # What is held need not be read again because another selection was read before.
        (Request(), History(held=True), Policy(Mode.RECONCILE, Fidelity.BLOCKS)),
        (Request(roots=("p",)), History(held=True), Policy(Mode.RECONCILE, Fidelity.BLOCKS, (), ("p",))),
        (Request(mode=Mode.FULL), History(held=True), Policy(Mode.FULL, Fidelity.BLOCKS)),
        # As the pulls before it.
        (Request(), READ, Policy(Mode.INCREMENTAL, Fidelity.MARKDOWN, comments=True)),
        (Request(mode=Mode.RECONCILE), READ, Policy(Mode.RECONCILE, Fidelity.MARKDOWN, comments=True)),
        (Request(mode=Mode.FULL), READ, Policy(Mode.FULL, Fidelity.MARKDOWN, comments=True)),
        # What was not read before has to be looked for everywhere.
        (Request(fidelity=Fidelity.BLOCKS), READ, Policy(Mode.RECONCILE, Fidelity.BLOCKS, comments=True)),
        (Request(comments=False), READ, Policy(Mode.RECONCILE, Fidelity.MARKDOWN)),
        # Named pages are read whatever was read before.
        (Request(pages=("p",)), History(), Policy(Mode.INCREMENTAL, Fidelity.BLOCKS, ("p",))),
        (Request(pages=("p",)), READ, Policy(Mode.INCREMENTAL, Fidelity.MARKDOWN, ("p",), comments=True)),
        (Request(roots=("p",)), History(), Policy(Mode.FULL, Fidelity.BLOCKS, (), ("p",))),
    ],
)
def test_how_a_pull_reads(request_: Request, before: History, policy: Policy) -> None:
    assert decide(request_, before) == policy


@pytest.mark.parametrize(
    "request_", [Request(pages=("p",), roots=("q",)), Request(roots=("q",), fidelity=Fidelity.PROPERTIES)]
)
def test_what_does_not_fit_together_is_refused(request_: Request) -> None:
    with pytest.raises(BadInput):
        decide(request_, History())


# --- what was named ---------------------------------------------------------------------------------------


async def test_what_was_named_is_found_whatever_it_is(home: Remembering) -> None:
    home.source.put(Kind.DATA_SOURCE, "d", stream="data_sources")
    home.source.errors["page:d"] = Unreadable(Unread("d", 400, "validation_error", "It is a data source."))
    found = await named(home.source, "d", (Kind.PAGE, Kind.DATABASE, Kind.DATA_SOURCE))
    assert isinstance(found, Found)
    assert [record.kind for record in found.records] == [Kind.DATA_SOURCE]


@pytest.mark.parametrize(
    ("request_", "errors", "error"),
    [
        (Request(pages=("p0", "nowhere")), {}, NotFound),
        (Request(roots=("nowhere",)), {}, NotFound),
        (Request(pages=("p0",)), {"page:p0": Unreachable("down")}, Unreachable),
        (Request(pages=("p0",)), {"page:p0": Refused("no")}, Refused),
    ],
)
@pytest.mark.parametrize("before", ["nothing", "a pull that was left behind"])
async def test_a_pull_that_cannot_begin_writes_nothing(
    home: Remembering,
    request_: Request,
    errors: dict[str, Exception],
    error: type[SynclineError],
    before: str,
) -> None:
    if before != "nothing":
        await left(home)
    home.source.errors.update(errors)
    held, work, pull = await home.held(), await home.frontier(), await under_way(home)
    with pytest.raises(error):
        await home.begin(request_)
    assert (await home.held(), await home.frontier(), await under_way(home)) == (held, work, pull)


async def under_way(home: Remembering) -> Any:
    async with home.database.read() as conn:
        return await load_pull(conn, HOME)


# --- what was left behind ---------------------------------------------------------------------------------


async def test_a_pull_that_was_left_behind_is_taken_up_without_a_request(home: Remembering) -> None:
    await left(home)
    before, asked = await under_way(home), len(home.source.asked)
    assert await home.begin() == before
    assert len(home.source.asked) == asked
    await home.pull()
    assert "every" not in home.source.asked
    assert set(await home.documents()) == {"p0", "p1", "p2"}


async def test_beginning_twice_begins_once(home: Remembering) -> None:
    first = await home.begin()
    work = await home.frontier()
    assert await home.begin() == first
    assert await home.frontier() == work


@pytest.mark.parametrize(
    ("request_", "taken_up"),
    [
        (Request(), True),
        (Request(mode=Mode.FULL), True),
        (Request(fidelity=Fidelity.BLOCKS), True),
        (Request(comments=False), True),
        (Request(fidelity=Fidelity.MARKDOWN), False),
        (Request(comments=True), False),
        (Request(pages=("p0",)), False),
        (Request(roots=("p0",)), False),
    ],
)
async def test_only_a_pull_that_reads_the_same_is_taken_up(
    home: Remembering, request_: Request, *, taken_up: bool
) -> None:
    await left(home)
    before = await under_way(home)
    assert ((await home.begin(request_)).id == before.id) is taken_up


async def test_a_pull_of_named_pages_reads_those_alone_and_sets_the_rest_aside(home: Remembering) -> None:
    await left(home, at="p0")
    assert "p0" not in await home.documents()
    await home.pull(Request(pages=("p2",)))
    assert home.source.asked == ["page:p2", "p2"]
    assert (await home.frontier())[Work.CONTENT, State.PARKED] > 0
    assert "p0" not in await home.documents()
    await home.pull()
    assert set(await home.documents()) == {"p0", "p1", "p2"}
    assert await home.frontier() == {}


async def test_what_an_abandoned_incremental_pull_had_found_is_read_by_the_next(home: Remembering) -> None:
    """Its listing told of the edit. The next pull's listing may not: it breaks off at what is known."""
    await home.pull()
    home.pass_time(hours=1)
    home.write("p1", "another text")
    home.pass_time(hours=1)
    await left(home, at="p1")
    await home.pull(Request(pages=("p0",)))
    await home.pull()
    assert await home.texts("p1") == ["another text"]


async def test_a_page_that_failed_is_tried_again_by_the_next_pull(home: Remembering) -> None:
    home.source.errors["p1"] = Unreachable("down")
    await home.pull()
    assert set(await home.documents()) == {"p0", "p2"}
    assert await home.frontier() == {(Work.CONTENT, State.PARKED): 1}
    home.source.errors.clear()
    await home.pull()
    assert home.source.asked.count("p1") == 1
    assert set(await home.documents()) == {"p0", "p1", "p2"}
    assert await home.ledger() == []


async def test_the_listings_of_an_abandoned_pull_are_not_walked(home: Remembering) -> None:
    await home.begin(Request(fidelity=Fidelity.MARKDOWN))
    await home.pull(Request(pages=("p0",)))
    assert home.source.asked == ["page:p0", "p0"]


async def test_an_incremental_pull_looks_from_the_watermark_on(home: Remembering) -> None:
    await home.pull()
    pull = await home.begin()
    assert pull.policy.mode is Mode.INCREMENTAL
    assert pull.since == home.source.time.replace(second=0) - timedelta(minutes=1)
    assert (pull.began_at, pull.started_at) == (home.source.time, home.source.time)


async def test_each_selection_has_a_watermark_of_its_own(home: Remembering) -> None:
    await home.pull(Request(roots=("p0",)))
    assert (await home.begin(Request(roots=("p0",)))).policy.mode is Mode.INCREMENTAL
    assert (await home.begin(Request(roots=("p1",)))).policy.mode is Mode.RECONCILE
    assert (await home.begin()).policy.mode is Mode.RECONCILE
