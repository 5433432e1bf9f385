"""Notion's Markdown as parts: marks and tags go, structure and words stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.chunk import Shape
from syncline.core.terms import terms
from syncline.destinations.search_markdown import markdown_parts, plain


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("**bold** *it* ~~gone~~ `code`", "bold it gone code"),
        (r"a\*b \<c\> \[d\]", "a*b <c> [d]"),
        ("[a **link**](https://x.y/z_(1)) end", "a link end"),
        ("![a caption](https://x.y/z.png)", "a caption"),
        ('<span color="red">red</span>', "red"),
        ('<mention-user url="user://1">Ann</mention-user>', "Ann"),
        ('on <mention-date start="2026-07-01"/>', "on 2026-07-01"),
        ("one<br>two", "one two"),
        ('text {color="blue_bg"}', "text"),
        ("a &amp; b &lt; c", "a & b < c"),
        ('<file src="https://x.y" name="plan.pdf">see</file>', "plan.pdf see"),
        ("3 < 4 and 5 > 2", "3 < 4 and 5 > 2"),
    ],
)
def test_a_line_says_what_a_reader_sees(line: str, expected: str) -> None:
    assert plain(line) == expected


def said(*lines: str) -> list[tuple[str, Shape, tuple[str, ...]]]:
    return [
        (part.text, part.shape, part.headings) for part in markdown_parts("p", "\n".join(lines)) if part.text
    ]


def test_headings_hold_what_follows_and_those_of_a_container_hold_inside() -> None:
    found = said(
        "# A", "one", "<columns>", "\t<column>", "\t\t## B", "\t\ttwo", "\t</column>", "</columns>", "three"
    )
    assert [(text, headings) for text, shape, headings in found if shape is Shape.TEXT] == [
        ("one", ("A",)),
        ("two", ("A", "B")),
        ("three", ("A",)),
    ]


def test_lists_toggles_callouts_and_code_have_their_shapes() -> None:
    found = said(
        "- one",
        "\t1. deep",
        "after",
        "<details>",
        "<summary>toggle</summary>",
        "\t- inside",
        "</details>",
        '<callout icon="x">',
        "\tbeware",
        "</callout>",
        "```python",
        "# no heading",
        "- no item",
        "```",
        "end",
    )
    assert [(text, shape) for text, shape, _ in found] == [
        ("one", Shape.LIST),
        ("deep", Shape.LIST),
        ("after", Shape.TEXT),
        ("toggle", Shape.TOGGLE),
        ("inside", Shape.TOGGLE),
        ("beware", Shape.CALLOUT),
        ("# no heading\n- no item", Shape.CODE),
        ("end", Shape.TEXT),
    ]


def test_rows_of_a_table_know_its_header() -> None:
    lines = [
        '<table header_row="true">',
        "<tr>",
        "<td>Name</td>",
        "<td>**Size**</td>",
        "</tr>",
        "<tr>",
        "<td>cat</td>",
    ]
    parts = [
        part
        for part in markdown_parts("p", "\n".join([*lines, "<td>4</td>", "</tr>", "</table>", "end"]))
        if part.text
    ]
    assert [(part.text, part.shape, part.header) for part in parts] == [
        ("Name | Size", Shape.TABLE, ""),
        ("cat | 4", Shape.TABLE, "Name | Size"),
        ("end", Shape.TEXT, ""),
    ]


def test_a_fence_or_table_that_never_ends_takes_the_rest() -> None:
    assert said("```", "a", "b") == [("a\nb", Shape.CODE, ())]
    assert said("<table>", "<tr><td>a</td>", "b") == [("a", Shape.TABLE, ()), ("b", Shape.TEXT, ())]


@given(
    st.lists(
        st.sampled_from(
            [
                "text",
                "# head",
                "\t## deep",
                "- item",
                "\t- below",
                "1. first",
                "- [x] done",
                "```",
                "<table>",
                "</table>",
                "<details>",
                "<summary>s</summary>",
                "</details>",
                "<callout>",
                "</callout>",
                "<columns>",
                "<column>",
                "</column>",
                "</columns>",
                "---",
                "<empty-block/>",
                "",
                "> quote",
                "<td>x</td>",
                "</synced_block>",
                '<page url="u">child</page>',
            ]
        ),
        max_size=30,
    )
)
def test_any_order_of_lines_is_read_and_no_word_is_lost(lines: list[str]) -> None:
    found = [term for part in markdown_parts("p", "\n".join(lines)) for term in terms(part.text)]
    for word in ("text", "head", "deep", "item", "below", "first", "done", "quote", "child"):
        assert sum(word in line.split() or f">{word}<" in line for line in lines) <= found.count(word)
