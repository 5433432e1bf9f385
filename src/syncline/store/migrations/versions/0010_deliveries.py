"""Webhooks going out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

JSON = sa.Text().with_variant(postgresql.JSON(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _endpoints()
    _deliveries()


def _endpoints() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("types", JSON, nullable=False),
        sa.Column("streams", JSON, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("disabled_for", sa.Text),
        sa.Column("failing_since", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("event_seq", sa.BigInteger, nullable=False),
        sa.Column("change_seq", sa.BigInteger, nullable=False),
        sa.Column("serial", sa.BigInteger, nullable=False),
        sa.Column("previous_until", INSTANT),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("previous", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_endpoints"),
    )
    op.create_index("ix_endpoints_connection_id", "endpoints", ["connection_id"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("endpoint_id", sa.String, nullable=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("serial", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("claimed_until", INSTANT),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_due", "deliveries", ["state", "next_at"])
    op.create_index("ix_deliveries_order", "deliveries", ["endpoint_id", "subject", "state", "serial"])
    op.create_index("ix_deliveries_listed", "deliveries", ["endpoint_id", "serial"])
    op.create_index("ix_deliveries_connection_id", "deliveries", ["connection_id"])
    op.create_table(
        "attempts",
        sa.Column("delivery_id", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("milliseconds", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("answer", sa.Text),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_attempts"),
    )
    op.create_index("ix_attempts_connection_id", "attempts", ["connection_id"])
