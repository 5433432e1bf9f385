"""What the database says of its tables, in the terms of a mapping."""

import pytest
from tests.sources.sql_places import SqlPlace, postgres_place

from syncline.core.mapped_values import ColumnType
from syncline.core.schema import ForeignKey
from syncline.sources.sql import SqlSource


async def test_tables_come_with_their_columns_keys_and_references(place: SqlPlace) -> None:
    place.run("CREATE VIEW seen AS SELECT * FROM people")
    async with SqlSource(place.url) as source:
        found = await source.catalogue()
    assert [table.name for table in found.tables] == ["people", "people_skill", "seen", "skill", "team"]
    people = found.table("people")
    assert people is not None
    assert people.primary_key == ("id",)
    assert people.foreign_keys == (ForeignKey("team_id", "team", "id"),)
    types = {column.name: column.type for column in people.columns}
    zoned = ColumnType.ZONED_TIME if place.dialect == "postgresql" else ColumnType.TIME
    assert types == {
        "id": ColumnType.INTEGER,
        "name": ColumnType.TEXT,
        "score": ColumnType.NUMERIC,
        "active": ColumnType.BOOLEAN,
        "born": ColumnType.DATE,
        "seen": zoned,
        "team_id": ColumnType.INTEGER,
        "tags": ColumnType.TEXT,
        "notes": ColumnType.TEXT,
        "changed": ColumnType.TIME,
    }
    by_name = {column.name: column for column in people.columns}
    assert by_name["id"].filled
    assert not by_name["id"].nullable
    assert not by_name["name"].nullable
    assert by_name["score"].nullable
    team, seen = found.table("team"), found.table("seen")
    assert team is not None
    assert seen is not None
    assert team.unique == (("id",), ("name",))
    assert seen.view
    assert not people.view


@pytest.fixture
def postgres(postgres_url: str) -> SqlPlace:
    return postgres_place(postgres_url)


async def test_the_types_of_postgres_are_known(postgres: SqlPlace) -> None:
    postgres.run("CREATE TYPE mood AS ENUM ('glad', 'sad')")
    postgres.run("CREATE DOMAIN age AS integer CHECK (value > 0)")
    postgres.run("CREATE SCHEMA other")
    postgres.run(
        "CREATE TABLE other.t (a uuid, b jsonb, c text[], d mood, e double precision, f age, g bytea, h inet, "
        "i bigint GENERATED ALWAYS AS IDENTITY, j int GENERATED ALWAYS AS (1 + 1) STORED, k varchar(5) UNIQUE, l boolean)"
    )
    async with SqlSource(postgres.url) as source:
        table = (await source.catalogue()).table("other.t")
    assert table is not None
    assert {column.name: column.type for column in table.columns} == {
        "a": ColumnType.UUID,
        "b": ColumnType.JSON,
        "c": ColumnType.LIST,
        "d": ColumnType.ENUM,
        "e": ColumnType.FLOAT,
        "f": ColumnType.INTEGER,
        "g": ColumnType.BYTES,
        "h": ColumnType.OTHER,
        "i": ColumnType.INTEGER,
        "j": ColumnType.INTEGER,
        "k": ColumnType.TEXT,
        "l": ColumnType.BOOLEAN,
    }
    by_name = {column.name: column for column in table.columns}
    assert by_name["d"].options == ("glad", "sad")
    assert by_name["i"].computed
    assert by_name["j"].computed
    assert not by_name["k"].computed
    assert by_name["k"].declared == "VARCHAR(5)"
