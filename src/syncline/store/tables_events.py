"""The tables of the event log and of what was forgotten. Numbers of events are drawn from `connections.event_seq`."""

from sqlalchemy import BigInteger, Column, String, Table

from syncline.store.tables import metadata
from syncline.store.types import Instant, Json

__all__ = ["events", "floors", "pruned"]

events = Table(
    "events",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("kind", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("run_id", String),
    Column("data", Json, nullable=False),
)

# A record whose data was given up, as it stood at the change `seq`: with a later change it has data again.
pruned = Table(
    "pruned",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
)

# Up to which change number tombstones were forgotten: whoever stands below it may have missed one.
floors = Table(
    "floors",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("tombstones", BigInteger, nullable=False),
)
