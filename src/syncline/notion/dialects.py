"""Rich text as lines, and what the spellings of it share: code, addresses, mentions.

The spellings stand in `notion_text` (Notion's own dialect) and `portable_text` (CommonMark, cells, HTML).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from .inline import Dialect, Edges, Fence, Leaf, render_spans
from .links import Links
from .richtext import RichText, Span, spans

__all__ = [
    "Escape",
    "Mention",
    "broken_lines",
    "code_span",
    "destination",
    "fixed",
    "link_fence",
    "linked",
    "mentioning",
    "one_line",
    "plain_newlines",
    "web_target",
]

Escape: TypeAlias = Callable[[str], str]
Mention: TypeAlias = Callable[[Span, Mapping[str, Any], Links], str]


def one_line(rich_text: RichText | None, dialect: Dialect, *, links: Links) -> str:
    """Rich text as a single line: its line breaks are written ``<br>``."""
    lines = _text_lines(rich_text, dialect, links)
    return "<br>".join([_safe_start(lines[0], dialect), *lines[1:]])


def broken_lines(rich_text: RichText | None, dialect: Dialect, *, links: Links) -> list[str]:
    """Rich text as one line or more of CommonMark: all but the last end in a backslash, a hard line break."""
    lines = [_safe_start(line, dialect) for line in _text_lines(rich_text, dialect, links)]
    return [f"{line}\\" for line in lines[:-1]] + lines[-1:]


def _text_lines(rich_text: RichText | None, dialect: Dialect, links: Links) -> list[str]:
    """The lines of the text, without space at the end of any. Always at least one."""
    text = render_spans(spans(rich_text), dialect, links=links)
    return [_indent_kept(line.rstrip(), dialect) for line in text.rstrip().split("\n")]


def _indent_kept(line: str, dialect: Dialect) -> str:
    """White space at the start of a line would be eaten, or make it code or a child."""
    core = line.lstrip()
    return dialect.space * len(line[: len(line) - len(core)].expandtabs(4)) + core


def _safe_start(line: str, dialect: Dialect) -> str:
    """The line with a backslash before what would begin another kind of block."""
    found = dialect.starts.match(line)
    if found is None:
        return line
    at = found.end("number") if found["number"] else 0
    return f"{line[:at]}\\{line[at:]}"


def plain_newlines(text: str) -> str:
    """`text` with one kind of line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def code_span(text: str) -> str:
    """Text between backticks, more of them than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    touches = text[:1] == "`" or text[-1:] == "`"
    stripped = text[:1] == text[-1:] == " " and bool(text.strip(" "))
    pad = " " if touches or stripped else ""
    return f"{fence}{pad}{text}{pad}{fence}"


_UNSAFE = re.compile(r"[\x00-\x20\x7f<>\\|\"`]")
_PARENTHESES = re.compile(r"[()]")
_ENTITY = re.compile(r"&(?=#|[A-Za-z][A-Za-z0-9]*;)")


def destination(url: str) -> str:
    """An address inside the parentheses of a link: it ends where it ends, and means what it means."""
    encoded = _UNSAFE.sub(lambda found: f"%{ord(found.group()):02X}", url.strip())
    return _PARENTHESES.sub(r"\\\g<0>", _ENTITY.sub("&amp;", encoded))


def linked(text: str, url: str) -> str:
    """A link around `text`, which is Markdown already. Without an address only the text."""
    return f"[{text}]({destination(url)})" if url else text


def link_fence(url: Any, _edges: Edges, links: Links) -> Fence:
    """The fence of a text that people linked."""
    return "[", f"]({destination(links.web(str(url)))})"


def fixed(opening: str, closing: str) -> Callable[[Any, Edges, Links], Fence]:
    """A fence that is the same everywhere."""
    return lambda _value, _edges, _links: (opening, closing)


def web_target(span: Span, payload: Mapping[str, Any]) -> tuple[str, str]:
    """What a mention of a web page shows, and its address. Of link mentions Notion's text is only the address."""
    url = str(payload.get("href") or payload.get("url") or span.detail.get("href") or "")
    shown = span.text if span.text != url else ""
    return shown or str(payload.get("title") or "") or url, url


def mentioning(table: Mapping[str, Mention], unknown: Mention) -> Leaf:
    """Writes a mention by its type (https://developers.notion.com/reference/rich-text#mention)."""

    def write(span: Span, links: Links) -> str:
        mention = span.detail.get("mention")
        mention = mention if isinstance(mention, Mapping) else {}
        kind = str(mention.get("type") or "")
        payload = mention.get(kind)
        return table.get(kind, unknown)(span, payload if isinstance(payload, Mapping) else {}, links)

    return write
