"""Markdown of dialect v1, read into blocks as a create request carries them.

Blocks stand on lines, children one tab further in; blank lines only separate
(https://developers.notion.com/guides/data-apis/enhanced-markdown). Lines that name something that exists already (a
page, a database, a block without a form of its own) become ``{"type": "existing", "existing": {…}}`` with ``kind``
page, database or block, ``id`` (None: to be made) and ``title``; whoever applies the blocks decides what that means.
"""

import re
from collections.abc import Callable
from typing import Any

from notion_emulator.inline_input import attributes_of, rich_text
from notion_emulator.languages import LANGUAGES
from notion_emulator.markdown_parser import Line, Parser, Rule, block, colored, styled, text_block
from notion_emulator.markdown_tags import callout, grid, source, tag

__all__ = ["parse", "split_title"]

Json = dict[str, Any]

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
ALIASES = {
    "py": "python",
    "js": "javascript",
    "ts": "typescript",
    "sh": "shell",
    "yml": "yaml",
    "text": "plain text",
}


def parse(text: str) -> list[Json]:
    """The blocks of a document, children inside their type objects."""
    raw = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = [Line(len(one) - len(one.lstrip("\t")), one.lstrip("\t")) for one in raw]
    return Parser(lines, RULES).blocks()


def split_title(blocks: list[Json]) -> tuple[list[Json] | None, list[Json]]:
    """The text of the first ``# heading`` and the blocks without it; (None, blocks) where there is none."""
    for place, one in enumerate(blocks):
        if one["type"] == "heading_1":
            return one["heading_1"]["rich_text"], blocks[:place] + blocks[place + 1 :]
    return None, blocks


# Rules of one line with children below


def _line_rule(pattern: re.Pattern[str], write: Callable[[re.Match[str], list[Json]], list[Json]]) -> Rule:
    def rule(parser: Parser, place: int) -> tuple[list[Json], int] | None:
        found = pattern.match(parser.lines[place].text)
        if found is None:
            return None
        end = parser.below(place)
        return write(found, parser.inside(place + 1, end)), end

    return rule


def _heading(found: re.Match[str], children: list[Json]) -> list[Json]:
    line, about = styled(found[2] or "")
    kind = f"heading_{min(len(found[1]), 4)}"
    content = {"rich_text": rich_text(line), **colored(about)}
    if about.get("toggle") == "true":
        return [block(kind, {**content, "is_toggleable": True}, children)]
    return [block(kind, content), *children]


def _to_do(found: re.Match[str], children: list[Json]) -> list[Json]:
    return [text_block("to_do", found[2] or "", children, checked=found[1] in ("x", "X"))]


def _item(kind: str) -> Callable[[re.Match[str], list[Json]], list[Json]]:
    return lambda found, children: [text_block(kind, found[1] or "", children)]


def _divider(_found: re.Match[str], children: list[Json]) -> list[Json]:
    return [block("divider", {}), *children]


def _image(found: re.Match[str], children: list[Json]) -> list[Json]:
    return [block("image", {"caption": rich_text(found["caption"]), **source(found["url"])}), *children]


def _paragraph(parser: Parser, place: int) -> tuple[list[Json], int]:
    end = parser.below(place)
    return [text_block("paragraph", parser.lines[place].text, parser.inside(place + 1, end))], end


# Rules of several lines


def _code(parser: Parser, place: int) -> tuple[list[Json], int] | None:
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
    return [block("code", {"rich_text": content, "language": _language(found["language"])})], end + 1


def _pieces(text: str) -> list[str]:
    return [text[start : start + 1000] for start in range(0, len(text), 1000)]


def _language(name: str) -> str:
    word = name.strip().casefold()
    word = ALIASES.get(word, word)
    return word if word in LANGUAGES else "plain text"


def _equation(parser: Parser, place: int) -> tuple[list[Json], int] | None:
    text = parser.lines[place].text.strip()
    if not text.startswith("$$"):
        return None
    if text != "$$":
        whole = text.endswith("$$") and len(text) > 4
        return ([block("equation", {"expression": text[2:-2].strip()})], place + 1) if whole else None
    end = place + 1
    while end < len(parser.lines) and parser.lines[end].text.strip() != "$$":
        end += 1
    if end == len(parser.lines):
        return None
    inner = "\n".join(line.text for line in parser.lines[place + 1 : end])
    return [block("equation", {"expression": inner})], end + 1


def _old_callout(parser: Parser, place: int) -> tuple[list[Json], int] | None:
    """``::: callout {icon="…"}`` to ``:::``, as documented in early 2026."""
    found = CALLOUT.match(parser.lines[place].text.strip())
    if found is None:
        return None
    end = place + 1
    while end < len(parser.lines) and parser.lines[end].text.strip() != ":::":
        end += 1
    return [callout(attributes_of(found[1] or ""), parser.inside(place + 1, end))], end + 1


def _pipe_table(parser: Parser, place: int) -> tuple[list[Json], int] | None:
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
    return [grid(rows, header_row=True, header_column=False)], end


def _cells(line: str) -> list[list[Json]]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [rich_text(cell.strip()) for cell in re.split(r"(?<!\\)\|", inner)]


RULES: tuple[Rule, ...] = (
    _code, _equation, _old_callout, tag, _line_rule(DIVIDER, _divider), _pipe_table, _line_rule(IMAGE, _image),
    _line_rule(HEADING, _heading), _line_rule(TO_DO, _to_do), _line_rule(BULLET, _item("bulleted_list_item")),
    _line_rule(NUMBER, _item("numbered_list_item")), _line_rule(QUOTE, _item("quote")), _paragraph,
)  # fmt: skip
