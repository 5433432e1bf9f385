"""Pages: retrieve, create, change, move, and their properties one by one (https://developers.notion.com/reference/page)."""

from typing import Any

from notion_emulator import (
    blocks,
    files,
    markdown_pages,
    markdown_writes,
    properties,
    property_writes,
    tasks,
    templates,
    versions,
)
from notion_emulator.block_requests import CHILDREN
from notion_emulator.call import V26, Answer, Call
from notion_emulator.clock import MINUTE
from notion_emulator.errors import RowLimitExceeded, ValidationFailed
from notion_emulator.objects import DataSource, Json, Node, Page
from notion_emulator.paging import page_of_ids, query_paging
from notion_emulator.rich_text import normalise
from notion_emulator.schema import encoded_id
from notion_emulator.validate import (
    Check,
    anything,
    boolean,
    expected,
    keyed,
    literal,
    obj,
    one_key,
    refuse,
    string,
    uuid,
)

__all__ = ["create", "move", "property_item", "retrieve", "update"]

PARENT = one_key({"page_id": uuid, "database_id": uuid, "data_source_id": uuid, "workspace": literal(True)})
TEMPLATE = {"timezone": string()}
POSITION = obj({"type": literal("after_block", "page_start", "page_end")}, {"after_block": obj({"id": uuid})})
PROPERTIES = keyed(anything)
CREATE = obj({}, {
    "parent": PARENT, "properties": PROPERTIES, "icon": files.ICON, "cover": files.COVER, "children": CHILDREN,
    "content": CHILDREN, "markdown": string(), "markdown_version": literal("v1", "v2"), "position": POSITION,
    "allow_async": boolean,
    "template": obj({"type": literal("none", "default", "template_id")}, {**TEMPLATE, "template_id": uuid}),
})  # fmt: skip
CONTENT = ("children", "content", "markdown", "template")


def _update_check(call: Call) -> Check:
    archived = {} if call.version == V26 else {"archived": boolean}
    return obj({}, {
        "properties": PROPERTIES, "icon": files.ICON, "cover": files.COVER, "is_locked": boolean,
        "in_trash": boolean, "is_archived": boolean, "erase_content": boolean, **archived,
        "template": obj({"type": literal("default", "template_id")}, {**TEMPLATE, "template_id": uuid}),
    })  # fmt: skip


def retrieve(call: Call) -> Answer:
    """``GET /pages/{page_id}``, of the properties named by ``filter_properties`` alone where that is given."""
    call.allow("read_content")
    return _answer(call, call.page(call.path["page_id"]))


def _answer(call: Call, page: Page) -> Answer:
    schema = properties.entries(call.world, page)
    wanted = properties.wanted(schema, call.query.get("filter_properties", []))
    return Answer(versions.page(call, page, only=wanted))


def create(call: Call) -> Answer:
    """``POST /pages``: under a page, a data source, or the workspace; with content of exactly one kind."""
    call.allow("insert_content")
    body = call.checked(CREATE)
    given = [key for key in CONTENT if key in body and body[key] != {"type": "none"}]
    if len(given) > 1:
        raise ValidationFailed(
            f"body failed validation: body.{given[1]} should be not present when body.{given[0]} is."
        )
    if "markdown_version" in body and "markdown" not in body:
        refuse("body", expected("body.markdown_version", "not present", value=body["markdown_version"]))
    if body.get("allow_async") and "markdown" in body:
        return tasks.accept(call, "POST /v1/pages", lambda: versions.page(call, _created(call, body)))
    return _answer(call, _created(call, body))


def _created(call: Call, body: Json) -> Page:
    """The new page of a checked body; where anything in it is refused, none."""
    parent = parent_node(call, body.get("parent"))
    source = parent if isinstance(parent, DataSource) else None
    if source is not None and len(source.rows) >= call.world.settings.row_limit:
        raise RowLimitExceeded
    values = property_writes.accept(call, source, body.get("properties") or {})
    template = templates.chosen(call, source, body.get("template"))
    children = _children(call, body, values)
    written = "markdown" in body
    blocks.afford(call, 1 + (markdown_writes.made(children) if written else blocks.check_amount(children)))
    content = () if written else blocks.prepared(call, children)
    page = call.world.create_page(
        parent, properties=values, icon=files.accept(call.world, body.get("icon")),
        cover=files.accept(call.world, body.get("cover")), by=call.by, index=_index(parent, body),
    )  # fmt: skip
    property_writes.write(call, page, values, old={})
    if written:
        markdown_writes.place(call, page, children)
    blocks.insert(call, page, content)
    templates.ask(call, page, template)
    return page


def _children(call: Call, body: Json, values: Json) -> list[Json]:
    """The blocks of a new page; a Markdown text's first heading becomes the title where none is given."""
    if "markdown" not in body:
        children: list[Json] = body.get("children") or body.get("content") or []
        return children
    title, children = markdown_pages.parsed(body["markdown"], titled="title" not in values)
    if title is not None:
        values["title"] = normalise(call.world, title)
    return children


def parent_node(call: Call, request: Json | None) -> Node | None:
    """The node a request names as parent; None is the workspace. Raises ValidationFailed, ObjectNotFound."""
    if request is None or "workspace" in request:
        if call.connection.kind == "internal":
            raise ValidationFailed(
                "Creating a page as a top-level private page is only supported for public integrations."
                if request
                else "body failed validation: body.parent should be defined, instead was `undefined`."
            )
        return None
    key = next(key for key in request if key != "type")
    node = _named(call, key, request[key])
    if call.world.in_trash(node):
        raise ValidationFailed(
            "Can't edit block that is archived. You must unarchive the block before editing."
        )
    return node


def _named(call: Call, key: str, id: str) -> Node:
    if key == "page_id":
        return call.page(id)
    if key == "data_source_id":
        return call.data_source(id)
    return versions.only_source(call, call.database(id))


def _index(parent: Node | None, body: Json) -> int | None:
    """The place among the parent's children; only pages have places."""
    position = body.get("position")
    if position is None or position["type"] == "page_end":
        return None
    if not isinstance(parent, Page):
        refuse("body", expected("body.position", "not present", value=position))
    assert parent is not None
    return (
        0 if position["type"] == "page_start" else blocks.index_after(parent, position["after_block"]["id"])
    )


def update(call: Call) -> Answer:
    """``PATCH /pages/{page_id}``: properties, icon, cover, lock, trash, archive, template, erasure."""
    call.allow("update_content")
    page = call.page(call.path["page_id"])
    body = call.checked(_update_check(call))
    world = call.world
    trash = body.get("in_trash", body.get("archived"))
    if world.in_trash(page) and trash is not False:
        raise ValidationFailed(
            "Can't edit block that is archived. You must unarchive the block before editing."
        )
    values = property_writes.accept(call, world.source_of(page), body.get("properties") or {})
    template = templates.chosen(call, world.source_of(page), body.get("template"))
    fields = _fields(call, body)
    if trash is not None:
        (world.trash if trash else world.restore)(page, by=call.by)
    _apply(call, page, fields, values)
    if body.get("erase_content"):
        blocks.erase(call, page)
    templates.ask(call, page, template)
    return _answer(call, page)


def _fields(call: Call, body: Json) -> Json:
    """The stored fields that a PATCH gives beside the properties."""
    fields: Json = {key: files.accept(call.world, body[key]) for key in ("icon", "cover") if key in body}
    return fields | {key: body[key] for key in ("is_locked", "is_archived") if key in body}


def _apply(call: Call, page: Page, fields: Json, values: Json) -> None:
    """Write what a PATCH says of the page itself."""
    if values or fields:
        old = page.properties
        call.world.update_page(page, properties=values, by=call.by, **fields)
        property_writes.write(call, page, values, old=old)


def move(call: Call) -> Answer:
    """``POST /pages/{page_id}/move``: to another page or data source; moves no time within the minute."""
    call.allow("update_content")
    page = call.page(call.path["page_id"])
    body = call.checked(obj({"parent": one_key({"page_id": uuid, "data_source_id": uuid})}))
    parent = parent_node(call, body["parent"])
    if parent is None or call.world.holds(page, parent):
        raise ValidationFailed("A page cannot be moved into itself.")
    edited, by = page.edited, page.edited_by
    call.world.move(page, parent, by=call.by)
    if call.world.clock.now() // MINUTE == edited // MINUTE:
        page.edited, page.edited_by = edited, by
    return _answer(call, page)


def property_item(call: Call) -> Answer:
    """``GET /pages/{page_id}/properties/{property_id}``: one value, or the list of its references."""
    call.allow("read_content")
    page = call.page(call.path["page_id"])
    entry = properties.entry_of(call.world, page, call.path["property_id"])
    if entry is None:
        raise ValidationFailed(f"Could not find property with name or id: {call.path['property_id']}")
    kind, id = entry["type"], encoded_id(entry["id"])
    if kind in properties.LISTED or kind == "rollup":
        return _property_list(call, page, entry)
    payload = properties.shown_value(call, page, entry)
    return Answer({"object": "property_item", "type": kind, "id": id, kind: payload})


def _property_list(call: Call, page: Page, entry: Json) -> Answer:
    """The references one by one; the cursor is the place, kept opaque."""
    kind, id = entry["type"], encoded_id(entry["id"])
    cursor, size = query_paging(call, cursor_is_uuid=False)
    whole = properties.shown_value(call, page, entry)
    head: Json = {}
    item_kind = kind
    items = whole
    if kind == "rollup":
        items, item_kind, head = properties.rollup_items(call, page, entry)
    places, following = page_of_ids([str(index) for index in range(len(items))], cursor, size=size)
    results = [_item(item_kind, id, items[int(place)]) for place in places]
    base = f"https://api.notion.com/v1/pages/{page.id}/properties/{id}"
    following_url = f"{base}?start_cursor={following}" if following else None
    if kind == "rollup" and following and head["type"] != "array":
        head = {"type": "incomplete", "incomplete": {}, "function": head["function"]}
    answer = {
        "object": "list", "results": results, "next_cursor": following, "has_more": following is not None,
        "type": "property_item", "property_item": {"id": id, "next_url": following_url, "type": kind, kind: head},
    }  # fmt: skip
    return Answer(answer)


def _item(kind: str, id: str, one: Any) -> Json:
    if kind == "rollup":  # an element of a rolled-up array carries its own type
        return {"object": "property_item", "id": id, **one}
    return {"object": "property_item", "type": kind, "id": id, kind: one}
