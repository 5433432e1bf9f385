"""Every block type in plain CommonMark with GFM's tables and to-dos: the style ``portable``.

For files that people open elsewhere. Lists nest as the tree does; what hangs below a paragraph or heading follows
it. What has no form is a visible line with its type and a link to the block. Colours are left out.
https://spec.commonmark.org/0.31.2/ and https://github.github.com/gfm/
"""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .blocks import Block, sections, texts
from .dialects import broken_lines, destination, linked, one_line
from .layout import begins_list, indented, may_follow_text, quoted, siblings, spaced
from .links import asset_url, icon_text
from .portable_text import CELL, HTML, PORTABLE, portable_text
from .rendering import Lines, Piece, Renderer, Style, media_name
from .richtext import RichText, text

__all__ = ["PORTABLE_STYLE"]

_LANGUAGES: Mapping[str, str] = {
    "plain text": "",
    "c++": "cpp",
    "c#": "csharp",
    "f#": "fsharp",
    "objective-c": "objectivec",
    "visual basic": "vb",
    "vb.net": "vbnet",
    "notion formula": "",
    "java/c/c++/c#": "",
    "llvm ir": "llvm",
    "ascii art": "",
    "shell": "sh",
}
"""Where the name that renderers know differs from Notion's."""

_ICONS: Mapping[str, str] = {
    "video": "🎬",
    "audio": "🔊",
    "pdf": "📕",
    "file": "📎",
    "bookmark": "🔖",
    "embed": "🔗",
    "link_preview": "🔗",
    "child_page": "📄",
    "child_database": "🗃️",
}


def _inline(piece: Piece, key: str = "rich_text") -> str:
    return one_line(piece.data.get(key), PORTABLE, links=piece.links)


def _lines(piece: Piece) -> Lines:
    """The text of the block; no line at all where it is empty."""
    lines = broken_lines(piece.data.get("rich_text"), PORTABLE, links=piece.links)
    return [] if lines == [""] else lines


# ---------------------------------------------------------------------------------------------------- text


def _paragraph(piece: Piece) -> Lines:
    return spaced(_lines(piece), piece.body)


def _heading(level: int) -> Renderer:
    def write(piece: Piece) -> Lines:
        title = re.sub(r"(^|\s)(#+)$", r"\1\\\2", _inline(piece))
        return spaced([f"{'#' * level} {title}".rstrip()], piece.body)

    return write


def _item(piece: Piece, marker: str, box: str = "") -> Lines:
    """An item of a list; what hangs below it stands as far in as its text."""
    lines = _lines(piece)
    width = " " * (len(marker) + 1)
    if not lines and not box:
        return (
            indented(piece.body or [""], width, first=f"{marker} ")
            if not begins_list(piece.body)
            else [marker, *indented(piece.body, width)]
        )
    lines = [f"{box}{lines[0] if lines else ''}".rstrip(), *lines[1:]]
    apart = piece.body and not may_follow_text(piece.body)
    return indented([*lines, *([""] if apart else []), *piece.body], width, first=f"{marker} ")


def _bulleted(piece: Piece) -> Lines:
    return _item(piece, "-")


def _numbered(piece: Piece) -> Lines:
    return _item(piece, f"{piece.number}.")


def _to_do(piece: Piece) -> Lines:
    return _item(piece, "-", "[x] " if piece.data.get("checked") else "[ ] ")


def _quote(piece: Piece) -> Lines:
    return quoted(spaced(_lines(piece), piece.body))


def _callout(piece: Piece) -> Lines:
    """A quote that begins with its icon."""
    icon = _icon(piece)
    lines = _lines(piece)
    first = " ".join(filter(None, (icon, lines[0] if lines else "")))
    return quoted(spaced([first, *lines[1:]] if first else [], piece.body))


def _icon(piece: Piece) -> str:
    icon = piece.data.get("icon")
    if shown := icon_text(icon):
        return portable_text(shown)
    url = asset_url(icon) and piece.links.asset(piece.block.id, asset_url(icon), text="icon")
    return f'<img src="{html.escape(url)}" alt="icon" width="20">' if url else ""


def _toggle(piece: Piece) -> Lines:
    summary = one_line(piece.data.get("rich_text"), HTML, links=piece.links)
    return spaced(["<details>", f"<summary>{summary}</summary>"], piece.body, ["</details>"])


def _code(piece: Piece) -> Lines:
    lines = text(piece.data.get("rich_text")).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    language = str(piece.data.get("language") or "").lower()
    language = _LANGUAGES.get(language, language)
    return spaced([fence + language, *lines, fence], _caption(piece), piece.body)


def _caption(piece: Piece) -> Lines:
    caption = _inline(piece, "caption")
    return [caption] if caption else []


def _equation(piece: Piece) -> Lines:
    """Mathematics ends at an empty line, so it holds none."""
    lines = [line for line in str(piece.data.get("expression") or "").splitlines() if line.strip()]
    return spaced(["$$", *lines, "$$"], piece.body)


def _divider(piece: Piece) -> Lines:
    return spaced(["---"], piece.body)


# -------------------------------------------------------------------------------------------------- layout


def _body(piece: Piece) -> Lines:
    return piece.body


def _columns(piece: Piece) -> Lines:
    """The columns below each other, a line between."""
    out: Lines = []
    for lines in filter(None, piece.parts):
        out = spaced(out, ["* * *"], lines) if out else list(lines)
    return out or _placeholder(piece, "empty columns")


def _bold(rich_text: RichText | None) -> list[dict[str, Any]]:
    return [
        {**run, "annotations": {**(run.get("annotations") or {}), "bold": True}} for run in rich_text or ()
    ]


def _tab_item(piece: Piece) -> Lines:
    label = one_line(_bold(piece.data.get("rich_text")), PORTABLE, links=piece.links)
    first = " ".join(filter(None, (_icon(piece), label)))
    return spaced([first] if first else [], piece.body)


def _table(piece: Piece) -> Lines:
    """Rows have written themselves; a table of GFM must have a header, so one without gets an empty one.

    What else hangs below the table or a row of it follows.
    """
    rows = [_is_row(child) for child in piece.block.children]
    lines = [part[0] for part, row in zip(piece.parts, rows, strict=True) if row]
    rest = [part[1:] if row else part for part, row in zip(piece.parts, rows, strict=True)]
    width = _width(piece.block)
    if not piece.data.get("has_column_header") or not lines:
        lines = [_row([""] * width), *lines]
    table = [lines[0], _row(["---"] * width), *lines[1:]]
    return spaced(table, *rest)


def _is_row(block: Block) -> bool:
    return block.type == "table_row"


def _table_row(piece: Piece) -> Lines:
    cells = piece.data.get("cells") or ()
    parent = piece.parent if piece.parent is not None and piece.parent.type == "table" else None
    width = len(cells) if parent is None else _width(parent)
    bold_first = parent is not None and bool(parent.data.get("has_row_header"))
    shown = [_bold(cell) if bold_first and not index else cell for index, cell in enumerate(cells)]
    lines = [one_line(cell, CELL, links=piece.links) for cell in shown]
    return [_row(lines + [""] * (width - len(lines))), *piece.body]


def _width(table: Block) -> int:
    """The number of columns: what the table says, or its longest row."""
    stated = table.data.get("table_width")
    longest = max((len(row.data.get("cells") or ()) for row in table.children if _is_row(row)), default=0)
    return max(stated if isinstance(stated, int) else 0, longest, 1)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


# --------------------------------------------------------------------------------------- files, pages, the web


def _image(piece: Piece) -> Lines:
    """The caption is the text that stands for the image; where it has marks or links it also follows below."""
    caption = piece.data.get("caption")
    alt = portable_text(" ".join(text(caption).split()))
    url = piece.links.asset(piece.block.id, asset_url(piece.data), text=media_name(piece.data))
    below = _caption(piece)
    return spaced([f"![{alt}]({destination(url)})"], [] if below == [alt] else below, piece.body)


def _media(kind: str) -> Renderer:
    """A link under the file's name, its caption behind it."""

    def write(piece: Piece) -> Lines:
        name = media_name(piece.data)
        url = piece.links.asset(piece.block.id, asset_url(piece.data), text=name)
        return _entry(piece, kind, linked(portable_text(name or kind), url))

    return write


def _web(kind: str) -> Renderer:
    """A link that shows its own address, its caption behind it."""

    def write(piece: Piece) -> Lines:
        url = str(piece.data.get("url") or "")
        target = piece.links.web(url, text=url) if url else piece.url
        return _entry(piece, kind, linked(portable_text(url or kind), target))

    return write


def _child(kind: str) -> Renderer:
    def write(piece: Piece) -> Lines:
        title = str(piece.data.get("title") or "").strip()
        url = piece.links.to(kind.removeprefix("child_"), piece.block.id, text=title)
        shown = portable_text(" ".join(title.split()) or piece.links.name(piece.block.id, text="Untitled"))
        return _entry(piece, kind, linked(shown, url))

    return write


def _entry(piece: Piece, kind: str, link: str) -> Lines:
    caption = _inline(piece, "caption")
    line = f"{_ICONS[kind]} {link}"
    return spaced([f"{line} — {caption}" if caption else line], piece.body)


def _link_to_page(piece: Piece) -> Lines:
    kind = str(piece.data.get("type") or "page_id")
    identity = str(piece.data.get(kind) or piece.block.id)
    shown = piece.links.name(identity, text=f"Link to {kind.removesuffix('_id')}")
    url = piece.links.to(kind.removesuffix("_id"), identity, text=shown)
    return spaced([f"↗ {linked(portable_text(shown), url)}"], piece.body)


# ---------------------------------------------------------------------------------------- what has no Markdown


def _synced(piece: Piece) -> Lines:
    """What is synced stands in every place where Notion shows it."""
    return piece.body or _placeholder(piece, "empty synced block")


def _meeting(piece: Piece) -> Lines:
    names = sections(piece.block.raw)
    parts: list[Sequence[str]] = []
    for child, lines in zip(piece.block.children, piece.parts, strict=True):
        name = names.get(child.id)
        parts += [[f"**{name.capitalize()}**"], lines] if name and lines else [lines]
    return spaced([f"🎙️ {_inline(piece, 'title') or 'Meeting notes'}"], *parts)


def _unread(piece: Piece) -> Lines:
    reason = portable_text(" ".join(str(piece.data.get("reason") or "").split()))
    return [f"> ⚠️ {linked('Not read', piece.url)}: {reason}"]


def _named(name: str) -> Renderer:
    """A block whose only trace in a file can be that it was there."""
    return lambda piece: spaced(_placeholder(piece, name), piece.body)


def _placeholder(piece: Piece, name: str) -> Lines:
    return [f"*{linked(portable_text(name), piece.url)}*"]


def _unknown(piece: Piece) -> Lines:
    """Type and link, then whatever text and blocks it holds."""
    name = str(piece.data.get("block_type") or piece.block.type).replace("_", " ")
    found = (broken_lines(part, PORTABLE, links=piece.links) for part in texts(piece.block.raw))
    title = f"{name.removesuffix(' block')} block"
    return spaced(_placeholder(piece, title), *found, piece.body)


_RENDERERS: Mapping[str, Renderer] = {
    "paragraph": _paragraph,
    "heading_1": _heading(1),
    "heading_2": _heading(2),
    "heading_3": _heading(3),
    "heading_4": _heading(4),
    "bulleted_list_item": _bulleted,
    "numbered_list_item": _numbered,
    "to_do": _to_do,
    "toggle": _toggle,
    "quote": _quote,
    "callout": _callout,
    "code": _code,
    "equation": _equation,
    "divider": _divider,
    "breadcrumb": _named("breadcrumb"),
    "table_of_contents": _named("table of contents"),
    "column_list": _columns,
    "column": _body,
    "tab": _body,
    "tab_item": _tab_item,
    "table": _table,
    "table_row": _table_row,
    "synced_block": _synced,
    "template": _unknown,
    "link_to_page": _link_to_page,
    "child_page": _child("child_page"),
    "child_database": _child("child_database"),
    "embed": _web("embed"),
    "bookmark": _web("bookmark"),
    "link_preview": _web("link_preview"),
    "image": _image,
    "video": _media("video"),
    "audio": _media("audio"),
    "pdf": _media("pdf"),
    "file": _media("file"),
    "meeting_notes": _meeting,
    "transcription": _meeting,
    "section": _body,
    "unsupported": _unknown,
    "unread": _unread,
}

PORTABLE_STYLE = Style(renderers=_RENDERERS, unknown=_unknown, join=siblings)
