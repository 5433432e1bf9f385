"""What every destination promises (syncline.destinations.base), as a class of tests.

A test module subclasses `DestinationContract` and gives it a fixture `place`.
"""

from typing import Any, Protocol

import pytest
from tests.factories import (
    block,
    changes,
    comment,
    data_source,
    database,
    deleted,
    document,
    page,
    prop,
    uid,
    unread,
    user,
    value,
)

from syncline.core.errors import BadInput
from syncline.core.model import Change, DocumentState
from syncline.destinations.base import Destination

__all__ = ["DestinationContract", "Place"]

A, B, C = uid("a"), uid("b"), uid("c")
TASKS = uid("tasks")


class Place(Protocol):
    """Where a destination keeps its data, and a way to look at it that does not use the destination."""

    def destination(self, connection_id: str = "one") -> Destination:
        """A destination on this place, not yet open."""
        ...

    async def pages(self) -> dict[str, str]:
        """The titles of all live pages by id."""
        ...

    async def dump(self) -> Any:
        """Everything that is held, in a form that can be compared."""
        ...


async def load(place: Place, batch: list[Change], checkpoint: int | None = None) -> None:
    """Open the place, write one batch and close it again."""
    async with place.destination() as destination:
        await destination.checkpoint()
        await destination.write(batch, batch[-1].record.seq if checkpoint is None else checkpoint)


def workspace() -> list[Change]:
    """A little of everything."""
    row = page(B, "Row", row_of=TASKS, properties={"Done": value("d", "checkbox", content=True)})
    return changes(
        user(uid("ann"), "Ann"),
        (page(A, "Home"), document(A, [block("one"), block("two", "child_page", {"title": "Inner"})])),
        page(C, "Inner", parent=A),
        database(uid(f"database of {TASKS}"), parent=A),
        data_source(TASKS, "Tasks", parent=A, properties={"Done": prop("d", "checkbox")}),
        (row, document(B, [block("three")])),
        comment(uid("comment"), "Nice", parent=A),
    )


class DestinationContract:
    """The tests. `place` is a fixture of the subclass."""

    async def test_an_empty_destination_is_at_zero(self, place: Place) -> None:
        async with place.destination() as destination:
            assert await destination.checkpoint() == 0
        assert await place.pages() == {}

    async def test_the_checkpoint_survives_reopening(self, place: Place) -> None:
        await load(place, workspace(), 7)
        async with place.destination() as destination:
            assert await destination.checkpoint() == 7

    async def test_an_empty_batch_moves_the_checkpoint(self, place: Place) -> None:
        async with place.destination() as destination:
            await destination.write([], 5)
            assert await destination.checkpoint() == 5

    async def test_everything_written_is_held(self, place: Place) -> None:
        await load(place, workspace())
        assert await place.pages() == {A: "Home", B: "Row", C: "Inner"}

    async def test_a_batch_written_again_changes_nothing(self, place: Place) -> None:
        await load(place, workspace())
        before = await place.dump()
        await load(place, workspace())
        assert await place.dump() == before

    async def test_a_batch_in_two_halves_is_the_same_as_in_one(self, place: Place) -> None:
        batch = workspace()
        async with place.destination() as destination:
            for change in batch:
                await destination.write([change], change.record.seq)
        in_parts = await place.dump()
        await load(place, batch)
        assert await place.dump() == in_parts

    async def test_the_last_change_of_a_record_in_a_batch_wins(self, place: Place) -> None:
        await load(place, changes(page(A, "Old"), page(A, "New")))
        assert await place.pages() == {A: "New"}

    async def test_an_older_change_seen_again_does_not_undo_a_newer_one(self, place: Place) -> None:
        old, new = changes(page(A, "Old"), page(A, "New"))
        await load(place, [new])
        await load(place, [old], 2)
        assert await place.pages() == {A: "New"}

    async def test_the_checkpoint_never_goes_back(self, place: Place) -> None:
        async with place.destination() as destination:
            await destination.write(changes(page(A, "A"), after=8), 9)
            await destination.write(changes(page(B, "B")), 1)
            assert await destination.checkpoint() == 9

    async def test_a_renamed_page_has_its_new_title(self, place: Place) -> None:
        await load(place, workspace())
        await load(place, changes(page(A, "House"), after=10))
        assert await place.pages() == {A: "House", B: "Row", C: "Inner"}

    async def test_two_pages_may_swap_titles(self, place: Place) -> None:
        await load(place, changes(page(A, "One"), page(B, "Two")))
        await load(place, changes(page(A, "Two"), page(B, "One"), after=2))
        assert await place.pages() == {A: "Two", B: "One"}

    async def test_pages_of_the_same_title_are_all_held(self, place: Place) -> None:
        await load(place, changes(page(A, "Same"), page(B, "same"), page(C, "")))
        await load(place, changes(page(uid("d"), "Same"), page(uid("e"), ""), after=3))
        assert sorted((await place.pages()).values()) == ["", "", "Same", "Same", "same"]

    async def test_a_page_moves_between_pages_and_data_sources(self, place: Place) -> None:
        await load(place, workspace())
        await load(place, changes(page(C, "Inner", row_of=TASKS), page(B, "Row", parent=C), after=10))
        assert await place.pages() == {A: "Home", B: "Row", C: "Inner"}

    async def test_pages_that_are_each_others_parent_are_held(self, place: Place) -> None:
        await load(place, changes(page(A, "One", parent=B), page(B, "Two", parent=A)))
        assert await place.pages() == {A: "One", B: "Two"}

    async def test_a_tombstone_removes_a_page_and_nothing_else(self, place: Place) -> None:
        await load(place, workspace())
        await load(place, changes(deleted(page(A, "Home")), after=10))
        assert await place.pages() == {B: "Row", C: "Inner"}

    async def test_a_tombstone_of_something_never_seen_is_fine(self, place: Place) -> None:
        await load(
            place,
            changes(deleted(page(A, "Home")), deleted(data_source(TASKS, "Tasks")), deleted(user(B, "Bob"))),
        )
        assert await place.pages() == {}

    async def test_a_page_comes_back_from_the_trash(self, place: Place) -> None:
        await load(place, changes(page(A, "One"), deleted(page(A, "One")), page(B, "Two")))
        await load(place, changes(page(A, "One"), after=3))
        assert await place.pages() == {A: "One", B: "Two"}

    async def test_a_data_source_goes_and_comes_back_with_its_rows(self, place: Place) -> None:
        await load(place, workspace())
        before = await place.pages()
        tasks = data_source(TASKS, "Tasks", parent=A, properties={"Done": prop("d", "checkbox")})
        await load(place, changes(deleted(tasks), after=10))
        await load(place, changes(tasks, after=11))
        assert await place.pages() == before

    async def test_a_row_may_come_before_its_data_source(self, place: Place) -> None:
        await load(place, changes(page(B, "Row", row_of=TASKS)))
        await load(place, changes(data_source(TASKS, "Tasks"), after=1))
        assert await place.pages() == {B: "Row"}

    async def test_properties_of_unknown_types_are_no_error(self, place: Place) -> None:
        novelty = {"x": [1, None, {"y": "z"}]}
        source = data_source(
            TASKS, "Tasks", properties={"New": prop("n", "novelty"), "Go": prop("b", "button")}
        )
        row = page(
            B,
            "Row",
            row_of=TASKS,
            properties={"New": value("n", "novelty", novelty), "Go": value("b", "button", {})},
        )
        await load(place, changes(source, row))
        assert await place.pages() == {B: "Row"}

    async def test_blocks_of_unknown_types_and_refused_blocks_are_no_error(self, place: Place) -> None:
        blocks = [block("x", "novelty", {"a": 1}), block("toggle", "toggle", children=True)]
        refused = document(A, blocks, state=DocumentState.MARKED, unread=(unread(uid("toggle")),))
        await load(place, changes((page(A, "Home"), refused)))
        assert await place.pages() == {A: "Home"}

    @pytest.mark.parametrize(
        "title", ["\0nul", "half \ud83d", "a\nb\tc", "\u202egnp.exe", "x" * 3000, "🙂" * 200, " . "]
    )
    async def test_any_title_is_held(self, place: Place, title: str) -> None:
        await load(
            place,
            changes(
                page(A, title),
                data_source(TASKS, title),
                (page(B, title, row_of=TASKS), document(B, [block(title)])),
            ),
        )
        assert (await place.pages()).keys() == {A, B}

    async def test_another_connection_is_refused(self, place: Place) -> None:
        await load(place, workspace())
        with pytest.raises(BadInput):
            async with place.destination("two") as destination:
                await destination.checkpoint()
        assert await place.pages() == {A: "Home", B: "Row", C: "Inner"}

    async def test_closing_after_an_error_keeps_what_was_written(self, place: Place) -> None:
        with pytest.raises(RuntimeError, match="stop"):
            await self._write_and_fail(place)
        async with place.destination() as destination:
            assert await destination.checkpoint() == 7

    async def _write_and_fail(self, place: Place) -> None:
        async with place.destination() as destination:
            await destination.write(workspace(), 7)
            raise RuntimeError("stop")
