"""The tables of the search index.

Terms are in `search_text`, which SQLAlchemy does not know: a full-text table of FTS5 on SQLite (https://sqlite.org/fts5.html), a
column of lexemes with a GIN index on PostgreSQL (https://www.postgresql.org/docs/current/textsearch-tables.html). Both are given terms
that are made already (core.terms), so their own dictionaries have nothing to do. A row of it goes with its chunk.
"""

from sqlalchemy import DDL, BigInteger, Boolean, Column, Index, Integer, String, Table, event

from syncline.store.tables import metadata
from syncline.store.types import Instant, Json, Unicode

__all__ = ["search_chunks", "search_documents", "search_indexes", "search_terms"]

# One row a connection that was indexed or switched off. `chunks` counts its rows of search_chunks.
search_indexes = Table(
    "search_indexes",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("checkpoint", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("chunks", BigInteger, nullable=False),
)

# What stands in the index: `hash` is that of what was indexed, empty where it is to be indexed anew.
search_documents = Table(
    "search_documents",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
    Column("chunk_count", Integer, nullable=False),
    Column("indexed_at", Instant, nullable=False),
    Column("url", Unicode, nullable=False),
    Column("title", Unicode, nullable=False),
)
Index(
    "ix_search_documents_stale",
    search_documents.c.connection_id,
    sqlite_where=search_documents.c.hash == "",
    postgresql_where=search_documents.c.hash == "",
)

search_chunks = Table(
    "search_chunks",
    metadata,
    # On SQLite an INTEGER PRIMARY KEY is the row's own number, which search_text shares.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("connection_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("id", String, nullable=False),
    Column("shape", String, nullable=False),
    Column("headings", Json, nullable=False),
    Column("blocks", Json, nullable=False),
    Column("text", Unicode, nullable=False),
    Index("ix_search_chunks_document", "connection_id", "kind", "key", "ordinal"),
)

# PostgreSQL: in how many chunks of the connection each term stands. FTS5 counts by itself.
search_terms = Table(
    "search_terms",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("term", String(collation="C").with_variant(String, "sqlite"), primary_key=True),
    Column("chunks", BigInteger, nullable=False),
)
Index(
    "ix_search_terms_gone",
    search_terms.c.connection_id,
    sqlite_where=search_terms.c.chunks <= 0,
    postgresql_where=search_terms.c.chunks <= 0,
)

_FTS5 = """
CREATE VIRTUAL TABLE search_text USING fts5(owner, title, headings, body, tokenize='ascii')
"""
_FTS5_GONE = """
CREATE TRIGGER search_chunks_gone AFTER DELETE ON search_chunks
BEGIN DELETE FROM search_text WHERE rowid = old.number; END
"""
_LEXEMES = """
CREATE TABLE search_text (
    number bigint NOT NULL, terms tsvector NOT NULL,
    CONSTRAINT pk_search_text PRIMARY KEY (number),
    CONSTRAINT fk_search_text_chunk FOREIGN KEY (number) REFERENCES search_chunks (number) ON DELETE CASCADE
)
"""
_LEXEMES_INDEX = "CREATE INDEX ix_search_text_terms ON search_text USING gin (terms) WITH (fastupdate = off)"

for _dialect, _statement in (
    ("sqlite", _FTS5),
    ("sqlite", _FTS5_GONE),
    ("postgresql", _LEXEMES),
    ("postgresql", _LEXEMES_INDEX),
):
    _ddl = DDL(_statement)  # type: ignore[no-untyped-call]  # SQLAlchemy has no types for it
    event.listen(search_chunks, "after_create", _ddl.execute_if(dialect=_dialect))
event.listen(search_chunks, "before_drop", DDL("DROP TABLE search_text"))  # type: ignore[no-untyped-call]  # as above
