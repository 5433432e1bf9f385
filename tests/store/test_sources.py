"""How a document stands follows from what is stored, on both databases; listings are whole, sorted and counted."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.store.samples import T0, record, store

from syncline.core.chunk import Part, chunks
from syncline.core.model import Deletion, Kind, Record
from syncline.store import frontier, ledger, records, search, sources
from syncline.store.database import Database
from syncline.store.frontier import Item
from syncline.store.ledger import Entry
from syncline.store.sources import Status, Wanted


def document(
    key: str, title: str = "", *, minutes: int = 0, stream: str = "pages", kind: Kind = Kind.PAGE
) -> Record:
    made = record(kind, key, title=title or key, edited_at=T0 + timedelta(minutes=minutes))
    return Record(kind, key, stream, made.data, made.hash, made.title, "parent", made.edited_at)


async def put(conn: AsyncConnection, *found: Record, indexed: bool = True) -> None:
    await records.upsert(conn, "c", found, run_id=None, now=T0)
    if indexed:
        held = await records.changes(conn, "c", after=0, limit=1000)
        seqs = {(one.kind, one.key): one.seq for one in held}
        entries = [
            search.Entry(
                one.kind,
                one.key,
                seqs[one.kind, one.key],
                "h",
                one.title,
                "",
                chunks(one.key, [Part("b", "text")]),
            )
            for one in found
        ]
        await search.replace(conn, "c", entries, [], now=T0)


async def listed(database: Database, *, limit: int = 50, offset: int = 0, **wanted: Any) -> list[str]:
    async with database.read() as conn:
        page = await sources.listed(conn, "c", Wanted(**wanted), limit=limit, offset=offset)
    assert page.total >= len(page.sources)
    return [one.key for one in page.sources]


async def status(database: Database, key: str = "p") -> Status:
    async with database.read() as conn:
        one = await sources.find(conn, "c", key)
    assert one is not None
    if one.status is not Status.DELETED:
        assert key in await listed(database, status=one.status)
    return one.status


@pytest_asyncio.fixture
async def held(database: Database) -> Database:
    """A store with one indexed page."""
    async with database.begin() as conn:
        await store(conn)
        await put(conn, document("p"))
    return database


async def test_a_page_that_is_in_the_index_as_it_is_is_indexed(held: Database) -> None:
    assert await status(held) is Status.INDEXED
    async with held.read() as conn:
        one = await sources.find(conn, "c", "p")
    assert one is not None
    assert (one.chunks, one.indexed_at, one.type, one.parent, one.error) == (1, T0, "page", "parent", None)


async def test_a_page_that_changed_since_is_pending(held: Database) -> None:
    async with held.begin() as conn:
        await put(conn, Record(Kind.PAGE, "p", "pages", {"new": 1}, "other", "p"), indexed=False)
    assert await status(held) is Status.PENDING


async def test_a_page_that_is_not_in_the_index_is_pending(held: Database) -> None:
    async with held.begin() as conn:
        await put(conn, document("q"), indexed=False)
    assert await status(held, "q") is Status.PENDING


async def test_a_page_that_is_marked_is_pending(held: Database) -> None:
    async with held.begin() as conn:
        await search.mark(conn, "c", [(Kind.PAGE, "p")])
    assert await status(held) is Status.PENDING


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("content", Status.PENDING),
        ("properties", Status.PENDING),
        ("object", Status.PENDING),
        ("comments", Status.INDEXED),
        ("listing", Status.INDEXED),
    ],
)
async def test_a_page_that_is_to_be_read_is_pending(held: Database, kind: str, expected: Status) -> None:
    async with held.begin() as conn:
        await frontier.add(conn, "c", [Item(kind, "p", 0, "edited")])
    assert await status(held) is expected


async def failing(database: Database, block: str | None) -> None:
    async with database.begin() as conn:
        entry = Entry("p", block, "content", 500, "internal_server_error", "It broke.")
        await ledger.record(conn, "c", [entry], run_id="r", now=T0)


async def test_a_page_that_could_not_be_read_is_an_error_that_says_why(held: Database) -> None:
    await failing(held, None)
    assert await status(held) is Status.ERROR
    async with held.read() as conn:
        one = await sources.find(conn, "c", "p")
    assert one is not None
    assert one.error == "It broke."


async def test_a_page_with_a_block_that_could_not_be_read_is_indexed(held: Database) -> None:
    await failing(held, "b")
    assert await status(held) is Status.INDEXED


async def test_a_tombstone_is_deleted_whatever_else_there_is(held: Database) -> None:
    await failing(held, None)
    async with held.begin() as conn:
        await records.delete(conn, "c", [(Kind.PAGE, "p")], reason=Deletion.TRASHED, now=T0)
    assert await status(held) is Status.DELETED
    assert await listed(held) == []
    assert await listed(held, status=Status.DELETED) == ["p"]


async def test_without_an_index_what_was_read_is_synced(held: Database) -> None:
    async with held.begin() as conn:
        await search.switch(conn, "c", enabled=False)
    assert await status(held) is Status.SYNCED
    assert await listed(held, status=Status.INDEXED) == []


@pytest_asyncio.fixture
async def shelf(database: Database) -> Database:
    """Pages, rows and a database, one edited after the other."""
    async with database.begin() as conn:
        await store(conn)
        await store(conn, "d")
        await put(conn, document("a", "Zebra", minutes=1), document("b", "apple 100%", minutes=3))
        await put(conn, document("r", "Row", minutes=2, stream="ds"), indexed=False)
        await put(conn, document("ds", "Table", minutes=4, kind=Kind.DATA_SOURCE))
        await put(conn, record(Kind.USER, "u", title="Ann"), record(Kind.DATABASE, "db"), indexed=False)
        await records.upsert(conn, "d", [document("x", "Theirs")], run_id=None, now=T0)
    return database


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["ds", "b", "r", "a"]),
        ({"descending": False}, ["a", "r", "b", "ds"]),
        ({"sort": "title", "descending": False}, ["b", "r", "ds", "a"]),
        ({"type": "page"}, ["b", "a"]),
        ({"type": "row"}, ["r"]),
        ({"type": "database"}, ["ds"]),
        ({"search": "ROW"}, ["r"]),
        ({"search": "100%"}, ["b"]),
        ({"search": "%"}, ["b"]),
        ({"search": "_"}, []),
        ({"status": Status.INDEXED}, ["ds", "b", "a"]),
        ({"status": Status.PENDING}, ["r"]),
        ({"status": Status.ERROR}, []),
        ({"status": Status.INDEXED, "type": "page", "search": "z"}, ["a"]),
    ],
)
async def test_a_listing_is_what_was_wanted(
    shelf: Database, wanted: dict[str, Any], expected: list[str]
) -> None:
    assert await listed(shelf, **wanted) == expected
    async with shelf.read() as conn:
        page = await sources.listed(conn, "c", Wanted(**wanted), limit=1)
    assert page.total == len(expected)


async def test_what_was_never_indexed_stands_at_an_end_of_that_order(shelf: Database) -> None:
    assert set(await listed(shelf, sort="lastIndexedAt")) == {"a", "b", "ds", "r"}


async def test_pages_of_a_listing_are_the_listing(shelf: Database) -> None:
    pages = [await listed(shelf, limit=3, offset=offset) for offset in (0, 3, 6)]
    assert pages == [["ds", "b", "r"], ["a"], []]


async def test_behind_the_last_page_the_total_is_the_same(shelf: Database) -> None:
    async with shelf.read() as conn:
        page = await sources.listed(conn, "c", Wanted(), limit=3, offset=6)
    assert (page.sources, page.total) == ((), 4)


@pytest.mark.parametrize("odd", [10**30, "\ud83d", "\x00"], ids=repr)
async def test_a_document_has_its_address_whatever_else_is_in_it(database: Database, odd: object) -> None:
    async with database.begin() as conn:
        await store(conn)
        await put(conn, Record(Kind.PAGE, "p", "pages", {"url": "https://x.test/p", "odd": odd}, "h", "p"))
    async with database.read() as conn:
        one = await sources.find(conn, "c", "p")
    assert one is not None
    assert one.url == "https://x.test/p"


async def test_a_document_that_is_not_there_is_none(shelf: Database) -> None:
    async with shelf.read() as conn:
        assert await sources.find(conn, "c", "x") is None
        assert await sources.find(conn, "c", "u") is None


async def test_totals_count_what_is_live(shelf: Database) -> None:
    async with shelf.begin() as conn:
        await records.delete(conn, "c", [(Kind.PAGE, "a")], reason=Deletion.TRASHED, now=T0)
        assert await sources.totals(conn, "c") == {Kind.PAGE: 2, Kind.DATA_SOURCE: 1}
        assert await sources.totals(conn, "nobody") == {Kind.PAGE: 0, Kind.DATA_SOURCE: 0}
