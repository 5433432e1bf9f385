"""Markdown of dialect v1, read into blocks as a create request carries them.

Blocks stand on lines, children one tab further in; blank lines only separate
(https://developers.notion.com/guides/data-apis/enhanced-markdown). Lines that name something that exists already (a
page, a database, a block without a form of its own) become ``{"type": "existing", "existing": {…}}`` with ``kind``
page, database or block, ``id`` (None: to be made) and ``title``; whoever applies the blocks decides what that means.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from notion_emulator.inline_input import attributes_of, color_of, id_in, rich_text
from notion_emulator.languages import LANGUAGES

__all__ = ["parse", "split_title"]

Json = dict[str, Any]

DEEPEST = 100  # levels; what is deeper stands at that level
SUFFIX = re.compile(r'\s*(?<!\\)\{((?:\s*[\w-]+="[^"]*")+\s*)\}$')
TAG = re.compile(
    r'<(?P<name>[a-z_-]+)(?P<about>(?:\s+[\w-]+="[^"]*")*)\s*(?P<end>/?)>(?P<rest>.*)', re.DOTALL
)
HEADING = re.compile(r"(#{1,6})(?:\s+(.*))?$", re.DOTALL)
TO_DO = re.compile(r"[-*+] \[([ xX]?)\](?: (.*))?$", re.DOTALL)
BULLET = re.compile(r"[-*+](?: (.*))?$", re.DOTALL)
NUMBER = re.compile(r"\d{1,9}[.)](?: (.*))?$", re.DOTALL)
QUOTE = re.compile(r">(?: ?(.*))$", re.DOTALL)
IMAGE = re.compile(
    r"!\[(?P<caption>.*)\]\((?P<url>(?:[^()\s]|\([^()\s]*\))*)\)(?:\s*\{[^{}]*\})?$", re.DOTALL
)
FENCE = re.compile(r"(?P<marks>`{3,}|~{3,})(?P<language>[^`]*)$")
DIVIDER = re.compile(r"(?:-{3,}|\*{3,}|_{3,})$")
RULE = re.compile(r"\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?$")
CALLOUT = re.compile(r"::: ?callout(?: \{(.*)\})?$")
CELL = re.compile(r"<td(?:\s[^>]*)?>(.*)</td>$", re.DOTALL)
ALIASES = {
    "py": "python",
    "js": "javascript",
    "ts": "typescript",
    "sh": "shell",
    "yml": "yaml",
    "text": "plain text",
}


class Line(NamedTuple):
    """A line: how many tabs stand before it, and the rest."""

    indent: int
    text: str


Lines = list[Line]
Rule = Callable[["_Parser", int], "tuple[list[Json], int] | None"]


def parse(text: str) -> list[Json]:
    """The blocks of a document, children inside their type objects."""
    raw = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = [Line(len(one) - len(one.lstrip("\t")), one.lstrip("\t")) for one in raw]
    return _Parser(lines, 0).blocks()


def split_title(blocks: list[Json]) -> tuple[list[Json] | None, list[Json]]:
    """The text of the first ``# heading`` and the blocks without it; (None, blocks) where there is none."""
    for place, block in enumerate(blocks):
        if block["type"] == "heading_1":
            return block["heading_1"]["rich_text"], blocks[:place] + blocks[place + 1 :]
    return None, blocks


class _Parser:
    """The lines of one level."""

    def __init__(self, lines: Lines, depth: int) -> None:
        self.lines = lines
        self.depth = depth

    def blocks(self) -> list[Json]:
        found: list[Json] = []
        place = 0
        while place < len(self.lines):
            if not self.lines[place].text.strip():
                place += 1
                continue
            made, place = next(result for rule in RULES if (result := rule(self, place)))
            found += made
        return found

    def below(self, place: int) -> int:
        """The line behind those that stand further in than this one."""
        end = place + 1
        while end < len(self.lines) and (
            self.lines[end].indent > self.lines[place].indent or not self.lines[end].text
        ):
            end += 1
        return end

    def inside(self, start: int, end: int) -> list[Json]:
        """The blocks of some lines, one level down."""
        if self.depth >= DEEPEST:
            return [_text("paragraph", one.text) for one in self.lines[start:end] if one.text.strip()]
        return _Parser(self.lines[start:end], self.depth + 1).blocks()

    def closer(self, place: int, name: str) -> int | None:
        """The line of the tag that closes the one on this line."""
        level = 0
        for number in range(place, len(self.lines)):
            text = self.lines[number].text.strip()
            if text == f"</{name}>":
                level -= 1
                if level == 0:
                    return number
            elif re.match(rf"<{name}(?:\s[^>]*)?>", text) and not text.endswith((f"</{name}>", "/>")):
                level += 1
        return None


def _block(kind: str, content: Json, children: list[Json] | None = None) -> Json:
    return {"type": kind, kind: {**content, "children": children} if children else content}


def _styled(text: str) -> tuple[str, dict[str, str]]:
    """A line without its ``{color="…"}``, and what stood in there."""
    found = SUFFIX.search(text)
    return (text[: found.start()], attributes_of(found[1])) if found else (text, {})


def _color(about: dict[str, str]) -> Json:
    color = color_of(about.get("color"))
    return {"color": color} if color else {}


def _text(kind: str, text: str, children: list[Json] | None = None, **content: Any) -> Json:
    line, about = _styled(text)
    return _block(kind, {"rich_text": rich_text(line), **_color(about), **content}, children)


# Rules of one line with children below


def _line_rule(pattern: re.Pattern[str], write: Callable[[re.Match[str], list[Json]], list[Json]]) -> Rule:
    def rule(parser: _Parser, place: int) -> tuple[list[Json], int] | None:
        found = pattern.match(parser.lines[place].text)
        if found is None:
            return None
        end = parser.below(place)
        return write(found, parser.inside(place + 1, end)), end

    return rule


def _heading(found: re.Match[str], children: list[Json]) -> list[Json]:
    line, about = _styled(found[2] or "")
    kind = f"heading_{min(len(found[1]), 4)}"
    content = {"rich_text": rich_text(line), **_color(about)}
    if about.get("toggle") == "true":
        return [_block(kind, {**content, "is_toggleable": True}, children)]
    return [_block(kind, content), *children]


def _to_do(found: re.Match[str], children: list[Json]) -> list[Json]:
    return [_text("to_do", found[2] or "", children, checked=found[1] in ("x", "X"))]


def _item(kind: str) -> Callable[[re.Match[str], list[Json]], list[Json]]:
    return lambda found, children: [_text(kind, found[1] or "", children)]


def _divider(_found: re.Match[str], children: list[Json]) -> list[Json]:
    return [_block("divider", {}), *children]


def _image(found: re.Match[str], children: list[Json]) -> list[Json]:
    return [_block("image", {"caption": rich_text(found["caption"]), **_source(found["url"])}), *children]


def _source(url: str) -> Json:
    """Where a file comes from: an upload or an address."""
    scheme, _, rest = url.partition("://")
    if scheme == "file-upload":
        return {"type": "file_upload", "file_upload": {"id": rest}}
    return {"type": "external", "external": {"url": url}}


def _paragraph(parser: _Parser, place: int) -> tuple[list[Json], int]:
    end = parser.below(place)
    return [_text("paragraph", parser.lines[place].text, parser.inside(place + 1, end))], end


# Rules of several lines


def _code(parser: _Parser, place: int) -> tuple[list[Json], int] | None:
    """A fence: what is inside is literal, less the tabs of the fence itself."""
    indent, text = parser.lines[place]
    found = FENCE.match(text)
    if found is None:
        return None
    inner, end = [], place + 1
    while end < len(parser.lines) and parser.lines[end].text.strip() != found["marks"]:
        line = parser.lines[end]
        inner.append("\t" * max(0, line.indent - indent) + line.text)
        end += 1
    content = [{"type": "text", "text": {"content": part}} for part in _pieces("\n".join(inner))]
    return [_block("code", {"rich_text": content, "language": _language(found["language"])})], end + 1


def _pieces(text: str) -> list[str]:
    return [text[start : start + 1000] for start in range(0, len(text), 1000)]


def _language(name: str) -> str:
    word = name.strip().casefold()
    word = ALIASES.get(word, word)
    return word if word in LANGUAGES else "plain text"


def _equation(parser: _Parser, place: int) -> tuple[list[Json], int] | None:
    text = parser.lines[place].text.strip()
    if not text.startswith("$$"):
        return None
    if text != "$$":
        whole = text.endswith("$$") and len(text) > 4
        return ([_block("equation", {"expression": text[2:-2].strip()})], place + 1) if whole else None
    end = place + 1
    while end < len(parser.lines) and parser.lines[end].text.strip() != "$$":
        end += 1
    if end == len(parser.lines):
        return None
    inner = "\n".join(line.text for line in parser.lines[place + 1 : end])
    return [_block("equation", {"expression": inner})], end + 1


def _old_callout(parser: _Parser, place: int) -> tuple[list[Json], int] | None:
    """``::: callout {icon="…"}`` to ``:::``, as documented in early 2026."""
    found = CALLOUT.match(parser.lines[place].text.strip())
    if found is None:
        return None
    end = place + 1
    while end < len(parser.lines) and parser.lines[end].text.strip() != ":::":
        end += 1
    return [_callout(attributes_of(found[1] or ""), parser.inside(place + 1, end))], end + 1


def _pipe_table(parser: _Parser, place: int) -> tuple[list[Json], int] | None:
    lines = parser.lines
    if (
        not lines[place].text.startswith("|")
        or place + 1 >= len(lines)
        or not RULE.match(lines[place + 1].text.strip())
    ):
        return None
    end = place + 2
    while end < len(lines) and lines[end].text.startswith("|"):
        end += 1
    rows = [_cells(line.text) for line in (lines[place], *lines[place + 2 : end])]
    return [_grid(rows, header_row=True, header_column=False)], end


def _cells(line: str) -> list[list[Json]]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [rich_text(cell.strip()) for cell in re.split(r"(?<!\\)\|", inner)]


def _grid(rows: list[list[list[Json]]], *, header_row: bool, header_column: bool) -> Json:
    width = max((len(row) for row in rows), default=0) or 1
    children = [_block("table_row", {"cells": row + [[]] * (width - len(row))}) for row in rows]
    head = {"table_width": width, "has_column_header": header_row, "has_row_header": header_column}
    return _block("table", head, children or [_block("table_row", {"cells": [[]] * width})])


# Tags


def _tag(parser: _Parser, place: int) -> tuple[list[Json], int] | None:
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
        return CONTAINERS[name](_Parser(inner_lines, parser.depth), about), place + 1
    end = parser.closer(place, name)
    if end is None:
        return None
    inner_lines = ([Line(parser.lines[place].indent + 1, rest)] if rest.strip() else []) + parser.lines[
        place + 1 : end
    ]
    return CONTAINERS[name](_Parser(inner_lines, parser.depth), about), end + 1


def _children(parser: _Parser) -> list[Json]:
    return parser.inside(0, len(parser.lines))


def _first_text(blocks: list[Json]) -> tuple[list[Json], list[Json]]:
    """The text of a leading paragraph, and what follows it with its children."""
    if not blocks or blocks[0]["type"] != "paragraph":
        return [], blocks
    head = blocks[0]["paragraph"]
    return head["rich_text"], [*head.get("children", ()), *blocks[1:]]


def _callout(about: dict[str, str], blocks: list[Json]) -> Json:
    text, rest = _first_text(blocks)
    icon = _icon(about.get("icon"))
    return _block("callout", {"rich_text": text, **({"icon": icon} if icon else {}), **_color(about)}, rest)


def _icon(text: str | None) -> Json | None:
    if not text:
        return None
    if text.startswith("http"):
        return {"type": "external", "external": {"url": text}}
    return {"type": "emoji", "emoji": text}


def _details(parser: _Parser, about: dict[str, str]) -> list[Json]:
    lines, title = parser.lines, ""
    place = next((place for place, line in enumerate(lines) if line.text.strip()), None)
    if place is not None and (found := re.match(r"<summary>(.*)</summary>$", lines[place].text.strip())):
        title = found[1]
        lines = lines[place + 1 :]
    children = _children(_Parser(lines, parser.depth))
    return [_block("toggle", {"rich_text": rich_text(title), **_color(about)}, children)]


def _columns(parser: _Parser, _about: dict[str, str]) -> list[Json]:
    columns = [block for block in _children(parser) if block["type"] == "column"]
    if len(columns) < 2:
        return [child for column in columns for child in column["column"].get("children", ())]
    return [_block("column_list", {}, columns)]


def _column(parser: _Parser, about: dict[str, str]) -> list[Json]:
    ratio = about.get("ratio", "")
    width = {"width_ratio": float(ratio) / 100} if re.fullmatch(r"\d{1,3}(?:\.\d+)?", ratio) else {}
    children = _children(parser) or [_text("paragraph", "")]
    return [_block("column", width, children)]


def _tabs(parser: _Parser, _about: dict[str, str]) -> list[Json]:
    tabs = [block for block in _children(parser) if block["type"] == "paragraph"]
    return [_block("tab", {}, tabs)] if tabs else []


def _tab(parser: _Parser, about: dict[str, str]) -> list[Json]:
    text, rest = _first_text(_children(parser))
    icon = _icon(about.get("icon"))
    return [_block("paragraph", {"rich_text": text, **({"icon": icon} if icon else {})}, rest)]


def _table(parser: _Parser, about: dict[str, str]) -> list[Json]:
    rows: list[list[list[Json]]] = []
    for line in parser.lines:
        text = line.text.strip()
        if text.startswith("<tr"):
            rows.append([])
        elif rows and (found := CELL.match(text)):
            rows[-1].append(rich_text(found[1]))
    header_row, header_column = (about.get(key) == "true" for key in ("header-row", "header-column"))
    return [_grid(rows, header_row=header_row, header_column=header_column)]


def _synced(parser: _Parser, about: dict[str, str]) -> list[Json]:
    known = id_in(about.get("url"))
    if known:
        return [_existing("block", known)]
    return [_block("synced_block", {"synced_from": None}, _children(parser))]


def _reference(_parser: _Parser, about: dict[str, str]) -> list[Json]:
    known = id_in(about.get("url"))
    source = {"type": "block_id", "block_id": known}
    return [_block("synced_block", {"synced_from": source})] if known else []


def _nothing(_parser: _Parser, _about: dict[str, str]) -> list[Json]:
    return []


def _existing(kind: str, known: str | None, title: str = "", **more: Any) -> Json:
    return {"type": "existing", "existing": {"kind": kind, "id": known, "title": title, **more}}


def _unescaped(text: str) -> str:
    return "".join(item.get("text", {}).get("content", "") for item in rich_text(text))


def _media(kind: str) -> Callable[[dict[str, str], str], list[Json]]:
    def write(about: dict[str, str], inner: str) -> list[Json]:
        return [_block(kind, {"caption": rich_text(inner), **_source(about.get("src", ""))})]

    return write


def _embed(about: dict[str, str], inner: str) -> list[Json]:
    return [_block("embed", {"caption": rich_text(inner), "url": about.get("src", "")})]


def _page(about: dict[str, str], inner: str) -> list[Json]:
    return [_existing("page", id_in(about.get("url")), _unescaped(inner))]


def _database(about: dict[str, str], inner: str) -> list[Json]:
    source = id_in(about.get("data-source-url"))
    inlined = about.get("inline") == "true"
    return [
        _existing("database", id_in(about.get("url")), _unescaped(inner), inline=inlined, data_source=source)
    ]


SINGLE: dict[str, Callable[[dict[str, str], str], list[Json]]] = {
    "empty-block": lambda _about, _inner: [_block("paragraph", {"rich_text": []})],
    "table_of_contents": lambda about, _inner: [_block("table_of_contents", _color(about))],
    "unknown": lambda about, _inner: [_existing("block", id_in(about.get("url")))],
    "page": _page,
    "database": _database,
    "embed": _embed,
    **{kind: _media(kind) for kind in ("audio", "video", "file", "pdf")},
}
CONTAINERS: dict[str, Callable[[_Parser, dict[str, str]], list[Json]]] = {
    "details": _details,
    "callout": lambda parser, about: [_callout(about, _children(parser))],
    "columns": _columns,
    "column": _column,
    "tabs": _tabs,
    "tab": _tab,
    "table": _table,
    "synced_block": _synced,
    "synced_block_reference": _reference,
    "meeting-notes": _nothing,
}
RULES: tuple[Rule, ...] = (
    _code, _equation, _old_callout, _tag, _line_rule(DIVIDER, _divider), _pipe_table, _line_rule(IMAGE, _image),
    _line_rule(HEADING, _heading), _line_rule(TO_DO, _to_do), _line_rule(BULLET, _item("bulleted_list_item")),
    _line_rule(NUMBER, _item("numbered_list_item")), _line_rule(QUOTE, _item("quote")), _paragraph,
)  # fmt: skip
