"""What fires a rule: tables, and what holds for all values."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.rules import Channel, ChannelKind, Row, Rule, Trigger, fires, masked, said, watched

RULE = Rule(
    id="r",
    connection_id="c",
    name="Done",
    trigger=Trigger.CHANGED,
    stream=None,
    property="Status",
    was=None,
    becomes=None,
    template="",
    digest="off",
    zone="UTC",
    quiet=None,
    enabled=True,
    created_at=datetime(2026, 11, 20, tzinfo=UTC),
    since=0,
    change_seq=0,
    serial=0,
)


def row(value: Any, content: tuple[str, str] | None = None) -> Row:
    return Row({"Status": value}, content)


@pytest.mark.parametrize(
    ("was", "becomes", "old", "new", "expected"),
    [
        (None, None, "Open", "Done", True),
        (None, None, "Open", "Open", False),
        (None, "Done", "Open", "Done", True),
        (None, "Done", "Open", "Doing", False),
        (None, "Done", "Done", "Open", False),
        ("Open", None, "Open", "Done", True),
        ("Open", None, "Doing", "Done", False),
        ("Open", "Done", "Open", "Done", True),
        ("Open", "Done", "Doing", "Done", False),
        (None, "", "Open", None, True),
        ("", None, None, "Open", True),
        (None, None, None, "", False),
        (None, None, [], None, False),
        (None, "true", False, True, True),
        (None, "3", 2, 3.0, True),
        (None, None, 3, 3.0, False),
        (None, "urgent", ["a"], ["a", "urgent"], True),
        (None, "urgent", ["urgent"], ["a", "urgent"], False),
        ("urgent", None, ["a", "urgent"], ["a"], True),
        (None, None, ["a", "b"], ["b", "a"], False),
    ],
)
def test_a_change_fires_by_what_it_was_and_what_it_is(
    was: str | None, becomes: str | None, old: Any, new: Any, *, expected: bool
) -> None:
    rule = replace(RULE, was=was, becomes=becomes)
    assert (fires(rule, row(old), row(new)) is not None) is expected


OLD, NEW = row("a", ("blocks", "1")), row("a", ("blocks", "2"))


@pytest.mark.parametrize(
    ("trigger", "before", "after", "expected"),
    [
        (Trigger.APPEARS, None, OLD, True),
        (Trigger.APPEARS, OLD, NEW, False),
        (Trigger.APPEARS, OLD, None, False),
        (Trigger.APPEARS, None, None, False),
        (Trigger.GOES, OLD, None, True),
        (Trigger.GOES, None, None, False),
        (Trigger.GOES, None, OLD, False),
        (Trigger.CONTENT, OLD, NEW, True),
        (Trigger.CONTENT, OLD, OLD, False),
        (Trigger.CONTENT, None, NEW, False),
        (Trigger.CONTENT, row("a"), NEW, False),
        (Trigger.CONTENT, OLD, row("a"), False),
        (Trigger.CONTENT, OLD, row("a", ("markdown", "2")), False),
        (Trigger.CHANGED, None, OLD, False),
        (Trigger.CHANGED, OLD, None, False),
        (Trigger.ALERT, None, OLD, False),
    ],
)
def test_each_trigger_fires_for_its_kind_of_change(
    trigger: Trigger, before: Row | None, after: Row | None, *, expected: bool
) -> None:
    match = fires(replace(RULE, trigger=trigger), before, after)
    assert (match is not None) is expected
    assert match is None or match.trigger is trigger


def test_a_rule_on_any_property_names_those_that_differ() -> None:
    rule = replace(RULE, property=None)
    match = fires(rule, Row({"A": 1, "B": 2, "C": 3}), Row({"A": 1, "B": 5, "C": 4, "D": 1}))
    assert match is not None
    assert [(one.property, one.old, one.new) for one in match.differences] == [("B", 2, 5), ("C", 3, 4)]


def test_a_rule_keeps_only_what_it_compares() -> None:
    whole = Row({"Status": "a", "Edited": "now", "Name": "n"}, ("blocks", "1"))
    kinds = {"Status": "select", "Edited": "last_edited_time", "Name": "title"}
    assert watched(RULE, whole, kinds) == row("a")
    assert watched(replace(RULE, property=None), whole, kinds) == Row({"Status": "a", "Name": "n"})
    assert watched(replace(RULE, trigger=Trigger.CONTENT), whole, kinds) == Row({}, ("blocks", "1"))
    assert watched(replace(RULE, trigger=Trigger.GOES), whole, kinds) == Row({})


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.lists(st.text())
)


@given(VALUES, VALUES, st.sampled_from([None, "", "a", "true"]), st.sampled_from([None, "", "a", "true"]))
def test_a_narrower_rule_fires_for_no_more(old: Any, new: Any, was: str | None, becomes: str | None) -> None:
    narrow = fires(replace(RULE, was=was, becomes=becomes), row(old), row(new))
    wide = fires(RULE, row(old), row(new))
    assert narrow is None or narrow == wide


@given(VALUES, VALUES)
def test_what_is_the_same_never_fires_and_a_change_fires_both_ways(old: Any, new: Any) -> None:
    assert fires(RULE, row(old), row(old)) is None
    assert (fires(RULE, row(old), row(new)) is None) == (fires(RULE, row(new), row(old)) is None)


@given(VALUES, VALUES)
def test_exactly_one_of_from_and_to_holds_for_each_direction(old: Any, new: Any) -> None:
    to = replace(RULE, becomes=said(new)) if not isinstance(new, list) else RULE
    back = replace(RULE, was=said(new)) if not isinstance(new, list) else RULE
    assert (fires(to, row(old), row(new)) is None) == (fires(back, row(new), row(old)) is None)


def test_addresses_are_shown_without_what_lets_one_write_there() -> None:
    slack = Channel(ChannelKind.SLACK, "https://hooks.slack.com/services/T1/B2/abcdefgh")
    assert masked(slack) == "https://hooks.slack.com/…efgh"
    assert masked(Channel(ChannelKind.WEBHOOK, "https://h.test?key=abcdefgh")) == "https://h.test/…efgh"
    assert masked(Channel(ChannelKind.WEBHOOK, "http://h.test:8080#abcdefgh")) == "http://h.test:8080/…efgh"
    assert masked(Channel(ChannelKind.WEBHOOK, "https://h.test/abc")) == "https://h.test/…"
    assert masked(Channel(ChannelKind.EMAIL, "ann@example.com")) == "ann@example.com"
