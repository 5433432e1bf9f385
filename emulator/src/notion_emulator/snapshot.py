"""A world as JSON and back."""

import base64
import dataclasses
from typing import Any

import orjson

from notion_emulator import objects
from notion_emulator.clock import Clock
from notion_emulator.world import World

__all__ = ["dump", "load"]

Json = dict[str, Any]
FORM = 1
KINDS = (objects.Page, objects.Database, objects.DataSource, objects.Block)
BESIDE: dict[str, type[Any]] = {
    "users": objects.User,
    "connections": objects.Connection,
    "comments": objects.Comment,
    "uploads": objects.FileUpload,
    "files": objects.StoredFile,
    "views": objects.View,
    "emojis": objects.CustomEmoji,
    "tasks": objects.AsyncTask,
}
PLAIN = ("id", "name", "icon", "top", "comments_on", "blocks_created", "bot_id")


def dump(world: World) -> bytes:
    """The whole world, what is due later done before."""
    world.settle()
    nodes = [{"kind": node.kind, **_fields(node)} for node in world.nodes.values()]
    beside = {name: [_fields(one) for one in getattr(world, name).values()] for name in BESIDE}
    plain = {name: getattr(world, name) for name in PLAIN}
    body = {"form": FORM, **plain, "settings": _fields(world.settings), "nodes": nodes, **beside}
    return orjson.dumps(body, default=_encoded, option=orjson.OPT_NON_STR_KEYS)


def _fields(one: Any) -> Json:
    return {
        field.name: getattr(one, field.name) for field in dataclasses.fields(one) if field.name != "rendered"
    }


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def load(data: bytes) -> World:
    """A saved world. Raises ValueError where it is none."""
    try:
        body = orjson.loads(data)
        if body["form"] != FORM:
            raise ValueError(f"This workspace has form {body['form']}; this emulator reads form {FORM}.")
        return _world(body)
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError) as error:
        raise ValueError(f"This file is no saved workspace: {error}.") from None


def _world(body: Json) -> World:
    settings = objects.Settings(
        **{**body["settings"], "search_omits_ids": set(body["settings"]["search_omits_ids"])}
    )
    world = World(body["name"], clock=Clock(), settings=settings)
    for name in PLAIN:
        setattr(world, name, body[name])
    world.ids.workspace = _prefix(body)
    types = {kind.kind: kind for kind in KINDS}
    registries = {"page": world.pages, "database": world.databases, "data_source": world.data_sources}
    for fields in body["nodes"]:
        kind = fields.pop("kind")
        node = types[kind](**fields)
        world.nodes[node.id] = node
        if kind in registries:
            registries[kind][node.id] = node  # type: ignore[index]  # one registry for each kind
    for name, kind in BESIDE.items():
        registry = getattr(world, name)
        for fields in body[name]:
            one = kind(**_decoded(fields))
            registry[getattr(one, "id", None) or one.key] = one
    return world


def _prefix(body: Json) -> str:
    """The digits that the ids of one workspace share."""
    page = next((one["id"] for one in body["nodes"] if one["kind"] == "page"), "0" * 36)
    return str(page.replace("-", "")[3:12])


def _decoded(fields: Json) -> Json:
    result: Json = {
        key: base64.b64decode(value["base64"])
        if isinstance(value, dict) and value.keys() == {"base64"}
        else value
        for key, value in fields.items()
    }
    if "capabilities" in result:
        result["capabilities"] = frozenset(result["capabilities"])
    if "parts" in result:
        result["parts"] = {
            int(number): base64.b64decode(part["base64"]) for number, part in result["parts"].items()
        }
    return result
