"""Each operation's request, said twice: once by the operation, once by the table. And every request ever recorded."""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from syncline.notion import operations as op
from syncline.notion import views
from syncline.notion.errors import MalformedId, NotionError, UnsupportedByVersion
from syncline.notion.objects import Version
from syncline.notion.sansio import Multipart, Operation, build, decipher

ID = "38c9ce7b-60a4-81e9-b951-000b9b64e41a"
BARE = ID.replace("-", "")
OTHER = "00000000-0000-0000-0000-000000000000"
OLD, MIDDLE, NEW = Version.V2022_06_28, Version.V2025_09_03, Version.V2026_03_11
SIZE = "page_size=100"
FULL = {"page_size": 100}

# operation, method, path and query, body, safe
TABLE: list[tuple[Operation[Any], str, str, Any, bool]] = [
    (op.retrieve_me(), "GET", "/v1/users/me", None, True),
    (op.retrieve_user(ID), "GET", f"/v1/users/{ID}", None, True),
    (op.list_users(), "GET", f"/v1/users?{SIZE}", None, True),
    (op.list_users(start_cursor="c", page_size=7), "GET", "/v1/users?page_size=7&start_cursor=c", None, True),
    (op.search(), "POST", "/v1/search", FULL, True),
    (
        op.search("x", kind="data_source", in_trash=True, sort={"timestamp": "t"}, start_cursor="c"),
        "POST",
        "/v1/search",
        {
            "query": "x",
            "filter": {"property": "object", "value": "data_source", "in_trash": True},
            "sort": {"timestamp": "t"},
            "page_size": 100,
            "start_cursor": "c",
        },
        True,
    ),
    (op.search(in_trash=True), "POST", "/v1/search", FULL | {"filter": {"in_trash": True}}, True),
    (
        op.search(kind="data_source", version=OLD),
        "POST",
        "/v1/search",
        FULL | {"filter": {"property": "object", "value": "database"}},
        True,
    ),
    (op.retrieve_page(BARE), "GET", f"/v1/pages/{ID}", None, True),
    (
        op.retrieve_page(ID, filter_properties=["WYH%3A", "title"]),
        "GET",
        f"/v1/pages/{ID}?filter_properties=WYH%3A&filter_properties=title",
        None,
        True,
    ),
    (op.create_page(parent={"page_id": ID}, markdown="# A"), "POST", "/v1/pages", {"parent": {"page_id": ID}, "markdown": "# A"}, False),
    (op.update_page(ID, icon=None, in_trash=True), "PATCH", f"/v1/pages/{ID}", {"icon": None, "in_trash": True}, False),
    (op.update_page(ID, in_trash=True, version=MIDDLE), "PATCH", f"/v1/pages/{ID}", {"archived": True}, False),
    (op.move_page(ID, parent={"page_id": OTHER}), "POST", f"/v1/pages/{ID}/move", {"parent": {"page_id": OTHER}}, False),
    (op.retrieve_property_item(ID, "WYH%3A"), "GET", f"/v1/pages/{ID}/properties/WYH%3A?{SIZE}", None, True),
    (op.retrieve_property_item(ID, ":J{:"), "GET", f"/v1/pages/{ID}/properties/%3AJ%7B%3A?{SIZE}", None, True),
    (op.retrieve_markdown(ID), "GET", f"/v1/pages/{ID}/markdown", None, True),
    (op.retrieve_markdown(ID, include_transcript="true"), "GET", f"/v1/pages/{ID}/markdown?include_transcript=true", None, True),
    (op.update_markdown(ID, {"type": "x", "x": {}}), "PATCH", f"/v1/pages/{ID}/markdown", {"type": "x", "x": {}}, False),
    (op.retrieve_block(ID), "GET", f"/v1/blocks/{ID}", None, True),
    (op.list_block_children(ID), "GET", f"/v1/blocks/{ID}/children?{SIZE}", None, True),
    (op.append_block_children(ID, [{}]), "PATCH", f"/v1/blocks/{ID}/children", {"children": [{}]}, False),
    (
        op.append_block_children(ID, [{}], after=BARE),
        "PATCH",
        f"/v1/blocks/{ID}/children",
        {"children": [{}], "position": {"type": "after_block", "after_block": {"id": ID}}},
        False,
    ),
    (
        op.append_block_children(ID, [{}], after=ID, version=MIDDLE),
        "PATCH",
        f"/v1/blocks/{ID}/children",
        {"children": [{}], "after": ID},
        False,
    ),
    (
        op.append_block_children(ID, [{}], position="start"),
        "PATCH",
        f"/v1/blocks/{ID}/children",
        {"children": [{}], "position": {"type": "start"}},
        False,
    ),
    (op.update_block(ID, {"paragraph": {}}), "PATCH", f"/v1/blocks/{ID}", {"paragraph": {}}, False),
    (op.update_block(ID, in_trash=False), "PATCH", f"/v1/blocks/{ID}", {"in_trash": False}, False),
    (op.update_block(ID, in_trash=False, version=OLD), "PATCH", f"/v1/blocks/{ID}", {"archived": False}, False),
    (op.delete_block(ID), "DELETE", f"/v1/blocks/{ID}", None, False),
    (op.create_meeting_notes(title="t"), "POST", "/v1/blocks/meeting_notes", {"title": "t"}, False),
    (op.query_meeting_notes(limit=5), "POST", "/v1/blocks/meeting_notes/query", {"limit": 5}, True),
    (op.retrieve_database(ID), "GET", f"/v1/databases/{ID}", None, True),
    (
        op.create_database(parent={}, properties={"N": {}}),
        "POST",
        "/v1/databases",
        {"parent": {}, "initial_data_source": {"properties": {"N": {}}}},
        False,
    ),
    (
        op.create_database(parent={}, properties={"N": {}}, version=OLD),
        "POST",
        "/v1/databases",
        {"parent": {}, "properties": {"N": {}}},
        False,
    ),
    (op.update_database(ID, title=[]), "PATCH", f"/v1/databases/{ID}", {"title": []}, False),
    (op.update_database(ID, properties={}, version=OLD), "PATCH", f"/v1/databases/{ID}", {"properties": {}}, False),
    (op.create_data_source(parent={}, properties={}), "POST", "/v1/data_sources", {"parent": {}, "properties": {}}, False),
    (op.retrieve_data_source(ID), "GET", f"/v1/data_sources/{ID}", None, True),
    (op.retrieve_data_source(ID, version=OLD), "GET", f"/v1/databases/{ID}", None, True),
    (op.update_data_source(ID, in_trash=True), "PATCH", f"/v1/data_sources/{ID}", {"in_trash": True}, False),
    (op.update_data_source(ID, in_trash=True, version=OLD), "PATCH", f"/v1/databases/{ID}", {"archived": True}, False),
    (op.query_data_source(ID), "POST", f"/v1/data_sources/{ID}/query", FULL, True),
    (
        op.query_data_source(ID, version=OLD, filter={"f": 1}, sorts=[], start_cursor="c", filter_properties=["title"]),
        "POST",
        f"/v1/databases/{ID}/query?filter_properties=title",
        FULL | {"filter": {"f": 1}, "sorts": [], "start_cursor": "c"},
        True,
    ),
    (op.list_templates(ID, name="n"), "GET", f"/v1/data_sources/{ID}/templates?{SIZE}&name=n", None, True),
    (op.list_comments(ID), "GET", f"/v1/comments?block_id={ID}&{SIZE}", None, True),
    (op.retrieve_comment(ID), "GET", f"/v1/comments/{ID}", None, True),
    (op.create_comment(markdown="m"), "POST", "/v1/comments", {"markdown": "m"}, False),
    (op.update_comment(ID, markdown="m"), "PATCH", f"/v1/comments/{ID}", {"markdown": "m"}, False),
    (op.delete_comment(ID), "DELETE", f"/v1/comments/{ID}", None, False),
    (op.create_file_upload(mode="multi_part"), "POST", "/v1/file_uploads", {"mode": "multi_part"}, False),
    (op.complete_file_upload(ID), "POST", f"/v1/file_uploads/{ID}/complete", {}, False),
    (op.retrieve_file_upload(ID), "GET", f"/v1/file_uploads/{ID}", None, True),
    (op.list_file_uploads(status="pending"), "GET", f"/v1/file_uploads?{SIZE}&status=pending", None, True),
    (op.list_custom_emojis(name="n"), "GET", f"/v1/custom_emojis?{SIZE}&name=n", None, True),
    (op.retrieve_async_task("task_a/b"), "GET", "/v1/async_tasks/task_a%2Fb", None, True),
]  # fmt: skip


def asked(operation: Operation[Any]) -> str:
    """Return path and query as they go over the wire."""
    version = operation.version or NEW
    return build(operation, token="t", version=version).url.removeprefix("https://api.notion.com")


@pytest.mark.parametrize(
    ("operation", "method", "path", "body", "safe"),
    TABLE,
    ids=[f"{row[0].name}-{index}" for index, row in enumerate(TABLE)],
)
def test_the_request_is_the_documented_one(
    operation: Operation[Any], method: str, path: str, body: Any, *, safe: bool
) -> None:
    assert (operation.method, asked(operation), operation.body, operation.safe) == (method, path, body, safe)


def test_the_table_leaves_no_operation_out() -> None:
    source = inspect.getsource(op)
    written = set(re.findall(r'Operation\(\s*"([\w.]+)"', source))
    assert written - {row[0].name for row in TABLE} == {"file_uploads.send"}


def test_a_file_is_sent_whole_or_in_parts() -> None:
    whole = op.send_file_upload(ID, b"x", filename="a.txt", content_type="text/plain")
    part = op.send_file_upload(ID, b"x", filename="a.txt", part=3)
    assert asked(whole) == f"/v1/file_uploads/{ID}/send"
    assert whole.body == Multipart((), "a.txt", "text/plain", b"x")
    assert part.body == Multipart((("part_number", "3"),), "a.txt", "application/octet-stream", b"x")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: op.create_data_source(version=OLD, parent={}),
        lambda: op.list_templates(ID, version=OLD),
        lambda: op.update_database(ID, properties={}),
        lambda: build(op.query_data_source(ID, version=OLD), token="t", version=NEW),
        lambda: build(op.update_page(ID, in_trash=True), token="t", version=OLD),
    ],
)
def test_what_a_version_does_not_have_is_refused(ask: Callable[[], object]) -> None:
    with pytest.raises(UnsupportedByVersion):
        ask()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: op.append_block_children(ID, [], after=ID, position="end"),
        lambda: op.retrieve_page("../users/me"),
        lambda: op.delete_block(""),
    ],
)
def test_contradictions_and_bad_ids_are_refused(ask: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ask()


def test_a_bad_id_has_its_own_error() -> None:
    with pytest.raises(MalformedId):
        op.retrieve_page("my page")


# --- What was recorded ------------------------------------------------------------------------------------------

_UUID = r"([0-9a-f]{8}-?[0-9a-f-]{23,})"
Maker = Callable[[Any, Any], Operation[Any]]

# pattern of "METHOD path", and the operation for (ids, body)
RECORDED: Mapping[str, Maker] = {
    f"GET /v1/pages/{_UUID}": lambda ids, body: op.retrieve_page(ids[0]),
    "POST /v1/pages": lambda ids, body: op.create_page(**body),
    f"PATCH /v1/pages/{_UUID}": lambda ids, body: op.update_page(ids[0], **body),
    f"POST /v1/pages/{_UUID}/move": lambda ids, body: op.move_page(ids[0], **body),
    f"GET /v1/pages/{_UUID}/properties/(.+)": lambda ids, body: op.retrieve_property_item(*ids),
    f"GET /v1/pages/{_UUID}/markdown": lambda ids, body: op.retrieve_markdown(ids[0]),
    f"PATCH /v1/pages/{_UUID}/markdown": lambda ids, body: op.update_markdown(ids[0], body),
    f"GET /v1/blocks/{_UUID}": lambda ids, body: op.retrieve_block(ids[0]),
    f"PATCH /v1/blocks/{_UUID}": lambda ids, body: op.update_block(ids[0], body),
    f"DELETE /v1/blocks/{_UUID}": lambda ids, body: op.delete_block(ids[0]),
    f"GET /v1/blocks/{_UUID}/children": lambda ids, body: op.list_block_children(ids[0]),
    f"PATCH /v1/blocks/{_UUID}/children": lambda ids, body: op.append_block_children(ids[0], **body),
    "POST /v1/databases": lambda ids, body: op.create_database(version=MIDDLE, **body),
    f"GET /v1/databases/{_UUID}": lambda ids, body: op.retrieve_database(ids[0]),
    f"PATCH /v1/databases/{_UUID}": lambda ids, body: op.update_database(ids[0], version=MIDDLE, **body),
    "POST /v1/data_sources": lambda ids, body: op.create_data_source(version=MIDDLE, **body),
    f"GET /v1/data_sources/{_UUID}": lambda ids, body: op.retrieve_data_source(ids[0], version=MIDDLE),
    f"PATCH /v1/data_sources/{_UUID}": lambda ids, body: op.update_data_source(
        ids[0], version=MIDDLE, **body
    ),
    f"POST /v1/data_sources/{_UUID}/query": lambda ids, body: op.query_data_source(
        ids[0], version=MIDDLE, **body
    ),
    f"GET /v1/data_sources/{_UUID}/templates": lambda ids, body: op.list_templates(ids[0], version=MIDDLE),
    "POST /v1/search": lambda ids, body: op.search(**body),
    "GET /v1/users": lambda ids, body: op.list_users(),
    "GET /v1/users/me": lambda ids, body: op.retrieve_me(),
    f"GET /v1/users/{_UUID}": lambda ids, body: op.retrieve_user(ids[0]),
    "GET /v1/comments": lambda ids, body: op.list_comments(OTHER),
    "POST /v1/comments": lambda ids, body: op.create_comment(**body),
    f"GET /v1/comments/{_UUID}": lambda ids, body: op.retrieve_comment(ids[0]),
    f"PATCH /v1/comments/{_UUID}": lambda ids, body: op.update_comment(ids[0], **body),
    f"DELETE /v1/comments/{_UUID}": lambda ids, body: op.delete_comment(ids[0]),
    "GET /v1/file_uploads": lambda ids, body: op.list_file_uploads(),
    "POST /v1/file_uploads": lambda ids, body: op.create_file_upload(**body),
    f"GET /v1/file_uploads/{_UUID}": lambda ids, body: op.retrieve_file_upload(ids[0]),
    f"POST /v1/file_uploads/{_UUID}/send": lambda ids, body: op.send_file_upload(ids[0], b"", filename="f"),
    "GET /v1/custom_emojis": lambda ids, body: op.list_custom_emojis(),
    "GET /v1/async_tasks/(task_.+)": lambda ids, body: op.retrieve_async_task(ids[0]),
    "GET /v1/views": lambda ids, body: views.list_views(database_id=OTHER, version=MIDDLE),
    "POST /v1/views": lambda ids, body: views.create_view(version=MIDDLE, **body),
    f"GET /v1/views/{_UUID}": lambda ids, body: views.retrieve_view(ids[0], version=MIDDLE),
    f"PATCH /v1/views/{_UUID}": lambda ids, body: views.update_view(ids[0], version=MIDDLE, **body),
    f"DELETE /v1/views/{_UUID}": lambda ids, body: views.delete_view(ids[0], version=MIDDLE),
    f"POST /v1/views/{_UUID}/queries": lambda ids, body: views.create_view_query(ids[0], version=MIDDLE),
    f"GET /v1/views/{_UUID}/queries/{_UUID}": lambda ids, body: views.list_view_query(*ids, version=MIDDLE),
    f"DELETE /v1/views/{_UUID}/queries/{_UUID}": lambda ids, body: views.delete_view_query(
        *ids, version=MIDDLE
    ),
}


def _rebuilt(request: Mapping[str, Any]) -> Operation[Any] | None:
    called = f"{request['method']} {request['path'].split('?')[0]}"
    for pattern, maker in RECORDED.items():
        if found := re.fullmatch(pattern, called):
            return maker(found.groups(), request["body"])
    return None


def test_every_recorded_request_has_its_operation(recorded: list[dict[str, Any]]) -> None:
    seen = 0
    for exchange in recorded:
        request = exchange["request"]
        if request["path"] == "/v1/invalid":
            continue
        operation = _rebuilt(request)
        assert operation is not None, request
        assert urlsplit(asked(operation)).path == request["path"].split("?")[0]
        if isinstance(request["body"], dict):
            assert isinstance(operation.body, Mapping)
            assert request["body"].items() <= operation.body.items()
        seen += 1
    assert seen > 300


def _read(answer: Mapping[str, Any]) -> Any:
    """Return the object, or what the error says of itself."""
    try:
        return decipher(answer["status"], answer["headers"], json.dumps(answer["body"]).encode())
    except NotionError as error:
        said = {"object": "error", "status": error.status, "code": error.code, "message": error.message}
        more = {"additional_data": error.additional_data} if error.additional_data else {}
        return said | {"request_id": error.request_id} | more


def test_every_recorded_answer_is_read_without_loss(recorded: list[dict[str, Any]]) -> None:
    for exchange in recorded:
        assert _read(exchange["response"]) == exchange["response"]["body"]
