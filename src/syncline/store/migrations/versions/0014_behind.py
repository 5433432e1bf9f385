"""How far alerts and the search index follow a connection, beside what they follow: an index holds those that are behind."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ALERTS = """
UPDATE connections SET alert_seq = coalesce((
    SELECT CAST(CAST(value AS TEXT) AS BIGINT) FROM checkpoints
    WHERE checkpoints.connection_id = connections.id AND checkpoints.name = 'alerts'), 0)
"""
_INDEXES = """
UPDATE connections SET index_seq = coalesce((
    SELECT CASE WHEN enabled THEN checkpoint ELSE 9223372036854775807 END FROM search_indexes
    WHERE search_indexes.connection_id = connections.id), 0)
"""


def upgrade() -> None:
    for name in ("alert_seq", "index_seq"):
        op.add_column("connections", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
    op.execute(_ALERTS)
    op.execute("DELETE FROM checkpoints WHERE name = 'alerts'")
    op.execute(_INDEXES)
    for name, condition in (("unheard", "event_seq > alert_seq"), ("unindexed", "seq > index_seq")):
        where = sa.text(condition)
        op.create_index(
            f"ix_connections_{name}", "connections", ["id"], sqlite_where=where, postgresql_where=where
        )
