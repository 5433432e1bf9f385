"""A first mapping: what belongs together is found by its name, and what was guessed is said."""

from syncline.core.mapped_values import ColumnType, PropertyType
from syncline.core.mapping import Key, LinkTable, MappedColumn, Target
from syncline.core.mapping_draft import draft
from syncline.core.schema import Catalogue, CatalogueTable, Column, ForeignKey, NotionSchema, Property

C, T = ColumnType, PropertyType
PEOPLE = CatalogueTable(
    "people",
    (
        Column("id", C.INTEGER, nullable=False),
        Column("name", C.TEXT),
        Column("email", C.TEXT),
        Column("role", C.ENUM, options=("Lead",)),
        Column("team_id", C.INTEGER),
        Column("score", C.NUMERIC),
        Column("photo", C.BYTES, "BYTEA"),
        Column("updated_at", C.TIME),
    ),
    primary_key=("id",),
    unique=(("id",),),
    foreign_keys=(ForeignKey("team_id", "team", "id"),),
)
TEAM = CatalogueTable(
    "team", (Column("id", C.INTEGER), Column("label", C.TEXT)), primary_key=("id",), unique=(("id",),)
)
LINK = CatalogueTable(
    "people_skill",
    (Column("person", C.INTEGER), Column("skill", C.INTEGER)),
    primary_key=("person", "skill"),
    unique=(("person", "skill"),),
    foreign_keys=(ForeignKey("person", "people", "id"), ForeignKey("skill", "skills", "id")),
)
SKILLS = CatalogueTable(
    "skills", (Column("id", C.INTEGER), Column("name", C.TEXT)), primary_key=("id",), unique=(("id",),)
)
CATALOGUE = Catalogue("sqlite", (PEOPLE, LINK, SKILLS, TEAM))
PERSONS = NotionSchema(
    "db1",
    "ds1",
    "People",
    (
        Property("title", "Full name", "title"),
        Property("a", "E-Mail", "email"),
        Property("b", "Role", "select", ("Lead",)),
        Property("c", "Score", "formula"),
        Property("d", "Group", "relation", target="ds2"),
        Property("e", "External-ID", "rich_text"),
    ),
)
TEAMS = NotionSchema("db2", "ds2", "Teams", (Property("title", "Name", "title"),))
OTHER = NotionSchema("db3", "ds3", "Zebra crossings", (Property("title", "Name", "title"),))


def test_tables_and_databases_are_paired_and_columns_with_properties() -> None:
    found = draft(CATALOGUE, [OTHER, TEAMS, PERSONS], name="m", url="u")
    people, team = found.mapping.tables
    assert (people.name, people.database, people.key) == (
        "people",
        Target(id="ds1"),
        Key("id", "External-ID"),
    )
    assert people.changed == "updated_at"
    assert people.columns == (
        MappedColumn("name", "Full name", T.TITLE),
        MappedColumn("email", "E-Mail", T.EMAIL),
        MappedColumn("role", "Role", T.SELECT),
        MappedColumn("team_id", "Group", T.RELATION, relation="team"),
    )
    assert team.columns == (MappedColumn("label", "Name", T.TITLE),)
    assert team.key == Key("id", "External ID")


def test_what_was_guessed_or_left_out_is_said() -> None:
    found = draft(CATALOGUE, [OTHER, TEAMS, PERSONS], name="m", url="u")
    said = " ".join(found.of_tables["people"])
    assert "photo is left out: no property can hold BYTEA" in said
    assert "score is left out: Score is a formula" in said
    assert found.of_columns["people", "team_id"] == "unsure: taken because it leads to that database"
    assert found.unsure == 1
    assert found.notes == (
        "not mapped, for want of a database or of a key column: skills",
        "databases without a table: Zebra crossings",
    )


def test_with_a_page_every_table_gets_a_database_and_link_tables_become_relations() -> None:
    found = draft(CATALOGUE, [], name="m", url="u", under="page")
    people, skills, team = found.mapping.tables
    assert [table.database for table in (people, skills, team)] == [
        Target(name="People", under="page"),
        Target(name="Skills", under="page"),
        Target(name="Team", under="page"),
    ]
    assert MappedColumn("score", "Score", T.NUMBER) in people.columns
    assert MappedColumn("role", "Role", T.SELECT, ("Lead",)) in people.columns
    assert MappedColumn("email", "Email", T.EMAIL) in people.columns
    assert found.of_columns["people", "email"] == "unsure: guessed from the name"
    assert people.columns[-1] == MappedColumn(
        "people_skill",
        "Skills",
        T.RELATION,
        relation="skills",
        through=LinkTable("people_skill", "person", "skill"),
    )
    assert people.columns[0] == MappedColumn("name", "Name", T.TITLE)


def test_a_table_without_a_key_of_one_column_is_left_out() -> None:
    table = CatalogueTable("log", (Column("at", C.TIME), Column("what", C.TEXT)))
    found = draft(Catalogue("sqlite", (table,)), [], name="m", url="u", under="page")
    assert found.mapping.tables == ()
    assert "log" in found.notes[0]


def test_a_unique_column_stands_in_for_a_key_of_two_and_a_table_of_a_key_alone_has_it_for_title() -> None:
    both = CatalogueTable(
        "slot",
        (Column("a", C.INTEGER), Column("b", C.INTEGER), Column("code", C.TEXT)),
        primary_key=("a", "b"),
        unique=(("a", "b"), ("code",)),
    )
    found = draft(Catalogue("sqlite", (both,)), [], name="m", url="u", under="page")
    [table] = found.mapping.tables
    assert table.key.column == "code"
    assert table.column("code") == MappedColumn("code", "Name", T.TITLE)
    assert "unsure: code was taken for the key because it is unique" in found.of_tables["slot"]
