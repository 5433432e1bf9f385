"""The merge: its table of cases, and the laws that hold for every row."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.mapped_values import Value
from syncline.core.mapping import ConflictPolicy, DeletePolicy
from syncline.core.merge import Verdict, merge_property, merge_row
from syncline.core.pair import (
    ROW,
    Act,
    Agreed,
    Clash,
    Decision,
    Field,
    Flow,
    Merged,
    Pair,
    Presence,
    Rules,
    Take,
    Version,
    fingerprint,
    forms,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIELDS = (Field("Name", "title"), Field("Size", "number"), Field("Tags", "multi_select"))


def agreed(**values: Value) -> Agreed:
    return Agreed(forms(FIELDS, values), forms(FIELDS, values))


def pair(base: Mapping[str, Value] | None, database: Any, notion: Any, **more: Any) -> Pair:
    def version(values: Mapping[str, Value] | None) -> Version | None:
        return None if values is None else Version(values)

    past = None if base is None else agreed(**base)
    return Pair("1", past, version(database), version(notion), **more)


def merged(one: Pair, **rules: Any) -> Merged:
    return merge_row(one, FIELDS, Rules(**rules))


# --- one property ---------------------------------------------------------------------------------------------------

B, D, N, X = "base", "database", "notion", "x"
PROPERTY = [
    ((B, B), (B, B), Take.DATABASE, Verdict.AGREED, False),
    ((B, X), (B, X), Take.DATABASE, Verdict.AGREED, False),  # what one side cannot keep is no edit
    ((B, B), (D, B), Take.NOTION, Verdict.TAKE_DATABASE, False),
    ((B, B), (B, N), Take.DATABASE, Verdict.TAKE_NOTION, False),
    ((B, B), (D, D), Take.NOTION, Verdict.EQUAL, False),
    ((B, X), (X, X), Take.NOTION, Verdict.EQUAL, False),
    ((B, B), (D, N), Take.DATABASE, Verdict.TAKE_DATABASE, True),
    ((B, B), (D, N), Take.NOTION, Verdict.TAKE_NOTION, True),
    ((B, B), (D, N), Take.VALUE, Verdict.TAKE_VALUE, True),
    ((B, B), (D, N), None, Verdict.QUEUED, True),
    ((B, B), (None, B), Take.NOTION, Verdict.TAKE_DATABASE, False),
]


@pytest.mark.parametrize(("base", "now", "winner", "verdict", "told"), PROPERTY)
def test_a_property_is_decided_by_who_changed(
    base: Any, now: Any, winner: Take | None, verdict: Verdict, *, told: bool
) -> None:
    assert merge_property(base, now, flow=Flow.BOTH, winner=winner) == (verdict, told)


FLOWS = [
    (Flow.TO_NOTION, (D, B), Verdict.TAKE_DATABASE, False),
    (Flow.TO_NOTION, (B, N), Verdict.TAKE_DATABASE, True),
    (Flow.TO_NOTION, (D, N), Verdict.TAKE_DATABASE, True),
    (Flow.TO_DATABASE, (B, N), Verdict.TAKE_NOTION, False),
    (Flow.TO_DATABASE, (D, B), Verdict.TAKE_NOTION, True),
    (Flow.TO_DATABASE, (X, X), Verdict.EQUAL, False),
]


@pytest.mark.parametrize(("flow", "now", "verdict", "told"), FLOWS)
def test_a_property_with_an_owner_follows_the_owner(
    flow: Flow, now: Any, verdict: Verdict, *, told: bool
) -> None:
    assert merge_property((B, B), now, flow=flow, winner=None) == (verdict, told)


# --- one row --------------------------------------------------------------------------------------------------------

OLD: dict[str, Value] = {"Name": "a", "Size": 1}
NEW: dict[str, Value] = {"Name": "a", "Size": 2}
ROWS = [
    (None, OLD, None, {}, {}, Act.CREATE_PAGE),
    (None, None, OLD, {}, {}, Act.CREATE_ROW),
    (None, None, OLD, {"page": Presence.TRASHED}, {}, Act.NOTHING),
    (None, OLD, OLD, {}, {}, Act.UPDATE),
    (OLD, OLD, OLD, {}, {}, Act.NOTHING),
    (OLD, NEW, OLD, {}, {}, Act.UPDATE),
    (OLD, NEW, NEW, {}, {}, Act.UPDATE),
    (OLD, None, None, {"page": Presence.ABSENT}, {}, Act.FORGET),
    (OLD, None, OLD, {"page": Presence.TRASHED}, {}, Act.FORGET),
    (OLD, None, None, {"page": Presence.LOST}, {}, Act.DETACH),
    (OLD, OLD, None, {"page": Presence.LOST}, {"deletes": "trash"}, Act.DETACH),
    (OLD, OLD, OLD, {"page": Presence.TRASHED}, {"deletes": "ignore"}, Act.DETACH),
    (OLD, OLD, OLD, {"page": Presence.TRASHED}, {"deletes": "flag"}, Act.DETACH),
    (OLD, OLD, OLD, {"page": Presence.TRASHED}, {"deletes": "trash"}, Act.DELETE_ROW),
    (OLD, NEW, OLD, {"page": Presence.TRASHED}, {"deletes": "trash"}, Act.RESTORE_PAGE),
    (OLD, NEW, OLD, {"page": Presence.TRASHED}, {"deletes": "ignore"}, Act.DETACH),
    (
        OLD,
        NEW,
        OLD,
        {"page": Presence.TRASHED},
        {"deletes": "trash", "conflicts": "manual"},
        Act.QUEUE,
    ),
    (OLD, None, OLD, {}, {"deletes": "ignore"}, Act.DETACH),
    (OLD, None, OLD, {}, {"deletes": "flag"}, Act.FLAG_PAGE),
    (OLD, None, OLD, {}, {"deletes": "trash"}, Act.TRASH_PAGE),
    (OLD, None, NEW, {}, {"deletes": "trash"}, Act.CREATE_ROW),
    (OLD, None, NEW, {}, {"deletes": "trash", "conflicts": "manual"}, Act.QUEUE),
    (OLD, None, NEW, {"detached": True}, {"deletes": "trash"}, Act.NOTHING),
    (OLD, NEW, OLD, {"detached": True, "page": Presence.TRASHED}, {"deletes": "trash"}, Act.NOTHING),
    (OLD, OLD, OLD, {"detached": True}, {}, Act.UPDATE),
]


@pytest.mark.parametrize(("base", "database", "notion", "more", "rules", "act"), ROWS)
def test_a_row_is_decided_by_where_it_is_and_who_edited_it(
    base: Any, database: Any, notion: Any, more: Any, rules: dict[str, str], act: Act
) -> None:
    kinds = {"deletes": DeletePolicy, "conflicts": ConflictPolicy}
    chosen = {name: kinds[name](value) for name, value in rules.items()}
    assert merged(pair(base, database, notion, **more), **chosen).act is act


def test_edits_of_different_properties_both_survive() -> None:
    one = merged(pair(OLD, {"Name": "b", "Size": 1}, {"Name": "a", "Size": 2}))
    assert one.to_notion == {"Name": "b"}
    assert one.to_database == {"Size": 2}
    assert one.clashes == ()


def test_the_first_meeting_fills_what_is_empty_on_either_side() -> None:
    one = merged(pair(None, {"Name": "a", "Tags": ("x",)}, {"Name": "a", "Size": 3}))
    assert (one.to_notion, one.to_database, one.settled) == ({"Tags": ("x",)}, {"Size": 3}, ("Name",))


def test_a_cleared_value_clears_the_other_side() -> None:
    assert merged(pair(OLD, {"Name": "a"}, OLD)).to_notion == {"Size": None}


def test_an_unreadable_value_is_left_alone() -> None:
    broken = Pair("1", agreed(**OLD), Version({"Name": "a"}, unreadable=frozenset({"Size"})), Version(NEW))
    assert merged(broken).act is Act.NOTHING


TIMES = [
    (NOON, NOON, Take.DATABASE),  # within Notion's minute: the database counts as later
    (NOON + timedelta(seconds=59), NOON, Take.DATABASE),
    (NOON - timedelta(seconds=1), NOON, Take.NOTION),
    (None, NOON, None),
    (NOON, None, None),
]


@pytest.mark.parametrize(("database_at", "notion_at", "winner"), TIMES)
def test_the_newest_counts_and_without_a_time_a_person_decides(
    database_at: datetime | None, notion_at: datetime | None, winner: Take | None
) -> None:
    one = pair(OLD, NEW, {"Name": "a", "Size": 3})
    assert one.database is not None
    assert one.notion is not None
    timed = replace(
        one,
        database=replace(one.database, changed_at=database_at),
        notion=replace(one.notion, changed_at=notion_at),
    )
    assert merged(timed, conflicts=ConflictPolicy.NEWEST).clashes[0].winner is winner


def test_a_decision_counts_for_the_values_it_was_made_for_alone() -> None:
    one = pair(OLD, NEW, {"Name": "a", "Size": 3})
    made = Decision(fingerprint(2, 3), Take.VALUE, 9)
    rules = Rules(ConflictPolicy.MANUAL)
    decided = merge_row(one, FIELDS, rules, decisions={"Size": made})
    assert (decided.to_database, decided.to_notion) == ({"Size": 9}, {"Size": 9})
    stale = replace(made, fingerprint=fingerprint(2, 4))
    waits = merge_row(one, FIELDS, rules, decisions={"Size": stale})
    assert (waits.to_database, waits.to_notion) == ({}, {})
    assert waits.clashes[0].winner is None


DECIDED = [
    (None, NEW, Take.DATABASE, Act.TRASH_PAGE),
    (None, NEW, Take.NOTION, Act.CREATE_ROW),
]


@pytest.mark.parametrize(("database", "notion", "take", "act"), DECIDED)
def test_a_person_decides_between_a_deletion_and_an_edit(
    database: Any, notion: Any, take: Take, act: Act
) -> None:
    one = pair(OLD, database, notion)
    made = Decision(fingerprint(None, forms(FIELDS, notion)), take)
    rules = Rules(ConflictPolicy.MANUAL, DeletePolicy.TRASH)
    assert merge_row(one, FIELDS, rules, decisions={ROW: made}).act is act


def test_an_edit_that_outlives_a_deletion_is_told() -> None:
    one = merged(pair(OLD, None, NEW), deletes=DeletePolicy.TRASH)
    assert one.to_database == NEW
    assert one.clashes == (Clash(ROW, forms(FIELDS, OLD), None, forms(FIELDS, NEW), winner=Take.NOTION),)


# --- laws -----------------------------------------------------------------------------------------------------------

values = st.fixed_dictionaries(
    {
        "Name": st.sampled_from([None, "a", "b"]),
        "Size": st.sampled_from([None, 0, 1, 2]),
        "Tags": st.sampled_from([None, ("x",), ("x", "y"), ("y", "x")]),
    }
)
present = st.builds(pair, st.none() | values, values, values)
policies = st.sampled_from([ConflictPolicy.DATABASE, ConflictPolicy.NOTION, ConflictPolicy.MANUAL])


def applied(one: Pair, done: Merged) -> Pair:
    """The row after what was decided has been done and remembered."""
    assert one.database is not None
    assert one.notion is not None
    database = {**one.database.values, **done.to_database}
    notion = {**one.notion.values, **done.to_notion}
    waiting = {clash.property for clash in done.clashes if clash.winner is None}
    before = one.agreed or Agreed()

    def remembered(now: Mapping[str, Value], old: Mapping[str, Any]) -> dict[str, Any]:
        new = {name: form for name, form in forms(FIELDS, now).items() if name not in waiting}
        return new | {name: old[name] for name in waiting if name in old}

    past = Agreed(remembered(database, before.database), remembered(notion, before.notion))
    return replace(one, agreed=past, database=Version(database), notion=Version(notion))


@given(present, policies)
def test_a_row_that_was_merged_needs_nothing_more(one: Pair, policy: ConflictPolicy) -> None:
    rules = Rules(policy)
    again = merge_row(applied(one, merge_row(one, FIELDS, rules)), FIELDS, rules)
    assert again.act is Act.NOTHING
    assert all(clash.winner is None for clash in again.clashes)


@given(present)
def test_both_sides_are_equal_once_a_policy_has_decided(one: Pair) -> None:
    for policy in (ConflictPolicy.DATABASE, ConflictPolicy.NOTION):
        after = applied(one, merge_row(one, FIELDS, Rules(policy)))
        assert after.database is not None
        assert after.notion is not None
        assert forms(FIELDS, after.database.values) == forms(FIELDS, after.notion.values)


@given(present, policies)
def test_to_swap_the_sides_and_the_policy_swaps_the_result(one: Pair, policy: ConflictPolicy) -> None:
    swapped_policy = {
        ConflictPolicy.DATABASE: ConflictPolicy.NOTION,
        ConflictPolicy.NOTION: ConflictPolicy.DATABASE,
    }.get(policy, policy)
    swapped = replace(one, database=one.notion, notion=one.database)
    here, there = (
        merge_row(one, FIELDS, Rules(policy)),
        merge_row(swapped, FIELDS, Rules(swapped_policy)),
    )
    assert (here.to_database, here.to_notion, here.settled) == (
        there.to_notion,
        there.to_database,
        there.settled,
    )


@given(present, policies)
def test_no_value_that_was_edited_is_overwritten_silently(one: Pair, policy: ConflictPolicy) -> None:
    done = merge_row(one, FIELDS, Rules(policy))
    assert one.database is not None
    assert one.notion is not None
    base = one.agreed or Agreed()
    told = {clash.property: clash for clash in done.clashes}
    sides = (
        (done.to_database, one.database, base.database, "database"),
        (done.to_notion, one.notion, base.notion, "notion"),
    )
    for written, version, past, side in sides:
        held = forms(FIELDS, version.values)
        for name in written:
            if held.get(name) != past.get(name):
                assert getattr(told[name], side) == held.get(name)


@given(values, values)
def test_edits_of_one_side_alone_reach_the_other_without_a_clash(base: Any, edited: Any) -> None:
    done = merged(pair(base, edited, base))
    after = {**base, **done.to_notion}
    assert forms(FIELDS, after) == forms(FIELDS, edited)
    assert done.clashes == ()
    assert done.to_database == {}
