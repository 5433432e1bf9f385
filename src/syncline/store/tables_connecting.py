"""The tables of connecting: OAuth apps and states, how each connection authenticates, and what of its workspace is read."""

from sqlalchemy import Column, Index, Integer, String, Table, UniqueConstraint

from syncline.store.tables import metadata
from syncline.store.types import Instant, Json, Sealed, Unicode

__all__ = ["authorizations", "oauth_apps", "oauth_states", "preferences"]

oauth_apps = Table(
    "oauth_apps",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", Unicode, nullable=False, unique=True),
    Column("client_id", String, nullable=False),
    Column("redirect_uri", String, nullable=False),
    Column("base_url", String, nullable=False),
    Column("notion_version", String, nullable=False),
    Column("rate", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("secret", Sealed, nullable=False),
)

# Neither the state nor the cookie that goes with it can be read here: a copy of this table connects nobody.
oauth_states = Table(
    "oauth_states",
    metadata,
    Column("hash", String, primary_key=True),
    Column("cookie_hash", String, nullable=False),
    Column("app_id", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("session_id", String),
    # What the caller wants to have back.
    Column("echo", Unicode),
    Column("return_url", String, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("used_at", Instant),
)

authorizations = Table(
    "authorizations",
    metadata,
    Column("connection_id", String, primary_key=True),
    # Null for an internal token.
    Column("app_id", String),
    # As connections has it, where an app made the connection: two callbacks at once cannot make two connections.
    Column("workspace_id", String),
    Column("status", String, nullable=False),
    Column("checked_at", Instant),
    Column("next_check_at", Instant),
    # The number of the token: every new one has the next.
    Column("generation", Integer, nullable=False),
    # Until then somebody is renewing the token.
    Column("renewing_until", Instant),
    # Notion tells no end today (https://developers.notion.com/reference/create-a-token); kept where it does.
    Column("expires_at", Instant),
    Column("user_id", String),
    Column("workspace_icon", Unicode),
    Column("template_id", String),
    Column("owner", Json),
    Column("refresh_token", Sealed),
    UniqueConstraint("app_id", "workspace_id"),
    Index("ix_authorizations_next", "next_check_at"),
)

# No row: the defaults of store.preferences.
preferences = Table(
    "preferences",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("sync_scope", String, nullable=False),
    Column("joining", String, nullable=False),
    Column("token_preference", String, nullable=False),
    Column("included", Json, nullable=False),
    Column("excluded", Json, nullable=False),
)
