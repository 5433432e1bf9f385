"""The values of properties: read, written, shown on a page, listed item by item.

Stored values are bare and keyed by property id; ``value`` adds what is computed. A page shows the first
``settings.truncation`` references of a value, ``GET /pages/{id}/properties/{property_id}`` lists all
(https://developers.notion.com/reference/page-property-values, …/retrieve-a-page-property).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from notion_emulator import computed, files, rich_text
from notion_emulator.clock import minute
from notion_emulator.errors import ValidationFailed
from notion_emulator.objects import Page
from notion_emulator.schema import encoded_id

if TYPE_CHECKING:
    from notion_emulator.call import Call
    from notion_emulator.world import World

__all__ = ["LISTED", "entries", "entry_of", "shown", "shown_value", "value", "wanted"]

Json = dict[str, Any]

LISTED = ("title", "rich_text", "relation", "people")
STANDALONE: Json = {"id": "title", "name": "title", "description": None, "type": "title", "title": {}}
EMPTY_LISTS = frozenset({"title", "rich_text", "multi_select", "people", "files", "relation"})


def entries(world: World, page: Page) -> dict[str, Json]:
    """The schema that a page follows: its data source's, or a title alone."""
    source = world.source_of(page)
    return source.properties if source else {"title": STANDALONE}


def entry_of(world: World, page: Page, name_or_id: str) -> Json | None:
    """The schema entry of a property named by name or id, the id also percent-encoded."""
    return _found(entries(world, page), name_or_id)


def _found(schema: dict[str, Json], name_or_id: str) -> Json | None:
    decoded = unquote(name_or_id)
    for key in (name_or_id, decoded):
        if key in schema:
            return schema[key]
    return next((one for one in schema.values() if one["name"] in (name_or_id, decoded)), None)


def wanted(schema: dict[str, Json], values: list[str]) -> set[str] | None:
    """The ids that ``filter_properties`` names, one by one or with commas between; None for all.

    Raises ValidationFailed for a name that is none.
    """
    if not values:
        return None
    names = [name for value in values for name in ([value] if _found(schema, value) else value.split(","))]
    found = {name: _found(schema, name) for name in names}
    for name, entry in found.items():
        if entry is None:
            raise ValidationFailed(f"Could not find property with name or id: {name}")
    return {entry["id"] for entry in found.values() if entry}


def value(world: World, page: Page, entry: Json) -> Any:
    """The whole payload of a property, computed where it is not stored.

    Rich text array, number, option, ``[{id}]``, ISO time of ``created_time``, ``{type, …}`` of a formula or rollup,
    ``{prefix, number}`` … as in an answer, but neither truncated nor with people, mentions and signed URLs filled in.
    """
    kind = entry["type"]
    if (compute := COMPUTED.get(kind)) is not None:
        return compute(world, page, entry)
    stored = page.properties.get(entry["id"])
    if stored is None:
        return [] if kind in EMPTY_LISTS else False if kind == "checkbox" else EMPTY_VALUES.get(kind)
    return stored


EMPTY_VALUES: Json = {
    "verification": {"state": "unverified", "date": None, "verified_by": None},
    "button": {},
}


def _unique_id(_world: World, page: Page, entry: Json) -> Json:
    return {"prefix": entry["unique_id"].get("prefix"), "number": page.properties.get(entry["id"])}


def _formula(world: World, page: Page, entry: Json) -> Json:
    return computed.formula(world, page, entry, read=value)


def _rollup(world: World, page: Page, entry: Json) -> Json:
    return computed.rollup(world, page, entry, read=value)


COMPUTED: dict[str, Any] = {
    "created_time": lambda _w, page, _e: minute(page.created),
    "last_edited_time": lambda _w, page, _e: minute(page.edited),
    "created_by": lambda _w, page, _e: {"object": "user", "id": page.created_by},
    "last_edited_by": lambda _w, page, _e: {"object": "user", "id": page.edited_by},
    "unique_id": _unique_id,
    "formula": _formula,
    "rollup": _rollup,
}


def shown(call: Call, page: Page, *, only: set[str] | None = None) -> Json:
    """The ``properties`` of a page in an answer, keyed by name; ``only`` are the ids to show."""
    result: Json = {}
    for id, entry in entries(call.world, page).items():
        if only is None or id in only:
            result[entry["name"]] = _shown(call, page, entry)
    return result


def _shown(call: Call, page: Page, entry: Json) -> Json:
    kind = entry["type"]
    whole = shown_value(call, page, entry, most=call.world.settings.truncation)
    answer = {"id": encoded_id(entry["id"]), "type": kind, kind: whole}
    if kind == "relation":
        answer["has_more"] = len(_readable(call, page, entry)) > len(whole)
    return answer


def _readable(call: Call, page: Page, entry: Json) -> list[Json]:
    """The references of a relation that the connection may see."""
    nodes = call.world.nodes
    references = value(call.world, page, entry)
    return [
        one
        for one in references
        if (node := nodes.get(one["id"])) and not node.trashed and call.reaches(node)
    ]


def shown_value(call: Call, page: Page, entry: Json, *, most: int | None = None) -> Any:
    """A payload as an answer shows it: people whole, files signed, mentions renewed, at most ``most`` references."""
    kind = entry["type"]
    if kind == "relation":
        return _readable(call, page, entry)[:most]
    payload = value(call.world, page, entry)
    if kind in LISTED:
        payload = payload[:most]
    show = SHOW.get(kind)
    return show(call, payload) if show else payload


def _people(call: Call, people: list[Json]) -> list[Json]:
    return [one if one["object"] == "group" else call.user(one["id"]) for one in people]


def _verification(call: Call, payload: Json) -> Json:
    by = payload["verified_by"]
    return {**payload, "verified_by": by and call.user(by["id"])}


def _rolled(call: Call, payload: Json) -> Json:
    if payload["type"] != "array":
        return payload
    items = [
        {**one, one["type"]: show(call, one[one["type"]])} if (show := SHOW.get(one["type"])) else one
        for one in payload["array"]
    ]
    return {**payload, "array": items}


SHOW: dict[str, Any] = {
    "title": rich_text.render,
    "rich_text": rich_text.render,
    "people": _people,
    "created_by": lambda call, user: call.user(user["id"]),
    "last_edited_by": lambda call, user: call.user(user["id"]),
    "files": lambda call, items: [files.rendered(call, one) for one in items],
    "verification": _verification,
    "rollup": _rolled,
}


def rollup_items(call: Call, page: Page, entry: Json) -> tuple[list[Json], str, Json]:
    """What a rollup was computed from: the items, how they are listed, and the result over all references."""
    result = computed.rollup(call.world, page, entry, read=value, most=1_000_000)
    if result["type"] == "array":
        shown_array = _rolled(call, result)["array"]
        return shown_array, "rollup", {"type": "array", "array": [], "function": result["function"]}
    relation = entries(call.world, page).get(entry["rollup"]["relation_property_id"])
    references = _readable(call, page, relation) if relation else []
    return references, "relation", result
