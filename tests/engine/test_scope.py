"""Which records belong to the selected subtrees, in whatever order they are told."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.remembering import HOME, NOON, Remembering

from syncline.core.model import Deletion, Kind, Record
from syncline.core.selection import EVERYTHING, Selection
from syncline.engine import scope as module
from syncline.engine.scope import Scope
from syncline.sources.base import Key
from syncline.store import records
from syncline.store.database import Database


def page(key: str, parent: str | None = None, *, kind: Kind = Kind.PAGE) -> Record:
    return Record(kind, key, "pages", {}, "hash", parent=parent)


def keys(found: list[Record]) -> list[str]:
    return [record.key for record in found]


@st.composite
def forests(draw: st.DrawFn) -> dict[str, str | None]:
    """Pages by their parents; p0 is a root beside others."""
    parents: dict[str, str | None] = {"p0": None}
    for number in range(1, draw(st.integers(1, 25))):
        above = draw(st.integers(-1, number - 1))
        parents[f"p{number}"] = None if above < 0 else f"p{above}"
    return parents


def inside(parents: dict[str, str | None], key: str | None) -> bool:
    return key == "p0" or (key is not None and inside(parents, parents[key]))


@given(parents=forests(), order=st.randoms(use_true_random=False), cuts=st.integers(1, 30))
def test_each_record_below_a_root_is_admitted_once_whatever_the_order(
    parents: dict[str, str | None], order: random.Random, cuts: int
) -> None:
    told = [page(key, parent) for key, parent in parents.items()]
    order.shuffle(told)
    scope = Scope(Selection(("p0",)))
    admitted: list[str] = []
    for start in range(0, len(told), cuts):
        admitted += keys(scope.admit(told[start : start + cuts]))
    assert sorted(admitted) == sorted(key for key in parents if inside(parents, key))
    assert scope.departed() == []


@given(parents=forests(), order=st.randoms(use_true_random=False), cuts=st.integers(1, 30))
def test_what_is_below_an_excluded_page_is_never_admitted_for_good(
    parents: dict[str, str | None], order: random.Random, cuts: int
) -> None:
    """A page that is told before the pages above it may be taken in: then one of those is said to have left."""
    scope = Scope(Selection(excluded=("p0",)))
    told = [page(key, above) for key, above in parents.items()]
    order.shuffle(told)
    admitted: set[str] = set()
    for start in range(0, len(told), cuts):
        admitted.update(keys(scope.admit(told[start : start + cuts])))
    left = {key for _, key in scope.departed()}
    assert {key for key in parents if not inside(parents, key)} <= admitted
    for key in admitted:
        assert inside(parents, key) == any(above in left for above in lineage(parents, key))


def lineage(parents: dict[str, str | None], key: str) -> list[str]:
    above = parents[key]
    return [] if above is None else [above, *lineage(parents, above)]


def test_below_a_block_nobody_knows_whether_a_record_is_outside() -> None:
    scope = Scope(Selection(excluded=("p0",)))
    nested = replace(page("n", "block"), nested=True)
    assert scope.admit([nested]) == []
    assert scope.adopt([(Kind.PAGE, "n")]) == [nested]
    assert scope.wanted([(Kind.PAGE, "p0"), (Kind.PAGE, "n")]) == ((Kind.PAGE, "n"),)


def test_without_roots_everything_is_inside() -> None:
    scope = Scope(EVERYTHING)
    told = [page("a", "nowhere"), page("b")]
    assert scope.admit(told) == told
    assert scope.adopt([(Kind.PAGE, "c")]) == []
    assert scope.within([(Kind.PAGE, "x")]) == [(Kind.PAGE, "x")]
    assert scope.departed() == []


def test_a_user_is_inside_and_so_is_a_root_itself() -> None:
    scope = Scope(Selection(("root",)))
    assert keys(scope.admit([page("u", kind=Kind.USER), page("root", "elsewhere"), page("x")])) == [
        "u",
        "root",
    ]


def test_a_child_seen_in_the_content_is_inside_with_all_that_was_told_below_it() -> None:
    """Its parent is a block, of which nobody knows to which page it belongs."""
    scope = Scope(Selection(("root",)))
    assert scope.admit([page("deep", "child"), page("child", "block"), page("other", "block 2")]) == []
    assert keys(scope.adopt([(Kind.PAGE, "child")])) == ["child", "deep"]
    assert keys(scope.admit([page("child", "block")])) == ["child"]
    assert scope.within([(Kind.PAGE, "deep"), (Kind.PAGE, "other")]) == [(Kind.PAGE, "deep")]


def test_a_record_that_is_told_again_counts_as_told_last() -> None:
    scope = Scope(Selection(("root",)))
    assert scope.admit([page("a", "nowhere")]) == []
    assert keys(scope.admit([page("a", "root")])) == ["a"]
    assert scope.admit([page("b", "a")]) != []
    assert scope.admit([page("a", "nowhere")]) == []
    assert scope.departed() == [(Kind.PAGE, "a")]
    assert scope.departed() == []
    assert scope.within([(Kind.PAGE, "a")]) == []


def test_what_left_and_came_back_has_not_departed() -> None:
    scope = Scope(Selection(("root",)))
    scope.admit([page("a", "root")])
    scope.admit([page("a", "nowhere")])
    scope.admit([page("a", "root")])
    assert scope.departed() == []


@pytest.mark.parametrize("room", [0, 10])
def test_a_child_seen_in_the_content_has_not_departed(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """Though it was told with a block as its parent, and no room may have been left to remember it."""
    monkeypatch.setattr(module, "_CANDIDATES", room)
    scope = Scope(Selection(("root",)))
    scope.admit([page("a", "root")])
    scope.admit([page("a", "block")])
    scope.adopt([(Kind.PAGE, "a")])
    assert scope.departed() == []


def test_what_is_not_remembered_is_read_again_by_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CANDIDATES", 1)
    scope = Scope(Selection(("root",)))
    assert scope.admit([page("a", "block"), page("b", "block")]) == []
    assert keys(scope.adopt([(Kind.PAGE, "a"), (Kind.PAGE, "b")])) == ["a"]
    assert keys(scope.admit([page("b", "block")])) == ["b"]


async def loaded(database: Database, *told: Record, homes: dict[str, str] | None = None) -> Scope:
    """The scope of a process that finds these records in the store."""
    await Remembering(database).connect()
    async with database.begin() as conn:
        await records.upsert(conn, HOME, told, run_id="run", now=NOON)
        await records.adopt(conn, HOME, homes or {}, now=NOON)
    scope = Scope(Selection(("root",)))
    async with database.read() as conn:
        await scope.load(conn, HOME)
    return scope


HELD = [page("root"), page("a", "block"), page("b", "a"), page("c", "b"), page("x")]
HOMES = {"a": "root"}


async def test_what_the_store_holds_below_a_root_is_inside(sqlite_database: Database) -> None:
    scope = await loaded(sqlite_database, *HELD, homes=HOMES)
    every: list[Key] = [(Kind.PAGE, record.key) for record in HELD]
    assert scope.within(every) == [(Kind.PAGE, key) for key in ("root", "a", "b", "c")]
    assert keys(scope.admit(HELD)) == ["root", "a", "b", "c"]


async def test_below_a_page_that_departed_nothing_stays_inside(sqlite_database: Database) -> None:
    """Each is told to hang where it did before; only the page that moved is told to hang elsewhere."""
    scope = await loaded(sqlite_database, *HELD, homes=HOMES)
    for key, above in [("a", "x"), ("b", "a"), ("c", "b")]:
        assert scope.admit([page(key, above)]) == []
        assert scope.departed() == [(Kind.PAGE, key)]


async def test_the_way_down_ends_at_what_has_departed_also_for_the_next_process(
    sqlite_database: Database,
) -> None:
    await loaded(sqlite_database, *HELD, homes=HOMES)
    async with sqlite_database.begin() as conn:
        await records.delete(conn, HOME, [(Kind.PAGE, "a")], reason=Deletion.OUT_OF_SCOPE, now=NOON)
    scope = Scope(Selection(("root",)))
    async with sqlite_database.read() as conn:
        await scope.load(conn, HOME)
    assert scope.admit([page("b", "a")]) == []
    assert scope.departed() == [(Kind.PAGE, "b")]
