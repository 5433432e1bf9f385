"""Notion's webhooks coming in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

JSON = sa.Text().with_variant(postgresql.JSON(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("connection_id", sa.String),
        sa.Column("app_id", sa.String),
        sa.Column("pairing_until", INSTANT),
        sa.Column("paired_at", INSTANT),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("heard_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("token", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
    )
    op.create_index("ix_subscriptions_connection_id", "subscriptions", ["connection_id"])
    op.create_table(
        "inbox",
        sa.Column("subscription_id", sa.String, nullable=False),
        sa.Column("event_id", sa.String, nullable=False),
        sa.Column("connection_id", sa.String),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("entity", sa.String, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("run_id", sa.String),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("not_before", INSTANT),
        sa.Column("settled_at", INSTANT),
        sa.Column("signals", JSON, nullable=False),
        sa.PrimaryKeyConstraint("subscription_id", "event_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_waiting", "inbox", ["state", "connection_id", "received_at"])
    op.create_index("ix_inbox_run", "inbox", ["run_id"])
