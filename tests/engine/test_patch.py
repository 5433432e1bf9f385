"""A page of which only the named parts are read again comes to the same whole as one that is read from the beginning."""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncline.core.hash import digest
from syncline.core.model import Fidelity
from syncline.engine.patch import Patch, strangers
from syncline.engine.reading import Reading, Step
from syncline.sources.base import Content
from syncline.store.documents import StagedList

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAGE = "page"
ANSWER = 10
"""Blocks of one answer, where Notion has 100."""


@dataclass
class Notion:
    """One page. Cursors are the id of the next block, as Notion's are."""

    below: dict[str, list[str]] = field(default_factory=lambda: {PAGE: []})
    text: dict[str, int] = field(default_factory=dict)
    made: int = 0
    reads: int = 0

    def add(self, container: str, index: int) -> str:
        self.made += 1
        block = f"b{self.made}"
        self.below.setdefault(container, []).insert(index, block)
        self.text[block] = 0
        return block

    def drop(self, block: str) -> None:
        self.below[self.home(block) or ""].remove(block)

    def home(self, block: str) -> str | None:
        home = next((one for one, blocks in self.below.items() if block in blocks), None)
        return home if home is None or home == PAGE or self.home(home) is not None else None

    def living(self) -> list[str]:
        return [block for block in self.text if self.home(block) is not None]

    def answer(self, step: Step) -> Content:
        self.reads += 1
        blocks = self.below.get(step.container, [])
        start = 0 if step.cursor is None else blocks.index(step.cursor)
        end = start + min(step.size or ANSWER, ANSWER)
        told = [
            {"id": block, "text": self.text[block], "more": bool(self.below.get(block))}
            for block in blocks[start:end]
        ]
        return replace(parse(told), cursor=blocks[end] if end < len(blocks) else None)


def parse(blocks: Iterable[dict[str, object]]) -> Content:
    told = tuple(blocks)
    return Content(
        blocks=told,
        digests=tuple(digest(block) for block in told),
        containers=tuple(str(block["id"]) for block in told if block["more"]),
        children=(),
    )


def parsed(one: StagedList) -> Content:
    return replace(parse(dict(block) for block in one.blocks), cursor=one.cursor)


def reading(generation: int) -> Reading:
    return Reading(page=PAGE, generation=generation, fidelity=Fidelity.BLOCKS, edited_at=NOON, read_at=NOON)


def walk(notion: Notion, one: Reading, steps: list[Step]) -> list[StagedList]:
    """Read to the end; the lists that make the content."""
    lists: list[StagedList] = []
    while steps:
        step = steps.pop(0)
        content = notion.answer(step)
        lists.append(
            StagedList(PAGE, one.generation, step.container, step.ordinal, content.cursor, content.blocks)
        )
        steps += one.add(step, content)
    assert one.complete
    return lists + one.standing


def whole(notion: Notion, generation: int = 1) -> tuple[str, list[StagedList]]:
    one = reading(generation)
    lists = walk(notion, one, [one.begin()])
    return one.document(lambda _, __: "").hash, lists


def mended(
    notion: Notion, held: list[StagedList], named: Collection[str], generation: int = 2
) -> tuple[str, list[StagedList]] | None:
    """The page with the named parts read again; None where that told that it has to be read whole."""
    unknown = strangers(held, page=PAGE, named=named)
    homes = {block: notion.home(block) for block in unknown}
    notion.reads += len(unknown)
    one = reading(generation)
    patch = Patch.of(held, page=PAGE, named=named, homes=homes, parse=parsed)
    lists = walk(notion, one, one.mend(patch))
    if any(notion.home(block) for block in patch.wanted):
        return None
    return one.document(lambda _, __: "").hash, lists


def flat(count: int) -> Notion:
    notion = Notion()
    for index in range(count):
        notion.add(PAGE, index)
    return notion


def test_an_edited_block_is_one_answer_of_a_long_page() -> None:
    notion = flat(2000 // 10)
    _, held = whole(notion)
    notion.text["b77"], notion.reads = 1, 0
    found = mended(notion, held, {"b77"})
    assert notion.reads == 1
    assert found is not None
    assert found[0] == whole(notion)[0]


@pytest.mark.parametrize(("index", "most"), [(200, 2)])
def test_a_block_at_the_end_is_asked_for_and_read(index: int, most: int) -> None:
    notion = flat(200)
    _, held = whole(notion)
    notion.reads = 0
    new = notion.add(PAGE, index)
    found = mended(notion, held, {new})
    assert notion.reads == most + 1  # the last list was full: one more holds the new block
    assert found is not None
    assert found[0] == whole(notion)[0]


def test_a_block_that_went_costs_two_answers() -> None:
    notion = flat(200)
    _, held = whole(notion)
    notion.drop("b42")
    notion.reads = 0
    found = mended(notion, held, {"b42"})
    assert notion.reads == 2
    assert found is not None
    assert found[0] == whole(notion)[0]


def test_a_toggle_whose_children_are_named_is_read_alone() -> None:
    notion = flat(200)
    child = notion.add("b100", 0)
    _, held = whole(notion)
    notion.add("b100", 1)
    notion.text[child] = 5
    notion.reads = 0
    found = mended(notion, held, {"b100"})
    assert notion.reads == 2  # the list that holds the toggle, and its own
    assert found is not None
    assert found[0] == whole(notion)[0]


def test_a_block_that_moved_has_the_page_read_whole() -> None:
    notion = flat(200)
    _, held = whole(notion)
    notion.drop("b3")
    notion.below[PAGE].insert(150, "b3")
    assert mended(notion, held, {"b3"}) is None


@dataclass(frozen=True)
class Edit:
    kind: str
    where: int
    index: int


edits = st.lists(
    st.builds(
        Edit,
        st.sampled_from(["add", "add", "change", "drop", "move"]),
        st.integers(0, 10_000),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=4,
)


def edit(notion: Notion, one: Edit, *, by_container: bool) -> str:
    """Edit the page; what Notion names: the block itself, or what it hangs below."""
    living = notion.living()
    chosen = living[one.where % len(living)] if living else None
    if one.kind == "add" or chosen is None:
        container = [PAGE, *living][one.where % (len(living) + 1)]
        block = notion.add(container, one.index % (len(notion.below.get(container, [])) + 1))
        return container if by_container else block
    if one.kind == "change":
        notion.text[chosen] += 1
        return chosen
    home = notion.home(chosen)
    assert home is not None
    notion.drop(chosen)
    if one.kind == "move":
        siblings = notion.below[home]
        siblings.insert(one.index % (len(siblings) + 1), chosen)
    return home if by_container else chosen


@settings(max_examples=300, deadline=None)
@given(
    count=st.integers(0, 60),
    nested=st.integers(0, 25),
    todo=edits,
    by_container=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_named_parts_come_to_the_same_whole(
    *, count: int, nested: int, todo: list[Edit], by_container: bool, seed: int
) -> None:
    rng = random.Random(seed)
    notion = flat(count)
    for _ in range(nested):
        notion.add(rng.choice([PAGE, *notion.living()]), 0)
    _, held = whole(notion)
    named = {edit(notion, one, by_container=by_container) for one in todo}
    found = mended(notion, held, named)
    expected, _ = whole(notion, generation=3)
    if found is None:
        return
    again, lists = found
    assert again == expected
    # What was put together stands for the next time as well.
    for block in notion.living()[:1]:
        notion.text[block] += 1
    second = mended(notion, lists, set(notion.living()), generation=4)
    assert second is None or second[0] == whole(notion, generation=5)[0]
