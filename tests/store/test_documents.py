"""Documents: staged beside what counts, switched at once, loaded whole."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.store.samples import T0, block_list, document, page, store

from syncline.core.model import (
    Action,
    BlockList,
    Deletion,
    Document,
    DocumentState,
    Fidelity,
    Kind,
    StoredRecord,
    Unread,
)
from syncline.store import connections, documents, records
from syncline.store.database import Database
from syncline.store.documents import NewDocument, StagedList
from syncline.store.tables import block_lists

LATER = T0 + timedelta(hours=1)
MANY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
REFUSED = Unread("b", 404, "object_not_found", "Could not \ud800 find block.", "req-1")


async def begin(conn: AsyncConnection, *pages: str) -> None:
    await store(conn)
    await records.upsert(conn, "c", [page(key) for key in pages], run_id=None, now=T0)


async def put(conn: AsyncConnection, new: NewDocument, *lists: StagedList) -> Action:
    await documents.stage(conn, "c", lists)
    return (await documents.promote(conn, "c", [new], now=LATER))[new.page]


async def held(conn: AsyncConnection, key: str) -> StoredRecord:
    return (await records.find(conn, "c", Kind.PAGE, [key]))[key]


async def texts(conn: AsyncConnection, key: str) -> list[str]:
    document = (await documents.load(conn, "c", [key]))[key]
    return [block["text"] for each in document.lists for block in each.blocks]


async def rows(conn: AsyncConnection) -> set[tuple[str, int]]:
    """The generations of which there is a row."""
    found = await conn.execute(select(block_lists.c.page, block_lists.c.generation).distinct())
    return {(page, generation) for page, generation in found}


async def test_what_was_staged_comes_back_the_pages_own_lists_first(database: Database) -> None:
    lists = [
        block_list("p", 7, "deep", container="a"),
        block_list("p", 7, "third", ordinal=10),
        block_list("p", 7, "second", ordinal=2, cursor="next"),
        block_list("p", 7, "first \x00 \ud800", cursor="c1"),
        block_list("p", 7, container="b"),
    ]
    async with database.begin() as conn:
        await documents.stage(conn, "c", lists)
        await documents.stage(conn, "c", [block_list("p", 8, "other"), block_list("q", 7, "other")])
        await documents.stage(conn, "d", [block_list("p", 7, "other")])

        assert await documents.staged(conn, "c", "p", 7) == [lists[3], lists[2], lists[1], lists[0], lists[4]]
        assert await documents.staged(conn, "c", "p", 9) == []


async def test_a_list_that_is_staged_again_is_replaced(database: Database) -> None:
    async with database.begin() as conn:
        await documents.stage(conn, "c", [block_list("p", 1, "a", cursor="x"), block_list("p", 1, "b")])
        await documents.stage(conn, "c", [block_list("p", 1, "c", cursor="y")])
        await documents.stage(conn, "c", [])

        assert await documents.staged(conn, "c", "p", 1) == [block_list("p", 1, "c", cursor="y")]


async def test_staging_changes_nothing_that_counts(database: Database) -> None:
    async with database.begin() as conn:
        await begin(conn, "p")
        await put(conn, document("p", 1, "x"), block_list("p", 1, "x"))
        before = await documents.load(conn, "c", ["p"]), await held(conn, "p")

        await documents.stage(conn, "c", [block_list("p", 2, "y")])

        assert (await documents.load(conn, "c", ["p"]), await held(conn, "p")) == before


async def test_the_first_content_is_added_and_logged(database: Database) -> None:
    async with database.begin() as conn:
        await begin(conn, "p", "q")

        action = await put(conn, document("p", 1, "x", unread=(REFUSED,)), block_list("p", 1, "a", "b"))

        assert action is Action.ADDED
        assert await documents.load(conn, "c", ["p", "q"]) == {
            "p": Document(
                page="p",
                fidelity=Fidelity.BLOCKS,
                hash="x",
                state=DocumentState.MARKED,
                lists=(
                    BlockList("p", 0, ({"object": "block", "text": "a"}, {"object": "block", "text": "b"})),
                ),
                unread=(REFUSED,),
            )
        }
        assert [(each.key, each.seq) for each in await records.changes(conn, "c", after=2, limit=9)] == [
            ("p", 3)
        ]


async def test_other_content_takes_the_place_of_the_old(database: Database) -> None:
    async with database.begin() as conn:
        await begin(conn, "p")
        await put(
            conn, document("p", 5, "x"), block_list("p", 5, "x"), block_list("p", 5, "deep", container="b")
        )

        assert await put(conn, document("p", 3, "y"), block_list("p", 3, "y")) is Action.UPDATED

        assert await texts(conn, "p") == ["y"]
        assert await rows(conn) == {("p", 3)}
        after = await held(conn, "p")
        assert (after.seq, after.action, after.changed_at) == (3, Action.UPDATED, LATER)


async def test_the_same_content_changes_nothing_but_the_times_and_the_state(database: Database) -> None:
    async with database.begin() as conn:
        await begin(conn, "p")
        await put(conn, document("p", 1, "x"), block_list("p", 1, "x"))
        before = await held(conn, "p")

        again = document("p", 2, "x", unread=(REFUSED,), read_at=LATER)
        assert await put(conn, again, block_list("p", 2, "X")) is Action.UNCHANGED

        after = await held(conn, "p")
        loaded = (await documents.load(conn, "c", ["p"]))["p"]
        assert (after.seq, after.changed_at, after.content_read_at) == (before.seq, before.changed_at, LATER)
        assert (loaded.state, loaded.unread) == (DocumentState.MARKED, (REFUSED,))
        assert await texts(conn, "p") == ["x"]
        assert await rows(conn) == {("p", 1)}


async def test_the_same_hash_at_another_fidelity_is_other_content(database: Database) -> None:
    async with database.begin() as conn:
        await begin(conn, "p")
        await put(conn, document("p", 1, "x"), block_list("p", 1, "x"))

        text = "# Title \x00 \ud800"
        marked = document("p", 2, "x", fidelity=Fidelity.MARKDOWN, markdown=text)
        assert await put(conn, marked) is Action.UPDATED

        loaded = (await documents.load(conn, "c", ["p"]))["p"]
        assert (loaded.fidelity, loaded.markdown, loaded.lists) == (Fidelity.MARKDOWN, text, ())
        assert (await held(conn, "p")).content_fidelity is Fidelity.MARKDOWN
        assert await rows(conn) == set()


@pytest.mark.parametrize(("content", "action"), [("x", Action.UNCHANGED), ("y", Action.UPDATED)])
async def test_a_generation_promoted_twice_stays_whole(
    database: Database, content: str, action: Action
) -> None:
    async with database.begin() as conn:
        await begin(conn, "p")
        await put(conn, document("p", 1, "x"), block_list("p", 1, "x"))

        assert await put(conn, document("p", 1, content)) is action

        assert await texts(conn, "p") == ["x"]


async def test_blocks_that_were_never_staged_are_refused(database: Database) -> None:
    async with database.begin() as conn:
        await begin(conn, "p")
        await documents.stage(conn, "c", [block_list("p", 2, "x")])
        with pytest.raises(ValueError, match="no list of page p is staged under generation 1"):
            await documents.promote(conn, "c", [document("p", 1, "x")], now=T0)


async def test_content_of_a_tombstone_is_kept_and_not_logged(database: Database) -> None:
    async with database.begin() as conn:
        await begin(conn, "p")
        await records.delete(conn, "c", [(Kind.PAGE, "p")], reason=Deletion.TRASHED, now=T0)

        assert await put(conn, document("p", 1, "x"), block_list("p", 1, "x")) is Action.ADDED

        after = await held(conn, "p")
        assert (after.action, after.seq, after.content_hash) == (Action.DELETED, 2, "x")


async def test_pages_of_one_batch_have_each_their_own_outcome(database: Database) -> None:
    async with database.begin() as conn:
        keys = [f"p{number:03}" for number in range(600)]
        await begin(conn, *keys)
        await documents.stage(conn, "c", [block_list(key, 1, key) for key in keys])
        first = await documents.promote(conn, "c", [document(key, 1, key) for key in keys], now=T0)
        await documents.stage(conn, "c", [block_list(key, 2, key) for key in keys])

        edited = [document(key, 2, "new" if index % 2 else key) for index, key in enumerate(keys)]
        second = await documents.promote(conn, "c", edited, now=LATER)

        assert set(first.values()) == {Action.ADDED}
        assert list(second.values()) == [Action.UNCHANGED, Action.UPDATED] * 300
        assert await rows(conn) == {(key, 2 if index % 2 else 1) for index, key in enumerate(keys)}
        assert set(await documents.load(conn, "c", keys)) == set(keys)


async def test_sizes_bound_what_a_load_brings(database: Database) -> None:
    async with database.begin() as conn:
        await begin(conn, "p", "q", "r", "s")
        await put(
            conn,
            document("p", 1, "x"),
            block_list("p", 1, "x" * 5000),
            block_list("p", 1, "x" * 5000, container="b"),
        )
        await put(conn, document("q", 1, "x", fidelity=Fidelity.MARKDOWN, markdown="x" * 3000))
        await put(conn, document("r", 1, "x"), block_list("r", 1))

        sizes = await documents.sizes(conn, "c", ["p", "q", "r", "s"])

        assert 10_000 < sizes["p"] < 10_200
        assert sizes["q"] == 3000
        assert sizes["r"] == 2
        assert "s" not in sizes


async def test_discard_drops_what_does_not_count(database: Database) -> None:
    async with database.begin() as conn:
        await begin(conn, "p", "q")
        await put(conn, document("p", 2, "x"), block_list("p", 2, "x"))
        await documents.stage(conn, "c", [block_list(key, number, "y") for key in "pq" for number in (1, 3)])
        await documents.stage(conn, "d", [block_list("p", 1, "y")])

        await documents.discard(conn, "c")

        assert await rows(conn) == {("p", 2), ("p", 1)}
        assert await texts(conn, "p") == ["x"]
        assert await documents.staged(conn, "c", "p", 1) == []


async def test_nothing_to_promote_is_no_change(database: Database) -> None:
    async with database.begin() as conn:
        assert await documents.promote(conn, "gone", [], now=T0) == {}
        assert await documents.load(conn, "c", []) == {}
        assert await documents.sizes(conn, "c", []) == {}


READS = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from("pqr"),
            st.sampled_from(["x", "y", "x\ny", ""]),
            st.sampled_from([Fidelity.BLOCKS, Fidelity.MARKDOWN]),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda read: read[0],
    ),
    max_size=8,
)


def lists(key: str, generation: int, content: str) -> Sequence[StagedList]:
    """A list of the page's own and one for each line, as many as the content has."""
    deep = [block_list(key, generation, line, container=f"{key} {line}") for line in content.splitlines()]
    return [block_list(key, generation, content), *deep]


@MANY
@given(batches=READS)
async def test_what_counts_is_always_the_last_reading_that_was_promoted(
    database: Database, batches: list[list[tuple[str, str, Fidelity, bool]]]
) -> None:
    expected: dict[str, tuple[str, Fidelity]] = {}
    async with database.begin() as conn:
        await store(conn)
        await connections.remove(conn, "c")
        await begin(conn, "p", "q", "r")
        for generation, batch in enumerate(batches):
            for key, content, fidelity, _ in batch:
                if fidelity is Fidelity.BLOCKS:
                    await documents.stage(conn, "c", lists(key, generation, content))
            whole = [(key, content, fidelity) for key, content, fidelity, promoted in batch if promoted]
            new = [
                document(
                    key,
                    generation,
                    content,
                    fidelity=fidelity,
                    markdown=content if fidelity == "markdown" else None,
                )
                for key, content, fidelity in whole
            ]
            numbers = {key: (await held(conn, key)).seq for key, *_ in whole}
            actions = await documents.promote(conn, "c", new, now=LATER)
            for key, content, fidelity in whole:
                same = expected.get(key) == (content, fidelity)
                first = Action.UPDATED if key in expected else Action.ADDED
                assert actions[key] is (Action.UNCHANGED if same else first)
                assert ((await held(conn, key)).seq > numbers[key]) is not same
                expected[key] = (content, fidelity)
        await documents.discard(conn, "c")
        loaded = await documents.load(conn, "c", ["p", "q", "r"])
        count = await conn.scalar(select(func.count()).select_from(block_lists))

    assert {key: (each.hash, each.fidelity) for key, each in loaded.items()} == expected
    for key, (content, fidelity) in expected.items():
        blocks = lists(key, 0, content) if fidelity is Fidelity.BLOCKS else []
        found = {each.container: each.blocks for each in loaded[key].lists}
        assert found == {each.container: each.blocks for each in blocks}
        assert loaded[key].markdown == (content if fidelity is Fidelity.MARKDOWN else None)
    assert count == sum(len(each.lists) for each in loaded.values())


async def test_what_was_begun_and_does_not_count_is_unfinished(database: Database) -> None:
    async with database.begin() as conn:
        await begin(conn, "p", "q")
        await put(conn, document("p", 2, "x"), block_list("p", 2, "x"))
        await documents.stage(conn, "c", [block_list("p", 3, "y"), block_list("q", 1, "y")])
        await documents.stage(conn, "d", [block_list("p", 4, "y")])

        assert await documents.unfinished(conn, "c") == {("p", 3), ("q", 1)}
