"""Where a run and what follows from it belong to a trace."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("runs", sa.Column("trace", sa.String))
    op.add_column("deliveries", sa.Column("trace", sa.String))
