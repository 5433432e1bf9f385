"""Tables that Syncline makes in somebody's database because it was asked to: those a mapping misses, and how far an import is.

syncline_imports   mapping, name, connection_id, position     the change number up to which a table holds Notion's changes
"""

from collections.abc import Mapping as Named
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Float,
    ForeignKey,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
)
from sqlalchemy.types import TypeEngine

from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import MappedColumn, MappedTable

__all__ = ["create_tables", "position", "remember"]

_METADATA = MetaData()
imports = Table(
    "syncline_imports",
    _METADATA,
    Column("mapping", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("connection_id", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("mapping", "name"),
)


def position(conn: Connection, mapping: str, name: str, *, connection_id: str) -> int:
    """How far the table holds the changes of this connection; 0 for one that was never imported, or from another."""
    if not inspect(conn).has_table(imports.name):
        return 0
    line = imports.c
    known = select(line.position).where(line.mapping == mapping, line.name == name)
    found = conn.scalar(known.where(line.connection_id == connection_id))
    return int(found or 0)


def remember(conn: Connection, mapping: str, name: str, *, connection_id: str, reached: int) -> None:
    """Note how far it is now, in the transaction of the rows themselves."""
    _METADATA.create_all(conn)
    line = imports.c
    conn.execute(delete(imports).where(line.mapping == mapping, line.name == name))
    values = {"mapping": mapping, "name": name, "connection_id": connection_id, "position": reached}
    conn.execute(insert(imports), values)


def create_tables(
    conn: Connection, missing: Sequence[MappedTable], known: Named[str, MappedTable]
) -> list[str]:
    """Make the tables of `missing`, with their link tables; `known` are all mapped tables by name. Returns the names of what was made.

    References lead to tables that are there or made now, in a circle, too.
    """
    metadata = MetaData()
    present = set(inspect(conn).get_table_names())
    new = {_name(mapped) for mapped in missing}
    keys = {
        name: _Key(_name(each), each.key.column, Text() if _name(each) in new else _held_type(conn, each))
        for name, each in known.items()
        if _name(each) in new | present
    }
    for mapped in missing:
        _declare(metadata, mapped, keys, conn.dialect.name)
    for key in keys.values():
        # What is there already is named only to be referred to.
        if key.table not in metadata.tables:
            Table(key.table, metadata, Column(key.column, key.type, primary_key=True))
    for mapped in missing:
        for each in mapped.columns:
            if each.through is not None and each.through.table not in present:
                _declare_link(metadata, mapped, each, keys)
    made = [name for name in metadata.tables if name not in present]
    metadata.create_all(conn, [metadata.tables[name] for name in made])
    return made


@dataclass(frozen=True, slots=True)
class _Key:
    """The key of a table that is there, or is about to be."""

    table: str
    column: str
    type: TypeEngine[Any]

    def column_of(self, name: str, **options: Any) -> Column[Any]:
        """A column that refers to it."""
        return Column(name, self.type, ForeignKey(f"{self.table}.{self.column}"), **options)


def _held_type(conn: Connection, mapped: MappedTable) -> TypeEngine[Any]:
    columns = inspect(conn).get_columns(_name(mapped))
    return next((each["type"] for each in columns if each["name"] == mapped.key.column), Text())


def _declare(metadata: MetaData, mapped: MappedTable, keys: Named[str, _Key], dialect: str) -> None:
    plain = [each for each in mapped.columns if each.through is None and each.column != mapped.key.column]
    columns = [
        other.column_of(each.column)
        if (other := keys.get(each.relation or ""))
        else Column(each.column, _type(each, dialect))
        for each in plain
    ]
    Table(_name(mapped), metadata, Column(mapped.key.column, Text, primary_key=True), *columns)


def _declare_link(
    metadata: MetaData, mapped: MappedTable, each: MappedColumn, keys: Named[str, _Key]
) -> None:
    link = each.through
    assert link is not None
    if link.table in metadata.tables:
        return
    other = keys.get(each.relation or "")
    Table(
        link.table,
        metadata,
        keys[mapped.name].column_of(link.own, nullable=False),
        other.column_of(link.other, nullable=False) if other else Column(link.other, Text, nullable=False),
        PrimaryKeyConstraint(link.own, link.other),
    )


def _name(mapped: MappedTable) -> str:
    return mapped.table or mapped.name


_TYPES: Final[Named[PropertyType, type[TypeEngine[Any]]]] = {
    PropertyType.NUMBER: Numeric,
    PropertyType.CHECKBOX: Boolean,
}
_LISTS: Final = frozenset({PropertyType.MULTI_SELECT, PropertyType.PEOPLE, PropertyType.FILES})
_TIMES: Final = frozenset({PropertyType.CREATED_TIME, PropertyType.LAST_EDITED_TIME})


def _type(each: MappedColumn, dialect: str) -> TypeEngine[Any]:
    """What holds every value of the property. A date may be a day, a moment or a range, so only text holds it without loss."""
    if each.type in _LISTS and dialect == "postgresql":
        return ARRAY(Text)
    if each.type in _TIMES:
        return DateTime(timezone=True)
    if each.type is PropertyType.NUMBER and dialect == "sqlite":
        return Float()
    return _TYPES.get(each.type, Text)()
