"""The tables of who does what and when: worker processes and schedules. Runs are in tables.py."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

from syncline.store.tables import metadata
from syncline.store.types import Instant

__all__ = ["schedules", "workers"]

workers = Table(
    "workers",
    metadata,
    Column("id", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    # Whoever asks whether a worker lives looks for a change, not at a clock that may be another machine's.
    Column("beats", BigInteger, nullable=False),
)

schedules = Table(
    "schedules",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("every", Integer),
    Column("cron", String),
    Column("jitter", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("paused_for", String),
    Column("reconcile_cron", String),
    Column("next_at", Instant),
    Column("reconcile_at", Instant),
    Column("last_at", Instant),
    Column("failures", Integer, nullable=False),
    Index("ix_schedules_next", "next_at"),
)
