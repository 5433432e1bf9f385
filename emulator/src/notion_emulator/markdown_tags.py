"""The tags of Markdown dialect v1, read into blocks: one function per tag, in two tables."""

import re
from collections.abc import Callable
from typing import Any

from notion_emulator.inline_input import attributes_of, id_in, rich_text
from notion_emulator.markdown_parser import Line, Parser, block, colored, text_block

__all__ = ["callout", "grid", "source", "tag"]

Json = dict[str, Any]

TAG = re.compile(
    r'<(?P<name>[a-z_-]+)(?P<about>(?:\s+[\w-]+="[^"]*")*)\s*(?P<end>/?)>(?P<rest>.*)', re.DOTALL
)
CELL = re.compile(r"<td(?:\s[^>]*)?>(.*)</td>$", re.DOTALL)


def source(url: str) -> Json:
    """Where a file comes from: an upload or an address."""
    scheme, _, rest = url.partition("://")
    if scheme == "file-upload":
        return {"type": "file_upload", "file_upload": {"id": rest}}
    return {"type": "external", "external": {"url": url}}


def grid(rows: list[list[list[Json]]], *, header_row: bool, header_column: bool) -> Json:
    """A table of request rows, short ones filled up."""
    width = max((len(row) for row in rows), default=0) or 1
    children = [block("table_row", {"cells": row + [[]] * (width - len(row))}) for row in rows]
    head = {"table_width": width, "has_column_header": header_row, "has_row_header": header_column}
    return block("table", head, children or [block("table_row", {"cells": [[]] * width})])


def tag(parser: Parser, place: int) -> tuple[list[Json], int] | None:
    """A line that begins with a tag the dialect knows."""
    found = TAG.match(parser.lines[place].text.strip())
    if found is None:
        return None
    name, about = found["name"], attributes_of(found["about"])
    if name in SINGLE:
        inner = found["rest"].removesuffix(f"</{name}>")
        return SINGLE[name](about, inner), place + 1
    if name not in CONTAINERS or found["end"]:
        return None
    rest = found["rest"]
    if rest.endswith(f"</{name}>"):
        inner_lines = [Line(parser.lines[place].indent + 1, rest.removesuffix(f"</{name}>"))]
        return CONTAINERS[name](parser.of(inner_lines), about), place + 1
    end = parser.closer(place, name)
    if end is None:
        return None
    inner_lines = ([Line(parser.lines[place].indent + 1, rest)] if rest.strip() else []) + parser.lines[
        place + 1 : end
    ]
    return CONTAINERS[name](parser.of(inner_lines), about), end + 1


def _children(parser: Parser) -> list[Json]:
    return parser.inside(0, len(parser.lines))


def _first_text(blocks: list[Json]) -> tuple[list[Json], list[Json]]:
    """The text of a leading paragraph, and what follows it with its children."""
    if not blocks or blocks[0]["type"] != "paragraph":
        return [], blocks
    head = blocks[0]["paragraph"]
    return head["rich_text"], [*head.get("children", ()), *blocks[1:]]


def callout(about: dict[str, str], blocks: list[Json]) -> Json:
    """A callout: its text is the first paragraph inside."""
    text, rest = _first_text(blocks)
    icon = _icon(about.get("icon"))
    return block("callout", {"rich_text": text, **({"icon": icon} if icon else {}), **colored(about)}, rest)


def _icon(text: str | None) -> Json | None:
    if not text:
        return None
    if text.startswith("http"):
        return {"type": "external", "external": {"url": text}}
    return {"type": "emoji", "emoji": text}


def _details(parser: Parser, about: dict[str, str]) -> list[Json]:
    lines, title = parser.lines, ""
    place = next((place for place, line in enumerate(lines) if line.text.strip()), None)
    if place is not None and (found := re.match(r"<summary>(.*)</summary>$", lines[place].text.strip())):
        title = found[1]
        lines = lines[place + 1 :]
    children = _children(parser.of(lines))
    return [block("toggle", {"rich_text": rich_text(title), **colored(about)}, children)]


def _columns(parser: Parser, _about: dict[str, str]) -> list[Json]:
    columns = [block for block in _children(parser) if block["type"] == "column"]
    if len(columns) < 2:
        return [child for column in columns for child in column["column"].get("children", ())]
    return [block("column_list", {}, columns)]


def _column(parser: Parser, about: dict[str, str]) -> list[Json]:
    ratio = about.get("ratio", "")
    width = {"width_ratio": float(ratio) / 100} if re.fullmatch(r"\d{1,3}(?:\.\d+)?", ratio) else {}
    children = _children(parser) or [text_block("paragraph", "")]
    return [block("column", width, children)]


def _tabs(parser: Parser, _about: dict[str, str]) -> list[Json]:
    tabs = [block for block in _children(parser) if block["type"] == "paragraph"]
    return [block("tab", {}, tabs)] if tabs else []


def _tab(parser: Parser, about: dict[str, str]) -> list[Json]:
    text, rest = _first_text(_children(parser))
    icon = _icon(about.get("icon"))
    return [block("paragraph", {"rich_text": text, **({"icon": icon} if icon else {})}, rest)]


def _table(parser: Parser, about: dict[str, str]) -> list[Json]:
    rows: list[list[list[Json]]] = []
    for line in parser.lines:
        text = line.text.strip()
        if text.startswith("<tr"):
            rows.append([])
        elif rows and (found := CELL.match(text)):
            rows[-1].append(rich_text(found[1]))
    header_row, header_column = (about.get(key) == "true" for key in ("header-row", "header-column"))
    return [grid(rows, header_row=header_row, header_column=header_column)]


def _synced(parser: Parser, about: dict[str, str]) -> list[Json]:
    known = id_in(about.get("url"))
    if known:
        return [existing("block", known)]
    return [block("synced_block", {"synced_from": None}, _children(parser))]


def _reference(_parser: Parser, about: dict[str, str]) -> list[Json]:
    known = id_in(about.get("url"))
    source = {"type": "block_id", "block_id": known}
    return [block("synced_block", {"synced_from": source})] if known else []


def _nothing(_parser: Parser, _about: dict[str, str]) -> list[Json]:
    return []


def existing(kind: str, known: str | None, title: str = "", **more: Any) -> Json:
    return {"type": "existing", "existing": {"kind": kind, "id": known, "title": title, **more}}


def _unescaped(text: str) -> str:
    return "".join(item.get("text", {}).get("content", "") for item in rich_text(text))


def _media(kind: str) -> Callable[[dict[str, str], str], list[Json]]:
    def write(about: dict[str, str], inner: str) -> list[Json]:
        return [block(kind, {"caption": rich_text(inner), **source(about.get("src", ""))})]

    return write


def _embed(about: dict[str, str], inner: str) -> list[Json]:
    return [block("embed", {"caption": rich_text(inner), "url": about.get("src", "")})]


def _page(about: dict[str, str], inner: str) -> list[Json]:
    return [existing("page", id_in(about.get("url")), _unescaped(inner))]


def _database(about: dict[str, str], inner: str) -> list[Json]:
    source = id_in(about.get("data-source-url"))
    inlined = about.get("inline") == "true"
    return [
        existing("database", id_in(about.get("url")), _unescaped(inner), inline=inlined, data_source=source)
    ]


SINGLE: dict[str, Callable[[dict[str, str], str], list[Json]]] = {
    "empty-block": lambda _about, _inner: [block("paragraph", {"rich_text": []})],
    "table_of_contents": lambda about, _inner: [block("table_of_contents", colored(about))],
    "unknown": lambda about, _inner: [existing("block", id_in(about.get("url")))],
    "page": _page,
    "database": _database,
    "embed": _embed,
    **{kind: _media(kind) for kind in ("audio", "video", "file", "pdf")},
}
CONTAINERS: dict[str, Callable[[Parser, dict[str, str]], list[Json]]] = {
    "details": _details,
    "callout": lambda parser, about: [callout(about, _children(parser))],
    "columns": _columns,
    "column": _column,
    "tabs": _tabs,
    "tab": _tab,
    "table": _table,
    "synced_block": _synced,
    "synced_block_reference": _reference,
    "meeting-notes": _nothing,
}
