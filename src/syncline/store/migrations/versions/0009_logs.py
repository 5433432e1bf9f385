"""What was said to Notion."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

JSON = sa.Text().with_variant(postgresql.JSON(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "exchanges",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("run_id", sa.String),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("operation", sa.String, nullable=False),
        sa.Column("method", sa.String, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("lane", sa.String, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("request_id", sa.String),
        sa.Column("code", sa.String),
        sa.Column("message", sa.Text),
        sa.Column("sent", JSON),
        sa.Column("answer", JSON),
        sa.PrimaryKeyConstraint("id", name="pk_exchanges"),
    )
    op.create_index("ix_exchanges_id", "exchanges", ["connection_id", "id"])
    op.create_index("ix_exchanges_run", "exchanges", ["run_id", "id"])
    op.create_index("ix_exchanges_at", "exchanges", ["at"])
