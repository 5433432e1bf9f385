"""What a check finds: each mistake by itself, in a mapping that else fits."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from syncline.core.findings import (
    Facts,
    Finding,
    Inventory,
    Level,
    NewDatabase,
    NewOptions,
    NewProperty,
)
from syncline.core.mapped_values import ColumnType, PropertyType
from syncline.core.mapping import (
    DeletePolicy,
    Deletes,
    Direction,
    Exclusion,
    Key,
    Limits,
    LinkTable,
    MappedColumn,
    MappedTable,
    Mapping,
    Target,
)
from syncline.core.mapping_check import check
from syncline.core.schema import CatalogueTable, Column, NotionSchema, Property

T, C = PropertyType, ColumnType

PEOPLE_TABLE = CatalogueTable(
    "people",
    (
        Column("id", C.INTEGER, "INTEGER", nullable=False, filled=True),
        Column("name", C.TEXT, "TEXT", nullable=False),
        Column("role", C.ENUM, "role", options=("Lead", "Engineer")),
        Column("boss", C.INTEGER, "INTEGER"),
        Column("born", C.DATE, "DATE"),
        Column("photo", C.BYTES, "BYTEA"),
        Column("rank", C.INTEGER, "INTEGER", computed=True),
        Column("changed", C.TIME, "TIMESTAMP"),
    ),
    primary_key=("id",),
    unique=(("id",),),
)
TEAM = NotionSchema(
    database="db",
    data_source="ds",
    title="Team",
    properties=(
        Property("title", "Name", "title"),
        Property("a", "Role", "select", ("Lead", "Engineer")),
        Property("b", "Boss", "relation", target="ds"),
        Property("c", "External ID", "rich_text"),
        Property("d", "Age", "formula"),
        Property("e", "Gone", "checkbox"),
        Property("f", "Count", "number"),
    ),
)
PEOPLE = MappedTable(
    name="people",
    table="people",
    database=Target(id="db"),
    key=Key("id"),
    columns=(
        MappedColumn("name", "Name", T.TITLE),
        MappedColumn("role", "Role", T.SELECT),
        MappedColumn("boss", "Boss", T.RELATION, relation="people"),
    ),
)
SEEN = Inventory(
    rows=2,
    keys=frozenset({"1", "2"}),
    options={"Role": frozenset({"Lead"})},
    referred={"Boss": frozenset({"1"})},
)


def facts(**changes: Any) -> Facts:
    whole: dict[str, Any] = {
        "tables": {"people": PEOPLE_TABLE},
        "known_tables": ("people", "people_skill"),
        "schemas": {"people": TEAM},
        "missing": {},
        "inventories": {"people": SEEN},
    }
    return Facts(**(whole | changes))


def found(table: MappedTable = PEOPLE, known: Facts | None = None, **mapping: Any) -> list[Finding]:
    """What is found beside the note that people refer to people."""
    whole = Mapping("m", "sqlite:///x", (table,), **mapping)
    return [each for each in check(whole, known or facts()) if each.level is not Level.NOTE]


def with_columns(*columns: MappedColumn) -> MappedTable:
    return replace(PEOPLE, columns=(*PEOPLE.columns, *columns))


def test_a_mapping_that_fits_has_no_finding_but_its_circle() -> None:
    [note] = check(Mapping("m", "sqlite:///x", (PEOPLE,)), facts())
    assert (note.level, note.item) == (Level.NOTE, "Boss")
    assert "lead back" in note.sentence


def test_relations_by_which_tables_refer_to_each_other_are_a_circle_and_a_chain_is_none() -> None:
    def table(name: str, *others: str) -> MappedTable:
        columns = tuple(MappedColumn(other, other, T.RELATION, relation=other) for other in others)
        return replace(PEOPLE, name=name, columns=columns)

    whole = Mapping("m", "sqlite:///x", (table("a", "b"), table("b", "c", "a"), table("c"), table("d", "a")))
    known = Facts(tables={}, known_tables=(), schemas={}, missing={}, inventories={})
    notes = [(each.table, each.item) for each in check(whole, known) if each.level is Level.NOTE]
    assert notes == [("a", "b"), ("b", "a")]


ERROR, WARNING = Level.ERROR, Level.WARNING
Mistake = tuple[MappedTable, Facts, Level, str, str, str]
INVENTORY: Callable[..., Facts] = lambda **seen: facts(inventories={"people": replace(SEEN, **seen)})  # noqa: E731

MISTAKES: dict[str, Mistake] = {
    "no table": (
        PEOPLE,
        facts(tables={"people": None}),
        ERROR,
        "people",
        "no table people",
        "did you mean people?",
    ),
    "wrong column": (
        with_columns(MappedColumn("nmae", "Count", T.NUMBER)),
        facts(),
        ERROR,
        "nmae",
        "no column nmae",
        "did you mean name?",
    ),
    "wrong excluded column": (
        replace(PEOPLE, exclude=(Exclusion("secret", ("x",)),)),
        facts(),
        ERROR,
        "secret",
        "no column secret",
        "there are",
    ),
    "duplicate keys": (PEOPLE, INVENTORY(duplicates=("7", "8")), ERROR, "id", "the same key: 7, 8", "unique"),
    "key not unique": (
        replace(PEOPLE, key=Key("name")),
        facts(),
        WARNING,
        "name",
        "two rows from having the same key",
        "unique",
    ),
    "rows without key": (
        PEOPLE,
        INVENTORY(unkeyed=3),
        WARNING,
        "id",
        "3 rows without a key are left out",
        "fill",
    ),
    "no such database": (
        PEOPLE,
        facts(schemas={}, missing={"people": "Notion does not show it: share it."}),
        ERROR,
        "db",
        "Notion does not show it: share it",
        "",
    ),
    "no such property": (
        with_columns(MappedColumn("born", "Born", T.DATE)),
        facts(),
        ERROR,
        "Born",
        "no property Born",
        "--create adds it",
    ),
    "misspelt property": (
        with_columns(MappedColumn("rank", "Cuont", T.NUMBER)),
        facts(),
        ERROR,
        "Cuont",
        "no property Cuont",
        "did you mean Count?",
    ),
    "misspelt title": (
        replace(PEOPLE, columns=(MappedColumn("name", "Nmae", T.TITLE),)),
        facts(),
        ERROR,
        "Nmae",
        "no property Nmae",
        "its title is called Name",
    ),
    "wrong type": (
        with_columns(MappedColumn("born", "Count", T.DATE)),
        facts(),
        ERROR,
        "Count",
        "is a number, and the mapping says date",
        "type = number",
    ),
    "formula as writable": (
        with_columns(MappedColumn("rank", "Age", T.FORMULA)),
        facts(),
        ERROR,
        "Age",
        "Notion computes it",
        "leave rank out",
    ),
    "missing option": (
        PEOPLE,
        INVENTORY(options={"Role": frozenset({"Cook"})}),
        ERROR,
        "Role",
        "lacks the options Cook",
        "--create adds them",
    ),
    "option with a comma": (
        PEOPLE,
        INVENTORY(options={"Role": frozenset({"a, b"})}),
        ERROR,
        "Role",
        "holds no comma: a, b",
        "rich_text",
    ),
    "reference to nothing": (
        PEOPLE,
        INVENTORY(referred={"Boss": frozenset({"1", "9"})}),
        WARNING,
        "boss",
        "1 key in boss is not among the rows of people: 9",
        "left out",
    ),
    "relation to elsewhere": (
        PEOPLE,
        facts(
            schemas={
                "people": replace(
                    TEAM,
                    properties=(
                        *TEAM.properties[:2],
                        Property("b", "Boss", "relation", target="x"),
                        *TEAM.properties[3:],
                    ),
                )
            }
        ),
        ERROR,
        "Boss",
        "leads to another database",
        "",
    ),
    "no link table": (
        with_columns(
            MappedColumn(
                "x", "Boss", T.RELATION, relation="people", through=LinkTable("people_skil", "a", "b")
            )
        ),
        facts(),
        ERROR,
        "people_skil",
        "no table people_skil",
        "did you mean people_skill?",
    ),
    "binary column": (
        with_columns(MappedColumn("photo", "Count", T.NUMBER)),
        facts(),
        ERROR,
        "photo",
        "is binary",
        "",
    ),
    "values that do not fit": (
        PEOPLE,
        INVENTORY(problems={"Name": (4, "b'x' is not text")}),
        WARNING,
        "name",
        "4 values are no title: b'x' is not text",
        "mend",
    ),
    "no key property": (
        replace(PEOPLE, key=Key("id", "Key")),
        facts(),
        ERROR,
        "Key",
        "no property Key for the key",
        "--create",
    ),
    "key property of a wrong type": (
        replace(PEOPLE, key=Key("id", "Age")),
        facts(),
        ERROR,
        "Age",
        "is a formula and cannot hold a key",
        "text",
    ),
    "title not mapped": (
        replace(PEOPLE, columns=PEOPLE.columns[1:]),
        facts(),
        WARNING,
        "Name",
        "no title",
        "map one to Name",
    ),
    "flag missing": (
        replace(PEOPLE, deletes=Deletes(DeletePolicy.FLAG)),
        facts(),
        ERROR,
        "Deleted",
        "no property Deleted",
        "--create",
    ),
    "flag of a wrong type": (
        replace(PEOPLE, deletes=Deletes(DeletePolicy.FLAG, flag="Count")),
        facts(),
        ERROR,
        "Count",
        "a flag is a checkbox",
        "",
    ),
    "time of change that is none": (
        replace(PEOPLE, changed="boss"),
        facts(),
        ERROR,
        "boss",
        "a time of change is a timestamp",
        "",
    ),
    "computed column to be pulled": (
        replace(with_columns(MappedColumn("rank", "Count", T.NUMBER)), direction=Direction.PULL),
        facts(),
        ERROR,
        "rank",
        "computes the column rank",
        "",
    ),
    "column of a wrong type to be pulled": (
        replace(with_columns(MappedColumn("born", "Count", T.NUMBER)), direction=Direction.PULL),
        facts(),
        WARNING,
        "born",
        "only where its value happens to fit",
        "fitting type",
    ),
    "column that must be filled": (
        replace(PEOPLE, columns=PEOPLE.columns[1:], direction=Direction.PULL),
        facts(),
        WARNING,
        "name",
        "must have a value and is not mapped",
        "map it",
    ),
    "a view to be pulled into": (
        replace(PEOPLE, direction=Direction.PULL),
        facts(tables={"people": replace(PEOPLE_TABLE, view=True)}),
        ERROR,
        "people",
        "A view cannot be written to",
        "map the table",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_with_its_fix(name: str) -> None:
    table, known, level, item, sentence, fix = MISTAKES[name]
    matching = [each for each in found(table, known) if each.level is level and each.item == item]
    assert [each.table for each in matching] == ["people"], found(table, known)
    assert sentence in matching[0].sentence
    assert fix in matching[0].fix


def test_a_table_with_too_many_rows_and_a_workspace_with_too_few_blocks_are_said() -> None:
    [error] = found(limits=Limits(rows=1))
    assert (error.level, "2 rows" in error.sentence, "holds 1" in error.sentence) == (ERROR, True, True)
    [warning] = found(limits=Limits(blocks=1))
    assert (warning.level, warning.item) == (WARNING, "limits.blocks")


def test_people_nobody_knows_are_listed() -> None:
    known = facts(
        inventories={"people": replace(SEEN, people=frozenset({"a@x", "b@x"}))}, people=frozenset({"a@x"})
    )
    [warning] = found(known=known)
    assert "b@x" in warning.sentence
    assert "a@x" not in warning.sentence


def test_two_tables_cannot_share_a_database() -> None:
    other = replace(PEOPLE, name="others")
    known = facts(
        tables={"people": PEOPLE_TABLE, "others": PEOPLE_TABLE},
        schemas={"people": TEAM, "others": TEAM},
        inventories={"people": SEEN, "others": SEEN},
    )
    errors = [
        each for each in check(Mapping("m", "sqlite:///x", (PEOPLE, other)), known) if each.level is ERROR
    ]
    assert [each.table for each in errors] == ["people", "others"]
    assert "people" in errors[0].sentence
    assert "others" in errors[0].sentence


def creations(table: MappedTable, known: Facts) -> list[object]:
    return [each.creation for each in found(table, known) if each.creation is not None]


def test_what_is_missing_says_what_would_be_made() -> None:
    column = MappedColumn("role", "Post", T.SELECT, options=("Boss",))
    table = replace(with_columns(column), key=Key("id", "Key"))
    seen = replace(SEEN, options={"Role": frozenset({"Cook"}), "Post": frozenset({"Cook"})})
    assert creations(table, facts(inventories={"people": seen})) == [
        NewProperty("people", "Key", T.RICH_TEXT),
        NewOptions("people", "Role", ("Cook",)),
        NewProperty("people", "Post", T.SELECT, ("Boss", "Lead", "Engineer", "Cook")),
    ]


def test_a_database_is_made_only_where_its_name_and_its_page_are_known() -> None:
    missing = facts(schemas={}, missing={"people": "not there"})
    assert creations(PEOPLE, missing) == []
    table = replace(PEOPLE, database=Target(name="Team", under="page"), deletes=Deletes(DeletePolicy.FLAG))
    [made] = creations(table, missing)
    assert made == NewDatabase(
        "people",
        "Team",
        "page",
        (
            NewProperty("people", "Name", T.TITLE),
            NewProperty("people", "Role", T.SELECT, ("Lead", "Engineer")),
            NewProperty("people", "Boss", T.RELATION, target="people"),
            NewProperty("people", "External ID", T.RICH_TEXT),
            NewProperty("people", "Deleted", T.CHECKBOX),
        ),
    )


def test_options_that_a_push_may_add_are_no_mistake() -> None:
    table = replace(PEOPLE, columns=(PEOPLE.columns[0], replace(PEOPLE.columns[1], add_options=True)))
    assert found(table, INVENTORY(options={"Role": frozenset({"Cook"})})) == []


def test_what_notion_computes_may_be_pulled() -> None:
    table = replace(with_columns(MappedColumn("boss", "Age", T.FORMULA)), direction=Direction.PULL)
    assert found(table) == []
