"""The ledger holds each place that could not be read once, until it was read."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.store.samples import T0

from syncline.store import ledger
from syncline.store.database import Database
from syncline.store.ledger import Entry

LATER = T0 + timedelta(hours=1)
WHOLE = Entry("p", None, "content", 500, "internal", "It failed.", "req-1")
BLOCK = Entry("p", "b", "content", None, "timeout", "No \x00 answer.")
OTHER = Entry("q", "b", "content", 404, "not_found", "Gone.")


async def entries(conn: AsyncConnection) -> list[Entry]:
    return await ledger.open_entries(conn, "c", limit=100)


async def test_what_failed_is_listed_with_when_and_how_often(database: Database) -> None:
    async with database.begin() as conn:
        await ledger.record(conn, "c", [WHOLE, BLOCK], run_id="r1", now=T0)
        again = Entry("p", "b", "content", 404, "not_found", "Gone.", "req-2")
        await ledger.record(conn, "c", [again], run_id="r2", now=LATER)

        assert await entries(conn) == [
            Entry("p", None, "content", 500, "internal", "It failed.", "req-1", "r1", T0, T0, 1),
            Entry("p", "b", "content", 404, "not_found", "Gone.", "req-2", "r2", T0, LATER, 2),
        ]


async def test_of_two_failures_of_one_place_in_one_batch_the_last_counts_once(database: Database) -> None:
    async with database.begin() as conn:
        await ledger.record(conn, "c", [BLOCK, Entry("p", "b", "x", 1, "c", "m")], run_id=None, now=T0)

        assert [(entry.operation, entry.attempts) for entry in await entries(conn)] == [("x", 1)]


@pytest.mark.parametrize(
    ("pages", "before", "left"),
    [
        ([], None, {"p", "p.b", "q.b"}),
        (["p"], None, {"q.b"}),
        (["p", "q", "z"], None, set()),
        (["p", "q"], LATER, {"p.b"}),
        (["p", "q"], T0, {"p", "p.b", "q.b"}),
    ],
)
async def test_entries_of_pages_are_resolved(
    database: Database, pages: list[str], before: object, left: set[str]
) -> None:
    async with database.begin() as conn:
        await ledger.record(conn, "c", [WHOLE, BLOCK, OTHER], run_id=None, now=T0)
        await ledger.record(conn, "c", [BLOCK], run_id=None, now=LATER)
        await ledger.record(conn, "d", [WHOLE], run_id=None, now=T0)

        gone = await ledger.resolve(conn, "c", pages, before=before)  # type: ignore[arg-type]  # a datetime or None

        found = {
            entry.page if entry.block is None else f"{entry.page}.{entry.block}"
            for entry in await entries(conn)
        }
        assert found == left
        assert gone == 3 - len(left)
        assert await ledger.count_open(conn, "d") == 1


async def test_entries_of_one_operation_are_resolved_and_the_others_stay(database: Database) -> None:
    async with database.begin() as conn:
        comments = Entry("p", None, "comments", 500, "internal", "It failed.")
        await ledger.record(conn, "c", [comments, BLOCK], run_id=None, now=T0)

        assert await ledger.resolve(conn, "c", ["p"], operation="comments") == 1
        assert [entry.operation for entry in await entries(conn)] == ["content"]


async def test_entries_and_their_pages_are_counted(database: Database) -> None:
    async with database.begin() as conn:
        assert (await ledger.count_open(conn, "c"), await ledger.count_pages(conn, "c", beside="x")) == (0, 0)

        await ledger.record(conn, "c", [WHOLE, BLOCK, OTHER], run_id=None, now=T0)

        assert (await ledger.count_open(conn, "c"), await ledger.count_pages(conn, "c", beside="x")) == (3, 2)
        assert await ledger.count_pages(conn, "c", beside=OTHER.operation) == 0


async def test_the_list_goes_on_behind_an_entry(database: Database) -> None:
    async with database.begin() as conn:
        failed = [Entry(page, block, "o", 500, "c", "m") for page in "pqr" for block in (None, "a", "b")]
        await ledger.record(conn, "c", failed, run_id=None, now=T0)

        walked: list[Entry] = []
        while part := await ledger.open_entries(conn, "c", limit=2, after=walked[-1] if walked else None):
            walked += part

        assert [(entry.page, entry.block) for entry in walked] == [
            (entry.page, entry.block) for entry in failed
        ]
