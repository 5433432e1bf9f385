"""The SQL that a mapped table comes to, and the values as the two drivers take and give them.

Values are bound without a type of their own: PostgreSQL then takes the type of the column they meet, so that a text stands for a UUID,
an enum or an array (https://www.postgresql.org/docs/current/typeconv.html). What people wrote themselves, a query or a condition, is
put in as it is, within parentheses.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    ColumnClause,
    FromClause,
    Select,
    TableClause,
    bindparam,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.sql.elements import BindParameter, ColumnElement
from sqlalchemy.types import NullType

from syncline.core.mapped_values import ColumnType
from syncline.core.mapping import MappedTable

__all__ = [
    "answer",
    "array",
    "bound",
    "castable",
    "free_columns",
    "keyed",
    "parameter",
    "relation",
    "selection",
]


def relation(name: str, *columns: ColumnClause[Any]) -> TableClause:
    """A table by its name, with its schema where that is named: ``people`` or ``public.people``."""
    schema, dot, alone = name.partition(".")
    return table(alone, *columns, schema=schema) if dot else table(name, *columns)


def selection(mapped: MappedTable) -> Select[Any]:
    """All rows of the mapping, each with every column it names, in the order of their keys."""
    wanted: list[ColumnClause[Any]] = [column(name) for name in free_columns(mapped)]
    statement = select(*wanted).select_from(_source(mapped, wanted)).order_by(column(mapped.key.column))
    if mapped.where is None:
        return statement
    condition: ColumnElement[bool] = literal_column(f"({mapped.where})")
    return statement.where(condition)


def _source(mapped: MappedTable, wanted: Sequence[ColumnClause[Any]]) -> FromClause:
    if mapped.query is None:
        return relation(mapped.table or mapped.name)
    # Its colons are people's own: `:name` and `::type` are no parameters of ours.
    query = text(mapped.query.strip().rstrip(";").replace(":", r"\:"))
    return query.columns(*wanted).alias("syncline_source")


def answer(mapped: MappedTable) -> Select[Any]:
    """All that a query answers, whatever its columns are called."""
    query = text((mapped.query or "").strip().rstrip(";").replace(":", r"\:"))
    return select(literal_column("*")).select_from(query.columns().alias("syncline_source"))


def free_columns(mapped: MappedTable) -> tuple[str, ...]:
    """The columns that a row is read from, each once: the key first."""
    named = [mapped.key.column, *(each.column for each in mapped.columns if each.through is None)]
    named += [each.column for each in mapped.exclude]
    named += [name for name in (mapped.changed, mapped.body) if name is not None]
    return tuple(dict.fromkeys(named))


def parameter(name: str) -> BindParameter[Any]:
    """A value to be given at execution, of whatever type it meets."""
    return bindparam(name, type_=NullType())


def keyed(
    name: str, keys: Collection[str], *, dialect: str, prefix: str = "syncline_key"
) -> tuple[ColumnElement[bool], dict[str, Any]]:
    """The condition that the column `name` is one of `keys`, and its parameters. At most some hundred keys."""
    wanted: ColumnClause[Any] = column(name)
    if dialect == "postgresql":
        return wanted == func.any(parameter(prefix)), {prefix: array(keys)}
    names = {f"{prefix}_{n}": key for n, key in enumerate(keys)}
    return wanted.in_([parameter(one) for one in names]), dict(names)


def array(entries: Collection[str]) -> str:
    """An array as PostgreSQL reads it from text.

    https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """
    quoted = ('"' + re.sub(r'(["\\])', r"\\\1", entry) + '"' for entry in entries)
    return "{" + ",".join(quoted) + "}"


def bound(value: Any, *, dialect: str) -> Any:
    """What `core.mapped_values.to_column` gave, as the driver takes it."""
    if dialect == "postgresql":
        return array(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
    match value:
        case datetime():
            return value.isoformat(" ")
        case date():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bool():
            return int(value)
        case _:
            return value


_UUID: Final = re.compile(r"\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.IGNORECASE)
_CASTABLE: Final[Mapping[ColumnType, re.Pattern[str]]] = {
    ColumnType.INTEGER: re.compile(r"[+-]?\d{1,18}"),
    ColumnType.NUMERIC: re.compile(r"[+-]?\d+(\.\d+)?"),
    ColumnType.UUID: _UUID,
}


def castable(key: str, kind: ColumnType) -> bool:
    """Whether a key that came from elsewhere can be one of a column of this type; the database would refuse the whole statement."""
    pattern = _CASTABLE.get(kind)
    return "\0" not in key and (pattern is None or pattern.fullmatch(key) is not None)
