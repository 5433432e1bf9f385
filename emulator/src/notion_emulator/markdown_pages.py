"""The Markdown operations of a page (https://developers.notion.com/reference/retrieve-page-markdown)."""

from notion_emulator import inline_input, markdown, markdown_input
from notion_emulator.call import Answer, Call
from notion_emulator.files import rendered
from notion_emulator.ids import undashed
from notion_emulator.objects import Json, Node
from notion_emulator.rich_text import normalise
from notion_emulator.validate import literal, refuse

__all__ = ["inline", "parsed", "retrieve", "written"]

VERSION = literal("v1", "v2")
TRUE_OR_FALSE = literal("true", "false")


def retrieve(call: Call) -> Answer:
    """``GET /pages/{page_id}/markdown``: a page, or a block with what is below it."""
    call.allow("read_content")
    for name, check in (("markdown_version", VERSION), ("include_transcript", TRUE_OR_FALSE)):
        if name in call.query:
            refuse("query", check(call.query[name][-1], f"query.{name}", ("`undefined`",)))
    transcript = call.query.get("include_transcript", ["false"])[-1] == "true"
    node = call.node(call.path["page_id"], "page")
    answer = written(call, node, transcript=transcript)
    if answer["unknown_block_ids"] == [
        node.id
    ]:  # a reader that asks for what was left out must not ask for ever
        raise call.missing("page", node.id)
    return Answer(answer)


def written(call: Call, node: Node, *, transcript: bool = False) -> Json:
    """The page_markdown object of a node."""
    done = markdown.render(
        call.world, node, link=lambda one: call.world.settings.page_host + undashed(one.id), file_url=lambda stored: _file_url(call, stored),
        visible=call.reaches, limit=call.world.settings.markdown_blocks, transcript=transcript,
    )  # fmt: skip
    return {
        "object": "page_markdown", "id": node.id, "markdown": done.markdown, "truncated": done.truncated,
        "unknown_block_ids": list(done.unknown_block_ids),
    }  # fmt: skip


def _file_url(call: Call, stored: Json) -> str:
    shown = rendered(call, stored) or {}
    return str(shown[shown["type"]]["url"])


def parsed(text: str, *, titled: bool) -> tuple[list[Json] | None, list[Json]]:
    """The title (where it is asked for and there is a first heading) and the blocks of a Markdown text."""
    blocks = markdown_input.parse(text)
    if not titled:
        return None, blocks
    return markdown_input.split_title(blocks)


def inline(call: Call, text: str) -> list[Json]:
    """The rich text of inline Markdown."""
    return normalise(call.world, inline_input.rich_text(text))
