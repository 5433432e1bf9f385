"""The generated workspace: sizes as asked, markers where they are said to be, figures that a hand can check."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notion_emulator.figures import Figures, figures
from notion_emulator.objects import Block, Page
from notion_emulator.seed import Marker, Seeded, generate
from notion_emulator.world import World


def made(**sizes: int) -> tuple[World, Seeded]:
    world = World(seed=3)
    world.connect("Reader")
    return world, generate(world, **sizes)


def types(world: World) -> set[str]:
    return {node.type for node in world.nodes.values() if isinstance(node, Block)}


def test_sizes_are_as_asked() -> None:
    world, seeded = made(pages=30, rows=70, blocks=1000, depth=6, data_sources=3)
    assert len(world.pages) == 100
    assert sum(isinstance(node, Block) for node in world.nodes.values()) == 1000
    found = seeded.figures
    assert (found.pages, found.data_sources, found.rows, found.blocks) == (100, 3, (24, 23, 23), 1000)
    assert found.depth == 6


@given(
    st.fixed_dictionaries({
        "pages": st.integers(1, 30), "rows": st.integers(0, 30), "blocks": st.integers(0, 300),
        "depth": st.integers(1, 8), "data_sources": st.integers(1, 4), "sources_each": st.integers(1, 3),
        "seed": st.integers(0, 3),
    })
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_any_sizes_are_met_exactly(sizes: dict[str, int]) -> None:
    world, seeded = made(**sizes)
    assert seeded.figures.pages == sizes["pages"] + sizes["rows"]
    assert sum(isinstance(node, Block) for node in world.nodes.values()) == sizes["blocks"]
    assert seeded.figures.depth <= max(sizes["depth"], 1)


def test_equal_arguments_make_equal_workspaces() -> None:
    (one, first), (other, second) = made(pages=20, blocks=300), made(pages=20, blocks=300)
    assert first.markers == second.markers
    assert list(one.nodes) == list(other.nodes)


ODDITIES: dict[str, int] = {
    "pages": 25, "rows": 120, "blocks": 9000, "depth": 40, "data_sources": 2, "long_pages": 2, "giant": 5200,
    "relations": 2, "comments": 5, "synced": 2, "linked": 1, "unsupported": 3, "novel": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def odd() -> tuple[World, Seeded]:
    return made(**ODDITIES)


def text_at(world: World, marker: Marker) -> str:
    """Everything that stands at the place a marker names."""
    node: Any
    match marker.kind:
        case "block" | "novel":
            node = world.nodes[marker.id]
            assert isinstance(node, Block)
            return json.dumps(node.content)
        case "comment":
            return json.dumps(world.comments[marker.id].rich_text)
    return json.dumps(world.pages[marker.page].properties[marker.id])


def test_every_marker_is_unique_and_stands_where_it_says(odd: tuple[World, Seeded]) -> None:
    world, seeded = odd
    assert len({marker.text for marker in seeded.markers}) == len(seeded.markers)
    assert all(marker.text in text_at(world, marker) for marker in seeded.markers)
    assert {marker.kind for marker in seeded.markers} == {"title", "property", "block", "comment", "novel"}


def test_every_shown_text_has_a_marker(odd: tuple[World, Seeded]) -> None:
    world, seeded = odd
    marked = {marker.id for marker in seeded.markers}
    shown = [
        node
        for node in world.nodes.values()
        if isinstance(node, Block) and any(node.content.get(key) for key in ("rich_text", "caption", "cells"))
    ]
    assert shown
    assert all(node.id in marked for node in shown)


def test_a_marker_names_the_page_that_holds_it(odd: tuple[World, Seeded]) -> None:
    world, seeded = odd
    for marker in seeded.markers:
        if marker.kind in ("block", "novel"):
            holder = world.page_of(world.nodes[marker.id])
            assert holder is not None
            assert holder.id == marker.page


def test_the_oddities_are_there(odd: tuple[World, Seeded]) -> None:
    world, seeded = odd
    found = seeded.figures
    assert found.depth == 40
    assert found.truncated == 2 * 2  # the relation, and the rollup over it
    assert max(len(node.children) for node in world.nodes.values()) >= 5200
    assert any(not database.data_sources for database in world.databases.values())
    assert {"synced_block", "unsupported", "hologram"} <= types(world)
    copies = [
        one for one in world.nodes.values() if isinstance(one, Block) and one.content.get("synced_from")
    ]
    origins = [one.content["synced_from"]["block_id"] for one in copies]
    assert [origin in world.nodes for origin in origins] == [True, False, True, False]


def test_some_pages_hang_in_toggles(odd: tuple[World, Seeded]) -> None:
    world, _ = odd
    assert any(isinstance(world.nodes.get(page.parent_id), Block) for page in world.pages.values())


def test_a_round_of_blocks_has_every_type_that_holds_content() -> None:
    world, _ = made(pages=2, rows=2, blocks=600, synced=1, unsupported=1)
    assert types(world) >= {
        "paragraph", "heading_1", "heading_2", "heading_3", "heading_4", "bulleted_list_item", "numbered_list_item",
        "to_do", "toggle", "quote", "callout", "code", "equation", "divider", "breadcrumb", "table_of_contents",
        "column_list", "column", "tab", "table", "table_row", "synced_block", "embed", "bookmark", "link_preview",
        "image", "video", "audio", "pdf", "file", "unsupported",
    }  # fmt: skip


def test_a_data_source_has_more_than_twenty_property_types() -> None:
    world, _ = made()
    source = next(iter(world.data_sources.values()))
    assert len({entry["type"] for entry in source.properties.values()}) == 23


@pytest.mark.parametrize(
    ("sizes", "complaint"),
    [
        ({"pages": 0}, "at least 1"),
        ({"rows": 5, "data_sources": 0}, "need a data source"),
        ({"relations": 1, "rows": 10}, "relation of 60"),
        ({"giant": 500, "blocks": 400}, "400 blocks are too few"),
    ],
)
def test_impossible_sizes_are_refused(sizes: dict[str, int], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        made(**sizes)


# Figures by hand


def small() -> tuple[World, Page]:
    world = World()
    root = world.create_page(None, "Root")
    return world, root


def paragraph(world: World, parent: Any, count: int = 1) -> Block:
    blocks = [world.add_block(parent, "paragraph", {"rich_text": []}) for _ in range(count)]
    return blocks[-1]


def test_figures_count_listings_of_pages_and_containers() -> None:
    world, root = small()
    toggle = world.add_block(root, "toggle", {"rich_text": []})
    paragraph(world, toggle, 201)
    paragraph(world, root, 98)
    world.create_page(root, "Child")  # the 100th child: still one listing
    expected = Figures(
        pages=2, data_sources=0, rows=(), windows=0, blocks=300, containers=1, extra=2, truncated=0, depth=2,
        follow_ups=0,
    )  # fmt: skip
    assert figures(world) == expected
    assert expected.blocks_bound == 1 + 2 + 1 + 2
    assert expected.markdown_bound == 1 + 2
    world.create_page(root, "Another")
    assert figures(world).extra == 3


def test_figures_count_queries_windows_and_long_values() -> None:
    world, root = small()
    world.settings.result_cap = 150
    database = world.create_database(root)
    relation = {"id": "rel", "name": "Rel", "type": "relation", "relation": {}}
    source, empty = (world.create_data_source(database, properties=[relation]) for _ in range(2))
    rows = [world.create_page(source, str(number)) for number in range(301)]
    rows[0].properties["rel"] = [{"id": row.id} for row in rows[:130]]
    found = figures(world)
    assert found.rows == (301, 0)
    assert (found.windows, found.truncated) == (2, 2)
    assert found.listing == 4 + (4 + 1) + 2
    assert found.properties_bound == found.listing + 2
    assert empty.id in world.data_sources


def test_a_synced_copy_is_a_container_whose_children_count_once() -> None:
    world, root = small()
    original = world.add_block(root, "synced_block", {"synced_from": None})
    paragraph(world, original, 3)
    for origin in (original.id, world.ids.node(0)):
        world.add_block(root, "synced_block", {"synced_from": {"type": "block_id", "block_id": origin}})
    found = figures(world)
    assert (found.blocks, found.containers) == (6, 3)


def test_figures_leave_out_the_trash_and_what_is_not_shared() -> None:
    world, root = small()
    reader = world.connect("Reader")
    hidden, gone = world.create_page(root, "Hidden"), world.create_page(root, "Gone")
    for page in (hidden, gone):
        paragraph(world, page, 5)
    world.unshare(reader, hidden.id)
    world.trash(gone)
    assert figures(world, reader).pages == 1
    assert figures(world, reader).blocks == 0
    assert figures(world).pages == 2


def test_figures_ask_for_further_markdown_of_a_long_page() -> None:
    world, root = small()
    world.settings.markdown_blocks = 10
    paragraph(world, root, 25)
    assert figures(world).follow_ups == 2
