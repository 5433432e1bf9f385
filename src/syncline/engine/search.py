"""Answers a query from the search index: the best passage of each document, with what matched in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncline.app import App
from syncline.core.terms import Query, marks, parse, passage
from syncline.store.search_hits import Found, found
from syncline.store.search_rank import Filters, Ranker, rank

__all__ = ["Fragment", "Hit", "find"]

_WIDTH = 320
"""Characters of a passage."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """A stretch of a passage, and whether it is what was looked for."""

    text: str
    match: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found, by its best chunk.

    `kind` is page, row or database; `url` leads to the block where the chunk begins; `passage` is the part of `text` around
    most of the matches. A higher `score` is better than a lower one of the same query, and means nothing else.
    """

    connection_id: str
    key: str
    kind: str
    title: str
    url: str
    page_url: str
    headings: tuple[str, ...]
    text: str
    passage: tuple[Fragment, ...]
    chunk: str
    blocks: tuple[str, ...]
    edited_at: datetime | None
    score: float


async def find(
    app: App,
    connection_ids: Sequence[str],
    text: str,
    *,
    limit: int = 10,
    filters: Filters | None = None,
    ranker: Ranker = rank,
) -> list[Hit]:
    """The documents of these connections that match `text` best; any text is a query (core.terms.parse)."""
    query = parse(text)
    async with app.database.read() as conn:
        ranked = await ranker(conn, connection_ids, query, filters=filters or Filters(), limit=limit)
        return [_hit(one, query) for one in await found(conn, ranked)]


def _hit(one: Found, query: Query) -> Hit:
    chunk = one.held.chunk
    return Hit(
        connection_id=one.connection_id,
        key=one.held.key,
        kind=one.kind,
        title=one.title,
        url=_block_url(one.url, one.held.key, chunk.blocks),
        page_url=one.url,
        headings=chunk.headings,
        text=chunk.text,
        passage=tuple(_fragments(chunk.text, query)),
        chunk=chunk.id,
        blocks=tuple(block for block in chunk.blocks if block != one.held.key),
        edited_at=one.edited_at,
        score=round(one.score, 6),
    )


def _block_url(url: str, key: str, blocks: Sequence[str]) -> str:
    """The address of the first block; of the page itself where that is what the chunk is about."""
    first = next(iter(blocks), key)
    return url if first == key or not url else f"{url}#{first.replace('-', '')}"


def _fragments(text: str, query: Query) -> list[Fragment]:
    found_at = marks(text, query)
    start, end = passage(text, found_at, width=_WIDTH)
    pieces = []
    for first, last in found_at:
        if start <= first and last <= end:
            pieces += [Fragment(text[start:first], match=False), Fragment(text[first:last], match=True)]
            start = last
    pieces.append(Fragment(text[start:end], match=False))
    return [piece for piece in pieces if piece.text]
