"""Notion's property values in the plain forms of a mapping (`core.mapped_values`), and back.

A relation is page ids at Notion and keys in a mapping; people are user ids at Notion and e-mail addresses in a mapping. The
caller knows which is which and says it by a dictionary.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from syncline.core.mapped_values import PropertyType, Span, Unfit, Value
from syncline.notion.values import DateValue, FileValue, PersonValue, PlainValue, Unknown, moment, plain
from syncline.notion.writing import Unwritable, notion

__all__ = ["payload", "value"]

Json: TypeAlias = Mapping[str, Any]
_NOBODY: Mapping[str, str] = {}


def value(raw: Json, *, keys: Mapping[str, str] = _NOBODY) -> Value:
    """The plain form of one property value of a page. `keys` are the keys of pages by id; a page without one stays an id.

    Raises Unfit for what has no plain form: a type newer than this program, or a result Notion did not compute.
    """
    kind = raw.get("type")
    found = plain(raw)
    if kind == "relation" and isinstance(found, list):
        return tuple(keys.get(str(page), str(page)) for page in found) or None
    return _value(found)


def payload(
    kind: PropertyType,
    plain_value: Value,
    *,
    pages: Mapping[str, str] = _NOBODY,
    people: Mapping[str, str] = _NOBODY,
) -> dict[str, Any]:
    """The value as it goes into a request: ``{kind: …}``; None clears.

    `pages` are page ids by key, `people` user ids by e-mail address in lower case. Raises Unfit where Notion would refuse it, or
    somebody named in it is not known.
    """
    convert = _TO.get(kind)
    try:
        return notion(kind, convert(plain_value, pages, people) if convert else plain_value)
    except Unwritable as error:
        raise Unfit(str(error)) from error


# --- from Notion --------------------------------------------------------------------------------------------------


def _value(found: PlainValue) -> Value:
    match found:
        case None | "" | []:
            return None
        case bool() | int() | str():
            return found
        case float():
            return int(found) if found.is_integer() else found
        case DateValue():
            return _span(found)
        case PersonValue():
            return (_person(found),)
        case list():
            return tuple(text for entry in found for text in _texts(entry)) or None
        case Unknown():
            raise Unfit(f"Notion gave no value for it ({found.type})")
        case _:
            raise Unfit(f"a {type(found).__name__.removesuffix('Value').lower()} has no plain form")


def _texts(entry: Any) -> tuple[str, ...]:
    """One entry of a list as texts: an element of a rollup can be a list itself."""
    match entry:
        case PersonValue():
            return (_person(entry),)
        case FileValue():
            return (entry.url,)
        case str() if entry:
            return (entry,)
    converted = _value(entry)
    if isinstance(converted, tuple):
        return converted
    if isinstance(converted, Span):
        return (converted.start.isoformat(),)
    return () if converted is None else (str(converted),)


def _person(person: PersonValue) -> str:
    return person.email.lower() or person.id


def _span(found: DateValue) -> Span:
    start = _moment(found.start, found.time_zone)
    return Span(start, None if found.end is None else _moment(found.end, found.time_zone))


def _moment(iso: str, zone: str | None) -> date:
    found = moment(iso)
    if found is None:
        raise Unfit(f"{iso!r} is not a date between the years 1 and 9999")
    if not isinstance(found, datetime):
        return found
    aware = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone) if zone else UTC)
    return aware.astimezone(UTC).replace(microsecond=0)


# --- to Notion ----------------------------------------------------------------------------------------------------


def _date(given: Value, _pages: Mapping[str, str], _people: Mapping[str, str]) -> Any:
    if not isinstance(given, Span):
        return given
    return DateValue(given.start.isoformat(), given.end.isoformat() if given.end else None)


def _relation(given: Value, pages: Mapping[str, str], _people: Mapping[str, str]) -> Any:
    return _looked_up(given, pages, "there is no page with the key {}")


def _people(given: Value, _pages: Mapping[str, str], people: Mapping[str, str]) -> Any:
    return _looked_up(given, people, "nobody in the workspace has the e-mail address {}")


def _looked_up(given: Value, known: Mapping[str, str], missing: str) -> list[str] | None:
    if given is None:
        return None
    names = given if isinstance(given, tuple) else (str(given),)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Unfit(missing.format(", ".join(unknown)))
    return [known[name] for name in names]


def _files(given: Value, _pages: Mapping[str, str], _people: Mapping[str, str]) -> Any:
    if given is None:
        return None
    urls = given if isinstance(given, tuple) else (str(given),)
    return [FileValue(url.rstrip("/").rpartition("/")[2] or url, url) for url in urls]


To: TypeAlias = Callable[[Value, Mapping[str, str], Mapping[str, str]], Any]

_TO: Mapping[PropertyType, To] = {
    PropertyType.DATE: _date,
    PropertyType.RELATION: _relation,
    PropertyType.PEOPLE: _people,
    PropertyType.FILES: _files,
}
