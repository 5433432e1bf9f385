"""Examples of answers, built from their JSON Schema: from the examples of its fields, else from what a field's name and type say."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

__all__ = ["sample"]

_BY_FORMAT: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "date-time": "2026-11-20T12:00:00.000Z",
        "date": "2026-11-20",
        "email": "ann@example.com",
        "uri": "https://www.notion.so/Engineering-Handbook-3f6c1de08a1f4b0e9d0c2a7b5e4f6a81",
    }
)
_BY_TYPE: Final[Mapping[str, Any]] = MappingProxyType(
    {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}
)
_BY_END: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "id": "3f6c1de08a1f4b0e9d0c2a7b5e4f6a81",
        "url": _BY_FORMAT["uri"],
        "at": _BY_FORMAT["date-time"],
        "title": "Engineering Handbook",
        "name": "Engineering",
        "duration": 120_000,
    }
)
"""What a name ends with, in lower case, where the type agrees."""

_KINDS: Final[Mapping[type, tuple[str, ...]]] = MappingProxyType(
    {str: ("string",), bool: ("boolean",), int: ("integer", "number"), float: ("number",)}
)


def sample(schema: Mapping[str, Any], known: Mapping[str, Any], *, name: str = "") -> Any:
    """A value that a schema describes. `known` are the schemas that it refers to by name, `name` the field it is for."""
    if "$ref" in schema:
        return sample(known[schema["$ref"].rpartition("/")[2]], known, name=name)
    for given in ("example", "const"):
        if given in schema:
            return schema[given]
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    if "default" in schema and schema["default"] not in (None, [], {}):
        return schema["default"]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return sample(schema[choice][0], known, name=name)
    return _of_type(schema, known, name)


def _of_type(schema: Mapping[str, Any], known: Mapping[str, Any], name: str) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        fields = schema.get("properties", {})
        return {field: sample(inner, known, name=field) for field, inner in fields.items()}
    if kind == "array":
        return [sample(schema["items"], known, name=name.removesuffix("s"))] if "items" in schema else []
    if kind == "string" and schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    return _number_within(schema, _by_name(name, kind))


def _by_name(name: str, kind: str) -> Any:
    for end, value in _BY_END.items():
        if name.lower().endswith(end) and kind in _KINDS[type(value)]:
            return value
    return _BY_TYPE[kind]


def _number_within(schema: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        least = max(value, schema.get("minimum", value))
        return min(least, schema.get("maximum", least))
    return value
