"""Meeting notes: make them from a recording, find them (https://developers.notion.com/reference/create-meeting-notes).

The emulator hears nothing: after ``settings.task_seconds`` the summary, notes and transcript say so in a line each.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from notion_emulator import files, versions
from notion_emulator.blocks import TRASHED
from notion_emulator.call import Answer, Call
from notion_emulator.clock import exact, stamp
from notion_emulator.conditions import Context, condition, failed
from notion_emulator.errors import ValidationFailed
from notion_emulator.objects import Block, Json, Node
from notion_emulator.rich_text import plain
from notion_emulator.validate import (
    Check,
    anything,
    array,
    boolean,
    integer,
    literal,
    obj,
    string,
    tagged,
    uuid,
)

__all__ = ["create", "query"]

LANGUAGES = (
    "auto", "en", "zh-CN", "zh-TW", "es", "fr", "de", "ja", "ko", "pt", "ru", "th", "vi", "id", "da", "fi", "no", "nl",
    "it", "sv", "ar", "he", "pl",
)  # fmt: skip
SOURCE = tagged({
    "file_upload": obj({"type": literal("file_upload"), "file_upload_id": uuid}),
    "block": obj({"type": literal("block"), "block_id": uuid}),
})  # fmt: skip
CREATE = obj({"source": SOURCE}, {
    "title": string(2000), "language": literal(*LANGUAGES), "options": obj({}, {"kickoff_summary": boolean}),
    "parent": obj({"page_id": uuid}, {"type": literal("page_id")}),
})  # fmt: skip
RECORDINGS = ("audio", "video", "file")
PARTS = ("summary", "notes", "transcript")

PROPERTIES = ("title", "attendees", "created_time", "created_by", "last_edited_time", "last_edited_by")
SORT = obj({"property": literal(*PROPERTIES), "direction": literal("ascending", "descending")})
QUERY = obj({}, {"filter": anything, "sort": array(SORT), "limit": integer(1, 100)})
DEPTH = 3


# Create


def create(call: Call) -> Answer:
    """``POST /blocks/meeting_notes``: from an upload, on a page; or from a recording that stands on one."""
    call.allow("insert_content")
    body = call.checked(CREATE)
    parent, index, name = _place(call, body)
    if call.world.in_trash(parent):
        raise ValidationFailed(TRASHED)
    start = stamp(call.world.clock.now())
    block = call.world.add_block(parent, "meeting_notes", {}, by=call.by, index=index)
    holders = {part: _paragraph(call, block, "") for part in PARTS}
    block.content = {
        "title": plain(body.get("title", "")),
        "status": "transcription_in_progress",
        "children": {f"{part}_block_id": holder.id for part, holder in holders.items()},
        "recording": {"start_time": start, "end_time": start},
    }
    call.world.content_updated(parent, by=call.by)
    call.world.later(call.world.settings.task_seconds, lambda: _finish(call, block, holders, name))
    return Answer(versions.block(call, block))


def _place(call: Call, body: Json) -> tuple[Node, int | None, str]:
    """The parent, the place in it, and the name of the recording."""
    source = body["source"]
    if source["type"] == "file_upload":
        if "parent" not in body:
            raise ValidationFailed(
                "body failed validation: body.parent should be defined, instead was `undefined`."
            )
        page = call.page(body["parent"]["page_id"])
        stored = call.world.files[files.attach(call.world, source["file_upload_id"])]
        return page, None, stored.name
    if "parent" in body:
        raise failed("body.parent", "not present", value=body["parent"])
    block = call.node(source["block_id"])
    if not isinstance(block, Block) or block.type not in RECORDINGS:
        raise ValidationFailed(
            f"Block with ID {block.id} is not a recording that meeting notes can be made from."
        )
    parent = call.world.nodes[block.parent_id]
    return parent, parent.children.index(block.id) + 1, "the recording above"


def _paragraph(call: Call, parent: Node, text: str) -> Block:
    content = {"rich_text": plain(text), "icon": None, "color": "default"}
    return call.world.add_block(parent, "paragraph", content, by=call.by)


def _finish(call: Call, block: Block, holders: dict[str, Block], name: str) -> None:
    for part, holder in holders.items():
        _paragraph(call, holder, f"Emulated {part} of {name}.")
    call.world.update_block(block, {**block.content, "status": "notes_ready"}, by=call.by)


# Query


def query(call: Call) -> Answer:
    """``POST /blocks/meeting_notes/query``: those the connection reaches, newest first; no cursor."""
    call.allow("read_content")
    body = call.checked(QUERY)
    keep = _compiled(call, body["filter"], "body.filter", 0) if "filter" in body else None
    world = call.world
    found = [
        node
        for node in world.nodes.values()
        if isinstance(node, Block)
        and node.type == "meeting_notes"
        and call.reaches(node)
        and not world.in_trash(node)
    ]
    found = [node for node in found if keep is None or keep(node)]
    found.sort(key=lambda node: node.created, reverse=True)
    for sort in reversed(body.get("sort", [])):
        read = READ[sort["property"]][1]
        found.sort(key=lambda node: _sortable(read(node)), reverse=sort["direction"] == "descending")
    limit = body.get("limit", 100)
    results = [versions.block(call, node) for node in found[:limit]]
    return Answer({"results": results, "has_more": len(found) > limit}, request_id=True)


def _sortable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _title(node: Block) -> str:
    return "".join(run["plain_text"] for run in node.content.get("title") or ())


def _attendees(node: Block) -> list[str]:
    return list((node.content.get("calendar_event") or {}).get("attendees") or ())


# property -> (the filter family of queries that it follows, how it is read)
READ: dict[str, tuple[str, Callable[[Block], Any]]] = {
    "title": ("rich_text", _title),
    "attendees": ("people", _attendees),
    "created_time": ("date", lambda node: node.created),
    "created_by": ("people", lambda node: [node.created_by]),
    "last_edited_time": ("date", lambda node: node.edited),
    "last_edited_by": ("people", lambda node: [node.edited_by]),
}
OPERATORS: dict[str, dict[str, str]] = {
    "rich_text": {
        "string_is": "equals", "string_is_not": "does_not_equal", "string_contains": "contains",
        "string_does_not_contain": "does_not_contain", "string_starts_with": "starts_with",
        "string_ends_with": "ends_with",
    },
    "date": {
        "date_is": "equals", "date_is_before": "before", "date_is_after": "after",
        "date_is_on_or_before": "on_or_before", "date_is_on_or_after": "on_or_after",
    },
    "people": {"person_contains": "contains", "person_does_not_contain": "does_not_contain"},
}  # fmt: skip
RANGES = ("date_is_within", "date_is_relative_to")
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
LEAF: Check = obj(
    {"property": literal(*PROPERTIES), "filter": obj({"operator": string()}, {"value": anything})}
)
GROUP: Check = obj({"operator": literal("and", "or")}, {"filters": array(anything)})


def _compiled(call: Call, body: Any, path: str, depth: int) -> Callable[[Block], bool]:
    """The predicate of a filter tree of three levels."""
    if isinstance(body, dict) and "property" in body:
        return _leaf(call, body, path)
    lines = GROUP(body, path, ())
    if lines or depth == DEPTH:
        raise ValidationFailed(f"body failed validation: {(lines or [f'{path} is nested too deep.'])[0]}")
    tests = [
        _compiled(call, one, f"{path}.filters[{place}]", depth + 1)
        for place, one in enumerate(body.get("filters", []))
    ]
    if body["operator"] == "and":
        return lambda node: all(test(node) for test in tests)
    return lambda node: any(test(node) for test in tests)


def _leaf(call: Call, body: Json, path: str) -> Callable[[Block], bool]:
    lines = LEAF(body, path, ())
    if lines:
        raise ValidationFailed(f"body failed validation: {lines[0]}")
    family, read = READ[body["property"]]
    asked, where = body["filter"], f"{path}.filter"
    tests = [
        condition(family, one, where, Context(call.world.clock.now()))
        for one in _operations(call, family, asked, where)
    ]
    return lambda node: all(test(read(node)) for test in tests)


def _operations(call: Call, family: str, asked: Json, path: str) -> list[Json]:
    """The conditions of a data source query that an operator stands for, all of which must hold."""
    operator = asked["operator"]
    if operator in ("is_empty", "is_not_empty"):
        return [{operator: True}]
    if family == "date" and operator in RANGES:
        return _range(call, asked.get("value"), f"{path}.value")
    name = OPERATORS[family].get(operator)
    if name is None:
        raise failed(f"{path}.operator", *(f'`"{one}"`' for one in OPERATORS[family]), value=operator)
    values = asked.get("value")
    return [{name: _bare(one, f"{path}.value")} for one in (values if isinstance(values, list) else [values])]


def _bare(value: Any, path: str) -> str:
    """The text, date or id within ``{type, value}``."""
    inner = value.get("value") if isinstance(value, dict) else None
    if isinstance(inner, dict):
        inner = inner.get("id") or "T".join(filter(None, (inner.get("start_date"), inner.get("start_time"))))
    if not isinstance(inner, str):
        raise failed(path, "an object", value=value)
    return inner


def _range(call: Call, value: Any, path: str) -> list[Json]:
    """``{type: exact, value: {start_date, end_date}}``, a span's name, or so many units back or ahead."""
    if not isinstance(value, dict):
        raise failed(path, "an object", value=value)
    inner, unit = value.get("value"), value.get("unit")
    if isinstance(inner, dict):
        ends = {
            "on_or_after": inner.get("start_date"),
            "on_or_before": inner.get("end_date", inner.get("start_date")),
        }
        return [{name: day} for name, day in ends.items()]
    count = value.get("count", 1)
    if unit not in DAYS or not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= 10_000:
        return [{str(inner): {}}]
    today = date.fromisoformat(exact(call.world.clock.now())[:10])
    step = timedelta(days=DAYS[unit] * count)
    first, last = (today, today + step) if value.get("direction") == "future" else (today - step, today)
    return [{"on_or_after": first.isoformat()}, {"on_or_before": last.isoformat()}]
