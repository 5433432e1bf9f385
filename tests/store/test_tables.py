"""The migrations make exactly the tables that the code speaks to."""

from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import syncline.store
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
