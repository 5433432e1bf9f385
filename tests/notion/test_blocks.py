"""Listings become trees; what is missing is marked."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.notion.block_samples import equation, run

from syncline.notion.blocks import (
    TYPES,
    Block,
    containers,
    kind,
    needs_children,
    plain_text,
    sections,
    texts,
    tree,
    walk,
)
from syncline.notion.richtext import text

Shape = tuple[Any, ...]


def raw(identity: str, *, kind: str = "toggle", children: bool = False, **data: Any) -> dict[str, Any]:
    return {"object": "block", "id": identity, "type": kind, "has_children": children, kind: data}


def shape(blocks: Sequence[Block]) -> list[Any]:
    """A tree of few levels as nested lists; a marker is its reason."""
    return [
        block.data["reason"] if block.type == "unread" else [block.id, *shape(block.children)]
        for block in blocks
    ]


def test_lists_become_a_tree_in_their_order() -> None:
    lists = {
        "page": [raw("a", children=True), raw("b"), raw("c", children=True)],
        "a": [raw("a1"), raw("a2", children=True)],
        "a2": [raw("a2x")],
        "c": [],
    }
    assert shape(tree("page", lists)) == [["a", ["a1"], ["a2", ["a2x"]]], ["b"], ["c"]]


def test_the_raw_block_is_kept_as_it_came() -> None:
    one = raw("a", kind="hologram", depth=3)
    (found,) = tree("page", {"page": [one]})
    assert found.raw is one
    assert found.data == {"depth": 3}


@pytest.mark.parametrize(
    ("lists", "unread", "expected"),
    [
        ({}, {}, ["no listing"]),
        ({"page": []}, {}, []),
        ({"page": [raw("a", children=True)]}, {}, [["a", "no listing"]]),
        ({"page": [raw("a", children=True)]}, {"a": "404"}, [["a", "404"]]),
        ({"page": [raw("a", children=True)], "a": [raw("b")]}, {"a": "cut"}, [["a", ["b"], "cut"]]),
        ({"page": [raw("a")]}, {"page": "cut"}, [["a"], "cut"]),
    ],
)
def test_what_was_not_read_is_marked_where_it_is_missing(
    lists: Mapping[str, list[dict[str, Any]]], unread: Mapping[str, str], expected: list[Any]
) -> None:
    assert shape(tree("page", lists, unread=unread)) == expected


def test_a_block_inside_itself_is_cut_and_marked() -> None:
    lists = {
        "page": [raw("a", children=True)],
        "a": [raw("b", children=True)],
        "b": [raw("a", children=True)],
    }
    assert shape(tree("page", lists)) == [["a", ["b", ["a", "it contains itself"]]]]
    lists = {"page": [raw("a", children=True)], "a": [raw("a", children=True)]}
    assert shape(tree("page", lists)) == [["a", ["a", "it contains itself"]]]


def test_one_container_in_two_places_is_complete_in_both() -> None:
    lists = {
        "page": [raw("a", children=True), raw("b", children=True), raw("a", children=True)],
        "a": [raw("s", children=True)],
        "b": [raw("s", children=True)],
        "s": [raw("x")],
    }
    inner = ["s", ["x"]]
    assert shape(tree("page", lists)) == [["a", inner], ["b", inner], ["a", inner]]


def test_a_tree_may_be_ten_thousand_levels_deep() -> None:
    lists = {str(n): [raw(str(n + 1), children=n < 10_000)] for n in range(10_001)}
    found = list(walk(tree("0", lists)))
    assert [block.id for block in found] == [str(n) for n in range(1, 10_002)]


@st.composite
def _families(draw: st.DrawFn) -> dict[str, list[str]]:
    """Children by parent; any block may be anywhere, in circles too."""
    names = [str(n) for n in range(draw(st.integers(1, 7)))]
    return {name: draw(st.lists(st.sampled_from(names), max_size=3)) for name in names}


@given(_families())
def test_any_graph_ends_in_a_tree_with_every_listed_block(family: dict[str, list[str]]) -> None:
    lists = {parent: [raw(child, children=True) for child in children] for parent, children in family.items()}
    found = tree("0", lists)
    reached, frontier = {"0"}, ["0"]
    while frontier:
        new = [child for child in family[frontier.pop()] if child not in reached]
        reached.update(new)
        frontier += new
    assert [block.id for block in found] == family["0"] or [block.id for block in found[:-1]] == family["0"]
    shown = {block.id for block in walk(found)} | {"0"}
    assert shown == reached


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (raw("x", kind="toggle", children=True), ("x",)),
        (raw("x", kind="toggle"), ()),
        (raw("x", kind="child_page", children=True), ()),
        (raw("x", kind="child_database", children=True), ()),
        (raw("x", kind="synced_block", children=True, synced_from={"block_id": "y"}), ("x",)),
        (raw("x", kind="table", children=True), ("x",)),
        (raw("x", kind="unsupported", children=True), ("x",)),
        (raw("x", kind="hologram", children=True), ("x",)),
        (raw("x", kind="meeting_notes", children=True), ("x",)),
        ({}, ()),
    ],
)
def test_what_must_be_listed(block: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert containers(block) == expected
    assert needs_children(block) is bool(expected)


PARTS = {"summary_block_id": "s", "notes_block_id": "n", "transcript_block_id": None}


@pytest.mark.parametrize("name", ["meeting_notes", "transcription"])
def test_the_parts_of_meeting_notes_are_listed_and_stand_in_the_tree(name: str) -> None:
    notes = {"id": "m", "type": name, "has_children": False, name: {"title": [], "children": PARTS}}
    assert containers(notes) == ("s", "n")
    assert sections(notes) == {"s": "summary", "n": "notes"}
    assert shape(tree("page", {"page": [notes], "s": [raw("x")]})) == [
        ["m", ["s", ["x"]], ["n", "no listing"]]
    ]


def test_the_parts_of_meeting_notes_stand_once_where_they_are_listed_too() -> None:
    notes = {"id": "m", "type": "meeting_notes", "has_children": True, "meeting_notes": {"children": PARTS}}
    lists = {
        "page": [notes],
        "m": [raw("s", children=True), raw("n", children=True)],
        "s": [raw("x")],
        "n": [],
    }
    assert shape(tree("page", lists)) == [["m", ["s", ["x"]], ["n"]]]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (raw("x", kind="paragraph", rich_text=[run("a"), run("b")]), ["ab"]),
        (raw("x", kind="code", caption=[run("c")], rich_text=[run("a")]), ["a", "c"]),
        (raw("x", kind="table_row", cells=[[run("a")], [], [run("b"), equation("c")]]), ["a", "bc"]),
        (raw("x", kind="child_page", title="T"), ["T"]),
        (raw("x", kind="equation", expression="e"), ["e"]),
        (raw("x", kind="file", caption=[run("c")], name="n"), ["c", "n"]),
        (raw("x", kind="meeting_notes", title=[run("m")], status="notes_ready"), ["m"]),
        (raw("x", kind="hologram", words=[run("w")], depth=3, grid=[[run("g")]], name="n"), ["w", "g"]),
        (raw("x", kind="divider"), []),
        ({"type": "paragraph"}, []),
    ],
)
def test_texts(block: dict[str, Any], expected: list[str]) -> None:
    assert [text(found) for found in texts(block)] == expected
    assert plain_text(block) == "\n".join(expected)


def test_an_unknown_type_may_hold_anything() -> None:
    assert kind("hologram").container
    assert "hologram" not in TYPES


def test_every_recorded_block_is_of_a_known_type(recorded: list[dict[str, Any]]) -> None:
    blocks = [
        item
        for line in recorded
        if isinstance(line["response"]["body"], dict)
        for item in line["response"]["body"].get("results", ())
        if item.get("object") == "block"
    ]
    assert len(blocks) > 1000
    assert {block["type"] for block in blocks} - set(TYPES) == set()
