import json
from typing import Any

import pytest

from notion_emulator import Emulator


def uploaded(emulator: Emulator, ask: Any) -> str:
    made = ask("POST", "/file_uploads", {"filename": "call.mp3"})["id"]
    upload = emulator.world.uploads[made]
    upload.key, upload.status = emulator.world.store_file("call.mp3", b"x").key, "uploaded"
    return str(made)


def exact(operator: str, value: Any) -> dict[str, Any]:
    return {"operator": operator, "value": {"type": "exact", "value": value}}


def test_notes_are_made_from_a_recording_and_ready_later(emulator: Emulator, ask: Any) -> None:
    page = ask.page()["id"]
    body = {
        "source": {"type": "file_upload", "file_upload_id": uploaded(emulator, ask)},
        "parent": {"type": "page_id", "page_id": page},
        "title": "Weekly",
    }
    made = ask("POST", "/blocks/meeting_notes", body)
    assert (made["type"], made["meeting_notes"]["status"]) == ("meeting_notes", "transcription_in_progress")
    emulator.clock.advance(5)
    ready = ask("GET", f"/blocks/{made['id']}")
    assert ready["meeting_notes"]["status"] == "notes_ready"
    assert set(ready["meeting_notes"]["children"]) == {
        "summary_block_id",
        "notes_block_id",
        "transcript_block_id",
    }
    assert len(ask("GET", f"/blocks/{made['id']}/children")["results"]) == 3


def test_notes_are_queried_by_title_and_time(emulator: Emulator, ask: Any) -> None:
    page = ask.page()["id"]
    for title in ("Weekly", "Monthly", "Weekly plus"):
        body = {
            "source": {"type": "file_upload", "file_upload_id": uploaded(emulator, ask)},
            "parent": {"page_id": page},
            "title": title,
        }
        ask("POST", "/blocks/meeting_notes", body)
    leaf = {"property": "title", "filter": exact("string_contains", "weekly")}
    late = {"property": "created_time", "filter": exact("date_is_after", "2020-01-01")}
    found = ask(
        "POST",
        "/blocks/meeting_notes/query",
        {"filter": {"operator": "and", "filters": [leaf, late]}, "limit": 1},
    )
    assert set(found) == {"results", "has_more", "request_id"}
    assert (len(found["results"]), found["has_more"]) == (1, True)
    sort = [{"property": "title", "direction": "ascending"}]
    titles = [
        one["meeting_notes"]["title"][0]["plain_text"]
        for one in ask("POST", "/blocks/meeting_notes/query", {"sort": sort})["results"]
    ]
    assert titles == ["Monthly", "Weekly", "Weekly plus"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source": {"type": "x"}},
        {"source": {"type": "file_upload", "file_upload_id": "00000000-0000-0000-0000-000000000000"}},
    ],
)
def test_notes_without_a_recording_are_refused(ask: Any, body: Any) -> None:
    assert ask.refusal("POST", "/blocks/meeting_notes", body)[1] == "validation_error"


TODAY = {"type": "daterange", "start_date": "2026-07-15"}
FILTERS = [
    ("title", exact("string_is", "Weekly"), 1),
    ("title", exact("string_is_not", "Weekly"), 0),
    ("title", exact("string_starts_with", "week"), 1),
    ("title", {"operator": "is_empty"}, 0),
    ("created_time", exact("date_is", {"type": "date", "start_date": "2026-07-15"}), 1),
    ("created_time", exact("date_is_before", "today"), 0),
    ("created_time", exact("date_is_within", TODAY), 1),
    (
        "created_time",
        {
            "operator": "date_is_relative_to",
            "value": {"type": "relative", "value": "custom", "direction": "past", "unit": "week", "count": 2},
        },
        1,
    ),
    (
        "created_time",
        {"operator": "date_is_relative_to", "value": {"type": "relative", "value": "this_week"}},
        1,
    ),
    ("attendees", {"operator": "is_empty"}, 1),
    ("created_by", exact("person_contains", {"table": "notion_user", "id": "BOT"}), 1),
    ("created_by", exact("person_does_not_contain", {"table": "notion_user", "id": "BOT"}), 0),
]


@pytest.mark.parametrize(("name", "asked", "kept"), FILTERS, ids=str)
def test_every_operator_of_the_sdk_is_known(
    emulator: Emulator, ask: Any, name: str, asked: Any, kept: int
) -> None:
    emulator.clock.freeze(1_784_118_600_000)  # 15 July 2026
    body = {
        "source": {"type": "file_upload", "file_upload_id": uploaded(emulator, ask)},
        "parent": {"page_id": ask.page()["id"]},
        "title": "Weekly",
    }
    ask("POST", "/blocks/meeting_notes", body)
    whole = json.loads(json.dumps(asked).replace("BOT", emulator.world.bot_id))
    tree = {
        "operator": "or",
        "filters": [{"operator": "and", "filters": [{"property": name, "filter": whole}]}],
    }
    assert len(ask("POST", "/blocks/meeting_notes/query", {"filter": tree})["results"]) == kept


def test_a_recording_that_stands_on_a_page_is_enough(emulator: Emulator, ask: Any) -> None:
    page = emulator.world.pages[ask.page()["id"]]
    audio = emulator.world.add_block(
        page, "audio", {"caption": [], "type": "external", "external": {"url": "https://x.example/a"}}
    )
    emulator.world.add_block(page, "divider", {})
    made = ask("POST", "/blocks/meeting_notes", {"source": {"type": "block", "block_id": audio.id}})
    assert page.children.index(made["id"]) == 1


@pytest.mark.parametrize(
    "filter",
    [
        {},
        {"operator": "and", "filters": [{"property": "x"}]},
        {"property": "title", "filter": {"operator": "near"}},
    ],
)
def test_a_wrong_filter_is_refused(ask: Any, filter: Any) -> None:
    assert ask.refusal("POST", "/blocks/meeting_notes/query", {"filter": filter})[1] == "validation_error"
