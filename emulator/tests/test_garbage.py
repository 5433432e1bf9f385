"""Garbage at every route: whatever comes, the answer is a refusal of Notion's, never an unasked 500 or an exception."""

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notion_emulator import Emulator
from notion_emulator.block_types import TYPES
from notion_emulator.routes import OPERATIONS, Operation
from notion_emulator.schema import CONFIGS
from notion_emulator.service import Request, respond

MANY = int(os.environ.get("GARBAGE", "1"))  # GARBAGE=20 looks twenty times as long
VERSIONS = ("2022-06-28", "2025-09-03", "2026-03-11")
NIL = "00000000-0000-0000-0000-000000000000"
WORDS = sorted({
    "parent", "properties", "children", "page_id", "database_id", "data_source_id", "block_id", "title", "rich_text", "type", "text",
    "content", "filter", "sorts", "property", "and", "or", "timestamp", "direction", "query", "value", "object", "start_cursor",
    "page_size", "position", "after_block", "id", "name", "icon", "cover", "in_trash", "archived", "markdown", "template", "mode",
    "equals", "contains", "is_empty", "after", "before", "past_week", "configuration", "discussion_id", "display_name", "attachments",
    "source", "insert_content", "replace_content", "update_content", "initial_data_source", "workspace", "external", "url", "emoji",
    "file_upload", "description", "is_inline", "number_of_parts", "external_url", "quick_filters", "view_id", "create_database",
    "annotations", "mention", "equation", "expression", "user", "date", "start", "end", "Name", "N", *TYPES, *CONFIGS,
})  # fmt: skip
VALUES = st.sampled_from(
    [
        "",
        "x",
        NIL,
        "page",
        "table",
        "end",
        "start",
        "2026-01-01",
        "2026-13-01T99",
        "me",
        "today",
        "s:a:b",
        "number",
        "😀" * 3,
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | VALUES
    | st.sampled_from(WORDS)
)


@pytest.fixture(scope="module")
def world() -> tuple[Emulator, dict[str, list[str]]]:
    """An emulator with one of everything, and the ids by kind of path parameter."""
    emulator = Emulator()
    made = emulator.world
    home = made.pages[emulator.root_page_id]
    source = made.create_data_source(
        made.create_database(home), "S", properties=[
            {"id": kind, "name": kind, "description": None, "type": kind, kind: config}
            for kind, config in (
                ("number", {"format": "number"}), ("select", {"options": []}), ("multi_select", {"options": []}), ("date", {}), ("people", {}),
                ("status", {"options": [], "groups": []}), ("checkbox", {}), ("formula", {"expression": 'prop("number") + 1'}), ("files", {}),
                ("unique_id", {"prefix": None}), ("created_by", {}), ("url", {}),
            )
        ],
    )  # fmt: skip
    row = made.create_page(source, "row")
    block = made.add_block(row, "toggle", {"rich_text": [], "color": "default"})
    comment = made.add_comment(home, [])
    every = [
        home.id,
        source.id,
        source.parent_id,
        row.id,
        block.id,
        comment.id,
        comment.discussion_id,
        NIL,
        "x",
        emulator.connection.bot_id,
    ]
    return emulator, {"ids": every}


def bodies(ids: list[str]) -> st.SearchStrategy[Any]:
    leaves = SCALARS | st.sampled_from(ids)
    keys = st.sampled_from(WORDS) | st.text(max_size=4)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=12,
    )


def ask(emulator: Emulator, operation: Operation, data: st.DataObject, ids: list[str]) -> int:
    parts = [
        data.draw(st.sampled_from(ids)) if one.startswith("{") else one for one in operation.path.split("/")
    ]
    query = data.draw(
        st.sampled_from(
            [
                "",
                "page_size=0",
                "page_size=-1",
                "page_size=9999999999",
                "start_cursor=",
                "start_cursor=%00",
                "filter_properties=",
                f"block_id={ids[0]}",
                f"database_id={ids[2]}&page_size=1",
                "status=x",
                "name=%ff",
            ]
        )
    )
    body = data.draw(bodies(ids))
    raw = data.draw(
        st.sampled_from(
            [
                json.dumps(body).encode(),
                json.dumps(body).encode(),
                json.dumps(body).encode(),
                b"",
                b"{",
                b"\xff\x00",
                b"[" * 3000,
            ]
        )
    )
    version = data.draw(st.sampled_from(VERSIONS))
    kind = data.draw(
        st.sampled_from(
            ["application/json", "application/json", "multipart/form-data", "multipart/form-data; boundary=a"]
        )
    )
    headers = {"authorization": f"Bearer {emulator.token}", "notion-version": version, "content-type": kind}
    return respond(emulator, Request(operation.method, "/v1" + "/".join(parts), query, headers, raw)).status


@pytest.mark.parametrize("operation", OPERATIONS, ids=[f"{one.method} {one.path}" for one in OPERATIONS])
def test_garbage_is_refused_or_accepted_but_never_breaks(
    world: tuple[Emulator, dict[str, list[str]]], operation: Operation
) -> None:
    emulator, known = world

    @settings(max_examples=25 * MANY, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        assert ask(emulator, operation, data, known["ids"]) in {200, 202, 400, 401, 403, 404}
        emulator.world.settle()

    run()


TEXT = st.lists(
    st.fixed_dictionaries({"text": st.fixed_dictionaries({"content": st.text(max_size=5)})})
    | st.fixed_dictionaries({"equation": st.fixed_dictionaries({"expression": st.text(max_size=5)})}),
    max_size=3,
)  # fmt: skip


def near_blocks(depth: int) -> st.SearchStrategy[Any]:
    """Blocks that are almost right: a known type, fields that may fit."""
    below = st.lists(near_blocks(depth - 1), max_size=2) if depth else st.just([])
    content = st.fixed_dictionaries({}, optional={
        "rich_text": TEXT, "children": below, "color": st.sampled_from(["red", "grey"]), "url": VALUES, "table_width": st.integers(0, 3),
        "cells": st.lists(TEXT, max_size=2), "external": st.fixed_dictionaries({"url": VALUES}), "language": st.sampled_from(["python", "x"]),
        "synced_from": st.none(), "expression": VALUES, "checked": st.booleans(), "is_toggleable": st.booleans(), "caption": TEXT,
    })  # fmt: skip
    return st.tuples(st.sampled_from(sorted(TYPES)), content).map(lambda pair: {pair[0]: pair[1]})


@settings(max_examples=60 * MANY, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(children=st.lists(near_blocks(2), max_size=3))
def test_blocks_that_are_almost_right_are_appended_or_refused(children: list[Any]) -> None:
    emulator = Emulator()
    headers = {"authorization": f"Bearer {emulator.token}", "notion-version": "2026-03-11"}
    path = f"/v1/blocks/{emulator.root_page_id}/children"
    body = json.dumps({"children": children}).encode()
    answer = respond(emulator, Request("PATCH", path, "", headers, body))
    assert answer.status in (200, 400)
    listing = respond(emulator, Request("GET", path, "", headers))
    assert len(json.loads(listing.body)["results"]) == (len(children) if answer.status == 200 else 0)
    assert (
        respond(emulator, Request("GET", f"/v1/pages/{emulator.root_page_id}/markdown", "", headers)).status
        == 200
    )


def valid(ids: list[str]) -> dict[str, list[Any]]:
    """Bodies that are right, by operation."""
    home, source, database, row, block, _comment, discussion, *_ = ids
    text = [
        {
            "type": "text",
            "text": {"content": "x", "link": {"url": "https://example.com"}},
            "annotations": {"bold": True, "color": "red"},
        }
    ]
    mention = [
        {"mention": {"user": {"id": NIL}}},
        {"mention": {"date": {"start": "2026-01-01", "end": None}}},
        {"equation": {"expression": "x"}},
    ]
    values = {
        "Name": {"title": text}, "number": {"number": 1}, "select": {"select": {"name": "a"}}, "multi_select": {"multi_select": [{"name": "b"}]},
        "date": {"date": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02", "time_zone": None}}, "people": {"people": [{"id": NIL}]},
        "files": {"files": [{"name": "f", "external": {"url": "https://example.com/f"}}]}, "url": {"url": "https://example.com"}, "checkbox": {"checkbox": True},
    }  # fmt: skip
    filter = {"and": [{"property": "number", "number": {"greater_than": 1}}, {"or": [{"property": "date", "date": {"past_week": {}}},
              {"timestamp": "created_time", "created_time": {"before": "2026-01-01"}}, {"property": "people", "people": {"contains": "me"}},
              {"property": "formula", "formula": {"number": {"equals": 1}}}, {"property": "multi_select", "multi_select": {"is_empty": True}}]}]}  # fmt: skip
    sorts = [
        {"property": "Name", "direction": "ascending"},
        {"timestamp": "last_edited_time", "direction": "descending"},
    ]
    config = {"A": {"number": {"format": "euro"}}, "B": {"select": {"options": [{"name": "x", "color": "red"}]}}, "C": {"formula": {"expression": "1"}},
              "D": {"relation": {"data_source_id": source, "dual_property": {}}}, "E": {"status": {"options": [{"name": "s", "group": "To-do"}]}},
              "F": {"rollup": {"relation_property_name": "D", "rollup_property_name": "Name", "function": "count"}}}  # fmt: skip
    view = {"data_source_id": source, "database_id": database, "name": "V", "type": "board", "filter": filter, "sorts": sorts,
            "quick_filters": {"number": {"number": {"equals": 1}}}, "configuration": {"type": "board", "group_by": {}},
            "position": {"type": "after_view", "view_id": NIL}}  # fmt: skip
    leaf = {"property": "title", "filter": {"operator": "contains", "value": "x"}}
    return {
        "POST /pages": [{"parent": {"data_source_id": source}, "properties": values, "icon": {"emoji": "x"}}, {"parent": {"page_id": home}, "markdown": "# a\n- b"},
                        {"parent": {"page_id": home}, "position": {"type": "after_block", "after_block": {"id": row}}, "children": [{"paragraph": {"rich_text": mention}}]}],
        "PATCH /pages/{page_id}": [{"properties": values, "is_locked": True, "in_trash": False, "cover": {"external": {"url": "https://example.com"}}}],
        "POST /pages/{page_id}/move": [{"parent": {"data_source_id": source}}],
        "PATCH /pages/{page_id}/markdown": [{"type": "insert_content", "insert_content": {"content": "# x", "after": "a...b"}},
                                            {"type": "update_content", "update_content": {"content_updates": [{"old_str": "a", "new_str": "b"}]}},
                                            {"type": "replace_content", "replace_content": {"new_str": "x", "allow_deleting_content": True}, "allow_async": True}],
        "PATCH /blocks/{block_id}": [{"toggle": {"rich_text": text, "color": "red"}, "in_trash": False}],
        "PATCH /blocks/{block_id}/children": [{"children": [{"toggle": {"rich_text": text, "children": [{"to_do": {"rich_text": []}}]}},
                                              {"table": {"table_width": 1, "children": [{"table_row": {"cells": [text]}}]}},
                                              {"callout": {"rich_text": [], "icon": {"icon": {"name": "x"}}}}], "position": {"type": "start"}}],
        "POST /databases": [{"parent": {"type": "page_id", "page_id": home}, "title": text, "initial_data_source": {"properties": {"T": {"title": {}}, **config}}}],
        "PATCH /databases/{database_id}": [{"title": text, "is_inline": True, "parent": {"page_id": home}}],
        "POST /data_sources": [{"parent": {"database_id": database}, "properties": {"T": {"title": {}}, **config}}],
        "PATCH /data_sources/{data_source_id}": [{"properties": {**config, "number": {"name": "renamed"}, "url": None}, "title": text}],
        "POST /data_sources/{data_source_id}/query": [{"filter": filter, "sorts": sorts, "page_size": 1, "start_cursor": f"s:{NIL}:{NIL}"}, {"filter": filter, "sorts": sorts}],
        "POST /databases/{database_id}/query": [{"filter": filter, "sorts": sorts}],
        "POST /search": [{"query": "x", "filter": {"property": "object", "value": "page", "in_trash": True}, "sort": {"timestamp": "last_edited_time", "direction": "ascending"}}],
        "POST /comments": [{"parent": {"page_id": home}, "rich_text": text, "display_name": {"type": "custom", "custom": {"name": "x"}}}, {"discussion_id": discussion, "markdown": "*x*"}],
        "PATCH /comments/{comment_id}": [{"rich_text": text}],
        "POST /file_uploads": [{"mode": "multi_part", "filename": "x", "number_of_parts": 2}, {"mode": "external_url", "filename": "x", "external_url": "https://example.com"}],
        "POST /views": [view],
        "PATCH /views/{view_id}": [{"name": "x", "filter": filter, "sorts": sorts}],
        "POST /blocks/meeting_notes": [{"source": {"type": "block", "block_id": block}, "title": "x"}],
        "POST /blocks/meeting_notes/query": [{"filter": {"operator": "or", "filters": [leaf]}, "sort": [{"property": "title", "direction": "ascending"}], "limit": 1}],
        "POST /oauth/token": [{"grant_type": "refresh_token", "refresh_token": "x"}],
    }  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything inside a JSON value."""
    inner = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    return [path, *(one for key, item in inner for one in places(item, (*path, key)))]


def bent(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with something else at a path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = bent(value[path[0]], path[1:], new)
    return copy


BODIED = [one for one in OPERATIONS if f"{one.method} {one.path}" in valid(["x"] * 8)]


@pytest.mark.parametrize("operation", BODIED, ids=[f"{one.method} {one.path}" for one in BODIED])
def test_a_right_body_bent_in_one_place_breaks_nothing(
    world: tuple[Emulator, dict[str, list[str]]], operation: Operation
) -> None:
    emulator, known = world
    ids = known["ids"]
    home, source, database, row, block, comment, *_ = ids
    view = next(iter(emulator.world.views), NIL)
    place = {
        "page_id": row,
        "block_id": block,
        "database_id": database,
        "data_source_id": source,
        "comment_id": comment,
        "view_id": view,
    }
    path = operation.path.format(**place)

    @settings(max_examples=30 * MANY, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.data())
    def run(data: st.DataObject) -> None:
        body = data.draw(st.sampled_from(valid(ids)[f"{operation.method} {operation.path}"]))
        where = data.draw(st.sampled_from(places(body)))
        broken = bent(body, where, data.draw(bodies(ids)))
        version = "2022-06-28" if operation.until == "2022-06-28" else data.draw(st.sampled_from(VERSIONS))
        headers = {"authorization": f"Bearer {emulator.token}", "notion-version": version}
        answer = respond(
            emulator, Request(operation.method, f"/v1{path}", "", headers, json.dumps(broken).encode())
        )
        assert answer.status in {200, 202, 400, 401, 403, 404}, answer.body
        emulator.world.settle()
        for listing in (f"/v1/blocks/{home}/children", f"/v1/pages/{row}", f"/v1/pages/{home}/markdown"):
            assert respond(emulator, Request("GET", listing, "", headers)).status == 200
        for id in (home, row, block, database, source):
            emulator.world.nodes[id].trashed = False

    run()
