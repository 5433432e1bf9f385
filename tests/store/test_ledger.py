"""The ledger holds each place that could not be read once, until it was read."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.store.samples import T0

from syncline.store import ledger
from syncline.store.database import Database
from syncline.store.ledger import Entry, Of, Wanted

LATER = T0 + timedelta(hours=1)
WHOLE = Entry("p", None, "content", 500, "internal", "It failed.", "req-1")
BLOCK = Entry("p", "b", "content", None, "timeout", "No \x00 answer.")
OTHER = Entry("q", "b", "content", 404, "not_found", "Gone.")


def by_place(found: Iterable[Entry]) -> list[Entry]:
    return sorted(found, key=lambda entry: (entry.page, entry.block or ""))


async def entries(conn: AsyncConnection) -> list[Entry]:
    return by_place(await ledger.listed(conn, "c", Wanted(), limit=100))


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


async def test_the_list_goes_on_where_a_page_of_it_ended_the_last_met_first(database: Database) -> None:
    async with database.begin() as conn:
        failed = [Entry(page, block, "o", 500, "c", "m") for page in "pqr" for block in (None, "a", "b")]
        await ledger.record(conn, "c", failed, run_id=None, now=T0)
        await ledger.record(conn, "c", failed[4:5], run_id=None, now=LATER)

        walked: list[Entry] = []
        while part := await ledger.listed(conn, "c", Wanted(), limit=2, offset=len(walked)):
            walked += part

        assert [(entry.page, entry.block) for entry in walked] == [
            (entry.page, entry.block) for entry in (failed[4], *failed[:4], *failed[5:])
        ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ["p", "p", "q", "search"]),
        (Wanted(page="p"), ["p", "p"]),
        (Wanted(of=Of.LISTING), ["search"]),
        (Wanted(of=Of.DOCUMENT), ["p", "p", "q"]),
        (Wanted(only=["q", "z"]), ["q"]),
        (Wanted(only=[]), []),
        (Wanted(but=["p"]), ["q", "search"]),
        (Wanted(dismissed=True), ["r"]),
        (Wanted(dismissed=True, page="p"), []),
    ],
)
async def test_entries_are_wanted_by_what_they_are_about(
    database: Database, wanted: Wanted, found: list[str]
) -> None:
    listing = Entry("search", None, "listing", 0, "unread", "It told no more.")
    aside = Entry("r", None, "content", 404, "not_found", "Gone.")
    async with database.begin() as conn:
        await ledger.record(conn, "c", [WHOLE, BLOCK, OTHER, listing, aside], run_id=None, now=T0)
        await ledger.dismiss(conn, "c", [("r", None)], now=T0)

        shown = await ledger.listed(conn, "c", wanted, limit=100)
        assert sorted(entry.page for entry in shown) == found
        assert await ledger.count(conn, "c", wanted) == len(found)


async def test_a_dismissed_entry_comes_back_with_another_code_alone(database: Database) -> None:
    async with database.begin() as conn:
        await ledger.record(conn, "c", [WHOLE, BLOCK], run_id=None, now=T0)
        await ledger.dismiss(conn, "c", [("p", None)], now=T0)
        await ledger.record(conn, "c", [replace(WHOLE, message="Again.")], run_id=None, now=LATER)
        assert [entry.block for entry in await entries(conn)] == ["b"]
        again = await ledger.find(conn, "c", "p", None)
        assert again is not None
        assert (again.message, again.attempts, again.dismissed_at) == ("Again.", 2, T0)

        await ledger.record(conn, "c", [replace(WHOLE, code="restricted")], run_id=None, now=LATER)
        assert [entry.block for entry in await entries(conn)] == [None, "b"]
        await ledger.dismiss(conn, "c", [("p", None), ("p", "b")], now=T0)
        assert await ledger.count_open(conn, "c") == 0
        await ledger.dismiss(conn, "c", [("p", "b")], now=None)
        assert [entry.block for entry in await entries(conn)] == ["b"]


async def test_words_that_no_utf8_can_tell_are_told_without_them(database: Database) -> None:
    async with database.begin() as conn:
        await ledger.record(conn, "c", [replace(WHOLE, message="Half: \ud83d.")], run_id=None, now=T0)

        assert [entry.message for entry in await entries(conn)] == ["Half: \ufffd."]


async def test_one_entry_is_found_by_its_place(database: Database) -> None:
    async with database.begin() as conn:
        await ledger.record(conn, "c", [WHOLE, BLOCK], run_id=None, now=T0)

        found = [await ledger.find(conn, "c", page, block) for page, block in (("p", None), ("p", "b"))]
        assert [entry and entry.code for entry in found] == ["internal", "timeout"]
        assert await ledger.find(conn, "c", "q", None) is None
        assert await ledger.find(conn, "d", "p", None) is None
