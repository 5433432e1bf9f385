"""The search index as a destination, on both databases: the contract, and what is in the index then."""

from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.contracts.destination import DestinationContract, Place, load
from tests.contracts.histories import Deeds, History, batches, deeds
from tests.factories import (
    T0,
    block,
    changes,
    data_source,
    deleted,
    document,
    markdown,
    page,
    prop,
    text,
    uid,
    user,
    value,
)
from tests.store.samples import store

from syncline.core.chunk import Shape
from syncline.core.errors import NotFound
from syncline.core.model import Kind
from syncline.core.terms import parse
from syncline.destinations.search import SearchIndex
from syncline.store import connections, search
from syncline.store.database import Database
from syncline.store.search_rank import Filters, rank
from syncline.store.tables_search import search_chunks, search_documents, search_terms

A, B, TASKS = uid("a"), uid("b"), uid("tasks")


class SearchPlace:
    """The index of connection "one" in a store that has connections one and two."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def destination(self, connection_id: str = "one") -> SearchIndex:
        return SearchIndex(self.database, connection_id, now=T0)

    async def pages(self) -> dict[str, str]:
        mine = (search_documents.c.connection_id == "one") & (search_documents.c.kind == Kind.PAGE)
        query = select(search_documents.c.key, search_documents.c.title).where(mine)
        async with self.database.read() as conn:
            return {row.key: row.title for row in await conn.execute(query)}

    async def dump(self) -> Any:
        chunks = [column for column in search_chunks.c if column.name != "number"]
        async with self.database.read() as conn:
            index = await search.index(conn, "one")
            return (
                index.chunks,
                sorted((await conn.execute(select(search_documents))).all()),
                sorted(map(repr, (await conn.execute(select(*chunks))).all())),
                sorted((await conn.execute(select(search_terms))).all()),
            )

    async def hits(self, query: str) -> int:
        async with self.database.read() as conn:
            return len(await rank(conn, ["one"], parse(query), filters=Filters(), limit=10))

    async def chunks(self, key: str, kind: Kind = Kind.PAGE) -> list[search.StoredChunk]:
        async with self.database.read() as conn:
            return await search.document_chunks(conn, "one", (kind, key), limit=100)


@pytest_asyncio.fixture
async def place(database: Database) -> SearchPlace:
    async with database.begin() as conn:
        await store(conn, "one")
        await store(conn, "two")
    return SearchPlace(database)


class TestSearchIndex(DestinationContract):
    async def test_another_connection_is_refused(self, place: Place) -> None:
        """It is in the store that it follows, so there is nothing to confuse: each connection has an index of its own."""
        await load(place, changes((page(A, "Home"), document(A, [block("here")]))))
        async with place.destination("two") as destination:
            assert await destination.checkpoint() == 0
            await destination.write(changes((page(A, "Theirs"), document(A, [block("there")]))), 1)
        assert await place.pages() == {A: "Home"}


async def test_pages_rows_and_data_sources_are_indexed_and_nothing_else(place: SearchPlace) -> None:
    await load(
        place,
        changes(
            (page(A, "Home"), document(A, [block("whale")])),
            data_source(
                TASKS, "Tasks", properties={"State": prop("s", "select", options=[{"name": "todo"}])}
            ),
            page(B, "Row", row_of=TASKS, properties={"Note": value("n", "rich_text", text("shark"))}),
            user(uid("ann"), "Ann"),
        ),
    )
    assert [one.chunk.text for one in await place.chunks(A)] == ["whale"]
    assert [one.chunk.text for one in await place.chunks(B)] == ["Note: shark"]
    assert [one.chunk.text for one in await place.chunks(TASKS, Kind.DATA_SOURCE)] == [
        "Name: title\nState: todo"
    ]
    assert [await place.hits(word) for word in ("whale", "shark", "todo", "ann")] == [1, 1, 1, 0]


async def test_the_content_of_a_page_is_indexed_in_either_fidelity(place: SearchPlace) -> None:
    await load(place, changes((page(A, "Home"), markdown(A, "# Head\nwhale"))))
    assert [(one.chunk.text, one.chunk.headings) for one in await place.chunks(A)] == [
        ("Head\nwhale", ("Head",))
    ]


async def test_content_that_came_later_takes_the_place_of_the_title(place: SearchPlace) -> None:
    await load(place, changes(page(A, "Home")))
    assert [one.chunk.shape for one in await place.chunks(A)] == [Shape.TITLE]
    await load(place, changes((page(A, "Home"), document(A, [block("whale")])), after=1))
    assert [one.chunk.text for one in await place.chunks(A)] == ["whale"]


async def test_a_change_that_changes_nothing_makes_no_chunk_anew(place: SearchPlace) -> None:
    seen = changes((page(A, "Home"), document(A, [block("whale")])))
    await load(place, seen)
    before = await place.chunks(A)
    await load(place, changes((seen[0].record, seen[0].document), after=1))
    assert await place.chunks(A) == before  # with the numbers of their rows
    async with place.database.read() as conn:
        held = await search.held(conn, "one", [(Kind.PAGE, A)])
    assert held[Kind.PAGE, A].seq == 2


async def test_a_tombstone_leaves_nothing(place: SearchPlace) -> None:
    await load(place, changes((page(A, "Home"), document(A, [block("whale")]))))
    await load(place, changes(deleted(page(A, "Home")), after=1))
    assert [await place.chunks(A), await place.hits("whale"), await place.hits("home")] == [[], 0, 0]


async def test_what_was_marked_is_made_anew_from_what_is_given(place: SearchPlace) -> None:
    seen = changes((page(A, "Home"), document(A, [block("whale")])))
    await load(place, seen)
    async with place.database.begin() as conn:
        await search.mark(conn, "one", [(Kind.PAGE, A)])
        (before,) = (await search.held(conn, "one", [(Kind.PAGE, A)])).values()
    await place.destination().renew(seen)
    assert before.hash == ""
    assert [one.chunk.text for one in await place.chunks(A)] == ["whale"]
    async with place.database.read() as conn:
        assert await search.stale(conn, "one", limit=9) == []
        assert (await search.index(conn, "one")).checkpoint == 1


async def test_what_is_not_marked_or_is_newer_is_not_renewed(place: SearchPlace) -> None:
    old, new = changes(
        (page(A, "Old"), document(A, [block("whale")])), (page(A, "New"), document(A, [block("tuna")]))
    )
    await load(place, [new])
    await place.destination().renew([old])
    assert await place.pages() == {A: "New"}
    async with place.database.begin() as conn:
        await search.mark(conn, "one", [(Kind.PAGE, A)])
    await place.destination().renew([old])
    assert await place.pages() == {A: "New"}


async def test_an_index_that_is_off_takes_nothing(place: SearchPlace) -> None:
    async with place.database.begin() as conn:
        await search.switch(conn, "one", enabled=False)
    await load(place, changes(page(A, "Home")))
    assert await place.pages() == {}
    assert await place.destination().checkpoint() == 0


async def test_an_index_that_was_emptied_meanwhile_keeps_its_place(place: SearchPlace) -> None:
    await load(place, changes(page(A, "Home")))
    destination = place.destination()
    assert await destination.checkpoint() == 1
    async with place.database.begin() as conn:
        await search.switch(conn, "one", enabled=False)
        await search.switch(conn, "one", enabled=True)
    await destination.write(changes(page(B, "Late"), after=1), 2)
    assert await place.destination().checkpoint() == 0
    assert await place.pages() == {}


async def test_a_connection_that_is_gone_is_not_indexed(place: SearchPlace) -> None:
    async with place.database.begin() as conn:
        await connections.remove(conn, "one")
    with pytest.raises(NotFound):
        await place.destination().write(changes(page(A, "Home")), 1)
    assert await place.pages() == {}


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=deeds, sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4))
async def test_an_index_that_followed_is_what_a_fresh_one_is(
    place: SearchPlace, history: Deeds, sizes: list[int]
) -> None:
    past = History(history)
    for number, cut in enumerate((batches(past.changes, sizes), [past.final])):
        destination = place.destination()
        for batch in cut:
            await destination.write(batch, batch[-1].record.seq)
        if number == 0:
            followed = await place.dump()
        else:
            fresh = await place.dump()
        async with place.database.begin() as conn:
            await search.switch(conn, "one", enabled=False)
            await search.switch(conn, "one", enabled=True)
    assert without_seq(followed) == without_seq(fresh)


def without_seq(dump: Any) -> Any:
    """What is held, but for the change at which it was last confirmed."""
    chunks, documents, rows, terms = dump
    return chunks, [row[:3] + row[4:] for row in documents], rows, terms
