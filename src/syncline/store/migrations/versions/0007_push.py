"""Links, agreed values, conflicts and the outbox's position."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

JSON = sa.Text().with_variant(postgresql.JSON(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _links()
    _agreed()
    _conflicts()


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("mapping", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("page", sa.String),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("written", sa.String),
        sa.Column("seen", sa.String),
        sa.Column("body", sa.String),
        sa.Column("intent", sa.String),
        sa.Column("intended_at", INSTANT),
        sa.Column("written_at", INSTANT),
        sa.PrimaryKeyConstraint("connection_id", "mapping", "table_name", "key", name="pk_links"),
    )
    op.create_index("ix_links_page", "links", ["connection_id", "page"])


def _agreed() -> None:
    op.create_table(
        "agreed",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("mapping", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("page", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("database", JSON, nullable=False),
        sa.Column("notion", JSON, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "mapping", "table_name", "key", name="pk_agreed"),
    )
    op.create_index("ix_agreed_page", "agreed", ["connection_id", "page"])


def _conflicts() -> None:
    op.create_table(
        "conflicts",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("mapping", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("property", sa.Text, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("winner", sa.String),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("database_at", INSTANT),
        sa.Column("notion_at", INSTANT),
        sa.Column("decided_by", sa.String),
        sa.Column("page", sa.String),
        sa.Column("base", JSON),
        sa.Column("database", JSON),
        sa.Column("notion", JSON),
        sa.Column("value", JSON),
        sa.PrimaryKeyConstraint("connection_id", "id", name="pk_conflicts"),
    )
    op.create_index("ix_conflicts_raised", "conflicts", ["connection_id", "state", "raised_at"])
    op.create_index("ix_conflicts_row", "conflicts", ["connection_id", "mapping", "table_name", "key"])
