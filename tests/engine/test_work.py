"""Each way in which a read can end, and what the pull makes of it."""

from dataclasses import replace
from typing import Any

import pytest
from tests.engine.remembering import NOON, Failing, blocks

from syncline.core.change import Reason
from syncline.core.errors import Refused, StoreUnavailable, Unreachable
from syncline.core.model import Deletion, DocumentState, Fidelity, Kind, Unread
from syncline.engine import work
from syncline.engine.apply import Batch
from syncline.engine.patch import Patch
from syncline.engine.reading import Reading, Step
from syncline.engine.work import Outcome
from syncline.engine.worklist import Work, listing_item, object_item
from syncline.sources.base import Listing, ListingExpired, Unreadable
from syncline.store.frontier import Item

EVERY = Listing("every", {"of": "every"}, newest_first=True)
LISTING = listing_item(EVERY, Reason.SEED)
OBJECT = object_item((Kind.PAGE, "p"), Reason.SUSPECT)
COMMENTS = Item(Work.COMMENTS, "p", 4, Reason.NEW)
CONTENT = Item(Work.CONTENT, "p", 3, Reason.NEW, generation=7)
PROPERTIES = Item(
    Work.PROPERTIES,
    "p",
    2,
    Reason.NEW,
    payload={
        "kind": "page",
        "stream": "pages",
        "data": {},
        "title": "",
        "parent": None,
        "hash": "h",
        "known": False,
    },
)


class Cut(Failing):
    """A source whose values have to be completed, which may fail."""

    async def complete(self, record: Any) -> Any:
        self._ask(f"complete:{record.key}")
        return replace(record, hash="whole"), 3


def source(**fields: Any) -> Cut:
    made = Cut(NOON, **fields)
    made.put(Kind.PAGE, "p", stream="pages", title="P")
    made.blocks["p"] = [*blocks("p", ["one", "two"]), {"id": "p/in", "type": "holder", "has_children": True}]
    made.blocks["p/in"] = blocks("p/in", ["three"])
    return made


def refusal(where: str, status: int = 404, code: str = "object_not_found") -> Unreadable:
    return Unreadable(Unread(where, status, code, f"Could not find {where}.", "request-1"))


def summary(outcome: Outcome) -> dict[str, Any]:
    """What an outcome would change, without what is empty."""
    batch = outcome.batch
    told = {
        "records": [record.key for record in batch.records],
        "completed": [record.hash for record in batch.completed],
        "lists": [(one.container, one.ordinal) for one in batch.lists],
        "documents": [one.state for one in batch.documents],
        "comments": dict(batch.comments),
        "suspects": batch.suspects,
        "lost": batch.lost,
        "add": [item.key for item in batch.add],
        "progress": [item.key for item in batch.progress],
        "done": [item.kind for item in batch.done],
        "parked": [item.kind for item, _ in batch.parked],
        "entries": [(one.page, one.block, one.status, one.code) for one in batch.entries],
        "transient": outcome.transient,
        "gap": outcome.gap,
        "fatal": type(outcome.fatal) if outcome.fatal else None,
    }
    return {name: value for name, value in told.items() if value}


WHAT = {"every": LISTING, "page:p": OBJECT, "comments:p": COMMENTS, "complete:p": PROPERTIES}
REFUSED = ("p", None, 404, "object_not_found")


@pytest.mark.parametrize(
    ("what", "error", "expected"),
    [
        ("every", None, {"records": ["p"]}),
        ("page:p", None, {"records": ["p"], "done": ["object"]}),
        ("comments:p", None, {"comments": {"p": ()}}),
        ("complete:p", None, {"completed": ["whole"], "done": ["properties"]}),
        # A listing that cannot be read ends the pull; anything else waits for the next one.
        ("every", Unreachable("down"), {"fatal": Unreachable}),
        ("page:p", Unreachable("down"), {"parked": ["object"], "transient": True}),
        ("comments:p", Unreachable("down"), {"parked": ["comments"], "transient": True}),
        ("complete:p", Unreachable("down"), {"parked": ["properties"], "transient": True}),
        # A cursor that has died begins again.
        ("every", ListingExpired("dead"), {"progress": ["every"]}),
        ("comments:p", ListingExpired("dead"), {"progress": ["p"]}),
        ("complete:p", ListingExpired("dead"), {"progress": ["p"]}),
        # What is refused for good is listed and left out; a record that was told keeps its values as they are.
        (
            "every",
            refusal("every"),
            {"done": ["listing"], "entries": [("every", None, 404, "object_not_found")], "gap": True},
        ),
        ("page:p", refusal("p"), {"done": ["object"], "entries": [REFUSED]}),
        ("comments:p", refusal("p"), {"done": ["comments"], "entries": [REFUSED]}),
        ("complete:p", refusal("p"), {"completed": ["h"], "done": ["properties"], "entries": [REFUSED]}),
        # Whatever else goes wrong ends the pull.
        ("every", Refused("no"), {"fatal": Refused}),
        ("page:p", Refused("no"), {"fatal": Refused}),
        ("comments:p", ZeroDivisionError(), {"fatal": ZeroDivisionError}),
        ("complete:p", KeyError("x"), {"fatal": KeyError}),
    ],
)
async def test_a_read_ends(what: str, error: Exception | None, expected: dict[str, Any]) -> None:
    errors = {what: error} if error else {}
    assert summary(await work.read(source(errors=errors), WHAT[what])) == expected


async def test_a_listing_that_tells_nothing_of_pages_leaves_no_gap_when_it_is_refused() -> None:
    item = listing_item(replace(EVERY, telling=False), Reason.SEED)
    outcome = await work.read(source(errors={"every": refusal("every", 403, "restricted_resource")}), item)
    assert not outcome.gap
    assert [entry.status for entry in outcome.batch.entries] == [403]


async def test_a_refused_completion_leaves_a_known_record_as_it_is() -> None:
    known = replace(PROPERTIES, payload={**(PROPERTIES.payload or {}), "known": True})
    outcome = await work.read(source(errors={"complete:p": refusal("p")}), known)
    assert outcome.batch.completed == []


@pytest.mark.parametrize(
    ("item", "error"),
    [(LISTING, True), (COMMENTS, False), (PROPERTIES, False)],
    ids=lambda one: str(one)[:20],
)
async def test_a_cursor_that_dies_again_and_again_is_given_up(item: Item, *, error: bool) -> None:
    """A listing ends the pull. What concerns one page leaves that page for the next pull."""
    what = next(name for name, one in WHAT.items() if one is item)
    failing = source(errors={what: ListingExpired("dead")})
    outcome = await work.read(failing, item)
    while outcome.batch.progress:
        assert len(failing.asked) < 20
        outcome = await work.read(failing, outcome.batch.progress[0])
    assert isinstance(outcome.fatal, Unreachable) is error
    assert bool(outcome.batch.parked) is not error


async def test_comments_that_begin_again_forget_what_they_had() -> None:
    answering = source(page_size=1)
    for key in ("c1", "c2", "c3"):
        answering.put(Kind.COMMENT, key, stream="comments", parent="p")
    first = await work.read(answering, COMMENTS)
    assert first.item is not None
    answering.errors["comments:p"] = ListingExpired("dead")
    [again] = (await work.read(answering, first.item)).batch.progress
    del answering.errors["comments:p"]
    outcome = await work.read(answering, again)
    while outcome.listed is not None and outcome.listed.cursor is not None:
        assert outcome.item is not None
        outcome = await work.read(answering, outcome.item)
    assert sorted(outcome.batch.comments["p"]) == ["c1", "c2", "c3"]


@pytest.mark.parametrize("before", [1, 2, 3, 5, 9])
async def test_a_listing_whose_cursors_go_in_a_circle_is_an_error(before: int) -> None:
    """However long the way into the circle, and the circle itself, are."""

    class Circle(Cut):
        async def list(self, listing: Listing, cursor: str | None) -> Any:
            place = int(cursor or 0) + 1
            told = await Failing.list(self, listing, None)
            return replace(told, cursor=str(place if place < before + 3 else before))

    item: Item | None = LISTING
    for _ in range(100):
        assert item is not None
        outcome = await work.read(Circle(NOON), item)
        if outcome.fatal is not None:
            assert "never end" in str(outcome.fatal)
            return
        item = outcome.item
    pytest.fail("it never ended")


@pytest.mark.parametrize(
    ("sizes", "least"),
    [([100, 100], 2), ([100, 1], 2), ([50, 50], 1), ([0], 1), ([30, 30, 30, 30], 2), ([99], 1)],
)
async def test_the_bound_of_a_listing_is_one_answer_for_each_hundred_items(
    sizes: list[int], least: int
) -> None:
    class Sized(Cut):
        async def list(self, listing: Listing, cursor: str | None) -> Any:
            place = int(cursor or 0)
            told = await Failing.list(self, listing, None)
            return replace(told, size=sizes[place], cursor=str(place + 1) if place + 1 < len(sizes) else None)

    item: Item | None = LISTING
    bound = 0
    for _ in sizes:
        assert item is not None
        outcome = await work.read(Sized(NOON), item)
        bound += outcome.bound
        item = outcome.item
    assert bound == least


async def test_a_record_that_is_lost_says_why() -> None:
    gone = source()
    gone.trash.add((Kind.PAGE, "p"))
    assert summary(await work.read(gone, OBJECT)) == {
        "lost": [((Kind.PAGE, "p"), Deletion.TRASHED)],
        "done": ["object"],
    }


async def test_a_child_that_cannot_be_read_is_listed() -> None:
    outcome = await work.read(source(), object_item((Kind.DATABASE, "linked"), Reason.CHILD))
    assert [(entry.page, entry.kind, entry.code) for entry in outcome.batch.entries] == [
        ("linked", "database", "unread")
    ]


async def test_windows_that_follow_and_records_told_in_part_are_put_on_the_frontier() -> None:
    class Windowed(Cut):
        async def list(self, listing: Listing, cursor: str | None) -> Any:
            told = await Failing.list(self, listing, cursor)
            follow = (Listing("next", {"of": "every"}),)
            return replace(told, follow=follow, partial=((Kind.PAGE, "q"),), gap="capped")

    outcome = await work.read(Windowed(NOON), LISTING)
    assert summary(outcome) == {
        "add": ["next", "page:q"],
        "entries": [("every", None, 0, "unread")],
        "gap": True,
    }


# --- content ----------------------------------------------------------------------------------------------


def reading(fidelity: Fidelity = Fidelity.BLOCKS) -> Reading:
    return Reading(page="p", generation=7, fidelity=fidelity, edited_at=NOON, read_at=NOON)


async def read_all(origin: Cut, one: Reading, item: Item = CONTENT) -> list[dict[str, Any]]:
    """Every outcome of reading a page, in order."""
    steps, outcomes = [one.begin()], []
    while steps:
        outcome = await work.read_step(origin, item, one, steps.pop(0), generation=lambda: 8)
        steps += outcome.steps
        outcomes.append(summary(outcome))
    return outcomes


async def test_a_page_is_staged_answer_by_answer_and_promoted_with_the_last() -> None:
    assert await read_all(source(), reading()) == [
        {"lists": [("p", 0)]},
        {"lists": [("p/in", 0)], "documents": [DocumentState.COMPLETE], "done": ["content"]},
    ]


async def test_markdown_is_kept_in_one_piece() -> None:
    [outcome] = await read_all(source(), reading(Fidelity.MARKDOWN))
    assert outcome == {"documents": [DocumentState.COMPLETE], "done": ["content"]}


@pytest.mark.parametrize(
    ("where", "error", "expected"),
    [
        ("p", Unreachable("down"), {"parked": ["content"], "transient": True}),
        ("p/in", Unreachable("down"), {"parked": ["content"], "transient": True}),
        ("p", ListingExpired("dead"), {"progress": ["p"]}),
        ("p/in", ListingExpired("dead"), {"progress": ["p"]}),
        # For the page itself a direct read decides whether it is gone; a block is marked where it stands.
        ("p", refusal("p"), {"parked": ["content"], "suspects": [(Kind.PAGE, "p")]}),
        (
            "p/in",
            refusal("p/in"),
            {
                "documents": [DocumentState.MARKED],
                "done": ["content"],
                "entries": [("p", "p/in", 404, "object_not_found")],
            },
        ),
        ("p", Refused("no"), {"fatal": Refused}),
        ("p/in", StoreUnavailable("x"), {"parked": ["content"], "transient": True}),
        ("p", ZeroDivisionError(), {"fatal": ZeroDivisionError}),
    ],
)
async def test_a_read_of_content_ends(where: str, error: Exception, expected: dict[str, Any]) -> None:
    assert (await read_all(source(errors={where: error}), reading()))[-1] == expected


async def test_a_page_that_is_begun_again_gets_another_generation() -> None:
    one = reading()
    failing = source(errors={"p": ListingExpired("dead")})
    outcome = await work.read_step(failing, CONTENT, one, one.begin(), generation=lambda: 8)
    [again] = outcome.batch.progress
    assert (again.generation, again.attempt) == (8, 1)
    assert one.closed


async def test_a_page_whose_cursors_die_again_and_again_waits_for_the_next_pull() -> None:
    failing = source(errors={"p": ListingExpired("dead")})
    assert await read_all(failing, reading(), replace(CONTENT, attempt=5)) == [
        {"parked": ["content"], "transient": True}
    ]


@pytest.mark.parametrize("error", [None, Unreachable("down"), ListingExpired("dead")])
async def test_an_answer_that_comes_after_the_end_changes_nothing(error: Exception | None) -> None:
    """Another answer of the same page failed while this one was under way."""
    one = reading()
    step = one.begin()

    class Late(Cut):
        async def content(
            self, container: str, cursor: str | None, *, fidelity: Fidelity, size: int | None = None
        ) -> Any:
            one.closed = True
            return await Failing.content(self, container, cursor, fidelity=fidelity, size=size)

    late = Late(NOON, errors={"p": error} if error else {}, blocks={"p": blocks("p", ["one"])})
    outcome = await work.read_step(late, CONTENT, one, step, generation=lambda: 8)
    told = summary(outcome)
    told.pop("transient", None)
    assert told in ({}, {"lists": [("p", 0)]})


async def test_an_answer_that_cannot_be_taken_in_ends_the_pull() -> None:
    class Broken(Failing):
        def join(self, page: str, pieces: Any) -> str:
            raise ZeroDivisionError

    one = reading(Fidelity.MARKDOWN)
    outcome = await work.read_step(Broken(NOON), CONTENT, one, one.begin(), generation=lambda: 8)
    assert isinstance(outcome.fatal, ZeroDivisionError)


async def test_a_refused_token_is_heard_when_a_block_is_looked_for() -> None:
    class Closed(Failing):
        async def home(self, block: str) -> str | None:
            raise Refused("no")

    origin = Closed(NOON, blocks={"p": blocks("p", ["one"])})
    patch = Patch(
        standing={}, remaining={}, parse=lambda staged: origin.parse(staged.blocks), wanted={"gone"}
    )
    one = replace(reading(), patch=patch)
    outcome = await work.read_step(origin, CONTENT, one, one.begin(), generation=lambda: 8)
    assert isinstance(outcome.fatal, Refused)


async def test_nothing_is_asked_for_a_page_that_has_ended() -> None:
    one = reading()
    one.closed = True
    idle = source()
    assert summary(await work.read_step(idle, CONTENT, one, Step("p"), generation=lambda: 8)) == {}
    assert idle.asked == []


def test_batches_are_joined_in_order_and_field_by_field() -> None:
    one, other = Batch(), Batch()
    one.suspects, other.suspects = [(Kind.PAGE, "a")], [(Kind.PAGE, "b")]
    one.comments, other.comments = {"p": ("c",)}, {"p": ("d",), "q": ()}
    whole = work.merged([one, other])
    assert whole.suspects == [(Kind.PAGE, "a"), (Kind.PAGE, "b")]
    assert whole.comments == {"p": ("d",), "q": ()}
    assert one.suspects == [(Kind.PAGE, "a")]
