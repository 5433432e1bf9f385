"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

JSON = sa.Text().with_variant(postgresql.JSON(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _connections()
    _records()
    _content()
    _work()


def _connections() -> None:
    op.create_table(
        "connections",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("base_url", sa.String, nullable=False),
        sa.Column("notion_version", sa.String, nullable=False),
        sa.Column("rate", sa.String, nullable=False),
        sa.Column("bot_id", sa.String, nullable=False),
        sa.Column("bot_name", sa.Text, nullable=False),
        sa.Column("workspace_id", sa.String),
        sa.Column("workspace_name", sa.Text),
        sa.Column("capabilities", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connections"),
        sa.UniqueConstraint("name", name="uq_connections_name"),
    )
    op.create_table(
        "budgets",
        sa.Column("key", sa.String, nullable=False),
        sa.Column("state", JSON, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_budgets"),
    )


def _records() -> None:
    op.create_table(
        "records",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("stream", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("parent", sa.String),
        sa.Column("home", sa.String),
        sa.Column("edited_at", INSTANT),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("deleted_at", INSTANT),
        sa.Column("deletion", sa.String),
        sa.Column("seen_in", sa.String),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "kind", "key", name="pk_records"),
    )
    op.create_index("ix_records_seq", "records", ["connection_id", "seq"], unique=True)
    op.create_index(
        "ix_records_tally", "records", ["connection_id", "kind", "seen_in", "seq", "added_at", "deleted_at"]
    )
    op.create_index("ix_records_place", "records", ["connection_id", sa.text("coalesce(home, parent)")])


def _content() -> None:
    op.create_table(
        "documents",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("page", sa.String, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("fidelity", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("edited_at", INSTANT),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("unread", JSON, nullable=False),
        sa.Column("markdown", sa.Text),
        sa.PrimaryKeyConstraint("connection_id", "page", name="pk_documents"),
    )
    op.create_table(
        "block_lists",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("page", sa.String, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("container", sa.String, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("cursor", sa.String),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("blocks", JSON, nullable=False),
        sa.PrimaryKeyConstraint(
            "connection_id", "page", "generation", "container", "ordinal", name="pk_block_lists"
        ),
    )


def _work() -> None:
    op.create_table(
        "frontier",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("lane", sa.Integer, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False),
        sa.Column("edited_at", INSTANT),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("payload", JSON),
        sa.PrimaryKeyConstraint("connection_id", "kind", "key", name="pk_frontier"),
    )
    op.create_index("ix_frontier_next", "frontier", ["connection_id", "state", "lane", "rank", "key"])
    op.create_table(
        "checkpoints",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "name", name="pk_checkpoints"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("fidelity", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("phase", sa.String, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("pages", JSON, nullable=False),
        sa.Column("requests", JSON, nullable=False),
        sa.Column("error", JSON),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_started", "runs", ["connection_id", "started_at"])
    op.create_table(
        "failures",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("page", sa.String, nullable=False),
        sa.Column("block", sa.String, nullable=False),
        sa.Column("run_id", sa.String),
        sa.Column("operation", sa.String, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("request_id", sa.String),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", "page", "block", name="pk_failures"),
    )
