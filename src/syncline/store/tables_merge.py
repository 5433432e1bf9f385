"""The tables of the two-way merge: what both sides last agreed on, and where they did not."""

from sqlalchemy import Column, Index, Integer, String, Table

from syncline.store.tables import metadata
from syncline.store.types import Instant, Json, Unicode

__all__ = ["agreed", "conflicts"]

agreed = Table(
    "agreed",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("mapping", Unicode, primary_key=True),
    Column("table_name", Unicode, primary_key=True),
    Column("key", Unicode, primary_key=True),
    # NULL while a page is being made.
    Column("page", String),
    Column("state", String, nullable=False),
    Column("at", Instant, nullable=False),
    # The forms of the values each side showed, by property.
    Column("database", Json, nullable=False),
    Column("notion", Json, nullable=False),
    Index("ix_agreed_page", "connection_id", "page"),
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("connection_id", String, primary_key=True),
    # A digest of the row, the property and the three values, so that one conflict is one row however often it is met.
    Column("id", String, primary_key=True),
    Column("mapping", Unicode, nullable=False),
    Column("table_name", Unicode, nullable=False),
    Column("key", Unicode, nullable=False),
    # The empty text for the row as a whole.
    Column("property", Unicode, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("winner", String),
    Column("times", Integer, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("database_at", Instant),
    Column("notion_at", Instant),
    Column("decided_by", String),
    Column("page", String),
    Column("base", Json),
    Column("database", Json),
    Column("notion", Json),
    Column("value", Json),
    Index("ix_conflicts_raised", "connection_id", "state", "raised_at"),
    Index("ix_conflicts_row", "connection_id", "mapping", "table_name", "key"),
)
