"""Data sources: schema, rows, queries (https://developers.notion.com/reference/data-source)."""

import json
from collections.abc import Callable
from typing import Any

from notion_emulator import blocks, files, properties, query, schema, versions
from notion_emulator.call import V26, Answer, Call
from notion_emulator.errors import ValidationFailed
from notion_emulator.objects import Database, DataSource, Json, View
from notion_emulator.paging import PAGE_SIZE, envelope, session_page
from notion_emulator.rich_text import RICH_TEXT, normalise
from notion_emulator.validate import anything, array, boolean, keyed, literal, obj, one_key, string, uuid

__all__ = ["add_default_view", "create", "finish", "query_rows", "retrieve", "run_query", "update"]

PARENT = one_key({"database_id": uuid})
CREATE = obj({"parent": PARENT, "properties": schema.INITIAL}, {"title": RICH_TEXT, "icon": files.ICON})
FIELDS = {
    "title": RICH_TEXT, "icon": files.ICON, "properties": schema.update_check, "in_trash": boolean, "parent": PARENT,
}  # fmt: skip
UPDATES = {V26: obj({}, FIELDS), "2025-09-03": obj({}, {**FIELDS, "archived": boolean})}
PAGING = {"start_cursor": string(), "page_size": PAGE_SIZE}
QUERY = obj({}, {
    "filter": anything, "sorts": array(keyed(anything)), **PAGING, "is_archived": boolean, "in_trash": boolean,
    "archived": boolean, "result_type": literal("page", "data_source"),
})  # fmt: skip


def retrieve(call: Call) -> Answer:
    """``GET /data_sources/{data_source_id}``."""
    call.allow("read_content")
    return Answer(versions.data_source(call, call.data_source(call.path["data_source_id"])))


def create(call: Call) -> Answer:
    """``POST /data_sources``: another one in a database that exists."""
    call.allow("insert_content")
    body = call.checked(CREATE)
    world, database = call.world, call.database(body["parent"]["database_id"])
    if world.in_trash(database):
        raise ValidationFailed(blocks.TRASHED)
    entries = schema.initial(call, body["properties"])
    source = world.create_data_source(
        database, normalise(world, body.get("title", [])), properties=entries, by=call.by,
        icon=files.accept(world, body.get("icon")),
    )  # fmt: skip
    finish(call, source, body["properties"], undo=lambda: world.forget(source))
    add_default_view(call, database, source)
    return Answer(versions.data_source(call, source))


def finish(call: Call, source: DataSource, requests: Json, *, undo: Callable[[], None]) -> None:
    """Add the relations, then the rollups, of a new data source; ``undo`` what was made where one is refused."""
    try:
        for kind in ("relation", "rollup"):
            late = {name: request for name, request in requests.items() if kind in request}
            if late:
                schema.changed(call, source, late)
    except Exception:
        undo()
        raise


def add_default_view(call: Call, database: Database, source: DataSource) -> View:
    """The table view that a data source begins with."""
    world, now = call.world, call.world.clock.now()
    view = View(
        id=world.ids.random_v4(), database_id=database.id, data_source_id=source.id, name="Default view", type="table",
        created=now, edited=now, created_by=call.by, edited_by=call.by, configuration={"type": "table"},
    )  # fmt: skip
    world.views[view.id] = view
    database.views.append(view.id)
    return view


def update(call: Call) -> Answer:
    """``PATCH /data_sources/{data_source_id}``: title, icon, schema, trash, database."""
    call.allow("update_content")
    source = call.data_source(call.path["data_source_id"])
    body = call.checked(UPDATES[call.version])
    world = call.world
    trash = body.get("in_trash", body.get("archived"))
    if world.in_trash(source) and trash is not False:
        raise ValidationFailed(blocks.TRASHED)
    icon, title = files.accept(world, body.get("icon")), normalise(world, body.get("title", []))
    database = call.database(body["parent"]["database_id"]) if "parent" in body else None
    if database is not None and world.holds(source, database):
        raise ValidationFailed("A data source cannot be moved into itself.")
    if "properties" in body:
        schema.changed(call, source, body["properties"])
    if "icon" in body:
        source.icon = icon
        world.touch(source, by=call.by)
    if "title" in body:
        _rename(call, source, title)
    if database is not None:
        _move(call, source, database)
    if trash is not None:
        (world.trash if trash else world.restore)(source, by=call.by)
    return Answer(versions.data_source(call, source))


def _rename(call: Call, source: DataSource, title: list[Json]) -> None:
    """Renaming the only data source renames the database (recorded)."""
    source.title = title
    call.world.touch(source, by=call.by)
    database = call.world.databases[source.parent_id]
    if len(database.data_sources) == 1:
        database.title = title
        call.world.touch(database, by=call.by)


def _move(call: Call, source: DataSource, database: Database) -> None:
    call.world.databases[source.parent_id].data_sources.remove(source.id)
    database.data_sources.append(source.id)
    source.parent_id = database.id
    call.world.revision += 1
    call.world.record("data_source.moved", source, by=call.by)


def query_rows(call: Call) -> Answer:
    """``POST /data_sources/{data_source_id}/query``."""
    return run_query(call, call.data_source(call.path["data_source_id"]), kind="page_or_data_source")


def run_query(call: Call, source: DataSource, *, kind: str) -> Answer:
    """Filter and sort the rows of a source once, then page through them in a session."""
    call.allow("read_content")
    body = call.checked(QUERY)
    only = properties.wanted(source.properties, call.query.get("filter_properties", []))
    asked = {key: body.get(key) for key in ("filter", "sorts", "is_archived", "result_type")}
    question = json.dumps([call.connection.id, source.id, asked], sort_keys=True)
    ids, following, capped = session_page(
        call, question, lambda: selected(call, source, body), cursor=body.get("start_cursor"),
        size=body.get("page_size") or 100,
    )  # fmt: skip
    rows = [row for id in ids if not (row := call.world.pages[id]).trashed]
    results = [versions.page(call, row, only=only) for row in rows]
    return Answer(envelope(results, kind, following, capped=capped))


def selected(call: Call, source: DataSource, body: Json) -> list[str]:
    """The ids of the rows that a query body asks for, in order."""
    world, archived = call.world, body.get("is_archived", False)
    if body.get("result_type") == "data_source" or world.in_trash(source):
        return []
    rows: Any = (row for row in world.rows(source) if row.is_archived == archived)
    if call.connection.grants:
        rows = (row for row in rows if call.reaches(row))
    found = query.select(
        rows, source, filter=body.get("filter"), sorts=body.get("sorts"), now=world.clock.now(),
        value=lambda page, entry: properties.value(world, page, entry),
        me=world.users[call.connection.bot_id].owner if call.connection.kind != "internal" else None,
    )  # fmt: skip
    return [row.id for row in found]
