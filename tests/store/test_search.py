"""The index of a connection: replaced whole or not at all, counted to the last word, gone without a trace."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from tests.store.samples import T0, store

from syncline.core.chunk import Part, chunks
from syncline.core.errors import NotFound
from syncline.core.model import Kind
from syncline.core.terms import parse
from syncline.store import connections, search
from syncline.store.database import Database
from syncline.store.search import Entry, Held, Index
from syncline.store.search_rank import Filters, rank


def entry(key: str, *texts: str, seq: int = 1, kind: Kind = Kind.PAGE, title: str = "") -> Entry:
    parts = [Part(f"{key}-{n}", said, headings=(f"h{n}",)) for n, said in enumerate(texts)]
    return Entry(kind, key, seq, f"hash of {texts}", title or key, "", chunks(key, parts))


async def put(
    database: Database, *entries: Entry, connection_id: str = "c", gone: tuple[search.Key, ...] = ()
) -> int:
    async with database.begin() as conn:
        await store(conn, connection_id)
        return await search.replace(conn, connection_id, entries, gone, now=T0)


async def hits(database: Database, query: str, connection_id: str = "c") -> int:
    async with database.read() as conn:
        return len(await rank(conn, [connection_id], parse(query), filters=Filters(), limit=50))


async def texts(database: Database, key: str, connection_id: str = "c") -> list[str]:
    async with database.read() as conn:
        held = await search.document_chunks(conn, connection_id, (Kind.PAGE, key), limit=100)
    return [one.chunk.text for one in held]


async def counted(database: Database, connection_id: str = "c") -> dict[str, int]:
    """The statistics of PostgreSQL; FTS5 keeps its own."""
    query = text("SELECT term, chunks FROM search_terms WHERE connection_id = :c")
    async with database.read() as conn:
        return {row.term: row.chunks for row in await conn.execute(query, {"c": connection_id})}


async def rows(database: Database) -> dict[str, int]:
    tables = ("search_indexes", "search_documents", "search_chunks", "search_terms", "search_text")
    async with database.read() as conn:
        return {table: await conn.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in tables}


async def test_a_document_takes_the_place_of_what_it_was(database: Database) -> None:
    assert await put(database, entry("p", "whale", "shark")) == 2
    assert await put(database, entry("p", "tuna", seq=2)) == -1
    assert await texts(database, "p") == ["tuna"]
    assert [await hits(database, word) for word in ("whale", "shark", "tuna")] == [0, 0, 1]


async def test_a_document_that_is_gone_is_found_no_more(database: Database) -> None:
    await put(database, entry("p", "whale"), entry("q", "whale"))
    assert await put(database, gone=((Kind.PAGE, "p"),)) == -1
    assert await hits(database, "whale") == 1
    async with database.read() as conn:
        assert await search.held(conn, "c", [(Kind.PAGE, "p"), (Kind.PAGE, "q")]) == {
            (Kind.PAGE, "q"): Held(1, "hash of ('whale',)")
        }


async def test_a_page_and_a_data_source_of_one_key_are_two(database: Database) -> None:
    await put(database, entry("x", "whale"), entry("x", "shark", kind=Kind.DATA_SOURCE))
    await put(database, gone=((Kind.DATA_SOURCE, "x"),))
    assert [await hits(database, word) for word in ("whale", "shark")] == [1, 0]


async def replace_and_crash(database: Database) -> None:
    async with database.begin() as conn:
        await search.replace(conn, "c", [entry("p", "tuna", seq=2)], [], now=T0)
        raise RuntimeError("crash")


async def test_a_failure_in_the_middle_leaves_the_old_document(database: Database) -> None:
    await put(database, entry("p", "whale"))
    with pytest.raises(RuntimeError, match="crash"):
        await replace_and_crash(database)
    assert await texts(database, "p") == ["whale"]
    assert [await hits(database, word) for word in ("whale", "tuna")] == [1, 0]


async def test_a_reader_sees_the_old_document_until_the_new_one_is_committed(database: Database) -> None:
    await put(database, entry("p", "whale"))
    async with database.read() as reader:
        seen = [
            len(await rank(reader, ["c"], parse(word), filters=Filters(), limit=9))
            for word in ("whale", "tuna")
        ]
        await put(database, entry("p", "tuna", seq=2))
        again = [
            len(await rank(reader, ["c"], parse(word), filters=Filters(), limit=9))
            for word in ("whale", "tuna")
        ]
    assert seen == again == [1, 0]
    assert [await hits(database, word) for word in ("whale", "tuna")] == [0, 1]


async def test_the_words_are_counted_to_the_last(database: Database) -> None:
    await put(database, entry("p", "whale whale shark", "whale"), entry("q", "Whale, tuna"))
    await put(database, entry("p", "x", seq=2))
    await put(database, entry("r", "squid"), connection_id="d")
    await put(database, entry("p", "whale herring", seq=3), gone=((Kind.PAGE, "q"),))
    if database.dialect == "postgresql":
        assert await counted(database) == dict.fromkeys(("whale", "herring", "p", "h0"), 1)
        assert await counted(database, "d") == dict.fromkeys(("squid", "r", "h0"), 1)
    else:
        assert await counted(database) == {}


async def test_nothing_is_left_of_a_connection_that_is_removed(database: Database) -> None:
    await put(database, entry("p", "whale", "shark"), entry("q", "tuna"))
    async with database.begin() as conn:
        await search.move(conn, "c", Index(7, enabled=True, chunks=3))
    await put(database, entry("p", "squid"), connection_id="d")
    async with database.begin() as conn:
        await connections.remove(conn, "c")
    assert {name: count for name, count in (await rows(database)).items() if name != "search_terms"} == {
        "search_indexes": 0,
        "search_documents": 1,
        "search_chunks": 1,
        "search_text": 1,
    }
    assert await counted(database) == {}
    assert await hits(database, "squid", "d") == 1


async def test_switching_off_empties_the_index_and_switching_on_starts_anew(database: Database) -> None:
    await put(database, entry("p", "whale"))
    async with database.begin() as conn:
        await search.move(conn, "c", Index(7, enabled=True, chunks=1))
        await search.switch(conn, "c", enabled=False)
        assert await search.index(conn, "c") == Index(0, enabled=False, chunks=0)
    assert await hits(database, "whale") == 0
    assert sum((await rows(database)).values()) == 1
    async with database.begin() as conn:
        await search.switch(conn, "c", enabled=True)
        assert await search.index(conn, "c") == Index()


async def test_switching_to_what_is_changes_nothing(database: Database) -> None:
    await put(database, entry("p", "whale"))
    async with database.begin() as conn:
        await search.switch(conn, "c", enabled=True)
    assert await hits(database, "whale") == 1


async def test_a_connection_that_is_gone_has_no_index(database: Database) -> None:
    async with database.begin() as conn:
        with pytest.raises(NotFound):
            await search.hold(conn, "nobody")
        with pytest.raises(NotFound):
            await search.switch(conn, "nobody", enabled=False)


async def test_what_is_marked_is_stale_until_it_is_replaced(database: Database) -> None:
    await put(database, entry("p", "whale"), entry("q", "shark"))
    async with database.begin() as conn:
        await search.mark(conn, "c", [(Kind.PAGE, "p"), (Kind.PAGE, "unknown")])
        assert await search.stale(conn, "c", limit=9) == [(Kind.PAGE, "p")]
        assert await search.count_waiting(conn, "c", checkpoint=0) == 1
    assert await hits(database, "whale") == 1
    await put(database, entry("p", "whale"))
    async with database.read() as conn:
        assert await search.stale(conn, "c", limit=9) == []


async def test_a_confirmed_document_is_as_it_was_at_a_later_change(database: Database) -> None:
    await put(database, entry("p", "whale"))
    async with database.begin() as conn:
        await search.confirm(conn, "c", {(Kind.PAGE, "p"): 9}, now=T0)
        held = await search.held(conn, "c", [(Kind.PAGE, "p")])
    assert held[Kind.PAGE, "p"].seq == 9
    assert await texts(database, "p") == ["whale"]


async def test_the_connections_behind_are_those_with_something_to_index(database: Database) -> None:
    async with database.begin() as conn:
        for connection_id, seq, index in (
            ("fresh", 0, None),
            ("new", 3, None),
            ("late", 3, Index(2)),
            ("level", 3, Index(3)),
            ("off", 3, Index(0, enabled=False)),
            ("marked", 3, Index(3)),
        ):
            await store(conn, connection_id)
            await connections.advance(conn, connection_id, seq)
            if index is not None:
                await search.move(conn, connection_id, index)
        await search.replace(conn, "marked", [entry("p", "x")], [], now=T0)
        await search.mark(conn, "marked", [(Kind.PAGE, "p")])
        assert await search.behind(conn, limit=100) == ["late", "marked", "new"]


async def test_chunks_come_back_as_they_were_in_order(database: Database) -> None:
    made = entry("p", "one 🙂", "two\x00", "three \ud83d")
    await put(database, made)
    async with database.read() as conn:
        whole = await search.document_chunks(conn, "c", (Kind.PAGE, "p"), limit=9)
        second = await search.document_chunks(conn, "c", (Kind.PAGE, "p"), limit=1, offset=1)
    assert tuple(one.chunk for one in whole) == made.chunks
    assert second == whole[1:2]


async def test_a_chunk_with_more_words_than_a_vector_has_places_is_found_by_its_last(
    database: Database,
) -> None:
    body = " ".join(f"w{n}" for n in range(20_000))
    (short,) = chunks("p", [Part("b", "x")])
    await put(database, Entry(Kind.PAGE, "p", 1, "h", "p", "", (replace(short, text=body),)))
    assert await hits(database, "w19999") == 1
