"""The tables of notifications: rules, the rows they saw, what they tell, and alerts."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, text

from syncline.store.tables import metadata
from syncline.store.types import Instant, Json, Sealed, Unicode

__all__ = ["alerts", "notifications", "rules", "watched"]

rules = Table(
    "rules",
    metadata,
    Column("id", String, primary_key=True),
    Column("connection_id", String, nullable=False, index=True),
    Column("name", Unicode, nullable=False),
    Column("trigger", String, nullable=False),
    Column("stream", String),
    Column("property", Unicode),
    Column("was", Unicode),
    Column("becomes", Unicode),
    Column("template", Unicode, nullable=False),
    Column("digest", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("quiet", String),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    # The last change when it was made, until it has looked at every row; how far it has looked, and the number of its last notification.
    Column("since", BigInteger),
    Column("change_seq", BigInteger, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("channels", Sealed, nullable=False),
)

# The rows of a rule's streams as it saw them last, with what it compares.
watched = Table(
    "watched",
    metadata,
    Column("rule_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("connection_id", String, nullable=False, index=True),
    Column("content", Json),
    Column("held", Json, nullable=False),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", String, primary_key=True),
    Column("connection_id", String, nullable=False, index=True),
    Column("rule_id", String, nullable=False),
    Column("serial", BigInteger, nullable=False),
    # What it tells of, once: a change by its number, or the beginning or end of an alert.
    Column("source", String, nullable=False),
    # Which of the rule's channels.
    Column("channel", Integer, nullable=False),
    Column("subject", String, nullable=False),
    Column("state", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("claimed_until", Instant),
    # Those that go out as one message, once that was put together.
    Column("message", String),
    Column("tries", Integer, nullable=False),
    Column("ended_at", Instant),
    Column("error", Unicode),
    Column("text", Unicode, nullable=False),
    Index("ix_notifications_source", "rule_id", "source", "channel", unique=True),
    Index("ix_notifications_due", "state", "next_at"),
    Index("ix_notifications_message", "message"),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", String, primary_key=True),
    Column("connection_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("resolved_at", Instant),
    Column("text", Unicode, nullable=False),
    Index("ix_alerts_listed", "connection_id", "opened_at"),
)
_open = text("resolved_at IS NULL")
Index(
    "ix_alerts_open",
    alerts.c.connection_id,
    alerts.c.kind,
    alerts.c.subject,
    unique=True,
    sqlite_where=_open,
    postgresql_where=_open,
)
