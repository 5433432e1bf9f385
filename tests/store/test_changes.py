"""The change log through a filter, and what pruning and forgetting leave of it. Filters: tests/api/test_records.py."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.store.samples import T0, block_list, document, page, record, store

from syncline.core.model import Action, Deletion, Kind, Record
from syncline.store import changes, documents, records
from syncline.store.changes import Filter
from syncline.store.database import Database
from syncline.store.tables import block_lists
from syncline.store.tables import documents as contents

LATER = T0 + timedelta(hours=1)


async def upsert(conn: AsyncConnection, *found: Record) -> dict[records.Key, Action]:
    await store(conn)
    return await records.upsert(conn, "c", found, run_id=None, now=T0)


async def keys(
    conn: AsyncConnection, *, after: int = 0, upto: int | None = None, limit: int = 100
) -> list[str]:
    found = await changes.listed(conn, "c", Filter(), after=after, upto=upto, limit=limit)
    return [one.record.key for one in found]


async def test_a_listing_lies_between_two_changes(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, *map(page, "abcd"))

        assert await keys(conn) == ["a", "b", "c", "d"]
        assert await keys(conn, after=1, upto=3) == ["b", "c"]
        assert await keys(conn, limit=1) == ["a"]
        assert await changes.head(conn, "c") == 4
        assert await changes.head(conn, "gone") == 0


async def test_pruning_gives_up_the_oldest_data_first_and_leaves_the_sequence_alone(
    database: Database,
) -> None:
    async with database.begin() as conn:
        await upsert(conn, *map(page, "abcd"))

        assert await changes.prune(conn, "c", upto=3, limit=2, now=LATER) == 2
        found = await changes.listed(conn, "c", Filter(), after=0, limit=100)

        assert [(one.record.seq, one.record.data, one.pruned_at) for one in found] == [
            (1, {}, LATER),
            (2, {}, LATER),
            (3, {"id": "c"}, None),
            (4, {"id": "d"}, None),
        ]
        assert await changes.prune(conn, "c", upto=3, limit=2, now=LATER) == 1
        assert await changes.prune(conn, "c", upto=3, limit=2, now=LATER) == 0


async def test_pruning_by_time_takes_what_changed_before_it(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("a"))
        await records.upsert(conn, "c", [page("b")], run_id=None, now=LATER)

        assert await changes.prune(conn, "c", before=LATER, limit=10, now=LATER) == 1
        assert [one.pruned_at for one in await changes.listed(conn, "c", Filter(), after=0, limit=10)] == [
            LATER,
            None,
        ]


async def test_a_pruned_record_that_is_read_again_unchanged_is_unchanged(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("a"))
        await changes.prune(conn, "c", limit=10, now=LATER)

        assert set((await upsert(conn, page("a"))).values()) == {Action.UNCHANGED}
        assert set((await upsert(conn, page("a", {"v": 2}))).values()) == {Action.UPDATED}
        (one,) = await changes.listed(conn, "c", Filter(), after=0, limit=10)
        assert (one.record.data, one.pruned_at) == ({"v": 2}, None)
        assert await changes.prune(conn, "c", limit=10, now=LATER) == 1


async def test_tombstones_are_forgotten_with_their_content_and_the_log_remembers_that(
    database: Database,
) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("a"), page("b"), page("c"), record(Kind.USER, "b"))
        await documents.stage(conn, "c", [block_list("b", 1, "x"), block_list("c", 1, "x")])
        await documents.promote(conn, "c", [document("b", 1, "x"), document("c", 1, "x")], now=T0)
        await records.delete(conn, "c", [(Kind.PAGE, "b")], reason=Deletion.TRASHED, now=T0)
        await records.delete(conn, "c", [(Kind.PAGE, "a")], reason=Deletion.TRASHED, now=LATER)

        assert await changes.floor(conn, "c") == 0
        assert await changes.forget(conn, "c", before=LATER, limit=10) == 1
        assert await changes.forget(conn, "c", before=LATER, limit=10) == 0

        assert await keys(conn) == ["b", "c", "a"]  # the user b, and the tombstone that is too young
        assert await changes.floor(conn, "c") == 7
        for table in (contents, block_lists):
            assert await conn.scalar(select(func.count()).select_from(table)) == 1
