"""The grammar of Notion's validation messages, as small checks that combine.

A check takes a value, its path and what else would have been accepted there, and returns one line for each alternative that failed:
``body.children.length should be ≤ `100`, instead was `101`.`` An empty list is a pass. ``refuse`` turns lines into the
answer: one line stands after ``body failed validation: ``, several after ``Fix one:``. Wording as recorded
(https://developers.notion.com/reference/errors).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from notion_emulator.errors import ValidationFailed
from notion_emulator.ids import dashed

__all__ = [
    "MISSING", "Check", "anything", "array", "boolean", "either", "expected", "integer", "keyed", "literal",
    "nullable", "number", "obj", "one_key", "refuse", "string", "tagged", "uuid",
]  # fmt: skip

MISSING: Final = object()
Check = Callable[[Any, str, tuple[str, ...]], list[str]]
IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")


def shown(value: Any) -> str:
    """A value as JavaScript would print it inside backticks."""
    if value is MISSING:
        return "`undefined`"
    return f"`{orjson.dumps(value).decode()}`"


def expected(path: str, *alternatives: str, value: Any) -> list[str]:
    """The line that says what should have stood at a path."""
    head, last = alternatives[:-1], alternatives[-1]
    comma = "," if len(head) > 1 else ""
    what = f"{', '.join(head)}{comma} or {last}" if head else last
    return [f"{path} should be {what}, instead was {shown(value)}."]


def refuse(part: str, lines: list[str]) -> None:
    """Raise ValidationFailed for the lines of one part (path, query, body); nothing for no lines."""
    if not lines:
        return
    if len(lines) == 1:
        raise ValidationFailed(f"{part} failed validation: {lines[0]}")
    raise ValidationFailed("\n".join([f"{part} failed validation. Fix one:", *lines]))


def child(path: str, key: str) -> str:
    """The path of a key: ``.key``, or ``["a key"]`` where it is no identifier."""
    return f"{path}.{key}" if IDENTIFIER.fullmatch(key) else f"{path}[{orjson.dumps(key).decode()}]"


def anything(_value: Any, _path: str, _alt: tuple[str, ...] = ()) -> list[str]:
    """Accept any JSON."""
    return []


def boolean(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
    """A boolean."""
    return [] if isinstance(value, bool) else expected(path, "a boolean", *alt, value=value)


def number(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
    """A number, integral or not."""
    ok = isinstance(value, int | float) and not isinstance(value, bool)
    return [] if ok else expected(path, "a number", *alt, value=value)


def uuid(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
    """A UUID with or without dashes."""
    ok = isinstance(value, str) and dashed(value) is not None
    return [] if ok else expected(path, "a valid uuid", *alt, value=value)


def integer(low: int, high: int) -> Check:
    """An integer within bounds."""

    def check(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        if not isinstance(value, int) or isinstance(value, bool):
            return expected(path, "a number", *alt, value=value)
        if value > high:
            return expected(path, f"≤ `{high}`", *alt, value=value)
        return [] if value >= low else expected(path, f"≥ `{low}`", *alt, value=value)

    return check


def string(longest: int | None = None, *, shortest: int = 0) -> Check:
    """A string; lengths are UTF-16 units, as JavaScript counts."""

    def check(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        if not isinstance(value, str):
            return expected(path, "a string", *alt, value=value)
        length = len(value) if value.isascii() else len(value.encode("utf-16-le", "surrogatepass")) // 2
        if longest is not None and length > longest:
            return expected(f"{path}.length", f"≤ `{longest}`", value=length)
        return [] if length >= shortest else expected(f"{path}.length", f"≥ `{shortest}`", value=length)

    return check


def literal(*values: Any) -> Check:
    """One of some fixed values."""
    names = tuple(shown(value) for value in values)

    def check(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        known = any(value == one and type(value) is type(one) for one in values)
        return [] if known else expected(path, *names, *alt, value=value)

    return check


def array(item: Check, *, longest: int | None = 100, shortest: int = 0) -> Check:
    """An array whose items pass."""

    def check(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        if not isinstance(value, list):
            return expected(path, "an array", *alt, value=value)
        if longest is not None and len(value) > longest:
            return expected(f"{path}.length", f"≤ `{longest}`", value=len(value))
        if len(value) < shortest:
            return expected(f"{path}.length", f"≥ `{shortest}`", value=len(value))
        for index, one in enumerate(value):
            if lines := item(one, f"{path}[{index}]", ()):
                return lines
        return []

    return check


def nullable(check: Check) -> Check:
    """The check, or null."""

    def checked(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        return [] if value is None else check(value, path, ("`null`", *alt))

    return checked


def keyed(item: Check) -> Check:
    """An object of any keys whose values pass."""

    def check(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        if not isinstance(value, dict):
            return expected(path, "an object", *alt, value=value)
        for key, one in value.items():
            if lines := item(one, child(path, key), ()):
                return lines
        return []

    return check


def obj(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these keys and no others."""
    optional = optional or {}
    known = {**required, **optional}

    def check(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        if not isinstance(value, dict):
            return expected(path, "an object", *alt, value=value)
        for key in required:
            if key not in value:
                return expected(child(path, key), "defined", value=MISSING)
        for key, one in value.items():
            if key not in known:
                return expected(child(path, key), "not present", value=one)
            if lines := known[key](one, child(path, key), () if key in required else ("`undefined`",)):
                return lines
        return []

    return check


def either(*checks: Check) -> Check:
    """The first check that passes; the lines of all when none does."""

    def check(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        failed: list[str] = []
        for one in checks:
            lines = one(value, path, alt)
            if not lines:
                return []
            failed += [line for line in lines if line not in failed]
        return failed

    return check


def tagged(variants: Mapping[str, Check], *, tag: str = "type") -> Check:
    """An object whose ``tag`` names the check of the whole object."""

    def check(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        if not isinstance(value, dict):
            return expected(path, "an object", *alt, value=value)
        kind = value.get(tag, MISSING)
        if not isinstance(kind, str) or kind not in variants:
            return expected(child(path, tag), *map(shown, variants), value=kind)
        return variants[kind](value, path, alt)

    return check


def one_key(variants: Mapping[str, Check], common: Mapping[str, Check] | None = None) -> Check:
    """An object with exactly one of the variant keys, ``type`` naming it or absent, and common optional keys."""
    shapes = {
        key: obj({key: inner}, {"type": literal(key), **(common or {})}) for key, inner in variants.items()
    }

    def check(value: Any, path: str, alt: tuple[str, ...] = ()) -> list[str]:
        if not isinstance(value, dict):
            return expected(path, "an object", *alt, value=value)
        kind = value.get("type")
        key = (
            kind
            if isinstance(kind, str) and kind in shapes
            else next((one for one in value if one in shapes), None)
        )
        if key is None:
            return [line for one in shapes for line in expected(child(path, one), "defined", value=MISSING)]
        return shapes[key](value, path, alt)

    return check
