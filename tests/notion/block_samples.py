"""Blocks for tests, in the shapes Notion sends, and Hypothesis strategies for them."""

import itertools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from syncline.notion.blocks import Block

PAGE_URL = "https://app.notion.com/p/Sample-0000000000004000800000000000000a"


def uid(name: str) -> str:
    """The id that stands for `name`."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def run(content: str, *, link: str | None = None, color: str = "default", **marks: bool) -> dict[str, Any]:
    """One run of text as Notion answers it."""
    names = ("bold", "italic", "strikethrough", "underline", "code")
    return {
        "type": "text",
        "text": {"content": content, "link": {"url": link} if link else None},
        "annotations": {**{name: marks.get(name, False) for name in names}, "color": color},
        "plain_text": content,
        "href": link,
    }


def equation(expression: str) -> dict[str, Any]:
    return {**run(expression), "type": "equation", "equation": {"expression": expression}}


def mention(kind: str, payload: Mapping[str, Any], text: str, *, href: str | None = None) -> dict[str, Any]:
    return {**run(text), "type": "mention", "mention": {"type": kind, kind: payload}, "href": href}


def block(kind: str, *children: Block, data: Mapping[str, Any] | None = None, name: str = "") -> Block:
    """A block with its children, as `tree` would give it."""
    identity = uid(name or kind)
    raw = {
        "object": "block",
        "id": identity,
        "has_children": bool(children),
        "in_trash": False,
        "type": kind,
        kind: dict(data or {}),
    }
    return Block(identity, kind, raw, children)


def said(kind: str, text: str | Sequence[Mapping[str, Any]], *children: Block, **data: Any) -> Block:
    """A block with a text."""
    rich = [run(text)] if isinstance(text, str) and text else list(text)
    return block(kind, *children, data={"rich_text": rich, "color": "default", **data})


def captioned(kind: str, caption: str, **data: Any) -> Block:
    return block(kind, data={"caption": [run(caption)] if caption else [], **data})


def external(kind: str, url: str, caption: str = "", **data: Any) -> Block:
    return captioned(kind, caption, type="external", external={"url": url}, **data)


def table(*rows: Sequence[str], column: bool = True, row: bool = False) -> Block:
    cells = [[[run(cell)] if cell else [] for cell in line] for line in rows]
    children = (block("table_row", data={"cells": line}, name=f"row {i}") for i, line in enumerate(cells))
    shape = {"table_width": len(rows[0]), "has_column_header": column, "has_row_header": row}
    return block("table", *children, data=shape)


TRICKY = st.text(st.sampled_from(list("ab1é漢😍 \n\t*_~`$[]()<>{}|\\^#+-=!&;:.'\"/@")), max_size=12)
"""Text full of what Markdown gives a meaning."""

WORDS = st.sampled_from(["alpha", "beta 2", "42", "x_y", "a.b"])

RUNS = st.builds(
    run,
    st.one_of(TRICKY, WORDS),
    link=st.one_of(
        st.none(), st.sampled_from(["https://example.com/a_(b)?q=1&amp;r=*", "https://example.com/ü x"])
    ),
    color=st.sampled_from(["default", "red", "blue_background"]),
    bold=st.booleans(),
    italic=st.booleans(),
    strikethrough=st.booleans(),
    underline=st.booleans(),
    code=st.booleans(),
)
RICH_TEXTS = st.lists(RUNS, max_size=6)

_TEXT_TYPES = (
    "paragraph",
    "heading_1",
    "heading_2",
    "heading_3",
    "heading_4",
    "bulleted_list_item",
    "numbered_list_item",
    "to_do",
    "toggle",
    "quote",
    "callout",
    "template",
    "a_type_of_tomorrow",
)
_HOLDERS = ("column_list", "column", "tab", "synced_block", "table", "unsupported", "meeting_notes")


def marked_trees() -> st.SearchStrategy[tuple[Block, ...]]:
    """Trees of blocks of every kind, any below any, in which every text holds a marker of its own.

    The markers are found again by `markers`.
    """
    return st.lists(_shapes(), max_size=4).map(lambda shapes: tuple(_marked(shapes)))


def markers(text: str) -> list[str]:
    return [word for word in text.replace("\n", " ").split() if word.startswith("mark")]


def _shapes() -> st.SearchStrategy[Any]:
    leaf = st.tuples(st.sampled_from((*_TEXT_TYPES, *_HOLDERS, *_LEAVES)), st.booleans(), st.just(()))
    return st.recursive(
        leaf,
        lambda inner: st.tuples(
            st.sampled_from((*_TEXT_TYPES, *_HOLDERS, *_LEAVES)),
            st.booleans(),
            st.lists(inner, max_size=3).map(tuple),
        ),
        max_leaves=12,
    )


def _marked(shapes: Sequence[Any]) -> list[Block]:
    numbers = itertools.count()

    def word() -> str:
        return f"mark{next(numbers):04d}x"

    def text(bold: Any) -> list[dict[str, Any]]:
        return [run(word(), bold=bold), run(word(), code=bold, italic=True)]

    def build(shape: Any) -> Block:
        kind, flag, inner = shape
        data = _LEAVES[kind](word, text, flag) if kind in _LEAVES else {"rich_text": text(flag)}
        if kind in _HOLDERS:
            data = {"title": text(flag)} if kind == "meeting_notes" else {"has_column_header": flag}
        if kind == "to_do":
            data["checked"] = flag
        children = tuple(build(child) for child in inner)
        return block(kind, *children, data=data, name=str(next(numbers)))

    return [build(shape) for shape in shapes]


_LEAVES: Mapping[str, Any] = {
    "code": lambda word, text, flag: {"rich_text": [run(word())], "caption": text(flag), "language": "sql"},
    "equation": lambda word, text, flag: {"expression": word()},
    "divider": lambda word, text, flag: {},
    "breadcrumb": lambda word, text, flag: {},
    "table_of_contents": lambda word, text, flag: {"color": "gray"},
    "table_row": lambda word, text, flag: {"cells": [text(flag), [], text(not flag)]},
    "child_page": lambda word, text, flag: {"title": word()},
    "child_database": lambda word, text, flag: {"title": word()},
    "embed": lambda word, text, flag: {"url": "https://example.com/", "caption": text(flag)},
    "bookmark": lambda word, text, flag: {"url": "https://example.com/", "caption": text(flag)},
    "link_preview": lambda word, text, flag: {"url": "https://example.com/"},
    "link_to_page": lambda word, text, flag: {"type": "page_id", "page_id": uid("page")},
    **{
        kind: lambda word, text, flag: {
            "caption": text(flag),
            "type": "external",
            "external": {"url": "https://example.com/x.bin"},
        }
        for kind in ("image", "video", "audio", "pdf")
    },
    "file": lambda word, text, flag: {
        "caption": text(flag) if flag else [],
        "name": word(),
        "type": "external",
        "external": {"url": "https://example.com/x.bin"},
    },
}
