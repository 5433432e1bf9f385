"""Databases in both shapes (https://developers.notion.com/reference/database).

Since 2025-09-03 they are containers of data sources, before they hold schema and rows themselves.
"""

from typing import Any

from notion_emulator import blocks, data_sources, files, schema, versions
from notion_emulator.call import V22, V26, Answer, Call
from notion_emulator.errors import ValidationFailed
from notion_emulator.objects import Database, Json, Node
from notion_emulator.rich_text import RICH_TEXT, normalise
from notion_emulator.validate import Check, boolean, literal, obj, one_key, tagged, uuid

__all__ = ["create", "query", "retrieve", "update"]

PLACE = tagged({
    "page_id": obj({"page_id": uuid}, {"type": literal("page_id")}),
    "workspace": obj({"workspace": literal(True)}, {"type": literal("workspace")}),
})  # fmt: skip
OLD_PLACE = one_key({"page_id": uuid, "workspace": literal(True)})
HEAD: dict[str, Check] = {
    "title": RICH_TEXT, "description": RICH_TEXT, "is_inline": boolean, "icon": files.ICON, "cover": files.COVER,
}  # fmt: skip
CREATE = obj({"parent": PLACE}, {**HEAD, "initial_data_source": obj({}, {"properties": schema.INITIAL})})
OLD_CREATE = obj({"parent": OLD_PLACE, "properties": schema.INITIAL}, HEAD)
FLAGS = {"in_trash": boolean, "is_locked": boolean}
UPDATES = {
    V22: obj({}, {**HEAD, **FLAGS, "archived": boolean, "properties": schema.update_check}),
    "2025-09-03": obj({}, {**HEAD, **FLAGS, "archived": boolean, "parent": OLD_PLACE}),
    V26: obj({}, {**HEAD, **FLAGS, "parent": OLD_PLACE}),
}


def retrieve(call: Call) -> Answer:
    """``GET /databases/{database_id}``."""
    call.allow("read_content")
    return Answer(versions.database(call, call.database(call.path["database_id"])))


def query(call: Call) -> Answer:
    """``POST /databases/{database_id}/query``, up to 2022-06-28."""
    source = versions.only_source(call, call.database(call.path["database_id"]))
    return data_sources.run_query(call, source, kind="page_or_database")


def create(call: Call) -> Answer:
    """``POST /databases``: with its first data source."""
    call.allow("insert_content")
    old = call.version == V22
    body = call.checked(OLD_CREATE if old else CREATE)
    requests = body["properties"] if old else (body.get("initial_data_source") or {}).get("properties")
    parent = _parent(call, body["parent"])
    entries = schema.initial(call, requests) if requests else ()
    title = normalise(call.world, body["title"]) if body.get("title") else []
    blocks.afford(call, 1)
    database = call.world.create_database(parent, title or "New database", by=call.by, **_head(call, body))
    source = call.world.create_data_source(
        database, title, properties=entries, by=call.by, id=call.world.ids.random_v4()
    )
    data_sources.add_default_view(call, database, source)
    data_sources.finish(call, source, requests or {}, undo=lambda: call.world.forget(database))
    return Answer(versions.database(call, database))


def _head(call: Call, body: Json) -> Json:
    """The stored fields that a request gives beside the title."""
    fields: dict[str, Any] = {
        key: files.accept(call.world, body[key]) for key in ("icon", "cover") if key in body
    }
    if "description" in body:
        fields["description"] = normalise(call.world, body["description"])
    return fields | {key: body[key] for key in ("is_inline", "is_locked") if key in body}


def _parent(call: Call, request: Json) -> Node | None:
    if "page_id" in request:
        parent = call.page(request["page_id"])
        if call.world.in_trash(parent):
            raise ValidationFailed(blocks.TRASHED)
        return parent
    if call.connection.kind == "internal":
        raise ValidationFailed(
            "Creating a database at the top of a workspace is only supported for public integrations."
        )
    return None


def update(call: Call) -> Answer:
    """``PATCH /databases/{database_id}``: moves no time but by title and trash (recorded)."""
    call.allow("update_content")
    database = call.database(call.path["database_id"])
    body = call.checked(UPDATES[call.version])
    trash = body.get("in_trash", body.get("archived"))
    world = call.world
    if world.in_trash(database) and trash is not False:
        raise ValidationFailed(blocks.TRASHED)
    head, title = _head(call, body), normalise(world, body.get("title", []))
    parent = _parent(call, body["parent"]) if "parent" in body else None
    if parent is not None and world.holds(database, parent):
        raise ValidationFailed("A database cannot be moved into itself.")
    if body.get("properties"):
        schema.changed(call, versions.only_source(call, database), body["properties"])
    for name, value in head.items():
        setattr(database, name, value)
    if "title" in body:
        _rename(call, database, title)
    if "parent" in body:
        world.move(database, parent, by=call.by)
    if trash is not None:
        (world.trash if trash else world.restore)(database, by=call.by)
    world.revision += 1
    return Answer(versions.database(call, database))


def _rename(call: Call, database: Database, title: list[Json]) -> None:
    """A database and its only data source share their name (recorded)."""
    database.title = title
    call.world.touch(database, by=call.by)
    if len(database.data_sources) == 1:
        source = call.world.data_sources[database.data_sources[0]]
        source.title = title
        call.world.touch(source, by=call.by)
