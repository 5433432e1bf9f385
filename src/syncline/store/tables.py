"""Every table of the store, and how a row is upserted on either database.

Whatever belongs to a connection carries `connection_id`; `connections.remove` deletes by it. Wide columns stand last, so that
SQLite reads the narrow ones without following overflow pages. Schema changes are migrations
(store/migrations); a test compares their result with this file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    func,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.types import Instant, Json, Sealed, Unicode

__all__ = [
    "NO_INDEX",
    "block_lists",
    "budgets",
    "checkpoints",
    "chunks",
    "connections",
    "documents",
    "failures",
    "frontier",
    "insert_into",
    "insert_new",
    "live_run",
    "metadata",
    "place",
    "records",
    "runs",
    "unheard",
    "unindexed",
    "upsert",
]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    },
)

connections = Table(
    "connections",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", Unicode, nullable=False, unique=True),
    Column("base_url", String, nullable=False),
    Column("notion_version", String, nullable=False),
    Column("rate", String, nullable=False),
    Column("bot_id", String, nullable=False),
    Column("bot_name", Unicode, nullable=False),
    Column("workspace_id", String),
    Column("workspace_name", Unicode),
    Column("capabilities", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    # Empty once it was forgotten.
    Column("token", Sealed, nullable=False),
    # The last number of the connection's change sequence. Its row is the lock of all who write changes.
    Column("seq", BigInteger, nullable=False),
    # The last number of its event log (store.events).
    Column("event_seq", BigInteger, nullable=False, server_default="0"),
    # Up to where alerts have heard the log, and up to where the search index holds the changes: NO_INDEX if there is to be none.
    Column("alert_seq", BigInteger, nullable=False, server_default="0"),
    Column("index_seq", BigInteger, nullable=False, server_default="0"),
)
NO_INDEX: Final = 2**63 - 1
# Who is behind is asked every second, and of all connections few are.
unheard = text("event_seq > alert_seq")
unindexed = text("seq > index_seq")
for _name, _behind in (("unheard", unheard), ("unindexed", unindexed)):
    Index(f"ix_connections_{_name}", connections.c.id, sqlite_where=_behind, postgresql_where=_behind)

records = Table(
    "records",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("stream", String, nullable=False),
    Column("hash", String, nullable=False),
    Column("parent", String),
    Column("home", String),
    Column("edited_at", Instant),
    Column("seq", BigInteger, nullable=False),
    Column("action", String, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    # When it was last added: later than first_seen_at for a record that had been a tombstone.
    Column("added_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Column("deletion", String),
    Column("seen_in", String),
    Column("title", Unicode, nullable=False),
    # The title in lower case, for a search that both databases understand alike.
    Column("folded", Unicode, nullable=False),
    Column("data", Json, nullable=False),
    Index("ix_records_seq", "connection_id", "seq", unique=True),
    # All that `records.tally` reads: a pull counts twice a second, and without it that reads every row.
    Index("ix_records_tally", "connection_id", "kind", "seen_in", "seq", "added_at", "deleted_at"),
)
# The order in which sources are listed, and all that decides whether one is: the rows are wide, and many are passed over. A title may be
# longer than what PostgreSQL puts into an index.
_listed = ("connection_id", "edited_at", "key", "kind", "stream", "seq", "deleted_at")
for _dialect, _columns in (("sqlite", (*_listed, "folded")), ("postgresql", _listed)):
    Index("ix_records_listed", *(records.c[name] for name in _columns)).ddl_if(dialect=_dialect)
place = func.coalesce(records.c.home, records.c.parent)
"""Below what a record hangs: StoredRecord.place, in SQL."""
Index("ix_records_place", records.c.connection_id, place)

documents = Table(
    "documents",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("page", String, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("fidelity", String, nullable=False),
    Column("hash", String, nullable=False),
    Column("state", String, nullable=False),
    Column("edited_at", Instant),
    Column("read_at", Instant, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("unread", Json, nullable=False),
    Column("markdown", Unicode),
)

block_lists = Table(
    "block_lists",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("page", String, primary_key=True),
    Column("generation", BigInteger, primary_key=True),
    Column("container", String, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("cursor", String),
    # Bytes of `blocks`, so that a reader can bound what it loads without reading it.
    Column("size", BigInteger, nullable=False),
    Column("blocks", Json, nullable=False),
)

frontier = Table(
    "frontier",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("lane", Integer, nullable=False),
    # Minus the microseconds of edited_at: ascending it is newest first, and unknown last, on either database.
    Column("rank", BigInteger, nullable=False),
    Column("edited_at", Instant),
    Column("attempt", Integer, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("error", Unicode),
    Column("payload", Json),
    Index("ix_frontier_next", "connection_id", "state", "lane", "rank", "key"),
)
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", Json, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("connection_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("slot", String, nullable=False),
    Column("mode", String),
    Column("fidelity", String),
    Column("state", String, nullable=False),
    Column("lane", Integer, nullable=False),
    Column("requested_by", String, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("started_at", Instant, nullable=False),
    Column("begun_at", Instant),
    Column("ended_at", Instant),
    Column("worker", String),
    # How often it was claimed: the number of the lease, which every write of the run is fenced by.
    Column("attempt", Integer, nullable=False),
    Column("reaps", Integer, nullable=False),
    Column("cancel_requested_at", Instant),
    Column("phase", String, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("options", Json, nullable=False),
    Column("pages", Json, nullable=False),
    Column("requests", Json, nullable=False),
    Column("error", Json),
    Column("result", Json),
    # The W3C traceparent of what caused it.
    Column("trace", String),
    Column("dismissed_at", Instant),
    Index("ix_runs_started", "connection_id", "started_at"),
)
live_run = text("state IN ('queued', 'running')")
Index(
    "ix_runs_live",
    runs.c.connection_id,
    runs.c.slot,
    unique=True,
    sqlite_where=live_run,
    postgresql_where=live_run,
)
_queued = text("state = 'queued'")
Index("ix_runs_queue", runs.c.lane, runs.c.queued_at, sqlite_where=_queued, postgresql_where=_queued)
_running = text("state = 'running'")
Index("ix_runs_worker", runs.c.worker, sqlite_where=_running, postgresql_where=_running)

failures = Table(
    "failures",
    metadata,
    Column("connection_id", String, primary_key=True),
    Column("page", String, primary_key=True),
    # The empty string where the whole page failed: a primary key has no NULL.
    Column("block", String, primary_key=True),
    Column("run_id", String),
    Column("operation", String, nullable=False),
    Column("status", Integer),
    Column("code", String, nullable=False),
    Column("message", Unicode, nullable=False),
    Column("request_id", String),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    # What `page` is: page, database, data_source. Null for a listing.
    Column("kind", String),
    Column("dismissed_at", Instant),
)

budgets = Table(
    "budgets",
    metadata,
    Column("key", String, primary_key=True),
    Column("state", Json, nullable=False),
)

_Upsert: TypeAlias = sqlite.Insert | postgresql.Insert
_INSERT: Mapping[str, Callable[[Table], _Upsert]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def upsert(
    conn: AsyncConnection,
    table: Table,
    *,
    keep: Sequence[str] = (),
    replace: Mapping[str, Any] | None = None,
    where: ColumnElement[bool] | None = None,
) -> _Upsert:
    """An INSERT into `table` that overwrites the row with the same primary key.

    Columns in `keep` stay as they are in a row that exists; `replace` gives SQL expressions for some of the others. A
    row that exists and is not `where` stays. It is executed with parameters for all columns.
    """
    if replace is None and where is None:
        return _plain_upsert(conn.dialect.name, table, tuple(keep))
    return _upsert(conn.dialect.name, table, keep, replace or {}, where)


def insert_into(conn: AsyncConnection, table: Table) -> _Upsert:
    """An INSERT into `table` that can be told what to do on a conflict: each database has its own."""
    return _INSERT[conn.dialect.name](table)


def insert_new(conn: AsyncConnection, table: Table) -> _Upsert:
    """An INSERT into `table` that leaves a row with the same primary key as it is; its rowcount tells."""
    keys = [column.name for column in table.primary_key]
    return insert_into(conn, table).on_conflict_do_nothing(index_elements=keys)


@lru_cache
def _plain_upsert(dialect: str, table: Table, keep: tuple[str, ...]) -> _Upsert:
    # Building the statement costs more than executing it.
    return _upsert(dialect, table, keep, {}, None)


def _upsert(
    dialect: str,
    table: Table,
    keep: Sequence[str],
    replace: Mapping[str, Any],
    where: ColumnElement[bool] | None,
) -> _Upsert:
    insert = _INSERT[dialect](table)
    keys = [column.name for column in table.primary_key]
    values: dict[str, Any] = {
        column.name: insert.excluded[column.name]
        for column in table.columns
        if column.name not in keys and column.name not in keep
    }
    return insert.on_conflict_do_update(index_elements=keys, set_=values | dict(replace), where=where)


_CHUNK = 500
"""Items of one IN list. SQLite has allowed 32,766 parameters since 3.32; short lists keep plans and memory small."""

T = TypeVar("T")


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """`items` in pieces that fit into one IN list; no piece where there is nothing."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
