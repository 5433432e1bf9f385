"""Whether each mapped column fits its property: a table of checks, each a function."""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Named
from typing import Final

from syncline.core.findings import Finding, NewOptions, NewProperty, Seen, instead, some
from syncline.core.mapped_values import READ_ONLY, ColumnType, PropertyType
from syncline.core.mapping import MappedColumn
from syncline.core.plurals import be, counted
from syncline.core.schema import NotionSchema

__all__ = ["OF_COLUMN", "new_property"]

_CHOICES: Final = frozenset({PropertyType.SELECT, PropertyType.MULTI_SELECT, PropertyType.STATUS})


def new_property(seen: Seen, column: MappedColumn) -> NewProperty:
    """The property that the column calls for."""
    options = tuple(_choices(seen, column)) if column.type in _CHOICES else ()
    return NewProperty(seen.mapped.name, column.property, column.type, options, column.relation)


def _choices(seen: Seen, column: MappedColumn) -> list[str]:
    """The options a property should have: those that are written down, the enum's, and those in use."""
    declared = seen.table.column(column.column)
    used = sorted(seen.inventory.options.get(column.property, ()))
    return list(dict.fromkeys([*column.options, *(declared.options if declared else ()), *used]))


def _property_fits(seen: Seen, column: MappedColumn) -> Iterator[Finding]:
    if seen.schema is None:
        return
    found = seen.schema.named(column.property)
    if found is None:
        yield _missing(seen, seen.schema, column)
    elif found.type != column.type:
        yield seen.error(
            column.property,
            f"The property {column.property} is a {found.type}, and the mapping says {column.type}",
            f"write type = {found.type}, or map {column.column} to another property",
        )


def _missing(seen: Seen, schema: NotionSchema, column: MappedColumn) -> Finding:
    sentence = f"The database {schema.title} has no property {column.property}"
    if column.type is PropertyType.TITLE:
        return seen.error(
            column.property, sentence, f"its title is called {schema.title_property.name}: write that"
        )
    other = instead(column.property, [each.name for each in schema.properties])
    if column.type in READ_ONLY:
        return seen.error(column.property, sentence, other)
    hint = f"; {other}" if other.startswith("did") else ""
    return seen.error(column.property, sentence, f"--create adds it{hint}", new_property(seen, column))


def _can_be_pushed(seen: Seen, column: MappedColumn) -> Iterator[Finding]:
    if seen.writes_notion and column.type in READ_ONLY:
        yield seen.error(
            column.property,
            f"The property {column.property} is a {column.type}: Notion computes it and nobody can write it",
            f"leave {column.column} out, or set direction = pull",
        )


def _can_be_pulled(seen: Seen, column: MappedColumn) -> Iterator[Finding]:
    declared = seen.table.column(column.column)
    if not seen.writes_table or declared is None or column.through is not None:
        return
    if declared.computed:
        yield seen.error(
            column.column,
            f"The database computes the column {column.column}, so nothing can be written to it",
        )
    elif declared.type not in _HOLDS[column.type]:
        yield seen.warning(
            column.column,
            f"A {column.type} goes into the column {column.column} ({declared.declared or declared.type}) only where its value "
            "happens to fit",
            "choose a column of a fitting type",
        )


_TEXTS: Final = frozenset({ColumnType.TEXT, ColumnType.ANY})
_NUMBERS: Final = frozenset({ColumnType.INTEGER, ColumnType.NUMERIC, ColumnType.FLOAT, ColumnType.ANY})
_TIMES: Final = _TEXTS | {ColumnType.DATE, ColumnType.TIME, ColumnType.ZONED_TIME}
_LISTS: Final = _TEXTS | {ColumnType.LIST, ColumnType.JSON}
_HOLDS: Final[Named[PropertyType, frozenset[ColumnType]]] = {
    **dict.fromkeys(PropertyType, _TEXTS),
    PropertyType.SELECT: _TEXTS | {ColumnType.ENUM},
    PropertyType.STATUS: _TEXTS | {ColumnType.ENUM},
    PropertyType.NUMBER: _NUMBERS,
    PropertyType.CHECKBOX: frozenset({ColumnType.BOOLEAN, ColumnType.INTEGER, ColumnType.ANY}),
    PropertyType.DATE: _TIMES,
    PropertyType.CREATED_TIME: _TIMES,
    PropertyType.LAST_EDITED_TIME: _TIMES,
    PropertyType.MULTI_SELECT: _LISTS,
    PropertyType.PEOPLE: _LISTS,
    PropertyType.FILES: _LISTS,
    PropertyType.RELATION: _LISTS | {ColumnType.INTEGER, ColumnType.UUID},
    PropertyType.FORMULA: _TIMES | _NUMBERS | {ColumnType.BOOLEAN},
    PropertyType.ROLLUP: _TIMES | _NUMBERS | _LISTS,
    PropertyType.UNIQUE_ID: _TEXTS,
}
"""Which columns hold every value of a property."""


def _values_fit(seen: Seen, column: MappedColumn) -> Iterator[Finding]:
    declared = seen.table.column(column.column)
    if declared is not None and declared.type is ColumnType.BYTES:
        yield seen.error(
            column.column, f"The column {column.column} is binary, and no property can hold that"
        )
    elif column.property in seen.inventory.problems:
        count, said = seen.inventory.problems[column.property]
        yield seen.warning(
            column.column,
            f"{counted(count, 'value')} {be(count)} no {column.type}: {said}",
            "mend them, or choose another type",
        )


def _options_exist(seen: Seen, column: MappedColumn) -> Iterator[Finding]:
    if column.type not in _CHOICES or not seen.writes_notion:
        return
    wanted = _choices(seen, column)
    commas = [option for option in wanted if "," in option]
    if commas:
        yield seen.error(
            column.property,
            f"An option holds no comma: {some(commas)}",
            "choose type rich_text, or mend the rows",
        )
    found = seen.schema.named(column.property) if seen.schema else None
    if found is None or found.type != column.type or column.add_options:
        return
    missing = tuple(option for option in wanted if option not in found.options and option not in commas)
    if missing:
        yield seen.error(
            column.property,
            f"The property {column.property} lacks the options {some(missing)}",
            "--create adds them, or add them in Notion, or set add_options = true",
            NewOptions(seen.mapped.name, column.property, missing),
        )


def _relation_fits(seen: Seen, column: MappedColumn) -> Iterator[Finding]:
    if column.relation is None:
        return
    other = seen.facts.schemas.get(column.relation)
    found = seen.schema.named(column.property) if seen.schema else None
    if (
        other is not None
        and found is not None
        and found.target not in {None, other.data_source, other.database}
    ):
        yield seen.error(
            column.property,
            f"The relation {column.property} leads to another database than that of {column.relation}",
            "map it to the table whose database it leads to",
        )
    keys = seen.facts.inventories.get(column.relation)
    lost = seen.inventory.referred.get(column.property, frozenset()) - (keys.keys if keys else frozenset())
    if keys is not None and lost and seen.writes_notion:
        yield seen.warning(
            column.column,
            f"{counted(len(lost), 'key')} in {column.column} {be(len(lost))} not among the rows of {column.relation}: {some(lost)}",
            "these references are left out",
        )


def _link_exists(seen: Seen, column: MappedColumn) -> Iterator[Finding]:
    link = column.through
    if link is not None and link.table not in seen.facts.known_tables:
        yield seen.error(
            link.table,
            f"The database has no table {link.table}",
            instead(link.table, seen.facts.known_tables),
        )


OF_COLUMN: tuple[Callable[[Seen, MappedColumn], Iterator[Finding]], ...] = (
    _property_fits,
    _can_be_pushed,
    _can_be_pulled,
    _values_fit,
    _options_exist,
    _relation_fits,
    _link_exists,
)
