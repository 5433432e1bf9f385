"""Whatever happened in between, the tables hold what tables made at the end would hold."""

import tempfile
from typing import Any

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.histories import Deeds, History, batches, deeds
from tests.destinations.sql_place import SqlPlace

from syncline.core.model import Change
from syncline.destinations.sql_catalogue import bindings
from syncline.destinations.sql_columns import Shape, computed
from syncline.destinations.sql_schema import KEY, Binding
from syncline.destinations.sql_tables import METADATA

FIXED = ("pages", "blocks", "comments", "users", "databases", "data_sources")


def contents(place: SqlPlace) -> dict[str, Any]:
    """Everything that is held, by Notion's ids in place of the names of tables and columns."""
    with place.connect() as conn:
        fixed = {name: _rows(conn, name) for name in FIXED}
        tables = bindings(conn, [row["id"] for row in fixed["data_sources"]])
        typed = {key: (table.title, _rows(conn, table.name), table.columns) for key, table in tables.items()}
        links = {
            (key, column.property_id): _rows(conn, column.links)
            for key, table in tables.items()
            for column in table.columns
            if column.links
        }
        names = set(sa.inspect(conn).get_table_names(schema=place.schema))
    ours = {table.name for table in tables.values()} | {
        c.links for t in tables.values() for c in t.columns if c.links
    }
    assert names == METADATA.tables.keys() | ours
    for row in fixed["data_sources"]:
        row["table_name"] = row["table_name"] is not None
    return {"fixed": fixed, "typed": {key: _typed(*table) for key, table in typed.items()}, "links": links}


def _rows(conn: sa.Connection, name: str) -> list[dict[str, Any]]:
    return sorted((dict(row._mapping) for row in conn.execute(sa.text(f'SELECT * FROM "{name}"'))), key=repr)


def _typed(title: str, rows: list[dict[str, Any]], columns: tuple[Binding, ...]) -> Any:
    assert all(row.keys() == {KEY} | {name for column in columns for name in column.columns} for row in rows)
    cells = {
        row[KEY]: {
            column.property_id: _cell(row, column) for column in columns if column.shape is not Shape.LINKS
        }
        for row in rows
    }
    return title, {column.property_id: (column.title, column.type) for column in columns}, cells


def _cell(row: dict[str, Any], column: Binding) -> Any:
    """The values of a property; of a formula only whether there is one, for it may be held wider than it needs by now."""
    values = tuple(row[name] for name in column.columns)
    return any(value is not None for value in values) if computed(column.type) else values


async def load(place: SqlPlace, cut: list[list[Change]]) -> dict[str, Any]:
    async with place.destination() as destination:
        for batch in cut:
            await destination.write(batch, batch[-1].record.seq)
    return contents(place)


@settings(max_examples=60, deadline=None)
@given(deeds, st.lists(st.integers(1, 6), min_size=1, max_size=4))
async def test_tables_that_followed_hold_what_fresh_ones_hold(history: Deeds, sizes: list[int]) -> None:
    past = History(history)
    with tempfile.TemporaryDirectory() as scratch:
        followed = await load(SqlPlace(f"sqlite:///{scratch}/followed.sqlite"), batches(past.changes, sizes))
        fresh = await load(SqlPlace(f"sqlite:///{scratch}/fresh.sqlite"), [past.final] if past.final else [])
    assert followed == fresh


def _empty(server: str, schema: str) -> SqlPlace:
    """An empty schema of one database: quicker to make than a database."""
    SqlPlace(server).query(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    return SqlPlace(server, schema=schema)


@settings(max_examples=15, deadline=None)
@given(deeds, st.lists(st.integers(1, 6), min_size=1, max_size=4))
async def test_tables_on_postgres_hold_what_fresh_ones_hold(
    postgres_server: str, history: Deeds, sizes: list[int]
) -> None:
    past = History(history)
    followed = await load(_empty(postgres_server, "followed"), batches(past.changes, sizes))
    fresh = await load(_empty(postgres_server, "fresh"), [past.final] if past.final else [])
    assert followed == fresh
