"""Rich text in plain CommonMark with GFM's strikethrough and tables, and in HTML where Markdown is not read.

What has no mark there is HTML (underline) or left out (colour). Mathematics stands between dollars, as GitHub
and Obsidian read it. https://spec.commonmark.org/0.31.2/ and https://github.github.com/gfm/
"""

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .dialects import (
    Escape,
    Mention,
    code_span,
    fixed,
    link_fence,
    linked,
    mentioning,
    plain_newlines,
    web_target,
)
from .inline import Dialect, Edges, Fence, Leaf, Mark
from .links import Links
from .richtext import Span

__all__ = ["CELL", "HTML", "PORTABLE", "html_text", "portable_text"]

_SPECIAL = re.compile(
    r"""[\\`*\[\]<$~]                              # wherever it stands
      | (?<![^\W_])_ | _(?![^\W_])                 # an underscore, but not within a word
      | &(?=\#[0-9xX] | [A-Za-z][A-Za-z0-9]*;)     # what looks like an entity""",
    re.VERBOSE,
)
_STARTS = re.compile(
    r"""(?P<mark>\#{1,6}(?=\s|$)      # a heading
        | [-+](?=\s|$)                 # a list item
        | >                            # a quote
        | =+\s*$ | -{2,}\s*$           # the line under a heading, a divider
        | [|:-][-|:\ ]*-[-|:\ ]*$      # the second line of a table
        )
      | (?P<number>\d{1,9})[.)](?=\s|$)  # a numbered list item""",
    re.VERBOSE,
)
_NOWHERE = re.compile(r"(?P<number>(?!))")


def portable_text(text: str) -> str:
    """`text` so that it is read as it is. What only the start of a line means is not looked at."""
    return _SPECIAL.sub(r"\\\g<0>", plain_newlines(text))


def html_text(text: str) -> str:
    """`text` inside HTML, also where a Markdown parser reads the HTML as inline."""
    escaped = html.escape(plain_newlines(text), quote=False)
    return re.sub(r"[\\*_`~\[\]|$]", lambda found: f"&#{ord(found.group())};", escaped)


# --------------------------------------------------------------------------------------------- emphasis


def _emphasis(*fences: str, element: str) -> Callable[[Any, Edges, Links], Fence]:
    """The first of the fences that a parser will read as one in this place, else the HTML element."""

    def choose(_value: Any, edges: Edges, _links: Links) -> Fence:
        fence = next((fence for fence in fences if _holds(fence, edges)), None)
        return (f"<{element}>", f"</{element}>") if fence is None else (fence, fence)

    return choose


def _holds(fence: str, edges: Edges) -> bool:
    """The rules of left- and right-flanking runs, on the safe side (CommonMark 6.2)."""
    if fence[0] in (edges.before, edges.first, edges.last, edges.after):
        return False
    outer = _is_boundary(edges.before), _is_boundary(edges.after)
    opens = outer[0] or not _is_punctuation(edges.first)
    closes = outer[1] or not _is_punctuation(edges.last)
    return opens and closes and (fence != "_" or all(outer))


_ASCII_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def _is_punctuation(character: str) -> bool:
    """Inside of a fence: symbols count, as they do in newer parsers."""
    return unicodedata.category(character)[0] in "PS"


def _is_boundary(character: str) -> bool:
    """Outside of a fence: nothing, space or punctuation. Symbols do not count, as in older parsers."""
    if not character or character.isspace() or _ASCII_PUNCTUATION.match(character):
        return True
    return unicodedata.category(character)[0] == "P"


# --------------------------------------------------------------------------------------------- mentions


_TIME = re.compile(r"T(?P<clock>\d\d:\d\d)(?P<seconds>:\d\d)?(?:\.\d+)?(?P<offset>Z|[+-]\d\d:\d\d)?$")


def _spoken(date: Mapping[str, Any]) -> str:
    """A date or range as people write it: 2026-07-01 09:00 +02:00 → 2026-07-02. Empty for none."""
    ends = (_TIME.sub(_time, str(date[end])) for end in ("start", "end") if date.get(end))
    zone = date.get("time_zone")
    return " → ".join(ends) + (f" ({zone})" if zone else "")


def _time(found: re.Match[str]) -> str:
    seconds = found["seconds"] if found["seconds"] != ":00" else None
    offset = " UTC" if found["offset"] == "Z" else f" {found['offset']}" if found["offset"] else ""
    return f" {found['clock']}{seconds or ''}{offset}"


def _mentions(escape: Escape, anchor: Callable[[str, str], str]) -> Leaf:
    """Mentions as text or links: `anchor` puts an address around a text that is escaped already."""

    def plain(span: Span, _payload: Mapping[str, Any], _links: Links) -> str:
        return escape(span.text)

    def date(span: Span, payload: Mapping[str, Any], _links: Links) -> str:
        return escape(_spoken(payload) or span.text)

    def web(span: Span, payload: Mapping[str, Any], links: Links) -> str:
        text, url = web_target(span, payload)
        return anchor(escape(text), links.web(url, text=text) if url else "")

    def titled(kind: str) -> Mention:
        def write(span: Span, payload: Mapping[str, Any], links: Links) -> str:
            identity = str(payload.get("id") or "")
            text = links.name(identity, text=span.text or "Untitled")
            return anchor(
                escape(text), links.to(kind, identity, text=text, url=str(span.detail.get("href") or ""))
            )

        return write

    table: Mapping[str, Mention] = {
        "user": plain,
        "date": date,
        "custom_emoji": plain,
        "template_mention": plain,
        "page": titled("page"),
        "database": titled("database"),
    }
    return mentioning(table, web)


# --------------------------------------------------------------------------------------------- CommonMark


def _equation(span: Span, _links: Links) -> str:
    """Dollars inside are escaped; a backslash at the end would escape the closing one."""
    expression = re.sub(r"(?<!\\)((?:\\\\)*)\$", r"\1\\$", " ".join(span.text.split()))
    closed = expression + " {}" if re.search(r"(?<!\\)(?:\\\\)*\\$", expression) else expression
    return f"${closed}$" if expression else ""


PORTABLE = Dialect(
    marks=(
        Mark("link", link_fence),
        Mark("underline", fixed("<u>", "</u>")),
        Mark("bold", _emphasis("**", element="strong")),
        Mark("italic", _emphasis("*", "_", element="em")),
        Mark("strikethrough", _emphasis("~~", element="del")),
    ),
    leaves={
        "text": lambda span, _links: portable_text(span.text),
        "code": lambda span, _links: code_span(span.text),
        "equation": _equation,
        "mention": _mentions(portable_text, linked),
    },
    hidden={"color": ""},
    starts=_STARTS,
    space="&nbsp;",
    apart="<!-- -->",
)


# ---------------------------------------------------------------------------------- the cell of a table


def _cell_text(text: str) -> str:
    return portable_text(text).replace("|", r"\|")


def _cell_code(span: Span, _links: Links) -> str:
    """A table is cut at its pipes before code is looked at; beside a backslash parsers disagree what is escaped."""
    if "\\|" in span.text:
        return f"<code>{html_text(span.text)}</code>"
    return code_span(span.text).replace("|", r"\|")


def _cell_equation(span: Span, links: Links) -> str:
    expression = span.text.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
    return _equation(replace(span, text=expression), links)


CELL = replace(
    PORTABLE,
    leaves={
        "text": lambda span, _links: _cell_text(span.text),
        "code": _cell_code,
        "equation": _cell_equation,
        "mention": _mentions(_cell_text, linked),
    },
    starts=_NOWHERE,
)


# ------------------------------------------------------------------------------------------------- HTML


def _anchor(text: str, url: str) -> str:
    return f'<a href="{html.escape(url)}">{text}</a>' if url else text


def _html_link(url: Any, _edges: Edges, links: Links) -> Fence:
    return f'<a href="{html.escape(links.web(str(url)))}">', "</a>"


HTML = Dialect(
    marks=(
        Mark("link", _html_link),
        Mark("underline", fixed("<u>", "</u>")),
        Mark("bold", fixed("<strong>", "</strong>")),
        Mark("italic", fixed("<em>", "</em>")),
        Mark("strikethrough", fixed("<del>", "</del>")),
    ),
    leaves={
        "text": lambda span, _links: html_text(span.text),
        "code": lambda span, _links: f"<code>{html_text(span.text)}</code>",
        "equation": lambda span, _links: f"${html.escape(' '.join(span.text.split()), quote=False)}$",
        "mention": _mentions(html_text, _anchor),
    },
    hidden={"color": ""},
    starts=_NOWHERE,
    space="&nbsp;",
    apart="<!-- -->",
)
"""For the line of a toggle: Markdown is not read inside its HTML."""
