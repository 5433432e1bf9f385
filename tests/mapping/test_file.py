"""The mapping file: what it means, and that each mistake is one sentence with its line."""

import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml

from syncline.core.errors import BadInput
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import (
    ConflictPolicy,
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
from syncline.mapping.file import database_url, json_schema, parse_mapping, read_mapping

PAGE = "2b86b8ea-578a-80cb-8f25-f080444ec266"
FULL = f"""\
name = "cadence"
database = "env:CADENCE_URL"
connection = "work"
protected = ["https://www.notion.so/Hub-{PAGE.replace("-", "")}"]
time_zone = "Europe/Paris"

[limits]
rows = 10000
blocks = 1000

[[tables]]
name = "people"
notion = {{ name = "Team Directory", under = "{PAGE}" }}
key = {{ column = "person_id" }}
match = ["name"]
direction = "both"
conflicts = "newest"
changed = "updated_at"
deletes = {{ policy = "flag", threshold = 0.1, property = "Gone" }}
where = "active"
body = "notes"
exclude = [{{ column = "role", values = ["bot"] }}]

[tables.columns]
name = {{ property = "Name", type = "title" }}
role = {{ property = "Role", type = "select", options = ["Lead", "Engineer"], add_options = true }}

[[tables]]
name = "projects"
table = "app.projects"
notion = {{ id = "{PAGE}" }}
key = {{ column = "id", property = "Key" }}

[tables.columns]
title = {{ property = "Name", type = "title" }}

[tables.columns.members]
property = "Members"
type = "relation"
table = "people"
through = {{ table = "project_people", own = "project", other = "person" }}
"""
MEANT = Mapping(
    name="cadence",
    url="env:CADENCE_URL",
    connection="work",
    protected=(PAGE,),
    zone="Europe/Paris",
    limits=Limits(10000, 1000),
    tables=(
        MappedTable(
            name="people",
            database=Target(name="Team Directory", under=PAGE),
            key=Key("person_id"),
            columns=(
                MappedColumn("name", "Name", PropertyType.TITLE),
                MappedColumn("role", "Role", PropertyType.SELECT, ("Lead", "Engineer"), add_options=True),
            ),
            table="people",
            direction=Direction.BOTH,
            conflicts=ConflictPolicy.NEWEST,
            deletes=Deletes(DeletePolicy.FLAG, 0.1, "Gone"),
            match=("name",),
            where="active",
            changed="updated_at",
            body="notes",
            exclude=(Exclusion("role", ("bot",)),),
        ),
        MappedTable(
            name="projects",
            database=Target(id=PAGE),
            key=Key("id", "Key"),
            columns=(
                MappedColumn("title", "Name", PropertyType.TITLE),
                MappedColumn(
                    "members",
                    "Members",
                    PropertyType.RELATION,
                    relation="people",
                    through=LinkTable("project_people", "project", "person"),
                ),
            ),
            table="app.projects",
        ),
    ),
)


def test_every_setting_of_a_file_has_its_meaning() -> None:
    assert parse_mapping(FULL, Path("x.toml")) == MEANT


def test_yaml_means_the_same() -> None:
    assert parse_mapping(yaml.safe_dump(tomllib.loads(FULL), sort_keys=False), Path("x.yaml")) == MEANT


def test_a_file_without_a_name_is_called_after_itself(tmp_path: Path) -> None:
    path = tmp_path / "crm.toml"
    path.write_text(FULL.replace('name = "cadence"\n', "", 1))
    assert read_mapping(path).name == "crm"


def test_a_byte_order_mark_at_the_beginning_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "marked.toml"
    path.write_text(FULL, encoding="utf-8-sig")

    assert read_mapping(path) == MEANT


def test_the_published_schema_accepts_a_full_file_and_refuses_a_wrong_one() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    content = tomllib.loads(FULL)
    assert list(validator.iter_errors(content)) == []
    content["tables"][0]["direction"] = "sideways"
    assert [error.validator for error in validator.iter_errors(content)] == ["enum"]


WRONG = [
    ('direction = "both"', 'direction = "sideways"', 16, "tables.0.direction", "'push', 'pull' or 'both'"),
    ('changed = "updated_at"\n', "", 11, "tables.0", "needs the column with the time of the last change"),
    ('match = ["name"]', 'match = ["nome"]', 11, "tables.0", "nome, which is not among the columns"),
    ('type = "title" }\nrole', 'type = "titel" }\nrole', 25, "tables.0.columns.name.type", "'title'"),
    ('property = "Role"', 'property = "Name"', 11, "tables.0", "the property Name is mapped twice"),
    ('table = "people"\n', "", 37, "tables.1.columns.members", "add table ="),
    ('table = "people"\n', 'table = "persons"\n', None, "the file", "persons, which is not mapped here"),
    ("threshold = 0.1", "threshold = 10", 19, "tables.0.deletes.threshold", "less than or equal to 1"),
    ('time_zone = "Europe/Paris"', 'time_zone = "Paris"', 5, "time_zone", "'Paris' is no time zone"),
    ('where = "active"', 'were = "active"', 20, "tables.0.were", "no such setting"),
    ('key = { column = "person_id" }\n', "", 11, "tables.0.key", "it is missing"),
    ('name = "projects"', 'name = "people"', None, "the file", "two tables are called people"),
    ('"env:CADENCE_URL"', '"postgresql://me:secret@host/db"', 2, "database", "a password does not belong"),
    ('"env:CADENCE_URL"', '"mysql://host/db"', 2, "database", "write env:NAME_OF_A_VARIABLE"),
    (f'id = "{PAGE}"', 'id = "none"', 31, "tables.1.notion.id", "no Notion id in 'none'"),
    (f'id = "{PAGE}"', "", 31, "tables.1.notion", "give the id of the database, or its name"),
    ('property = "Key"', 'property = "@id"', 28, "tables.1", "only for direction pull"),
    (
        'table = "app.projects"',
        'query = "SELECT 1"\ndirection = "pull"',
        28,
        "tables.1",
        "a query can only be pushed",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "place", "said"), WRONG)
def test_a_mistake_is_one_sentence_with_its_line_and_its_place(
    old: str, new: str, line: int | None, place: str, said: str
) -> None:
    assert old in FULL
    with pytest.raises(BadInput) as caught:
        parse_mapping(FULL.replace(old, new, 1), Path("x.toml"))
    message = str(caught.value)
    at = f"x.toml, line {line}: " if line else "x.toml: "
    assert message.startswith(f"{at}{place}: "), message
    assert said in message
    assert "secret" not in message
    assert "\n" not in message


def test_a_mistake_in_every_table_is_not_taken_for_no_tables() -> None:
    with pytest.raises(BadInput) as caught:
        parse_mapping('database = "env:X"\n\n[[tables]]\nnane = "people"\n', Path("x.toml"))

    assert "tables.0.nane" in str(caught.value)
    assert "at least 1 item" not in str(caught.value)


def test_a_mistake_in_yaml_has_its_line_too() -> None:
    text = "database: env:X\ntables:\n  - name: a\n    notion: {name: A}\n    key: {column: id}\n    columns:\n      b:\n        property: B\n        type: c\n"
    with pytest.raises(BadInput, match=r"^x\.yml, line 9: tables\.0\.columns\.b\.type: "):
        parse_mapping(text, Path("x.yml"))


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("a = ?\n", "x.toml", "x.toml is not TOML: .*line 1"),
        ("a: [", "x.yaml", r"x.yaml is not YAML: .*\(line 1\)"),
        ("- 1", "x.yaml", "x.yaml: the file: "),
    ],
)
def test_what_is_no_such_file_at_all_is_said(text: str, name: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_mapping(text, Path(name))


def test_a_file_that_is_not_there_is_said_with_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"No such file.*mapping draft"):
        read_mapping(tmp_path / "none.toml")


def test_the_url_comes_from_the_variable_or_begins_at_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCE_URL", "postgresql://me:secret@host/db")
    assert database_url(MEANT, Path("/etc")) == "postgresql://me:secret@host/db"
    monkeypatch.delenv("CADENCE_URL")
    with pytest.raises(BadInput, match="The variable CADENCE_URL is not set"):
        database_url(MEANT, Path("/etc"))
    for url, meant in (
        ("sqlite:///a/b.sqlite", "sqlite:////etc/a/b.sqlite"),
        ("sqlite:////a/b.sqlite", "sqlite:////a/b.sqlite"),
        ("postgresql://host/db", "postgresql://host/db"),
    ):
        assert database_url(Mapping("x", url, ()), Path("/etc")) == meant
