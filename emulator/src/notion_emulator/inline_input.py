"""Inline Markdown of dialect v1, read into rich text as a create request carries it.

What is written is read leniently: a style that is never closed is text, an unknown tag is text. Both ``$x$`` and
``$`x`$`` are equations (https://developers.notion.com/guides/data-apis/enhanced-markdown).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from notion_emulator.ids import dashed

__all__ = ["attributes_of", "color_of", "id_in", "rich_text"]

Json = dict[str, Any]

LONGEST = 2000  # UTF-16 units of one text run
DEEPEST = 32  # styles within styles; more are text
COLORS = frozenset({"gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red"})
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
HEX = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
TOKEN = re.compile(
    r"""
      \\(?P<escape>[\\*~`$\[\]<>{}|^])
    | (?P<break><br\s*/?>)
    | \$`(?P<math>[^`]+)`\$
    | (?P<fence>`+)(?P<code>.+?)(?<!`)(?P=fence)(?!`)
    | \$(?P<tex>[^\s$`](?:[^$\n]*[^\s$\\])?)\$(?!\d)
    | <mention-(?P<mention>[a-z-]+)(?P<about>(?:\s+[\w-]+="[^"]*")*)\s*(?:/>|>(?P<name>.*?)</mention-(?P=mention)>)
    | <span(?P<span>(?:\s+[\w-]+="[^"]*")*)\s*>
    | (?P<unspan></span>)
    | (?P<bracket>\[)
    | \]\((?P<url>(?:[^()\s]|\([^()\s]*\))*)\)
    | (?P<stars>\*+)
    | (?P<strike>~~)
    """,
    re.VERBOSE | re.DOTALL,
)


def rich_text(text: str) -> list[Json]:
    """The rich text of one line of inline Markdown, neighbours of one style joined."""
    reader = _Reader(text)
    reader.read()
    return [item for leaf in _joined(reader.leaves) for item in _items(leaf)]


def attributes_of(text: str) -> dict[str, str]:
    """The attributes of a tag."""
    return {name: _unquoted(value) for name, value in ATTRIBUTE.findall(text)}


def _unquoted(value: str) -> str:
    """Undo the entities that writers put into attributes; ``&copy=1`` in an address is none."""
    for entity, character in (("&quot;", '"'), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        value = value.replace(entity, character)
    return value


def color_of(name: str | None) -> str | None:
    """The API's name of a Markdown colour; None for an unknown one."""
    base, _, rest = (name or "").partition("_")
    if base not in COLORS or rest not in ("", "bg", "background"):
        return None
    return f"{base}_background" if rest else base


def id_in(url: str | None) -> str | None:
    """The last id in an address: a block's behind ``#``, else the page's."""
    found = HEX.findall(url or "")
    return dashed(found[-1]) if found else None


@dataclass(slots=True)
class _Leaf:
    """A piece of text, or one object."""

    text: str
    payload: Json | None = None
    styles: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Frame:
    """A style that was opened; its mark stands in the leaf at ``place`` until it is closed."""

    mark: str
    style: Json
    place: int


class _Reader:
    """One pass over the tokens with a stack of open styles."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.leaves: list[_Leaf] = []
        self.frames: list[_Frame] = []

    def read(self) -> None:
        place = 0
        for token in TOKEN.finditer(self.text):
            if token.start() > place:
                self.leaves.append(_Leaf(self.text[place : token.start()]))
            place = token.end()
            kind = token.lastgroup or ""
            # Groups that come in pairs are named by their first one.
            kind = {"name": "mention", "about": "mention", "code": "fence"}.get(kind, kind)
            READERS[kind](self, token)
        if place < len(self.text):
            self.leaves.append(_Leaf(self.text[place:]))

    def literal(self, text: str) -> None:
        self.leaves.append(_Leaf(text))

    def open(self, mark: str, style: Json) -> None:
        if len(self.frames) < DEEPEST:
            self.frames.append(_Frame(mark, style, len(self.leaves)))
        self.literal(mark)

    def close(self, mark: str, text: str, style: Json | None = None) -> bool:
        """Close the nearest open mark; those opened within it stay text. False where none is open."""
        for depth in range(len(self.frames) - 1, -1, -1):
            frame = self.frames[depth]
            if frame.mark.startswith(mark):
                del self.frames[depth:]
                self.leaves[frame.place].text = ""
                for leaf in self.leaves[frame.place + 1 :]:
                    leaf.styles = {**(style or frame.style), **leaf.styles}
                return True
        self.literal(text)
        return False

    def stars(self, token: re.Match[str]) -> None:
        left = len(token["stars"])
        if left > 6:
            self.literal(token["stars"])
            return
        start, end = token.span()
        before, after = self.text[max(start - 1, 0) : start], self.text[end : end + 1]
        closes, opens = bool(before) and not before.isspace(), bool(after) and not after.isspace()
        while left:
            top = next((frame.mark for frame in reversed(self.frames) if frame.mark in ("*", "**")), "")
            if closes and top == "*" and left != 2:
                left -= 1
                self.close("*", "*")
            elif closes and top == "**" and left >= 2:
                left -= 2
                self.close("**", "**")
            else:
                size = min(left, 2)
                left -= size
                self.star(size, opens=opens)

    def star(self, size: int, *, opens: bool) -> None:
        if opens:
            self.open("*" * size, {"bold": True} if size == 2 else {"italic": True})
        else:
            self.literal("*" * size)

    def strike(self, token: re.Match[str]) -> None:
        if any(frame.mark == "~~" for frame in self.frames):
            self.close("~~", "~~")
        else:
            self.open(token[0], {"strikethrough": True})

    def span(self, token: re.Match[str]) -> None:
        found = attributes_of(token["span"])
        style: Json = {"underline": True} if found.get("underline") == "true" else {}
        color = color_of(found.get("color"))
        self.open(token[0], {**style, **({"color": color} if color else {})})

    def mention(self, token: re.Match[str]) -> None:
        write = MENTIONS.get(token["mention"])
        payload = write(attributes_of(token["about"])) if write else None
        if payload is None:
            self.literal(token["name"] or "")
        else:
            self.leaves.append(_Leaf("", {"type": "mention", "mention": payload}))

    def equation(self, expression: str) -> None:
        self.leaves.append(_Leaf("", {"type": "equation", "equation": {"expression": expression}}))

    def code(self, token: re.Match[str]) -> None:
        text = token["code"]
        if text[:1] == text[-1:] == " " and "`" in text:
            text = text[1:-1]
        self.leaves.append(_Leaf(text, styles={"code": True}))


READERS: dict[str, Callable[[_Reader, re.Match[str]], object]] = {
    "escape": lambda reader, token: reader.literal(token["escape"]),
    "break": lambda reader, _token: reader.literal("\n"),
    "math": lambda reader, token: reader.equation(token["math"]),
    "tex": lambda reader, token: reader.equation(token["tex"]),
    "fence": _Reader.code,
    "mention": _Reader.mention,
    "span": _Reader.span,
    "unspan": lambda reader, token: reader.close("<span", token[0]),
    "bracket": lambda reader, _token: reader.open("[", {}),
    "url": lambda reader, token: reader.close("[", token[0], {"link": token["url"]} if token["url"] else {}),
    "stars": _Reader.stars,
    "strike": _Reader.strike,
}


def _named(kind: str) -> Callable[[dict[str, str]], Json | None]:
    def write(about: dict[str, str]) -> Json | None:
        found = id_in(about.get("url"))
        return {"type": kind, kind: {"id": found}} if found else None

    return write


def _date(about: dict[str, str]) -> Json | None:
    start, end = (_moment(about.get(key), about.get(f"{key}Time")) for key in ("start", "end"))
    if start is None:
        return None
    return {"type": "date", "date": {"start": start, "end": end, "time_zone": about.get("timeZone")}}


def _moment(day: str | None, time: str | None) -> str | None:
    return f"{day}T{time}:00" if day and time else day


MENTIONS: dict[str, Callable[[dict[str, str]], Json | None]] = {
    "user": _named("user"),
    "agent": _named("user"),
    "page": _named("page"),
    "database": _named("database"),
    "data-source": _named("database"),
    "date": _date,
}


def _joined(leaves: list[_Leaf]) -> list[_Leaf]:
    found: list[_Leaf] = []
    for leaf in leaves:
        if leaf.payload is None and not leaf.text:
            continue
        last = found[-1] if found else None
        if last and last.payload is None and leaf.payload is None and last.styles == leaf.styles:
            last.text += leaf.text
        else:
            found.append(leaf)
    return found


def _items(leaf: _Leaf) -> list[Json]:
    """The items of a leaf: text longer than one run may be is cut."""
    link = leaf.styles.get("link")
    annotations = {name: value for name, value in leaf.styles.items() if name != "link"}
    styled = {"annotations": annotations} if annotations else {}
    if leaf.payload is not None:
        return [{**leaf.payload, **styled}]
    linked = {"link": {"url": link}} if link else {}
    return [{"type": "text", "text": {"content": part, **linked}, **styled} for part in _cut(leaf.text)]


def _cut(text: str) -> list[str]:
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * LONGEST:
        return [text]
    # Characters beyond the basic plane are two units: half the limit in characters always fits.
    step = LONGEST if len(units) == 2 * len(text) else LONGEST // 2
    return [text[start : start + step] for start in range(0, len(text), step)]
