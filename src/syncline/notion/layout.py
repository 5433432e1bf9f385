"""Lines of CommonMark put together: below each other, in quotes, as lists that stay apart."""

import re
from collections.abc import Sequence
from itertools import chain

from .blocks import Block
from .rendering import Lines

__all__ = ["begins_list", "indented", "may_follow_text", "quoted", "siblings", "spaced"]

_LISTS = frozenset({"bulleted_list_item", "numbered_list_item", "to_do"})
_LIST_START = re.compile(r"(?:(?P<bullet>[-*])|\d{1,9}(?P<dot>[.)]))(?:\s|$)")
_INTERRUPTS = re.compile(r"(?:[-*]|1\.) +\S")
"""What may begin a list directly below a line of text."""

_SEPARATOR = "<!-- -->"
"""Keeps two lists that follow each other two lists."""


def spaced(*blocks: Sequence[str]) -> Lines:
    """Blocks below each other, an empty line between; the empty ones leave no trace."""
    out: Lines = []
    for lines in blocks:
        if lines:
            out += ["", *lines] if out else lines
    return out


def siblings(blocks: Sequence[Block], parts: Sequence[Lines]) -> Lines:
    """Blocks that follow each other: items of a list close together, everything else apart."""
    out: Lines = []
    before = ""
    for block, lines in zip(blocks, parts, strict=True):
        if not lines:
            before = block.type
            continue
        if out and not (before == block.type and block.type in _LISTS):
            out += ["", _SEPARATOR, ""] if _run_together(out, lines) else [""]
        out += lines
        before = block.type
    return out


def _run_together(above: Sequence[str], below: Sequence[str]) -> bool:
    """Whether a parser would read a list that ends above and one that begins below as one."""
    last = next((line for line in reversed(above) if line and not line.startswith(" ")), "")
    ends, begins = _LIST_START.match(last), _LIST_START.match(below[0])
    return bool(ends and begins and ends.groupdict() == begins.groupdict())


def quoted(lines: Sequence[str]) -> Lines:
    """The lines as a quote."""
    return [f"> {line}" if line else ">" for line in lines] or [">"]


def indented(lines: Sequence[str], prefix: str, *, first: str | None = None) -> Lines:
    """The lines behind `prefix` (the first behind `first`); empty ones stay empty."""
    opening = prefix if first is None else first
    starts = chain((opening,), (prefix for _ in lines))
    return [
        start + line if line else start.rstrip(" ") if start.strip() else ""
        for start, line in zip(starts, lines, strict=False)
    ]


def begins_list(lines: Sequence[str]) -> bool:
    """Whether the first line is an item of a list."""
    return bool(lines) and _LIST_START.match(lines[0]) is not None


def may_follow_text(lines: Sequence[str]) -> bool:
    """Whether a parser sees a list in these lines directly below a line of text: none that is empty or begins at two."""
    return bool(lines) and _INTERRUPTS.match(lines[0]) is not None
