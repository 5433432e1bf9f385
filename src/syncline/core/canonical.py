"""When two values of a mapped property mean the same, whichever side they come from.

`canonical` gives each of the plain values of `core.mapped_values` the one JSON form of its meaning; two values mean the same where
their forms are equal. Forms are what the store remembers of a value, so a form once given stays. Notion knows no difference between an
empty text and none nor between two ends of a line, and gives neither options, people, files nor relations an order of their own
(https://developers.notion.com/reference/page-property-values).
"""

from typing import Any, TypeAlias

from syncline.core.mapped_values import Span, Value, to_json

__all__ = ["Form", "canonical", "same"]

Form: TypeAlias = Any
"""The canonical form of a value: JSON. None is every empty value, an unchecked box among them."""


def canonical(kind: str, value: Value) -> Form:
    """The form of a value of a property of Notion's type `kind`."""
    if value is None or value in ("", ()) or (value is False and kind == "checkbox"):
        return None
    if isinstance(value, tuple):
        return {"list": sorted(set(value))}
    if isinstance(value, Span) and value.end == value.start:
        return to_json(Span(value.start))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.replace("\r\n", "\n") if isinstance(value, str) else to_json(value)


def same(kind: str, one: Value, other: Value) -> bool:
    """Whether both values mean the same."""
    return bool(canonical(kind, one) == canonical(kind, other))
