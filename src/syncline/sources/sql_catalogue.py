"""What the database says of its tables: columns, types, keys and references, read from its own catalogue."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Inspector, inspect, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.mapped_values import ColumnType
from syncline.core.mapping import MappedTable
from syncline.core.schema import Catalogue, CatalogueTable, Column, ForeignKey
from syncline.sources.sql_statements import answer

__all__ = ["catalogue", "column_type", "described"]

OURS: Final = "syncline_"
"""What the names of our own tables in somebody's database begin with."""

_SYSTEM: Final = frozenset({"information_schema", "syncline", "syncline_jobs"})


def catalogue(conn: Connection) -> Catalogue:
    """Every table and view that the connection can see, sorted by name; not the database's own, nor ours."""
    inspector = inspect(conn)
    default = inspector.default_schema_name or ""
    schemas = [None] if conn.dialect.name == "sqlite" else [None, *_other_schemas(inspector, default)]
    found = [table for schema in schemas for table in _tables(inspector, schema, default)]
    return Catalogue(conn.dialect.name, tuple(sorted(found, key=lambda table: table.name)))


async def described(conn: AsyncConnection, mapped: MappedTable) -> CatalogueTable:
    """What a query answers, as if it were a view. SQLite does not say of which types."""
    result = await conn.execute(answer(mapped).limit(0))
    cursor = result.cursor
    assert cursor is not None
    columns = tuple(Column(str(each[0]), _answered(each[1], conn)) for each in cursor.description)
    return CatalogueTable(mapped.name, columns, view=True)


def _answered(oid: Any, conn: AsyncConnection) -> ColumnType:
    return ColumnType.ANY if conn.dialect.name == "sqlite" else _OIDS.get(oid, ColumnType.ANY)


_OIDS: Final[Mapping[int, ColumnType]] = {
    16: ColumnType.BOOLEAN,
    17: ColumnType.BYTES,
    **dict.fromkeys((20, 21, 23), ColumnType.INTEGER),
    **dict.fromkeys((25, 1042, 1043), ColumnType.TEXT),
    **dict.fromkeys((114, 3802), ColumnType.JSON),
    **dict.fromkeys((700, 701), ColumnType.FLOAT),
    **dict.fromkeys((1000, 1005, 1007, 1009, 1015, 1016, 2951), ColumnType.LIST),
    1082: ColumnType.DATE,
    1114: ColumnType.TIME,
    1184: ColumnType.ZONED_TIME,
    1700: ColumnType.NUMERIC,
    2950: ColumnType.UUID,
}
"""PostgreSQL's numbers of its own types: https://www.postgresql.org/docs/current/catalog-pg-type.html ."""


def column_type(declared: types.TypeEngine[Any]) -> ColumnType:
    """What a column of a reflected type holds."""
    inner = getattr(declared, "data_type", None) if isinstance(declared, postgresql.DOMAIN) else None
    kind = inner or declared
    return next((found for known, found in _TYPES if isinstance(kind, known)), ColumnType.OTHER)


_TYPES: Final[tuple[tuple[type[Any], ColumnType], ...]] = (
    (types.NullType, ColumnType.ANY),
    (types.ARRAY, ColumnType.LIST),
    (types.Enum, ColumnType.ENUM),
    (types.JSON, ColumnType.JSON),
    (types.Uuid, ColumnType.UUID),
    (types.Boolean, ColumnType.BOOLEAN),
    (types.Integer, ColumnType.INTEGER),
    (types.Float, ColumnType.FLOAT),
    (types.Numeric, ColumnType.NUMERIC),
    (types.DateTime, ColumnType.TIME),
    (types.Date, ColumnType.DATE),
    (types.String, ColumnType.TEXT),
    (postgresql.CITEXT, ColumnType.TEXT),
    (types.LargeBinary, ColumnType.BYTES),
)


def _other_schemas(inspector: Inspector, default: str) -> list[str]:
    names = inspector.get_schema_names()
    return [name for name in names if name not in _SYSTEM | {default} and not name.startswith("pg_")]


def _tables(inspector: Inspector, schema: str | None, default: str) -> Iterable[CatalogueTable]:
    columns = _by_name(inspector.get_multi_columns(schema=schema, kind=ObjectKind.ANY))
    primary = _by_name(inspector.get_multi_pk_constraint(schema=schema))
    unique = _by_name(inspector.get_multi_unique_constraints(schema=schema))
    indexes = _by_name(inspector.get_multi_indexes(schema=schema, kind=ObjectKind.ANY))
    foreign = _by_name(inspector.get_multi_foreign_keys(schema=schema))
    views = {*inspector.get_view_names(schema=schema), *_materialised(inspector, schema)}
    for name, found in columns.items():
        if name.startswith((OURS, "sqlite_")):
            continue
        key = tuple((primary.get(name) or {}).get("constrained_columns") or ())
        yield CatalogueTable(
            name=_qualified(schema, name, default),
            columns=tuple(_column(each, key, inspector) for each in found),
            primary_key=key,
            unique=tuple(
                dict.fromkeys([*([key] if key else ()), *_unique(unique.get(name), indexes.get(name))])
            ),
            foreign_keys=tuple(_foreign_keys(foreign.get(name) or (), default)),
            view=name in views,
        )


def _by_name(found: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: value for (_schema, name), value in found.items()}


def _materialised(inspector: Inspector, schema: str | None) -> Iterable[str]:
    if inspector.dialect.name != "postgresql":
        return ()
    return inspector.get_materialized_view_names(schema=schema)


def _qualified(schema: str | None, name: str, default: str) -> str:
    return name if schema in {None, default} else f"{schema}.{name}"


def _column(found: Mapping[str, Any], key: tuple[str, ...], inspector: Inspector) -> Column:
    declared = found["type"]
    kind = column_type(declared)
    if kind is ColumnType.TIME and getattr(declared, "timezone", False):
        kind = ColumnType.ZONED_TIME
    alone = key == (found["name"],) and kind is ColumnType.INTEGER and inspector.dialect.name == "sqlite"
    return Column(
        name=found["name"],
        type=kind,
        declared=_declared(declared, inspector),
        nullable=bool(found.get("nullable", True)) and found["name"] not in key,
        options=tuple(getattr(declared, "enums", None) or ()),
        computed=bool(found.get("computed")) or bool((found.get("identity") or {}).get("always")),
        filled=alone or found.get("default") is not None or bool(found.get("identity")),
    )


def _declared(declared: types.TypeEngine[Any], inspector: Inspector) -> str:
    if isinstance(declared, types.NullType):
        return ""
    return declared.compile(dialect=inspector.dialect)


def _unique(constraints: Any, indexes: Any) -> Iterable[tuple[str, ...]]:
    for each in constraints or ():
        yield tuple(each["column_names"])
    for each in indexes or ():
        partial = any("where" in name for name in each.get("dialect_options") or ())
        if each.get("unique") and not partial and None not in each["column_names"]:
            yield tuple(each["column_names"])


def _foreign_keys(found: Iterable[Mapping[str, Any]], default: str) -> Iterable[ForeignKey]:
    """Those of one column; a mapping knows no others."""
    for each in found:
        if len(each["constrained_columns"]) == len(each["referred_columns"]) == 1:
            other = _qualified(each["referred_schema"], each["referred_table"], default)
            yield ForeignKey(each["constrained_columns"][0], other, each["referred_columns"][0])
