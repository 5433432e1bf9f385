"""Every block type in Notion's own dialect of Markdown, version 1: the style ``notion``.

A child stands one tab to the right of its parent. What the dialect has no form for is an ``<unknown>`` element
with the block's address. Two additions keep text that the dialect has no place for: a text or caption inside of
``<unknown>``, and the ``name`` of a file that has a caption and another address.
https://developers.notion.com/guides/data-apis/enhanced-markdown
"""

from collections.abc import Callable, Mapping, Sequence

from .blocks import Block, sections, texts
from .canonical import is_signed
from .dialects import destination, one_line
from .links import asset_url, icon_text
from .notion_text import NOTION, attributes, color_name, notion_text, tag
from .rendering import Lines, Piece, Renderer, Style, media_name

__all__ = ["ENHANCED"]


def _inline(piece: Piece, key: str = "rich_text") -> str:
    return one_line(piece.data.get(key), NOTION, links=piece.links)


def _children(piece: Piece) -> Lines:
    return _deeper(piece.body)


def _deeper(lines: Sequence[str]) -> Lines:
    return [f"\t{line}" for line in lines]


def _suffix(**values: str | None) -> str:
    """Attributes at the end of a block's first line."""
    shown = attributes(**values).strip()
    return f" {{{shown}}}" if shown else ""


def _color(piece: Piece) -> str:
    return color_name(piece.data.get("color"))


def _icon(piece: Piece) -> str:
    icon = piece.data.get("icon")
    return icon_text(icon) or piece.links.asset(piece.block.id, asset_url(icon)) if icon else ""


def _line(prefix: str) -> Renderer:
    """A block that is one line: a prefix, its text, its colour."""

    def write(piece: Piece) -> Lines:
        return [prefix + _inline(piece) + _suffix(color=_color(piece)), *_children(piece)]

    return write


def _paragraph(piece: Piece) -> Lines:
    text = _inline(piece)
    first = text + _suffix(color=_color(piece)) if text else "<empty-block/>"
    return [first, *_children(piece)]


def _heading(level: int) -> Renderer:
    def write(piece: Piece) -> Lines:
        toggle = "true" if piece.data.get("is_toggleable") else ""
        suffix = _suffix(toggle=toggle, color=_color(piece))
        return [f"{'#' * level} {_inline(piece)}{suffix}", *_children(piece)]

    return write


def _numbered(piece: Piece) -> Lines:
    return _line(f"{piece.number}. ")(piece)


def _to_do(piece: Piece) -> Lines:
    return _line("- [x] " if piece.data.get("checked") else "- [ ] ")(piece)


def _toggle(piece: Piece) -> Lines:
    summary = f"<summary>{_inline(piece)}</summary>"
    return [f"<details{attributes(color=_color(piece))}>", summary, *_children(piece), "</details>"]


def _callout(piece: Piece) -> Lines:
    text = _inline(piece)
    inside = [text, *piece.body] if text else piece.body
    opening = f"<callout{attributes(icon=_icon(piece), color=_color(piece))}>"
    return [opening, *_deeper(inside), "</callout>"]


def _code(piece: Piece) -> Lines:
    """Code is literal. The dialect has no place for a caption: it follows as a line of its own."""
    content = "".join(str(run.get("plain_text") or "") for run in piece.data.get("rich_text") or ())
    lines = content.split("\n")
    fence = "`" * max(3, 1 + max((_backticks(line) for line in lines), default=0))
    caption = _inline(piece, "caption")
    block = [f"{fence}{piece.data.get('language') or ''}", *lines, fence]
    return [*block, *([caption] if caption else []), *_children(piece)]


def _backticks(line: str) -> int:
    """The length of the run of backticks that begins the line, which alone could close a fence."""
    stripped = line.lstrip()
    return len(stripped) - len(stripped.lstrip("`"))


def _equation(piece: Piece) -> Lines:
    return ["$$", *str(piece.data.get("expression") or "").split("\n"), "$$", *_children(piece)]


def _fixed(line: str) -> Renderer:
    return lambda piece: [line, *_children(piece)]


def _element(name: str, *, color: bool = False) -> Callable[[Piece], Lines]:
    """A block that only holds others."""

    def write(piece: Piece) -> Lines:
        shown = attributes(color=_color(piece)) if color else ""
        return [f"<{name}{shown}>", *_children(piece), f"</{name}>"]

    return write


def _column(piece: Piece) -> Lines:
    ratio = piece.data.get("width_ratio")
    percent = f"{100 * ratio:.4g}" if isinstance(ratio, (int, float)) else ""
    return [f"<column{attributes(ratio=percent)}>", *_children(piece), "</column>"]


def _tab_item(piece: Piece) -> Lines:
    opening = f"<tab{attributes(icon=_icon(piece))}>"
    return [opening, *_deeper([_inline(piece), *piece.body]), "</tab>"]


def _table(piece: Piece) -> Lines:
    header = "true" if piece.data.get("has_column_header") else ""
    side = "true" if piece.data.get("has_row_header") else ""
    return [f"<table{attributes(header_row=header, header_column=side)}>", *piece.body, "</table>"]


def _table_row(piece: Piece) -> Lines:
    cells = (one_line(cell, NOTION, links=piece.links) for cell in piece.data.get("cells") or ())
    return ["<tr>", *(f"<td>{cell}</td>" for cell in cells), "</tr>", *piece.body]


def _image(piece: Piece) -> Lines:
    url = piece.links.asset(piece.block.id, asset_url(piece.data), text=media_name(piece.data))
    return [f"![{_inline(piece, 'caption')}]({destination(url)})", *_children(piece)]


def _media(name: str) -> Renderer:
    def write(piece: Piece) -> Lines:
        title = media_name(piece.data)
        url = piece.links.asset(piece.block.id, asset_url(piece.data), text=title)
        named = notion_text(title) if piece.data.get("name") else ""
        caption = _inline(piece, "caption")
        hidden = title if named and caption and title not in url else ""
        return [_closed(name, caption or named, src=url, name=hidden), *_children(piece)]

    return write


def _closed(element: str, text: str, **values: str | None) -> str:
    """An element that the dialect always writes with an end tag."""
    return f"<{element}{attributes(**values)}>{text}</{element}>"


def _embed(piece: Piece) -> Lines:
    """An HTML file that Notion hosts has a form of its own; an embedded site has none."""
    url = str(piece.data.get("url") or "")
    if not is_signed(url):
        return _unknown("embed")(piece)
    src = piece.links.asset(piece.block.id, url, text=media_name(piece.data))
    return [_closed("embed", _inline(piece, "caption"), src=src), *_children(piece)]


def _child(name: str) -> Renderer:
    def write(piece: Piece) -> Lines:
        title = str(piece.data.get("title") or "")
        kind = "page" if name == "page" else "database"
        url = piece.links.to(kind, piece.block.id, text=title)
        return [_closed(name, notion_text(title).replace("\n", "<br>"), url=url), *_children(piece)]

    return write


def _contents(piece: Piece) -> Lines:
    return [tag("table_of_contents", "", color=_color(piece)), *_children(piece)]


def _synced(piece: Piece) -> Lines:
    source = piece.data.get("synced_from")
    original = source.get("block_id") if isinstance(source, Mapping) else None
    if original is None:
        return [f"<synced_block{attributes(url=piece.url)}>", *_children(piece), "</synced_block>"]
    url = piece.links.elsewhere(str(original))
    return [f"<synced_block_reference{attributes(url=url)}>", *_children(piece), "</synced_block_reference>"]


def _meeting(piece: Piece) -> Lines:
    """Each part stands in an element of its own; what hangs below besides follows as it is."""
    names = sections(piece.block.raw)
    title = _inline(piece, "title")
    inside = [title] if title else []
    for child, lines in zip(piece.block.children, piece.parts, strict=True):
        name = names.get(child.id)
        inside += lines if name is None else [f"<{name}>", *_deeper(lines), f"</{name}>"]
    return ["<meeting-notes>", *_deeper(inside), "</meeting-notes>"]


def _body(piece: Piece) -> Lines:
    return piece.body


def _unread(piece: Piece) -> Lines:
    reason = str(piece.data.get("reason") or "")
    return [tag("unknown", "", url=piece.url, alt=f"not read: {reason}")]


def _unknown(name: str | None = None) -> Renderer:
    """A block without a form in the dialect: its type and address, its text, its children."""

    def write(piece: Piece) -> Lines:
        alt = name or str(piece.data.get("block_type") or piece.block.type)
        text = "<br>".join(one_line(found, NOTION, links=piece.links) for found in texts(piece.block.raw))
        opening = tag("unknown", text, url=piece.url, alt=alt)
        if not piece.body:
            return [opening]
        opening = f"<unknown{attributes(url=piece.url, alt=alt)}>"
        return [opening, *_deeper([text, *piece.body] if text else piece.body), "</unknown>"]

    return write


def _stacked(_blocks: Sequence[Block], parts: Sequence[Lines]) -> Lines:
    """Siblings stand under each other with nothing between."""
    return [line for lines in parts for line in lines]


_RENDERERS: Mapping[str, Renderer] = {
    "paragraph": _paragraph,
    "heading_1": _heading(1),
    "heading_2": _heading(2),
    "heading_3": _heading(3),
    "heading_4": _heading(4),
    "bulleted_list_item": _line("- "),
    "numbered_list_item": _numbered,
    "to_do": _to_do,
    "toggle": _toggle,
    "quote": _line("> "),
    "callout": _callout,
    "code": _code,
    "equation": _equation,
    "divider": _fixed("---"),
    "breadcrumb": _unknown("breadcrumb"),
    "table_of_contents": _contents,
    "column_list": _element("columns"),
    "column": _column,
    "tab": _element("tabs"),
    "tab_item": _tab_item,
    "table": _table,
    "table_row": _table_row,
    "synced_block": _synced,
    "template": _unknown("template"),
    "link_to_page": _unknown("alias"),
    "child_page": _child("page"),
    "child_database": _child("database"),
    "embed": _embed,
    "bookmark": _unknown("bookmark"),
    "link_preview": _unknown("link_preview"),
    "image": _image,
    "video": _media("video"),
    "audio": _media("audio"),
    "pdf": _media("pdf"),
    "file": _media("file"),
    "meeting_notes": _meeting,
    "transcription": _meeting,
    "section": _body,
    "unsupported": _unknown(),
    "unread": _unread,
}

ENHANCED = Style(renderers=_RENDERERS, unknown=_unknown(), join=_stacked)
