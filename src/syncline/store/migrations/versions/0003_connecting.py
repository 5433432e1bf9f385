"""OAuth apps and states, token health, and what of a workspace is read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

JSON = sa.Text().with_variant(postgresql.JSON(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _oauth()
    _authorizations()
    op.create_table(
        "preferences",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("sync_scope", sa.String, nullable=False),
        sa.Column("joining", sa.String, nullable=False),
        sa.Column("token_preference", sa.String, nullable=False),
        sa.Column("included", JSON, nullable=False),
        sa.Column("excluded", JSON, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name="pk_preferences"),
    )


def _oauth() -> None:
    op.create_table(
        "oauth_apps",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("client_id", sa.String, nullable=False),
        sa.Column("redirect_uri", sa.String, nullable=False),
        sa.Column("base_url", sa.String, nullable=False),
        sa.Column("notion_version", sa.String, nullable=False),
        sa.Column("rate", sa.String, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_oauth_apps"),
        sa.UniqueConstraint("name", name="uq_oauth_apps_name"),
    )
    op.create_table(
        "oauth_states",
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("cookie_hash", sa.String, nullable=False),
        sa.Column("app_id", sa.String, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("session_id", sa.String),
        sa.Column("echo", sa.Text),
        sa.Column("return_url", sa.String, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("hash", name="pk_oauth_states"),
    )
    op.create_index("ix_oauth_states_expires_at", "oauth_states", ["expires_at"])


def _authorizations() -> None:
    op.create_table(
        "authorizations",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("app_id", sa.String),
        sa.Column("workspace_id", sa.String),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("checked_at", INSTANT),
        sa.Column("next_check_at", INSTANT),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("renewing_until", INSTANT),
        sa.Column("expires_at", INSTANT),
        sa.Column("user_id", sa.String),
        sa.Column("workspace_icon", sa.Text),
        sa.Column("template_id", sa.String),
        sa.Column("owner", JSON),
        sa.Column("refresh_token", sa.LargeBinary),
        sa.PrimaryKeyConstraint("connection_id", name="pk_authorizations"),
        sa.UniqueConstraint("app_id", "workspace_id", name="uq_authorizations_app_id"),
    )
    op.create_index("ix_authorizations_next", "authorizations", ["next_check_at"])
    # Whatever was connected before has an internal token that was tried when it was stored.
    op.execute(
        "INSERT INTO authorizations (connection_id, status, generation) SELECT id, 'unknown', 1 FROM connections"
    )
