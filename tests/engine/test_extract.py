"""The laws of the pull, each against an emulated workspace, on both databases."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine
from sqlalchemy.event import listen, remove
from tests.engine.pulling import Make, Pulling

from notion_emulator.rich_text import plain
from syncline.core.errors import Cancelled, Refused, TooManyDeletions, Unreachable
from syncline.core.model import Deletion, DocumentState, Fidelity, Kind, Mode
from syncline.engine.begin import Request
from syncline.engine.extract import Limits

USERS = 1
"""Requests for the list of users, which a pull of everything makes besides the bound."""

EVERYTHING = {
    "pages": 30,
    "rows": 130,
    "blocks": 1500,
    "depth": 6,
    "data_sources": 2,
    "long_pages": 1,
    "relations": 2,
    "synced": 1,
    "unsupported": 2,
    "novel": 2,
}


def content_markers(pulling: Pulling) -> set[str]:
    return {marker.text for marker in pulling.emulator.seeded.markers if marker.kind != "comment"}


# --- requests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fidelity", "bound"),
    [
        (Fidelity.BLOCKS, "blocks_bound"),
        (Fidelity.MARKDOWN, "markdown_bound"),
        (Fidelity.PROPERTIES, "properties_bound"),
    ],
)
async def test_a_full_pull_makes_the_least_number_of_requests(
    make: Make, fidelity: Fidelity, bound: str
) -> None:
    pulling = await make(pages=30, rows=230, blocks=1500, depth=5, data_sources=2, long_pages=1)
    progress = await pulling.pull(Request(fidelity=fidelity))
    least = getattr(pulling.emulator.seeded.figures, bound) + USERS
    assert pulling.asked() == least
    assert progress.requests == {"made": least, "bound": least, "rate_limited": 0}
    assert progress.pages["seen"] == progress.pages["added"] == pulling.emulator.seeded.figures.pages


async def test_an_idle_pull_makes_two_requests_at_any_size(make: Make) -> None:
    pulling = await make(pages=150, rows=300, blocks=500, data_sources=3)
    await pulling.pull()
    progress = await pulling.pull()
    assert pulling.asked() == 2
    assert progress.pages["added"] == progress.pages["updated"] == progress.pages["deleted"] == 0
    assert progress.pages["seen"] == progress.pages["unchanged"] == 450


@pytest.mark.parametrize("pages", [10, 200])
async def test_an_idle_pull_costs_few_statements_at_any_size(make: Make, pages: int) -> None:
    pulling = await make(pages=pages, rows=0, blocks=pages, data_sources=0)
    await pulling.pull()
    pulling.pass_time(hours=1)
    await pulling.pull()
    pulling.pass_time(hours=1)
    with statements() as said:
        await pulling.pull()

    assert 0 < len(said) <= 50, said


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is said to any database within the block, without what begins and ends transactions."""
    said: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    listen(Engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        remove(Engine, "before_cursor_execute", note)


async def test_an_edited_page_costs_the_poll_and_its_own_content(make: Make) -> None:
    pulling = await make(pages=20, rows=40, blocks=300, depth=3)
    await pulling.pull()
    world = pulling.emulator.world
    page = next(page for page in world.pages.values() if page.parent_kind == "data_source")
    pulling.pass_time(minutes=10)
    nested = sum(1 for block in _blocks(pulling, page.id) if world.has_children(block))
    world.update_page(page, properties={"title": plain("Edited")})
    pulling.pass_time(minutes=2)
    progress = await pulling.pull()
    polls = 2
    assert pulling.asked() == polls + 1 + nested
    assert progress.pages["updated"] == 1
    assert (await pulling.pages())[page.id].title == "Edited"


def _blocks(pulling: Pulling, page: str) -> list[Any]:
    world = pulling.emulator.world
    found: list[Any] = []
    waiting: list[Any] = [world.pages[page]]
    while waiting:
        children = [node for node in world.alive(waiting.pop()) if node.kind == "block"]
        found += children
        waiting += children
    return found


async def test_an_edited_hub_page_reads_none_of_its_children(make: Make) -> None:
    pulling = await make(pages=60, rows=200, blocks=200, depth=1, data_sources=2)
    await pulling.pull()
    pulling.pass_time(minutes=10)
    root = pulling.emulator.seeded.root
    pulling.emulator.world.update_page(root, properties={"title": plain("Hub")})
    pulling.pass_time(minutes=2)
    await pulling.pull()
    assert pulling.asked() <= 4


async def test_a_trashed_page_is_found_with_three_requests(make: Make) -> None:
    pulling = await make(pages=20, rows=40, blocks=100, depth=1)
    await pulling.pull()
    pulling.pass_time(minutes=10)
    row = next(page for page in pulling.emulator.world.pages.values() if page.parent_kind == "data_source")
    pulling.emulator.world.trash(row)
    pulling.pass_time(minutes=2)
    progress = await pulling.pull()
    assert pulling.asked() == 3
    assert progress.pages["deleted"] == 1
    assert (await pulling.held(Kind.PAGE))[row.id].deletion is Deletion.TRASHED


async def test_a_reconcile_of_an_unchanged_workspace_only_lists(make: Make) -> None:
    pulling = await make(pages=60, rows=230, blocks=200, data_sources=2)
    await pulling.pull()
    progress = await pulling.pull(Request(mode=Mode.RECONCILE))
    assert pulling.asked() == pulling.emulator.seeded.figures.properties_bound + USERS
    assert progress.pages["unchanged"] == pulling.emulator.seeded.figures.pages


# --- law 1: complete or marked ----------------------------------------------------------------------------


@pytest.mark.parametrize("fidelity", [Fidelity.BLOCKS, Fidelity.MARKDOWN])
async def test_every_marker_arrives(make: Make, fidelity: Fidelity) -> None:
    pulling = await make(**{**EVERYTHING, "synced": 0, "novel": 0 if fidelity is Fidelity.MARKDOWN else 2})
    await pulling.pull(Request(fidelity=fidelity))
    assert content_markers(pulling) - await pulling.markers() == set()
    assert await pulling.ledger() == []


async def test_a_refused_block_is_marked_where_it_stands_and_listed(make: Make) -> None:
    pulling = await make(**EVERYTHING)
    progress = await pulling.pull()
    entries = await pulling.ledger()
    assert [(entry.status, entry.code) for entry in entries] == [(404, "object_not_found")]
    document = (await pulling.documents())[entries[0].page]
    assert document.state is DocumentState.MARKED
    assert [unread.block for unread in document.unread] == [entries[0].block]
    assert progress.pages["incomplete"] == 1


async def test_a_failing_page_keeps_its_content_and_stays_on_the_frontier(make: Make) -> None:
    pulling = await make(pages=5, rows=0, blocks=120, depth=3, data_sources=0)
    await pulling.pull()
    before = await pulling.documents()
    world = pulling.emulator.world
    page = next(
        page
        for page in world.pages.values()
        if any(world.has_children(block) for block in _blocks(pulling, page.id))
    )
    inner = next(block for block in _blocks(pulling, page.id) if world.has_children(block))
    pulling.pass_time(minutes=10)
    world.update_page(page, properties={"title": plain("Edited")})
    for block in _blocks(pulling, inner.id) if inner.id in world.pages else []:
        world.touch(block)
    fault = pulling.emulator.faults.add(500, path=f"/v1/blocks/{inner.id}/children")
    pulling.pass_time(minutes=2)
    progress = await pulling.pull()
    assert progress.pages["incomplete"] == 1
    assert (await pulling.documents())[page.id] == before[page.id]
    assert [(entry.page, entry.status, entry.code) for entry in await pulling.ledger()] == [
        (page.id, 500, "internal_server_error")
    ]
    pulling.emulator.faults.active.remove(fault)
    progress = await pulling.pull()
    assert progress.pages["incomplete"] == 0
    assert await pulling.ledger() == []


# --- law 3: the frontier is in the store ------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
async def test_a_death_at_any_moment_costs_the_requests_in_flight(make: Make, seed: int) -> None:
    pulling = await make(pages=20, rows=60, blocks=600, depth=5, long_pages=1)
    least = pulling.emulator.seeded.figures.blocks_bound + USERS
    extraction = await pulling.start()
    task = asyncio.create_task(extraction.advance(60))
    await pulling.reached(least * (seed + 1) // 7, task)
    assert extraction._main is not None
    extraction._main.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await pulling.close()
    made = pulling.emulator.requests.total
    await pulling.pull()
    assert made + pulling.asked() <= least + pulling.limits.width
    assert content_markers(pulling) - await pulling.markers() == set()


async def test_a_stopped_pull_is_taken_up_by_the_next(make: Make) -> None:
    pulling = await make(pages=20, rows=60, blocks=600, depth=5)
    least = pulling.emulator.seeded.figures.blocks_bound + USERS
    extraction = await pulling.start()
    task = asyncio.create_task(extraction.advance(60))
    await pulling.reached(least // 2, task)
    await extraction.stop()
    with pytest.raises(Cancelled):
        await task
    await pulling.close()
    made = pulling.emulator.requests.total
    progress = await pulling.pull()
    assert made + pulling.asked() == least
    assert progress.pages["seen"] == pulling.emulator.seeded.figures.pages


class Stuck(httpx2.AsyncBaseTransport):
    """Never answers about one block."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, block: str) -> None:
        self.inner = inner
        self.block = block

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.block in request.url.path:
            await asyncio.Event().wait()
        return await self.inner.handle_async_request(request)


async def test_an_edit_between_a_death_and_what_was_staged_before_it_is_not_lost(make: Make) -> None:
    pulling = await make(pages=2, rows=0, data_sources=0, blocks=0)
    world, page = pulling.emulator.world, pulling.emulator.seeded.root
    world.add_block(page, "paragraph", {"rich_text": plain("before"), "color": "default"})
    toggle = world.add_block(page, "toggle", {"rich_text": plain("toggle"), "color": "default"})
    world.add_block(toggle, "paragraph", {"rich_text": plain("inside"), "color": "default"})
    await pulling.pull()
    pulling.pass_time(minutes=10)
    world.touch(page)
    pulling.wrap = lambda inner: Stuck(inner, toggle.id)
    extraction = await pulling.start()
    task = asyncio.create_task(extraction.advance(60))
    await pulling.begun()
    assert extraction._main is not None
    extraction._main.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await pulling.close()
    pulling.wrap = None
    pulling.pass_time(seconds=20)
    world.add_block(page, "paragraph", {"rich_text": plain("after"), "color": "default"})
    world.touch(page)
    pulling.pass_time(hours=1)
    await pulling.pull()
    await pulling.pull()
    assert "after" in repr((await pulling.documents())[page.id].lists)


# --- law 4: discovery is a union --------------------------------------------------------------------------


@pytest.mark.parametrize("fidelity", [Fidelity.BLOCKS, Fidelity.MARKDOWN])
async def test_pages_that_search_omits_are_found(make: Make, fidelity: Fidelity) -> None:
    pulling = await make(pages=40, rows=120, blocks=300, depth=2, data_sources=2)
    world, root = pulling.emulator.world, pulling.emulator.seeded.root
    omitted = [key for key in (*world.pages, *world.data_sources) if key != root.id][::3]
    pulling.emulator.settings.search_omits_ids = set(omitted)
    await pulling.pull(Request(fidelity=fidelity))
    assert content_markers(pulling) - await pulling.markers() == set()
    assert await pulling.ledger() == []


# --- law 5: properties first ------------------------------------------------------------------------------


async def test_all_properties_are_there_before_any_content_is_read(make: Make) -> None:
    pulling = await make(pages=30, rows=230, blocks=300, data_sources=2)
    await pulling.pull()
    paths = [entry.path for entry in pulling.emulator.requests]
    first = next(index for index, path in enumerate(paths) if path.endswith("/children"))
    assert first == pulling.emulator.seeded.figures.properties_bound + USERS
    assert all(path.endswith("/children") for path in paths[first:])


# --- law 6: the watermark ---------------------------------------------------------------------------------


async def test_a_second_edit_in_the_same_minute_arrives_with_the_next_pull(make: Make) -> None:
    pulling = await make(pages=5, rows=5, blocks=50)
    await pulling.pull()
    page = pulling.emulator.seeded.root
    for number in range(20):
        pulling.pass_time(seconds=7)
        pulling.emulator.world.add_block(
            page, "paragraph", {"rich_text": plain(f"edit {number}"), "color": "default"}
        )
        pulling.emulator.world.touch(page)
        await pulling.pull()
        document = (await pulling.documents())[page.id]
        assert f"edit {number}" in repr(document.lists)


async def test_an_edit_that_search_shows_late_arrives(make: Make) -> None:
    pulling = await make(pages=5, rows=5, blocks=50)
    await pulling.pull()
    pulling.pass_time(hours=1)
    pulling.emulator.settings.search_lag = 600
    pulling.emulator.world.update_page(pulling.emulator.seeded.root, properties={"title": plain("Late")})
    for _ in range(4):
        pulling.pass_time(minutes=3)
        await pulling.pull()
    assert (await pulling.pages())[pulling.emulator.seeded.root.id].title == "Late"


# --- law 7: the hash is canonical -------------------------------------------------------------------------


async def test_reading_everything_again_changes_nothing(make: Make) -> None:
    pulling = await make(**EVERYTHING)
    await pulling.pull()
    before = await pulling.state()
    pulling.pass_time(days=1)
    progress = await pulling.pull(Request(mode=Mode.FULL))
    assert progress.pages["updated"] == progress.pages["added"] == 0
    assert progress.pages["unchanged"] == progress.pages["seen"]
    assert await pulling.state() == before


# --- law 8: a deletion is confirmed -----------------------------------------------------------------------


async def test_pages_that_search_omits_later_are_not_deleted(make: Make) -> None:
    pulling = await make(pages=60, rows=0, blocks=100, data_sources=0)
    await pulling.pull()
    pulling.emulator.settings.search_omits = 0.2
    progress = await pulling.pull(Request(mode=Mode.RECONCILE))
    assert progress.pages["deleted"] == 0
    assert pulling.asked("/v1/pages/") > 0


async def test_unshared_and_trashed_pages_are_deleted_after_a_direct_read(make: Make) -> None:
    pulling = await make(pages=20, rows=20, blocks=50)
    await pulling.pull()
    pulling.pass_time(hours=2)
    world = pulling.emulator.world
    rows = [page for page in world.pages.values() if page.parent_kind == "data_source"]
    world.unshare(pulling.emulator.connection, rows[0].id)
    world.trash(rows[1])
    progress = await pulling.pull(Request(mode=Mode.RECONCILE))
    held = await pulling.held(Kind.PAGE)
    assert held[rows[0].id].deletion is Deletion.UNREACHABLE
    assert held[rows[1].id].deletion is Deletion.TRASHED
    assert progress.pages["deleted"] == 2
    assert pulling.asked("/v1/pages/") == 2


async def test_a_trashed_subtree_goes_and_comes_back(make: Make) -> None:
    pulling = await make(pages=40, rows=20, blocks=100)
    await pulling.pull()
    before = await pulling.state()
    pulling.pass_time(hours=1)
    world = pulling.emulator.world
    branch = next(page for page in world.alive(pulling.emulator.seeded.root) if page.kind == "page")
    world.trash(branch)
    pulling.pass_time(minutes=2)
    await pulling.pull()
    await pulling.pull(Request(mode=Mode.RECONCILE))
    live = await pulling.pages()
    assert branch.id not in live
    assert set(live) == {page.id for page in world.pages.values() if not world.in_trash(page)}
    world.restore(branch)
    pulling.pass_time(minutes=2)
    await pulling.pull()
    await pulling.pull(Request(mode=Mode.RECONCILE))
    assert set(await pulling.pages()) == {key for (kind, key) in before[0] if kind is Kind.PAGE}


@pytest.mark.parametrize("mode", [None, Mode.RECONCILE, Mode.FULL])
async def test_a_trashed_database_goes_with_all_that_is_in_it(make: Make, mode: Mode | None) -> None:
    pulling = await make(pages=20, rows=20, blocks=50, data_sources=2)
    await pulling.pull()
    pulling.pass_time(hours=1)
    world = pulling.emulator.world
    gone = next(iter(await pulling.held(Kind.DATABASE)))
    world.trash(world.nodes[gone])
    pulling.pass_time(minutes=2)
    await pulling.pull(Request(mode=mode))
    for kind in (Kind.DATABASE, Kind.DATA_SOURCE, Kind.PAGE):
        live = {key for key, one in (await pulling.held(kind)).items() if one.deleted_at is None}
        assert live == {key for key in live if not world.in_trash(world.nodes[key])}
    assert (await pulling.held(Kind.DATABASE))[gone].deletion is Deletion.TRASHED


@pytest.mark.parametrize("mode", [None, Mode.RECONCILE, Mode.FULL])
async def test_a_linked_database_that_is_not_shown_any_more_goes(make: Make, mode: Mode | None) -> None:
    pulling = await make(pages=20, rows=20, blocks=50)
    world = pulling.emulator.world
    linked = world.create_database(pulling.emulator.seeded.root, "Linked")
    await pulling.pull()
    assert (await pulling.held(Kind.DATABASE))[linked.id].deleted_at is None
    pulling.pass_time(hours=1)
    world.trash(linked)
    pulling.pass_time(minutes=2)
    await pulling.pull(Request(mode=mode))
    assert (await pulling.held(Kind.DATABASE))[linked.id].deletion is Deletion.TRASHED


async def test_too_many_absences_stop_the_pull_and_delete_nothing(make: Make) -> None:
    pulling = await make(pages=60, rows=60, blocks=100, data_sources=1)
    await pulling.pull()
    world = pulling.emulator.world
    for page in list(world.pages.values()):
        if page.parent_kind == "data_source":
            world.trash(page)
    await pulling.fail(TooManyDeletions, Request(mode=Mode.RECONCILE))
    assert len(await pulling.pages()) == 120
    pulling.limits = Limits(deletions=1.0)
    progress = await pulling.pull(Request(mode=Mode.RECONCILE))
    assert progress.pages["deleted"] == 60


# --- law 9: caps and truncation ---------------------------------------------------------------------------


@pytest.mark.parametrize("pace", [60_000, 1])
async def test_rows_beyond_the_cap_are_listed(make: Make, pace: int) -> None:
    pulling = await make(pages=2, rows=250, blocks=10, data_sources=1, pace=pace)
    pulling.emulator.settings.result_cap = 100
    pulling.emulator.settings.search_omits_ids = {
        page.id for page in pulling.emulator.world.pages.values() if page.parent_kind == "data_source"
    }
    await pulling.pull(Request(fidelity=Fidelity.PROPERTIES))
    assert len(await pulling.pages()) == 252
    assert await pulling.ledger() == []


async def test_values_beyond_25_items_are_completed(make: Make) -> None:
    pulling = await make(pages=2, rows=130, blocks=20, data_sources=2, relations=2)
    await pulling.pull()
    longest = max(
        len(value["relation"])
        for page in (await pulling.pages()).values()
        for value in page.data["properties"].values()
        if value["type"] == "relation"
    )
    assert longest == 60
    before = await pulling.state()
    progress = await pulling.pull(Request(mode=Mode.RECONCILE))
    assert progress.pages["updated"] == 0
    assert await pulling.state() == before


async def test_the_page_size_shrinks_where_notion_is_strained(make: Make) -> None:
    pulling = await make(pages=5, rows=150, blocks=20)
    pulling.emulator.faults.add(503, path="query", count=2)
    await pulling.pull()
    assert len(await pulling.pages()) == 155


# --- laws 10, 11, 13: refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("what", [409, 429, 500, 502, 503, 504, 529, "timeout", "reset", "truncated"])
async def test_two_percent_of_any_fault_lose_nothing(make: Make, what: int | str) -> None:
    pulling = await make(pages=30, rows=100, blocks=800, depth=4)
    pulling.emulator.faults.add(what, probability=0.02)
    await pulling.pull()
    assert content_markers(pulling) - await pulling.markers() == set()
    assert await pulling.ledger() == []


async def test_a_refused_token_stops_the_pull(make: Make) -> None:
    pulling = await make(pages=5, rows=0, data_sources=0, blocks=10)
    pulling.emulator.faults.add(401)
    error = await pulling.fail(Refused)
    assert "token" in str(error)


async def test_a_notion_that_is_down_ends_the_pull_and_the_next_goes_on(make: Make) -> None:
    pulling = await make(pages=40, rows=0, data_sources=0, blocks=300)
    fault = pulling.emulator.faults.add(500, path="/children", skip=20)
    await pulling.fail(Unreachable)
    pulling.emulator.faults.active.remove(fault)
    await pulling.pull()
    assert pulling.asked("search") == 0
    assert content_markers(pulling) - await pulling.markers() == set()
    assert await pulling.ledger() == []


async def test_dead_cursors_begin_the_listing_again(make: Make) -> None:
    pulling = await make(pages=150, rows=150, blocks=20)
    fault = pulling.emulator.faults.add(
        400, path="/v1/search", skip=1, count=1, message="The start_cursor provided is invalid: dead"
    )
    await pulling.pull()
    assert fault.hits == 1
    assert len(await pulling.pages()) == 300
    assert await pulling.ledger() == []


class Circle(httpx2.AsyncBaseTransport):
    """Answers the second page of every search with the cursor that led to it."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, change: Callable[[dict[str, Any]], None]) -> None:
        self.inner = inner
        self.change = change

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self.inner.handle_async_request(request)
        if not request.url.path.endswith("/search"):
            return response
        body = json.loads(await response.aread())
        self.change(body)
        return httpx2.Response(response.status_code, json=body)


async def test_a_listing_that_goes_in_circles_is_an_error(make: Make) -> None:
    pulling = await make(pages=250, rows=0, data_sources=0, blocks=0)

    cursors: list[str] = []

    def circle(body: dict[str, Any]) -> None:
        cursors.append(body["next_cursor"])
        body["has_more"], body["next_cursor"] = True, cursors[0]

    pulling.wrap = lambda inner: Circle(inner, circle)
    error = await pulling.fail(Unreachable)
    assert "never end" in str(error)


# --- selection --------------------------------------------------------------------------------------------


async def test_named_pages_are_read_alone(make: Make) -> None:
    pulling = await make(pages=20, rows=20, blocks=200, depth=1)
    page = pulling.emulator.seeded.root.id
    progress = await pulling.pull(Request(pages=(page,)))
    assert set(await pulling.pages()) == {page}
    assert pulling.asked() == 2
    assert progress.pages["seen"] == 1


async def test_named_pages_delete_nothing_and_move_no_watermark(make: Make) -> None:
    pulling = await make(pages=20, rows=20, blocks=200)
    await pulling.pull()
    pulling.pass_time(hours=1)
    world = pulling.emulator.world
    row = next(page for page in world.pages.values() if page.parent_kind == "data_source")
    world.trash(row)
    await pulling.pull(Request(pages=(pulling.emulator.seeded.root.id,)))
    assert row.id in await pulling.pages()
    pulling.pass_time(minutes=2)
    progress = await pulling.pull()
    assert progress.pages["deleted"] == 1


async def test_a_selected_subtree_is_read_alone_with_children_added_later(make: Make) -> None:
    pulling = await make(pages=40, rows=60, blocks=300, depth=3, data_sources=3)
    world = pulling.emulator.world
    branch = next(page for page in world.alive(pulling.emulator.seeded.root) if page.kind == "page")
    inside = {
        page.id
        for page in world.pages.values()
        if page.id == branch.id or branch.id in {node.id for node in world.lineage(page)}
    }
    await pulling.pull(Request(roots=(branch.id,)))
    assert set(await pulling.pages()) == inside
    pulling.pass_time(hours=1)
    added = world.create_page(branch, "Added later")
    world.create_page(pulling.emulator.seeded.root, "Outside")
    world.touch(branch)
    pulling.pass_time(minutes=2)
    await pulling.pull(Request(roots=(branch.id,)))
    assert set(await pulling.pages()) == inside | {added.id}


async def test_a_page_that_leaves_the_selected_subtree_goes(make: Make) -> None:
    pulling = await make(pages=40, rows=0, blocks=100, data_sources=0)
    world = pulling.emulator.world
    branch = next(page for page in world.alive(pulling.emulator.seeded.root) if page.kind == "page")
    added = world.create_page(branch, "Will move")
    await pulling.pull(Request(roots=(branch.id,)))
    assert added.id in await pulling.pages()
    pulling.pass_time(hours=1)
    world.move(added, pulling.emulator.seeded.root)
    pulling.pass_time(minutes=2)
    await pulling.pull(Request(mode=Mode.RECONCILE, roots=(branch.id,)))
    assert (await pulling.held(Kind.PAGE))[added.id].deletion is Deletion.OUT_OF_SCOPE


# --- comments ---------------------------------------------------------------------------------------------


async def test_comments_are_read_when_asked_for(make: Make) -> None:
    pulling = await make(pages=10, rows=0, blocks=50, data_sources=0, comments=8)
    await pulling.pull()
    assert await pulling.held(Kind.COMMENT) == {}
    await pulling.pull(Request(comments=True))
    assert len(await pulling.held(Kind.COMMENT)) == 8


async def test_changing_the_fidelity_reads_the_content_again(make: Make) -> None:
    pulling = await make(pages=10, rows=10, blocks=50)
    await pulling.pull(Request(fidelity=Fidelity.PROPERTIES))
    assert await pulling.documents() == {}
    await pulling.pull(Request(fidelity=Fidelity.MARKDOWN))
    assert {one.fidelity for one in (await pulling.documents()).values()} == {Fidelity.MARKDOWN}
    await pulling.pull()
    assert pulling.asked() == 2


class Tide(httpx2.AsyncBaseTransport):
    """Search that tells the same pages for ever, under ever new cursors."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self.inner = inner
        self.answers = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/search"):
            body = json.loads(await request.aread())
            body.pop("start_cursor", None)
            headers = [(name, value) for name, value in request.headers.items() if name != "content-length"]
            request = httpx2.Request(request.method, request.url, headers=headers, json=body)
        response = await self.inner.handle_async_request(request)
        if not request.url.path.endswith("/search"):
            return response
        self.answers += 1
        told = json.loads(await response.aread())
        told["has_more"], told["next_cursor"] = True, f"00000000-0000-4000-8000-{self.answers:012}"
        return httpx2.Response(response.status_code, json=told)


async def test_a_listing_that_never_ends_is_an_error(make: Make) -> None:
    pulling = await make(pages=150, rows=0, data_sources=0, blocks=0)
    pulling.wrap = Tide
    error = await pulling.fail(Unreachable)
    assert "never end" in str(error)


async def test_a_reconcile_completes_no_value_that_still_stands(make: Make) -> None:
    pulling = await make(pages=2, rows=130, blocks=20, data_sources=2, relations=2)
    await pulling.pull()
    before = await pulling.state()
    await pulling.pull(Request(mode=Mode.RECONCILE))
    assert pulling.asked("/properties/") == 0
    assert await pulling.state() == before


async def test_a_clock_ahead_of_notion_loses_no_edit(make: Make) -> None:
    pulling = await make(pages=5, rows=5, blocks=50)
    pulling.ahead = 600
    await pulling.pull()
    pulling.pass_time(minutes=3)
    pulling.emulator.world.update_page(pulling.emulator.seeded.root, properties={"title": plain("Edited")})
    pulling.pass_time(minutes=3)
    await pulling.pull()
    assert (await pulling.pages())[pulling.emulator.seeded.root.id].title == "Edited"


async def test_a_missing_capability_is_listed_and_no_page_is_incomplete_for_it(make: Make) -> None:
    pulling = await make(pages=5, rows=0, data_sources=0, blocks=10)
    pulling.emulator.faults.add(403, path="/v1/users")
    progress = await pulling.pull()
    assert [(entry.page, entry.operation, entry.status) for entry in await pulling.ledger()] == [
        ("users", "listing", 403)
    ]
    assert progress.pages["incomplete"] == 0
    pulling.emulator.faults.active.clear()
    await pulling.pull(Request(mode=Mode.RECONCILE))
    assert await pulling.ledger() == []


async def test_a_subtree_of_what_is_held_is_listed_and_not_read_again(make: Make) -> None:
    pulling = await make(pages=40, rows=60, blocks=300, depth=3, data_sources=3)
    await pulling.pull()
    before = await pulling.state()
    root = pulling.emulator.seeded.root.id
    progress = await pulling.pull(Request(roots=(root,)))
    assert pulling.asked("/children") == 0
    assert progress.pages["added"] == progress.pages["updated"] == progress.pages["deleted"] == 0
    assert await pulling.state() == before


async def test_a_search_that_tells_an_older_state_changes_nothing(make: Make) -> None:
    pulling = await make(pages=5, rows=0, data_sources=0, blocks=20)
    root = pulling.emulator.seeded.root
    await pulling.pull()
    pulling.pass_time(hours=1)
    pulling.emulator.world.update_page(root, properties={"title": plain("Edited")})
    await pulling.pull(Request(pages=(root.id,)))
    stale: list[dict[str, Any]] = []

    def older(body: dict[str, Any]) -> None:
        for page in body["results"]:
            if page["id"] == root.id and not page["in_trash"]:
                page["last_edited_time"] = "2026-11-20T12:00:00.000Z"
                page["properties"]["title"]["title"] = []
                stale.append(page)

    pulling.wrap = lambda inner: Circle(inner, older)
    await pulling.pull()
    assert stale
    assert (await pulling.pages())[root.id].title == "Edited"


async def test_comments_without_the_capability_end_the_pull_with_one_request(make: Make) -> None:
    pulling = await make(pages=30, rows=0, data_sources=0, blocks=20)
    await pulling.pull()
    pulling.emulator.faults.add(403, path="/v1/comments")
    error = await pulling.fail(Refused, Request(comments=True))
    assert "--comments" in str(error)
    assert pulling.asked("/comments") <= pulling.limits.width
