"""The same queries find the same documents on both databases, the best first, whatever is typed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.samples import T0, record, store

from syncline.core.chunk import Part, chunks
from syncline.core.model import Kind, Record
from syncline.core.terms import parse
from syncline.store import records, search
from syncline.store.database import Database
from syncline.store.search import Entry
from syncline.store.search_hits import found
from syncline.store.search_rank import Filters, rank

LIBRARY = {
    "Deployment handbook": "How we deploy. Every release is rolled out to one node first. A rollback restores the release before.",
    "Rollback of 2 May": "The rollback took nine minutes. The node came back with the old release, and nobody noticed.",
    "Onboarding": "Welcome. Ask for a laptop, an account and a badge. Read the deployment handbook in the first week.",
    "Holiday calendar": "The office is closed on these days. Ask people operations for an exception.",
    "Incident review": "The database ran out of connections. We raised the pool and added an alert. No data was lost.",
    "Postgres tuning": "Connections cost memory. Use a pool. Vacuum often, and look at the slow query log of the database.",
    "Café menu": "Crème brûlée, espresso, Käsekuchen. Closed on Sundays.",
    "Naming": "A connection is the authorised link to a workspace; a database connection is something else.",
    "会议记录": "我们讨论了数据库迁移的计划。下周再开会。",
    "Заметки": "Ёлка стоит в холле. База данных обновлена.",
    "Release notes 3.14": "Search is faster. The importer knows CSV-files. Fixed: M-123, M-124.",
    "Meeting": "We meet on Monday. Release planning takes the first half hour, planning of holidays the rest.",
}
"""What a small company writes: titles and texts."""

LABELLED: tuple[tuple[str, str], ...] = (
    ("deployment handbook", "Deployment handbook"),
    ("how do we roll out a release", "Deployment handbook"),
    ("rollback", "Rollback of 2 May"),
    ("nine minutes rollback", "Rollback of 2 May"),
    ("laptop", "Onboarding"),
    ("who gets a badge", "Onboarding"),
    ("holidays", "Meeting"),
    ("holiday", "Holiday calendar"),
    ("office closed", "Holiday calendar"),
    ("database ran out of connections", "Incident review"),
    ("slow query log", "Postgres tuning"),
    ("vacuum", "Postgres tuning"),
    ("creme brulee", "Café menu"),
    ("KÄSEKUCHEN", "Café menu"),
    ("authorised workspace link", "Naming"),
    ("数据库", "会议记录"),
    ("елка", "Заметки"),
    ("m-123", "Release notes 3.14"),
    ("csv", "Release notes 3.14"),
    ("plann", "Meeting"),
    ("planning", "Meeting"),
)
"""Queries, and the document that must come first."""


@dataclass(slots=True)
class Shelf:
    """A store with documents in it."""

    database: Database

    async def put(self, texts: dict[str, str], *, connection_id: str = "c", **fields: Any) -> None:
        """Store and index documents; the title is the key."""
        entries = [entry(title, text) for title, text in texts.items()]
        async with self.database.begin() as conn:
            await store(conn, connection_id)
            held = [page(title, **fields) for title in texts]
            await records.upsert(conn, connection_id, held, run_id=None, now=T0)
            index = await search.hold(conn, connection_id)
            grown = await search.replace(conn, connection_id, entries, [], now=T0)
            await search.move(conn, connection_id, search.Index(1, enabled=True, chunks=index.chunks + grown))

    async def find(self, query: str, *connection_ids: str, limit: int = 10, **filters: Any) -> list[str]:
        """The titles of what is found."""
        async with self.database.read() as conn:
            ranked = await rank(
                conn, connection_ids or ("c",), parse(query), filters=Filters(**filters), limit=limit
            )
            return [one.title for one in await found(conn, ranked)]


def page(title: str, *, stream: str = "pages", **fields: Any) -> Record:
    made = record(fields.pop("kind", Kind.PAGE), title, title=title, **fields)
    return Record(made.kind, made.key, stream, made.data, made.hash, made.title, None, made.edited_at)


def entry(title: str, text: str, kind: Kind = Kind.PAGE) -> Entry:
    return Entry(kind, title, 1, "hash", title, "", chunks(title, [Part(title, text)]))


@pytest_asyncio.fixture
async def shelf(database: Database) -> Shelf:
    return Shelf(database)


@pytest_asyncio.fixture
async def library(shelf: Shelf) -> Shelf:
    await shelf.put(LIBRARY)
    return shelf


async def test_what_is_asked_for_comes_first(library: Shelf) -> None:
    firsts = {query: next(iter(await library.find(query)), None) for query, _ in LABELLED}
    assert firsts == dict(LABELLED)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"release planning"', {"Meeting"}),
        ('"planning release"', set()),
        ('"closed on"', {"Holiday calendar", "Café menu"}),
        ("closed -sundays", {"Holiday calendar"}),
        ('closed -"on these days"', {"Café menu"}),
        ("-closed", set()),
        ("connection", {"Naming", "Incident review", "Postgres tuning"}),
        ("conn*", {"Naming", "Incident review", "Postgres tuning"}),
        ("cat", set()),
        ("", set()),
        ('"数据库迁移"', {"会议记录"}),
        ('"迁移数据库"', set()),
        ('"handbook how we"', set()),  # no phrase spans title and text
        ('"the release" rollback', {"Deployment handbook"}),
    ],
)
async def test_a_query_finds_exactly(library: Shelf, query: str, expected: set[str]) -> None:
    assert set(await library.find(query)) == expected


async def test_a_rare_word_outweighs_common_ones(shelf: Shelf) -> None:
    common = {f"Note {n}": "the usual report of the week with the usual numbers" for n in range(60)}
    await shelf.put(common | {"Rare": "the zeppelin"})
    assert (await shelf.find("the usual report of the zeppelin"))[0] == "Rare"


async def test_a_title_outweighs_a_text(shelf: Shelf) -> None:
    await shelf.put(
        {"Invoices": "See the folder.", "Diary": "Invoices again, invoices and more invoices today."}
    )
    assert await shelf.find("invoices") == ["Invoices", "Diary"]


async def test_a_document_comes_once_by_its_best_chunk(shelf: Shelf) -> None:
    async with shelf.database.begin() as conn:
        await store(conn)
        await records.upsert(conn, "c", [page("Long")], run_id=None, now=T0)
        parts = [Part(str(n), f"whale {n} " + "filler " * 300, headings=(str(n),)) for n in range(5)]
        parts.append(Part("best", "whale whale whale", headings=("x",)))
        made = Entry(Kind.PAGE, "Long", 1, "h", "Long", "", chunks("Long", parts))
        await search.replace(conn, "c", [made], [], now=T0)
        ranked = await rank(conn, ["c"], parse("whale"), filters=Filters(), limit=10)
        hits = await found(conn, ranked)
    assert [hit.held.chunk.blocks for hit in hits] == [("best",)]


async def test_nothing_of_another_connection_is_found_or_counted(shelf: Shelf) -> None:
    await shelf.put({"Mine": "whale"})
    await shelf.put({"Theirs": "whale", "Other": "shark"}, connection_id="d")
    assert await shelf.find("whale shark") == ["Mine"]
    assert set(await shelf.find("whale shark", "d")) == {"Theirs", "Other"}
    assert set(await shelf.find("whale shark", "c", "d")) == {"Mine", "Theirs", "Other"}
    assert await shelf.find("whale shark", "e") == []
    assert await shelf.find("63") == []  # the connection's own sign in the index


async def test_filters_leave_what_they_say(shelf: Shelf) -> None:
    await shelf.put({"Old": "whale"}, edited_at=T0 - timedelta(days=30))
    await shelf.put({"Row": "whale"}, stream="ds")
    await shelf.put({"Page": "whale"})
    assert set(await shelf.find("whale", kinds=("row",))) == {"Row"}
    assert set(await shelf.find("whale", kinds=("page",))) == {"Old", "Page"}
    assert set(await shelf.find("whale", kinds=("database",))) == set()
    assert set(await shelf.find("whale", stream="ds")) == {"Row"}
    assert set(await shelf.find("whale", after=T0)) == {"Row", "Page"}
    assert set(await shelf.find("whale", before=T0)) == {"Old"}


async def test_no_more_than_the_limit_are_found(library: Shelf) -> None:
    everything = await library.find("the a we on")
    assert len(everything) > 3
    assert await library.find("the a we on", limit=3) == everything[:3]


NASTY = (
    '"',
    "'",
    "\\",
    "a' OR 1=1 --",
    "NEAR(a, b)",
    "title:the",
    "the AND",
    "NOT",
    "^the",
    "{the}",
    "the + end",
    "!the & | (",
    "the <-> end",
    "the:*",
    "*",
    "%",
    "_",
    "\x00",
    "\ud83d",
    "@63",
    "-",
    '-"',
    "; DROP TABLE search_text",
    ":match",
    "%(match)s",
    "x" * 1000,
    "日" * 200,
    "a " * 500,
)


@pytest.mark.parametrize("query", NASTY)
async def test_any_text_is_a_query(library: Shelf, query: str) -> None:
    assert isinstance(await library.find(query), list)
    assert isinstance(await library.find(f'"{query}" -{query} {query}*'), list)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(query=st.text(max_size=40))
async def test_no_text_breaks_the_search(library: Shelf, query: str) -> None:
    await library.find(query)


async def test_many_chunks_of_a_common_word_are_found_all_the_same(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncline.store.search_rank._CANDIDATES", 10)
    await shelf.put({f"Note {n}": "common text" for n in range(50)} | {"Rare": "common unusual"})
    assert (await shelf.find("common unusual"))[0] == "Rare"
    assert len(await shelf.find("common")) == 10
