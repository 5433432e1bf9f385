"""Rich text in Notion's own dialect, version 1.

https://developers.notion.com/guides/data-apis/enhanced-markdown
"""

import re
from collections.abc import Mapping
from typing import Any

from .dialects import (
    Mention,
    code_span,
    fixed,
    link_fence,
    linked,
    mentioning,
    plain_newlines,
    web_target,
)
from .inline import Dialect, Edges, Fence, Mark
from .links import Links
from .richtext import Span

__all__ = ["NOTION", "attributes", "color_name", "notion_text", "tag"]

_SPECIAL = re.compile(r"[\\*~`$\[\]<>{}|^]")
_STARTS = re.compile(
    r"(?P<mark>\#{1,6}(?=\s|$) | [-+](?=\s|$) | -{3,}\s*$) | (?P<number>\d{1,9})[.)](?=\s|$)", re.VERBOSE
)


def notion_text(text: str) -> str:
    """`text` with a backslash before each character the dialect gives a meaning."""
    return _SPECIAL.sub(r"\\\g<0>", plain_newlines(text))


def attributes(**values: str | None) -> str:
    """Attributes of a tag in the order given, without the empty ones: ` icon="🎯" color="blue_bg"`."""
    shown = ((name.replace("_", "-"), value) for name, value in values.items() if value)
    return "".join(f' {name}="{_quoted(value)}"' for name, value in shown)


def tag(name: str, text: str, **values: str | None) -> str:
    """One element on one line; `text` is in the dialect already. Closed at once where there is none."""
    opening = f"<{name}{attributes(**values)}"
    return f"{opening}>{text}</{name}>" if text else f"{opening}/>"


def color_name(color: Any) -> str:
    """The dialect's name of a colour; empty for the default."""
    name = str(color or "default")
    return "" if name.startswith("default") else name.replace("_background", "_bg")


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def _color(color: Any, _edges: Edges, _links: Links) -> Fence:
    name = color_name(color)
    return (f'<span color="{name}">', "</span>") if name else ("", "")


def _equation(span: Span, _links: Links) -> str:
    """Notion answers formulas as code between dollars and takes both forms."""
    expression = " ".join(span.text.split())
    return f"${code_span(expression)}$" if expression else ""


def _user(span: Span, payload: Mapping[str, Any], links: Links) -> str:
    identity = str(payload.get("id") or "")
    url = links.link("user", identity, span.text, f"user://{identity}")
    return tag("mention-user", notion_text(span.text.removeprefix("@")), url=url)


def _object(name: str, kind: str) -> Mention:
    def write(span: Span, payload: Mapping[str, Any], links: Links) -> str:
        identity = str(payload.get("id") or "")
        text = links.name(identity, text=span.text)
        return tag(
            name,
            notion_text(text),
            url=links.to(kind, identity, text=text, url=str(span.detail.get("href") or "")),
        )

    return write


def _scheme(name: str, scheme: str) -> Mention:
    return lambda span, payload, _links: tag(
        name, notion_text(span.text), url=f"{scheme}://{payload.get('id') or ''}"
    )


def _date(span: Span, payload: Mapping[str, Any], _links: Links) -> str:
    start, start_time = _clock(payload.get("start"))
    end, end_time = _clock(payload.get("end"))
    zone = payload.get("time_zone")
    times = attributes(start=start, end=end, startTime=start_time, endTime=end_time, timeZone=zone)
    return f"<mention-date{times}/>" if start else notion_text(span.text)


def _clock(iso: Any) -> tuple[str, str]:
    """The day and, if there is one, the time of day as HH:mm."""
    day, _, time = str(iso or "").partition("T")
    return day, time[:5]


def _web(span: Span, payload: Mapping[str, Any], links: Links) -> str:
    text, url = web_target(span, payload)
    return linked(notion_text(text), links.web(url, text=text) if url else "")


def _plain(span: Span, _payload: Mapping[str, Any], _links: Links) -> str:
    return notion_text(span.text)


_MENTIONS: Mapping[str, Mention] = {
    "user": _user,
    "page": _object("mention-page", "page"),
    "database": _object("mention-database", "database"),
    "data_source": _scheme("mention-data-source", "collection"),
    "agent": _scheme("mention-agent", "agent"),
    "date": _date,
    "custom_emoji": _plain,
    "template_mention": _plain,
}

NOTION = Dialect(
    marks=(
        Mark("link", link_fence, hugs=False),
        Mark("color", _color, hugs=False),
        Mark("underline", fixed('<span underline="true">', "</span>"), hugs=False),
        Mark("bold", fixed("**", "**")),
        Mark("italic", fixed("*", "*")),
        Mark("strikethrough", fixed("~~", "~~")),
    ),
    leaves={
        "text": lambda span, _links: notion_text(span.text),
        "code": lambda span, _links: code_span(span.text),
        "equation": _equation,
        "mention": mentioning(_MENTIONS, _web),
    },
    hidden={},
    starts=_STARTS,
    space=" ",
    apart="",
)
"""Colours and all: a page written back from this text looks the same."""
