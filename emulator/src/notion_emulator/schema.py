"""The schema of a data source: which property types there are, how a request changes them, how an answer shows them.

Changes are keyed by property name or id: null deletes, ``{name}`` renames, ``{<type>: {…}}`` creates or re-types; the
options of select, multi_select and status are replaced by what is sent
(https://developers.notion.com/reference/property-object, …/update-data-source-properties).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from notion_emulator.errors import ValidationFailed
from notion_emulator.ids import dashed
from notion_emulator.rich_text import OPTION_COLORS
from notion_emulator.validate import (
    Check,
    anything,
    array,
    keyed,
    literal,
    nullable,
    obj,
    one_key,
    string,
    uuid,
)

if TYPE_CHECKING:
    from notion_emulator.call import Call
    from notion_emulator.objects import DataSource
    from notion_emulator.world import World

__all__ = [
    "INITIAL",
    "OPTION_COLORS",
    "OPTION_FIELDS",
    "changed",
    "encoded_id",
    "initial",
    "shown",
    "update_check",
]

Json = dict[str, Any]

EMPTY = obj({})
ROLLUPS = (
    "count", "count_values", "empty", "not_empty", "unique", "show_unique", "percent_empty", "percent_not_empty", "sum",
    "average", "median", "min", "max", "range", "earliest_date", "latest_date", "date_range", "checked", "unchecked",
    "percent_checked", "percent_unchecked", "count_per_group", "percent_per_group", "show_original",
)  # fmt: skip
GROUPS = ("To-do", "In progress", "Complete")
GROUP_COLORS = ("gray", "blue", "green")
OPTION_FIELDS = {
    "id": string(), "name": string(100), "color": literal(*OPTION_COLORS), "description": nullable(string()),
}  # fmt: skip
OPTIONS = array(obj({}, OPTION_FIELDS))
STATUS_OPTIONS = array(obj({}, {**OPTION_FIELDS, "group": literal(*GROUPS)}))
WAYS = {"type": literal("single_property", "dual_property"), "single_property": EMPTY, "dual_property": obj({}, {
    "synced_property_name": string(), "synced_property_id": string(),
})}  # fmt: skip
CONFIGS: dict[str, Check] = {
    **dict.fromkeys(
        ("title", "rich_text", "date", "people", "files", "checkbox", "url", "email", "phone_number", "created_time",
         "created_by", "last_edited_time", "last_edited_by", "place", "button", "location", "verification",
         "last_visited_time"), EMPTY,
    ),
    "number": obj({}, {"format": string()}),
    "select": obj({}, {"options": OPTIONS}),
    "multi_select": obj({}, {"options": OPTIONS}),
    "status": obj({}, {"options": STATUS_OPTIONS, "groups": anything}),
    "formula": obj({}, {"expression": string()}),
    "relation": obj({}, {"database_id": uuid, "data_source_id": uuid, **WAYS}),
    "rollup": obj({"function": literal(*ROLLUPS)}, {
        "rollup_property_name": string(), "rollup_property_id": string(), "relation_property_name": string(),
        "relation_property_id": string(),
    }),
    "unique_id": obj({}, {"prefix": nullable(string())}),
}  # fmt: skip
COMMON = {"name": string(), "description": nullable(string(280)), "id": string()}
ENTRY = one_key(CONFIGS, COMMON)
INITIAL = keyed(ENTRY)
DEFAULT_STATUS = (("Not started", "default"), ("In progress", "blue"), ("Done", "green"))


def _change(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
    """One change: null, a rename or description alone, or an entry."""
    if value is None:
        return []
    if isinstance(value, dict) and not any(key in CONFIGS for key in value):
        return obj({}, {**COMMON, "type": literal(*CONFIGS)})(value, path, alt)
    return ENTRY(value, path, alt)


update_check = keyed(_change)


@lru_cache(maxsize=65_536)
def encoded_id(id: str) -> str:
    """A property id as answers carry it: percent-encoded."""
    return quote(id, safe="-_.!~*'()")


def shown(source: DataSource) -> Json:
    """The ``properties`` of a data source in an answer, keyed by name."""
    return {entry["name"]: {**entry, "id": encoded_id(entry["id"])} for entry in source.properties.values()}


def initial(call: Call, requests: Json) -> list[Json]:
    """The entries of a new data source; relations come later with ``changed``. Raises ValidationFailed."""
    titles = [name for name, request in requests.items() if "title" in request]
    if len(titles) != 1:
        raise ValidationFailed(
            "Title is not provided" if not titles else "Only one title property is allowed."
        )
    return [
        _entry(call, name, request)
        for name, request in requests.items()
        if not ({"relation", "rollup"} & set(request))
    ]


def changed(call: Call, source: DataSource, requests: Json) -> None:
    """Apply a request's property changes to a data source. Raises ValidationFailed; then nothing has changed."""
    schema = dict(source.properties)
    mirrors: list[Callable[[], None]] = []
    for key, request in requests.items():
        entry = _found(schema, key)
        if request is None:
            _delete(schema, entry, key)
        elif entry is None:
            added = _entry(call, key, request, source=source, schema=schema)
            schema[added["id"]] = added
            mirrors += _mirror(call, source, added)
        else:
            schema[entry["id"]] = _edited(call, source, entry, request, schema=schema)
            if "relation" in request:
                mirrors += _mirror(call, source, schema[entry["id"]])
    if len(schema) > 500:
        raise ValidationFailed("A data source holds at most 500 properties.")
    call.world.change_schema(source, schema, by=call.by)
    for add in mirrors:
        add()


def _found(schema: dict[str, Json], key: str) -> Json | None:
    if key in schema:
        return schema[key]
    return next((one for one in schema.values() if one["name"] == key or encoded_id(one["id"]) == key), None)


def _delete(schema: dict[str, Json], entry: Json | None, key: str) -> None:
    if entry is None:
        raise ValidationFailed(f"Could not find property with name or id: {key}")
    if entry["type"] == "title":
        raise ValidationFailed("Cannot delete the title property.")
    del schema[entry["id"]]


def _type_of(request: Json) -> str | None:
    return next((key for key in request if key in CONFIGS), None)


def _entry(
    call: Call,
    name: str,
    request: Json,
    *,
    source: DataSource | None = None,
    schema: dict[str, Json] | None = None,
) -> Json:
    """A new entry."""
    kind = _type_of(request)
    if kind is None:
        raise ValidationFailed(f"Could not find property with name or id: {name}")
    if kind == "title" and schema:
        raise ValidationFailed("Only one title property is allowed.")
    world = call.world
    id = "title" if kind == "title" else property_id(world)
    config = _config(call, kind, request[kind], schema=schema or {}, source=source)
    name = request.get("name") or name
    return {"id": id, "name": name, "description": request.get("description"), "type": kind, kind: config}


ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:;<=>?@[\\]^_`{|}~"


def property_id(world: World) -> str:
    """A short random id, as Notion makes them."""
    return "".join(world.random.choices(ALPHABET, k=4))


def _edited(call: Call, source: DataSource, entry: Json, request: Json, *, schema: dict[str, Json]) -> Json:
    """An entry after a change: renamed, described, configured anew or of another type."""
    name = request.get("name", entry["name"])
    if any(one["name"] == name and one["id"] != entry["id"] for one in schema.values()):
        raise ValidationFailed(f"Cannot rename property: a property named {name} already exists.")
    result = {**entry, "name": name, "description": request.get("description", entry["description"])}
    kind = _type_of(request)
    if kind is None:
        return result
    if (kind == "title") != (entry["type"] == "title"):
        raise ValidationFailed("Cannot change the type of the title property.")
    old = entry.get(kind)
    config = _config(call, kind, request[kind], schema=schema, source=source, old=old)
    if kind != entry["type"]:
        result.pop(entry["type"])
        _retype(call.world, source, entry, kind)
    elif kind in ("select", "multi_select", "status"):
        _drop_options(call.world, source, entry["id"], kept=config["options"])
    return {**result, "type": kind, kind: config}


def _retype(world: World, source: DataSource, entry: Json, kind: str) -> None:
    """Values of another type are gone, except between the two kinds of text."""
    for row in world.rows(source):
        if entry["id"] in row.properties and {entry["type"], kind} != {"select", "status"}:
            row.properties = {key: value for key, value in row.properties.items() if key != entry["id"]}


def _drop_options(world: World, source: DataSource, id: str, *, kept: list[Json]) -> None:
    """Rows lose the options that the schema lost."""
    known = {option["id"] for option in kept}
    for row in world.rows(source):
        value = row.properties.get(id)
        if isinstance(value, list):
            row.properties = {**row.properties, id: [one for one in value if one["id"] in known]}
        elif value and value["id"] not in known:
            row.properties = {**row.properties, id: None}


def _config(
    call: Call,
    kind: str,
    request: Json,
    *,
    schema: dict[str, Json],
    source: DataSource | None,
    old: Json | None = None,
) -> Json:
    """The stored configuration of a checked request."""
    match kind:
        case "number":
            return {"format": request.get("format", (old or {}).get("format", "number"))}
        case "select" | "multi_select":
            return {"options": options(call.world, request.get("options"), old=old)}
        case "status":
            return _status(call.world, request.get("options"), old=old)
        case "formula":
            return {"expression": request.get("expression", "")}
        case "unique_id":
            return {"prefix": request.get("prefix", (old or {}).get("prefix"))}
        case "relation":
            return _relation(call, request, source=source)
        case "rollup":
            return _rollup(call, request, schema=schema)
    return {}


def options(world: World, requests: list[Json] | None, *, old: Json | None = None) -> list[Json]:
    """The options of a select; a known one is matched by id or name and keeps its name and colour."""
    known = (old or {}).get("options", [])
    if requests is None:
        return list(known)
    return [_option(world, request, known=known) for request in requests]


def _option(world: World, request: Json, *, known: list[Json]) -> Json:
    for one in known:
        if request.get("id") == one["id"] or request.get("name") == one["name"]:
            return {**one, "description": request.get("description", one["description"])}
    if "name" not in request:
        raise ValidationFailed(f"Could not find option with id: {request.get('id')}")
    if "," in request["name"]:
        raise ValidationFailed(f"Invalid select option, commas not allowed: {request['name']}")
    color = request.get("color") or world.random.choice(OPTION_COLORS)
    description = request.get("description")
    return {"id": world.ids.random_v4(), "name": request["name"], "color": color, "description": description}


def _status(world: World, requests: list[Json] | None, *, old: Json | None) -> Json:
    """Options and the three groups; without options the three that Notion begins with."""
    if requests is None and old:
        return old
    places: dict[str, str] = {}
    if requests is None:
        requests = [{"name": name, "color": color} for name, color in DEFAULT_STATUS]
        places = dict(zip([name for name, _ in DEFAULT_STATUS], GROUPS, strict=True))
    known = (old or {}).get("options", [])
    made = [_option(world, request, known=known) for request in requests]
    before = {id: group["name"] for group in (old or {}).get("groups", []) for id in group["option_ids"]}
    group_of = {
        one["id"]: request.get("group") or places.get(one["name"]) or before.get(one["id"], "To-do")
        for request, one in zip(requests, made, strict=True)
    }
    ids = [group["id"] for group in (old or {}).get("groups", [])] or [world.ids.random_v4() for _ in GROUPS]
    groups = [
        {
            "id": id,
            "name": name,
            "color": color,
            "option_ids": [one for one in group_of if group_of[one] == name],
        }
        for id, name, color in zip(ids, GROUPS, GROUP_COLORS, strict=True)
    ]
    return {"options": made, "groups": groups}


def _relation(call: Call, request: Json, *, source: DataSource | None) -> Json:
    """The target, named by database up to 2022-06-28 and by data source since."""
    key = "database_id" if call.version == "2022-06-28" and "database_id" in request else "data_source_id"
    if key not in request:
        raise ValidationFailed(
            f"body failed validation: body.properties.relation.{key} should be defined, instead was `undefined`."
        )
    target_id = dashed(request[key]) or request[key]
    if key == "database_id":
        target = call.world.data_sources[call.database(target_id).data_sources[0]]
    else:
        target = call.data_source(target_id)
    base = {"database_id": target.parent_id, "data_source_id": target.id}
    if "dual_property" not in request:
        return {**base, "type": "single_property", "single_property": {}}
    mirror = request["dual_property"].get("synced_property_id") or property_id(call.world)
    name = request["dual_property"].get("synced_property_name")
    title = call.world.title(source) if source else ""
    synced = {"synced_property_name": name or f"Related to {title}", "synced_property_id": mirror}
    return {**base, "type": "dual_property", "dual_property": synced}


def _mirror(call: Call, source: DataSource, entry: Json) -> list[Callable[[], None]]:
    """What adds the mirror of a dual relation to its target."""
    if entry["type"] != "relation" or entry["relation"]["type"] != "dual_property":
        return []
    world, relation = call.world, entry["relation"]
    synced = relation["dual_property"]
    target = world.data_sources[relation["data_source_id"]]
    if synced["synced_property_id"] in target.properties:
        return []
    if synced["synced_property_name"] == f"Related to {world.title(source)}":
        synced["synced_property_name"] += f" ({entry['name']})"
    back = {"synced_property_name": entry["name"], "synced_property_id": entry["id"]}
    config = {
        "database_id": source.parent_id, "data_source_id": source.id, "type": "dual_property", "dual_property": back,
    }  # fmt: skip
    mirror = {
        "id": synced["synced_property_id"], "name": synced["synced_property_name"], "description": None,
        "type": "relation", "relation": config,
    }  # fmt: skip
    return [lambda: world.change_schema(target, {**target.properties, mirror["id"]: mirror}, by=call.by)]


def _rollup(call: Call, request: Json, *, schema: dict[str, Json]) -> Json:
    """A rollup over an existing relation."""
    relation = _found(
        schema, request.get("relation_property_id") or request.get("relation_property_name") or ""
    )
    if relation is None or relation["type"] != "relation":
        raise ValidationFailed("Could not find the relation property of the rollup.")
    target = call.world.data_sources[relation["relation"]["data_source_id"]]
    rolled = _found(
        target.properties, request.get("rollup_property_id") or request.get("rollup_property_name") or ""
    )
    if rolled is None:
        raise ValidationFailed("Could not find the property to roll up.")
    return {
        "rollup_property_name": rolled["name"],
        "relation_property_name": relation["name"],
        "rollup_property_id": rolled["id"],
        "relation_property_id": relation["id"],
        "function": request["function"],
    }
