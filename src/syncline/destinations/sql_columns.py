"""What a property becomes in a typed table: the columns it needs, and their values for one page.

A property has a `Shape`. What is a value of its own stands in columns of the row; what points at another row (a
relation, people) becomes a link table, so that it can be joined; lists of values without an identity (options, files) are JSON in
one column, because a row is then read without a join and a cleared list clears with it.

A date is one day, or a moment, or a range of either. Its columns are the first and last day as written in
Notion (`<name>`, `<name>_end`) and, where there is a time, the moments (`<name>_at`, `<name>_end_at`): no day is
given a midnight that nobody wrote, and no moment loses its day.

A formula or rollup has no type of its own: its shape is the one its results have, and text where rows differ.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, Date
from sqlalchemy.types import TypeEngine

from syncline.destinations.sql_types import JsonValue, Moment, Number, String
from syncline.notion.canonical import stable_url
from syncline.notion.values import (
    DateValue,
    FileValue,
    PersonValue,
    PlainValue,
    Unknown,
    VerificationValue,
    moment,
)

__all__ = ["COLUMNS", "Shape", "Values", "cells", "computed", "joined", "observed", "shape", "targets"]

Values: TypeAlias = tuple[Any, ...]


class Shape(StrEnum):
    """How a property is held."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "moment"
    JSON = "json"
    LINKS = "links"
    """A link table; no column."""
    UNSEEN = "unseen"
    """A formula or rollup without any result so far: an empty text column."""


COLUMNS: Mapping[Shape, tuple[tuple[str, TypeEngine[Any]], ...]] = {
    Shape.TEXT: (("", String()),),
    Shape.NUMBER: (("", Number()),),
    Shape.BOOLEAN: (("", Boolean(create_constraint=False)),),
    Shape.DATE: (("", Date()), ("_end", Date()), ("_at", Moment()), ("_end_at", Moment())),
    Shape.MOMENT: (("", Moment()),),
    Shape.JSON: (("", JsonValue()),),
    Shape.LINKS: (),
    Shape.UNSEEN: (("", String()),),
}
"""The columns of each shape: what is added to the property's name, and the type."""

_SHAPES: Mapping[str, Shape] = {
    "title": Shape.TEXT,
    "rich_text": Shape.TEXT,
    "number": Shape.NUMBER,
    "select": Shape.TEXT,
    "status": Shape.TEXT,
    "multi_select": Shape.JSON,
    "date": Shape.DATE,
    "people": Shape.LINKS,
    "files": Shape.JSON,
    "checkbox": Shape.BOOLEAN,
    "url": Shape.TEXT,
    "email": Shape.TEXT,
    "phone_number": Shape.TEXT,
    "relation": Shape.LINKS,
    "formula": Shape.UNSEEN,
    "rollup": Shape.UNSEEN,
    "created_time": Shape.MOMENT,
    "last_edited_time": Shape.MOMENT,
    "created_by": Shape.TEXT,
    "last_edited_by": Shape.TEXT,
    "unique_id": Shape.TEXT,
    "verification": Shape.TEXT,
}
_WITHOUT_VALUE = frozenset({"button"})


def shape(property_type: str) -> Shape | None:
    """The shape a property of this type starts with; JSON for a type we do not know, None for one without values."""
    return None if property_type in _WITHOUT_VALUE else _SHAPES.get(property_type, Shape.JSON)


def computed(property_type: str) -> bool:
    """Whether the shape follows from the results."""
    return _SHAPES.get(property_type) is Shape.UNSEEN


def observed(value: PlainValue) -> Shape:
    """The shape that fits one result of a formula or rollup."""
    if value is None or isinstance(value, Unknown):
        return Shape.UNSEEN
    return next(fitting for kind, fitting in _OBSERVED if isinstance(value, kind))


_OBSERVED: tuple[tuple[type, Shape], ...] = (
    (bool, Shape.BOOLEAN),  # before the numbers: a bool is an int to Python
    (int, Shape.NUMBER),
    (float, Shape.NUMBER),
    (DateValue, Shape.DATE),
    (list, Shape.JSON),
    (object, Shape.TEXT),
)


def joined(one: Shape, other: Shape) -> Shape:
    """The narrowest shape that holds what both hold."""
    if other in {one, Shape.UNSEEN}:
        return one
    return other if one is Shape.UNSEEN else Shape.TEXT


def cells(value: PlainValue, as_shape: Shape) -> Values:
    """The values for the columns of `as_shape`; all None where there is no value or it does not fit.

    A page may still carry a value of the type its property had before; Notion converts the pages later.
    """
    if value is None or (isinstance(value, Unknown) and as_shape is not Shape.JSON):
        return (None,) * len(COLUMNS[as_shape])
    return _CELLS[as_shape](value)


def targets(value: PlainValue) -> list[str]:
    """The ids a link value points at, in order, each once."""
    if not isinstance(value, list):
        return []
    ids = (item.id if isinstance(item, PersonValue) else item for item in value)
    return list(dict.fromkeys(key for key in ids if isinstance(key, str) and key))


def _text_cells(value: PlainValue) -> Values:
    return (_text(value) or None,)


def _text(value: PlainValue) -> str:
    return next(write for kind, write in _TEXTS if isinstance(value, kind))(value)


def _json_text(value: Any) -> str:
    return json.dumps(_jsonable(value), ensure_ascii=False)


def _span_text(value: DateValue) -> str:
    return f"{value.start} → {value.end}" if value.end else value.start


_TEXTS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (str, lambda value: value),
    (DateValue, _span_text),
    (PersonValue, lambda value: value.id),
    (VerificationValue, lambda value: value.state),
    (object, _json_text),
)


def _number_cells(value: PlainValue) -> Values:
    return (value if isinstance(value, int | float) and not isinstance(value, bool) else None,)


def _boolean_cells(value: PlainValue) -> Values:
    return (value if isinstance(value, bool) else None,)


def _date_cells(value: PlainValue) -> Values:
    if not isinstance(value, DateValue):
        return (None,) * 4
    first, last = _parsed(value.start, value.time_zone), _parsed(value.end or "", value.time_zone)
    return (_day(first), _day(last), _instant(first), _instant(last))


def _moment_cells(value: PlainValue) -> Values:
    return (_instant(_parsed(value, None)) if isinstance(value, str) else None,)


def _parsed(iso: str, time_zone: str | None) -> date | datetime | None:
    """Notion leaves the offset out where it names the zone."""
    parsed = moment(iso)
    if not isinstance(parsed, datetime) or parsed.tzinfo is not None:
        return parsed
    return parsed.replace(tzinfo=_zone(time_zone))


def _zone(name: str | None) -> Any:
    try:
        return ZoneInfo(name) if name else UTC
    except (ValueError, KeyError, OSError):  # not a zone, or none this system has data for
        return UTC


def _day(value: date | datetime | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _instant(value: date | datetime | None) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _json_cells(value: PlainValue) -> Values:
    return (_jsonable(value),)


def _jsonable(value: Any) -> Any:
    """Plain values as JSON; a hosted file without the signature, which is dead within the hour."""
    if isinstance(value, Unknown):
        return value.raw
    if isinstance(value, FileValue):
        return {"name": value.name, "url": stable_url(value.url)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_jsonable(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


_CELLS: Mapping[Shape, Callable[[PlainValue], Values]] = {
    Shape.TEXT: _text_cells,
    Shape.NUMBER: _number_cells,
    Shape.BOOLEAN: _boolean_cells,
    Shape.DATE: _date_cells,
    Shape.MOMENT: _moment_cells,
    Shape.JSON: _json_cells,
    Shape.LINKS: lambda _value: (),
    Shape.UNSEEN: lambda _value: (None,),
}
