"""Whether a mapping fits what there is: the database's catalogue, its rows, and Notion's schemas.

Each mistake is a `Finding`: one sentence, what to do, and where it can be made good by making something, what. Checks are the
functions of three tables: of a mapped table, of each of its columns (core.column_check), and of the mapping as a whole.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Named
from typing import Final

from syncline.core.column_check import OF_COLUMN, new_property
from syncline.core.findings import (
    Facts,
    Finding,
    Inventory,
    Level,
    NewDatabase,
    NewProperty,
    Seen,
    instead,
    some,
)
from syncline.core.mapped_values import READ_ONLY, ColumnType, PropertyType
from syncline.core.mapping import PAGE_ID, DeletePolicy, Direction, MappedTable, Mapping
from syncline.core.plurals import be, counted

__all__ = ["MOST_ROWS", "check"]

MOST_ROWS: Final = 250_000
"""What one data source holds: https://developers.notion.com/reference/request-limits"""

_KEYS: Final = frozenset({"title", "rich_text", "number", "url", "email", "phone_number"})


def check(mapping: Mapping, facts: Facts) -> list[Finding]:
    """All that does not fit, errors first, else in the order of the mapping. None if it all fits."""
    found = [finding for mapped in mapping.tables for finding in _table(mapping, facts, mapped)]
    found += [finding for each in _WHOLE for finding in each(mapping, facts)]
    order = list(Level)
    return sorted(found, key=lambda finding: order.index(finding.level))


def _table(mapping: Mapping, facts: Facts, mapped: MappedTable) -> Iterator[Finding]:
    table = facts.tables.get(mapped.name)
    if table is None:
        name = mapped.table or mapped.name
        yield Finding(
            Level.ERROR,
            mapped.name,
            name,
            f"The database has no table {name}",
            instead(name, facts.known_tables),
        )
        return
    schema = facts.schemas.get(mapped.name)
    seen = Seen(mapping, facts, mapped, table, schema, facts.inventories.get(mapped.name, Inventory()))
    for check_table in _OF_TABLE:
        yield from check_table(seen)
    for column in mapped.columns:
        for check_column in OF_COLUMN:
            yield from check_column(seen, column)


# --- of a table ---------------------------------------------------------------------------------------------------


def _columns_exist(seen: Seen) -> Iterator[Finding]:
    mapped = seen.mapped
    known = [column.name for column in seen.table.columns]
    named = [mapped.key.column, *(each.column for each in mapped.columns if each.through is None)]
    named += [each.column for each in mapped.exclude]
    named += [name for name in (mapped.changed, mapped.body) if name is not None]
    for name in dict.fromkeys(named):
        if name not in known:
            yield seen.error(name, f"The table has no column {name}", instead(name, known))


def _key_is_good(seen: Seen) -> Iterator[Finding]:
    name, inventory = seen.mapped.key.column, seen.inventory
    if inventory.duplicates:
        yield seen.error(
            name,
            f"Several rows have the same key: {some(inventory.duplicates)}",
            "choose a column that is unique, or mend the rows",
        )
    elif not seen.table.view and (name,) not in seen.table.unique and seen.table.column(name):
        yield seen.warning(
            name, "Nothing in the database keeps two rows from having the same key", "make the column unique"
        )
    if inventory.unkeyed:
        yield seen.warning(
            name,
            f"{counted(inventory.unkeyed, 'row')} without a key {be(inventory.unkeyed)} left out",
            "fill the column",
        )


def _can_be_written(seen: Seen) -> Iterator[Finding]:
    if not seen.writes_table:
        return
    if seen.table.view:
        yield seen.error(
            seen.table.name, "A view cannot be written to", "map the table, or set direction = push"
        )
    mapped = {each.column for each in seen.mapped.columns} | {seen.mapped.key.column}
    for column in seen.table.columns:
        if not (column.nullable or column.filled or column.computed or column.name in mapped):
            yield seen.warning(
                column.name,
                f"The column {column.name} must have a value and is not mapped, so new pages cannot become rows",
                "map it, or give it a default",
            )


def _database_exists(seen: Seen) -> Iterator[Finding]:
    if seen.schema is not None:
        return
    why = seen.facts.missing.get(seen.mapped.name, "there is no such database")
    target = seen.mapped.database
    if target.name is None or target.under is None or target.id is not None:
        yield seen.error(str(target), why.rstrip("."), "")
        return
    wanted = tuple(_wanted(seen))
    yield seen.error(
        target.name,
        f"There is no database {target.name} on the page {target.under}",
        "--create makes it there",
        NewDatabase(seen.mapped.name, target.name, target.under, wanted),
    )


def _wanted(seen: Seen) -> Iterator[NewProperty]:
    """Every property that a new database is to have; one without a title column has its key as the title."""
    for column in seen.mapped.columns:
        if column.type not in READ_ONLY:
            yield new_property(seen, column)
    key = seen.mapped.key.property
    titled = any(column.type is PropertyType.TITLE for column in seen.mapped.columns)
    if key != PAGE_ID and seen.mapped.of_property(key) is None:
        kind = PropertyType.RICH_TEXT if titled else PropertyType.TITLE
        yield NewProperty(seen.mapped.name, key, kind)
    if seen.mapped.deletes.policy is DeletePolicy.FLAG:
        yield NewProperty(seen.mapped.name, seen.mapped.deletes.flag, PropertyType.CHECKBOX)


def _key_property(seen: Seen) -> Iterator[Finding]:
    name, schema = seen.mapped.key.property, seen.schema
    if schema is None or name == PAGE_ID:
        return
    found = schema.named(name)
    if found is None:
        yield seen.error(
            name,
            f"The database {schema.title} has no property {name} for the key",
            "--create adds it",
            NewProperty(seen.mapped.name, name, PropertyType.RICH_TEXT),
        )
    elif found.type not in _KEYS and (seen.writes_notion or found.type != "unique_id"):
        yield seen.error(
            name, f"The property {name} is a {found.type} and cannot hold a key", "choose a text property"
        )


def _title_is_mapped(seen: Seen) -> Iterator[Finding]:
    if seen.schema is None or not seen.writes_notion:
        return
    name = seen.schema.title_property.name
    if name not in seen.mapped.properties:
        yield seen.warning(
            name, f"No column is mapped to {name}, so new pages would have no title", f"map one to {name}"
        )


def _flag_exists(seen: Seen) -> Iterator[Finding]:
    deletes = seen.mapped.deletes
    if deletes.policy is not DeletePolicy.FLAG or seen.schema is None:
        return
    found = seen.schema.named(deletes.flag)
    if found is None:
        yield seen.error(
            deletes.flag,
            f"The database {seen.schema.title} has no property {deletes.flag} to flag deleted rows with",
            "--create adds it",
            NewProperty(seen.mapped.name, deletes.flag, PropertyType.CHECKBOX),
        )
    elif found.type != PropertyType.CHECKBOX:
        yield seen.error(
            deletes.flag,
            f"The property {deletes.flag} is a {found.type}, and a flag is a checkbox",
            "name another",
        )


def _changed_is_a_time(seen: Seen) -> Iterator[Finding]:
    name = seen.mapped.changed
    column = seen.table.column(name) if name else None
    if column and column.type not in {
        ColumnType.TIME,
        ColumnType.ZONED_TIME,
        ColumnType.ANY,
        ColumnType.TEXT,
    }:
        yield seen.error(
            column.name, f"The column {column.name} is {column.declared}, and a time of change is a timestamp"
        )


def _rows_fit(seen: Seen) -> Iterator[Finding]:
    most = min(seen.mapping.limits.rows or MOST_ROWS, MOST_ROWS)
    if seen.writes_notion and seen.inventory.rows > most:
        yield seen.error(
            seen.mapped.name,
            f"The table has {seen.inventory.rows:,} rows, and the Notion database holds {most:,}",
            "choose fewer by where, or raise limits.rows",
        )


# --- of the whole -------------------------------------------------------------------------------------------------


def _circles(mapping: Mapping, _facts: Facts) -> Iterator[Finding]:
    """Relations by which tables refer to each other, or to themselves."""
    leads = {
        table.name: {each.relation for each in table.relations if each.relation} for table in mapping.tables
    }
    for table in mapping.tables:
        around = sorted(
            each.property for each in table.relations if table.name in _reached(leads, str(each.relation))
        )
        if around:
            yield Finding(
                Level.NOTE,
                table.name,
                ", ".join(around),
                "Pages can lead back to themselves by this: those are made first and related in a second request",
            )


def _reached(leads: Named[str, set[str]], start: str) -> set[str]:
    """The tables that relations lead to from a table on, itself among them."""
    reached, waiting = set[str](), [start]
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += leads.get(one, ())
    return reached


def _one_database_each(mapping: Mapping, facts: Facts) -> Iterator[Finding]:
    counted = Counter(schema.data_source for schema in facts.schemas.values())
    for table in mapping.tables:
        schema = facts.schemas.get(table.name)
        if schema is not None and counted[schema.data_source] > 1:
            sharing = [name for name, each in facts.schemas.items() if each.data_source == schema.data_source]
            yield Finding(
                Level.ERROR,
                table.name,
                schema.title,
                f"The tables {some(sharing)} have one database, so each would take the other's pages for its own",
                "give each its own, or make them one query",
            )


def _people_known(mapping: Mapping, facts: Facts) -> Iterator[Finding]:
    if facts.people is None:
        return
    for table in mapping.tables:
        unknown = facts.inventories.get(table.name, Inventory()).people - facts.people
        if unknown and table.direction is not Direction.PULL:
            yield Finding(
                Level.WARNING,
                table.name,
                "people",
                f"Nobody in the workspace has the address {some(unknown)}",
                "these people are left out; invite them, or mend the rows",
            )


def _blocks_fit(mapping: Mapping, facts: Facts) -> Iterator[Finding]:
    most = mapping.limits.blocks
    rows = sum(
        facts.inventories.get(table.name, Inventory()).rows
        for table in mapping.tables
        if table.direction is not Direction.PULL
    )
    if most is not None and rows > most:
        yield Finding(
            Level.WARNING,
            "",
            "limits.blocks",
            f"The tables have {rows:,} rows, each a block at least, and the workspace may hold {most:,} blocks",
            "Notion refuses new pages beyond it: choose fewer rows by where, or another plan",
        )


_OF_TABLE: tuple[Callable[[Seen], Iterator[Finding]], ...] = (
    _columns_exist,
    _key_is_good,
    _can_be_written,
    _database_exists,
    _key_property,
    _title_is_mapped,
    _flag_exists,
    _changed_is_a_time,
    _rows_fit,
)
_WHOLE: tuple[Callable[[Mapping, Facts], Iterator[Finding]], ...] = (
    _circles,
    _one_database_each,
    _people_known,
    _blocks_fit,
)
