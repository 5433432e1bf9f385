"""The tables of what Notion's webhooks bring: subscriptions and their inbox."""

from sqlalchemy import Column, Index, Integer, String, Table

from syncline.store.tables import metadata
from syncline.store.types import Instant, Json, Sealed, Unicode

__all__ = ["inbox", "subscriptions"]

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", Unicode, nullable=False),
    # One of the two: an internal integration tells of its own workspace, an OAuth app of all that it is connected to.
    Column("connection_id", String, index=True),
    Column("app_id", String),
    Column("pairing_until", Instant),
    Column("paired_at", Instant),
    Column("confirmed_at", Instant),
    Column("heard_at", Instant),
    Column("created_at", Instant, nullable=False),
    # The verification token: null until the handshake.
    Column("token", Sealed),
)

inbox = Table(
    "inbox",
    metadata,
    Column("subscription_id", String, primary_key=True),
    Column("event_id", String, primary_key=True),
    # Null where no connection is known for the event's workspace.
    Column("connection_id", String),
    Column("type", String, nullable=False),
    Column("entity", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", String, nullable=False),
    Column("run_id", String),
    Column("tries", Integer, nullable=False),
    Column("not_before", Instant),
    Column("settled_at", Instant),
    # What the event asks to be looked at, as core.refresh has it.
    Column("signals", Json, nullable=False),
    Index("ix_inbox_waiting", "state", "connection_id", "received_at"),
    Index("ix_inbox_run", "run_id"),
)
