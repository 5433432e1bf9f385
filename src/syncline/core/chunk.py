"""Chunks: a page cut into pieces for retrieval, along its own structure.

A heading stays with the text that follows it, a table's header is repeated in each chunk of the table, items of a list
stay together, code, toggles and callouts stand alone. Nothing is dropped and nothing stands in two chunks but that
header: the texts of a page's chunks, in order, hold the text of every part.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

from syncline.core.hash import digest
from syncline.core.surrogates import legible

__all__ = ["ITEMS", "LARGEST", "SMALL", "TARGET", "Chunk", "Part", "Shape", "chunks", "tokens"]

TARGET = 400
"""Tokens that parts are gathered up to."""

SMALL = 200
"""Tokens below which a chunk joins its neighbour under the same headings."""

LARGEST = 800
"""Tokens from which on a single part is split."""

ITEMS = 15
"""Items of a list in one chunk."""

_BYTES = 4
"""UTF-8 bytes of a token: about right for English, and a character of Chinese comes to three quarters of one."""


class Shape(StrEnum):
    """What a part is, and a chunk made of such parts."""

    TEXT = "text"
    HEADING = "heading"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    TOGGLE = "toggle"
    CALLOUT = "callout"
    PROPERTIES = "properties"
    TITLE = "title"


_JOINED = frozenset({Shape.TEXT, Shape.LIST})
"""The shapes that join a neighbour; the others stand alone."""


@dataclass(frozen=True, slots=True)
class Part:
    """The text of one block.

    `headings` are those above it, outermost first; a heading's own text is the last of its own. Parts of one `group` belong
    together: the items of a list, the rows of a table, what is in a toggle. `header` is the table's header, for the other rows.
    """

    block: str
    text: str
    shape: Shape = Shape.TEXT
    headings: tuple[str, ...] = ()
    group: str = ""
    header: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a page. `id` follows from the page, the headings and the text, so what did not change keeps it.

    `blocks` are the ids of the blocks in it, in order; the first is where a link leads.
    """

    id: str
    ordinal: int
    shape: Shape
    headings: tuple[str, ...]
    text: str
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A chunk on the way. `parts` begins with headings that have nothing else below them yet."""

    parts: tuple[Part, ...]
    shape: Shape
    headings: tuple[str, ...]

    @property
    def size(self) -> int:
        return _size(self.parts)


def tokens(text: str) -> int:
    """About how many tokens of a language model `text` is."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES)


def chunks(page: str, parts: Iterable[Part]) -> tuple[Chunk, ...]:
    """The chunks of a page whose blocks are `parts`, in reading order."""
    held = [
        replace(
            part,
            text=legible(part.text.strip()),
            header=legible(part.header.strip()),
            headings=tuple(map(legible, part.headings)),
        )
        for part in parts
        if part.text.strip()
    ]
    made: list[Chunk] = []
    seen: dict[str, int] = {}
    for ordinal, draft in enumerate(_merged(_headed(_packed(held)))):
        text = _text(draft.parts)
        base = digest([page, draft.headings, text])
        seen[base] = seen.get(base, 0) + 1
        identity = base if seen[base] == 1 else digest([base, seen[base]])
        blocks = tuple(dict.fromkeys(part.block for part in draft.parts if part.block))
        made.append(Chunk(identity, ordinal, draft.shape, draft.headings, text, blocks))
    return tuple(made)


def _packed(parts: Iterable[Part]) -> Iterator[_Draft]:
    """Parts that belong together, up to a chunk's size."""
    for (headings, shape, _), together in groupby(
        parts, key=lambda part: (part.headings, part.shape, part.group)
    ):
        room = ITEMS if shape is Shape.LIST else None
        batch: list[Part] = []
        for part in (piece for whole in together for piece in _split(whole)):
            if batch and (_size([*batch, part]) > TARGET or len(batch) == room):
                yield _Draft(tuple(batch), shape, headings)
                batch = []
            batch.append(part)
        yield _Draft(tuple(batch), shape, headings)


def _split(part: Part) -> Iterator[Part]:
    """A part that is too large in pieces, cut where a line, a sentence or a word ends."""
    rest = part.text
    if tokens(rest) > LARGEST:
        while tokens(rest) > TARGET:
            end = _cut(rest)
            yield replace(part, text=rest[:end].rstrip())
            rest = rest[end:].lstrip()
    yield replace(part, text=rest)


def _cut(text: str) -> int:
    """Where the first piece of `text` ends."""
    whole = text[: TARGET * _BYTES].encode("utf-8", "surrogatepass")[: TARGET * _BYTES]
    room = max(1, len(whole.decode("utf-8", "ignore")))
    for mark in ("\n", ". ", "。", " "):
        at = text.rfind(mark, room // 2, room)
        if at > 0:
            return at + len(mark)
    return room


def _headed(drafts: Iterable[_Draft]) -> Iterator[_Draft]:
    """Headings in front of what follows them; one that nothing follows stands alone."""
    waiting: list[_Draft] = []
    for draft in drafts:
        if waiting and draft.headings[: len(waiting[-1].headings)] != waiting[-1].headings:
            yield _together(waiting)
            waiting = []
        waiting.append(draft)
        if draft.shape is not Shape.HEADING:
            yield _together(waiting)
            waiting = []
    if waiting:
        yield _together(waiting)


def _together(drafts: Sequence[_Draft]) -> _Draft:
    last = drafts[-1]
    return _Draft(tuple(part for draft in drafts for part in draft.parts), last.shape, last.headings)


def _merged(drafts: Iterable[_Draft]) -> Iterator[_Draft]:
    """Small neighbours under the same headings as one."""
    held: _Draft | None = None
    for draft in drafts:
        if held is not None and _joins(held, draft):
            shape = held.shape if held.shape is draft.shape else Shape.TEXT
            held = _Draft(held.parts + draft.parts, shape, held.headings)
            continue
        if held is not None:
            yield held
        held = draft
    if held is not None:
        yield held


def _joins(one: _Draft, other: _Draft) -> bool:
    if one.headings != other.headings or not {one.shape, other.shape} <= _JOINED:
        return False
    small = min(one.size, other.size) < SMALL and other.parts[0].shape is not Shape.HEADING
    return small and one.size + other.size <= TARGET


def _size(parts: Sequence[Part]) -> int:
    return tokens(_text(parts))


def _text(parts: Sequence[Part]) -> str:
    """The lines of a chunk; rows whose header stands in another chunk get it in front."""
    lines: list[str] = []
    header = ""
    for part in parts:
        if part.header and part.header != header and part.header not in lines:
            lines.append(part.header)
        header = part.header
        lines.append(part.text)
    return "\n".join(lines)
