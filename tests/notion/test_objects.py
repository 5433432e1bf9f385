from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.notion import objects
from syncline.notion.errors import MalformedId
from syncline.notion.objects import Parent, Source, Version, parse_id

ID = "38c9ce7b-60a4-81e9-b951-000b9b64e41a"
BARE = ID.replace("-", "")


@pytest.mark.parametrize(
    "text",
    [
        ID,
        BARE,
        BARE.upper(),
        f" {ID}\n",
        f"https://www.notion.so/Meeting-notes-{BARE}",
        f"https://www.notion.so/acme/Caf-beef-{BARE}/",
        f"https://app.notion.com/p/{BARE}?v=00000000000000000000000000000001&pvs=4",
        f"https://acme.notion.site/Title-{BARE}#00000000000000000000000000000001",
        f"https://www.notion.so/{ID}",
    ],
)
def test_an_id_is_read_from_every_form(text: str) -> None:
    assert parse_id(text) == ID


@pytest.mark.parametrize(
    "text",
    ["", "x", BARE[:-1], "0" + BARE, "https://www.notion.so/Title", f"{ID}-x", "https://[x/", "../users/me"],
)
def test_what_holds_no_id_is_refused_by_name(text: str) -> None:
    with pytest.raises(MalformedId, match="no Notion id in"):
        parse_id(text)


@given(st.uuids())
def test_every_uuid_is_an_id_in_both_forms(uuid: UUID) -> None:
    assert parse_id(str(uuid)) == parse_id(uuid.hex) == str(uuid)


def test_versions_know_whether_databases_hold_data_sources() -> None:
    assert [version.has_data_sources for version in Version] == [False, True, True]


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        ({"in_trash": True}, True),
        ({"archived": True}, True),
        ({"archived": True, "in_trash": True}, True),
        ({"in_trash": False, "is_archived": True}, False),
        ({}, False),
    ],
)
def test_trash_is_found_under_either_name(obj: dict[str, Any], *, expected: bool) -> None:
    assert objects.trashed(obj) is expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"type": "page_id", "page_id": "p"}, Parent("page", "p")),
        ({"page_id": "p"}, Parent("page", "p")),
        ({"type": "block_id", "block_id": "b"}, Parent("block", "b")),
        ({"type": "database_id", "database_id": "d"}, Parent("database", "d", "d")),
        (
            {"type": "data_source_id", "data_source_id": "s", "database_id": "d"},
            Parent("data_source", "s", "d"),
        ),
        ({"type": "workspace", "workspace": True}, Parent("workspace")),
        ({"type": "agent_id", "agent_id": "a"}, Parent("agent", "a")),
        ({"type": "planet_id", "planet_id": "x"}, Parent("planet", "x")),
        ({}, None),
        (None, None),
    ],
)
def test_a_parent_is_read_alike_on_every_version(raw: Any, expected: Parent | None) -> None:
    assert objects.parent({"parent": raw}) == expected


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (
            {"object": "page", "properties": {"x": {"type": "number"}, "Name": {"type": "title", "title": [{"plain_text": "A"}, {"plain_text": "b"}]}}},
            "Ab",
        ),
        ({"object": "page"}, ""),
        ({"object": "database", "title": [{"plain_text": "D"}]}, "D"),
        ({"object": "data_source", "title": []}, ""),
        ({"object": "block", "type": "child_page", "child_page": {"title": "C"}}, "C"),
        ({"object": "block", "type": "meeting_notes", "meeting_notes": {"title": [{}]}}, ""),
        ({"object": "block", "type": "divider", "divider": {}}, ""),
        ({"object": "user", "name": None}, ""),
        ({"object": "view", "name": "All"}, "All"),
    ],
)  # fmt: skip
def test_a_title_is_read_wherever_it_stands(obj: dict[str, Any], expected: str) -> None:
    assert objects.title(obj) == expected


@pytest.mark.parametrize("text", ["2026-06-27T16:53:00.000Z", "2026-06-27T16:53:00.000+00:00"])
def test_times_are_read_in_both_spellings(text: str) -> None:
    moment = datetime(2026, 6, 27, 16, 53, tzinfo=UTC)
    assert (
        objects.last_edited({"last_edited_time": text}) == objects.created({"created_time": text}) == moment
    )
    assert objects.created({}) is None


def test_sources_are_those_of_a_container_or_the_database_itself() -> None:
    container = {"id": "d", "data_sources": [{"id": "s", "name": "S"}]}
    table = {"object": "database", "id": "d", "title": [{"plain_text": "T"}], "properties": {}}
    assert objects.sources(container) == (Source("s", "S"),)
    assert objects.sources(table) == (Source("d", "T"),)
    assert objects.sources({"id": "d", "data_sources": []}) == ()
    assert objects.sources({"id": "d"}) == ()


def test_a_listing_says_what_it_holds_and_whether_it_was_cut_off() -> None:
    cut = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    assert objects.results({"results": [1]}) == objects.results({"templates": [1]}) == [1]
    assert objects.incomplete({"request_status": cut}) == "query_result_limit_reached"
    assert objects.incomplete({"request_status": {"type": "complete"}}) is None
    assert objects.incomplete({}) is None


def test_a_reference_is_told_from_an_object() -> None:
    assert objects.partial({"object": "page", "id": "x"})
    assert not objects.partial({"object": "page", "id": "x", "created_time": "2026-06-27T16:53:00.000Z"})
