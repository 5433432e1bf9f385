"""A mapping as the text of a TOML file, with what is to be said of it as comments."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from syncline.core.mapping import LinkTable, MappedColumn, MappedTable, Target
from syncline.core.mapping_draft import Draft

__all__ = ["text"]

_HEAD: Final = (
    "# A Syncline mapping, drafted from the database and from Notion. Read it, decide what is marked unsure, then:",
    "#   syncline mapping check FILE     compares it with both sides",
    "#   syncline plan FILE              shows what a push would do",
)


def text(draft: Draft) -> str:
    """The file."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    mapping = draft.mapping
    yield from _HEAD
    yield ""
    yield f"name = {_quoted(mapping.name)}"
    yield f"database = {_quoted(mapping.url)}"
    if mapping.connection is not None:
        yield f"connection = {_quoted(mapping.connection)}"
    yield f"protected = [{', '.join(_quoted(page) for page in mapping.protected)}]  # pages that are never written"
    for note in draft.notes:
        yield f"# {note}"
    for table in mapping.tables:
        yield ""
        yield from _table(draft, table)


def _table(draft: Draft, table: MappedTable) -> Iterator[str]:
    yield "[[tables]]"
    yield f"name = {_quoted(table.name)}"
    for note in draft.of_tables.get(table.name, ()):
        yield f"# {note}"
    if table.table not in {None, table.name}:
        yield f"table = {_quoted(str(table.table))}"
    yield f"notion = {_target(table.database)}"
    yield f"key = {_inline(column=table.key.column, property=table.key.property)}"
    yield f"direction = {_quoted(table.direction)}"
    if table.changed is not None:
        yield f"changed = {_quoted(table.changed)}"
    yield ""
    yield "[tables.columns]"
    for column in table.columns:
        said = draft.of_columns.get((table.name, column.column))
        yield f"{_name(column.column)} = {_column(column)}{f'  # {said}' if said else ''}"


def _target(target: Target) -> str:
    return _inline(id=target.id, name=target.name, under=target.under)


def _column(column: MappedColumn) -> str:
    return _inline(
        property=column.property,
        type=str(column.type),
        options=list(column.options),
        table=column.relation,
        through=_link(column.through),
    )


def _link(link: LinkTable | None) -> dict[str, str] | None:
    return None if link is None else {"table": link.table, "own": link.own, "other": link.other}


def _inline(**values: Any) -> str:
    said = [f"{name} = {_value(value)}" for name, value in values.items() if value]
    return "{ " + ", ".join(said) + " }"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return _inline(**value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(_value(each) for each in value)}]"
    return _quoted(value)


def _quoted(value: str) -> str:
    """A basic string: TOML escapes as JSON does (https://toml.io/en/v1.0.0#string)."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _name(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _quoted(name)
