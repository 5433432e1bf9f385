"""The canonical form of what Notion answers: equal content, equal form, whenever and however it is read.

Left out is what changes from one read to the next although nobody changed anything:

* the signature in the URL of a hosted file (new at each read, dead after an hour) and its ``expiry_time``
  (https://developers.notion.com/reference/file-object);
* the ``request_id`` of an answer;
* the spelling of a formula, which Notion rewrites on its own (since 2026-08-12 as ``prop("Name")``);
* keys without a value: Notion adds keys at any time and in any version, as null where they are not used.

API versions name the same fact differently; the canonical form has the newest name: ``in_trash`` for
``archived``, ``meeting_notes`` for ``transcription``.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

__all__ = ["canonical", "is_signed", "stable_url"]

Json: TypeAlias = Mapping[str, Any]

_SIGNATURES = frozenset({"x-amz-signature", "x-amz-algorithm", "expirationtimestamp"})
"""A query with one of these is a permission that runs out, and no part of the address."""


def canonical(value: Any) -> Any:
    """`value`, any JSON of Notion, in its canonical form: a new value, ready for a hash with sorted keys."""
    if isinstance(value, Mapping):
        return _canonical_object(value)
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    return value


def is_signed(url: str) -> bool:
    """Whether `url` carries a signature that runs out."""
    if "?" not in url:
        return False
    try:
        query = urlsplit(url).query
    except ValueError:  # an address people typed, such as one with an unclosed bracket
        return False
    return any(key.lower() in _SIGNATURES for key, _ in parse_qsl(query, keep_blank_values=True))


def stable_url(url: str) -> str:
    """`url` without its query where that query is a signature, else `url` unchanged."""
    return url.partition("?")[0] if is_signed(url) else url


def _canonical_object(value: Json) -> dict[str, Any]:
    known = _renamed(value) if isinstance(value.get("object"), str) else value
    dropped = _volatile(known)
    return {
        key: _canonical_member(key, member)
        for key, member in known.items()
        if member is not None and key not in dropped
    }


def _canonical_member(key: str, member: Any) -> Any:
    if isinstance(member, str):
        return stable_url(member) if key == "url" or key.endswith("_url") else member
    return canonical(member)


def _volatile(value: Json) -> frozenset[str]:
    """The keys of `value` that say nothing about content. A column may bear the same names: it holds an object."""
    dropped = set()
    if isinstance(value.get("object"), str):
        dropped.add("request_id")
    if isinstance(value.get("url"), str):
        dropped.add("expiry_time")
    if value.get("type") == "formula" and _is_schema(value.get("formula")):
        dropped.add("formula")
    return frozenset(dropped)


def _is_schema(formula: Any) -> bool:
    return isinstance(formula, Mapping) and isinstance(formula.get("expression"), str)


def _renamed(value: Json) -> dict[str, Any]:
    renamed = dict(value)
    trashed = bool(renamed.pop("archived", False)) or bool(renamed.get("in_trash"))
    if "archived" in value or "in_trash" in value:
        renamed["in_trash"] = trashed
    if renamed.get("type") == "transcription":
        renamed["type"] = "meeting_notes"
        renamed["meeting_notes"] = renamed.pop("transcription", None)
    return renamed
