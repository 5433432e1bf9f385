"""The block types: what a request may say, what is stored, what an answer shows.

One row per type in TYPES; fields stand in the recorded key order
(https://developers.notion.com/reference/block). Types that the API cannot create have no row to create from:
child_page and child_database are Page and Database, meeting_notes has its own operation, link_preview and unsupported
are made in the app.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from notion_emulator import files
from notion_emulator.ids import dashed
from notion_emulator.languages import LANGUAGES
from notion_emulator.objects import Block, Node
from notion_emulator.rich_text import COLORS, RICH_TEXT, URL, normalise, render
from notion_emulator.rich_text import is_fixed as text_is_fixed
from notion_emulator.validate import (
    Check,
    array,
    boolean,
    integer,
    literal,
    nullable,
    number,
    obj,
    one_key,
    string,
    uuid,
)

if TYPE_CHECKING:
    from notion_emulator.call import Call
    from notion_emulator.world import World

__all__ = ["TYPES", "BlockType", "has_children", "is_fixed", "rendered", "source_id", "stored"]

Json = dict[str, Any]
Accept = Callable[["World", Any], Any]


def _as_is(_world: World, value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a type's object."""

    check: Check
    default: Any = None
    required: bool = False
    accept: Accept = _as_is
    absent: bool = False  # left out of answers while it has no value
    updatable: bool = True


@dataclass(frozen=True, slots=True)
class BlockType:
    """A type's fields, and what may stand below it: nothing, anything, or only these types."""

    fields: Mapping[str, Field]
    children: bool | tuple[str, ...] = False
    fewest: int = 0  # children that must come with it
    updatable: bool = True
    media: bool = False


TEXT = Field(RICH_TEXT, (), required=True, accept=normalise)
CAPTION = Field(RICH_TEXT, (), accept=normalise)
COLOR = Field(literal(*COLORS), "default")
FLAG = Field(boolean, default=False)
PLAIN_TEXT = {"rich_text": TEXT, "color": COLOR}
HEADING = BlockType({"rich_text": TEXT, "is_toggleable": FLAG, "color": COLOR}, children=True)
LINKED = {"caption": CAPTION, "url": Field(URL, required=True)}


def _synced_from(_world: World, value: Json | None) -> Json | None:
    return value and {"type": "block_id", "block_id": dashed(value["block_id"])}


def _cells(world: World, value: list[list[Json]]) -> list[list[Json]]:
    return [normalise(world, cell) for cell in value]


ICON = Field(files.ICON, accept=files.accept)
CALLOUT_ICON = Field(files.ICON, {"type": "emoji", "emoji": "💡"}, accept=files.accept)
SYNCED = Field(
    nullable(obj({"block_id": uuid}, {"type": literal("block_id")})), required=True, accept=_synced_from
)
MEDIA = BlockType({"caption": CAPTION}, media=True)
CREATED_ONCE = partial(Field, updatable=False)

TYPES: dict[str, BlockType] = {
    "paragraph": BlockType({"rich_text": TEXT, "icon": ICON, "color": COLOR}, children=True),
    "heading_1": HEADING,
    "heading_2": HEADING,
    "heading_3": HEADING,
    "heading_4": HEADING,
    "bulleted_list_item": BlockType(PLAIN_TEXT, children=True),
    "numbered_list_item": BlockType(
        {
            **PLAIN_TEXT,
            "list_start_index": Field(integer(1, 1_000_000), absent=True),
            "list_format": Field(literal("numbers", "letters", "roman"), absent=True),
        },
        children=True,
    ),
    "to_do": BlockType({"rich_text": TEXT, "checked": FLAG, "color": COLOR}, children=True),
    "toggle": BlockType(PLAIN_TEXT, children=True),
    "quote": BlockType(PLAIN_TEXT, children=True),
    "callout": BlockType({"rich_text": TEXT, "icon": CALLOUT_ICON, "color": COLOR}, children=True),
    "code": BlockType({
        "caption": CAPTION, "rich_text": TEXT, "language": Field(literal(*LANGUAGES), required=True),
    }),
    "equation": BlockType({"expression": Field(string(1000), required=True)}),
    "divider": BlockType({}, updatable=False),
    "breadcrumb": BlockType({}, updatable=False),
    "table_of_contents": BlockType({"color": COLOR}),
    "column_list": BlockType({}, children=("column",), fewest=2, updatable=False),
    "column": BlockType({"width_ratio": Field(number, absent=True)}, children=True, fewest=1),
    "tab": BlockType({}, children=("paragraph",), fewest=1),
    "table": BlockType(
        {
            "table_width": CREATED_ONCE(integer(1, 100), required=True),
            "has_column_header": FLAG,
            "has_row_header": FLAG,
        },
        children=("table_row",),
        fewest=1,
    ),
    "table_row": BlockType({"cells": Field(array(RICH_TEXT), required=True, accept=_cells)}),
    "synced_block": BlockType({"synced_from": SYNCED}, children=True),
    "template": BlockType({"rich_text": TEXT}, children=True),
    "link_to_page": BlockType({}),
    "embed": BlockType({"caption": CAPTION, "url": Field(URL)}),
    "bookmark": BlockType(LINKED),
    "image": MEDIA,
    "video": MEDIA,
    "audio": MEDIA,
    "pdf": MEDIA,
    "file": BlockType({"caption": CAPTION, "name": Field(string(900), absent=True)}, media=True),
}  # fmt: skip
LINK_TO_PAGE = one_key(dict.fromkeys(("page_id", "database_id", "comment_id"), uuid))


def stored(world: World, type: str, request: Json, *, old: Json | None = None) -> Json:
    """The stored object of a checked request, defaults filled in; over ``old`` it is an update."""
    kind = TYPES[type]
    if type == "link_to_page":
        key = next(key for key in request if key != "type")
        return {"type": key, key: dashed(request[key])}
    if type == "embed" and "file_upload" in request:
        source = files.accept(world, {"file_upload": request["file_upload"]})
        return {
            "caption": _value(world, kind.fields["caption"], request, "caption", old),
            "url": source and source["file"],
        }
    result: Json = {}
    for name, field in kind.fields.items():
        value = _value(world, field, request, name, old)
        if not (field.absent and value is None) and name != "name":
            result[name] = value
    if kind.media:
        result |= _source(world, request, old)
    if type == "file":
        result["name"] = request.get("name") or (old or {}).get("name") or _file_name(world, result)
    return result


def _value(world: World, field: Field, request: Json, name: str, old: Json | None) -> Any:
    if name in request:
        return (
            field.accept(world, request[name])
            if request[name] is not None or field.accept is not normalise
            else []
        )
    if old is not None and name in old:
        return old[name]
    return list(field.default) if isinstance(field.default, tuple) else field.default


def _source(world: World, request: Json, old: Json | None) -> Json:
    given = {key: request[key] for key in files.FILE_SOURCES if key in request}
    if given:
        return files.accept(world, given) or {}
    return {key: value for key, value in (old or {}).items() if key in ("type", "external", "file")}


def _file_name(world: World, content: Json) -> str:
    if content["type"] == "file":
        return world.files[content["file"]["key"]].name
    path = content["external"]["url"].split("?")[0].rstrip("/")
    return str(path.rsplit("/", 1)[-1])


NEVER_FIXED = frozenset({"synced_block", "meeting_notes"})


def is_fixed(block: Block) -> bool:
    """Whether nothing but a change of the block itself can change its answer: no signed URL, mention, mirror."""
    content = block.content
    if block.type in NEVER_FIXED or content.get("type") == "file" or isinstance(content.get("url"), dict):
        return False
    if (icon := content.get("icon")) and icon["type"] in ("file", "custom_emoji"):
        return False
    if not text_is_fixed(content.get("rich_text", ())) or not text_is_fixed(content.get("caption", ())):
        return False
    return all(map(text_is_fixed, content.get("cells", ())))


def rendered(call: Call, block: Block) -> Json:
    """The type's object as an answer shows it now."""
    if is_fixed(block):
        return block.content
    shown = dict(block.content)
    for key in ("rich_text", "caption", "title"):
        if key in shown:
            shown[key] = render(call, shown[key])
    if "cells" in shown:
        shown["cells"] = [render(call, cell) for cell in shown["cells"]]
    if "icon" in shown:
        shown["icon"] = files.rendered(call, shown["icon"])
    if shown.get("type") == "file":
        shown["file"] = call.signed(shown["file"]["key"])
    if isinstance(shown.get("url"), dict):
        shown["url"] = call.signed(shown["url"]["key"])["url"]
    return shown


def source_id(node: Node) -> str | None:
    """The id of the original of a copy of a synced block; None for anything else."""
    copied = (
        node.content.get("synced_from") if isinstance(node, Block) and node.type == "synced_block" else None
    )
    return copied["block_id"] if copied else None


def has_children(world: World, node: Node) -> bool:
    """Whether an answer says that something is below; of a copy it says so whatever became of the original."""
    return source_id(node) is not None or world.has_children(node)
