"""The tables that a mapping misses are made with what they refer to, on both databases."""

from dataclasses import replace

from tests.sources.sql_places import SqlPlace

from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import Key, LinkTable, MappedColumn, MappedTable, Mapping, Target
from syncline.sources.sql import SqlSource

T = PropertyType


def relation(column: str, table: str, through: LinkTable | None = None) -> MappedColumn:
    return MappedColumn(column, column.capitalize(), T.RELATION, relation=table, through=through)


def table(name: str, *columns: MappedColumn) -> MappedTable:
    return MappedTable(
        name=name,
        database=Target(name=name),
        key=Key("code"),
        columns=(MappedColumn("name", "Name", T.TITLE), *columns),
    )


async def references(source: SqlSource, name: str) -> set[tuple[str, str]]:
    found = (await source.catalogue()).table(name)
    assert found is not None
    return {(each.column, each.other) for each in found.foreign_keys}


async def test_tables_that_refer_to_each_other_are_made_together(place: SqlPlace) -> None:
    crew = LinkTable("ship_crew", "ship", "sailor")
    ship = table("ship", relation("captain", "sailor"), relation("crew", "sailor", crew))
    sailor = table("sailor", relation("ship", "ship"), relation("mentor", "sailor"))
    async with SqlSource(place.url) as source:
        made = await source.create_tables([ship, sailor], Mapping("m", place.url, (ship, sailor)))
        assert sorted(made) == ["sailor", "ship", "ship_crew"]
        assert await references(source, "ship") == {("captain", "sailor")}
        assert await references(source, "sailor") == {("ship", "ship"), ("mentor", "sailor")}
        assert await references(source, "ship_crew") == {("ship", "ship"), ("sailor", "sailor")}


async def test_a_reference_to_a_table_that_is_there_has_the_type_of_its_key(place: SqlPlace) -> None:
    team = replace(table("team"), key=Key("id"))
    ship = table("ship", relation("team", "team"))
    async with SqlSource(place.url) as source:
        assert await source.create_tables([ship], Mapping("m", place.url, (ship, team))) == ["ship"]
        assert await references(source, "ship") == {("team", "team")}
    place.run("INSERT INTO ship (code, name, team) VALUES ('S', 'Sea', 2)")
    assert place.run("SELECT team.name FROM ship JOIN team ON team.id = ship.team") == [("Avionics",)]


async def test_a_table_that_is_not_asked_for_is_not_made(place: SqlPlace) -> None:
    ship, port = table("ship", relation("home", "port")), table("port")
    async with SqlSource(place.url) as source:
        assert await source.create_tables([ship], Mapping("m", place.url, (ship, port))) == ["ship"]
        assert await references(source, "ship") == set()
