"""Property values: what Notion keeps in the columns of its tables, as plain Python values and back.

`plain` reads any value, `notion` writes one for a request body, `Property` is one column of a schema. What
the API has no type for yet is never an error: it comes back as `Unknown` with the raw value in it.

Sources: https://developers.notion.com/reference/property-value-object and …/property-object.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias
from urllib.parse import unquote

from .canonical import canonical
from .objects import title
from .richtext import text

__all__ = [
    "REFERENCE_LIMIT",
    "DateValue",
    "FileValue",
    "PersonValue",
    "PlaceValue",
    "PlainValue",
    "Property",
    "PropertyValue",
    "Unknown",
    "VerificationValue",
    "canonical",
    "completed",
    "moment",
    "plain",
    "properties",
    "schema",
    "text",
    "title",
    "truncated",
]

Json: TypeAlias = Mapping[str, Any]

REFERENCE_LIMIT = 25
"""A page answers at most this many entries of a title, text, people or relation value.

https://developers.notion.com/reference/retrieve-a-page-property
"""


@dataclass(frozen=True, slots=True)
class DateValue:
    """A day, a moment or a range, as Notion's ISO 8601 text; `moment` turns one into a Python value.

    `end` is None for a single date. `time_zone` is an IANA name where Notion keeps one; then `start` and
    `end` may lack an offset.
    """

    start: str
    end: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class PersonValue:
    """A person, bot or group by id. `name` and `email` are empty where we may not know them."""

    id: str
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class FileValue:
    """A file by name. `expiring` marks an address that Notion signed for about an hour.

    `upload` is the id of a file upload to attach; only for writing, then `url` is empty.
    """

    name: str
    url: str = ""
    expiring: bool = False
    upload: str = ""


@dataclass(frozen=True, slots=True)
class PlaceValue:
    """A place on the map: degrees of latitude and longitude, and what people call it."""

    lat: float
    lon: float
    name: str | None = None
    address: str | None = None
    aws_place_id: str | None = None
    google_place_id: str | None = None


@dataclass(frozen=True, slots=True)
class VerificationValue:
    """Whether a wiki page is vouched for: ``verified``, ``unverified`` or ``expired``, since and until when, by whom."""

    state: str
    date: DateValue | None = None
    verified_by: PersonValue | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that has no plain form: a type newer than this file, or a result Notion did not compute.

    `type` is Notion's word (``unsupported``, ``incomplete``, a new type); `raw` what came under it.
    """

    type: str
    raw: Any = None


PlainValue: TypeAlias = (
    str
    | int
    | float
    | DateValue
    | PersonValue
    | PlaceValue
    | VerificationValue
    | Unknown
    | list[str]
    | list[PersonValue]
    | list[FileValue]
    | list[Any]
    | None
)
"""What `plain` gives, by property type. Booleans are ints to the type checker.

==================================== ===============================================================
title, rich_text                     str, "" where empty
number                               int | float | None
select, status                       str (the option's name) | None
multi_select                         list[str]
date                                 DateValue | None
people                               list[PersonValue]
files                                list[FileValue]
checkbox                             bool
url, email, phone_number             str | None
relation                             list[str] (page ids)
formula                              str | int | float | bool | DateValue | Unknown | None
rollup                               int | float | DateValue | list[PlainValue] | Unknown | None
created_time, last_edited_time       str (ISO 8601, rounded down to the minute) | None
created_by, last_edited_by           PersonValue | None
unique_id                            str ("PRE-12", "12" without a prefix) | None
place                                PlaceValue | None
verification                         VerificationValue | None
button                               None
any other                            Unknown
==================================== ===============================================================
"""


@dataclass(frozen=True, slots=True)
class Property:
    """One column of a schema.

    `id` is percent-decoded: Notion encodes it in answers, yet not inside the configuration of a rollup. It
    stays when the column is renamed. `config` is what stands under the type: options, format, target.
    """

    id: str
    name: str
    type: str
    config: Json
    description: str = ""


@dataclass(frozen=True, slots=True)
class PropertyValue:
    """One cell: its column's decoded id and name, its type, the plain value, and the value as it came."""

    id: str
    name: str
    type: str
    plain: PlainValue
    raw: Json


def schema(data_source: Json) -> tuple[Property, ...]:
    """The columns of a data source (of a database up to 2022-06-28), title first, then by name.

    Notion's own order is arbitrary and changes.
    """
    columns = [_property(name, entry) for name, entry in _mapping(data_source.get("properties")).items()]
    return tuple(sorted(columns, key=lambda column: (column.type != "title", column.name, column.id)))


def properties(page: Json) -> dict[str, PropertyValue]:
    """The values of a page by the names of their columns, sorted like `schema`."""
    cells = [_cell(name, raw) for name, raw in _mapping(page.get("properties")).items()]
    ordered = sorted(cells, key=lambda cell: (cell.type != "title", cell.name, cell.id))
    return {cell.name: cell for cell in ordered}


def plain(value: Json) -> PlainValue:
    """The plain form of one property value, also of a rollup's element or a property item (see `PlainValue`)."""
    kind = str(value.get("type") or "")
    read = _READERS.get(kind)
    return Unknown(kind, value.get(kind)) if read is None else read(value.get(kind))


def truncated(value: Json) -> bool:
    """Whether a page may hold more of this value than it answered, so that the property endpoint must be asked.

    Only a relation says so itself (``has_more``). Any other list of 25 or more may have been cut.
    """
    more = value.get("has_more")
    if isinstance(more, bool):
        return more
    kind = str(value.get("type") or "")
    entries = value.get(kind)
    if kind == "rollup":
        entries = _mapping(entries).get("array")
    return kind in _LISTED and isinstance(entries, list) and len(entries) >= REFERENCE_LIMIT


def completed(value: Json, items: Sequence[Json]) -> dict[str, Any]:
    """`value` as it would have come without the limit of 25: `items` are all results of its property endpoint."""
    kind = str(value.get("type") or "")
    full = [_element(item) for item in items]
    whole = dict(value)
    if kind == "rollup":
        whole[kind] = {**_mapping(value.get(kind)), "array": full}
    else:
        whole[kind] = [item.get(kind) for item in full]
    if "has_more" in whole:
        whole["has_more"] = False
    return whole


def moment(iso: str) -> date | datetime | None:
    """The Python value of Notion's ISO text: a date without a time, else a datetime; None beyond the years 1 to 9999."""
    try:
        return date.fromisoformat(iso) if _DAY.fullmatch(iso) else datetime.fromisoformat(iso)
    except ValueError:
        return None


Read: TypeAlias = Callable[[Any], PlainValue]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LISTED = frozenset({"title", "rich_text", "people", "relation", "rollup"})


def _mapping(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}


def _property(name: str, entry: Json) -> Property:
    kind = str(entry.get("type") or "")
    return Property(
        id=unquote(str(entry.get("id") or "")),
        name=name,
        type=kind,
        config=_mapping(entry.get(kind)),
        description=str(entry.get("description") or ""),
    )


def _cell(name: str, raw: Json) -> PropertyValue:
    identity = unquote(str(raw.get("id") or ""))
    return PropertyValue(identity, name, str(raw.get("type") or ""), plain(raw), raw)


def _element(item: Json) -> dict[str, Any]:
    kind = str(item.get("type") or "")
    return {"type": kind, kind: item.get(kind)}


def _list(payload: Any) -> list[Any]:
    """A property item carries one element where a page carries all of them."""
    if isinstance(payload, list):
        return payload
    return [] if payload is None else [payload]


def _same(payload: Any) -> Any:
    return payload


def _nothing(_payload: Any) -> None:
    return None


def _option(payload: Any) -> str | None:
    name = _mapping(payload).get("name")
    return None if name is None else str(name)


def _options(payload: Any) -> list[str]:
    return [str(_mapping(option).get("name") or "") for option in _list(payload)]


def _date(payload: Any) -> DateValue | None:
    span = _mapping(payload)
    if not span.get("start"):
        return None
    return DateValue(str(span["start"]), span.get("end"), span.get("time_zone"))


def _person(payload: Any) -> PersonValue | None:
    user = _mapping(payload)
    if not user.get("id"):
        return None
    email = _mapping(user.get("person")).get("email")
    return PersonValue(str(user["id"]), str(user.get("name") or ""), str(email or ""))


def _people(payload: Any) -> list[PersonValue]:
    return [person for user in _list(payload) if (person := _person(user)) is not None]


def _file(payload: Any) -> FileValue:
    item = _mapping(payload)
    kind = str(item.get("type") or "")
    url = str(_mapping(item.get(kind)).get("url") or "")
    return FileValue(str(item.get("name") or ""), url, expiring=kind == "file")


def _files(payload: Any) -> list[FileValue]:
    return [_file(item) for item in _list(payload)]


def _relation(payload: Any) -> list[str]:
    return [str(_mapping(item).get("id") or "") for item in _list(payload)]


def _unique_id(payload: Any) -> str | None:
    number, prefix = _mapping(payload).get("number"), _mapping(payload).get("prefix")
    if number is None:
        return None
    return f"{prefix}-{number}" if prefix else str(number)


def _place(payload: Any) -> PlainValue:
    place = _mapping(payload)
    if place.get("lat") is None or place.get("lon") is None:
        return None if payload is None else Unknown("place", payload)
    texts = (place.get(key) for key in ("name", "address", "aws_place_id", "google_place_id"))
    return PlaceValue(place["lat"], place["lon"], *texts)


def _verification(payload: Any) -> VerificationValue | None:
    seal = _mapping(payload)
    if not seal.get("state"):
        return None
    return VerificationValue(str(seal["state"]), _date(seal.get("date")), _person(seal.get("verified_by")))


def _array(payload: Any) -> list[Any]:
    return [plain(element) for element in _list(payload)]


def _result(**readers: Read) -> Read:
    """Reads a computed value by the type of its result."""

    def read(payload: Any) -> PlainValue:
        kind = str(_mapping(payload).get("type") or "")
        known = readers.get(kind)
        result = _mapping(payload).get(kind)
        return None if payload is None else Unknown(kind, result) if known is None else known(result)

    return read


_READERS: Mapping[str, Read] = {
    "title": lambda payload: text(_list(payload)),
    "rich_text": lambda payload: text(_list(payload)),
    "number": _same,
    "select": _option,
    "status": _option,
    "multi_select": _options,
    "date": _date,
    "people": _people,
    "files": _files,
    "checkbox": bool,
    "url": _same,
    "email": _same,
    "phone_number": _same,
    "relation": _relation,
    "formula": _result(string=_same, number=_same, boolean=_same, date=_date),
    "rollup": _result(number=_same, date=_date, array=_array),
    "created_time": _same,
    "last_edited_time": _same,
    "created_by": _person,
    "last_edited_by": _person,
    "unique_id": _unique_id,
    "place": _place,
    "verification": _verification,
    "button": _nothing,
}
