"""Below what everything hangs, and who is above it."""

from tests.store.samples import T0, page, record, store

from syncline.core.model import Deletion, Kind
from syncline.store import records, trees
from syncline.store.database import Database
from syncline.store.trees import Node


async def fill(database: Database) -> None:
    found = [
        page("a"),
        page("b", parent="block"),
        record(Kind.DATABASE, "d", parent="b"),
        page("gone", parent="a"),
        record(Kind.USER, "u"),
    ]
    async with database.begin() as conn:
        await store(conn)
        await records.upsert(conn, "c", found, run_id="r", now=T0)
        await records.adopt(conn, "c", {"b": "a"}, now=T0)
        await records.delete(conn, "c", [(Kind.PAGE, "gone")], reason=Deletion.TRASHED, now=T0)


async def test_the_tree_has_tombstones_and_no_people(database: Database) -> None:
    await fill(database)
    async with database.read() as conn:
        found = {node.key: node for node in await trees.tree(conn, "c")}
        assert await trees.tree(conn, "x") == []
    assert found == {
        "a": Node(Kind.PAGE, "a", "pages", None, None, live=True),
        "b": Node(Kind.PAGE, "b", "pages", "block", "a", live=True),
        "d": Node(Kind.DATABASE, "d", "databases", "b", "b", live=True),
        "gone": Node(Kind.PAGE, "gone", "pages", "a", "a", live=False),
    }


async def test_all_above_are_found_up_to_what_is_not_known(database: Database) -> None:
    await fill(database)
    async with database.read() as conn:
        assert await trees.ancestors(conn, "c", ["d"]) == {"d": "b", "b": "a", "a": None}
        assert await trees.ancestors(conn, "c", ["x"]) == {}
