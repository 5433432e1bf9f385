"""A plan of a two-way table says exactly what the merge then does: situations by name; the random ones are in test_twoway_machine."""

from collections.abc import Awaitable, Callable

import pytest
from tests.mapping.foretelling import merge_as_planned, planned
from tests.mapping.merging import COLUMNS, Merging

from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import ConflictPolicy, DeletePolicy, Deletes, MappedColumn
from syncline.core.plan import ActionKind, Plan, difference

K = ActionKind
Situation = Callable[[Merging], Awaitable[object]]
SITUATIONS: list[tuple[Situation, list[str]]] = []


def situation(*kinds: str) -> Callable[[Situation], Situation]:
    """A state of both sides, and the kinds of actions that it asks for."""

    def add(prepare: Situation) -> Situation:
        SITUATIONS.append((prepare, sorted(kinds)))
        return prepare

    return add


async def agreed_row(merging: Merging, **columns: object) -> str:
    """A row that both sides have; its page."""
    merging.put(1, **{"name": "Ann", **columns})
    await merging.merge()
    return await merging.page_of(1)


@situation("create")
async def a_new_row(merging: Merging) -> None:
    merging.put(1, name="Ann", size=3, tags='["a"]', due="2026-11-20")


@situation("insert")
async def a_new_page(merging: Merging) -> None:
    await merging.page(Name="Ann", Size=3)


@situation("insert")
async def a_new_page_with_a_key(merging: Merging) -> None:
    await merging.page(Name="Ann", key="7")


@situation("update")
async def a_row_and_a_page_that_are_the_same_but_for_the_key(merging: Merging) -> None:
    merging.match = ("name",)
    merging.put(1, name="Ann", note="here")
    await merging.page(Name="Ann")


@situation("update", "revise")
async def edits_on_both_sides(merging: Merging) -> None:
    page = await agreed_row(merging)
    merging.change(1, size=5)
    await merging.edit(page, Note="there")


@situation("conflict", "update")
async def a_conflict_beside_an_edit(merging: Merging) -> None:
    merging.conflicts_policy = ConflictPolicy.MANUAL
    page = await agreed_row(merging)
    merging.change(1, size=5, name="Anna")
    await merging.edit(page, Name="Anne")


@situation("fail")
async def an_option_that_is_missing(merging: Merging) -> None:
    merging.columns = (*COLUMNS[:5], MappedColumn("note", "Kind", PropertyType.SELECT), COLUMNS[6])
    merging.put(1, name="Ann", note="new")


@situation("fail")
async def an_option_that_is_missing_of_a_row_that_is_there(merging: Merging) -> None:
    merging.columns = (*COLUMNS[:5], MappedColumn("note", "Kind", PropertyType.SELECT), COLUMNS[6])
    page = await agreed_row(merging, note="old")
    merging.change(1, note="new")
    await merging.edit(page, Size=4)


@situation("fail")
async def a_text_that_is_too_long(merging: Merging) -> None:
    merging.put(1, name="x" * 200_001)


@situation("fail", "create")
async def a_row_beside_one_that_fails(merging: Merging) -> None:
    merging.put(1, name="x" * 200_001)
    merging.put(2, name="Bob")


@situation("fail")
async def a_key_that_the_column_cannot_hold(merging: Merging) -> None:
    await merging.page(Name="Ann", key="seven")


@situation("create", "create")
async def a_relation_to_a_row_that_is_new_too(merging: Merging) -> None:
    merging.put(1, name="Ann", parent=2)
    merging.put(2, name="Bob")


@situation("create", "create")
async def rows_that_lead_to_each_other(merging: Merging) -> None:
    merging.put(1, name="Ann", parent=2)
    merging.put(2, name="Bob", parent=1)


@situation("insert", "insert")
async def pages_that_lead_to_each_other(merging: Merging) -> None:
    first = await merging.page(Name="Ann")
    second = await merging.page(Name="Bob", Parent=[first])
    await merging.edit(first, Parent=[second])


@situation("create")
async def a_relation_to_nowhere(merging: Merging) -> None:
    merging.put(1, name="Ann", parent=9)


@situation("fail", "create")
async def a_relation_to_a_row_that_fails(merging: Merging) -> None:
    merging.put(1, name="Ann", parent=2)
    merging.put(2, name="x" * 200_001)


@situation("trash")
async def a_row_that_is_gone(merging: Merging) -> None:
    await agreed_row(merging)
    merging.drop(1)


@situation("flag")
async def a_row_that_is_gone_and_whose_page_is_marked(merging: Merging) -> None:
    merging.columns = tuple(each for each in COLUMNS if each.property != "Done")
    merging.deletes = Deletes(DeletePolicy.FLAG, threshold=1.0, flag="Done")
    await agreed_row(merging)
    merging.drop(1)


@situation("update")
async def a_row_that_is_back(merging: Merging) -> None:
    await a_row_that_is_gone_and_whose_page_is_marked(merging)
    await merging.merge()
    merging.put(1, name="Ann")


@situation("delete")
async def a_page_that_is_gone(merging: Merging) -> None:
    await merging.trash(await agreed_row(merging))


@situation("update")
async def a_page_that_is_gone_and_whose_row_was_edited(merging: Merging) -> None:
    await merging.trash(await agreed_row(merging))
    merging.change(1, name="Anna")


@situation("insert")
async def a_row_that_is_gone_and_whose_page_was_edited(merging: Merging) -> None:
    page = await agreed_row(merging)
    merging.drop(1)
    await merging.edit(page, Name="Anne")


@situation("conflict")
async def a_deletion_that_waits_for_a_person(merging: Merging) -> None:
    merging.conflicts_policy = ConflictPolicy.MANUAL
    await a_row_that_is_gone_and_whose_page_was_edited(merging)


@situation()
async def a_deletion_that_stays_on_its_side(merging: Merging) -> None:
    merging.deletes = Deletes(DeletePolicy.IGNORE)
    await a_row_that_is_gone(merging)


@situation("ambiguous")
async def two_pages_with_one_key(merging: Merging) -> None:
    merging.put(1, name="Ann")
    await merging.page(Name="Ann", key="1")
    await merging.page(Name="Ann", key="1")


@situation("skip")
async def an_empty_page(merging: Merging) -> None:
    await merging.page()


@situation("update")
async def a_key_that_was_changed_in_notion(merging: Merging) -> None:
    await merging.edit(await agreed_row(merging), key="9")


@situation()
async def nothing_new(merging: Merging) -> None:
    await agreed_row(merging)


@pytest.mark.parametrize(("prepare", "kinds"), SITUATIONS, ids=[each.__name__ for each, _kinds in SITUATIONS])
async def test_a_merge_does_what_its_plan_says(
    merging: Merging, prepare: Situation, kinds: list[str]
) -> None:
    await prepare(merging)
    plan, _report = await merge_as_planned(merging)
    assert sorted(action.kind for action in plan.actions) == kinds


async def test_a_plan_takes_no_number_of_the_tables_sequence(merging: Merging) -> None:
    await merging.page(Name="Ann")
    await planned(merging)
    await planned(merging)
    await merging.merge()
    assert list(merging.rows()) == [1]


async def test_a_plan_remembers_nothing_and_raises_no_conflict(merging: Merging) -> None:
    await a_conflict_beside_an_edit(merging)
    before = await merging.known()
    await planned(merging)
    assert (await merging.known(), await merging.conflicts()) == (before, [])


async def test_a_relation_that_has_to_wait_is_named_in_the_plan(merging: Merging) -> None:
    await rows_that_lead_to_each_other(merging)
    later = {action.key: action.later for action in (await planned(merging)).actions}
    assert later == {"1": ("Parent",), "2": ()}


async def test_more_deletions_than_the_mapping_allows_stand_in_the_plan(merging: Merging) -> None:
    merging.deletes = Deletes(DeletePolicy.TRASH, threshold=0.5)
    await a_row_that_is_gone(merging)
    assert "1 of the 1 rows" in ((await planned(merging)).stop or "")


@pytest.mark.parametrize(
    "prepare",
    [
        a_new_row,
        a_new_page,
        edits_on_both_sides,
        rows_that_lead_to_each_other,
        a_row_that_is_gone,
        a_row_that_is_gone_and_whose_page_is_marked,
        a_page_that_is_gone,
    ],
)
async def test_what_a_saved_plan_has_done_already_is_no_difference(
    merging: Merging, prepare: Situation
) -> None:
    await prepare(merging)
    saved = await planned(merging)
    assert difference(saved, await planned(merging), done=lambda _action: False) == []
    assert not any(await done(merging, saved))
    await merging.merge()
    assert all(await done(merging, saved))
    now = await planned(merging)
    assert difference(saved, now, done=lambda _action: True) == []
    assert difference(saved, now, done=lambda _action: False) != []


async def done(merging: Merging, plan: Plan) -> list[bool]:
    async with merging.opened() as merge:
        await merge.read()
        return [merge.is_done(action) for action in plan.actions]


async def test_a_saved_plan_of_pages_without_keys_tells_them_apart(merging: Merging) -> None:
    await merging.page(Name="Ann")
    page = await merging.page(Name="Bob")
    saved = await planned(merging)
    await merging.edit(page, Name="Rob")
    moved = difference(saved, await planned(merging), done=lambda _action: False)
    assert moved == [f"items {page}: the row changed."]
