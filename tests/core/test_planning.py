"""What a push has to do, and above all what it does not have to do."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.tables import EMPTY, linked, page, planned, row, side, table

from syncline.core.hash import digest
from syncline.core.mapped_values import Value
from syncline.core.mapping import DeletePolicy, Deletes
from syncline.core.plan import ActionKind, Link, Plan

MAPPED = table()
TRASH = table(deletes=Deletes(DeletePolicy.TRASH, threshold=0.5))


def kinds(plan: Plan) -> dict[str, str]:
    return {one.key: one.kind.value for one in plan.actions}


def test_a_row_whose_page_shows_it_is_unchanged_and_its_link_is_made() -> None:
    plan = planned(side([row("A")], [page("A")]))
    assert (plan.actions, plan.unchanged) == ((), {"people": 1})
    [settled] = plan.settled["people"]
    assert (settled.page, settled.seen) == ("page-A", page("A").hash)


def test_an_unchanged_row_with_its_link_leaves_nothing_to_store() -> None:
    plan = planned(side([row("A")], [page("A")], [linked(MAPPED, row("A"), page("A"))]))
    assert (plan.actions, plan.settled) == ((), {"people": ()})


def test_what_notion_keeps_in_a_form_of_its_own_is_not_written_again() -> None:
    shown = page("A", Age=1)
    known = linked(MAPPED, row("A", Age=1.0000001), shown)
    assert planned(side([row("A", Age=1.0000001)], [shown], [known])).actions == ()
    assert kinds(planned(side([row("A", Age=1.0000001)], [page("A", Age=2)], [known]))) == {"A": "update"}


@pytest.mark.parametrize(
    ("name", "row_value", "page_value", "same"),
    [
        ("Tags", ("a", "b"), ("b", "a"), True),
        ("Tags", ("a",), ("a", "b"), False),
        ("Tags", None, (), True),
        ("Done", False, None, True),
        ("Done", False, True, False),
        ("Age", 0, None, False),
        ("Age", 3, 3.0, True),
        ("Name", "A", "A ", False),
        ("Role", None, "Lead", False),
    ],
)
def test_values_are_compared_by_what_they_mean(
    name: str, row_value: Value, page_value: Value, same: object
) -> None:
    held: dict[str, Any] = {name: page_value}
    wanted: dict[str, Any] = {name: row_value}
    plan = planned(side([row("A", **wanted)], [page("A", **held)]))
    assert (plan.actions == ()) is same


def test_only_what_differs_is_written() -> None:
    plan = planned(side([row("A", Age=2, Role="Lead")], [page("A", Age=1, Role="Lead")]))
    assert [(one.property, one.old, one.new) for one in plan.actions[0].changes] == [("Age", 1, 2)]


def test_a_property_that_is_not_mapped_is_not_looked_at() -> None:
    shown = page("A")
    other = replace(shown, values={**shown.values, "Unmapped": "whatever"})
    assert planned(side([row("A")], [other])).actions == ()


def test_a_link_with_another_key_in_notion_is_written_back() -> None:
    shown = page("B", identity="page-A", Name="A")
    [action] = planned(side([row("A")], [shown], [Link("A", "page-A")])).actions
    assert [(one.property, one.old, one.new) for one in action.changes] == [("External ID", "B", "A")]


# --- relations ----------------------------------------------------------------------------------------------------


def test_a_relation_is_compared_by_keys() -> None:
    pages = [page("A", Boss=("page-B",)), page("B")]
    assert planned(side([row("A", Boss=("B",)), row("B")], pages)).actions == ()


def test_a_relation_to_what_is_not_there_is_noted_and_the_value_stays() -> None:
    plan = planned(side([row("A", Boss=("Z",))], [page("A", Boss=("page-Y",))]))
    assert (plan.actions, plan.notes) == ((), (("people", "A", "Boss: no page of people has the key Z."),))


def test_of_a_relation_that_leads_to_several_the_ones_that_are_there_are_written() -> None:
    plan = planned(side([row("A", Boss=("B", "Z")), row("B")], [page("A"), page("B")]))
    assert plan.actions[0].changes[0].new == ("B",)


def test_a_relation_to_a_page_that_goes_to_the_trash_is_taken_out_at_once() -> None:
    pages = [page("A", Boss=("page-B", "page-C")), page("B"), page("C")]
    links = [linked(TRASH, row(key), page(key)) for key in "BC"]
    plan = planned(side([row("A", Boss=("B", "C")), row("C")], pages, links, mapped=TRASH))
    assert [(one.key, [change.new for change in one.changes]) for one in plan.actions] == [
        ("A", [("C",)]),
        ("B", []),
    ]


def test_a_new_page_comes_after_those_it_leads_to() -> None:
    plan = planned(side([row("A", Boss=("B",)), row("B")]))
    assert [(one.key, one.wave) for one in plan.actions] == [("B", 0), ("A", 1)]


def test_a_change_that_leads_to_a_new_page_comes_after_it() -> None:
    plan = planned(side([row("A", Boss=("B",)), row("B")], [page("A")]))
    assert [(one.key, one.kind.value, one.wave) for one in plan.actions] == [
        ("B", "create", 0),
        ("A", "update", 1),
    ]


def test_nobody_is_cleared_because_the_workspace_does_not_know_the_address() -> None:
    shown = page("A", Team=("ada@crew.test",))
    assert planned(side([row("A", Team=("stranger@x.y",))], [shown])).actions == ()
    known = side(
        [row("A", Team=("bob@crew.test", "stranger@x.y"))], [shown], people=frozenset({"bob@crew.test"})
    )
    assert planned(known).actions[0].changes[0].new == ("bob@crew.test",)


# --- content ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "before", "written"),
    [
        (None, None, None),
        ("text", None, "text"),
        ("text", digest("text"), None),
        ("new", digest("text"), "new"),
        ("", None, None),
        ("", digest("text"), ""),
        ("", digest(""), None),
    ],
)
def test_content_is_written_where_it_is_not_what_was_last_written(
    body: str | None, before: str | None, written: str | None
) -> None:
    one = row("A", body)
    plan = planned(side([one], [page("A")], [linked(MAPPED, one, page("A"), body=before)]))
    assert [action.body for action in plan.actions] == ([] if written is None else [written])


# --- rows that are gone -------------------------------------------------------------------------------------------


def test_a_page_whose_row_is_gone_goes_to_the_trash_only_if_it_was_linked() -> None:
    pages = [page("A"), page("B"), page("C")]
    rows, links = [row("A")], [linked(TRASH, row(key), page(key)) for key in "AB"]
    assert kinds(planned(side(rows, pages, links, mapped=TRASH))) == {"B": "trash"}


def test_a_row_that_is_excluded_or_fails_is_not_gone() -> None:
    links = [linked(TRASH, row(key), page(key)) for key in "AB"]
    rows = [replace(row("A"), excluded="secret"), replace(row("B"), problems={"age": "it is none"})]
    assert kinds(planned(side(rows, [page("A"), page("B")], links, mapped=TRASH))) == {
        "A": "skip",
        "B": "fail",
    }


def test_a_link_whose_row_and_page_are_gone_is_dropped() -> None:
    plan = planned(side([], [], [Link("A", "page-A")], mapped=TRASH))
    assert (plan.actions, plan.gone, plan.stop) == ((), {"people": ("A",)}, None)


def test_a_page_that_another_row_took_over_is_not_deleted_with_its_old_row() -> None:
    links = [Link("A", "page-A"), Link("B", "page-A")]
    assert kinds(planned(side([row("B")], [page("A")], links, mapped=TRASH)))["B"] == "update"
    assert "A" not in kinds(planned(side([row("B")], [page("A")], links, mapped=TRASH)))


def test_more_deletions_than_allowed_are_said_in_the_plan() -> None:
    links = [linked(TRASH, row(key), page(key)) for key in "ABC"]
    plan = planned(side([row("A")], [page(key) for key in "ABC"], links, mapped=TRASH))
    assert plan.stop is not None
    assert "2 of the 3 rows of people are gone, more than the share of 0.5" in plan.stop


def test_where_not_all_rows_were_read_only_those_asked_for_can_be_gone() -> None:
    links = [linked(TRASH, row(key), page(key)) for key in "AB"]
    some = side([], [page("A"), page("B")], links, mapped=TRASH, only=frozenset("B"))
    assert kinds(planned(some)) == {"B": "trash"}


# --- laws ---------------------------------------------------------------------------------------------------------

VALUES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "Name": st.sampled_from(["x", "y", None]),
        "Age": st.sampled_from([None, 0, 1, 2.5]),
        "Tags": st.sampled_from([None, ("a",), ("a", "b")]),
        "Done": st.booleans(),
        "Boss": st.sampled_from([None, ("A",), ("B", "C")]),
    }
)
Rows = dict[str, dict[str, Any]]
TABLES = st.dictionaries(st.sampled_from("ABCD"), VALUES)


@given(rows=TABLES, pages=TABLES, linked_keys=st.sets(st.sampled_from("ABCD")))
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    rows: Rows, pages: Rows, linked_keys: set[str]
) -> None:
    mapped = table(deletes=Deletes(DeletePolicy.TRASH, threshold=1))
    links = [Link(key, f"page-{key}") for key in linked_keys]
    table_rows = [row(key, **values) for key, values in rows.items()]
    shown = {
        f"page-{key}": page(key, **{**values, "Boss": tuple(f"page-{one}" for one in values["Boss"] or ())})
        for key, values in pages.items()
    }
    plan = planned(side(table_rows, list(shown.values()), links, mapped=mapped))
    after = dict(shown)
    for action in plan.writes:
        identity = action.page or f"page-{action.key}"
        if action.kind is ActionKind.TRASH:
            del after[identity]
            continue
        held = dict(after[identity].values) if identity in after else {}
        new = {one.property: one.new for one in action.changes}
        boss = new.get("Boss")
        if isinstance(boss, tuple):
            new["Boss"] = tuple(f"page-{key}" for key in boss)
        after[identity] = page(action.key, identity=identity, **{**EMPTY, **held, **new})
    again = planned(side(table_rows, list(after.values()), [], mapped=mapped))
    assert again.writes == ()
    assert again.unchanged["people"] == len(rows)


@given(rows=TABLES, pages=TABLES)
def test_the_same_state_gives_the_same_plan_in_whatever_order_it_is_read(rows: Rows, pages: Rows) -> None:
    table_rows = [row(key, **values) for key, values in rows.items()]
    shown = [page(key, **{**values, "Boss": None}) for key, values in pages.items()]
    one = planned(side(table_rows, shown))
    other = planned(side(table_rows[::-1], shown[::-1]))
    assert (one.fingerprint, one.actions) == (other.fingerprint, other.actions)
