"""The line of a value, as a person would count it."""

import pytest

from syncline.mapping.file_lines import toml_line, yaml_line

TOML = """\
# a comment
top = 1
"quoted key" = 2

[limits]
rows = 3

[[tables]]
name = "a"
key = { column = "id" }

[tables.columns]
one.property = "x"

[[tables]]
name = "b"
  [tables.columns."odd name"]
  type = "y"
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("top",), 2),
        (("quoted key",), 3),
        (("limits", "rows"), 6),
        (("limits", "nothing"), 5),
        (("tables", 0, "name"), 9),
        (("tables", 0, "key", "column"), 10),
        (("tables", 0, "columns", "one", "property"), 13),
        (("tables", 1, "name"), 16),
        (("tables", 1, "columns", "odd name", "type"), 18),
        (("nothing",), None),
        ((), None),
    ],
)
def test_a_place_in_toml_has_its_line(place: tuple[str | int, ...], line: int | None) -> None:
    assert toml_line(TOML, place) == line


YAML = "top: 1\ntables:\n  - name: a\n    key: {column: id}\n  - name: b\n"


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("top",), 1),
        (("tables",), 2),
        (("tables", 0, "key", "column"), 4),
        (("tables", 1), 5),
        (("tables", 1, "gone"), 5),
        (("tables", 7), 2),
        (("nothing",), None),
    ],
)
def test_a_place_in_yaml_has_its_line(place: tuple[str | int, ...], line: int | None) -> None:
    assert yaml_line(YAML, place) == line
