"""What holds for every operation: paths, tokens, versions, headers, ids, the log."""

import json
from typing import Any

import pytest

from notion_emulator import Emulator, World
from notion_emulator.service import Request, download, respond

VERSIONS = ("2022-06-28", "2025-09-03", "2026-03-11")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nope"),
        ("PUT", "/pages"),
        ("DELETE", "/users/me"),
        ("GET", "/"),
        ("POST", "/blocks/x/y/z"),
        ("GET", "/search"),
    ],
)
def test_an_unknown_path_or_wrong_method_is_400(ask: Any, method: str, path: str) -> None:
    assert ask.refusal(method, path) == (400, "invalid_request_url", "Invalid request URL.")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer wrong", "Basic x", "ntn_x"])
def test_a_token_nobody_issued_is_401(ask: Any, authorization: str) -> None:
    response = ask.raw("GET", "/users/me", authorization=authorization)
    assert (response.status, json.loads(response.body)["code"]) == (401, "unauthorized")
    assert json.loads(response.body)["message"] == "API token is invalid."


def test_a_missing_version_has_its_own_code(emulator: Emulator, ask: Any) -> None:
    response = ask.raw("GET", "/users/me", notion_version="2021-08-16")
    assert (response.status, json.loads(response.body)["code"]) == (400, "validation_error")
    ask.version = None
    response = ask.raw("GET", "/users/me")
    assert (response.status, json.loads(response.body)["code"]) == (400, "missing_version")


def test_a_body_that_is_not_json_is_refused(ask: Any) -> None:
    assert ask.refusal("POST", "/search", b"{") == (400, "invalid_json", "Error parsing JSON body.")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_answer_carries_its_request_id_twice(ask: Any, version: str) -> None:
    ask.version = version
    for path in ("/users/me", "/nope"):
        response = ask.raw("GET", path)
        assert dict(response.headers)["x-notion-request-id"] == json.loads(response.body)["request_id"]


def test_the_date_header_follows_the_emulators_clock(emulator: Emulator, ask: Any) -> None:
    emulator.clock.freeze(0)
    assert dict(ask.raw("GET", "/users/me").headers)["date"] == "Thu, 01 Jan 1970 00:00:00 GMT"


@pytest.mark.parametrize("path", ["/data_sources/{}", "/views?database_id={}"])
def test_2022_06_28_knows_no_data_sources_and_views(emulator: Emulator, ask: Any, path: str) -> None:
    ask.version = "2022-06-28"
    assert ask.refusal("GET", path.format(emulator.root_page_id))[1] == "invalid_request_url"


def test_2025_09_03_has_no_database_query(emulator: Emulator, ask: Any) -> None:
    assert ask.refusal("POST", f"/databases/{emulator.root_page_id}/query", {})[1] == "invalid_request_url"


def test_a_path_id_that_is_no_uuid_is_named(ask: Any) -> None:
    assert ask.refusal("GET", "/pages/x")[2] == (
        'path failed validation: path.page_id should be a valid uuid, instead was `"x"`.'
    )


def test_ids_are_read_without_dashes_and_with_a_trailing_slash(emulator: Emulator, ask: Any) -> None:
    bare = emulator.root_page_id.replace("-", "").upper()
    assert ask("GET", f"/pages/{bare}/")["id"] == emulator.root_page_id


def test_a_json_body_on_get_does_not_matter(emulator: Emulator, ask: Any) -> None:
    assert ask.raw("GET", f"/blocks/{emulator.root_page_id}/children", {"page_size": 1000}).status == 200
    assert ask.raw("GET", "/users", b"not json").status == 200


def test_a_path_outside_v1_says_where_notion_is(emulator: Emulator) -> None:
    answer = respond(emulator, Request("GET", "/users/me"))
    assert answer.status == 400
    assert b"below /v1/" in answer.body


def test_paging_in_the_wrong_place_is_refused(ask: Any) -> None:
    message = ask.refusal("POST", "/search?start_cursor=x", {})[2]
    assert message == 'query failed validation: query.start_cursor should be not present, instead was `"x"`.'
    message = ask.refusal("POST", "/comments?page_size=5", {})[2]
    assert message == 'query failed validation: query.page_size should be not present, instead was `"5"`.'


def test_head_is_answered_as_get(emulator: Emulator, ask: Any) -> None:
    assert ask.raw("HEAD", f"/pages/{emulator.root_page_id}").status == 200


def test_missing_and_unshared_read_the_same(emulator: Emulator, ask: Any) -> None:
    page = ask.page("Secret")["id"]
    emulator.world.unshare(emulator.connection, page)
    nil = "00000000-0000-0000-0000-000000000000"
    secret, missing = (ask.refusal("GET", f"/pages/{id}") for id in (page, nil))
    assert secret[:2] == missing[:2] == (404, "object_not_found")
    assert secret[2].replace(page, nil) == missing[2]
    assert f'your integration "{emulator.connection.name}".' in missing[2]


def test_a_capability_that_is_missing_is_403(emulator: Emulator, ask: Any) -> None:
    emulator.connection.capabilities -= {"insert_content", "read_comments", "read_users"}
    body = {"parent": {"page_id": emulator.root_page_id}, "properties": {}}
    assert ask.refusal("POST", "/pages", body)[:2] == (403, "restricted_resource")
    assert ask.refusal("GET", f"/comments?block_id={emulator.root_page_id}")[:2] == (
        403,
        "restricted_resource",
    )
    assert ask.refusal("GET", "/users")[:2] == (403, "restricted_resource")
    assert ask.raw("GET", "/users/me").status == 200


def test_a_token_sees_its_own_workspace_only(emulator: Emulator, ask: Any) -> None:
    other = World("Elsewhere", seed=5)
    connection = other.connect("Elsewhere")
    there = other.create_page(None, "There")
    emulator.add_world(other)
    assert ask.refusal("GET", f"/pages/{there.id}")[0] == 404
    ask.token = connection.token
    assert ask("GET", f"/pages/{there.id}")["id"] == there.id
    assert ask("GET", "/users/me")["bot"]["workspace_name"] == "Elsewhere"


def test_a_body_over_500_kb_is_refused(ask: Any) -> None:
    assert ask.refusal("POST", "/search", {"query": "x" * 500_001})[1] == "validation_error"


def test_the_log_counts_by_method_path_and_status(emulator: Emulator, ask: Any) -> None:
    ask.raw("GET", "/users/me?x=1")
    ask.raw("GET", "/nope")
    ask.raw("POST", "/search", {})
    assert emulator.requests.count() == len(emulator.requests) == 3
    assert emulator.requests.count(status=400) == 1
    assert emulator.requests.count(method="POST", path="search$") == 1
    assert [one.query for one in emulator.requests.select(path="users")] == ["x=1"]
    emulator.requests.clear()
    assert emulator.requests.count() == 0


def test_a_signed_address_serves_the_bytes_until_it_expires(emulator: Emulator, ask: Any) -> None:
    stored = emulator.world.store_file("a name.txt", b"hello", content_type="text/plain")
    page = emulator.world.pages[emulator.root_page_id]
    emulator.world.add_block(
        page, "file", {"caption": [], "type": "file", "file": {"key": stored.key}, "name": "a"}
    )
    read = [ask("GET", f"/blocks/{page.id}/children")["results"][0]["file"]["file"]["url"] for _ in range(2)]
    assert read[0] != read[1]
    assert read[0].split("?")[0] == read[1].split("?")[0]
    path, _, query = read[0].removeprefix("http://notion.test").partition("?")
    assert download(emulator, Request("GET", path, query)).body == b"hello"
    assert download(emulator, Request("GET", path, query.replace("Signature=", "Signature=0"))).status == 403
    emulator.clock.advance(3700)
    assert download(emulator, Request("GET", path, query)).status == 403
