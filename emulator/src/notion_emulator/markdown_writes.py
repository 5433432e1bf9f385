"""``PATCH /pages/{page_id}/markdown``, and Markdown as the content of a new page.

https://developers.notion.com/reference/update-page-markdown. The text that is edited is the one that a read shows.
"""

from collections.abc import Iterable

from notion_emulator import block_types, markdown_pages, tasks
from notion_emulator.blocks import TRASHED, afford
from notion_emulator.call import Answer, Call
from notion_emulator.errors import ObjectNotFound, ValidationFailed
from notion_emulator.markdown_edit import Create, Keep, Plan, Standing, edited, named, plan
from notion_emulator.markdown_input import parse
from notion_emulator.objects import Block, Database, Json, Node, Page
from notion_emulator.validate import array, boolean, literal, obj, string

__all__ = ["made", "place", "update"]

UPDATE = obj({"old_str": string(shortest=1), "new_str": string()}, {"replace_all_matches": boolean})
DELETING = {"allow_deleting_content": boolean}
KINDS = {
    "update_content": obj({"content_updates": array(UPDATE)}, DELETING),
    "replace_content": obj({"new_str": string()}, DELETING),
    "insert_content": obj(
        {"content": string()},
        {"after": string(shortest=1), "position": obj({"type": literal("start", "end")})},
    ),
    "replace_content_range": obj({"content": string(), "content_range": string(shortest=1)}, DELETING),
}
OPTIONS = {"allow_async": boolean, "markdown_version": literal("v1", "v2")}
TYPED = obj({"type": literal(*KINDS)}, {**KINDS, **OPTIONS})
NAME = "PATCH /v1/pages/:page_id/markdown"


def update(call: Call) -> Answer:
    """Edit a page's content; answers the whole page afterwards, or 202 with a task where ``allow_async`` is set."""
    call.allow("update_content")
    page = call.page(call.path["page_id"])
    kind = call.checked(TYPED)["type"]
    body = call.checked(obj({"type": literal(kind), kind: KINDS[kind]}, OPTIONS))
    if call.world.in_trash(page):
        raise ValidationFailed(TRASHED)
    if body.get("allow_async"):
        return tasks.accept(call, NAME, lambda: _written(call, page, body))
    return Answer(_written(call, page, body))


def _written(call: Call, page: Page, body: Json) -> Json:
    payload = body[body["type"]]
    before = markdown_pages.written(call, page)
    text = edited(before["markdown"], body)
    standing = [_standing(call, node) for node in call.world.alive(page) if call.reaches(node)]
    decided = plan(standing, text, anew=body["type"] == "replace_content")
    if not payload.get("allow_deleting_content"):
        _refuse_loss(call, decided)
    _apply(call, page, decided)
    return markdown_pages.written(call, page)


def _standing(call: Call, node: Node) -> Standing:
    """A first-level block with its Markdown read back; pages and databases are known by their id."""
    if isinstance(node, Page | Database):
        return Standing(node.id, (_existing(node.kind, node.id),))
    blocks = tuple(parse(markdown_pages.written(call, node)["markdown"]))
    return Standing(node.id, blocks)


def _existing(kind: str, id: str) -> Json:
    return {"type": "existing", "existing": {"kind": kind, "id": id, "title": ""}}


def _refuse_loss(call: Call, decided: Plan) -> None:
    """Refuse an edit that would drop child pages or databases."""
    staying = {one["id"] for one in named(step.block for step in decided.steps if isinstance(step, Create))}
    lost = [
        node
        for id in decided.removed
        for node in _below(call, call.world.nodes[id])
        if isinstance(node, Page | Database) and node.id not in staying
    ]
    if lost:
        titles = ", ".join(f'"{call.world.title(node)}"' for node in lost)
        raise ValidationFailed(
            f"This operation would delete {len(lost)} child page(s) or database(s): {titles}. "
            "Set allow_deleting_content to true to delete them."
        )


def _below(call: Call, node: Node) -> Iterable[Node]:
    """The node and what is below it, child pages not entered."""
    stack = [node]
    while stack:
        one = stack.pop()
        yield one
        if isinstance(one, Block):
            stack += call.world.alive(one)


def made(blocks: Iterable[Json]) -> int:
    """How many blocks, pages and databases parsed blocks make, all levels together."""
    total = 0
    for block in blocks:
        content = block[block["type"]]
        if block["type"] == "existing":
            total += content["id"] is None and content["kind"] != "block"
        else:
            total += 1 + made(content.get("children", ()))
    return total


def _apply(call: Call, page: Page, decided: Plan) -> None:
    world = call.world
    afford(call, made(step.block for step in decided.steps if isinstance(step, Create)))
    unseen = [id for id in page.children if not call.reaches(world.nodes[id]) or world.nodes[id].trashed]
    order: list[str] = []
    for step in decided.steps:
        order += [step.id] if isinstance(step, Keep) else place(call, page, [step.block])
    for id in decided.removed:
        if id not in order and world.nodes[id].parent_id == page.id:
            world.trash(world.nodes[id], by=call.by)
    known = set(order)
    page.children = order + [
        id for id in (*unseen, *decided.removed) if id not in known and id in page.children
    ]
    world.content_updated(page, by=call.by)
    if world.settings.content_bumps_page:
        world.touch(page, by=call.by)


def place(call: Call, parent: Page | Block, blocks: Iterable[Json]) -> list[str]:
    """Make parsed blocks below a parent, moving here what exists already; the ids in order. Raises NotionError."""
    placed = []
    for block in blocks:
        kind = block["type"]
        if kind == "existing":
            node = _found(call, parent, block["existing"])
        else:
            node = call.world.add_block(
                parent, kind, block_types.stored(call.world, kind, block[kind]), by=call.by
            )
            place(call, node, block[kind].get("children", ()))
        if node is not None:
            placed.append(node.id)
    return placed


def _found(call: Call, parent: Page | Block, wanted: Json) -> Node | None:
    """The page, database or block that a line names, now below the parent; a new one where it has no address."""
    if wanted["id"] is None:
        return _made(call, parent, wanted)
    node = call.world.nodes.get(wanted["id"])
    if node is None or not call.reaches(node):
        raise _unknown(call, wanted)
    if any(one is node for one in call.world.lineage(parent)):
        raise ValidationFailed("A page cannot be moved into itself.")
    if isinstance(node, Page | Database):
        if node.parent_id != parent.id:
            call.world.move(node, parent, by=call.by)
    elif isinstance(node, Block):
        _rehang(call, node, parent)
    return node


def _unknown(call: Call, wanted: Json) -> ObjectNotFound:
    return call.missing(wanted["kind"], wanted["id"])


def _made(call: Call, parent: Page | Block, wanted: Json) -> Node | None:
    if wanted["kind"] == "page":
        return call.world.create_page(parent, wanted["title"], by=call.by)
    if wanted["kind"] == "database":
        database = call.world.create_database(
            parent, wanted["title"] or "New database", by=call.by, is_inline=wanted["inline"]
        )
        if wanted["data_source"] is None:  # with one it is a linked view
            call.world.create_data_source(database, by=call.by)
        return database
    return None


def _rehang(call: Call, node: Block, parent: Page | Block) -> None:
    """A block that the edit took along into another one."""
    old = call.world.nodes[node.parent_id]
    if old is parent:
        return
    old.children.remove(node.id)
    if isinstance(old, Block):
        old.rendered = None
    parent.children.append(node.id)
    node.parent_kind, node.parent_id, node.rendered = parent.kind, parent.id, None
    for one in (old, parent):
        if isinstance(one, Block):
            one.rendered = None
