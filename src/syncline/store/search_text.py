"""What the full-text index of either database is given, and its statistics.

Both are given terms (core.terms) and find the same. FTS5 counts by itself how rare a term is, over all connections; for PostgreSQL it is
counted here, for each connection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Kind
from syncline.core.terms import terms
from syncline.store.tables_search import search_terms

__all__ = ["Text", "add", "count", "forget", "owner"]


@dataclass(frozen=True, slots=True)
class Text:
    """What is to be found of a chunk."""

    number: int
    title: str
    headings: tuple[str, ...]
    body: str


def owner(connection_id: str) -> str:
    """A connection's id as a term that no text yields: hexadecimal digits, marked off by its field or its sign."""
    return connection_id.encode().hex()


async def add(conn: AsyncConnection, connection_id: str, texts: Sequence[Text]) -> None:
    """Make chunks findable that are stored already."""
    if texts:
        statement, row = _ADD[conn.dialect.name]
        await conn.execute(statement, [row(owner(connection_id), each) for each in texts])


def _fts5_row(mine: str, each: Text) -> dict[str, Any]:
    fields = {"title": each.title, "headings": "\n".join(each.headings), "body": each.body}
    return {"number": each.number, "owner": mine} | {
        name: " ".join(terms(said)) for name, said in fields.items()
    }


_GAP = 10
"""Positions between two fields, so that no phrase spans them."""
_LAST = 16_000
"""The last position; PostgreSQL knows 16,383: https://www.postgresql.org/docs/current/textsearch-limitations.html"""


def _vector_row(mine: str, each: Text) -> dict[str, Any]:
    places: dict[str, list[str]] = {}
    position = 0
    for weight, said in (("A", each.title), ("B", "\n".join(each.headings)), ("D", each.body)):
        for position, term in enumerate(terms(said), position + 1):  # noqa: B020 - it goes on where the field before it ended
            places.setdefault(term, []).append(f"{min(position, _LAST)}{weight}")
        position += _GAP
    lexemes = [f"'{term}':{','.join(found)}" for term, found in places.items()]
    return {"number": each.number, "terms": " ".join([f"'@{mine}'", *lexemes])}


_ADD = {
    "sqlite": (
        text(
            "INSERT INTO search_text (rowid, owner, title, headings, body) VALUES (:number, :owner, :title, :headings, :body)"
        ),
        _fts5_row,
    ),
    "postgresql": (
        text("INSERT INTO search_text (number, terms) VALUES (:number, CAST(:terms AS tsvector))"),
        _vector_row,
    ),
}


async def count(
    conn: AsyncConnection, connection_id: str, kind: Kind, keys: Sequence[str], *, by: int
) -> None:
    """Count the terms of documents into the connection's statistics, or out of them, where the database does not."""
    if conn.dialect.name == "postgresql":
        await conn.execute(_COUNT, {"connection_id": connection_id, "kind": kind, "keys": keys, "by": by})


_COUNT = text("""
    INSERT INTO search_terms (connection_id, term, chunks)
    SELECT CAST(:connection_id AS varchar), lexeme, CAST(:by AS bigint) * count(*)
    FROM search_chunks JOIN search_text USING (number), unnest(tsvector_to_array(terms)) AS lexeme
    WHERE connection_id = :connection_id AND kind = :kind AND key IN :keys AND lexeme NOT LIKE '@%'
    GROUP BY lexeme
    ON CONFLICT (connection_id, term) DO UPDATE SET chunks = search_terms.chunks + excluded.chunks
""").bindparams(bindparam("keys", expanding=True))


async def forget(conn: AsyncConnection, connection_id: str) -> None:
    """Drop the terms that stand nowhere any more."""
    if conn.dialect.name == "postgresql":
        gone = (search_terms.c.connection_id == connection_id) & (search_terms.c.chunks <= 0)
        await conn.execute(delete(search_terms).where(gone))
