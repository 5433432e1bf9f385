"""Blocks: retrieve, list, append, update, delete (https://developers.notion.com/reference/block)."""

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from notion_emulator import block_types, versions
from notion_emulator.block_requests import CHILDREN, MOST_BLOCKS, blocks_in, row_widths, update_check
from notion_emulator.block_types import TYPES
from notion_emulator.call import V26, Answer, Call
from notion_emulator.errors import RestrictedResource, ValidationFailed
from notion_emulator.ids import dashed
from notion_emulator.objects import Block, Database, Json, Node, Page
from notion_emulator.paging import query_paging, stale
from notion_emulator.validate import anything, boolean, child, literal, obj, refuse, uuid

__all__ = [
    "add",
    "afford",
    "append",
    "check_amount",
    "children",
    "delete",
    "erase",
    "index_after",
    "retrieve",
    "update",
]

POSITION = obj({"type": literal("after_block", "start", "end")}, {"after_block": obj({"id": uuid})})
TRASHED = "Can't edit block that is archived. You must unarchive the block before editing."
QUOTA = "This workspace has used all of its free blocks. Upgrade the workspace or delete nothing: deleting frees no blocks."


def retrieve(call: Call) -> Answer:
    """``GET /blocks/{block_id}``: a block, or a page or database as child_page and child_database."""
    call.allow("read_content")
    return Answer(versions.block(call, call.node(call.path["block_id"])))


def children(call: Call) -> Answer:
    """``GET /blocks/{block_id}/children``: what the connection may see of the first level, in order."""
    call.allow("read_content")
    node = call.node(call.path["block_id"])
    cursor, size = query_paging(call)
    shown, following = _listed(call, node, cursor, size=size)
    encoded = b",".join([versions.block_bytes(call, one) for one in shown])
    tail = orjson.dumps(
        {"next_cursor": following, "has_more": following is not None, "type": "block", "block": {}}
    )
    return Answer(b'{"object":"list","results":[' + encoded + b"]," + tail[1:])


def _listed(call: Call, node: Node, cursor: str | None, *, size: int) -> tuple[list[Node], str | None]:
    """One page of the living, visible children and the id of the next one."""
    world = call.world
    original = block_types.source_id(node)
    source = call.node(original) if original else node
    if world.in_trash(source):
        return [], None
    ids, start = source.children, 0
    if cursor is not None:
        if cursor not in ids:
            raise stale(cursor)
        start = ids.index(cursor)
    taken: list[Node] = []
    nodes, picky = world.nodes, bool(call.connection.grants)
    for index in range(start, len(ids)):
        one = nodes[ids[index]]
        if one.trashed or (picky and not call.reaches(one)):
            if index == start and cursor is not None:
                raise stale(cursor)
            continue
        if len(taken) == size:
            return taken, one.id
        taken.append(one)
    return taken, None


def check_amount(children: list[Json]) -> int:
    """Refuse more than 1,000 blocks in a request; how many there are."""
    amount = blocks_in(children)
    if amount > MOST_BLOCKS:
        raise ValidationFailed(
            f"body failed validation: body.children should hold ≤ `1000` blocks, instead was `{amount}`."
        )
    return amount


def afford(call: Call, amount: int) -> None:
    """Refuse to make so many blocks, pages and databases beyond a free workspace's quota."""
    quota = call.world.settings.block_quota
    if quota is None or call.connection.kind == "personal":
        return
    if amount and call.world.blocks_created + amount > quota:
        raise RestrictedResource(QUOTA, data={"block_limit": "block_creation"})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A block of a request in its stored form, with what is below it."""

    type: str
    content: Json
    children: tuple["Prepared", ...]


def prepared(call: Call, requests: Iterable[Json]) -> tuple[Prepared, ...]:
    """Checked request blocks, ready to be added. Raises what a link, mention or upload that leads nowhere raises."""
    return tuple(_prepared(call, request) for request in requests)


def _prepared(call: Call, request: Json) -> Prepared:
    kind = next(key for key in request if key in TYPES)
    content = block_types.stored(call.world, kind, request[kind])
    return Prepared(kind, content, prepared(call, request[kind].get("children", ())))


def add(call: Call, parent: Node, requests: Iterable[Json], *, index: int | None = None) -> list[Block]:
    """Add checked request blocks below a parent, with all below them; all of them or, where one is refused, none."""
    return insert(call, parent, prepared(call, requests), index=index)


def insert(call: Call, parent: Node, blocks: Iterable[Prepared], *, index: int | None = None) -> list[Block]:
    """Add prepared blocks below a parent."""
    added = []
    for offset, one in enumerate(blocks):
        place = None if index is None else index + offset
        block = call.world.add_block(parent, one.type, one.content, by=call.by, index=place)
        insert(call, block, one.children)
        added.append(block)
    return added


def append(call: Call) -> Answer:
    """``PATCH /blocks/{block_id}/children``: answers the new blocks of the first level only."""
    call.allow("insert_content")
    node = call.node(call.path["block_id"])
    after = {} if call.version == V26 else {"after": uuid}
    body = call.checked(obj({"children": CHILDREN}, {"position": POSITION, **after}))
    _must_live(call, node)
    _may_hold(node, body["children"])
    afford(call, check_amount(body["children"]))
    added = add(call, node, body["children"], index=_index(node, body))
    if added:
        call.world.content_updated(node, by=call.by)
        if call.world.settings.content_bumps_page and (page := call.world.page_of(node)):
            call.world.touch(page, by=call.by)
    results = [versions.block(call, one) for one in added]
    return Answer(
        {
            "object": "list",
            "results": results,
            "next_cursor": None,
            "has_more": False,
            "type": "block",
            "block": {},
        }
    )


def _must_live(call: Call, node: Node) -> None:
    if call.world.in_trash(node):
        raise ValidationFailed(TRASHED)


def _may_hold(node: Node, children: list[Json]) -> None:
    """Refuse children that the block's type cannot have."""
    if isinstance(node, Database):
        raise ValidationFailed("Block does not support children.")
    if not isinstance(node, Block):
        return
    allowed = TYPES[node.type].children if node.type in TYPES else False
    heading = node.type.startswith("heading_") and not node.content.get("is_toggleable")
    if not allowed or heading:
        raise ValidationFailed("Block does not support children.")
    if isinstance(allowed, tuple):
        for index, one in enumerate(children):
            if not any(key in allowed for key in one):
                path = child(f"body.children[{index}]", allowed[0])
                raise ValidationFailed(
                    f"body failed validation: {path} should be defined, instead was `undefined`."
                )
    if node.type == "table":
        refuse("body", row_widths(children, "body.children", width=node.content["table_width"]))


def _index(node: Node, body: Json) -> int | None:
    position = body.get("position") or (
        {"type": "after_block", "after_block": {"id": body["after"]}} if "after" in body else None
    )
    if position is None or position["type"] == "end":
        return None
    return 0 if position["type"] == "start" else index_after(node, position["after_block"]["id"])


def index_after(node: Node, id: str) -> int:
    """The place after a child of that id. Raises ValidationFailed where it is no child."""
    dashed_id = dashed(id) or id
    if dashed_id not in node.children:
        raise ValidationFailed(f"Block with ID {dashed_id} is not a child of the parent block.")
    return node.children.index(dashed_id) + 1


def update(call: Call) -> Answer:
    """``PATCH /blocks/{block_id}``: the type's object, the trash, or both."""
    call.allow("update_content")
    node = call.node(call.path["block_id"])
    flags = {"in_trash": boolean} if call.version == V26 else {"in_trash": boolean, "archived": boolean}
    content_type = node.type if isinstance(node, Block) else "child_page"
    body = call.checked(
        obj(
            {},
            {
                **dict.fromkeys(TYPES, anything),
                **flags,
                "type": literal(content_type),
                "object": literal("block"),
            },
        )
    )
    trash = body.get("in_trash", body.get("archived"))
    if call.world.in_trash(node) and trash is not False:
        raise ValidationFailed(TRASHED)
    content = _content(call, node, body)
    if trash is not None:
        (call.world.trash if trash else call.world.restore)(node, by=call.by)
    if content is not None and isinstance(node, Block):
        call.world.update_block(node, content, by=call.by)
    return Answer(versions.block(call, node))


def _content(call: Call, node: Page | Database | Block, body: Json) -> Json | None:
    """The new object of the block's type; None where the request has none."""
    given = [key for key in body if key in TYPES]
    if not given:
        return None
    if not isinstance(node, Block):
        raise ValidationFailed("Updating a page or database through its block is not supported.")
    if given != [node.type]:
        raise ValidationFailed(f"Expected block type {node.type} in request body, instead was {given[0]}.")
    check = update_check(node.type)
    if check is None:
        raise ValidationFailed(f"Block type {node.type} does not support updates.")
    refuse("body", check(body[node.type], f"body.{node.type}", ()))
    content = block_types.stored(call.world, node.type, body[node.type], old=node.content)
    if node.type == "table_row" and len(content["cells"]) != len(node.content["cells"]):
        raise ValidationFailed("Number of cells in table row must match the table width of the parent table.")
    return content


def delete(call: Call) -> Answer:
    """``DELETE /blocks/{block_id}``: into the trash with all below it; pages and databases too."""
    call.allow("update_content")
    node = call.node(call.path["block_id"])
    _must_live(call, node)
    call.world.trash(node, by=call.by)
    return Answer(versions.block(call, node))


def erase(call: Call, page: Page) -> None:
    """Trash everything on a page."""
    for one in list(call.world.alive(page)):
        call.world.trash(one, by=call.by)
