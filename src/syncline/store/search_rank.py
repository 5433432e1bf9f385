"""Ranks the documents of some connections by a query, on either database.

SQLite has FTS5's BM25. What PostgreSQL ranks by knows nothing of how rare a word is and finds badly; there each clause of the query
weighs as much as it is rare in the connections asked. A hit in the title counts more than one in the headings, and that more than one
in the text. A query comes as terms, which hold letters, digits and marks alone (core.terms), so nothing in it is read as syntax.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from sqlalchemy import ColumnElement, TextClause, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Kind
from syncline.core.terms import Clause, Query
from syncline.store.search_text import owner
from syncline.store.tables import chunks, records
from syncline.store.tables_search import search_chunks, search_indexes, search_terms

__all__ = ["KINDS", "Filters", "Ranked", "Ranker", "rank"]

_Document: TypeAlias = tuple[str, str, str]
"""Connection, kind and key."""

KINDS: Mapping[str, ColumnElement[bool]] = {
    "page": (records.c.kind == Kind.PAGE) & (records.c.stream == "pages"),
    "row": (records.c.kind == Kind.PAGE) & (records.c.stream != "pages"),
    "database": records.c.kind == Kind.DATA_SOURCE,
}
"""What a document is to those who search: a page of its own, a row of a database, or the database itself."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a hit must be: of these KINDS (all if empty), a row of the data source `stream`, edited from `after` on and before `before`."""

    kinds: tuple[str, ...] = ()
    stream: str | None = None
    after: datetime | None = None
    before: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same as conditions on `records`."""
        found = []
        if self.kinds:
            found.append(or_(*(KINDS[kind] for kind in self.kinds)))
        if self.stream is not None:
            found.append(records.c.stream == self.stream)
        if self.after is not None:
            found.append(records.c.edited_at >= self.after)
        if self.before is not None:
            found.append(records.c.edited_at < self.before)
        return found


@dataclass(frozen=True, slots=True)
class Ranked:
    """The best chunk of a document for a query, by its number; a higher score is better, and means nothing else."""

    number: int
    score: float


class Ranker(Protocol):
    """A way to rank. A second one, by meaning, would answer the same, and the two lists be fused by their ranks."""

    async def __call__(
        self,
        conn: AsyncConnection,
        connection_ids: Sequence[str],
        query: Query,
        *,
        filters: Filters,
        limit: int,
    ) -> list[Ranked]:
        """Up to `limit` documents of the connections, each once, best first."""
        ...


_FIRST = 20
"""So many chunks for each document that is wanted are looked at first; a long document may have many that match."""
_MORE = 8
"""So many times more where these were of too few documents."""


async def rank(
    conn: AsyncConnection, connection_ids: Sequence[str], query: Query, *, filters: Filters, limit: int
) -> list[Ranked]:
    """The documents whose words match the query best. See `Ranker`."""
    if query.empty or not connection_ids:
        return []
    statement, values = await _FOUND[conn.dialect.name](conn, connection_ids, query)
    size = limit * _FIRST
    while True:
        rows = await conn.execute(statement, values | {"size": size})
        found = [Ranked(number, score) for number, score in rows]
        documents = await _documents(conn, [one.number for one in found], filters)
        best: dict[_Document, Ranked] = {}
        for one in found:
            if one.number in documents:
                best.setdefault(documents[one.number], one)
        if len(best) >= limit or len(found) < size:
            return list(best.values())[:limit]
        size *= _MORE


async def _documents(conn: AsyncConnection, numbers: Sequence[int], filters: Filters) -> dict[int, _Document]:
    """The document of each chunk, where it is what the filters say."""
    chunk, found = search_chunks.c, dict[int, _Document]()
    query = select(chunk.number, chunk.connection_id, chunk.kind, chunk.key)
    conditions = filters.conditions()
    if conditions:
        same = (records.c.connection_id == chunk.connection_id) & (records.c.kind == chunk.kind)
        query = query.join_from(search_chunks, records, same & (records.c.key == chunk.key))
    for part in chunks(numbers):
        rows = await conn.execute(query.where(chunk.number.in_(part), *conditions))
        found |= {row.number: (row.connection_id, row.kind, row.key) for row in rows}
    return found


# --- SQLite -------------------------------------------------------------------------------------------------------


async def _found_by_fts5(
    _conn: AsyncConnection, connection_ids: Sequence[str], query: Query
) -> tuple[TextClause, dict[str, Any]]:
    owners = _any(f'"{owner(one)}"' for one in connection_ids)
    match = f"(owner : ({owners})) AND ({{title headings body}} : ({_fts5(query)}))"
    return _FTS5, {"match": match}


_FTS5 = text("""
    SELECT rowid, -bm25(search_text, 0.0, 4.0, 2.0, 1.0) AS score FROM search_text
    WHERE search_text MATCH :match ORDER BY score DESC, rowid LIMIT :size
""")


def _fts5(query: Query) -> str:
    """The query in FTS5's syntax: https://sqlite.org/fts5.html#full_text_query_syntax ."""
    wanted = _any(map(_fts5_clause, query.wanted))
    required = " AND ".join(map(_fts5_clause, query.required))
    # What is wanted beside something required does not decide what is found, and counts for the rank.
    base = f"({required}) OR (({required}) AND ({wanted}))" if required and wanted else required or wanted
    return f"({base}) NOT ({_any(map(_fts5_clause, query.excluded))})" if query.excluded else base


def _fts5_clause(clause: Clause) -> str:
    return f'"{" ".join(clause.terms)}"{" *" if clause.prefix else ""}'


def _any(parts: Iterable[str], sign: str = " OR ") -> str:
    return sign.join(parts)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------

_CANDIDATES = 5_000
"""Chunks that are ranked: those with the rarest clauses of the query, as many clauses as come to no more than this."""


async def _found_by_lexemes(
    conn: AsyncConnection, connection_ids: Sequence[str], query: Query
) -> tuple[TextClause, dict[str, Any]]:
    total, held = await _rarities(conn, connection_ids, query.scoring)
    sought = query.required or _rarest(query.wanted, held)
    joint = " & " if query.required else " | "
    owners = _any((f"'@{owner(one)}'" for one in connection_ids), " | ")
    match = f"({owners}) & ({_any(map(_tsquery, sought), joint)})"
    if query.excluded:
        match += f" & !({_any(map(_tsquery, query.excluded), ' | ')})"
    values: dict[str, Any] = {"match": match}
    terms = []
    for number, clause in enumerate(query.scoring):
        terms.append(f":weight_{number} * ts_rank('{_WEIGHTS}', terms, CAST(:clause_{number} AS tsquery), 1)")
        values |= {
            f"weight_{number}": math.log(1 + (total - held[clause] + 0.5) / (held[clause] + 0.5)),
            f"clause_{number}": _tsquery(clause),
        }
    score = " + ".join(terms)
    statement = f"""
        SELECT number, {score} AS score FROM search_text
        WHERE terms @@ CAST(:match AS tsquery) ORDER BY score DESC, number LIMIT :size
    """  # noqa: S608 - constants and the names of parameters
    return text(statement), values


_WEIGHTS = "{0.2, 0.2, 0.5, 1}"
"""Of a term without a field, in the text, in the headings, in the title."""


async def _rarities(
    conn: AsyncConnection, connection_ids: Sequence[str], clauses: Sequence[Clause]
) -> tuple[int, dict[Clause, int]]:
    """How many chunks there are, and in how many at most each clause stands."""
    mine = search_terms.c.connection_id.in_(connection_ids)
    total = select(func.sum(search_indexes.c.chunks)).where(
        search_indexes.c.connection_id.in_(connection_ids)
    )
    single = {part: None for clause in clauses for part in _parts(clause)}
    counts = [
        select(func.sum(search_terms.c.chunks)).where(mine, _stands(part)).scalar_subquery()
        for part in single
    ]
    every, *found = (await conn.execute(select(total.scalar_subquery(), *counts))).one()
    held = dict(zip(single, (int(each or 0) for each in found), strict=True))
    whole = int(every or 0)
    return whole, {clause: min(whole, *map(held.__getitem__, _parts(clause))) for clause in clauses}


def _parts(clause: Clause) -> list[Clause]:
    """The clause in single terms."""
    *first, last = clause.terms
    return [*(Clause((term,)) for term in first), Clause((last,), prefix=clause.prefix)]


def _stands(part: Clause) -> ColumnElement[bool]:
    term = part.terms[0]
    if not part.prefix:
        return search_terms.c.term == term
    return (search_terms.c.term >= term) & (search_terms.c.term < f"{term}\U0010ffff")


def _rarest(clauses: Sequence[Clause], held: Mapping[Clause, int]) -> Sequence[Clause]:
    """The rarest of the clauses: those that come to no more chunks than can be ranked, one at least."""
    ordered = sorted((clause for clause in clauses if held[clause]), key=lambda clause: held[clause])
    chosen = ordered[:1]
    total = sum(held[clause] for clause in chosen)
    for clause in ordered[1:]:
        total += held[clause]
        if total > _CANDIDATES:
            break
        chosen.append(clause)
    return chosen or clauses[:1]


def _tsquery(clause: Clause) -> str:
    """A clause in PostgreSQL's syntax: https://www.postgresql.org/docs/current/datatype-textsearch.html ."""
    return "({})".format(" <-> ".join(f"'{term}'" for term in clause.terms) + (":*" if clause.prefix else ""))


_FOUND = {"sqlite": _found_by_fts5, "postgresql": _found_by_lexemes}
