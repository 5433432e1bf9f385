"""What a query found, as it is shown: the chunk, and the document it is of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.search import StoredChunk, stored_chunk
from syncline.store.search_rank import KINDS, Ranked
from syncline.store.tables import records
from syncline.store.tables_search import search_chunks, search_documents

__all__ = ["Found", "found", "kind_of"]

kind_of = case(*((condition, name) for name, condition in KINDS.items()))
"""What a record is to those who search, in SQL."""


@dataclass(frozen=True, slots=True)
class Found:
    """A chunk that was found. `kind` is one of KINDS, `title` and `url` are the document's."""

    connection_id: str
    kind: str
    title: str
    url: str
    edited_at: datetime | None
    score: float
    held: StoredChunk


async def found(conn: AsyncConnection, ranked: Sequence[Ranked]) -> list[Found]:
    """The chunks that were ranked, in the same order."""
    document, chunk = search_documents.c, search_chunks.c
    same = (
        (document.connection_id == chunk.connection_id)
        & (document.kind == chunk.kind)
        & (document.key == chunk.key)
    )
    of = (
        (records.c.connection_id == chunk.connection_id)
        & (records.c.kind == chunk.kind)
        & (records.c.key == chunk.key)
    )
    query = (
        select(search_chunks, document.title, document.url, records.c.edited_at, kind_of.label("type"))
        .join_from(search_chunks, search_documents, same)
        .join(records, of)
        .where(chunk.number.in_([one.number for one in ranked]))
    )
    rows = {row["number"]: row for row in (await conn.execute(query)).mappings()}
    return [
        Found(
            row["connection_id"],
            row["type"],
            row["title"],
            row["url"],
            row["edited_at"],
            one.score,
            stored_chunk(row),
        )
        for one in ranked
        if (row := rows.get(one.number)) is not None
    ]
