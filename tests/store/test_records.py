"""Records: compared by hash, logged by number, found, counted, walked."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.store.samples import T0, block_list, document, page, record, store

from syncline.core.errors import NotFound
from syncline.core.model import Action, Deletion, Fidelity, Kind, Record, StoredRecord
from syncline.store import connections, documents, records
from syncline.store.database import Database
from syncline.store.records import Key

LATER = T0 + timedelta(hours=1)
MANY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def upsert(
    conn: AsyncConnection,
    *found: Record,
    run_id: str | None = None,
    now: datetime = T0,
    connection_id: str = "c",
) -> dict[Key, Action]:
    await store(conn, connection_id)
    return await records.upsert(conn, connection_id, found, run_id=run_id, now=now)


async def delete(conn: AsyncConnection, *keys: str, now: datetime = T0) -> int:
    pages = [(Kind.PAGE, key) for key in keys]
    return await records.delete(conn, "c", pages, reason=Deletion.TRASHED, now=now)


async def held(conn: AsyncConnection, key: str, kind: Kind = Kind.PAGE) -> StoredRecord:
    return (await records.find(conn, "c", kind, [key]))[key]


async def log(conn: AsyncConnection, after: int = 0) -> list[tuple[int, str, Action]]:
    return [
        (each.seq, each.key, each.action) for each in await records.changes(conn, "c", after=after, limit=100)
    ]


async def test_a_new_record_is_added_whole(database: Database) -> None:
    new = page("p", {"z": 1, "a": [None]}, title="Tïtle", parent="q", edited_at=LATER)

    async with database.begin() as conn:
        assert await upsert(conn, new, run_id="r") == {(Kind.PAGE, "p"): Action.ADDED}

        assert await held(conn, "p") == StoredRecord(
            kind=Kind.PAGE,
            key="p",
            stream="pages",
            data={"z": 1, "a": [None]},
            hash=new.hash,
            title="Tïtle",
            parent="q",
            edited_at=LATER,
            seq=1,
            action=Action.ADDED,
            first_seen_at=T0,
            changed_at=T0,
            seen_in="r",
        )


async def test_a_record_with_the_same_hash_is_unchanged_and_not_logged(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("p"))
        before = await held(conn, "p")

        actions = await upsert(conn, page("p"), now=LATER)

        assert actions == {(Kind.PAGE, "p"): Action.UNCHANGED}
        assert await held(conn, "p") == before


async def test_an_unchanged_record_notes_who_saw_it_and_its_last_edit(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("p"), run_id="r1")

        await upsert(conn, page("p", edited_at=LATER), run_id="r2", now=LATER)
        after = await held(conn, "p")
        await upsert(conn, page("p", edited_at=LATER))

        assert (after.seen_in, after.edited_at, after.seq, after.changed_at) == ("r2", LATER, 1, T0)
        assert await held(conn, "p") == after


async def test_a_record_with_another_hash_is_updated_and_logged(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("p", title="Old"), page("q"), run_id="r1")

        actions = await upsert(conn, page("p", {"v": 2}, title="New", parent="q"), now=LATER)
        after = await held(conn, "p")

        assert actions == {(Kind.PAGE, "p"): Action.UPDATED}
        assert (after.data, after.title, after.parent, after.seen_in) == ({"v": 2}, "New", "q", "r1")
        assert (after.first_seen_at, after.changed_at) == (T0, LATER)
        assert await log(conn) == [(2, "q", Action.ADDED), (3, "p", Action.UPDATED)]


async def test_of_two_records_with_one_key_the_last_counts(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("p", {"v": 1}), page("q"), page("p", {"v": 2}))

        assert (await held(conn, "p")).data == {"v": 2}
        assert len(await log(conn)) == 2


async def test_kinds_are_apart_and_so_are_connections(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("k"), record(Kind.DATABASE, "k", {"v": 1}))
        await upsert(conn, page("k", {"v": 2}), connection_id="d")

        assert (await held(conn, "k")).data == {"id": "k"}
        assert (await held(conn, "k", Kind.DATABASE)).data == {"v": 1}
        assert await records.find(conn, "d", Kind.DATABASE, ["k"]) == {}


async def test_a_tombstone_seen_again_is_added(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("p"))
        await delete(conn, "p")

        actions = await upsert(conn, page("p"), now=LATER)
        after = await held(conn, "p")

        assert actions == {(Kind.PAGE, "p"): Action.ADDED}
        assert (after.deleted_at, after.deletion, after.first_seen_at) == (None, None, T0)
        assert await log(conn) == [(3, "p", Action.ADDED)]


async def test_deletion_makes_tombstones_of_live_records_once(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("p"), page("q"), page("r"))

        assert await delete(conn, "p", "p", "q", "unknown", now=LATER) == 2
        assert await delete(conn, "p") == 0

        after = await held(conn, "p")
        assert (after.action, after.deleted_at, after.deletion) == (Action.DELETED, LATER, Deletion.TRASHED)
        assert after.data == {"id": "p"}
        assert await log(conn, after=3) == [(4, "p", Action.DELETED), (5, "q", Action.DELETED)]


async def test_touch_logs_live_pages_as_updated(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("p"), page("q"), record(Kind.USER, "u"))
        await delete(conn, "q")

        assert await records.touch(conn, "c", ["p", "q", "u", "unknown"], now=LATER) == 1

        assert await log(conn, after=4) == [(5, "p", Action.UPDATED)]
        assert (await held(conn, "p")).changed_at == LATER


async def test_a_page_touched_in_the_batch_that_added_it_stays_added(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("p"))
        await records.touch(conn, "c", ["p"], now=T0)

        assert await log(conn) == [(2, "p", Action.ADDED)]


async def test_adoption_logs_a_home_that_is_news(database: Database) -> None:
    async with database.begin() as conn:
        source = record(Kind.DATA_SOURCE, "s", parent="block")
        await upsert(
            conn, page("direct", parent="p"), page("deep", parent="block"), source, page("dead", parent="b")
        )
        await delete(conn, "dead")
        homes = dict.fromkeys(["direct", "deep", "s", "dead", "unknown"], "p")

        assert await records.adopt(conn, "c", homes, now=LATER) == 2
        assert await records.adopt(conn, "c", homes, now=LATER) == 0
        assert await records.adopt(conn, "c", {}, now=LATER) == 0

        assert {key for _, key, _ in await log(conn, after=5)} == {"deep", "s"}
        found = await held(conn, "deep")
        assert (found.home, found.place, found.action) == ("p", "p", Action.UPDATED)
        assert (await held(conn, "direct")).home is None


@pytest.mark.parametrize(("parent", "home"), [("block", "p"), ("elsewhere", None)])
async def test_a_home_stays_until_the_parent_changes(
    database: Database, parent: str, home: str | None
) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("deep", parent="block"))
        await records.adopt(conn, "c", {"deep": "p"}, now=T0)

        await upsert(conn, page("deep", {"v": 2}, parent=parent))

        assert (await held(conn, "deep")).home == home


async def test_a_page_is_found_with_what_is_known_of_its_content(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("p"), record(Kind.USER, "p"))
        await documents.stage(conn, "c", [block_list("p", 1, "x")])
        await documents.promote(conn, "c", [document("p", 1, "hash of x", read_at=LATER)], now=T0)

        found = await held(conn, "p")

        assert (found.content_hash, found.content_read_at, found.content_fidelity) == (
            "hash of x",
            LATER,
            Fidelity.BLOCKS,
        )
        assert (await held(conn, "p", Kind.USER)).content_hash is None


async def test_more_records_than_fit_into_one_list_are_found_changed_and_deleted(database: Database) -> None:
    keys = [f"p{number:04}" for number in range(1201)]

    async with database.begin() as conn:
        assert set((await upsert(conn, *map(page, keys))).values()) == {Action.ADDED}
        assert set((await upsert(conn, *map(page, keys))).values()) == {Action.UNCHANGED}
        assert set(await records.find(conn, "c", Kind.PAGE, keys)) == set(keys)
        assert await delete(conn, *keys) == len(keys)


async def test_nothing_at_all_is_no_change(database: Database) -> None:
    async with database.begin() as conn:
        assert await records.upsert(conn, "gone", [], run_id=None, now=T0) == {}
        assert await records.delete(conn, "gone", [], reason=Deletion.TRASHED, now=T0) == 0
        assert await records.touch(conn, "gone", [], now=T0) == 0


async def test_a_connection_that_was_removed_takes_no_records(database: Database) -> None:
    async with database.begin() as conn:
        with pytest.raises(NotFound, match="no connection gone"):
            await records.upsert(conn, "gone", [page("p")], run_id=None, now=T0)


async def test_unseen_are_the_live_records_that_another_run_saw_last(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(
            conn,
            page("old"),
            page("dead"),
            record(Kind.DATA_SOURCE, "s"),
            record(Kind.USER, "u"),
            run_id="r1",
        )
        await upsert(conn, page("never"))
        await upsert(conn, page("seen"), run_id="r2")
        await delete(conn, "dead")

        kinds = [Kind.PAGE, Kind.DATA_SOURCE]
        assert await records.unseen(conn, "c", "r2", kinds=kinds) == [
            (Kind.DATA_SOURCE, "s"),
            (Kind.PAGE, "never"),
            (Kind.PAGE, "old"),
        ]


async def test_live_records_are_counted_by_kind(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("p"), page("q"), page("dead"), record(Kind.USER, "u"))
        await delete(conn, "dead")

        assert await records.count_live(conn, "c") == 3
        assert await records.count_live(conn, "c", kinds=[Kind.PAGE]) == 2
        assert await records.count_live(conn, "d") == 0


async def test_a_run_is_tallied_with_every_page_once(database: Database) -> None:
    async with database.begin() as conn:
        before = [page(key) for key in ("same", "edited", "killed", "back", "gone", "never seen")]
        await upsert(conn, *before, record(Kind.USER, "u"), run_id="r1")
        await delete(conn, "back", "gone")
        after_seq = await connections.advance(conn, "c", 0) - 1

        new = [
            page("new"),
            page("new and touched"),
            page("new and killed"),
            page("back"),
            record(Kind.USER, "v"),
        ]
        await upsert(
            conn, *new, page("same"), page("edited", {"v": 2}), page("killed"), run_id="r2", now=LATER
        )
        await records.touch(conn, "c", ["new and touched", "edited"], now=LATER + timedelta(seconds=1))
        await delete(conn, "killed", "new and killed", now=LATER)

        tally = await records.tally(conn, "c", run_id="r2", after_seq=after_seq, since=LATER)

        assert tally == {"seen": 7, "added": 3, "updated": 1, "deleted": 2}
        nothing = await records.tally(conn, "c", run_id="r3", after_seq=100, since=LATER)
        assert nothing == {"seen": 0, "added": 0, "updated": 0, "deleted": 0}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plan", ["exact", "newer", "older", "undated"]),
        ("PLAN", ["exact", "newer", "older", "undated"]),
        ("größe", ["german"]),
        ("GRÖSSE", ["german"]),
        ("100%", ["percent"]),
        ("_", ["percent"]),
        ("deleted", []),
    ],
)
async def test_titles_are_searched_in_any_case_exact_ones_first(
    database: Database, text: str, found: list[str]
) -> None:
    async with database.begin() as conn:
        await upsert(
            conn,
            page("older", title="The plan", edited_at=T0),
            page("undated", title="Planes", edited_at=None),
            page("newer", title="Our PLAN b", edited_at=LATER),
            page("exact", title="Plan", edited_at=T0 - timedelta(1)),
            page("german", title="Größe und Straße"),
            page("percent", title="100% _done_"),
            page("dead", title="deleted"),
        )
        await delete(conn, "dead")

        assert [each.key for each in await records.search_title(conn, "c", text, limit=10)] == found
        assert [each.key for each in await records.search_title(conn, "c", text, limit=1)] == found[:1]


async def family(conn: AsyncConnection) -> None:
    """Root ─ a ─ b (in a block) ─ c; root ─ s ─ row; root ─ dead ─ orphan; elsewhere."""
    await upsert(
        conn,
        page("root"),
        page("a", parent="root"),
        page("b", parent="block in a"),
        page("c", parent="b"),
        record(Kind.DATA_SOURCE, "s", parent="root"),
        page("row", parent="s"),
        page("dead", parent="root"),
        page("orphan", parent="dead"),
        page("elsewhere", parent="block in a"),
    )
    await upsert(conn, page("d's", parent="root"), connection_id="d")
    await delete(conn, "dead")
    await records.adopt(conn, "c", {"b": "a", "elsewhere": "x"}, now=T0)


async def test_children_are_the_live_records_placed_below(database: Database) -> None:
    async with database.begin() as conn:
        await family(conn)

        assert await records.children(conn, "c", ["root"]) == [(Kind.DATA_SOURCE, "s"), (Kind.PAGE, "a")]
        assert await records.children(conn, "c", ["a", "s"]) == [(Kind.PAGE, "b"), (Kind.PAGE, "row")]
        assert await records.children(conn, "c", ["block in a"]) == []
        assert await records.children(conn, "c", []) == []


async def test_descendants_are_all_live_records_below(database: Database) -> None:
    async with database.begin() as conn:
        await family(conn)

        assert await records.descendants(conn, "c", ["root"]) == ["a", "b", "c", "orphan", "row", "s"]
        assert await records.descendants(conn, "c", ["a", "s"]) == ["b", "c", "row"]
        assert await records.descendants(conn, "c", ["c"]) == []
        assert await records.descendants(conn, "c", []) == []


async def test_a_record_in_a_block_hangs_below_the_page_around_it(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("a"), page("b", parent="block in a"), page("c", parent="b"))
        await records.adopt(conn, "c", {"b": "a"}, now=T0)

        assert await records.places(conn, "c", ["a", "b", "c", "z"]) == {"a": None, "b": "a", "c": "b"}
        assert await records.parents(conn, "c", ["b", "z"]) == {"b": "block in a"}


async def test_a_circle_of_parents_ends(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, page("a", parent="b"), page("b", parent="a"))

        assert await records.descendants(conn, "c", ["a"]) == ["a", "b"]


async def test_the_log_is_read_in_pieces(database: Database) -> None:
    async with database.begin() as conn:
        await upsert(conn, *(page(f"p{number}") for number in range(5)))

        parts = [await records.changes(conn, "c", after=after, limit=2) for after in (0, 2, 4, 5)]

        assert [[each.seq for each in part] for part in parts] == [[1, 2], [3, 4], [5], []]


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["upsert", "delete", "touch"]),
        st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2)), min_size=1, max_size=4),
    ),
    max_size=12,
)


class Model:
    """What the store should hold: the data and life of each page, and its number in the log."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, bool, int]] = {}
        self.seq = 0

    def set(self, key: str, data: int, *, live: bool) -> None:
        self.seq += 1
        self.pages[key] = (data, live, self.seq)

    def apply(self, operation: str, batch: Sequence[tuple[str, int]]) -> None:
        last = dict(batch)
        if operation == "upsert":
            for key, data in last.items():
                before = self.pages.get(key)
                if before is None or not before[1] or before[0] != data:
                    self.set(key, data, live=True)
            return
        for key in last:
            before = self.pages.get(key)
            if before is not None and before[1]:
                self.set(key, before[0], live=operation == "touch")


async def act(conn: AsyncConnection, operation: str, batch: Sequence[tuple[str, int]], now: datetime) -> None:
    if operation == "upsert":
        await upsert(conn, *(page(key, {"v": data}) for key, data in batch), now=now)
    elif operation == "delete":
        await delete(conn, *(key for key, _ in batch), now=now)
    else:
        await records.touch(conn, "c", [key for key, _ in batch], now=now)


async def follow(conn: AsyncConnection, after: int, limit: int) -> list[StoredRecord]:
    """Every change behind `after`, read in pieces of `limit`."""
    read: list[StoredRecord] = []
    while part := await records.changes(conn, "c", after=read[-1].seq if read else after, limit=limit):
        read += part
    return read


@MANY
@given(operations=OPERATIONS, limit=st.integers(1, 5), every=st.integers(1, 4))
async def test_a_reader_of_the_log_ends_with_what_the_store_holds(
    database: Database, operations: list[tuple[str, list[tuple[str, int]]]], limit: int, every: int
) -> None:
    model, copy, seen = Model(), dict[str, tuple[Any, bool, int]](), list[int]()
    async with database.begin() as conn:
        await store(conn)
        await connections.remove(conn, "c")
        await store(conn)
        for step, (operation, batch) in enumerate([*operations, ("touch", [("none", 0)])]):
            await act(conn, operation, batch, T0 + timedelta(minutes=step))
            model.apply(operation, batch)
            if step % every == 0 or step == len(operations):
                for each in await follow(conn, seen[-1] if seen else 0, limit):
                    copy[each.key] = (each.data["v"], each.deleted_at is None, each.seq)
                    seen.append(each.seq)

    assert copy == model.pages
    assert seen == sorted(set(seen))


async def test_a_reader_beside_several_writers_misses_nothing_and_sees_no_number_twice(
    store_location: str,
) -> None:
    database = await Database.open(store_location)
    async with database.begin() as conn:
        await store(conn)
    writers = 4
    done = 0

    async def write(writer: int) -> None:
        nonlocal done
        for number in range(12):
            async with database.begin() as conn:
                # All write one page in common, each one of its own.
                found = [page("common", {"v": [writer, number]}), page(f"own {writer} {number}")]
                await records.upsert(conn, "c", found, run_id=None, now=T0)
                await asyncio.sleep(0)
        done += 1

    async def read() -> list[tuple[int, str]]:
        seen: list[tuple[int, str]] = []
        ending = False
        while True:
            async with database.read() as conn:
                part = await records.changes(conn, "c", after=seen[-1][0] if seen else 0, limit=7)
            seen += [(each.seq, each.key) for each in part]
            if not part and ending:
                return seen
            ending = done == writers
            await asyncio.sleep(0)

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(writer) for writer in range(writers)))
    seen = await reading
    async with database.read() as conn:
        final = {each.key: each.seq for each in await records.changes(conn, "c", after=0, limit=1000)}
    await database.close()

    assert [seq for seq, _ in seen] == sorted({seq for seq, _ in seen})
    assert {key: seq for seq, key in seen} == final
    assert set(final) == {"common"} | {
        f"own {writer} {number}" for writer in range(writers) for number in range(12)
    }


async def test_what_several_writers_find_at_once_is_added_once(database: Database) -> None:
    async with database.begin() as conn:
        await store(conn)

    ready = asyncio.Barrier(5 if database.dialect == "postgresql" else 1)  # SQLite lets one in at a time

    async def write() -> Action:
        async with database.begin() as conn:
            await ready.wait()
            return (await records.upsert(conn, "c", [page("p")], run_id=None, now=T0))[Kind.PAGE, "p"]

    actions = await asyncio.gather(*(write() for _ in range(5)))

    assert sorted(actions) == [Action.ADDED] + [Action.UNCHANGED] * 4
    async with database.read() as conn:
        assert await log(conn) == [(1, "p", Action.ADDED)]
