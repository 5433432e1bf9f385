from typing import Any

from notion_emulator import Emulator


def test_comments_are_listed_oldest_first_and_exactly_there(
    emulator: Emulator, ask: Any, text: Any, paragraph: Any
) -> None:
    page = ask.page()["id"]
    (block,) = ask.append(page, paragraph("x"))
    first = ask("POST", "/comments", {"parent": {"page_id": page}, "rich_text": text("one")})
    ask("POST", "/comments", {"discussion_id": first["discussion_id"], "rich_text": text("two")})
    ask("POST", "/comments", {"parent": {"block_id": block["id"]}, "markdown": "**three**"})
    listed = ask("GET", f"/comments?block_id={page}")
    assert [one["rich_text"][0]["plain_text"] for one in listed["results"]] == ["one", "two"]
    assert len({one["discussion_id"] for one in listed["results"]}) == 1
    (there,) = ask("GET", f"/comments?block_id={block['id']}")["results"]
    assert there["rich_text"][0]["annotations"]["bold"] is True
    assert there["parent"] == {"type": "block_id", "block_id": block["id"]}
    assert there["display_name"] == {"type": "integration", "resolved_name": "Emulated connection"}


def test_a_comment_is_changed_and_deleted_by_its_connection_only(
    emulator: Emulator, ask: Any, text: Any
) -> None:
    page = ask.page()["id"]
    made = ask("POST", "/comments", {"parent": {"page_id": page}, "rich_text": text("a")})
    other = emulator.world.connect("Other")
    own, ask.token = ask.token, other.token
    assert ask.refusal("PATCH", f"/comments/{made['id']}", {"rich_text": text("b")})[0] == 403
    ask.token = own
    assert ask("PATCH", f"/comments/{made['id']}", {"markdown": "b"})["rich_text"][0]["plain_text"] == "b"
    assert ask("DELETE", f"/comments/{made['id']}")["id"] == made["id"]
    assert ask.refusal("GET", f"/comments/{made['id']}")[0] == 404


def test_a_resolved_comment_is_not_listed(emulator: Emulator, ask: Any, text: Any) -> None:
    page = ask.page()["id"]
    made = ask("POST", "/comments", {"parent": {"page_id": page}, "rich_text": text("a")})
    emulator.world.comments[made["id"]].resolved = True
    assert ask("GET", f"/comments?block_id={page}")["results"] == []


def test_a_comment_needs_exactly_one_place_and_one_text(ask: Any, text: Any) -> None:
    page = ask.page()["id"]
    bodies: tuple[Any, ...] = (
        {"rich_text": []},
        {"parent": {"page_id": page}},
        {"parent": {"page_id": page}, "rich_text": [], "markdown": "x"},
    )
    for body in bodies:
        assert ask.refusal("POST", "/comments", body)[1] == "validation_error"
    assert ask.refusal("GET", "/comments")[2] == (
        "query failed validation: query.block_id should be defined, instead was `undefined`."
    )


def test_a_comment_bumps_no_page(emulator: Emulator, ask: Any, text: Any) -> None:
    page = ask.page()
    emulator.clock.advance(120)
    ask("POST", "/comments", {"parent": {"page_id": page["id"]}, "rich_text": text("a")})
    assert ask("GET", f"/pages/{page['id']}")["last_edited_time"] == page["last_edited_time"]


def test_an_attachment_is_served_with_its_category(emulator: Emulator, ask: Any, text: Any) -> None:
    made = ask("POST", "/file_uploads", {"filename": "a.png"})["id"]
    upload = emulator.world.uploads[made]
    upload.key, upload.status = (
        emulator.world.store_file("a.png", b"x", content_type="image/png").key,
        "uploaded",
    )
    body: dict[str, Any] = {"parent": {"page_id": emulator.root_page_id}, "rich_text": text("see"), "attachments": [{"file_upload_id": made}],
            "display_name": {"type": "custom", "custom": {"name": "Robot"}}}  # fmt: skip
    comment = ask("POST", "/comments", body)
    (attachment,) = comment["attachments"]
    assert attachment["category"] == "image"
    assert set(attachment["file"]) == {"url", "expiry_time"}
    assert comment["display_name"] == {"type": "custom", "resolved_name": "Robot"}
    body["attachments"] = [{"file_upload_id": made}] * 4
    assert "≤ `3`" in ask.refusal("POST", "/comments", body)[2]


def test_markdown_version_goes_with_markdown_only(emulator: Emulator, ask: Any) -> None:
    parent = {"page_id": emulator.root_page_id}
    bodies: tuple[tuple[str, Any], ...] = (("/comments", {"rich_text": []}), ("/pages", {"children": []}))
    for path, body in bodies:
        message = ask.refusal("POST", path, {"parent": parent, **body, "markdown_version": "v1"})[2]
        assert "body.markdown_version should be not present" in message
