"""The checks of blocks in requests: one block to append with what is below it, one block to update.

``children`` may nest two levels below the blocks of one request; a list holds at most 100, all levels together 1,000
(https://developers.notion.com/reference/request-limits).
"""

from typing import Any

from notion_emulator.block_types import LINK_TO_PAGE, TYPES, BlockType
from notion_emulator.files import EXTERNAL, UPLOAD
from notion_emulator.validate import MISSING, Check, boolean, child, either, expected, literal, obj

__all__ = ["CHILDREN", "MOST_BLOCKS", "blocks_in", "row_widths", "update_check"]

DEEPEST = 2
MOST_BLOCKS = 1000


def _content_check(name: str, kind: BlockType, *, update: bool) -> Check:
    """The check of a type's object, without children."""
    if name == "link_to_page":
        return LINK_TO_PAGE
    required = {key: field.check for key, field in kind.fields.items() if field.required and not update}
    optional = {
        key: field.check
        for key, field in kind.fields.items()
        if key not in required and (field.updatable or not update)
    }
    if name == "embed" and not update:
        return either(
            obj({"url": kind.fields["url"].check}, optional), obj({"file_upload": UPLOAD}, optional)
        )
    if kind.media:
        sources = {"external": EXTERNAL, "file_upload": UPLOAD}
        tag = {"type": literal("external", "file_upload")}
        if update:
            return obj({}, {**optional, **tag, **sources})
        return either(*(obj({key: check}, {**optional, **tag}) for key, check in sources.items()))
    return obj(required, optional)


CREATE = {name: _content_check(name, kind, update=False) for name, kind in TYPES.items()}
UPDATE = {name: _content_check(name, kind, update=True) for name, kind in TYPES.items() if kind.updatable}


def CHILDREN(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:  # noqa: N802 - a check, like the constants beside it
    """The ``children`` of a request."""
    return _children(value, path, alt, depth=0, allowed=True)


def _children(
    value: Any, path: str, alt: tuple[str, ...], *, depth: int, allowed: bool | tuple[str, ...]
) -> list[str]:
    if not isinstance(value, list):
        return expected(path, "an array", *alt, value=value)
    if len(value) > 100:
        return expected(f"{path}.length", "≤ `100`", value=len(value))
    for index, one in enumerate(value):
        if lines := _block(one, f"{path}[{index}]", depth=depth, allowed=allowed):
            return lines
    return []


def _block(value: Any, path: str, *, depth: int, allowed: bool | tuple[str, ...]) -> list[str]:
    if not isinstance(value, dict):
        return expected(path, "an object", value=value)
    types = allowed if isinstance(allowed, tuple) else tuple(CREATE)
    name = _type_of(value, types)
    if name is None:
        return [line for one in types for line in expected(child(path, one), "defined", value=MISSING)]
    shape = obj(
        {name: lambda *_: []}, {"object": literal("block"), "type": literal(name), "has_children": boolean}
    )
    if lines := shape(value, path, ()):
        return lines
    return _content(value[name], child(path, name), name=name, depth=depth)


def _type_of(value: dict[str, Any], types: tuple[str, ...]) -> str | None:
    named = value.get("type")
    if isinstance(named, str):
        return named if named in types else None
    return next((key for key in value if key in types), None)


def _content(value: Any, path: str, *, name: str, depth: int) -> list[str]:
    kind = TYPES[name]
    if not isinstance(value, dict):
        return expected(path, "an object", value=value)
    below = value.get("children", MISSING)
    bare = {key: one for key, one in value.items() if key != "children"}
    if lines := CREATE[name](bare, path, ()):
        return lines
    place = f"{path}.children"
    if below is MISSING:
        return expected(place, "defined", value=MISSING) if kind.fewest else []
    toggles = name.startswith("heading_") and not value.get("is_toggleable")
    if not kind.children or depth >= DEEPEST or toggles:
        return expected(place, "not present", value=below)
    if lines := _children(below, place, ("`undefined`",), depth=depth + 1, allowed=kind.children):
        return lines
    if len(below) < kind.fewest:
        return expected(f"{place}.length", f"≥ `{kind.fewest}`", value=len(below))
    return row_widths(below, place, width=value["table_width"]) if name == "table" else []


def row_widths(rows: list[dict[str, Any]], path: str, *, width: int) -> list[str]:
    """The lines for the first row that has not as many cells as its table is wide."""
    for index, row in enumerate(rows):
        cells = row["table_row"]["cells"]
        if len(cells) != width:
            return expected(f"{path}[{index}].table_row.cells.length", f"`{width}`", value=len(cells))
    return []


def blocks_in(children: list[dict[str, Any]]) -> int:
    """The number of blocks of checked children, all levels together."""
    total = len(children)
    for one in children:
        content = one[next(key for key in one if key in TYPES)]
        total += blocks_in(content.get("children", []))
    return total


def update_check(name: str) -> Check | None:
    """The check of the type's object in ``PATCH /blocks/{id}``; None where the type cannot be updated."""
    return UPDATE.get(name)
