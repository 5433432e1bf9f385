"""The sample workspace has something of everything and is the same on every run."""

import json
import re

import pytest

from notion_emulator import sample
from notion_emulator.block_types import TYPES
from notion_emulator.figures import figures
from notion_emulator.objects import Block
from notion_emulator.world import World


def populated(name: str = "Connection") -> World:
    world = World("Sample workspace")
    world.connect(name)
    sample.populate(world)
    return world


@pytest.fixture(scope="module")
def world() -> World:
    return populated()


def test_it_has_sixty_to_ninety_pages(world: World) -> None:
    assert 60 <= figures(world).pages <= 90


def test_it_uses_every_block_type(world: World) -> None:
    used = {node.type for node in world.nodes.values() if isinstance(node, Block)}
    assert used >= {*TYPES, "link_preview", "meeting_notes", "unsupported"}


def test_it_uses_every_property_type(world: World) -> None:
    used = {entry["type"] for source in world.data_sources.values() for entry in source.properties.values()}
    assert used == {
        "title", "rich_text", "number", "select", "multi_select", "status", "date", "people", "files", "checkbox", "url",
        "email", "phone_number", "relation", "formula", "rollup", "created_time", "created_by", "last_edited_time",
        "last_edited_by", "unique_id", "place", "verification", "button",
    }  # fmt: skip


def test_every_stored_value_belongs_to_the_schema(world: World) -> None:
    for source in world.data_sources.values():
        for row in world.rows(source):
            assert row.properties.keys() <= source.properties.keys()


def test_both_sides_of_a_relation_agree(world: World) -> None:
    for source in world.data_sources.values():
        for key, entry in source.properties.items():
            if entry["type"] == "relation":
                mirror = entry["relation"]["dual_property"]["synced_property_id"]
                for row in world.rows(source):
                    for one in row.properties.get(key, []):
                        assert {"id": row.id} in world.pages[one["id"]].properties[mirror]


def test_mentions_name_what_exists(world: World) -> None:
    blocks = json.dumps([node.content for node in world.nodes.values() if isinstance(node, Block)])
    texts = re.findall(r'"content": "((?:[^"\\]|\\.)*)"', blocks)
    assert not [
        text for text in texts if "[[" in text or "@@" in text or "{{" in text or text.startswith("%")
    ]
    mentioned = set(re.findall(r'"(?:page|database)": \{"id": "([^"]+)"\}', blocks))
    assert len(mentioned) > 8
    assert mentioned <= world.nodes.keys()


def test_files_are_stored_and_shown(world: World) -> None:
    shown = json.dumps([node.content for node in world.nodes.values() if isinstance(node, Block)])
    keys = set(re.findall(r'"key": "([^"]+)"', shown))
    assert len(keys) >= 6
    assert keys <= world.files.keys()
    assert {stored.content_type for stored in world.files.values()} >= {
        "audio/wav",
        "application/pdf",
        "image/svg+xml",
    }


def test_there_are_comments_with_replies(world: World) -> None:
    threads = [comment.discussion_id for comment in world.comments.values()]
    assert len(threads) > len(set(threads)) >= 4
    assert any(isinstance(world.nodes[parent], Block) for parent in world.comments_on)


def test_there_is_a_guest_and_somebody_who_left(world: World) -> None:
    assert any(user.guest for user in world.users.values())
    assert any(user.removed for user in world.users.values())


def test_ids_and_times_are_the_same_on_every_run(world: World) -> None:
    other = populated()
    assert list(other.nodes) == list(world.nodes)
    assert [node.edited for node in other.nodes.values()] == [node.edited for node in world.nodes.values()]


def test_people_are_at_example_addresses(world: World) -> None:
    assert all(user.email.endswith(".example") for user in world.users.values() if user.email)
