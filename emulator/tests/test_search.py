"""What search finds, in which order, how late, and what it leaves out."""

from typing import Any

import pytest

from notion_emulator.clock import Clock
from notion_emulator.errors import ValidationFailed
from notion_emulator.objects import Connection
from notion_emulator.search import find, omitted, score
from notion_emulator.world import World

NOW = 1_780_000_000_000
MINUTE = 60_000


@pytest.fixture
def world() -> World:
    world = World(clock=Clock(frozen=NOW))
    world.connect("Reader")
    home = world.create_page(None, "Company Home", at=NOW - 50 * MINUTE)
    world.create_page(home, "Handbook", at=NOW - 40 * MINUTE)
    tasks = world.create_database(home, "Tasks DB", at=NOW - 30 * MINUTE)
    world.create_data_source(tasks, "rows", at=NOW - 30 * MINUTE)
    contacts = world.create_database(home, "Contacts DB", at=NOW - 20 * MINUTE)
    for name in ("east", "west"):
        world.create_data_source(contacts, name, at=NOW - 20 * MINUTE)
    world.create_database(home, "Linked DB", at=NOW - 10 * MINUTE)
    return world


def reader(world: World) -> Connection:
    return next(iter(world.connections.values()))


def names(world: World, **asked: Any) -> list[str]:
    return [world.title(node) for node in find(world, reader(world), **asked)]


def test_everything_is_listed_newest_edit_first(world: World) -> None:
    assert names(world) == ["Company Home", "east", "west", "rows", "Handbook"]


@pytest.mark.parametrize(("kind", "count"), [("page", 2), ("data_source", 3), (None, 5)])
def test_a_filter_keeps_one_kind(world: World, kind: str | None, count: int) -> None:
    assert len(names(world, kind=kind)) == count


def test_a_data_source_is_found_by_its_databases_title(world: World) -> None:
    assert names(world, query="contacts") == ["east", "west"]
    assert names(world, query="east") == []


def test_one_common_word_is_enough(world: World) -> None:
    assert names(world, query="Contacts DB") == ["east", "west", "rows"]


def test_words_match_by_their_beginning_without_case(world: World) -> None:
    assert names(world, query="HAND") == ["Handbook"]
    assert names(world, query="book") == []
    assert names(world, query="...") == []


def test_relevance_puts_more_common_words_first(world: World) -> None:
    world.create_page(None, "DB of yesterday", at=NOW)
    assert names(world, query="tasks db", sort={"property": "relevance"})[0] == "rows"


def test_the_order_can_be_turned_round(world: World) -> None:
    found = names(world, sort={"timestamp": "last_edited_time", "direction": "ascending"})
    assert found[:2] == ["Handbook", "rows"]
    assert found[-1] == "Company Home"


def test_another_timestamp_is_refused(world: World) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        names(world, sort={"timestamp": "created_time"})
    wanted = (
        'body failed validation: body.sort.timestamp should be "last_edited_time" when sorting by timestamp.'
    )
    assert str(refusal.value) == wanted


def test_old_versions_leave_out_databases_with_several_sources(world: World) -> None:
    assert names(world, kind="data_source", multi_source=False) == ["rows"]


def test_the_trash_is_left_out_or_shown_alone(world: World) -> None:
    handbook = next(page for page in world.pages.values() if world.title(page) == "Handbook")
    world.trash(handbook)
    assert "Handbook" not in names(world)
    assert names(world, in_trash=True) == ["Handbook"]


def test_what_is_not_shared_is_not_found(world: World) -> None:
    home = world.pages[world.top[0]]
    world.unshare(reader(world), home.id)
    assert names(world) == []


def test_templates_are_not_found(world: World) -> None:
    source = next(iter(world.data_sources.values()))
    world.create_page(source, "Template", is_template=True)
    assert "Template" not in names(world)


def test_a_new_object_is_found_after_the_lag(world: World) -> None:
    world.settings.search_lag = 30
    world.create_page(None, "Fresh")
    assert "Fresh" not in names(world)
    world.clock.advance(30)
    assert names(world)[0] == "Fresh"


def test_an_edit_moves_an_object_after_the_lag(world: World) -> None:
    world.settings.search_lag = 30
    handbook = next(page for page in world.pages.values() if world.title(page) == "Handbook")
    world.clock.advance(3600)
    world.touch(handbook)
    assert names(world)[-1] == "Handbook"
    world.clock.advance(31)
    assert names(world)[0] == "Handbook"


def test_named_objects_are_never_found(world: World) -> None:
    world.settings.search_omits_ids = {world.top[0]}
    assert "Company Home" not in names(world)


def test_an_omitted_share_is_fixed(world: World) -> None:
    for number in range(400):
        world.create_page(None, f"Page {number}")
    world.settings.search_omits = 0.25
    found = names(world)
    assert found == names(world)
    assert 250 < len(found) < 350


def test_omission_depends_on_the_salt() -> None:
    one, other = ({n for n in range(200) if omitted(str(n), salt=salt, share=0.5)} for salt in "ab")
    assert one != other


def test_the_score_counts_words_that_begin_a_word() -> None:
    assert score("Tasks of the harbour", ["tas", "harb", "bour"]) == 2
