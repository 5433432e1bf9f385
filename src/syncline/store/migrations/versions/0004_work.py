"""Workers, queued runs and schedules."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

JSON = sa.Text().with_variant(postgresql.JSON(), "postgresql")
INSTANT = sa.DateTime(timezone=True)

ADDED = {
    "kind": "'pull'",
    "slot": "'pull'",
    "lane": "3",
    "requested_by": "'cli'",
    "queued_at": "started_at",
    "attempt": "0",
    "reaps": "0",
    "waiting": "0",
    "begun_at": "started_at",
}
"""The new columns of runs that are known of old runs."""

LIVE = "state IN ('queued', 'running')"
INDEXES = (
    ("ix_runs_started", ["connection_id", "started_at"], None),
    ("ix_runs_live", ["connection_id", "slot"], LIVE),
    ("ix_runs_queue", ["lane", "queued_at"], "state = 'queued'"),
    ("ix_runs_worker", ["worker"], "state = 'running'"),
)


def upgrade() -> None:
    # Of several runs that were left behind by dead processes, the newest is the one to go on with.
    op.execute(
        "UPDATE runs SET state = 'failed', ended_at = started_at WHERE state = 'running' AND EXISTS (SELECT 1 FROM runs AS later"
        " WHERE later.connection_id = runs.connection_id AND later.state = 'running'"
        " AND (later.started_at > runs.started_at OR (later.started_at = runs.started_at AND later.id > runs.id)))"
    )
    _remake_runs()
    _workers()
    _schedules()


def _remake_runs() -> None:
    """The same on both databases: SQLite can neither loosen a column nor add one in the middle."""
    old = [
        "id", "connection_id", "mode", "fidelity", "state", "started_at", "ended_at", "phase", "options", "pages",
        "requests", "error",
    ]  # fmt: skip
    op.execute("CREATE TEMPORARY TABLE runs_before AS SELECT * FROM runs")
    op.drop_table("runs")
    _create_runs()
    names, values = ", ".join([*old, *ADDED]), ", ".join([*old, *ADDED.values()])
    op.execute(f"INSERT INTO runs ({names}) SELECT {values} FROM runs_before")  # noqa: S608  names of ours
    op.drop_table("runs_before")
    for name, columns, where in INDEXES:
        partial = sa.text(where) if where else None
        op.create_index(
            name,
            "runs",
            columns,
            unique=where == LIVE,
            sqlite_where=partial,
            postgresql_where=partial,
        )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("slot", sa.String, nullable=False),
        sa.Column("mode", sa.String),
        sa.Column("fidelity", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("lane", sa.Integer, nullable=False),
        sa.Column("requested_by", sa.String, nullable=False),
        sa.Column("queued_at", INSTANT, nullable=False),
        sa.Column("not_before", INSTANT),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("begun_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("worker", sa.String),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("reaps", sa.Integer, nullable=False),
        sa.Column("cancel_requested_at", INSTANT),
        sa.Column("phase", sa.String, nullable=False),
        sa.Column("waiting", sa.Integer, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("pages", JSON, nullable=False),
        sa.Column("requests", JSON, nullable=False),
        sa.Column("error", JSON),
        sa.Column("result", JSON),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("beats", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("connection_id", sa.String, nullable=False),
        sa.Column("every", sa.Integer),
        sa.Column("cron", sa.String),
        sa.Column("jitter", sa.Integer, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("paused_for", sa.String),
        sa.Column("reconcile_cron", sa.String),
        sa.Column("next_at", INSTANT),
        sa.Column("reconcile_at", INSTANT),
        sa.Column("last_at", INSTANT),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("connection_id", name="pk_schedules"),
    )
    op.create_index("ix_schedules_next", "schedules", ["next_at"])
    # A connection that was made before there was a server is read as soon as there is one.
    op.execute(
        "INSERT INTO schedules (connection_id, every, jitter, enabled, reconcile_cron, next_at, failures)"
        " SELECT id, 21600, 0, true, '0 3 * * *', created_at, 0 FROM connections"
    )
