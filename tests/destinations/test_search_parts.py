"""What a page says, in reading order and under which headings: nothing of it is left out."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from tests.factories import (
    block,
    changes,
    data_source,
    document,
    markdown,
    page,
    prop,
    text,
    uid,
    value,
)
from tests.notion.block_samples import marked_trees, markers

from syncline.core.chunk import Part, Shape, chunks
from syncline.core.model import Change, StoredRecord
from syncline.destinations.content import blocks
from syncline.destinations.search_parts import parts
from syncline.notion.blocks import Block, plain_text, walk
from syncline.notion.markdown import render

A, TASKS = uid("a"), uid("tasks")

Lists = Mapping[str, Sequence[Mapping[str, Any]]]


def change(record: StoredRecord, lists: Sequence[Mapping[str, Any]] | Lists | None = None) -> Change:
    return changes((record, None if lists is None else document(record.key, lists)))[0]


def said(lists: Sequence[Mapping[str, Any]] | Lists) -> list[Part]:
    return [part for part in parts(change(page(A, "Home"), lists)) if part.text]


def under(name: str, *children: str, kind: str = "toggle", **data: Any) -> dict[str, Any]:
    return block(name, kind, {"rich_text": text(name)} | data, children=bool(children))


def test_headings_hold_until_one_of_their_level_or_above() -> None:
    found = said(
        [
            block("zero"),
            block("A", "heading_1"),
            block("one"),
            block("B", "heading_3"),
            block("two"),
            block("C", "heading_2"),
            block("three"),
            block("D", "heading_1"),
            block("four"),
        ]
    )
    paths = {part.text: part.headings for part in found if part.shape is Shape.TEXT}
    assert paths == {"zero": (), "one": ("A",), "two": ("A", "B"), "three": ("A", "C"), "four": ("D",)}


def test_headings_in_a_column_hold_in_that_column_alone() -> None:
    found = said(
        {
            A: [block("H", "heading_1"), block("cols", "column_list", {}, children=True), block("after")],
            uid("cols"): [
                block("left", "column", {}, children=True),
                block("right", "column", {}, children=True),
            ],
            uid("left"): [block("L", "heading_1"), block("in left")],
            uid("right"): [block("in right")],
        }
    )
    assert {part.text: part.headings for part in found if part.shape is Shape.TEXT} == {
        "in left": ("H", "L"),
        "in right": ("H",),
        "after": ("H",),
    }


def test_what_hangs_below_a_toggle_heading_stands_under_it() -> None:
    heading = block("T", "heading_2", children=True)
    assert [part.headings for part in said({A: [heading], uid("T"): [block("in")]})] == [("T",), ("T",)]


def test_toggles_and_callouts_hold_all_that_hangs_below_them() -> None:
    found = said(
        {
            A: [block("t", "toggle", children=True), block("c", "callout", children=True), block("after")],
            uid("t"): [block("in t"), block("i", "bulleted_list_item")],
            uid("c"): [block("in c")],
        }
    )
    assert [(part.text, part.shape, part.group) for part in found] == [
        ("t", Shape.TOGGLE, uid("t")),
        ("in t", Shape.TOGGLE, uid("t")),
        ("i", Shape.TOGGLE, uid("t")),
        ("c", Shape.CALLOUT, uid("c")),
        ("in c", Shape.CALLOUT, uid("c")),
        ("after", Shape.TEXT, ""),
    ]


def test_a_nested_list_is_part_of_the_outer_one() -> None:
    found = said(
        {
            A: [block("one", "bulleted_list_item", children=True), block("two", "bulleted_list_item")],
            uid("one"): [block("deep", "numbered_list_item"), block("note")],
        }
    )
    assert {(part.shape, part.group) for part in found} == {(Shape.LIST, "bulleted_list_item")}
    assert [part.text for part in found] == ["one", "deep", "note", "two"]


def test_rows_of_a_table_know_its_header() -> None:
    def row(name: str, *cells: str) -> dict[str, Any]:
        return block(name, "table_row", {"cells": [text(cell) for cell in cells]})

    table = {"table_width": 2, "has_column_header": True, "has_row_header": False}
    found = said(
        {
            A: [block("t", "table", table, children=True)],
            uid("t"): [row("h", "Name", "Size"), row("r", "cat", "")],
        }
    )
    assert [(part.text, part.header) for part in found] == [("Name | Size", ""), ("cat", "Name | Size")]
    assert {part.shape for part in found} == {Shape.TABLE}


def test_a_table_without_a_header_has_none() -> None:
    cells = {"cells": [text("a"), text("b")]}
    found = said(
        {
            A: [block("t", "table", {"table_width": 2}, children=True)],
            uid("t"): [block("r", "table_row", cells)],
        }
    )
    assert [(part.text, part.header) for part in found] == [("a | b", "")]


def test_addresses_are_found_unless_they_are_signed() -> None:
    hosted = {"type": "file", "file": {"url": "https://s3/x.png?X-Amz-Signature=1"}, "caption": text("cap")}
    linked = {"type": "external", "external": {"url": "https://example.com/x.png"}, "caption": []}
    found = said(
        [
            block("b", "bookmark", {"url": "https://example.com/b", "caption": text("mark")}),
            block("h", "image", hosted),
            block("x", "image", linked),
        ]
    )
    assert [part.text for part in found] == [
        "mark\nhttps://example.com/b",
        "cap",
        "https://example.com/x.png",
    ]


def test_the_properties_of_a_row_come_first_as_words() -> None:
    row = page(
        A,
        "Row",
        row_of=TASKS,
        properties={
            "Done": value("a", "checkbox", content=True),
            "Due": value("b", "date", {"start": "2026-07-01", "end": "2026-07-02"}),
            "Who": value("c", "people", [{"object": "user", "id": uid("ann"), "name": "Ann"}]),
            "Tags": value("d", "multi_select", [{"name": "red"}, {"name": "blue"}]),
            "Cost": value("e", "number", 12.5),
            "Empty": value("f", "rich_text", []),
            "Link": value("g", "relation", [{"id": uid("x")}]),
            "Edited": value("h", "last_edited_time", "2026-11-20T12:00:00.000Z"),
            "New": value("i", "novelty", {"x": 1}),
        },
    )
    first, second = parts(change(row, [block("body")]))
    assert first == Part(
        A, "Cost: 12.5\nDone: yes\nDue: 2026-07-01 to 2026-07-02\nTags: red, blue\nWho: Ann", Shape.PROPERTIES
    )
    assert second.text == "body"


def test_a_data_source_says_its_columns_and_options() -> None:
    source = data_source(
        TASKS,
        "Tasks",
        properties={
            "State": prop("s", "select", options=[{"name": "todo"}, {"name": "done"}]),
            "Cost": prop("c", "number"),
        },
    )
    (only,) = parts(change(source))
    assert only == Part(TASKS, "Name: title\nCost: number\nState: todo, done", Shape.PROPERTIES)


def test_a_page_that_says_nothing_else_is_its_title() -> None:
    assert list(parts(change(page(A, "Home")))) == [Part(A, "Home", Shape.TITLE)]
    empty = chunks(A, parts(change(page(A, "Home"), [block("", "divider", {}), block("")])))
    assert [(chunk.text, chunk.shape) for chunk in empty] == [("Home", Shape.TITLE)]
    assert list(chunks(A, parts(change(page(A, ""))))) == []


def test_markdown_is_read_where_there_are_no_blocks() -> None:
    found = parts(changes((page(A, "Home"), markdown(A, "# Plan\ntext")))[0])
    assert [part.text for part in found] == ["Plan", "text"]


@pytest.mark.parametrize("depth", [2000])
def test_a_tree_deeper_than_the_stack_is_read(depth: int) -> None:
    lists: dict[str, list[dict[str, Any]]] = {A: [block("0", "toggle", children=True)]}
    for level in range(1, depth):
        lists[uid(str(level - 1))] = [block(str(level), "toggle", children=level < depth - 1)]
    assert len(said(lists)) == depth


@settings(max_examples=60, deadline=None)
@given(marked_trees())
def test_every_text_of_every_block_is_in_a_chunk_once(tree: tuple[Block, ...]) -> None:
    lists: dict[str, list[Mapping[str, Any]]] = {A: [one.raw for one in tree]}
    lists |= {one.id: [child.raw for child in one.children] for one in walk(tree) if one.children}
    whole = change(page(A, "Home"), lists)
    assert whole.document is not None
    content = walk(
        blocks(whole.document)
    )  # without what hangs below a child page, which is a page of its own
    found = [marker for chunk in chunks(A, parts(whole)) for marker in markers(chunk.text)]
    expected = [marker for one in content for marker in markers(plain_text(one.raw))]
    assert sorted(found) == sorted(expected)


@settings(max_examples=60, deadline=None)
@given(marked_trees())
def test_every_text_of_a_page_in_markdown_is_in_a_chunk(tree: tuple[Block, ...]) -> None:
    content = render(tree, style="notion", page_url="https://app.notion.com/p/x")
    made = chunks(A, parts(changes((page(A, "Home"), markdown(A, content)))[0]))
    found = {marker for chunk in made for marker in markers(chunk.text)}
    assert {marker for one in walk(tree) for marker in markers(plain_text(one.raw))} <= found
