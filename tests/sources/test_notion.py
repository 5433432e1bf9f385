"""The Notion source keeps the contract on all three API versions, against the emulator."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.contracts.source import SourceContract, listed, walked
from tests.engine.pulling import SteadyClock

from notion_emulator import Emulator
from notion_emulator.rich_text import plain
from syncline.core.errors import Refused, Unreachable
from syncline.core.model import Fidelity, Kind, Record
from syncline.notion.budget import Unlimited
from syncline.notion.client import Client, Runtime
from syncline.notion.objects import Version
from syncline.sources.base import Found, Key, ListingExpired, Unreadable
from syncline.sources.notion import NotionSource

PAGE = "0" * 32


def paragraph(text: str) -> dict[str, Any]:
    return {"rich_text": plain(text), "color": "default"}


@dataclass
class NotionPlace:
    emulator: Emulator
    client: Client
    source: NotionSource
    pages: dict[str, Any] = field(default_factory=dict)

    async def write(self, key: str, title: str, texts: list[str], *, parent: str | None = None) -> Key:
        world = self.emulator.world
        page = self.pages.get(key)
        if page is None:
            above = self.pages[parent] if parent else world.pages[self.emulator.root_page_id]
            page = self.pages[key] = world.create_page(above, title)
        world.update_page(page, properties={"title": plain(title)})
        for block in [one for one in world.alive(page) if one.kind == "block"]:
            world.trash(block)
        toggle = world.add_block(page, "toggle", paragraph(""))
        for number, text in enumerate(texts):
            world.add_block(toggle if number else page, "paragraph", paragraph(text))
        return Kind.PAGE, page.id

    async def trash(self, key: Key) -> None:
        self.emulator.world.trash(self.emulator.world.pages[key[1]])

    def pass_time(self, *, minutes: int) -> None:
        self.emulator.clock.advance(60 * minutes)


@pytest_asyncio.fixture(params=list(Version))
async def place(request: pytest.FixtureRequest) -> AsyncIterator[NotionPlace]:
    emulator = Emulator()
    emulator.clock.freeze(1_795_176_000_000)
    steady = SteadyClock()
    async with Client(
        emulator.token,
        version=request.param,
        base_url="http://notion.test",
        budget=Unlimited(),
        transport=httpx2.ASGITransport(app=emulator.app),
        runtime=Runtime(clock=steady, sleep=steady.sleep, random=lambda: 0.5),
    ) as client:
        yield NotionPlace(emulator, client, NotionSource(client, clock=lambda: pytest.fail("no Date yet")))


class TestNotionSource(SourceContract):
    """The contract."""

    async def test_an_incremental_pull_is_told_what_was_thrown_away(self, place: Any) -> None:
        await listed(place.source)
        await super().test_an_incremental_pull_is_told_what_was_thrown_away(place)


def database(place: NotionPlace, title: str) -> Any:
    world = place.emulator.world
    around = world.create_database(world.pages[place.emulator.root_page_id], title)
    return world.create_data_source(around, title)


async def test_a_row_belongs_to_the_stream_of_its_data_source(place: NotionPlace) -> None:
    source = database(place, "Tasks")
    row = place.emulator.world.create_page(source, "Row")
    found = await listed(place.source)
    stream = source.id if place.client.version.has_data_sources else source.parent_id
    assert found[Kind.PAGE, row.id].stream == stream
    assert (Kind.DATA_SOURCE, stream) in found


async def test_the_database_around_a_data_source_is_told_without_a_request(place: NotionPlace) -> None:
    source = database(place, "Tasks")
    found = await listed(place.source)
    assert ((Kind.DATABASE, source.parent_id) in found) is place.client.version.has_data_sources
    assert not [one for one in place.emulator.requests if "/databases/" in one.path and one.method == "GET"]


async def test_half_a_character_stays_in_the_data_and_is_marked_in_the_title() -> None:
    title = [{"type": "text", "plain_text": "half \ud83d"}]
    page = {
        "object": "page",
        "id": "153104cd-477e-809d-8dc4-ff2d96ae3090",
        "last_edited_time": "2026-11-20T12:00:00.000Z",
        "parent": {"type": "workspace", "workspace": True},
        "properties": {"title": {"id": "title", "type": "title", "title": title}},
    }
    body = json.dumps(page).encode()
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body))
    async with Client("token", transport=transport, budget=Unlimited()) as client:
        source = NotionSource(client, clock=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
        found = await source.record(Kind.PAGE, str(page["id"]))
    assert isinstance(found, Found)
    (record,) = found.records
    assert (record.title, record.data["properties"]["title"]["title"]) == ("half \ufffd", title)


async def test_a_linked_database_has_no_rows(place: NotionPlace) -> None:
    world = place.emulator.world
    linked = world.create_database(world.pages[place.emulator.root_page_id], "Linked", is_inline=True)
    if place.client.version.has_data_sources:
        found = await place.source.record(Kind.DATABASE, linked.id)
        assert getattr(found, "children", None) == ()
    else:
        with pytest.raises(Unreadable):
            await place.source.record(Kind.DATA_SOURCE, linked.id)


@pytest.mark.parametrize("in_one_minute", [False, True])
async def test_rows_beyond_the_cap_come_in_windows(place: NotionPlace, *, in_one_minute: bool) -> None:
    place.emulator.settings.result_cap = 30
    source = database(place, "Many")
    for number in range(95):
        if not in_one_minute and number % 10 == 0:
            place.pass_time(minutes=1)
        place.emulator.world.create_page(source, f"Row {number}")
    record = next(one for one in (await listed(place.source)).values() if one.kind is Kind.DATA_SOURCE)
    answer = await place.source.list(place.source.rows(record), None)
    if in_one_minute:
        again = await place.source.list(answer.follow[0], None)
        assert again.gap is not None
        assert "minute" in again.gap
    else:
        rows = {one.key for one in await walked(place.source, place.source.rows(record))}
        assert len(rows) == 95


async def test_markdown_that_notion_cut_is_put_together(place: NotionPlace) -> None:
    place.emulator.settings.markdown_blocks = 4
    key = await place.write("page", "Title", [f"text {n}" for n in range(9)])
    pieces: dict[str, str] = {}
    waiting = [key[1]]
    while waiting:
        container = waiting.pop()
        answer = await place.source.content(container, None, fidelity=Fidelity.MARKDOWN)
        pieces[container] = answer.markdown or ""
        waiting += answer.containers
    whole = place.source.join(key[1], pieces)
    assert len(pieces) > 1
    assert [f"text {n}" for n in range(9) if f"text {n}" not in whole] == []


@pytest.mark.parametrize(
    ("parts", "cut"),
    [(4, False), (100, False), (101, True)],
)
async def test_markdown_says_where_notion_names_not_all_that_it_left_out(
    place: NotionPlace, parts: int, *, cut: bool
) -> None:
    place.emulator.settings.markdown_blocks = 4
    key = await place.write("page", "Title", [f"text {n}" for n in range(3 + parts)])
    answer = await place.source.content(key[1], None, fidelity=Fidelity.MARKDOWN)
    assert len(answer.containers) == min(parts, 100)
    assert (answer.cut is not None) is cut


class Endless(httpx2.AsyncBaseTransport):
    """Answers that there is more, and not where."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            200, json={"object": "list", "results": [], "has_more": True, "next_cursor": None}
        )


async def test_an_answer_with_more_behind_it_and_no_cursor_is_an_error() -> None:
    async with Client("token", transport=Endless(), budget=Unlimited()) as client:
        source = NotionSource(client, clock=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
        value = {"id": "r", "type": "relation", "relation": [], "has_more": True}
        record = Record(Kind.PAGE, PAGE, "pages", {"id": PAGE, "properties": {"R": value}}, hash="")
        for read in (
            source.list(source.listings(since=None)[0], None),
            source.content(PAGE, None, fidelity=Fidelity.BLOCKS),
            source.comments(PAGE, None),
            source.complete(record),
        ):
            with pytest.raises(Unreachable, match="does not say where"):
                await read


@pytest.mark.parametrize(
    ("what", "how", "error"),
    [
        (401, {}, Refused),
        (403, {}, Unreadable),
        (404, {}, Unreadable),
        (400, {"message": "no"}, Unreadable),
        (400, {"message": "The start_cursor provided is invalid: x"}, ListingExpired),
        (500, {}, Unreachable),
        (502, {}, Unreachable),
        (429, {"reason": "public_api_request_blocked"}, Refused),
    ],
)
async def test_an_error_of_notion_says_what_the_engine_does(
    place: NotionPlace, what: int, how: dict[str, str], error: type[Exception]
) -> None:
    place.emulator.faults.add(what, **how)
    with pytest.raises(error):
        await place.source.content(place.emulator.root_page_id, None, fidelity=Fidelity.BLOCKS)


async def test_a_search_that_is_refused_stops_the_pull(place: NotionPlace) -> None:
    place.emulator.faults.add(403, path="search")
    with pytest.raises(Refused):
        await place.source.list(place.source.listings(since=None)[0], None)
