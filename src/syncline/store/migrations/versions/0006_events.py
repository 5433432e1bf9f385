"""The event log of each connection, and what was forgotten of its records."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

JSON = sa.Text().with_variant(postgresql.JSON(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _events()
    _forgotten()


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("run_id", sa.String),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "seq", name="pk_events"),
    )
    with op.batch_alter_table("connections", recreate="auto") as connections:
        connections.add_column(sa.Column("event_seq", sa.BigInteger, nullable=False, server_default="0"))


def _forgotten() -> None:
    op.create_table(
        "pruned",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "kind", "key", name="pk_pruned"),
    )
    op.create_table(
        "floors",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("tombstones", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name="pk_floors"),
    )
