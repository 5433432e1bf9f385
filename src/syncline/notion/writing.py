"""Plain Python values as the property values of a request body: the way back from `values.plain`.

Each refusal is an `Unwritable` with one sentence, because Notion's own answer would fail the whole page.
Limits: https://developers.notion.com/reference/request-limits
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Never, TypeAlias

from .richtext import MAX_RUNS, RichText, runs, units
from .values import DateValue, FileValue, PersonValue, PlaceValue, VerificationValue, moment

__all__ = ["WRITABLE", "Unwritable", "notion"]

MAX_REFERENCES = 100
"""The most options, people, pages or files one value of a request may hold."""
MAX_URL = 2000
MAX_ADDRESS = 200


class Unwritable(ValueError):
    """Notion would refuse this value, or alter it, or has no way to write properties of this type."""


def notion(kind: str, value: Any) -> dict[str, Any]:
    """The value of a property of type `kind` as it goes into a request: ``{kind: payload}``.

    `value` is what `values.plain` gives for that type; None clears. Accepted besides: a rich text array for
    a title or text, a `datetime.date` or `datetime` or ISO text for a date, a Decimal for a number, ids for people, and
    the empty text as None wherever Notion has no empty text. Raises Unwritable.
    """
    write = WRITABLE.get(kind)
    if write is None:
        raise Unwritable(f"a property of type {kind} cannot be written through the API")
    return {kind: write(kind, value)}


def _refuse(kind: str, value: Any, why: str) -> Never:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}…"
    raise Unwritable(f"{kind} cannot hold {shown}: {why}")


def _rich_text(kind: str, value: Any) -> list[Any]:
    if value is None:
        return []
    pieces = _sent_runs(kind, value)
    if len(pieces) > MAX_RUNS:
        _refuse(kind, value, f"it takes {len(pieces)} runs and Notion allows {MAX_RUNS}")
    return pieces


def _sent_runs(kind: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        return list(runs(value))
    if isinstance(value, Sequence) and all(isinstance(run, Mapping) for run in value):
        return [part for run in value for part in _sent_run(run)]
    return _refuse(kind, value, "it must be text")


def _sent_run(run: Mapping[str, Any]) -> RichText:
    """One run without what Notion only answers, split where its text is too long."""
    kept = {key: run[key] for key in ("type", run.get("type", ""), "annotations") if key in run}
    payload = kept.get("text")
    if not isinstance(payload, Mapping):
        return [kept]
    content = str(payload.get("content", ""))
    return [{**kept, "text": {**payload, **part["text"]}} for part in runs(content)]


def _number(kind: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        _refuse(kind, value, "it must be a number")
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        _refuse(kind, value, "it must be finite")
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    number: int | float = value
    if isinstance(number, int) and not _is_exact(number):
        _refuse(kind, value, "Notion would round it to a 64-bit float")
    return number


def _is_exact(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _name(kind: str, value: Any) -> dict[str, str]:
    if not isinstance(value, str) or not value:
        _refuse(kind, value, "an option is named by a text that is not empty")
    if "," in value:
        _refuse(kind, value, "the name of an option holds no comma")
    return {"name": value}


def _option(kind: str, value: Any) -> dict[str, str] | None:
    return None if value is None or value == "" else _name(kind, value)


def _entries(kind: str, value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        _refuse(kind, value, "it must be a list")
    if len(value) > MAX_REFERENCES:
        _refuse(kind, value, f"it has {len(value)} entries and Notion allows {MAX_REFERENCES}")
    return value


def _options(kind: str, value: Any) -> list[dict[str, str]]:
    return [_name(kind, option) for option in _entries(kind, value)]


def _date(kind: str, value: Any) -> dict[str, Any] | None:
    if value is None or value == "":
        return None
    span = value if isinstance(value, DateValue) else DateValue(_iso(value))
    for end in (span.start, span.end):
        if end is not None and moment(end) is None:
            _refuse(kind, value, "it must be a date or a time in ISO 8601")
    body: dict[str, Any] = {"start": span.start, "end": span.end}
    return {**body, "time_zone": span.time_zone} if span.time_zone else body


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def _people(kind: str, value: Any) -> list[dict[str, str]]:
    return [{"object": "user", "id": _identity(kind, person)} for person in _entries(kind, value)]


def _relation(kind: str, value: Any) -> list[dict[str, str]]:
    return [{"id": _identity(kind, page)} for page in _entries(kind, value)]


def _identity(kind: str, value: Any) -> str:
    identity = value.id if isinstance(value, PersonValue) else value
    if not isinstance(identity, str) or not identity:
        _refuse(kind, value, "each entry is an id")
    return identity


def _files(kind: str, value: Any) -> list[dict[str, Any]]:
    return [_file(kind, item) for item in _entries(kind, value)]


def _file(kind: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, FileValue):
        _refuse(kind, value, "each entry is a FileValue")
    if value.upload:
        named = {"name": value.name} if value.name else {}
        return {**named, "type": "file_upload", "file_upload": {"id": value.upload}}
    if value.expiring:
        _refuse(kind, value.name, "a file that Notion hosts must be uploaded again")
    url = _address(kind, value.url, limit=MAX_URL)
    return {"name": value.name or value.url[-100:], "type": "external", "external": {"url": url}}


def _checkbox(kind: str, value: Any) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        _refuse(kind, value, "it must be true or false")
    return value


def _address(kind: str, value: Any, *, limit: int) -> str:
    if not isinstance(value, str) or not value:
        _refuse(kind, value, "it must be a text that is not empty")
    if units(value) > limit:
        _refuse(kind, value, f"it is longer than {limit} characters")
    return value


def _url(kind: str, value: Any) -> str | None:
    return None if value is None or value == "" else _address(kind, value, limit=MAX_URL)


def _short(kind: str, value: Any) -> str | None:
    return None if value is None or value == "" else _address(kind, value, limit=MAX_ADDRESS)


def _place(kind: str, value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, PlaceValue):
        _refuse(kind, value, "it must be a PlaceValue")
    return {name: getattr(value, name) for name in PlaceValue.__slots__ if getattr(value, name) is not None}


def _verification(kind: str, value: Any) -> dict[str, Any]:
    """Only a person in the interface can name who vouched; the API takes the state and, if verified, until when."""
    if value is None:
        return {"state": "unverified"}
    if not isinstance(value, VerificationValue) or value.state not in {"verified", "unverified"}:
        _refuse(kind, value, "it must be verified or unverified")
    if value.state == "unverified" or value.date is None:
        return {"state": value.state}
    return {"state": value.state, "date": _date(kind, value.date)}


Write: TypeAlias = Callable[[str, Any], Any]

WRITABLE: Mapping[str, Write] = {
    "title": _rich_text,
    "rich_text": _rich_text,
    "number": _number,
    "select": _option,
    "status": _option,
    "multi_select": _options,
    "date": _date,
    "people": _people,
    "files": _files,
    "checkbox": _checkbox,
    "url": _url,
    "email": _short,
    "phone_number": _short,
    "relation": _relation,
    "place": _place,
    "verification": _verification,
}
"""The property types that can be written, each with the function that writes it."""
