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

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["canonical", "is_signed", "stable_url"]

_SIGNATURES = frozenset({"x-amz-signature", "x-amz-algorithm", "expirationtimestamp"})
"""A query with one of these is a permission that runs out, and no part of the address."""
_OUTDATED = frozenset({"archived", "request_id"})


def canonical(value: Any) -> Any:
    """`value`, any JSON of Notion, in its canonical form: a new value, ready for a hash with sorted keys."""
    if isinstance(value, dict):
        return _canonical_object(value)
    if isinstance(value, list):
        return [_canonical_object(item) if item.__class__ is dict else canonical(item) for item in value]
    return _canonical_object(dict(value)) if isinstance(value, Mapping) else value


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


def _canonical_object(value: dict[str, Any]) -> dict[str, Any]:
    """Every object of every answer comes through here, so it looks once at each key and calls what it must.

    Parsed JSON has these very classes, no subclasses.
    """
    names = _renamed(value) if "archived" in value or "request_id" in value else value
    kept: dict[str, Any] = {}
    for key, member in names.items():
        kind = member.__class__
        if kind is str:
            kept[key] = stable_url(member) if "?" in member and key.endswith("url") else member
        elif kind is dict:
            kept[key] = _canonical_object(member)
        elif kind is list:
            kept[key] = canonical(member)
        elif member is not None:
            kept[key] = member
    if "expiry_time" in kept:
        _drop_expiry(kept)
    repair = _BY_TYPE.get(kept["type"]) if kept.get("type").__class__ is str else None
    return kept if repair is None else repair(kept)


def _renamed(value: dict[str, Any]) -> dict[str, Any]:
    """An object of the API under its newest names, without the id of the request. Only such an object says what it is."""
    if not isinstance(value.get("object"), str):
        return value
    renamed = {key: member for key, member in value.items() if key not in _OUTDATED}
    if "archived" in value:
        renamed["in_trash"] = bool(value["archived"]) or bool(value.get("in_trash"))
    return renamed


def _drop_expiry(kept: dict[str, Any]) -> None:
    """The time a file's address runs out goes. A column of that name is no text beside an address."""
    if isinstance(kept.get("url"), str):
        del kept["expiry_time"]


def _without_formula(kept: dict[str, Any]) -> dict[str, Any]:
    """A column of a schema without the spelling of its formula. A cell has a result in place of it."""
    formula = kept.get("formula")
    if isinstance(formula, dict) and isinstance(formula.get("expression"), str):
        del kept["formula"]
    return kept


def _as_meeting_notes(kept: dict[str, Any]) -> dict[str, Any]:
    """The block type under the name it has since 2026-03-11."""
    kept["type"] = "meeting_notes"
    if "transcription" in kept:
        kept["meeting_notes"] = kept.pop("transcription")
    return kept


_BY_TYPE: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "formula": _without_formula,
    "transcription": _as_meeting_notes,
}
"""What else changes in an object of this type."""
