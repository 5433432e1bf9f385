"""Property values in requests: checked against the schema, brought to the stored form, written with their mirrors.

Unknown names of select and multi_select become options, unknown names of status are refused; a value is cleared with
null or an empty array; computed properties cannot be written
(https://developers.notion.com/reference/page-property-values).
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notion_emulator import files
from notion_emulator.errors import NotionError, ValidationFailed
from notion_emulator.ids import dashed
from notion_emulator.properties import STANDALONE
from notion_emulator.rich_text import DATE, RICH_TEXT, USER_FIELDS, normalise
from notion_emulator.schema import OPTION_COLORS, OPTION_FIELDS
from notion_emulator.validate import (
    Check,
    anything,
    array,
    boolean,
    child,
    expected,
    literal,
    nullable,
    number,
    obj,
    refuse,
    string,
    uuid,
)

if TYPE_CHECKING:
    from notion_emulator.call import Call
    from notion_emulator.objects import DataSource, Page

__all__ = ["accept", "date_value", "write"]

Json = dict[str, Any]

OPTION = obj({}, OPTION_FIELDS)
PERSON = obj({"id": uuid}, USER_FIELDS)
PLACE = obj({"lat": number, "lon": number}, {
    "name": nullable(string()), "address": nullable(string()), "aws_place_id": nullable(string()),
    "google_place_id": nullable(string()),
})  # fmt: skip
CHECKS: dict[str, Check] = {
    "title": RICH_TEXT,
    "rich_text": RICH_TEXT,
    "number": nullable(number),
    "select": nullable(OPTION),
    "multi_select": array(OPTION),
    "status": nullable(OPTION),
    "date": nullable(DATE),
    "people": array(PERSON),
    "files": files.FILES,
    "checkbox": boolean,
    "url": nullable(string(2000, shortest=1)),
    "email": nullable(string(200, shortest=1)),
    "phone_number": nullable(string(200, shortest=1)),
    "relation": array(obj({"id": uuid})),
    "place": nullable(PLACE),
    "verification": obj({"state": literal("verified", "unverified")}, {"date": nullable(DATE)}),
}  # fmt: skip
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def accept(call: Call, source: DataSource | None, requests: Json) -> Json:
    """Property id -> bare value for the ``properties`` of a request. Raises ValidationFailed, ObjectNotFound."""
    schema = source.properties if source else {}
    try:
        return dict(_accepted(call, source, key, request) for key, request in requests.items())
    except NotionError:
        if source:
            source.properties = schema  # options made on the way are unmade
        raise


def _accepted(call: Call, source: DataSource | None, key: str, request: Any) -> tuple[str, Any]:
    path = child("body.properties", key)
    entry = _entry(source, key)
    kind = entry["type"]
    if kind == "title" and isinstance(request, list):
        request = {"title": request}
    if not isinstance(request, dict):
        refuse("body", expected(path, "an object", value=request))
    if kind not in CHECKS and kind in request:
        refuse("body", expected(child(path, kind), "not present", value=request[kind]))
    if kind not in request:
        raise ValidationFailed(f"{entry['name']} is expected to be {kind}.")
    shape = obj(
        {kind: CHECKS[kind]}, {"type": literal(kind), "id": string(), "name": string(), "has_more": anything}
    )
    refuse("body", shape(request, path, ()))
    return entry["id"], ACCEPT.get(kind, _plain)(call, source, entry, request[kind])


def _entry(source: DataSource | None, key: str) -> Json:
    found = (
        source.property(key) or source.property(unquote(key))
        if source
        else STANDALONE
        if key == "title"
        else None
    )
    if found is None:
        raise ValidationFailed(f"{key} is not a property that exists.")
    return found


def _plain(_call: Call, _source: DataSource | None, _entry: Json, request: Any) -> Any:
    return request


def _text(call: Call, _source: DataSource | None, _entry: Json, request: list[Json]) -> list[Json]:
    return normalise(call.world, request)


def _option(call: Call, source: DataSource | None, entry: Json, request: Json | None) -> Json | None:
    """The option that a request names; a new one of select and multi_select is made."""
    if request is None:
        return None
    kind = entry["type"]
    for one in (source.properties[entry["id"]] if source else entry)[kind]["options"]:
        if one["id"] == request.get("id") or one["name"] == request.get("name"):
            return {"id": one["id"], "name": one["name"], "color": one["color"]}
    name = request.get("name")
    if kind == "status" or not name or source is None:
        raise ValidationFailed(
            f'Invalid {kind} option. {kind.capitalize()} option "{name or request.get("id")}" does not exist.'
        )
    if "," in name:
        raise ValidationFailed(f"Invalid select option, commas not allowed: {name}")
    return _new_option(call, source, entry["id"], kind=kind, request=request)


def _new_option(call: Call, source: DataSource, id: str, *, kind: str, request: Json) -> Json:
    entry, world = source.properties[id], call.world
    color = request.get("color") or world.random.choice(OPTION_COLORS)
    option = {"id": world.ids.random_v4(), "name": request["name"], "color": color}
    options = [*entry[kind]["options"], {**option, "description": None}]
    source.properties = {**source.properties, id: {**entry, kind: {**entry[kind], "options": options}}}
    world.revision += 1
    return option


def _options(call: Call, source: DataSource | None, entry: Json, request: list[Json]) -> list[Json]:
    chosen = [_option(call, source, entry, one) for one in request]
    return list({one["id"]: one for one in chosen if one}.values())


def _people(_call: Call, _source: DataSource | None, _entry: Json, request: list[Json]) -> list[Json]:
    return [{"object": one.get("object", "user"), "id": dashed(one["id"])} for one in request]


def _files(call: Call, _source: DataSource | None, _entry: Json, request: list[Json]) -> list[Json]:
    return [_file(call, index, one) for index, one in enumerate(request)]


def _file(call: Call, index: int, request: Json) -> Json:
    source = files.accept(call.world, request) or {}
    if source["type"] != "file" and "name" not in request:
        raise ValidationFailed(
            f"body failed validation: body.properties.files[{index}].name should be defined, instead was `undefined`."
        )
    name = request.get("name") or call.world.files[source["file"]["key"]].name
    return {"name": name, **source}


def _date(_call: Call, _source: DataSource | None, entry: Json, request: Json | None) -> Json | None:
    return date_value(entry["name"], request)


def date_value(name: str, request: Json | None) -> Json | None:
    """A date as it reads back: ``YYYY-MM-DD`` or ``YYYY-MM-DDTHH:MM:SS.mmm+00:00``. Raises ValidationFailed."""
    if request is None:
        return None
    zone = request.get("time_zone")
    start, end = (_moment(name, request.get(key), zone=zone) for key in ("start", "end"))
    return {"start": start, "end": end, "time_zone": zone}


def _moment(name: str, text: str | None, *, zone: str | None) -> str | None:
    if text is None:
        return None
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValidationFailed(
            f"{name} is expected to be a valid ISO 8601 date, instead was `{text}`."
        ) from None
    if zone:
        moment = moment.replace(tzinfo=_zone(name, zone))
    shown = moment.isoformat(timespec="milliseconds")
    return shown if moment.tzinfo else f"{shown}+00:00"


def _zone(name: str, zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationFailed(
            f"{name} is expected to have a valid IANA time_zone, instead was `{zone}`."
        ) from None


def _relation(call: Call, _source: DataSource | None, entry: Json, request: list[Json]) -> list[Json]:
    pages = [call.page(dashed(one["id"]) or one["id"]) for one in request]
    target = entry["relation"]["data_source_id"]
    for page in pages:
        if page.parent_id != target:
            raise ValidationFailed(
                f"Page {page.id} is not in the data source that {entry['name']} relates to."
            )
    return [{"id": id} for id in dict.fromkeys(page.id for page in pages)]


def _place(_call: Call, _source: DataSource | None, _entry: Json, request: Json | None) -> Json | None:
    keys = ("lat", "lon", "name", "address", "aws_place_id", "google_place_id")
    return request and {key: request.get(key) for key in keys}


def _verification(call: Call, _source: DataSource | None, entry: Json, request: Json) -> Json:
    if request["state"] == "unverified":
        return {"state": "unverified", "date": None, "verified_by": None}
    by = {"object": "user", "id": call.by}
    return {"state": "verified", "date": date_value(entry["name"], request.get("date")), "verified_by": by}


ACCEPT: dict[str, Any] = {
    "title": _text,
    "rich_text": _text,
    "select": _option,
    "status": _option,
    "multi_select": _options,
    "date": _date,
    "people": _people,
    "files": _files,
    "relation": _relation,
    "place": _place,
    "verification": _verification,
}


def write(call: Call, page: Page, values: Json, *, old: Json) -> None:
    """Bring the mirrors of dual relations in line after ``values`` were written over ``old``."""
    source = call.world.source_of(page)
    for id, value in values.items():
        entry = source.properties.get(id) if source else None
        if entry and entry["type"] == "relation" and entry["relation"]["type"] == "dual_property":
            _mirror(call, page, entry["relation"], before=old.get(id) or [], after=value)


def _mirror(call: Call, page: Page, relation: Json, *, before: list[Json], after: list[Json]) -> None:
    mirror = relation["dual_property"]["synced_property_id"]
    gone, come = ({one["id"] for one in values} for values in (before, after))
    for id in gone ^ come:
        other = call.world.pages.get(id)
        if other is None:
            continue
        kept = [one for one in other.properties.get(mirror) or [] if one["id"] != page.id]
        if id in come:
            kept.append({"id": page.id})
        other.properties = {**other.properties, mirror: kept}
        call.world.revision += 1
