"""An example is what its schema describes."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from syncline.api.samples import sample

KNOWN = {"Thing": {"type": "object", "properties": {"id": {"type": "string"}, "size": {"type": "integer"}}}}


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": "string", "examples": ["a", "b"]}, "a"),
        ({"const": "success"}, "success"),
        ({"type": "string", "enum": ["x", "y"]}, "x"),
        ({"type": "integer", "default": 7}, 7),
        ({"type": "string", "format": "date-time"}, "2026-11-20T12:00:00.000Z"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, 1.5),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
        ({"type": "array"}, []),
        ({"$ref": "#/components/schemas/Thing"}, {"id": "3f6c1de08a1f4b0e9d0c2a7b5e4f6a81", "size": 1}),
        ({"type": "object", "properties": {"createdAt": {"type": "string"}, "n": {"type": "null"}}},
         {"createdAt": "2026-11-20T12:00:00.000Z", "n": None}),
        ({}, {}),
    ],
)  # fmt: skip
def test_an_example_comes_from_the_schema_the_name_or_the_type(schema: dict[str, Any], shown: Any) -> None:
    found = sample(schema, KNOWN)

    assert found == shown
    if "$ref" not in schema:
        assert not list(Draft202012Validator(schema).iter_errors(found))
