import json
from pathlib import Path
from typing import Any

import pytest

from notion_emulator import Emulator
from notion_emulator.replay import Recording
from notion_emulator.service import Request, respond

ID = "393abc1e-edcd-811c-9c6d-eac14ef25c6d"


def exchange(
    path: str,
    answer: Any,
    *,
    method: str = "GET",
    version: str = "2022-06-28",
    body: Any = None,
    status: int = 200,
) -> str:
    request = {"method": method, "path": path, "version": version, "body": body}
    headers = {"content-type": "application/json", "x-notion-request-id": "r", "content-length": "9"}
    return json.dumps(
        {"case": "c", "request": request, "response": {"status": status, "headers": headers, "body": answer}}
    )


def replaying(tmp_path: Path, *lines: str) -> Emulator:
    file = tmp_path / "recording.jsonl"
    file.write_text("\n".join(lines))
    recording = Recording()
    recording.read(file)
    return Emulator(recording=recording)


def ask(
    emulator: Emulator,
    method: str,
    path: str,
    body: Any = None,
    *,
    version: str = "2022-06-28",
    token: str = "any",
) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {token}" if token else "", "notion-version": version}
    target, _, query = path.partition("?")
    data = b"" if body is None else json.dumps(body).encode()
    response = respond(emulator, Request(method, target, query, headers, data))
    return response.status, json.loads(response.body)


def test_answers_come_in_the_recorded_order_and_the_last_one_again(tmp_path: Path) -> None:
    emulator = replaying(tmp_path, *(exchange("/v1/users", {"n": n}) for n in range(3)))
    assert [ask(emulator, "GET", "/v1/users")[1]["n"] for _ in range(5)] == [0, 1, 2, 2, 2]


def test_method_query_version_and_body_must_agree(tmp_path: Path) -> None:
    emulator = replaying(
        tmp_path, exchange(f"/v1/blocks/{ID}/children?page_size=10&start_cursor={ID}", {"n": 1}),
        exchange("/v1/search", {"n": 2}, method="POST", body={"query": "a", "page_size": 5}),
    )  # fmt: skip
    assert (
        ask(emulator, "GET", f"/v1/blocks/{ID.replace('-', '')}/children/?start_cursor={ID}&page_size=10")[0]
        == 200
    )
    assert ask(emulator, "POST", "/v1/search", {"page_size": 5, "query": "a"})[1] == {"n": 2}
    for method, path, body, version in (
        ("GET", f"/v1/blocks/{ID}/children", None, "2022-06-28"),
        ("POST", "/v1/search", {"query": "b", "page_size": 5}, "2022-06-28"),
        ("POST", "/v1/search", {"page_size": 5, "query": "a"}, "2025-09-03"),
        ("PATCH", "/v1/search", {"page_size": 5, "query": "a"}, "2022-06-28"),
    ):
        status, answer = ask(emulator, method, path, body, version=version)
        assert (status, answer["code"]) == (404, "object_not_found")
        assert f"No recorded answer for {method} {path}" in answer["message"]


def test_a_recorded_refusal_keeps_its_status(tmp_path: Path) -> None:
    emulator = replaying(tmp_path, exchange("/v1/x", {"object": "error"}, status=400))
    assert ask(emulator, "GET", "/v1/x") == (400, {"object": "error"})


def test_a_token_can_always_be_checked(tmp_path: Path) -> None:
    emulator = replaying(tmp_path, exchange("/v1/users/me", {"n": 1}, version="2025-09-03"))
    assert ask(emulator, "GET", "/v1/users/me", version="2025-09-03") == (200, {"n": 1})
    status, bot = ask(emulator, "GET", "/v1/users/me", version="2022-06-28")
    assert (status, bot["type"]) == (200, "bot")
    assert ask(emulator, "GET", "/v1/users/me", token="")[0] == 401


def test_a_line_that_is_no_exchange_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 2, is no recorded exchange"):
        replaying(tmp_path, exchange("/v1/x", {}), '{"request": {}}')
