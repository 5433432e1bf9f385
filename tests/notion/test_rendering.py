"""The way through a tree, from the leaves up."""

import pytest
from tests.notion.block_samples import block, said

from syncline.notion.blocks import Block
from syncline.notion.links import Links
from syncline.notion.rendering import Lines, Piece, Style, media_name, render_tree


def _name(piece: Piece) -> Lines:
    parent = piece.parent.type if piece.parent is not None else "top"
    return [f"{piece.block.type} in {parent} #{piece.number}", *piece.body]


NAMES = Style({}, _name, lambda _blocks, parts: [line for part in parts for line in part])


def names(*blocks: Block) -> Lines:
    return render_tree(blocks, NAMES, links=Links())


def test_a_block_knows_its_parent_and_comes_before_its_children() -> None:
    assert names(block("a", block("b", block("c")), block("d"))) == [
        "a in top #0",
        "b in a #0",
        "c in b #0",
        "d in a #0",
    ]


def test_numbers_count_within_one_list_from_its_start() -> None:
    item = said("numbered_list_item", "")
    found = names(item, item, block("x"), said("numbered_list_item", "", item, list_start_index=7), item)
    assert [line.rpartition("#")[2] for line in found] == ["1", "2", "0", "7", "1", "8"]


def test_a_paragraph_of_a_tab_is_written_as_a_tab() -> None:
    style = Style({"tab_item": lambda piece: ["tab"]}, _name, NAMES.join)
    assert render_tree([block("tab", said("paragraph", "a"), block("code"))], style, links=Links()) == [
        "tab in top #0",
        "tab",
        "code in tab #0",
    ]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"name": "plan.pdf", "type": "external", "external": {"url": "https://e.com/x"}}, "plan.pdf"),
        ({"type": "file", "file": {"url": "https://e.com/a/b.png?X=1#2"}}, "b.png"),
        ({"type": "external", "external": {"url": "https://e.com/"}}, "e.com"),
        ({}, ""),
    ],
)
def test_a_file_is_called_by_its_name_or_its_address(data: dict[str, object], name: str) -> None:
    assert media_name(data) == name
