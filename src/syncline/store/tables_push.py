"""The tables of the push: which page belongs to which row, and what was last written into it and seen in it."""

from sqlalchemy import Column, Index, Integer, String, Table

from syncline.store.tables import metadata
from syncline.store.types import Instant, Unicode

__all__ = ["links"]

links = Table(
    "links",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("mapping", Unicode, primary_key=True),
    Column("table_name", Unicode, primary_key=True),
    Column("key", Unicode, primary_key=True),
    # NULL while a page is being made: the row is then the intent.
    Column("page", String),
    Column("generation", Integer, nullable=False),
    Column("written", String),
    Column("seen", String),
    Column("body", String),
    # Who means to make the page, and since when.
    Column("intent", String),
    Column("intended_at", Instant),
    Column("written_at", Instant),
    Index("ix_links_page", "connection_id", "page"),
)
