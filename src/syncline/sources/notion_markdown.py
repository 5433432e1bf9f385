"""What Notion's Markdown of a page says beside its text: what hangs below the page, and what was left out.

The content of code is literal: what looks like a page or a left-out part between two fences is text.

Source: https://developers.notion.com/reference/retrieve-page-markdown
"""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from syncline.notion.canonical import stable_url
from syncline.notion.objects import PageMarkdown, parse_id

__all__ = ["children", "cut", "joined", "stable"]

_ID: Final = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_CHILD: Final = re.compile(rf'^\t*<(page|database) url="[^"]*?({_ID})[^"]*"', re.MULTILINE)
_LEFT_OUT: Final = re.compile(rf'^(\t*)<unknown url="[^"]*?({_ID})"[^>]*/>$', re.MULTILINE)
_FENCE: Final = re.compile(r"^(\t*)(`{3,})([^`\n]*)$", re.MULTILINE)
_URL: Final = re.compile(r"https?://[^\s\"<>)\]]+")
_NO_CODE: Final = (sys.maxsize, sys.maxsize)

_MOST_NAMED: Final = 100
"""Of so many parts that it left out Notion tells the ids."""


def children(text: str) -> Iterator[tuple[str, str]]:
    """The pages and databases that hang below the page: ``page`` or ``database``, and the id."""
    return ((match[1], parse_id(match[2])) for match in _outside_code(_CHILD, text))


def stable(text: str) -> str:
    """The text without what changes from read to read: the signatures of addresses."""
    return _URL.sub(lambda match: stable_url(match[0]), text)


def cut(answer: PageMarkdown) -> str | None:
    """Why more is left out than what the answer names, None if it names all.

    What no Markdown exists for looks like a part that was left out, so where so many are named that there may be more, it counts as one.
    """
    named = answer.get("unknown_block_ids") or ()
    if not answer.get("truncated") or 0 < len(named) < _MOST_NAMED:
        return None
    shown = {parse_id(match[2]) for match in _outside_code(_LEFT_OUT, answer.get("markdown", ""))}
    if named and shown.issubset(named):
        return None
    return "Notion leaves parts out of this text and does not name all. Read it with the fidelity blocks."


def joined(page: str, pieces: Mapping[str, str]) -> str:
    """The page's text with the parts that were left out put in their places, indented as they stand there.

    Each is put in once: one that shows itself within itself would never end.
    """
    left = dict(pieces)
    before, text = "", left.pop(page)
    while before != text:
        before, text = text, _filled(text, left)
    return text


def _filled(text: str, left: dict[str, str]) -> str:
    parts: list[str] = []
    end = 0
    for match in _outside_code(_LEFT_OUT, text):
        parts += text[end : match.start()], _piece(match, left)
        end = match.end()
    return "".join(parts) + text[end:]


def _piece(match: re.Match[str], left: dict[str, str]) -> str:
    """What stands in the place of a tag; it is taken out of `left`."""
    piece = left.pop(parse_id(match[2]), None)
    if piece is None:
        return match[0]
    return "\n".join(match[1] + line for line in piece.split("\n"))


def _outside_code(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """What matches in lines that do not stand between fences."""
    code = _code(text)
    start, end = next(code, _NO_CODE)
    for match in pattern.finditer(text):
        while end <= match.start():
            start, end = next(code, _NO_CODE)
        if match.start() < start:
            yield match


def _code(text: str) -> Iterator[tuple[int, int]]:
    """Where code begins and ends, fences included. One that never ends is none: better a page too many than one that is lost."""
    opening: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif fence[1] == opening[1] and len(fence[2]) >= len(opening[2]) and not fence[3].strip():
            yield opening.start(), fence.end()
            opening = None
