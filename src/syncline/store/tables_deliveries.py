"""The tables of webhooks going out: endpoints, what they are sent, and how each attempt went."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

from syncline.store.tables import metadata
from syncline.store.types import Instant, Json, Sealed, Unicode

__all__ = ["attempts", "deliveries", "endpoints"]

endpoints = Table(
    "endpoints",
    metadata,
    Column("id", String, primary_key=True),
    Column("connection_id", String, nullable=False, index=True),
    Column("url", Unicode, nullable=False),
    Column("description", Unicode, nullable=False),
    Column("types", Json, nullable=False),
    Column("streams", Json, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_for", Unicode),
    Column("failing_since", Instant),
    Column("created_at", Instant, nullable=False),
    # How far the event log and the change sequence were turned into deliveries, and the number of the last delivery.
    Column("event_seq", BigInteger, nullable=False),
    Column("change_seq", BigInteger, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("previous_until", Instant),
    Column("secret", Sealed, nullable=False),
    Column("previous", Sealed),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("endpoint_id", String, nullable=False),
    Column("connection_id", String, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("type", String, nullable=False),
    # What it is about: deliveries about one thing arrive in their order.
    Column("subject", String, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("claimed_until", Instant),
    Column("tries", Integer, nullable=False),
    Column("ended_at", Instant),
    Column("body", Unicode, nullable=False),
    # The W3C traceparent of what caused it.
    Column("trace", String),
    Index("ix_deliveries_due", "state", "next_at"),
    Index("ix_deliveries_order", "endpoint_id", "subject", "state", "serial"),
    Index("ix_deliveries_listed", "endpoint_id", "serial"),
    Index("ix_deliveries_connection_id", "connection_id"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery_id", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("connection_id", String, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Unicode),
    Column("answer", Unicode),
)
