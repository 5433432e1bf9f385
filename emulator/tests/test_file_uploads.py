import json
from typing import Any

from notion_emulator import Emulator
from notion_emulator.service import Request, download, respond

MB = 1024 * 1024


def send(emulator: Emulator, upload: Any, data: bytes, part: int | None = None) -> tuple[int, Any]:
    fields = (
        b""
        if part is None
        else b'--b\r\nContent-Disposition: form-data; name="part_number"\r\n\r\n%d\r\n' % part
    )
    body = (
        fields
        + b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\n'
        + data
        + b"\r\n--b--\r\n"
    )
    headers = {
        "authorization": f"Bearer {emulator.token}",
        "notion-version": "2026-03-11",
        "content-type": "multipart/form-data; boundary=b",
    }
    response = respond(emulator, Request("POST", f"/v1/file_uploads/{upload['id']}/send", "", headers, body))
    return response.status, json.loads(response.body)


def test_a_file_is_sent_attached_and_served(emulator: Emulator, ask: Any) -> None:
    made = ask("POST", "/file_uploads", {"filename": "a.txt", "content_type": "text/plain"})
    assert (made["status"], made["content_length"]) == ("pending", None)
    assert made["upload_url"] == f"https://api.notion.com/v1/file_uploads/{made['id']}/send"
    data = b"line\r\n--not a boundary\r\n\x00\xff"
    status, sent = send(emulator, made, data)
    assert (status, sent["status"], sent["content_length"]) == (200, "uploaded", len(data))
    assert "upload_url" not in sent
    page = ask.page()["id"]
    (block,) = ask.append(page, {"file": {"file_upload": {"id": made["id"]}}})
    assert block["file"]["type"] == "file"
    path, _, query = block["file"]["file"]["url"].removeprefix("http://notion.test").partition("?")
    assert download(emulator, Request("GET", path, query)).body == data
    assert ask("GET", f"/file_uploads/{made['id']}")["expiry_time"] is None


def test_an_upload_that_was_not_sent_cannot_be_attached(ask: Any) -> None:
    made = ask("POST", "/file_uploads", {"filename": "a.txt"})
    body = {"children": [{"image": {"file_upload": {"id": made["id"]}}}]}
    assert ask.refusal("PATCH", f"/blocks/{ask.page()['id']}/children", body)[1] == "validation_error"


def test_parts_are_put_together(emulator: Emulator, ask: Any) -> None:
    made = ask("POST", "/file_uploads", {"mode": "multi_part", "number_of_parts": 2, "filename": "big.bin"})
    assert made["number_of_parts"] == {"total": 2, "sent": 0}
    assert made["complete_url"].endswith("/complete")
    assert send(emulator, made, b"y", 2)[1]["number_of_parts"]["sent"] == 1
    assert ask.refusal("POST", f"/file_uploads/{made['id']}/complete", {})[1] == "validation_error"
    assert send(emulator, made, b"x" * (5 * MB), 1)[0] == 200
    assert send(emulator, made, b"z", 3)[0] == 400
    done = ask("POST", f"/file_uploads/{made['id']}/complete", {})
    assert (done["status"], done["content_length"]) == ("uploaded", 5 * MB + 1)


def test_a_file_may_be_too_large_for_the_workspace(emulator: Emulator, ask: Any) -> None:
    emulator.settings.max_upload = 10
    made = ask("POST", "/file_uploads", {"filename": "a.txt"})
    assert send(emulator, made, b"x" * 11)[0] == 400


def test_an_upload_nobody_attaches_expires(emulator: Emulator, ask: Any) -> None:
    made = ask("POST", "/file_uploads", {"filename": "a.txt"})
    send(emulator, made, b"x")
    emulator.clock.advance(3601)
    assert ask("GET", f"/file_uploads/{made['id']}")["status"] == "expired"
    assert [one["id"] for one in ask("GET", "/file_uploads?status=expired")["results"]] == [made["id"]]
    assert ask("GET", "/file_uploads?status=pending")["results"] == []


def test_modes_ask_for_their_fields(ask: Any) -> None:
    for body in ({"mode": "multi_part", "filename": "x"}, {"mode": "external_url", "filename": "x"}, {"number_of_parts": 3},
                 {"mode": "external_url", "filename": "x", "external_url": "ftp://example.com"}):  # fmt: skip
        assert ask.refusal("POST", "/file_uploads", body)[1] == "validation_error"
