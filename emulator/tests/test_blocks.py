from typing import Any

import pytest

from notion_emulator import Emulator
from notion_emulator.block_types import TYPES

EXTERNAL = {"external": {"url": "https://example.com/a.bin"}}
ROW: dict[str, Any] = {"table_row": {"cells": [[], []]}}
CREATED: dict[str, Any] = {
    **{name: {"rich_text": [{"text": {"content": name}}]} for name in (
        "paragraph", "heading_1", "heading_2", "heading_3", "heading_4", "bulleted_list_item", "numbered_list_item",
        "to_do", "toggle", "quote", "callout", "template",
    )},
    "code": {"rich_text": [], "language": "python"},
    "equation": {"expression": "x"},
    "divider": {},
    "breadcrumb": {},
    "table_of_contents": {},
    "column_list": {"children": [{"column": {"children": [{"divider": {}}]}}] * 2},
    "tab": {"children": [{"paragraph": {"rich_text": []}}]},
    "table": {"table_width": 2, "children": [ROW]},
    "synced_block": {"synced_from": None},
    "embed": {"url": "https://example.com"},
    "bookmark": {"url": "https://example.com"},
    **dict.fromkeys(("image", "video", "audio", "pdf", "file"), EXTERNAL),
}  # fmt: skip


@pytest.mark.parametrize("version", ["2022-06-28", "2025-09-03", "2026-03-11"])
@pytest.mark.parametrize("name", sorted(CREATED))
def test_a_block_of_each_type_reads_back(ask: Any, name: str, version: str) -> None:
    ask.version = version
    page = ask.page()["id"]
    (made,) = ask.append(page, {name: CREATED[name]})
    read = ask("GET", f"/blocks/{made['id']}")
    assert {**read, "request_id": 0} == {**made, "request_id": 0}
    assert read[name] == ask("GET", f"/blocks/{page}/children")["results"][0][name]
    expected = [
        "object",
        "id",
        "parent",
        "created_time",
        "last_edited_time",
        "created_by",
        "last_edited_by",
        "has_children",
        "in_trash",
        "type",
        name,
    ]
    assert list(read) == [*expected, *(() if version == "2026-03-11" else ("archived",)), "request_id"]
    assert read["has_children"] == bool(CREATED[name].get("children"))


def test_every_creatable_type_is_tried_above() -> None:
    assert set(TYPES) - set(CREATED) == {"column", "table_row", "link_to_page"}


def test_defaults_are_filled_in(ask: Any, text: Any) -> None:
    page = ask.page()["id"]
    call, box, para = ask.append(
        page,
        {"callout": {"rich_text": []}},
        {"to_do": {"rich_text": text("x")}},
        {"paragraph": {"rich_text": []}},
    )
    assert call["callout"]["icon"] == {"type": "emoji", "emoji": "💡"}
    assert box["to_do"] == {**box["to_do"], "checked": False, "color": "default"}
    assert list(para["paragraph"]) == ["rich_text", "icon", "color"]


def test_an_append_answers_the_first_level_only(ask: Any, paragraph: Any) -> None:
    page = ask.page()["id"]
    inner = {"rich_text": [], "children": [paragraph("deep")]}
    added = ask.append(
        page, {"toggle": {"rich_text": [], "children": [{"toggle": inner}]}}, paragraph("next")
    )
    assert [one["type"] for one in added] == ["toggle", "paragraph"]
    assert added[0]["has_children"] is True
    (second,) = ask("GET", f"/blocks/{added[0]['id']}/children")["results"]
    assert second["parent"] == {"type": "block_id", "block_id": added[0]["id"]}
    assert (
        ask("GET", f"/blocks/{second['id']}/children")["results"][0]["paragraph"]["rich_text"][0][
            "plain_text"
        ]
        == "deep"
    )


def test_positions_in_both_spellings(ask: Any, paragraph: Any) -> None:
    page = ask.page()["id"]
    (first,) = ask.append(page, paragraph("1"))
    path = f"/blocks/{page}/children"
    ask("PATCH", path, {"children": [paragraph("0")], "position": {"type": "start"}})
    ask(
        "PATCH",
        path,
        {
            "children": [paragraph("2"), paragraph("3")],
            "position": {"type": "after_block", "after_block": {"id": first["id"]}},
        },
    )
    assert (
        "body.after should be not present"
        in ask.refusal("PATCH", path, {"children": [], "after": first["id"]})[2]
    )
    ask.version = "2025-09-03"
    ask("PATCH", path, {"children": [paragraph("1b")], "after": first["id"]})
    texts = [one["paragraph"]["rich_text"][0]["plain_text"] for one in ask("GET", path)["results"]]
    assert texts == ["0", "1", "1b", "2", "3"]


def test_children_come_in_pages_whose_cursor_is_the_next_block(ask: Any, paragraph: Any) -> None:
    page = ask.page()["id"]
    ids = [one["id"] for one in ask.append(page, *(paragraph(str(n)) for n in range(7)))]
    first = ask("GET", f"/blocks/{page}/children?page_size=3")
    assert (first["next_cursor"], first["has_more"]) == (ids[3], True)
    last = ask("GET", f"/blocks/{page}/children?page_size=4&start_cursor={ids[3].replace('-', '')}")
    assert [one["id"] for one in last["results"]] == ids[3:]
    assert (last["next_cursor"], last["has_more"]) == (None, False)
    ask("DELETE", f"/blocks/{ids[3]}")
    message = ask.refusal("GET", f"/blocks/{page}/children?start_cursor={ids[3]}")[2]
    assert message == f"The start_cursor provided is invalid: {ids[3]}"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "page_size=101",
            "query failed validation: query.page_size should be ≤ `100` or `undefined`, instead was `101`.",
        ),
        (
            "start_cursor=bogus",
            'query failed validation: query.start_cursor should be a valid uuid or `undefined`, instead was `"bogus"`.',
        ),
    ],
)
def test_bad_paging_is_refused(emulator: Emulator, ask: Any, query: str, message: str) -> None:
    assert ask.refusal("GET", f"/blocks/{emulator.root_page_id}/children?{query}")[2] == message


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"column_list": {"children": [{"column": {"children": []}}]}}, "children"),
        ({"column_list": {}}, "column_list.children should be defined"),
        ({"table": {"table_width": 3, "children": [ROW]}}, "cells.length should be `3`, instead was `2`"),
        ({"heading_1": {"rich_text": [], "children": []}}, "heading_1.children should be not present"),
        ({"divider": {"children": []}}, "divider.children should be not present"),
        ({"code": {"rich_text": [], "language": "klingon"}}, "code.language should be"),
        ({"paragraph": {"rich_text": [], "color": "grey"}}, "paragraph.color should be"),
        ({"image": {"file": {"url": "https://example.com"}}}, "image.external should be defined"),
        ({"child_page": {"title": "x"}}, "embed should be defined"),
    ],
)  # fmt: skip
def test_a_block_that_cannot_be_made_is_refused(ask: Any, block: Any, part: str) -> None:
    page = ask.page()["id"]
    status, code, message = ask.refusal("PATCH", f"/blocks/{page}/children", {"children": [block]})
    assert (status, code) == (400, "validation_error")
    assert part in message


def test_more_than_1000_blocks_in_a_request_are_refused(ask: Any, paragraph: Any) -> None:
    toggle = {"toggle": {"rich_text": [], "children": [paragraph("x")] * 100}}
    message = ask.refusal("PATCH", f"/blocks/{ask.page()['id']}/children", {"children": [toggle] * 10})[2]
    assert "≤ `1000`" in message
    assert "`1010`" in message


def test_a_block_is_updated_field_by_field(ask: Any, text: Any) -> None:
    (made,) = ask.append(ask.page()["id"], {"to_do": {"rich_text": text("a")}})
    done = ask("PATCH", f"/blocks/{made['id']}", {"to_do": {"checked": True}})
    assert (done["to_do"]["checked"], done["to_do"]["rich_text"][0]["plain_text"]) == (True, "a")
    refused = ask.refusal("PATCH", f"/blocks/{made['id']}", {"heading_1": {"rich_text": []}})
    assert "Expected block type to_do in request body" in refused[2]


def test_a_table_keeps_its_width(ask: Any) -> None:
    (table,) = ask.append(ask.page()["id"], {"table": {"table_width": 2, "children": [ROW]}})
    assert (
        ask.refusal("PATCH", f"/blocks/{table['id']}", {"table": {"table_width": 3}})[1] == "validation_error"
    )
    narrow: dict[str, Any] = {"children": [{"table_row": {"cells": [[]]}}]}
    assert (
        "body.children[0].table_row.cells.length should be `2`"
        in ask.refusal("PATCH", f"/blocks/{table['id']}/children", narrow)[2]
    )
    (row,) = ask("GET", f"/blocks/{table['id']}/children")["results"]
    assert (
        ask.refusal("PATCH", f"/blocks/{row['id']}", {"table_row": {"cells": [[]]}})[1] == "validation_error"
    )
    assert ask("PATCH", f"/blocks/{row['id']}", {"table_row": {"cells": [[], [{"text": {"content": "x"}}]]}})[
        "table_row"
    ]["cells"][1]


def test_a_deleted_block_takes_its_subtree_with_it(ask: Any, paragraph: Any) -> None:
    page = ask.page()["id"]
    (top,) = ask.append(page, {"toggle": {"rich_text": [], "children": [paragraph("x")]}})
    (inner,) = ask("GET", f"/blocks/{top['id']}/children")["results"]
    gone = ask("DELETE", f"/blocks/{top['id']}")
    assert (gone["in_trash"], gone["has_children"]) == (True, True)
    assert ask("GET", f"/blocks/{inner['id']}")["in_trash"] is True
    assert ask("GET", f"/blocks/{page}/children")["results"] == []
    message = "Can't edit block that is archived. You must unarchive the block before editing."
    assert ask.refusal("PATCH", f"/blocks/{inner['id']}", {"paragraph": {"rich_text": []}})[2] == message
    assert ask.refusal("PATCH", f"/blocks/{top['id']}/children", {"children": [paragraph("y")]})[2] == message
    ask("PATCH", f"/blocks/{top['id']}", {"in_trash": False})
    assert ask("GET", f"/blocks/{inner['id']}")["in_trash"] is False


def test_deleting_a_page_or_database_as_a_block_answers_its_block(ask: Any) -> None:
    source = ask.table()
    row = ask.row(source)
    database = source["parent"]["database_id"]
    gone = ask("DELETE", f"/blocks/{database}")
    assert (gone["type"], gone["in_trash"], gone["id"]) == ("child_database", True, database)
    assert ask("GET", f"/pages/{row['id']}")["in_trash"] is True


def test_a_block_edit_moves_the_page_only_where_settings_say_so(
    emulator: Emulator, ask: Any, paragraph: Any
) -> None:
    page = ask.page(children=[paragraph("x")])["id"]
    (block,) = ask("GET", f"/blocks/{page}/children")["results"]
    for bumps in (False, True):
        emulator.settings.content_bumps_page = bumps
        emulator.clock.advance(120)
        before = ask("GET", f"/pages/{page}")["last_edited_time"]
        edited = ask("PATCH", f"/blocks/{block['id']}", {"paragraph": {"rich_text": []}})["last_edited_time"]
        assert (ask("GET", f"/pages/{page}")["last_edited_time"] == edited != before) is bumps


def test_an_unshared_child_vanishes_from_the_list(emulator: Emulator, ask: Any) -> None:
    seen, hidden = ask.page("seen")["id"], ask.page("hidden")["id"]
    emulator.world.unshare(emulator.connection, hidden)
    assert [one["id"] for one in ask("GET", f"/blocks/{emulator.root_page_id}/children")["results"]] == [seen]


def test_a_copy_of_a_synced_block_shows_the_original_s_children(
    emulator: Emulator, ask: Any, paragraph: Any
) -> None:
    page, far = ask.page()["id"], ask.page("far")["id"]
    (original,) = ask.append(far, {"synced_block": {"synced_from": None, "children": [paragraph("x")]}})
    (copy,) = ask.append(page, {"synced_block": {"synced_from": {"block_id": original["id"]}}})
    assert ask("GET", f"/blocks/{copy['id']}")["has_children"] is True
    assert (
        ask("GET", f"/blocks/{copy['id']}/children")["results"]
        == ask("GET", f"/blocks/{original['id']}/children")["results"]
    )
    emulator.world.unshare(emulator.connection, far)
    assert ask.refusal("GET", f"/blocks/{copy['id']}/children")[1] == "object_not_found"


def test_a_free_workspace_runs_out_of_blocks(emulator: Emulator, ask: Any, paragraph: Any) -> None:
    page = ask.page()["id"]
    emulator.settings.block_quota = emulator.world.blocks_created + 2
    ask.append(page, paragraph("1"), paragraph("2"))
    parent: dict[str, Any] = {"parent": {"type": "page_id", "page_id": page}}
    created = len(emulator.world.nodes)
    for method, path, body in (
        ("PATCH", f"/blocks/{page}/children", {"children": [paragraph("3")]}),
        ("POST", "/pages", parent),
        ("POST", "/pages", {**parent, "children": [paragraph("3")]}),
        ("POST", "/pages", {**parent, "markdown": "text"}),
        ("POST", "/databases", parent),
        ("PATCH", f"/pages/{page}/markdown", {"type": "insert_content", "insert_content": {"content": "3"}}),
    ):
        assert ask.refusal(method, path, body)[:2] == (403, "restricted_resource")
    assert len(emulator.world.nodes) == created


@pytest.mark.parametrize("text", ["one\n- two\n\t- three", "# Title\none\n- two\n\t- three"])
def test_markdown_counts_as_many_blocks_as_it_makes(emulator: Emulator, ask: Any, text: str) -> None:
    parent = {"parent": {"page_id": ask.page()["id"]}, "markdown": text}
    emulator.settings.block_quota = emulator.world.blocks_created + 3
    assert ask.refusal("POST", "/pages", parent)[1] == "restricted_resource"
    emulator.settings.block_quota += 1
    ask("POST", "/pages", parent)
    assert emulator.world.blocks_created == emulator.settings.block_quota


def test_what_stands_already_costs_no_block(emulator: Emulator, ask: Any, paragraph: Any) -> None:
    page = ask.page()["id"]
    ask.append(page, paragraph("old"))
    emulator.settings.block_quota = emulator.world.blocks_created
    change = {"content_updates": [{"old_str": "absent", "new_str": ""}]}
    assert (
        ask.refusal("PATCH", f"/pages/{page}/markdown", {"type": "update_content", "update_content": change})[
            0
        ]
        == 400
    )
    ask("PATCH", f"/pages/{page}", {"properties": {"title": [{"text": {"content": "New"}}]}})
    kept = {"content": "", "position": {"type": "end"}}
    ask("PATCH", f"/pages/{page}/markdown", {"type": "insert_content", "insert_content": kept})


def test_meeting_notes_are_called_transcription_before_2026_03_11(emulator: Emulator, ask: Any) -> None:
    page = emulator.world.pages[ask.page()["id"]]
    content: dict[str, Any] = {
        "title": [],
        "status": "notes_ready",
        "children": {},
        "calendar_event": None,
        "recording": None,
    }
    emulator.world.add_block(page, "meeting_notes", content)
    names = []
    for version in ("2025-09-03", "2026-03-11"):
        ask.version = version
        names += [one["type"] for one in ask("GET", f"/blocks/{page.id}/children")["results"]]
    assert names == ["transcription", "meeting_notes"]


def test_mentions_are_renewed_at_each_read(emulator: Emulator, ask: Any) -> None:
    target = ask.page("Old name")["id"]
    mention = {"mention": {"page": {"id": target}}}
    page = ask.page()["id"]
    ask.append(page, {"paragraph": {"rich_text": [mention]}})
    ask("PATCH", f"/pages/{target}", {"properties": {"title": [{"text": {"content": "New name"}}]}})
    (run,) = ask("GET", f"/blocks/{page}/children")["results"][0]["paragraph"]["rich_text"]
    assert (run["plain_text"], run["href"]) == (
        "New name",
        f"https://app.notion.com/p/{target.replace('-', '')}",
    )
    emulator.world.unshare(emulator.connection, target)
    assert (
        ask("GET", f"/blocks/{page}/children")["results"][0]["paragraph"]["rich_text"][0]["plain_text"]
        == "Untitled"
    )


def test_what_only_the_app_makes_is_shown_as_it_is(emulator: Emulator, ask: Any) -> None:
    page = emulator.world.pages[ask.page()["id"]]
    link = {"href": "https://example.com", "title": "Example"}
    run = {
        "type": "mention",
        "mention": {"type": "link_mention", "link_mention": link},
        "annotations": {},
        "plain_text": "Example",
        "href": "https://example.com",
    }
    stored: dict[str, Any] = {
        "unsupported": {"block_type": "button"}, "link_preview": {"url": "https://example.com"},
        "quote": {"rich_text": [run], "color": "default"}, "hologram": {"new": 1},
    }  # fmt: skip
    for kind, content in stored.items():
        emulator.world.add_block(page, kind, content)
    shown = ask("GET", f"/blocks/{page.id}/children")["results"]
    assert {one["type"]: one[one["type"]] for one in shown} == stored
    assert (
        ask.refusal("PATCH", f"/blocks/{shown[3]['id']}", {"paragraph": {"rich_text": []}})[1]
        == "validation_error"
    )
