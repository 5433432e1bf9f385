"""The few plain values that both a column and a property can hold, and what makes two of them the same.

==================================================  ================================================
title, rich_text, url, email, phone_number          str, never empty
select, status, unique_id                           str, never empty
number                                              int | float, an int wherever it is whole
checkbox                                            bool, never None
date                                                Span
created_time, last_edited_time                      Span
multi_select, people, relation, files               tuple[str, ...], never empty: options, e-mail addresses,
                                                    keys, URLs
formula, rollup                                     any of these; read only
==================================================  ================================================

None is "nothing there" for all but a checkbox. `from_column` reads what a database driver gave, `to_column` gives what
a driver takes; both are total: they return a value or raise `Unfit` with one sentence. The forms are canonical: two values are
the same if `comparable` of both is equal, whatever side they came from.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Never, TypeAlias

from syncline.core.hash import digest

__all__ = [
    "READ_ONLY",
    "ColumnType",
    "PropertyType",
    "Span",
    "Unfit",
    "Value",
    "comparable",
    "from_column",
    "from_json",
    "key_text",
    "shown",
    "to_column",
    "to_json",
    "values_hash",
]


class PropertyType(StrEnum):
    """Notion's property types that a mapping knows.

    https://developers.notion.com/reference/property-object
    """

    TITLE = "title"
    RICH_TEXT = "rich_text"
    NUMBER = "number"
    SELECT = "select"
    MULTI_SELECT = "multi_select"
    STATUS = "status"
    DATE = "date"
    PEOPLE = "people"
    FILES = "files"
    CHECKBOX = "checkbox"
    URL = "url"
    EMAIL = "email"
    PHONE_NUMBER = "phone_number"
    RELATION = "relation"
    FORMULA = "formula"
    ROLLUP = "rollup"
    UNIQUE_ID = "unique_id"
    CREATED_TIME = "created_time"
    LAST_EDITED_TIME = "last_edited_time"
    CREATED_BY = "created_by"
    LAST_EDITED_BY = "last_edited_by"


READ_ONLY = frozenset(
    {
        PropertyType.FORMULA,
        PropertyType.ROLLUP,
        PropertyType.UNIQUE_ID,
        PropertyType.CREATED_TIME,
        PropertyType.LAST_EDITED_TIME,
        PropertyType.CREATED_BY,
        PropertyType.LAST_EDITED_BY,
    }
)
"""What Notion computes; nobody can write it."""


class ColumnType(StrEnum):
    """What a column holds, as far as a mapping is concerned."""

    TEXT = "text"
    INTEGER = "integer"
    NUMERIC = "numeric"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "timestamp"
    """A time without a zone."""
    ZONED_TIME = "timestamptz"
    UUID = "uuid"
    JSON = "json"
    LIST = "list"
    """An array of text or of what is written as text."""
    ENUM = "enum"
    BYTES = "bytes"
    ANY = "any"
    """SQLite lets a column hold anything."""
    OTHER = "other"
    """A type no property can hold."""


@dataclass(frozen=True, slots=True)
class Span:
    """A day, a moment or a range of either. Moments are in UTC, to the second: Notion keeps no more."""

    start: date
    end: date | None = None


Value: TypeAlias = str | int | float | bool | Span | tuple[str, ...] | None


class Unfit(ValueError):
    """A value that cannot be one of the type asked for; the message says what it is and why."""


def from_column(kind: PropertyType, raw: Any, *, zone: tzinfo = UTC) -> Value:
    """What a column's value is as a property of type `kind`. `zone` is that of times without one. Raises Unfit."""
    return _FROM[kind](raw, zone)


def to_column(kind: ColumnType, value: Value, *, zone: tzinfo = UTC) -> Any:
    """What a driver takes to put `value` into a column of type `kind`; None is NULL. Raises Unfit."""
    return None if value is None else _TO[kind](value, zone)


def comparable(value: Value) -> object:
    """What two values are compared by: lists without their order, e-mail addresses and options as they are."""
    if isinstance(value, tuple):
        return tuple(sorted(set(value)))
    if isinstance(value, bool):
        return ("bool", value)
    return value


def values_hash(values: Mapping[str, Value]) -> str:
    """The hash of a row's values: the same for the same values, whatever side they came from."""
    return digest({name: to_json(_sorted(value)) for name, value in values.items()})


def to_json(value: Value) -> Any:
    """`value` as JSON that `from_json` reads again."""
    if isinstance(value, tuple):
        return {"list": list(value)}
    if isinstance(value, Span):
        return {"start": _iso(value.start), "end": None if value.end is None else _iso(value.end)}
    return value


def from_json(value: Any) -> Value:
    """What `to_json` wrote."""
    if not isinstance(value, Mapping):
        plain: Value = value
        return plain
    if "list" in value:
        return tuple(value["list"])
    return Span(_point(value["start"]), None if value["end"] is None else _point(value["end"]))


def key_text(raw: Any) -> str | None:
    """A key as the text that stands in a property; None for a row without a key. Raises Unfit."""
    return _text(raw, UTC)


def shown(value: Value) -> str:
    """A value as one line for a person."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, Span):
        return _iso(value.start) if value.end is None else f"{_iso(value.start)} to {_iso(value.end)}"
    return str(value)


def _sorted(value: Value) -> Value:
    return tuple(sorted(set(value))) if isinstance(value, tuple) else value


def _refuse(raw: Any, what: str) -> Never:
    text = repr(raw)
    raise Unfit(f"{text if len(text) <= 60 else f'{text[:57]}…'} is not {what}")


# --- from a column ------------------------------------------------------------------------------------------------


def _text(raw: Any, _zone: tzinfo) -> str | None:
    match raw:
        case None | "":
            return None
        case str():
            return raw
        case bool():
            return "true" if raw else "false"
        case Decimal() if raw.is_finite():
            return format(raw.normalize(), "f")
        case float() if raw.is_integer():
            return str(int(raw))
        case datetime() | date() | time():
            return raw.isoformat()
        case bytes() | bytearray() | memoryview():
            return _refuse(raw, "text: it is binary")
        case dict() | list() | tuple():
            return json.dumps(raw, ensure_ascii=False, default=str)
        case _:
            return str(raw)


def _number(raw: Any, _zone: tzinfo) -> int | float | None:
    if isinstance(raw, bool):
        return int(raw)
    if isinstance(raw, str):
        raw = _decimal(raw.strip())
    if raw is None or isinstance(raw, int):
        return raw
    if not isinstance(raw, (float, Decimal)) or not math.isfinite(raw):
        _refuse(raw, "a number")
    return int(raw) if raw == int(raw) else float(raw)


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return _refuse(text, "a number")


_TRUTH = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0", ""), False),
}


def _checkbox(raw: Any, _zone: tzinfo) -> bool:
    if raw is None:
        return False
    if isinstance(raw, bool) or (isinstance(raw, (int, float, Decimal)) and raw in {0, 1}):
        return bool(raw)
    known = _TRUTH.get(raw.strip().lower()) if isinstance(raw, str) else None
    return _refuse(raw, "true or false") if known is None else known


def _list(raw: Any, zone: tzinfo) -> tuple[str, ...] | None:
    if isinstance(raw, str) and raw.lstrip().startswith("["):
        try:
            raw = json.loads(raw)
        except ValueError:
            _refuse(raw, "a list")
    entries = raw if isinstance(raw, (list, tuple, set, frozenset)) else (raw,)
    texts = (_text(entry, zone) for entry in entries)
    return tuple(dict.fromkeys(text for text in texts if text is not None)) or None


def _people(raw: Any, zone: tzinfo) -> tuple[str, ...] | None:
    addresses = _list(raw, zone) or ()
    return tuple(dict.fromkeys(address.strip().lower() for address in addresses)) or None


def _span(raw: Any, zone: tzinfo) -> Span | None:
    """A date, a time, a range of the database's own, ISO text, or two of these as ``start/end``."""
    if raw is None or raw == "":
        return None
    lower, upper = getattr(raw, "lower", None), getattr(raw, "upper", None)
    if not isinstance(raw, str) and not callable(lower) and not isinstance(raw, date):
        if lower is None:
            _refuse(raw, "a date")
        return Span(_moment(lower, zone), _upper(raw, upper, zone))
    if isinstance(raw, str) and "/" in raw:
        start, _, end = raw.partition("/")
        return Span(_moment(start.strip(), zone), _moment(end.strip(), zone))
    return Span(_moment(raw, zone))


def _upper(raw: Any, upper: Any, zone: tzinfo) -> date | None:
    """The last day of a range: the database's `upper` is the first that is no longer in it, Notion's `end` is in it."""
    if upper is None:
        return None
    if not isinstance(upper, datetime) and not getattr(raw, "upper_inc", True):
        upper -= timedelta(days=1)
    return _moment(upper, zone)


def _moment(raw: Any, zone: tzinfo) -> date:
    if isinstance(raw, str):
        try:
            raw = _point(raw)
        except ValueError:
            _refuse(raw, "a date in ISO 8601")
    if not isinstance(raw, datetime):
        return raw if isinstance(raw, date) else _refuse(raw, "a date")
    aware = raw if raw.tzinfo is not None else raw.replace(tzinfo=zone)
    return aware.astimezone(UTC).replace(microsecond=0)


def _point(text: str) -> date:
    """A day, or a moment where the text has a time."""
    return date.fromisoformat(text) if len(text) == len("2026-01-01") else datetime.fromisoformat(text)


def _unreadable(raw: Any, zone: tzinfo) -> Value:
    """What Notion computes can be of any kind; a column is never read for it, but its text is right everywhere."""
    return _text(raw, zone)


From: TypeAlias = Callable[[Any, tzinfo], Value]

_FROM: Mapping[PropertyType, From] = {
    **dict.fromkeys(PropertyType, _unreadable),
    **dict.fromkeys(
        (
            PropertyType.TITLE,
            PropertyType.RICH_TEXT,
            PropertyType.SELECT,
            PropertyType.STATUS,
            PropertyType.URL,
            PropertyType.EMAIL,
            PropertyType.PHONE_NUMBER,
        ),
        _text,
    ),
    PropertyType.NUMBER: _number,
    PropertyType.CHECKBOX: _checkbox,
    PropertyType.DATE: _span,
    PropertyType.MULTI_SELECT: _list,
    PropertyType.RELATION: _list,
    PropertyType.FILES: _list,
    PropertyType.PEOPLE: _people,
}


# --- to a column --------------------------------------------------------------------------------------------------


def _iso(moment: date) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _as_text(value: Value, _zone: tzinfo) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        alone = len(value) == 1 and not value[0].lstrip().startswith("[")
        return value[0] if alone else json.dumps(list(value), ensure_ascii=False)
    if isinstance(value, Span):
        return _iso(value.start) if value.end is None else f"{_iso(value.start)}/{_iso(value.end)}"
    return str(value)


def _as_integer(value: Value, zone: tzinfo) -> int:
    number = _as_number(value, zone)
    if number != int(number):
        _refuse(value, "a whole number")
    return int(number)


def _as_number(value: Value, zone: tzinfo) -> int | float:
    if isinstance(value, (Span, tuple)) and not (isinstance(value, tuple) and len(value) == 1):
        _refuse(value, "a number")
    number = _number(value[0] if isinstance(value, tuple) else value, zone)
    return _refuse(value, "a number") if number is None else number


def _as_numeric(value: Value, zone: tzinfo) -> Decimal:
    return Decimal(str(_as_number(value, zone)))


def _as_float(value: Value, zone: tzinfo) -> float:
    return float(_as_number(value, zone))


def _as_boolean(value: Value, zone: tzinfo) -> bool:
    return _checkbox(value, zone)


def _as_date(value: Value, zone: tzinfo) -> date:
    start = _only(value, zone)
    return start.astimezone(zone).date() if isinstance(start, datetime) else start


def _as_time(value: Value, zone: tzinfo) -> datetime:
    return _as_zoned_time(value, zone).astimezone(zone).replace(tzinfo=None)


def _as_zoned_time(value: Value, zone: tzinfo) -> datetime:
    start = _only(value, zone)
    return start if isinstance(start, datetime) else datetime.combine(start, time(), tzinfo=zone)


def _only(value: Value, zone: tzinfo) -> date:
    span = value if isinstance(value, Span) else _span(value, zone)
    if span is None or span.end is not None:
        _refuse(value, "one date")
    return span.start


def _as_list(value: Value, zone: tzinfo) -> list[str]:
    return list(value) if isinstance(value, tuple) else [_as_text(value, zone)]


def _as_json(value: Value, zone: tzinfo) -> str:
    plain: object = list(value) if isinstance(value, tuple) else value
    return json.dumps(_as_text(value, zone) if isinstance(value, Span) else plain, ensure_ascii=False)


def _as_any(value: Value, zone: tzinfo) -> Any:
    return value if isinstance(value, (int, float)) else _as_text(value, zone)


def _no_column(value: Value, _zone: tzinfo) -> Never:
    _refuse(value, "what this column can hold")


To: TypeAlias = Callable[[Any, tzinfo], Any]

_TO: Mapping[ColumnType, To] = {
    ColumnType.TEXT: _as_text,
    ColumnType.INTEGER: _as_integer,
    ColumnType.NUMERIC: _as_numeric,
    ColumnType.FLOAT: _as_float,
    ColumnType.BOOLEAN: _as_boolean,
    ColumnType.DATE: _as_date,
    ColumnType.TIME: _as_time,
    ColumnType.ZONED_TIME: _as_zoned_time,
    ColumnType.UUID: _as_text,
    ColumnType.JSON: _as_json,
    ColumnType.LIST: _as_list,
    ColumnType.ENUM: _as_text,
    ColumnType.ANY: _as_any,
    ColumnType.BYTES: _no_column,
    ColumnType.OTHER: _no_column,
}
