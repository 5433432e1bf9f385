"""The table of what was said to Notion."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table

from syncline.store.tables import metadata
from syncline.store.types import Instant, Json, Unicode

__all__ = ["exchanges"]

exchanges = Table(
    "exchanges",
    metadata,
    # Nanoseconds of our time, made unique: ascending it is the order in which answers came.
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("connection_id", String, nullable=False),
    Column("run_id", String),
    Column("at", Instant, nullable=False),
    Column("operation", String, nullable=False),
    Column("method", String, nullable=False),
    Column("path", Unicode, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lane", String, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("status", Integer),
    Column("request_id", String),
    Column("code", String),
    Column("message", Unicode),
    Column("sent", Json),
    Column("answer", Json),
    Index("ix_exchanges_id", "connection_id", "id"),
    Index("ix_exchanges_run", "run_id", "id"),
    Index("ix_exchanges_at", "at"),
)
