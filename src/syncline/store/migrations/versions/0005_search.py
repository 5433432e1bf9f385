"""Chunks and their full-text index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

JSON = sa.Text().with_variant(postgresql.JSON(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _documents()
    _chunks()
    _terms()
    for statement in _TEXT[op.get_bind().dialect.name]:
        op.execute(statement)
    listed = ["connection_id", "edited_at", "key", "kind", "stream", "seq", "deleted_at"]
    titles = ["folded"] if op.get_bind().dialect.name == "sqlite" else []
    op.create_index("ix_records_listed", "records", listed + titles)


def _documents() -> None:
    op.create_table(
        "search_indexes",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("checkpoint", sa.BigInteger, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("chunks", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name="pk_search_indexes"),
    )
    op.create_table(
        "search_documents",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("chunk_count", sa.Integer, nullable=False),
        sa.Column("indexed_at", INSTANT, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "kind", "key", name="pk_search_documents"),
    )
    stale = sa.text("hash = ''")
    op.create_index(
        "ix_search_documents_stale",
        "search_documents",
        ["connection_id"],
        sqlite_where=stale,
        postgresql_where=stale,
    )


def _chunks() -> None:
    op.create_table(
        "search_chunks",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("shape", sa.String, nullable=False),
        sa.Column("headings", JSON, nullable=False),
        sa.Column("blocks", JSON, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_search_chunks"),
    )
    op.create_index("ix_search_chunks_document", "search_chunks", ["connection_id", "kind", "key", "ordinal"])


def _terms() -> None:
    op.create_table(
        "search_terms",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("term", sa.String(collation="C").with_variant(sa.String, "sqlite"), nullable=False),
        sa.Column("chunks", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "term", name="pk_search_terms"),
    )
    gone = sa.text("chunks <= 0")
    op.create_index(
        "ix_search_terms_gone", "search_terms", ["connection_id"], sqlite_where=gone, postgresql_where=gone
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
_TEXT = {"sqlite": (_FTS5, _FTS5_GONE), "postgresql": (_LEXEMES, _LEXEMES_INDEX)}
