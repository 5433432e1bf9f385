"""Equality of plain values: what Notion cannot tell apart is the same, all else differs."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.canonical import canonical, same
from syncline.core.mapped_values import Span, Value

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

SAME: list[tuple[str, Value, Value]] = [
    ("rich_text", "", None),
    ("rich_text", "a\r\nb", "a\nb"),
    ("multi_select", (), None),
    ("multi_select", ("b", "a"), ("a", "b", "a")),
    ("people", ("x@example.com", "y@example.com"), ("y@example.com", "x@example.com")),
    ("relation", ("2", "1"), ("1", "2")),
    ("checkbox", False, None),
    ("number", 1, 1.0),
    ("number", 10**20, 1e20),
    ("date", Span(date(2026, 1, 1), date(2026, 1, 1)), Span(date(2026, 1, 1))),
]
DIFFERENT: list[tuple[str, Value, Value]] = [
    ("rich_text", "a", "A"),
    ("rich_text", "a", "a "),
    ("rich_text", "0", None),
    ("number", 0, None),
    ("number", 0.1, 0.2),
    ("formula", False, None),
    ("checkbox", True, None),
    ("multi_select", ("a",), ("a", "b")),
    ("date", Span(date(2026, 1, 1)), Span(date(2026, 1, 1), date(2026, 1, 2))),
    ("date", Span(date(2026, 11, 20)), Span(NOON)),
]


@pytest.mark.parametrize(("kind", "one", "other"), SAME)
def test_two_values_that_notion_cannot_tell_apart_are_the_same(kind: str, one: Value, other: Value) -> None:
    assert same(kind, one, other)
    assert same(kind, other, one)


@pytest.mark.parametrize(("kind", "one", "other"), DIFFERENT)
def test_two_values_that_mean_something_else_differ(kind: str, one: Value, other: Value) -> None:
    assert not same(kind, one, other)
    assert not same(kind, other, one)


@given(st.lists(st.text(min_size=1)), st.randoms(use_true_random=False))
def test_the_order_of_a_list_says_nothing(entries: list[str], random: object) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives a Random
    assert canonical("multi_select", tuple(entries)) == canonical("multi_select", tuple(shuffled))
