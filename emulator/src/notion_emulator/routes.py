"""The operations of Notion's API: method, path, versions, and the resource that answers.

Anything else is 400 ``invalid_request_url``, a wrong method too (https://developers.notion.com/reference/intro).
"""

from dataclasses import dataclass
from typing import Any

from notion_emulator import (
    blocks,
    comments,
    data_sources,
    databases,
    emojis,
    file_uploads,
    markdown_pages,
    markdown_writes,
    meeting_notes,
    pages,
    searches,
    tasks,
    templates,
    users,
    views,
)
from notion_emulator.call import V22, V25, VERSIONS, Answer, Call, Resource
from notion_emulator.errors import InvalidRequestUrl
from notion_emulator.ids import dashed
from notion_emulator.validate import refuse, uuid

__all__ = ["OPERATIONS", "Operation", "operation"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table."""

    method: str
    path: str  # below /v1
    resource: Resource
    since: str = V22
    until: str = VERSIONS[-1]

    def serves(self, version: str) -> bool:
        """Whether a Notion-Version has it."""
        return self.since <= version <= self.until


def _oauth(_call: Call) -> Answer:
    """Answered before a call is made, by ``oauth.OAuth``: these operations know no Bearer token."""
    raise InvalidRequestUrl


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/users/me", users.me),
    Operation("GET", "/users/{user_id}", users.retrieve),
    Operation("GET", "/users", users.list_all),
    Operation("POST", "/search", searches.run),
    Operation("GET", "/pages/{page_id}", pages.retrieve),
    Operation("POST", "/pages", pages.create),
    Operation("PATCH", "/pages/{page_id}", pages.update),
    Operation("POST", "/pages/{page_id}/move", pages.move),
    Operation("GET", "/pages/{page_id}/properties/{property_id}", pages.property_item),
    Operation("GET", "/pages/{page_id}/markdown", markdown_pages.retrieve),
    Operation("PATCH", "/pages/{page_id}/markdown", markdown_writes.update),
    Operation("POST", "/blocks/meeting_notes", meeting_notes.create),
    Operation("POST", "/blocks/meeting_notes/query", meeting_notes.query),
    Operation("GET", "/blocks/{block_id}", blocks.retrieve),
    Operation("PATCH", "/blocks/{block_id}", blocks.update),
    Operation("DELETE", "/blocks/{block_id}", blocks.delete),
    Operation("GET", "/blocks/{block_id}/children", blocks.children),
    Operation("PATCH", "/blocks/{block_id}/children", blocks.append),
    Operation("POST", "/databases", databases.create),
    Operation("GET", "/databases/{database_id}", databases.retrieve),
    Operation("PATCH", "/databases/{database_id}", databases.update),
    Operation("POST", "/databases/{database_id}/query", databases.query, until=V22),
    Operation("POST", "/data_sources", data_sources.create, since=V25),
    Operation("GET", "/data_sources/{data_source_id}", data_sources.retrieve, since=V25),
    Operation("PATCH", "/data_sources/{data_source_id}", data_sources.update, since=V25),
    Operation("POST", "/data_sources/{data_source_id}/query", data_sources.query_rows, since=V25),
    Operation("GET", "/data_sources/{data_source_id}/templates", templates.list_all, since=V25),
    Operation("GET", "/comments", comments.list_all),
    Operation("POST", "/comments", comments.create),
    Operation("GET", "/comments/{comment_id}", comments.retrieve),
    Operation("PATCH", "/comments/{comment_id}", comments.update),
    Operation("DELETE", "/comments/{comment_id}", comments.delete),
    Operation("POST", "/file_uploads", file_uploads.create),
    Operation("GET", "/file_uploads", file_uploads.list_all),
    Operation("GET", "/file_uploads/{file_upload_id}", file_uploads.retrieve),
    Operation("POST", "/file_uploads/{file_upload_id}/send", file_uploads.send),
    Operation("POST", "/file_uploads/{file_upload_id}/complete", file_uploads.complete),
    Operation("GET", "/views", views.list_all, since=V25),
    Operation("POST", "/views", views.create, since=V25),
    Operation("GET", "/views/{view_id}", views.retrieve, since=V25),
    Operation("PATCH", "/views/{view_id}", views.update, since=V25),
    Operation("DELETE", "/views/{view_id}", views.delete, since=V25),
    Operation("POST", "/views/{view_id}/queries", views.create_query, since=V25),
    Operation("GET", "/views/{view_id}/queries/{query_id}", views.answer_query, since=V25),
    Operation("DELETE", "/views/{view_id}/queries/{query_id}", views.delete_query, since=V25),
    Operation("GET", "/custom_emojis", emojis.list_all),
    Operation("POST", "/oauth/token", _oauth),
    Operation("POST", "/oauth/introspect", _oauth),
    Operation("POST", "/oauth/revoke", _oauth),
    Operation("GET", "/async_tasks/{task_id}", tasks.retrieve),
)
FREE = frozenset({"property_id", "task_id"})  # path parameters that are no ids


def _tree() -> dict[str, Any]:
    root: dict[str, Any] = {}
    for one in OPERATIONS:
        node = root
        for part in one.path.strip("/").split("/"):
            node = node.setdefault("*" if part.startswith("{") else part, {})
        node[f" {one.method}"] = one
    return root


TREE = _tree()


def operation(method: str, parts: list[str]) -> Operation | None:
    """The operation of a method and the parts of a path below /v1; None where there is none."""
    node: Any = TREE
    for part in parts:
        node = node.get(part) or node.get("*")
        if node is None:
            return None
    found: Operation | None = node.get(f" {method}")
    return found


def parameters(found: Operation, parts: list[str]) -> dict[str, str]:
    """The path's parameters, ids dashed. Raises ValidationFailed for an id that is none."""
    result = {}
    for name, part in zip(found.path.strip("/").split("/"), parts, strict=True):
        if name.startswith("{"):
            key = name[1:-1]
            if key not in FREE:
                refuse("path", uuid(part, f"path.{key}", ()))
            result[key] = part if key in FREE else dashed(part) or part
    return result
