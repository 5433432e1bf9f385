"""Notifications: rules, the rows they saw, what they tell, and alerts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"

JSON = sa.Text().with_variant(postgresql.JSON(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _rules()
    _notifications()
    _alerts()


def _rules() -> None:
    op.create_table(
        "rules",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("trigger", sa.String, nullable=False),
        sa.Column("stream", sa.String),
        sa.Column("property", sa.Text),
        sa.Column("was", sa.Text),
        sa.Column("becomes", sa.Text),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("zone", sa.String, nullable=False),
        sa.Column("quiet", sa.String),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("since", sa.BigInteger),
        sa.Column("change_seq", sa.BigInteger, nullable=False),
        sa.Column("serial", sa.BigInteger, nullable=False),
        sa.Column("channels", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rules"),
    )
    op.create_index("ix_rules_connection_id", "rules", ["connection_id"])
    op.create_table(
        "watched",
        sa.Column("rule_id", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("content", JSON),
        sa.Column("held", JSON, nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "key", name="pk_watched"),
    )
    op.create_index("ix_watched_connection_id", "watched", ["connection_id"])


def _notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("rule_id", sa.String, nullable=False),
        sa.Column("serial", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("channel", sa.Integer, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("claimed_until", INSTANT),
        sa.Column("message", sa.String),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("error", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
    )
    op.create_index("ix_notifications_source", "notifications", ["rule_id", "source", "channel"], unique=True)
    op.create_index("ix_notifications_due", "notifications", ["state", "next_at"])
    op.create_index("ix_notifications_message", "notifications", ["message"])
    op.create_index("ix_notifications_connection_id", "notifications", ["connection_id"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("resolved_at", INSTANT),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_listed", "alerts", ["connection_id", "opened_at"])
    still = sa.text("resolved_at IS NULL")
    op.create_index(
        "ix_alerts_open",
        "alerts",
        ["connection_id", "kind", "subject"],
        unique=True,
        sqlite_where=still,
        postgresql_where=still,
    )
