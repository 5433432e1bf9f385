"""Lines of CommonMark put together."""

import pytest
from tests.notion.block_samples import block

from syncline.notion.layout import begins_list, indented, may_follow_text, quoted, siblings, spaced


def test_blocks_stand_apart_and_empty_ones_leave_no_trace() -> None:
    assert spaced([], ["a", "b"], [], ["c"], []) == ["a", "b", "", "c"]
    assert spaced([], []) == []


def test_items_of_one_list_stand_close_and_two_lists_stay_two() -> None:
    bullet, to_do, text = block("bulleted_list_item"), block("to_do"), block("paragraph")
    assert siblings([bullet, bullet], [["- a"], ["- b"]]) == ["- a", "- b"]
    assert siblings([bullet, to_do], [["- a", "", "  x"], ["- [ ] b"]]) == [
        "- a",
        "",
        "  x",
        "",
        "<!-- -->",
        "",
        "- [ ] b",
    ]
    assert siblings([bullet, text, bullet], [["- a"], [], ["- b"]]) == ["- a", "", "<!-- -->", "", "- b"]
    assert siblings([bullet, text], [["- a"], ["b"]]) == ["- a", "", "b"]
    assert siblings([], []) == []


def test_a_quote_goes_through_its_empty_lines() -> None:
    assert quoted(["a", "", "b"]) == ["> a", ">", "> b"]
    assert quoted([]) == [">"]


def test_empty_lines_are_not_indented() -> None:
    assert indented(["a", "", "b"], "  ", first="- ") == ["- a", "", "  b"]
    assert indented(["", "b"], "  ", first="- ") == ["-", "  b"]
    assert indented(["a"], "  ") == ["  a"]


@pytest.mark.parametrize(
    ("line", "begins", "follows"),
    [
        ("- a", True, True),
        ("1. a", True, True),
        ("2. a", True, False),
        ("-", True, False),
        ("-a", False, False),
        ("a", False, False),
        ("* a", True, True),
    ],
)
def test_where_lists_begin(line: str, *, begins: bool, follows: bool) -> None:
    assert (begins_list([line]), may_follow_text([line])) == (begins, follows)


def test_no_lines_begin_nothing() -> None:
    assert (begins_list([]), may_follow_text([])) == (False, False)
