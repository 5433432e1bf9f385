"""The tables of accounts: users, their sessions and keys, who belongs to which workspace, and what a door remembers."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, text

from syncline.store.tables import metadata
from syncline.store.types import Instant, Json, Sealed, Unicode

__all__ = [
    "api_key_workspaces",
    "api_keys",
    "idempotency",
    "invitations",
    "members",
    "rate_limits",
    "refresh_tokens",
    "sessions",
    "tickets",
    "users",
]

users = Table(
    "users",
    metadata,
    Column("id", String, primary_key=True),
    # In lower case: two spellings of one address are one user.
    Column("email", Unicode, nullable=False, unique=True),
    Column("name", Unicode, nullable=False),
    Column("password", String, nullable=False),
    # The first user, who owns what the command line connected. The index keeps it at one.
    Column("instance_owner", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("password_at", Instant, nullable=False),
    # When it was proved that the address is the user's.
    Column("verified_at", Instant),
    Index(
        "ix_users_owner",
        "instance_owner",
        unique=True,
        sqlite_where=text("instance_owner"),
        postgresql_where=text("instance_owner"),
    ),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("agent", Unicode),
)

# Used ones stay until their session ends: one that comes back was stolen.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", String, primary_key=True),
    Column("session_id", String, nullable=False, index=True),
    Column("used_at", Instant),
)

# One-time tokens: the setup key of the first start, password resets, proofs of an address.
tickets = Table(
    "tickets",
    metadata,
    Column("hash", String, primary_key=True),
    Column("purpose", String, nullable=False),
    Column("user_id", String, index=True),
    Column("expires_at", Instant, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, nullable=False, index=True),
    Column("name", Unicode, nullable=False),
    Column("prefix", String, nullable=False),
    Column("hash", String, nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    # Whether it reaches only the workspaces that api_key_workspaces names.
    Column("limited", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("used_at", Instant),
)

api_key_workspaces = Table(
    "api_key_workspaces",
    metadata,
    Column("key_id", String, primary_key=True),
    Column("connection_id", String, primary_key=True),
)

members = Table(
    "members",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("user_id", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Index("ix_members_user", "user_id"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", String, primary_key=True),
    # Both null where somebody is invited to the instance and to no workspace.
    Column("connection_id", String, index=True),
    Column("role", String),
    Column("email", Unicode, nullable=False),
    Column("hash", String, nullable=False, unique=True),
    # Null where the operator invited by the command line.
    Column("invited_by", String),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    # SHA-256 of caller, route and key.
    Column("key", String, primary_key=True),
    Column("request", String, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    # Null while the first request runs.
    Column("status", Integer),
    # Headers and body, encrypted: an answer may hold a key that is shown once.
    Column("answer", Sealed),
    Index("ix_idempotency_claimed", "claimed_at"),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("bucket", String, primary_key=True),
    Column("used", BigInteger, nullable=False),
    Column("resets_at", Instant, nullable=False, index=True),
)
