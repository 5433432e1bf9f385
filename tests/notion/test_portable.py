"""A parser sees the same structure in portable Markdown that the blocks have."""

import itertools
from collections.abc import Iterator, Sequence

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it.token import Token
from tests.notion.block_samples import block, run, said, table
from tests.notion.commonmark import inlines, letters, tokens

from syncline.notion.blocks import Block
from syncline.notion.links import Links
from syncline.notion.portable import PORTABLE_STYLE
from syncline.notion.rendering import render_tree

Entry = tuple[tuple[str, ...], str, str]
"""Where a text stands (the items around it), what it stands in, the text."""

_ITEMS = ("bulleted_list_item", "numbered_list_item", "to_do")


def render(blocks: Sequence[Block]) -> str:
    return "\n".join(render_tree(blocks, PORTABLE_STYLE, links=Links()))


def _outline(blocks: Sequence[Block], around: tuple[str, ...] = ()) -> Iterator[Entry]:
    """What the parser should find, from the blocks."""
    numbers = itertools.count(1)
    for one in blocks:
        if one.type != "numbered_list_item":
            numbers = itertools.count(1)
        text = one.data["rich_text"][0]["plain_text"] if one.data.get("rich_text") else ""
        inside = (*around, f"{next(numbers)}." if one.type == "numbered_list_item" else "-")
        match one.type:
            case "paragraph" | "heading_2":
                if text:
                    yield around, one.type, text
                yield from _outline(one.children, around)
            case "quote":
                yield (*around, ">"), "paragraph", text
                yield from _outline(one.children, (*around, ">"))
            case "code":
                yield around, "code", text
            case "to_do":
                yield inside, "paragraph", f"[ ] {text}"
                yield from _outline(one.children, inside)
            case _:
                if text:
                    yield inside, "paragraph", text
                yield from _outline(one.children, inside)


def _parsed(text: str) -> list[Entry]:
    """What the parser finds, in the same form."""
    found: list[Entry] = []
    around: list[str] = []
    counters: list[Iterator[str]] = []
    kind = ""
    for token in tokens(text):
        match token.type:
            case "ordered_list_open":
                counters.append(f"{number}." for number in itertools.count(int(token.attrs.get("start", 1))))
            case "bullet_list_open":
                counters.append(itertools.repeat("-"))
            case "ordered_list_close" | "bullet_list_close":
                counters.pop()
            case "list_item_open" | "blockquote_open":
                around.append(next(counters[-1]) if token.type == "list_item_open" else ">")
            case "list_item_close" | "blockquote_close":
                around.pop()
            case "paragraph_open" | "heading_open":
                kind = {"p": "paragraph", "h2": "heading_2"}[token.tag]
            case "inline" | "fence":
                found.append((tuple(around), *_content(token, kind)))
    return found


def _content(token: Token, kind: str) -> tuple[str, str]:
    if token.type == "fence":
        return "code", token.content.removesuffix("\n")
    return kind, "".join(letter.character for letter in letters(token))


def _node(kind: str, text: str, children: Sequence[Block]) -> Block:
    extra = {"language": "plain text"} if kind == "code" else {}
    return said(kind, text, *(() if kind == "code" else children), **extra)


_TEXTS = st.sampled_from(
    ["word", "two words", "# no heading", "- no item", "1. no number", "a\nb", "> x", "---"]
)
_KINDS = st.sampled_from((*_ITEMS, *_ITEMS, "paragraph", "heading_2", "quote", "code"))
TREES = st.lists(
    st.recursive(
        st.builds(_node, _KINDS, _TEXTS, st.just(())),
        lambda inner: st.builds(_node, _KINDS, _TEXTS, st.lists(inner, min_size=1, max_size=3)),
        max_leaves=10,
    ),
    max_size=5,
)


@given(TREES)
def test_the_outline_of_the_blocks_is_the_outline_that_is_read(blocks: list[Block]) -> None:
    expected = [entry for entry in _outline(blocks) if not (entry[1] == "heading_2" and "\n" in entry[2])]
    found = [entry for entry in _parsed(render(blocks)) if not (entry[1] == "heading_2" and "\n" in entry[2])]
    assert found == expected


@given(st.lists(st.tuples(st.sampled_from(_ITEMS), st.integers(0, 2)), max_size=6))
@example([("bulleted_list_item", 1), ("numbered_list_item", 1), ("to_do", 1)])
def test_empty_items_keep_their_children(shape: list[tuple[str, int]]) -> None:
    blocks = [said(kind, "", *(said(kind, f"{kind} {n}") for n in range(count))) for kind, count in shape]
    read = [text.removeprefix("[ ] ") for _, _, text in _parsed(render(blocks))]
    assert [text for text in read if text.strip(" []")] == [
        f"{kind} {n}" for kind, count in shape for n in range(count)
    ]


def test_numbers_count_on_from_where_the_list_starts() -> None:
    blocks = [said("numbered_list_item", "a", list_start_index=98), said("numbered_list_item", "b")]
    assert [around for around, _, _ in _parsed(render(blocks))] == [("98.",), ("99.",)]


def test_a_list_begins_anew_after_anything_between() -> None:
    one, other = said("numbered_list_item", "a"), said("numbered_list_item", "b")
    for between in ("paragraph", "synced_block"):
        text = render([one, said(between, ""), other])
        assert [around for around, _, _ in _parsed(text) if around] == [("1.",), ("1.",)]


def test_the_rows_of_a_table_are_cells_in_order() -> None:
    rows = [["a", "b|c", "d\ne"], ["1", "", "\\|"], ["`", "*x*", "$"]]
    found = [t for t in tokens(render([table(*rows)])) if t.type in {"th_open", "td_open"}]
    assert [token.tag for token in found] == ["th"] * 3 + ["td"] * 6
    cells = [
        "".join(letter.character for letter in letters(token)) for token in inlines(render([table(*rows)]))
    ]
    assert cells == [cell for row in rows for cell in row]


def test_rows_shorter_and_longer_than_the_table_say_all_they_have() -> None:
    short = block("table_row", data={"cells": [[run("a")]]})
    long = block("table_row", data={"cells": [[run("b")], [run("c")], [run("d")]]})
    text = render([block("table", short, long, data={"table_width": 2, "has_column_header": True})])
    assert text.split("\n") == ["| a |  |  |", "| --- | --- | --- |", "| b | c | d |"]


def test_a_table_inside_an_item_is_a_table() -> None:
    text = render([said("bulleted_list_item", "x", table(["a", "b"], ["c", "d"]))])
    assert [token.type for token in tokens(text)].count("table_open") == 1


def test_code_inside_an_item_keeps_its_lines() -> None:
    code = "if x:\n    y\n\n\tz ```"
    text = render([said("numbered_list_item", "x", said("code", code, language="python"))])
    assert [token.content for token in tokens(text) if token.type == "fence"] == [f"{code}\n"]


def test_a_toggle_shows_markdown_inside() -> None:
    text = render([said("toggle", "T", said("bulleted_list_item", "x")), said("paragraph", "after")])
    raw = [token.content for token in tokens(text) if token.type == "html_block"]
    assert raw == ["<details>\n<summary>T</summary>\n", "</details>\n"]
    assert [entry[0] for entry in _parsed(text)] == [("-",), ()]


def test_two_quotes_stay_two() -> None:
    found = [token.type for token in tokens(render([said("quote", "a"), said("quote", "b")]))]
    assert found.count("blockquote_open") == 2
