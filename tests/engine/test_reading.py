"""A page being read: any order, any cut and any interruption come to the same whole; nothing goes in circles."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.errors import Retry
from syncline.core.hash import digest
from syncline.core.model import DocumentState, Fidelity, Kind, Unread
from syncline.engine.reading import Reading, Step
from syncline.sources.base import Content
from syncline.store.documents import NewDocument, StagedList

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAGE = "page"


def reading(fidelity: Fidelity = Fidelity.BLOCKS) -> Reading:
    return Reading(page=PAGE, generation=1, fidelity=fidelity, edited_at=NOON, read_at=NOON)


@dataclass
class Tree:
    """A page: the children of each container, and of how many each answer holds."""

    below: dict[str, list[str]]
    cuts: int = 100
    refused: set[str] = field(default_factory=set)

    def answer(self, container: str, cursor: str | None) -> Content:
        """What the source answers. Its cursors are numbers, which begin anew in each container."""
        start = int(cursor or 0)
        children = self.below.get(container, [])
        end = start + self.cuts
        return replace(
            parse([{"id": child, "more": child in self.below} for child in children[start:end]]),
            cursor=str(end) if end < len(children) else None,
        )


def parse(blocks: list[dict[str, Any]]) -> Content:
    return Content(
        blocks=tuple(blocks),
        digests=tuple(digest(block["id"]) for block in blocks),
        containers=tuple(block["id"] for block in blocks if block["more"]),
        children=tuple((Kind.PAGE, block["id"]) for block in blocks if block["id"].endswith("7")),
    )


def parsed(one: StagedList) -> Content:
    return replace(parse([dict(block) for block in one.blocks]), cursor=one.cursor)


def walk(
    one: Reading, tree: Tree, steps: list[Step], order: random.Random, *, most: int = 10_000
) -> list[StagedList]:
    """Read up to `most` of what is missing, in any order; the answers as they are staged."""
    staged: list[StagedList] = []
    waiting = list(steps)
    while waiting and len(staged) < most:
        step = waiting.pop(order.randrange(len(waiting)))
        if step.container in tree.refused:
            one.refuse(step, Unread(step.container, 404, "object_not_found", "gone"))
            continue
        content = tree.answer(step.container, step.cursor)
        waiting += one.add(step, content)
        staged.append(StagedList(PAGE, 1, step.container, step.ordinal, content.cursor, content.blocks))
    return staged


def _unjoined(page: str, pieces: Mapping[str, str]) -> str:
    raise AssertionError(f"blocks of {page} have no pieces: {pieces}")


def whole(tree: Tree, *, seed: int = 0) -> NewDocument:
    one = reading()
    walk(one, tree, [one.begin()], random.Random(seed))
    assert one.complete
    return one.document(_unjoined)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Any tree of up to 40 blocks, each below the page or an earlier block."""
    below: dict[str, list[str]] = {PAGE: []}
    for number in range(draw(st.integers(0, 40))):
        parent = draw(st.integers(-1, number - 1))
        below.setdefault(PAGE if parent < 0 else f"b{parent}", []).append(f"b{number}")
    return Tree(below)


seeds = st.integers(0, 1_000)


@given(tree=trees(), seed=seeds)
def test_any_order_of_answers_gives_the_same_document(tree: Tree, seed: int) -> None:
    assert whole(tree, seed=seed) == whole(tree)


@given(tree=trees(), cuts=st.integers(1, 5), seed=seeds)
def test_any_cut_into_answers_gives_the_same_document(tree: Tree, cuts: int, seed: int) -> None:
    assert whole(replace(tree, cuts=cuts), seed=seed) == whole(tree)


@given(tree=trees(), cuts=st.integers(1, 5), seed=seeds, data=st.data())
def test_a_reading_taken_up_from_any_staged_answers_equals_one_read_through(
    tree: Tree, cuts: int, seed: int, data: st.DataObject
) -> None:
    cut = replace(tree, cuts=cuts)
    died = reading()
    staged = walk(died, cut, [died.begin()], random.Random(seed))
    kept = [one for one in staged if data.draw(st.booleans())]
    again = reading()
    missing = again.resume(random.Random(seed).sample(kept, len(kept)), parsed)
    walk(again, cut, missing, random.Random(seed + 1))
    assert again.complete
    assert again.document(_unjoined) == whole(tree)


@given(tree=trees(), cuts=st.integers(1, 5), most=st.integers(0, 40))
def test_no_answer_that_was_staged_in_order_is_read_again(tree: Tree, cuts: int, most: int) -> None:
    """A process that died staged each answer after the one that led to it."""
    cut = replace(tree, cuts=cuts)
    died, again, through = reading(), reading(), reading()
    staged = walk(died, cut, [died.begin()], random.Random(0), most=most)
    rest = walk(again, cut, again.resume(staged, parsed), random.Random(0))
    assert len(staged) + len(rest) == len(walk(through, cut, [through.begin()], random.Random(0)))


@given(tree=trees(), seed=seeds, data=st.data())
def test_refusals_come_out_the_same_in_any_order_and_are_marked(
    tree: Tree, seed: int, data: st.DataObject
) -> None:
    inner = sorted(set(tree.below) - {PAGE})
    tree.refused = set(data.draw(st.lists(st.sampled_from(inner), unique=True))) if inner else set()
    document = whole(tree, seed=seed)
    assert document == whole(tree)
    assert {unread.block for unread in document.unread} <= tree.refused
    assert (document.state is DocumentState.MARKED) is bool(document.unread)


def test_every_difference_shows_in_the_hash() -> None:
    trees = [
        Tree({PAGE: ["b1", "b2"]}),
        Tree({PAGE: ["b2", "b1"]}),
        Tree({PAGE: ["b1"]}),
        Tree({PAGE: ["b1"], "b1": ["b2"]}),
        Tree({PAGE: ["b1"], "b1": []}),
        Tree({PAGE: ["b1"], "b1": []}, refused={"b1"}),
        Tree({PAGE: []}),
    ]
    assert len({whole(tree).hash for tree in trees}) == len(trees)


def test_another_reason_of_a_refusal_is_a_difference() -> None:
    hashes = set()
    for code in ("object_not_found", "validation_error"):
        one = reading()
        one.add(one.begin(), parse([{"id": "b1", "more": True}]))
        one.refuse(Step("b1"), Unread("b1", 404, code, "gone"))
        hashes.add(one.document(_unjoined).hash)
    assert len(hashes) == 2


def test_a_page_inside_its_own_copy_ends() -> None:
    tree = Tree({PAGE: ["b1"], "b1": ["b2", "b1"], "b2": ["b1", PAGE]})
    one = reading()
    assert len(walk(one, tree, [one.begin()], random.Random(0))) == 3
    assert one.complete


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"]])
def test_a_cursor_that_comes_back_ends_the_reading(cursors: list[str]) -> None:
    one, step = reading(), Step(PAGE)
    one.begin()
    for cursor in cursors[:-1]:
        [step] = one.add(step, Content(children=(), cursor=cursor))
    with pytest.raises(Retry, match="never end"):
        one.add(step, Content(children=(), cursor=cursors[-1]))


def test_two_containers_may_have_the_same_cursors() -> None:
    tree = Tree({PAGE: ["b1", "b2", "b3"], "b1": ["b4", "b5", "b6"]}, cuts=1)
    assert whole(tree) == whole(replace(tree, cuts=100))


def test_children_are_told_once_in_the_order_seen() -> None:
    one = reading()
    one.add(one.begin(), replace(parse([{"id": "b7", "more": False}]), cursor="1"))
    one.add(Step(PAGE, 1, "1"), parse([{"id": "b17", "more": False}, {"id": "b7", "more": False}]))
    assert list(one.children) == [(Kind.PAGE, "b7"), (Kind.PAGE, "b17")]


def test_markdown_is_joined_from_its_pieces() -> None:
    one = reading(Fidelity.MARKDOWN)
    [rest] = one.add(
        one.begin(), Content(children=(), markdown="one <rest>", digests=(digest("1"),), containers=("rest",))
    )
    assert not one.complete
    one.add(rest, Content(children=(), markdown="two", digests=(digest("2"),)))
    document = one.document(lambda page, pieces: pieces[page].replace("<rest>", pieces["rest"]))
    assert document.markdown == "one two"
    assert document.state is DocumentState.COMPLETE


def test_what_is_cut_with_no_way_on_is_marked() -> None:
    one = reading(Fidelity.MARKDOWN)
    one.add(one.begin(), Content(children=(), markdown="a", digests=(digest("a"),), cut="parts are missing"))
    document = one.document(lambda page, pieces: pieces[page])
    assert document.state is DocumentState.MARKED
    assert document.unread == (Unread(PAGE, 0, "truncated", "parts are missing"),)
