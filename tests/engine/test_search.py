"""An answer: the best passage of each document, what matched in it, and where it is."""

from pathlib import Path

import pytest_asyncio
from tests.factories import T0, block, changes, data_source, document, page, uid
from tests.store.samples import RING, record, store

from syncline.app import App
from syncline.core.model import Change, Record
from syncline.destinations.search import SearchIndex
from syncline.engine.search import Fragment, Hit, find
from syncline.settings import Settings
from syncline.store import records
from syncline.store.database import Database
from syncline.store.search_rank import Filters

A, B, TASKS = uid("a"), uid("b"), uid("tasks")


@pytest_asyncio.fixture
async def app(database: Database, tmp_path: Path) -> App:
    async with database.begin() as conn:
        await store(conn)
    return App(settings=Settings(home=tmp_path, database_url=None, key=None), database=database, keys=RING)


async def put(app: App, *held: Change) -> None:
    """Store and index."""
    async with app.database.begin() as conn:
        for one in (change.record for change in held):
            made = record(one.kind, one.key, title=one.title)
            row = Record(one.kind, one.key, one.stream, one.data, made.hash, one.title, None, one.edited_at)
            await records.upsert(conn, "c", [row], run_id=None, now=T0)
    await SearchIndex(app.database, "c", now=T0).write(held, held[-1].record.seq)


async def only(app: App, query: str) -> Hit:
    (hit,) = await find(app, ["c"], query)
    return hit


async def test_a_hit_leads_to_the_first_block_of_its_chunk(app: App) -> None:
    head, said = block("Animals", "heading_1"), block("the whale")
    await put(app, *changes((page(A, "Sea"), document(A, [block("before"), head, said]))))
    hit = await only(app, "whale")
    assert hit.page_url == f"https://app.notion.com/p/{A.replace('-', '')}"
    assert hit.url == f"{hit.page_url}#{uid('Animals').replace('-', '')}"
    assert (hit.title, hit.headings, hit.blocks) == ("Sea", ("Animals",), (uid("Animals"), uid("the whale")))
    assert hit.passage == (
        Fragment("Animals\nthe ", match=False),
        Fragment("whale", match=True),
    )
    assert (hit.connection_id, hit.key, hit.kind, hit.edited_at) == ("c", A, "page", T0)
    assert hit.score > 0


async def test_a_hit_in_properties_or_title_leads_to_the_page(app: App) -> None:
    await put(app, *changes(page(A, "Whale"), data_source(TASKS, "Tasks")))
    hit = await only(app, "whale")
    assert (hit.url, hit.blocks, hit.text) == (hit.page_url, (), "Whale")
    assert (await only(app, "tasks")).kind == "database"


async def test_a_long_chunk_is_shown_around_what_matched(app: App) -> None:
    text = "filler " * 200 + "the whale and the whale " + "filler " * 200
    await put(app, *changes((page(A, "Sea"), document(A, [block(text)]))))
    hit = await only(app, "whale")
    shown = "".join(piece.text for piece in hit.passage)
    assert shown in hit.text == text.strip()
    assert len(shown) <= 320
    assert [piece.text for piece in hit.passage if piece.match] == ["whale", "whale"]


async def test_filters_and_limit_are_passed_on(app: App) -> None:
    await put(app, *changes(page(A, "Whale"), page(B, "Whale", row_of=TASKS)))
    assert len(await find(app, ["c"], "whale")) == 2
    assert [hit.key for hit in await find(app, ["c"], "whale", filters=Filters(kinds=("row",)))] == [B]
    assert len(await find(app, ["c"], "whale", limit=1)) == 1
    assert await find(app, [], "whale") == []
    assert await find(app, ["c"], "") == []
