"""Rich text: the runs of text Notion keeps wherever people write, read, measured, merged and split.

A run has a type (``text``, ``equation``, ``mention``), marks (``annotations``) and, for a reader without
marks, its ``plain_text``. Source: https://developers.notion.com/reference/rich-text
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

__all__ = [
    "MAX_RUNS",
    "MAX_UNITS",
    "RichText",
    "Span",
    "merged",
    "runs",
    "spans",
    "text",
    "units",
    "visible",
]

Json: TypeAlias = Mapping[str, Any]
RichText: TypeAlias = Sequence[Json]

MAX_UNITS = 2000
"""The most one run's ``content`` may hold, in UTF-16 code units.

Notion says "characters"; whether it counts units or code points is not documented, and units are never fewer.
https://developers.notion.com/reference/request-limits
"""
MAX_RUNS = 100
"""The most runs one rich text array of a request may hold."""


@dataclass(frozen=True, slots=True)
class Span:
    """One run as a renderer needs it.

    `kind` is Notion's type of the run; `text` what a reader sees (the expression of an equation);
    `color` and `link` are empty where there is none; `detail` is the whole run where it is no text.
    """

    kind: str
    text: str
    link: str = ""
    color: str = ""
    underline: bool = False
    bold: bool = False
    italic: bool = False
    strikethrough: bool = False
    code: bool = False
    detail: Json = field(default_factory=dict)


def text(rich_text: RichText | None) -> str:
    """The text without marks. Runs that we would send (no ``plain_text`` yet) are read as well."""
    return "".join(visible(run) for run in _known(rich_text))


def visible(run: Json) -> str:
    """What a reader sees of one run."""
    plain = run.get("plain_text")
    if isinstance(plain, str):
        return plain
    payload = _payload(run)
    return str(payload.get("content") or payload.get("expression") or "")


def spans(rich_text: RichText | None) -> list[Span]:
    """The runs as spans: empty ones dropped, neighbours with the same marks joined."""
    return merged(_span(run) for run in _known(rich_text))


def merged(items: Iterable[Span]) -> list[Span]:
    """Empty text dropped, neighbouring texts that differ in nothing but their text joined."""
    out: list[Span] = []
    for item in items:
        if item.kind == "text" and not item.text:
            continue
        if out and out[-1].kind == item.kind == "text" and _marks(out[-1]) == _marks(item):
            out[-1] = replace(item, text=out[-1].text + item.text)
        else:
            out.append(item)
    return out


def runs(content: str, *, limit: int = MAX_UNITS) -> list[dict[str, Any]]:
    """`content` as runs for a request, each of at most `limit` UTF-16 units, no character cut in two."""
    return [{"type": "text", "text": {"content": part}} for part in _parts(content, limit)]


def units(content: str) -> int:
    """The length of `content` in UTF-16 code units: a character beyond U+FFFF counts two."""
    return len(content) + sum(character > "\uffff" for character in content)


def _parts(content: str, limit: int) -> Iterator[str]:
    start = size = 0
    for index, character in enumerate(content):
        width = 2 if character > "\uffff" else 1
        if size + width > limit:
            yield content[start:index]
            start, size = index, 0
        size += width
    if start < len(content):
        yield content[start:]


def _marks(item: Span) -> tuple[str, str, bool, bool, bool, bool, bool]:
    return (
        item.link,
        item.color,
        item.underline,
        item.bold,
        item.italic,
        item.strikethrough,
        item.code,
    )


def _known(rich_text: Any) -> Iterator[Json]:
    """The runs; what is no run is no text."""
    items = rich_text if isinstance(rich_text, (list, tuple)) else ()
    return (run for run in items if isinstance(run, Mapping))


def _payload(run: Json) -> Json:
    payload = run.get(str(run.get("type")))
    return payload if isinstance(payload, Mapping) else {}


def _link(run: Json) -> str:
    link = _payload(run).get("link")
    inner = link.get("url") if isinstance(link, Mapping) else None
    return str(run.get("href") or inner or "")


def _span(run: Json) -> Span:
    marks = run.get("annotations")
    marks = marks if isinstance(marks, Mapping) else {}
    color = str(marks.get("color") or "default")
    kind = str(run.get("type") or "text")
    return Span(
        kind=kind,
        text=visible(run),
        link="" if kind == "mention" else _link(run),
        color="" if color == "default" else color,
        underline=bool(marks.get("underline")),
        bold=bool(marks.get("bold")),
        italic=bool(marks.get("italic")),
        strikethrough=bool(marks.get("strikethrough")),
        code=bool(marks.get("code")),
        detail={} if kind == "text" else run,
    )
