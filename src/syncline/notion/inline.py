"""Rich text as one string: marks as nested fences around the text, in the spelling of a `Dialect`.

Marks nest in the order of the dialect, outermost first; neighbours that share a mark share its fence. What
must not stand inside emphasis (spaces at its ends) is moved outside. Which fence is safe may depend on the characters on
both sides of it: https://spec.commonmark.org/0.31.2/#emphasis-and-strong-emphasis
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby
from typing import Any, TypeAlias

from .links import Links
from .richtext import Span, merged

__all__ = ["Dialect", "Edges", "Fence", "Leaf", "Mark", "render_spans"]

Fence: TypeAlias = tuple[str, str]
"""What opens and what closes a mark."""


@dataclass(frozen=True, slots=True)
class Edges:
    """The characters around the two ends of a marked text: outside and inside. Empty at the ends of the line."""

    before: str
    first: str
    last: str
    after: str


Leaf: TypeAlias = Callable[[Span, Links], str]


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark: the attribute of a span that holds it, and the fence for its value.

    `hugs`: spaces at its ends go outside.
    """

    name: str
    fence: Callable[[Any, Edges, Links], Fence]
    hugs: bool = True


@dataclass(frozen=True, slots=True)
class Dialect:
    """How text is written.

    `marks` from the outermost in; `leaves` what a span without marks becomes, by its kind (``code`` for text
    marked as code; an unknown kind is written as text); `hidden` the marks it cannot show, as their empty values;
    `starts` what would be misread at the start of a line (group ``number``: the escape goes behind it);
    `space` what stands for a space there; `apart` what keeps a formula from the dollar or digit behind it.
    """

    marks: tuple[Mark, ...]
    leaves: Mapping[str, Leaf]
    hidden: Mapping[str, Any]
    starts: re.Pattern[str]
    space: str
    apart: str

    def leaf(self, span: Span, links: Links) -> str:
        """One span without its marks."""
        kind = "code" if span.code and span.kind == "text" else span.kind
        return self.leaves.get(kind, self.leaves["text"])(span, links)


def render_spans(items: Sequence[Span], dialect: Dialect, *, links: Links) -> str:
    """The spans as one string. Line breaks of the text stay line breaks."""
    shown = merged(_shown(part, dialect) for item in items for part in _split_code(item))
    used = tuple(mark for mark in dialect.marks if any(getattr(item, mark.name) for item in shown))
    return _Writer(dialect, links).write(shown, used, before="", after="")


def _shown(item: Span, dialect: Dialect) -> Span:
    """The span without the marks the dialect cannot show."""
    if all(getattr(item, name) == empty for name, empty in dialect.hidden.items()):
        return item
    return replace(item, **dialect.hidden)


def _split_code(item: Span) -> list[Span]:
    """Code is written line by line: no code span can hold a line break."""
    if not item.code or item.kind != "text" or "\n" not in item.text:
        return [item]
    parts: list[Span] = []
    for line in item.text.split("\n"):
        parts += [replace(item, text="\n", code=False), replace(item, text=line)]
    return parts[1:]


@dataclass(frozen=True, slots=True)
class _Writer:
    dialect: Dialect
    links: Links

    def write(self, items: Sequence[Span], marks: tuple[Mark, ...], *, before: str, after: str) -> str:
        """The spans with these marks, between the characters `before` and `after`."""
        if not marks:
            return reduce(self.joined, (self.dialect.leaf(item, self.links) for item in items), "")
        mark, inner = marks[0], marks[1:]
        groups = [
            (value, list(group)) for value, group in groupby(items, key=lambda item: getattr(item, mark.name))
        ]
        out = ""
        for index, (value, group) in enumerate(groups):
            follows = self.first(groups[index + 1][1], marks) if index + 1 < len(groups) else after
            part = self.marked(group, mark, value, inner, before=out[-1:] or before, after=follows)
            out = self.joined(out, part)
        return out

    def marked(
        self, group: list[Span], mark: Mark, value: Any, inner: tuple[Mark, ...], *, before: str, after: str
    ) -> str:
        """One run of spans that share `value` of `mark`, in its fence if it has one."""
        if not value:
            return self.write(group, inner, before=before, after=after)
        head, core, tail = _trimmed(group) if mark.hugs else ("", group, "")
        if not core:
            return head
        edges = Edges(head[-1:] or before, self.first(core, inner), self.last(core, inner), tail[:1] or after)
        opening, closing = mark.fence(value, edges, self.links)
        text = self.write(core, inner, before=opening[-1:], after=closing[:1])
        return head + opening + text + closing + tail

    def first(self, items: Sequence[Span], marks: tuple[Mark, ...]) -> str:
        """The character these spans will begin with; a mark begins with some punctuation."""
        return "<" if _is_marked(items[0], marks) else self.dialect.leaf(items[0], self.links)[:1]

    def last(self, items: Sequence[Span], marks: tuple[Mark, ...]) -> str:
        """The character these spans will end with."""
        return ">" if _is_marked(items[-1], marks) else self.dialect.leaf(items[-1], self.links)[-1:]

    def joined(self, left: str, right: str) -> str:
        """Both, so that neither changes the other: an exclamation mark makes a link an image, dollars meet."""
        if left.endswith("!") and right.startswith("["):
            return f"{left[:-1]}\\!{right}"
        if left.endswith("$") and not left.endswith("\\$") and (right[:1] == "$" or right[:1].isdigit()):
            return left + self.dialect.apart + right
        return left + right


def _is_marked(item: Span, marks: tuple[Mark, ...]) -> bool:
    return any(getattr(item, mark.name) for mark in marks)


def _trimmed(group: list[Span]) -> tuple[str, list[Span], str]:
    """The white space at both ends of the group, and the group without it."""
    core, head, tail = list(group), "", ""
    while core and _is_plain(core[0]):
        stripped = core[0].text.lstrip()
        head += core[0].text[: len(core[0].text) - len(stripped)]
        if stripped:
            core[0] = replace(core[0], text=stripped)
            break
        core.pop(0)
    while core and _is_plain(core[-1]):
        stripped = core[-1].text.rstrip()
        tail = core[-1].text[len(stripped) :] + tail
        if stripped:
            core[-1] = replace(core[-1], text=stripped)
            break
        core.pop()
    return head, core, tail


def _is_plain(item: Span) -> bool:
    return item.kind == "text" and not item.code
