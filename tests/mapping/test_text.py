"""What is written of a mapping is read as that mapping."""

from pathlib import Path

import pytest

from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import Key, LinkTable, MappedColumn, MappedTable, Mapping, Target
from syncline.core.mapping_draft import Draft
from syncline.mapping.file import parse_mapping
from syncline.mapping.text import text

PAGE = "2b86b8ea-578a-80cb-8f25-f080444ec266"
NAMES = ["plain", 'quo"ted', "back\\slash", "new\nline", "größe €", "a.b", "\x7f\x01", "#no comment"]


def mapping(name: str) -> Mapping:
    other = MappedTable(
        "other", Target(id=PAGE), Key("id"), (MappedColumn("n", "N", PropertyType.TITLE),), "other"
    )
    link = LinkTable(name, name, "b")
    columns = (
        MappedColumn(name, name, PropertyType.SELECT, options=(name, "x")),
        MappedColumn("rel", "Rel", PropertyType.RELATION, relation="other", through=link),
    )
    table = MappedTable(name, Target(name=name, under=PAGE), Key(name, name), columns, "s.t", changed=name)
    return Mapping(name, "sqlite:///x.sqlite", (table, other), connection=name, protected=(PAGE,))


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_survives_its_file_whatever_its_names_are(name: str) -> None:
    said = text(Draft(mapping(name)))
    assert parse_mapping(said, Path("x.toml")) == mapping(name)


def test_what_is_to_be_said_stands_beside_it() -> None:
    plain = mapping("a")
    said = text(Draft(plain, ("of the whole",), {"a": ("of a",)}, {("a", "a"): "of a.a"}))
    assert parse_mapping(said, Path("x.toml")) == plain
    lines = said.splitlines()
    assert "# of the whole" in lines
    assert lines[lines.index("# of a") - 1] == 'name = "a"'
    assert next(line for line in lines if line.startswith("a = ")).endswith("  # of a.a")
