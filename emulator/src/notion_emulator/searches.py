"""``POST /search`` (https://developers.notion.com/reference/post-search); ``search`` decides what is found."""

import json

from notion_emulator import search, versions
from notion_emulator.call import V22, Answer, Call
from notion_emulator.ids import dashed
from notion_emulator.objects import Json, Page
from notion_emulator.paging import PAGE_SIZE, Session, envelope, stale
from notion_emulator.validate import Check, anything, boolean, keyed, literal, obj, string, uuid

__all__ = ["run"]


def _check(container: str) -> Check:
    object_filter = obj(
        {"value": literal("page", container), "property": literal("object")}, {"in_trash": boolean}
    )
    return obj({}, {
        "query": string(), "filter": either_filter(object_filter), "sort": keyed(anything), "start_cursor": uuid,
        "page_size": PAGE_SIZE,
    })  # fmt: skip


def either_filter(object_filter: Check) -> Check:
    """A filter of objects, or of the trash alone."""
    trash_filter = obj({"in_trash": boolean})

    def check(value: object, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        alone = isinstance(value, dict) and value.keys() == {"in_trash"}
        return (trash_filter if alone else object_filter)(value, path, alt)

    return check


OLD, NEW = _check("database"), _check("data_source")


def run(call: Call) -> Answer:
    """Pages and data sources (databases up to 2022-06-28) by title; the cursor is the next item's id."""
    call.allow("read_content")
    old = call.version == V22
    body = call.checked(OLD if old else NEW)
    size = body.get("page_size") or 100
    session = _session(call, body)
    start = 0
    if (cursor := body.get("start_cursor")) is not None:
        place = session.place(dashed(cursor) or cursor)
        if place is None:
            raise stale(cursor)
        start = place
    end = start + size
    following = session.items[end] if end < len(session.items) else None
    results = [_shown(call, id) for id in session.items[start:end]]
    return Answer(envelope(results, "page_or_database" if old else "page_or_data_source", following))


def _session(call: Call, body: Json) -> Session:
    """The order found when the listing began; a cursor whose order is gone finds it anew."""
    asked = [call.connection.id, call.version, body.get("query"), body.get("filter"), body.get("sort")]
    question = "search:" + json.dumps(asked, sort_keys=True)
    now = call.world.clock.now()
    known = call.sessions.find(question, at=now) if "start_cursor" in body else None
    if known is None:
        known = Session(
            question, question, _found(call, body), now + round(call.world.settings.cursor_seconds * 1000)
        )
        call.sessions.keep(known)
    return known


def _found(call: Call, body: Json) -> list[str]:
    wanted = body.get("filter") or {}
    kind = {"page": "page", "database": "data_source", "data_source": "data_source"}.get(
        wanted.get("value", "")
    )
    found = search.find(
        call.world, call.connection, query=body.get("query", ""), kind=kind, in_trash=wanted.get("in_trash"),
        sort=body.get("sort"), multi_source=call.version != V22,
    )  # fmt: skip
    return [node.id for node in found]


def _shown(call: Call, id: str) -> Json:
    node = call.world.nodes[id]
    if isinstance(node, Page):
        return versions.page(call, node)
    source = call.world.data_sources[id]
    if call.version == V22:
        return versions.database(call, call.world.databases[source.parent_id])
    return versions.data_source(call, source)
