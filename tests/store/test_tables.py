"""The migrations make exactly the tables that the code speaks to, with the indexes that its questions need."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncConnection

import syncline.store
from syncline.store import (
    alerts,
    authorizations,
    events,
    history,
    inbox,
    notifications,
    runs,
    schedules,
    search,
)
from syncline.store.database import REVISIONS, VERSION_TABLE, Database
from syncline.store.schema import metadata
from syncline.store.tables import chunks

SQLITE = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
POSTGRES = """
    SELECT 'column', table_name || '.' || column_name, data_type || ' ' || is_nullable || coalesce(column_default, '')
    FROM information_schema.columns WHERE table_schema = current_schema()
    UNION ALL
    SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
    UNION ALL
    SELECT 'index', tablename || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()
    ORDER BY 1, 2
"""


def schema(conn: Connection) -> list[tuple[str, ...]]:
    """Everything the database says about our tables, in words that do not depend on line breaks."""
    rows = conn.execute(text(SQLITE if conn.dialect.name == "sqlite" else POSTGRES))
    words = [
        tuple(" ".join(str(value).split()).replace("( ", "(").replace(" )", ")") for value in row)
        for row in rows
    ]
    return [row for row in words if VERSION_TABLE not in " ".join(row)]


async def test_the_migrations_yield_the_tables(own_location: str) -> None:
    database = await Database.open(own_location)
    async with database.begin() as conn:
        migrated = await conn.run_sync(schema)
        await conn.run_sync(metadata.drop_all)
        assert await conn.run_sync(schema) == []
        await conn.run_sync(metadata.create_all)
        created = await conn.run_sync(schema)

    await database.close()
    assert len(created) > 10
    assert sorted(migrated) == sorted(created)


def test_the_code_knows_every_revision_in_order() -> None:
    folder = Path(syncline.store.__file__).with_name("migrations")
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())

    assert tuple(script.revision for script in reversed(scripts)) == REVISIONS


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (500, [500]), (1001, [500, 500, 1])])
def test_chunks_hold_everything_once(count: int, sizes: list[int]) -> None:
    pieces = list(chunks(range(count)))

    assert [len(piece) for piece in pieces] == sizes
    assert [item for piece in pieces for item in piece] == list(range(count))


NOW = datetime(2026, 11, 20, tzinfo=UTC)
ASKED: dict[str, Callable[[AsyncConnection], Awaitable[object]]] = {
    "schedules.due": lambda conn: schedules.due(conn, now=NOW, limit=9),
    "runs.are_waiting": lambda conn: runs.are_waiting(conn, now=NOW),
    "runs.claim": lambda conn: runs.claim(conn, "w", kinds=["pull", "push"], limit=4, now=NOW),
    "runs.held_by": lambda conn: runs.held_by(conn, "w"),
    "runs.holders": runs.holders,
    "runs.live": lambda conn: runs.live(conn, "c", "pull"),
    "alerts.behind": lambda conn: alerts.behind(conn, limit=9),
    "search.behind": lambda conn: search.behind(conn, limit=9),
    "inbox.due": lambda conn: inbox.due(conn, now=NOW),
    "notifications.due": lambda conn: notifications.due(conn, now=NOW),
    "authorizations.due": lambda conn: authorizations.due(conn, now=NOW, again=timedelta(hours=1), limit=9),
    "history.aged": lambda conn: history.aged(conn, before=NOW, after="", limit=9),
    "events.aged": lambda conn: events.aged(conn, before=NOW, after="", limit=9),
    "events.prune": lambda conn: events.prune(conn, "c", before=NOW, limit=9),
}


@pytest.mark.parametrize("name", ASKED)
async def test_what_workers_ask_again_and_again_reads_no_whole_table(database: Database, name: str) -> None:
    said: list[tuple[str, Any]] = []
    async with database.begin() as conn:
        assert conn.sync_connection is not None
        listen(
            conn.sync_connection,
            "before_cursor_execute",
            lambda _conn, _cursor, statement, parameters, *_: said.append((statement, parameters)),
        )
        await ASKED[name](conn)
        plan = await planned(conn, said[:])

    assert said
    assert not re.findall(r"Seq Scan on \w+|SCAN \w+$", plan, re.MULTILINE), plan


async def planned(conn: AsyncConnection, said: Sequence[tuple[str, Any]]) -> str:
    """How the database goes about statements; PostgreSQL reads a whole table here only where no index would do."""
    explain = "EXPLAIN QUERY PLAN" if conn.dialect.name == "sqlite" else "EXPLAIN"
    if conn.dialect.name == "postgresql":
        await conn.execute(text("SET LOCAL enable_seqscan = off"))
    lines = [
        str(row[-1])
        for statement, parameters in said
        for row in await conn.exec_driver_sql(f"{explain} {statement}", parameters)
    ]
    return "\n".join(lines)
