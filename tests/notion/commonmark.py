"""What a CommonMark parser with GFM's tables makes of a text: an independent judge of our Markdown."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

PARSER = (
    MarkdownIt("commonmark", {"html": True, "maxNesting": 500})
    .enable(["table", "strikethrough"])
    .use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
)


@dataclass(frozen=True)
class Letter:
    """One visible character with its marks."""

    character: str
    bold: bool = False
    italic: bool = False
    strikethrough: bool = False
    underline: bool = False
    code: bool = False
    link: str = ""


_TOKENS: Mapping[str, dict[str, Any]] = {
    "strong_open": {"bold": True},
    "em_open": {"italic": True},
    "s_open": {"strikethrough": True},
}
_ELEMENTS: Mapping[str, dict[str, Any]] = {
    "strong": {"bold": True},
    "em": {"italic": True},
    "del": {"strikethrough": True},
    "u": {"underline": True},
    "code": {"code": True},
}
_TAG = re.compile(r"<(?P<end>/?)(?P<name>\w+)(?: href=\"(?P<href>[^\"]*)\")?[^>]*>")


def tokens(text: str) -> list[Token]:
    return PARSER.parse(text)


def inlines(text: str) -> list[Token]:
    """The inline content of each paragraph, heading or cell."""
    return [token for token in tokens(text) if token.type == "inline"]


def letters(token: Token) -> list[Letter]:
    """The characters of inline content with their marks; a line break is one."""
    out: list[Letter] = []
    stack = [Letter("")]
    for child in token.children or ():
        if child.type == "html_inline":
            _element(child.content, stack, out)
        elif child.type.endswith("_open"):
            href = str(child.attrs.get("href", "")) if child.type == "link_open" else stack[-1].link
            stack.append(replace(stack[-1], link=href, **_TOKENS.get(child.type, {})))
        elif child.type.endswith("_close"):
            stack.pop()
        else:
            out += _spelt(child, stack[-1])
    return out


def html_letters(fragment: str) -> list[Letter]:
    """The same for a piece of HTML."""
    out: list[Letter] = []
    stack = [Letter("")]
    for part in re.split(r"(<[^>]*>)", fragment):
        if part.startswith("<"):
            _element(part, stack, out)
        else:
            out += [replace(stack[-1], character=character) for character in unescape(part)]
    return out


def _element(tag: str, stack: list[Letter], out: list[Letter]) -> None:
    found = _TAG.match(tag)
    if tag == "<br>":
        out.append(replace(stack[-1], character="\n"))
    elif found is not None and found["end"]:
        stack.pop()
    elif found is not None:
        link = unescape(found["href"]) if found["href"] else stack[-1].link
        stack.append(replace(stack[-1], link=link, **_ELEMENTS.get(found["name"], {})))


def _spelt(child: Token, marks: Letter) -> Iterator[Letter]:
    content = {"hardbreak": "\n", "softbreak": "\n"}.get(child.type, child.content)
    for character in content:
        yield replace(marks, character=character, code=marks.code or child.type == "code_inline")
