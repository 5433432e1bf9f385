"""Comments: list, create, retrieve, change, delete (https://developers.notion.com/reference/comment-object)."""

from typing import Any

from notion_emulator import markdown_pages
from notion_emulator.call import Answer, Call
from notion_emulator.clock import minute
from notion_emulator.errors import RestrictedResource, ValidationFailed
from notion_emulator.files import attach
from notion_emulator.ids import dashed
from notion_emulator.objects import Comment, Event, Json, Node
from notion_emulator.paging import envelope, page_of_ids, query_paging
from notion_emulator.rich_text import RICH_TEXT, normalise, render
from notion_emulator.validate import (
    MISSING,
    array,
    expected,
    literal,
    obj,
    one_key,
    refuse,
    string,
    tagged,
    uuid,
)

__all__ = ["create", "delete", "list_all", "retrieve", "update"]

PARENT = one_key({"page_id": uuid, "block_id": uuid})
NAME = tagged({
    "custom": obj({"type": literal("custom"), "custom": obj({"name": string(shortest=1)})}),
    "user": obj({"type": literal("user")}, {"user": obj({})}),
    "integration": obj({"type": literal("integration")}, {"integration": obj({})}),
})  # fmt: skip
ATTACHMENT = obj({"file_upload_id": uuid}, {"type": literal("file_upload")})
TEXT = {"rich_text": RICH_TEXT, "markdown": string(), "markdown_version": literal("v1", "v2")}
CREATE = obj({}, {
    "parent": PARENT, "discussion_id": uuid, **TEXT, "attachments": array(ATTACHMENT, longest=3), "display_name": NAME,
})  # fmt: skip
UPDATE = obj({}, TEXT)
CATEGORIES = {"audio": "audio", "image": "image", "video": "video"}


def shown(call: Call, comment: Comment) -> Json:
    """A comment, in the recorded key order; attachments only where there are some."""
    attachments = [
        {"category": one["category"], "file": call.signed(one["key"])} for one in comment.attachments
    ]
    return {
        "object": "comment",
        "id": comment.id,
        "parent": {"type": f"{comment.parent_kind}_id", f"{comment.parent_kind}_id": comment.parent_id},
        "discussion_id": comment.discussion_id,
        "created_time": minute(comment.created),
        "last_edited_time": minute(comment.edited),
        "created_by": {"object": "user", "id": comment.created_by},
        "rich_text": render(call, comment.rich_text),
        "display_name": comment.display_name or _name(call, comment),
        **({"attachments": attachments} if attachments else {}),
    }


def _name(call: Call, comment: Comment) -> Json:
    user = call.world.users.get(comment.created_by)
    kind = "integration" if user is None or user.type == "bot" else "user"
    return {"type": kind, "resolved_name": user.name if user else None}


def list_all(call: Call) -> Answer:
    """``GET /comments``: the open ones of exactly this page or block, oldest first."""
    call.allow("read_comments")
    id = call.query.get("block_id", [None])[-1]
    refuse(
        "query",
        expected("query.block_id", "defined", value=MISSING)
        if id is None
        else uuid(id, "query.block_id", ()),
    )
    node = call.node(dashed(id or "") or "")
    cursor, size = query_paging(call)
    comments = call.world.comments
    listed = [
        one
        for one in call.world.comments_on.get(node.id, [])
        if one in comments and not comments[one].resolved
    ]
    ids, following = page_of_ids(listed, cursor, size=size)
    return Answer(envelope([shown(call, comments[one]) for one in ids], "comment", following))


def create(call: Call) -> Answer:
    """``POST /comments``: on a page or block, or as a reply to a discussion."""
    call.allow("insert_comments")
    body = call.checked(CREATE)
    if ("parent" in body) == ("discussion_id" in body):
        other = "discussion_id" if "parent" in body else "parent"
        raise ValidationFailed(
            f"Exactly one of body.parent and body.discussion_id should be defined; body.{other} is the other one."
        )
    node, discussion = _place(call, body)
    comment = call.world.add_comment(
        node, _text(call, body), discussion_id=discussion, by=call.by, display_name=_display(call, body),
        attachments=[_attachment(call, one) for one in body.get("attachments", [])], connection=call.connection.id,
    )  # fmt: skip
    return Answer(shown(call, comment))


def _place(call: Call, body: Json) -> tuple[Node, str | None]:
    if "parent" in body:
        key = "page_id" if "page_id" in body["parent"] else "block_id"
        return call.node(body["parent"][key], key.removesuffix("_id")), None
    id = dashed(body["discussion_id"])
    for comment in call.world.comments.values():
        if comment.discussion_id == id and call.reaches(node := call.world.nodes[comment.parent_id]):
            return node, id
    raise call.missing("discussion", body["discussion_id"])


def _text(call: Call, body: Json) -> list[Json]:
    """The rich text of a request that gives it as such or as inline Markdown. Raises ValidationFailed."""
    if ("rich_text" in body) == ("markdown" in body):
        raise ValidationFailed("Exactly one of body.rich_text and body.markdown should be defined.")
    if "markdown_version" in body and "markdown" not in body:
        refuse("body", expected("body.markdown_version", "not present", value=body["markdown_version"]))
    if "markdown" in body:
        return markdown_pages.inline(call, body["markdown"])
    return normalise(call.world, body["rich_text"])


def _display(call: Call, body: Json) -> Json | None:
    request: Any = body.get("display_name")
    if request is None:
        return None
    if request["type"] == "custom":
        return {"type": "custom", "resolved_name": request["custom"]["name"]}
    bot = call.world.users[call.connection.bot_id]
    owner = call.world.users.get(bot.owner or "")
    return {
        "type": request["type"],
        "resolved_name": (owner or bot).name if request["type"] == "user" else bot.name,
    }


def _attachment(call: Call, request: Json) -> Json:
    key = attach(call.world, request["file_upload_id"])
    kind = call.world.files[key].content_type
    category = "pdf" if kind == "application/pdf" else CATEGORIES.get(kind.split("/")[0], "productivity")
    return {"category": category, "key": key}


def retrieve(call: Call) -> Answer:
    """``GET /comments/{comment_id}``."""
    call.allow("read_comments")
    return Answer(shown(call, _found(call)))


def _found(call: Call) -> Comment:
    comment = call.world.comments.get(call.path["comment_id"])
    if comment is None or not call.reaches(call.world.nodes[comment.parent_id]):
        raise call.missing("comment", call.path["comment_id"])
    return comment


def _own(call: Call) -> Comment:
    """A comment that this connection made; others cannot be changed."""
    comment = _found(call)
    if comment.connection != call.connection.id:
        raise RestrictedResource("Only comments created by this integration can be changed.")
    return comment


def update(call: Call) -> Answer:
    """``PATCH /comments/{comment_id}``: its text, by the connection that wrote it."""
    call.allow("insert_comments")
    comment = _own(call)
    comment.rich_text = _text(call, call.checked(UPDATE))
    comment.edited = call.world.clock.now()
    call.world.emit(Event("comment.updated", "comment", comment.id, comment.edited, call.by, {}))
    return Answer(shown(call, comment))


def delete(call: Call) -> Answer:
    """``DELETE /comments/{comment_id}``: answers the comment as it was."""
    call.allow("insert_comments")
    comment = _own(call)
    del call.world.comments[comment.id]
    call.world.comments_on[comment.parent_id].remove(comment.id)
    data = {"page_id": comment.parent_id, "parent": {"id": comment.parent_id, "type": comment.parent_kind}}
    call.world.emit(Event("comment.deleted", "comment", comment.id, call.world.clock.now(), call.by, data))
    return Answer(shown(call, comment))
