"""The items of the frontier: which kinds of work there are, how an item for each is made, and what it is about."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from syncline.core.change import Policy, Reason
from syncline.core.model import Kind, Record, StoredRecord
from syncline.sources.base import Key, Listing
from syncline.store.frontier import Item

__all__ = [
    "Work",
    "comments_item",
    "content_item",
    "kind_of",
    "listing_item",
    "object_item",
    "properties_item",
    "record_from",
    "subject",
]


class Work(StrEnum):
    """The kinds of work on the frontier, in the order of their lanes."""

    LISTING = "listing"
    OBJECT = "object"
    PROPERTIES = "properties"
    CONTENT = "content"
    COMMENTS = "comments"


_LANES = {kind: lane for lane, kind in enumerate(Work)}


def listing_item(listing: Listing, reason: Reason) -> Item:
    """The item for a listing that begins."""
    window = {
        "window": dict(listing.window),
        "newest_first": listing.newest_first,
        "telling": listing.telling,
    }
    payload = {**window, "cursor": None, "size": 0, "answers": 0, "restarts": 0}
    return _item(Work.LISTING, listing.name, reason, payload=payload)


def object_item(key: Key, reason: Reason) -> Item:
    """The item for one direct read."""
    kind, name = key
    return _item(Work.OBJECT, f"{kind}:{name}", reason)


def comments_item(page: str, reason: Reason, *, edited_at: datetime | None = None) -> Item:
    """The item for the open comments of a page."""
    return _item(Work.COMMENTS, page, reason, edited_at=edited_at)


def properties_item(record: Record, held: StoredRecord | None, generation: int) -> Item:
    """The item for the values of a record that were cut short."""
    payload = {
        "kind": record.kind,
        "stream": record.stream,
        "data": dict(record.data),
        "title": record.title,
        "parent": record.parent,
        "hash": record.hash,
        "known": held is not None and held.deleted_at is None,
    }
    return _item(
        Work.PROPERTIES,
        record.key,
        Reason.NEW,
        edited_at=record.edited_at,
        generation=generation,
        payload=payload,
    )


def content_item(record: Record, reason: Reason, policy: Policy, *, generation: int) -> Item:
    """The item for the content of a page: of named blocks alone where signals named some."""
    named = policy.refresh.content.get(record.key) if policy.refresh is not None else None
    return _item(
        Work.CONTENT,
        record.key,
        reason,
        edited_at=record.edited_at,
        generation=generation,
        payload=None if named is None else {"blocks": list(named)},
    )


def _item(
    work: Work,
    key: str,
    reason: Reason,
    *,
    edited_at: datetime | None = None,
    generation: int = 0,
    payload: dict[str, Any] | None = None,
) -> Item:
    return Item(
        kind=work,
        key=key,
        lane=_LANES[work],
        reason=reason,
        edited_at=edited_at,
        generation=generation,
        payload=payload,
    )


def record_from(item: Item) -> Record:
    """The record, still cut short, that a properties item carries."""
    payload = item.payload or {}
    return Record(
        kind=Kind(payload["kind"]),
        key=item.key,
        stream=payload["stream"],
        data=payload["data"],
        hash=payload["hash"],
        title=payload["title"],
        parent=payload["parent"],
        edited_at=item.edited_at,
    )


def subject(item: Item) -> str:
    """The key of what an item is about: a page, another record, or a listing, whichever window of it."""
    if item.kind == Work.OBJECT:
        return item.key.partition(":")[2]
    return ":".join(item.key.split(":")[:2]) if item.kind == Work.LISTING else item.key


def kind_of(item: Item) -> Kind | None:
    """What an item is about: None for a listing."""
    match item.kind:
        case Work.LISTING:
            return None
        case Work.OBJECT:
            return Kind(item.key.partition(":")[0])
        case _:
            return Kind.PAGE
