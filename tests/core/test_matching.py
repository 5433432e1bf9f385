"""Which page is a row's."""

from typing import Any

import pytest
from tests.core.tables import T, page, row, side, table

from syncline.core.mapped_values import Unfit, Value
from syncline.core.mapping import PAGE_ID, DeletePolicy, Deletes, Key
from syncline.core.matching import Match, pushed, row_values
from syncline.core.plan import ActionKind, Link

MATCHED = table(match=("name", "role"))


def pages_of(match: Match) -> dict[str, str | None]:
    return {key: found.page if found else None for key, found in match.page_of.items()}


def test_a_link_comes_before_a_key() -> None:
    pages = [page("A", identity="by key"), page("B", identity="by link")]
    match = Match(side([row("A")], pages, [Link("A", "by link")])).run()
    assert pages_of(match) == {"A": "by link"}


def test_a_key_comes_before_likeness() -> None:
    pages = [page(None, identity="alike", Name="A"), page("A", identity="by key")]
    assert pages_of(Match(side([row("A")], pages, mapped=MATCHED)).run()) == {"A": "by key"}


def test_a_page_that_is_linked_to_another_row_is_not_taken_by_its_key_or_its_values() -> None:
    pages = [page("B", identity="of A")]
    match = Match(side([row("A"), row("B")], pages, [Link("A", "of A")], mapped=MATCHED)).run()
    assert pages_of(match) == {"A": "of A", "B": None}


def test_a_page_with_a_key_is_never_matched_by_its_values() -> None:
    pages = [page("Z", identity="of Z", Name="A")]
    assert pages_of(Match(side([row("A")], pages, mapped=MATCHED)).run()) == {"A": None}


def test_two_rows_that_are_like_one_page_are_both_ambiguous() -> None:
    rows = [row("A", Name="same"), row("B", Name="same")]
    match = Match(side(rows, [page(None, identity="p", Name="same")], mapped=MATCHED)).run()
    assert {key: one.kind for key, one in match.instead.items()} == dict.fromkeys("AB", ActionKind.AMBIGUOUS)


def test_a_row_without_any_of_the_values_is_like_no_page() -> None:
    nameless = page(None, identity="p", Name=None)
    assert pages_of(Match(side([row("A", Name=None)], [nameless], mapped=MATCHED)).run()) == {"A": None}
    assert pages_of(
        Match(side([row("A", Name="x")], [page(None, identity="p", Name="x")], mapped=MATCHED)).run()
    ) == {"A": "p"}


def test_an_intent_is_no_page() -> None:
    assert pages_of(Match(side([row("A")], [], [Link("A", None, intent="who died")])).run()) == {"A": None}


def test_a_link_to_a_page_that_is_gone_leaves_the_row_without_one() -> None:
    assert pages_of(Match(side([row("A")], [], [Link("A", "gone")])).run()) == {"A": None}


def test_a_row_that_notion_would_refuse_gets_no_page_and_no_relation_finds_it() -> None:
    def refuse(kind: object, value: Value) -> None:
        if kind is T.TITLE and value == "bad":
            raise Unfit("too long")

    match = Match(side([row("A", Name="bad"), row("B")], check=refuse)).run()
    assert (match.known, match.instead["A"].reason) == ({"B"}, "Name: too long.")


def test_an_option_that_is_not_there_refuses_the_row() -> None:
    match = Match(side([row("A", Role="Cook")], options={"Role": frozenset({"Lead"})})).run()
    assert "Role has no option Cook" in match.instead["A"].reason


def test_a_key_that_its_property_cannot_hold_refuses_the_row() -> None:
    match = Match(side([row("A")], key_type=T.NUMBER)).run()
    assert match.instead["A"].reason == "External ID: 'A' is not a number."


@pytest.mark.parametrize(
    ("change", "last"),
    [
        ({}, ("External ID", T.RICH_TEXT)),
        ({"deletes": Deletes(DeletePolicy.FLAG, flag="Left")}, ("Left", T.CHECKBOX)),
        ({"key": Key("id", PAGE_ID)}, ("Team", T.PEOPLE)),
        ({"key": Key("id", "Name")}, ("Team", T.PEOPLE)),
    ],
)
def test_what_is_pushed_ends_with_the_key_and_the_flag(
    change: dict[str, Any], last: tuple[str, object]
) -> None:
    assert list(pushed(table(**change), T.RICH_TEXT).items())[-1] == last


def test_a_row_is_written_with_its_key_and_without_a_flag() -> None:
    wanted = row_values(table(deletes=Deletes(DeletePolicy.FLAG)), row("7"), T.NUMBER)
    assert (wanted["External ID"], wanted["Deleted"]) == (7, False)
