"""The lines of a Markdown document, and the blocks that rules find in them.

A rule looks at one line: it gives the blocks that begin there and the line behind them, or None.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from notion_emulator.inline_input import attributes_of, color_of, rich_text

__all__ = ["Line", "Parser", "Rule", "block", "colored", "styled", "text_block"]

Json = dict[str, Any]

DEEPEST = 100  # levels; what is deeper stands at that level
SUFFIX = re.compile(r'\s*(?<!\\)\{((?:\s*[\w-]+="[^"]*")+\s*)\}$')


class Line(NamedTuple):
    """A line: how many tabs stand before it, and the rest."""

    indent: int
    text: str


Lines = list[Line]
Rule = Callable[["Parser", int], "tuple[list[Json], int] | None"]


class Parser:
    """The lines of one level."""

    def __init__(self, lines: Lines, rules: tuple["Rule", ...], depth: int = 0) -> None:
        self.lines = lines
        self.rules = rules
        self.depth = depth

    def of(self, lines: Lines) -> "Parser":
        """The same parser on other lines."""
        return Parser(lines, self.rules, self.depth)

    def blocks(self) -> list[Json]:
        """The blocks of all lines, children inside."""
        found: list[Json] = []
        place = 0
        while place < len(self.lines):
            if not self.lines[place].text.strip():
                place += 1
                continue
            made, place = next(result for rule in self.rules if (result := rule(self, place)))
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
            return [text_block("paragraph", one.text) for one in self.lines[start:end] if one.text.strip()]
        return Parser(self.lines[start:end], self.rules, self.depth + 1).blocks()

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


def block(kind: str, content: Json, children: list[Json] | None = None) -> Json:
    """A block in the form of a create request; no children, no key."""
    return {"type": kind, kind: {**content, "children": children} if children else content}


def styled(text: str) -> tuple[str, dict[str, str]]:
    """A line without its ``{color="…"}``, and what stood in there."""
    found = SUFFIX.search(text)
    return (text[: found.start()], attributes_of(found[1])) if found else (text, {})


def colored(about: dict[str, str]) -> Json:
    """``{"color": …}`` of an attribute; empty for none or an unknown one."""
    color = color_of(about.get("color"))
    return {"color": color} if color else {}


def text_block(kind: str, text: str, children: list[Json] | None = None, **content: Any) -> Json:
    """A block of one line of text, its colour taken from the end of the line."""
    line, about = styled(text)
    return block(kind, {"rich_text": rich_text(line), **colored(about), **content}, children)
