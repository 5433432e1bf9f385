"""Records and changes for tests, in the shapes Notion sends (API 2026-03-11).

Every factory fills what a test does not care about. Ids are made from short names by `uid`, so that a failing test reads well.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from syncline.core.hash import digest
from syncline.core.model import (
    Action,
    BlockList,
    Change,
    Deletion,
    Document,
    DocumentState,
    Fidelity,
    Kind,
    StoredRecord,
    Unread,
)

T0 = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""The moment at which everything in these tests happens."""

_STREAMS = {
    Kind.PAGE: "pages",
    Kind.DATA_SOURCE: "data_sources",
    Kind.DATABASE: "databases",
    Kind.USER: "users",
    Kind.COMMENT: "comments",
}


def uid(name: str) -> str:
    """The Notion id that stands for `name`, always the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, ascii(name)))


def text(content: str) -> list[dict[str, Any]]:
    """A rich text of one plain run, empty for no content."""
    if not content:
        return []
    annotations = dict.fromkeys(("bold", "italic", "strikethrough", "underline", "code"), False)
    return [
        {
            "type": "text",
            "text": {"content": content, "link": None},
            "annotations": {**annotations, "color": "default"},
            "plain_text": content,
            "href": None,
        }
    ]


def mention(page: str, title: str) -> dict[str, Any]:
    """A rich text item that mentions a page."""
    return {
        **text(title)[0],
        "type": "mention",
        "mention": {"type": "page", "page": {"id": page}},
        "href": url(page),
    } | {"text": None}


def url(key: str) -> str:
    """The address Notion gives for a page or database."""
    return f"https://app.notion.com/p/{key.replace('-', '')}"


def block(
    name: str, kind: str = "paragraph", body: Mapping[str, Any] | None = None, *, children: bool = False
) -> dict[str, Any]:
    """A raw block; without a body it is a text block that says `name`."""
    return {
        "object": "block",
        "id": uid(name),
        "has_children": children,
        "in_trash": False,
        "type": kind,
        kind: dict(body) if body is not None else {"rich_text": text(name), "color": "default"},
    }


def child_page(page: str, title: str) -> dict[str, Any]:
    """The block by which a page shows the page below it."""
    return {**block(page, "child_page", {"title": title}), "id": page}


def document(
    page: str, blocks: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Mapping[str, Any]]], **fields: Any
) -> Document:
    """The content of `page`: its blocks, or its lists of blocks by container."""
    lists = blocks if isinstance(blocks, Mapping) else {page: blocks}
    rows = tuple(BlockList(container, 0, tuple(items)) for container, items in lists.items())
    values: dict[str, Any] = {
        "page": page,
        "fidelity": Fidelity.BLOCKS,
        "hash": digest([[row.container, list(row.blocks)] for row in rows]),
        "state": DocumentState.COMPLETE,
        "lists": rows,
    }
    return Document(**(values | fields))


def markdown(page: str, content: str, **fields: Any) -> Document:
    """The content of `page` as Notion's Markdown."""
    values: dict[str, Any] = {
        "page": page,
        "fidelity": Fidelity.MARKDOWN,
        "hash": digest(content),
        "state": DocumentState.COMPLETE,
        "markdown": content,
    }
    return Document(**(values | fields))


def unread(block_id: str, **fields: Any) -> Unread:
    """A block that Notion refuses."""
    values: dict[str, Any] = {"status": 404, "code": "object_not_found", "message": "Could not find block."}
    return Unread(block_id, **(values | fields))


def record(kind: Kind, key: str, data: Mapping[str, Any], **fields: Any) -> StoredRecord:
    """A record of any kind as the store hands it out."""
    values: dict[str, Any] = {
        "kind": kind,
        "key": key,
        "stream": _STREAMS[kind],
        "data": dict(data),
        "hash": digest(dict(data)),
        "title": "",
        "parent": None,
        "edited_at": T0,
        "seq": 1,
        "action": Action.ADDED,
        "first_seen_at": T0,
        "changed_at": T0,
    }
    return StoredRecord(**(values | fields))


def page(
    key: str, title: str = "", *, parent: str | None = None, row_of: str | None = None, **fields: Any
) -> StoredRecord:
    """A page, or with `row_of` a row of that data source; `properties` are further property values by name."""
    properties = fields.pop("properties", {})
    place: dict[str, Any] = {"type": "workspace", "workspace": True}
    if row_of is not None:
        place = {
            "type": "data_source_id",
            "data_source_id": row_of,
            "database_id": uid(f"database of {row_of}"),
        }
    elif parent is not None:
        place = {"type": "page_id", "page_id": parent}
    data = {
        "object": "page",
        "id": key,
        "created_time": "2026-11-20T11:00:00.000Z",
        "last_edited_time": "2026-11-20T12:00:00.000Z",
        "parent": place,
        "in_trash": False,
        "properties": {"Name": {"id": "title", "type": "title", "title": text(title)}, **properties},
        "url": url(key),
    }
    return record(
        Kind.PAGE, key, data, title=title, parent=row_of or parent, **({"stream": row_of or "pages"} | fields)
    )


def value(property_id: str, kind: str, content: Any, **fields: Any) -> dict[str, Any]:
    """A page's value of a property."""
    return {"id": property_id, "type": kind, kind: content, **fields}


def prop(property_id: str, kind: str, **config: Any) -> dict[str, Any]:
    """A data source's definition of a property; its name is its key in `properties`."""
    return {"id": property_id, "type": kind, kind: config}


def data_source(key: str, title: str = "", *, parent: str | None = None, **fields: Any) -> StoredRecord:
    """A data source whose title property is called Name; `properties` are further definitions by name."""
    properties = {"Name": prop("title", "title"), **fields.pop("properties", {})}
    database = uid(f"database of {key}")
    data = {
        "object": "data_source",
        "id": key,
        "created_time": "2026-11-20T11:00:00.000Z",
        "last_edited_time": "2026-11-20T12:00:00.000Z",
        "title": text(title),
        "properties": {name: {"name": name, **config} for name, config in properties.items()},
        "parent": {"type": "database_id", "database_id": database},
        "database_parent": {"type": "page_id", "page_id": parent}
        if parent
        else {"type": "workspace", "workspace": True},
        "url": url(database),
        "in_trash": False,
    }
    return record(Kind.DATA_SOURCE, key, data, title=title, parent=database, **fields)


def database(key: str, *, parent: str | None = None, **fields: Any) -> StoredRecord:
    """The small record of the database that a data source is in."""
    place = {"type": "page_id", "page_id": parent} if parent else {"type": "workspace", "workspace": True}
    return record(
        Kind.DATABASE, key, {"object": "database", "id": key, "parent": place}, parent=parent, **fields
    )


def user(key: str, name: str, **fields: Any) -> StoredRecord:
    """A person."""
    data = {
        "object": "user",
        "id": key,
        "name": name,
        "avatar_url": None,
        "type": "person",
        "person": {"email": f"{name}@example.com"},
    }
    return record(Kind.USER, key, data, title=name, edited_at=None, **fields)


def comment(key: str, content: str, *, parent: str, **fields: Any) -> StoredRecord:
    """A comment on a page."""
    data = {
        "object": "comment",
        "id": key,
        "parent": {"type": "page_id", "page_id": parent},
        "discussion_id": uid(f"discussion of {key}"),
        "created_time": "2026-11-20T12:00:00.000Z",
        "last_edited_time": "2026-11-20T12:00:00.000Z",
        "created_by": {"object": "user", "id": uid("someone")},
        "rich_text": text(content),
    }
    return record(Kind.COMMENT, key, data, parent=parent, **fields)


def deleted(live: StoredRecord, *, reason: Deletion = Deletion.TRASHED) -> StoredRecord:
    """The tombstone of a record."""
    return replace(live, action=Action.DELETED, deleted_at=T0, deletion=reason)


def changes(*items: StoredRecord | tuple[StoredRecord, Document | None], after: int = 0) -> list[Change]:
    """One change for each record, alone or with its document, numbered from `after` + 1."""
    pairs = [item if isinstance(item, tuple) else (item, None) for item in items]
    return [Change(replace(entry, seq=after + n), content) for n, (entry, content) in enumerate(pairs, 1)]
