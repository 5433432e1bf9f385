"""What a person has put aside, what a failed read was of, and whose address is known to be theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("failures", sa.Column("kind", sa.String))
    op.add_column("failures", sa.Column("dismissed_at", INSTANT))
    op.add_column("runs", sa.Column("dismissed_at", INSTANT))
    op.add_column("users", sa.Column("verified_at", INSTANT))
    # Whoever is in by now came by the setup link or an invitation, or was let in before anybody asked.
    op.execute("UPDATE users SET verified_at = created_at")
