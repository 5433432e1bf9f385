"""Formulas and rollups, computed at each read from the first references of a relation.

What Notion's API cannot compute reads ``unsupported`` since 5 August 2026
(https://developers.notion.com/reference/page-property-values#rollup, changelog).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import fmean
from typing import TYPE_CHECKING, Any

from notion_emulator.formula import evaluate
from notion_emulator.formula_functions import Moment, Uncomputable
from notion_emulator.rich_text import plain_text

if TYPE_CHECKING:
    from notion_emulator.objects import Page
    from notion_emulator.world import World

__all__ = ["formula", "rollup"]

Json = dict[str, Any]
Read = Callable[["World", "Page", Json], Any]

UNSUPPORTED: Json = {"type": "unsupported", "unsupported": {}}


def rollup(world: World, page: Page, entry: Json, *, read: Read, most: int | None = None) -> Json:
    """``{type, <type>, function}`` over the related pages, at most the first ``most`` (default: the truncation)."""
    config = entry["rollup"]
    source = world.source_of(page)
    relation = source.properties.get(config["relation_property_id"]) if source else None
    target = (
        world.data_sources.get(relation["relation"]["data_source_id"])
        if relation and relation["type"] == "relation"
        else None
    )
    rolled = target.properties.get(config["rollup_property_id"]) if target else None
    if relation is None or rolled is None or rolled["type"] == "rollup":
        return {**UNSUPPORTED, "function": config["function"]}
    most = world.settings.truncation if most is None else most
    ids = [one["id"] for one in read(world, page, relation)[:most]]
    pages = [one for id in ids if (one := world.pages.get(id)) and not one.trashed]
    kind = rolled["type"]
    values = [read(world, one, rolled) for one in pages]
    return {**aggregate(config["function"], kind, values), "function": config["function"]}


def aggregate(function: str, kind: str, values: list[Any]) -> Json:
    """The result of one rollup function over values of one property type."""
    compute = FUNCTIONS.get(function)
    if compute is None:
        return UNSUPPORTED
    return compute(kind, values)


def _is_empty(kind: str, value: Any) -> bool:
    if kind == "formula":
        return value.get(value["type"]) in (None, "")
    return value is None or value in ([], "", False)


def _numbers(kind: str, values: list[Any]) -> list[float]:
    bare = [value.get("number") if kind in ("formula", "unique_id") else value for value in values]
    return [one for one in bare if isinstance(one, int | float) and not isinstance(one, bool)]


def _numeric(
    compute: Callable[[list[float]], float], empty: float | None = None
) -> Callable[[str, list[Any]], Json]:
    def run(kind: str, values: list[Any]) -> Json:
        found = _numbers(kind, values)
        result = compute(found) if found else empty
        whole = isinstance(result, float) and result.is_integer()
        return {"type": "number", "number": int(result) if whole and result is not None else result}

    return run


def _counted(count: Callable[[str, list[Any]], float]) -> Callable[[str, list[Any]], Json]:
    return lambda kind, values: {"type": "number", "number": count(kind, values)}


def _share(count: Callable[[str, list[Any]], float]) -> Callable[[str, list[Any]], Json]:
    return lambda kind, values: {
        "type": "number",
        "number": count(kind, values) / len(values) if values else None,
    }


def _empty(kind: str, values: list[Any]) -> int:
    return sum(_is_empty(kind, value) for value in values)


def _not_empty(kind: str, values: list[Any]) -> int:
    return len(values) - _empty(kind, values)


def _value_count(_kind: str, values: list[Any]) -> int:
    return sum(len(one) if isinstance(one, list) else int(one is not None) for one in values)


def _starts(kind: str, values: list[Any]) -> list[str]:
    if kind in ("created_time", "last_edited_time"):
        return sorted(values)
    dates = [value.get("date") if kind == "formula" else value for value in values]
    return sorted(one["start"] for one in dates if isinstance(one, dict))


def _date(start: str | None, end: str | None = None) -> Json:
    return {"type": "date", "date": {"start": start, "end": end, "time_zone": None} if start else None}


def _earliest(kind: str, values: list[Any]) -> Json:
    return _date(next(iter(_starts(kind, values)), None))


def _latest(kind: str, values: list[Any]) -> Json:
    return _date(next(reversed(_starts(kind, values)), None))


def _range(kind: str, values: list[Any]) -> Json:
    starts = _starts(kind, values)
    return _date(starts[0], starts[-1]) if starts else _date(None)


def _original(kind: str, values: list[Any]) -> Json:
    return {"type": "array", "array": [{"type": kind, kind: value} for value in values]}


FUNCTIONS: dict[str, Callable[[str, list[Any]], Json]] = {
    "count": _counted(lambda _kind, values: len(values)),
    "count_values": _counted(_value_count),
    "empty": _counted(_empty),
    "not_empty": _counted(_not_empty),
    "percent_empty": _share(_empty),
    "percent_not_empty": _share(_not_empty),
    "checked": _counted(_not_empty),
    "unchecked": _counted(_empty),
    "percent_checked": _share(_not_empty),
    "percent_unchecked": _share(_empty),
    "sum": _numeric(sum, 0),
    "average": _numeric(fmean),
    "min": _numeric(min),
    "max": _numeric(max),
    "range": _numeric(lambda found: max(found) - min(found)),
    "earliest_date": _earliest,
    "latest_date": _latest,
    "date_range": _range,
    "show_original": _original,
}


def formula(world: World, page: Page, entry: Json, *, read: Read) -> Json:
    """``{type, <type>}`` of a formula; a formula over itself, or over what cannot be computed, is ``unsupported``."""
    expression = entry["formula"]["expression"]
    asking.append((page.id, entry["id"]))
    try:
        return evaluate(expression, lambda name: _operand(world, page, name, read), now=world.clock.now())
    finally:
        asking.pop()


asking: list[tuple[str, str]] = []  # the formulas being computed, to notice one that asks for itself


def _operand(world: World, page: Page, name: str, read: Read) -> Any:
    """A property as a formula sees it. Raises Uncomputable."""
    source = world.source_of(page)
    entry = source.property(name) if source else None
    if entry is None or (page.id, entry["id"]) in asking:
        raise Uncomputable
    value = read(world, page, entry)
    kind = entry["type"]
    if kind in ("formula", "rollup"):
        kind, value = value["type"], value.get(value["type"])
    convert = OPERANDS.get(kind)
    if convert is None:
        raise Uncomputable
    return convert(world, value)


def _moment(_world: World, value: Any) -> Moment | None:
    if not value:
        return None
    start, end = (value["start"], value["end"]) if isinstance(value, dict) else (value, None)
    return Moment(_at(start), _at(end) if end else None, "T" in start)


def _at(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _name_of(world: World, id: str) -> str:
    user = world.users.get(id)
    return (user.name or "") if user else ""


def _same(_world: World, value: Any) -> Any:
    return value


OPERANDS: dict[str, Callable[[World, Any], Any]] = {
    **dict.fromkeys(("number", "checkbox", "url", "email", "phone_number", "string", "boolean"), _same),
    **dict.fromkeys(("date", "created_time", "last_edited_time"), _moment),
    **dict.fromkeys(("title", "rich_text"), lambda _world, value: plain_text(value)),
    **dict.fromkeys(("select", "status"), lambda _world, value: value and value["name"]),
    **dict.fromkeys(("created_by", "last_edited_by"), lambda world, value: _name_of(world, value["id"])),
    "multi_select": lambda _world, value: [one["name"] for one in value],
    "people": lambda world, value: [_name_of(world, one["id"]) for one in value],
    "files": lambda _world, value: [one["name"] for one in value],
    "relation": lambda world, value: [
        world.title(world.pages[one["id"]]) for one in value if one["id"] in world.pages
    ],
    "unique_id": lambda _world, value: (
        f"{value['prefix']}-{value['number']}" if value["prefix"] else value["number"]
    ),
    "array": lambda world, value: [
        OPERANDS[one["type"]](world, one[one["type"]]) for one in value if one["type"] in OPERANDS
    ],
}
