"""The shapes of Notion's JSON, and the few facts whose place in it depends on the API version.

The types describe what is known and never refuse what is not: values stay the plain dictionaries that came, with
every unknown field, type and enum member. Source: https://developers.notion.com/reference (object pages).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypedDict, TypeVar

from .errors import MalformedId

__all__ = [
    "LATEST",
    "AsyncTask",
    "Block",
    "Comment",
    "CustomEmoji",
    "DataSource",
    "Database",
    "FileUpload",
    "Json",
    "JsonObject",
    "Listing",
    "Page",
    "PageMarkdown",
    "Parent",
    "RichText",
    "Source",
    "Template",
    "User",
    "Version",
    "View",
    "created",
    "incomplete",
    "last_edited",
    "parent",
    "parse_id",
    "partial",
    "payload",
    "plain_text",
    "results",
    "sources",
    "title",
    "trashed",
]

Json: TypeAlias = Any
"""None, bool, int, float, str, list of Json or dict of str to Json, exactly as parsed."""

JsonObject: TypeAlias = dict[str, Any]

T = TypeVar("T")


class Version(StrEnum):
    """The API versions this client speaks (https://developers.notion.com/reference/changes-by-version)."""

    V2022_06_28 = "2022-06-28"
    V2025_09_03 = "2025-09-03"
    V2026_03_11 = "2026-03-11"

    @property
    def has_data_sources(self) -> bool:
        """Whether databases are containers of data sources, rather than tables themselves."""
        return self >= Version.V2025_09_03


LATEST = Version.V2026_03_11


class RichText(TypedDict, total=False):
    """One run of text, mention or equation; the payload is under the name in `type`."""

    type: str
    text: JsonObject
    mention: JsonObject
    equation: JsonObject
    annotations: JsonObject
    plain_text: str
    href: str | None


class User(TypedDict, total=False):
    """A person or bot; only `object` and `id` where it is partial."""

    object: str
    id: str
    type: str
    name: str | None
    avatar_url: str | None
    person: JsonObject
    bot: JsonObject


class _Stored(TypedDict, total=False):
    object: str
    id: str
    parent: JsonObject
    created_time: str
    last_edited_time: str
    created_by: User
    last_edited_by: User
    in_trash: bool
    archived: bool
    request_id: str


class Page(_Stored, total=False):
    """A page, also as a row of a data source."""

    icon: JsonObject | None
    cover: JsonObject | None
    is_archived: bool
    is_locked: bool
    properties: dict[str, JsonObject]
    url: str
    public_url: str | None


class Block(_Stored, total=False):
    """A block; its content is under the name in `type` (see `payload`)."""

    has_children: bool
    type: str


class Database(_Stored, total=False):
    """A container of data sources; up to 2022-06-28 the table itself, with `properties`."""

    title: list[RichText]
    description: list[RichText]
    is_inline: bool
    is_locked: bool
    data_sources: list[JsonObject]
    properties: dict[str, JsonObject]
    icon: JsonObject | None
    cover: JsonObject | None
    url: str
    public_url: str | None


class DataSource(_Stored, total=False):
    """A table: schema and rows."""

    title: list[RichText]
    description: list[RichText]
    is_inline: bool
    properties: dict[str, JsonObject]
    database_parent: JsonObject
    icon: JsonObject | None
    cover: JsonObject | None
    url: str
    public_url: str | None


class Comment(_Stored, total=False):
    """A comment on a page or block."""

    discussion_id: str
    rich_text: list[RichText]
    display_name: JsonObject
    attachments: list[JsonObject]


class FileUpload(_Stored, total=False):
    """An upload on its way to being attached."""

    expiry_time: str | None
    upload_url: str
    complete_url: str
    status: str
    filename: str | None
    content_type: str | None
    content_length: int | None
    number_of_parts: JsonObject
    file_import_result: JsonObject


class View(_Stored, total=False):
    """A view of a data source; partial (id and type) in listings and after deletion."""

    data_source_id: str
    name: str
    type: str
    url: str
    filter: JsonObject | None
    sorts: list[JsonObject] | None
    quick_filters: JsonObject | None
    configuration: JsonObject | None


class PageMarkdown(TypedDict, total=False):
    """A page's content as Markdown."""

    object: str
    id: str
    markdown: str
    truncated: bool
    unknown_block_ids: list[str]
    request_id: str


class AsyncTask(TypedDict, total=False):
    """A write that Notion carries out later."""

    object: str
    id: str
    status: str
    status_url: str
    created_time: str
    poll_after_seconds: float
    operation: JsonObject
    result: JsonObject
    error: JsonObject
    request_id: str


class Template(TypedDict, total=False):
    """A template of a data source."""

    id: str
    name: str
    is_default: bool


class CustomEmoji(TypedDict, total=False):
    """An emoji of the workspace."""

    id: str
    name: str
    url: str


class Listing(TypedDict, Generic[T], total=False):
    """One page of a listing. Templates come under `templates` in place of `results` (see `results`)."""

    object: str
    results: list[T]
    next_cursor: str | None
    has_more: bool
    type: str
    request_status: JsonObject
    property_item: JsonObject
    request_id: str


@dataclass(frozen=True, slots=True)
class Parent:
    """Where an object lives. `kind` is page, block, database, data_source, workspace, agent or a new word.

    `id` is None for the workspace. `database_id` is the database around a data source, where Notion tells it.
    """

    kind: str
    id: str | None = None
    database_id: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A data source as its database names it. Up to 2022-06-28 the id is the database's own."""

    id: str
    name: str


_ID = re.compile(r"(?<![0-9a-f])([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$")


def parse_id(text: str) -> str:
    """Return the id in `text`, lower case with dashes.

    `text` is an id with or without dashes, or any URL of Notion's, whose path ends with the id. Query and fragment
    (a view, a block to scroll to) are not looked at. Raises MalformedId.
    """
    path = re.split("[?#]", text.strip().lower(), maxsplit=1)[0].rstrip("/")
    found = _ID.search(path)
    if found is None:
        raise MalformedId(f"no Notion id in {text!r}: expected 32 hexadecimal digits at the end")
    return "-".join(found.groups())


def trashed(obj: Mapping[str, Any]) -> bool:
    """Tell whether the object is in the trash, under either of the names that versions give it."""
    return bool(obj.get("in_trash", obj.get("archived", False)))


def parent(obj: Mapping[str, Any]) -> Parent | None:
    """Return where the object lives, or None where it does not say."""
    raw = obj.get("parent")
    if not isinstance(raw, Mapping) or not raw:
        return None
    kind = raw.get("type") or next(iter(raw))
    place = raw.get(kind)
    return Parent(
        kind=kind.removesuffix("_id"),
        id=place if isinstance(place, str) else None,
        database_id=raw.get("database_id"),
    )


def plain_text(rich_text: Sequence[Mapping[str, Any]] | None) -> str:
    """Return the text of a rich text array without its marks."""
    return "".join(run.get("plain_text", "") for run in rich_text or ())


def _page_title(page: Mapping[str, Any]) -> str:
    values = page.get("properties", {}).values()
    return next((plain_text(value.get("title")) for value in values if value.get("type") == "title"), "")


def title(obj: Mapping[str, Any]) -> str:
    """Return the title of a page, database, data source, child page block, view or user; "" where there is none."""
    match obj.get("object"):
        case "page":
            return _page_title(obj)
        case "database" | "data_source":
            return plain_text(obj.get("title"))
        case "block":
            content = payload(obj)
            return content.get("title", "") if isinstance(content.get("title"), str) else ""
        case _:
            return obj.get("name") or ""


def payload(obj: Mapping[str, Any]) -> JsonObject:
    """Return what stands under the name in `type`: a block's content, a mention's target; {} where nothing does."""
    content = obj.get(obj.get("type", ""))
    return content if isinstance(content, dict) else {}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def created(obj: Mapping[str, Any]) -> datetime | None:
    """Return the time of creation, aware; rounded down to the minute by Notion for most objects."""
    return _moment(obj.get("created_time"))


def last_edited(obj: Mapping[str, Any]) -> datetime | None:
    """Return the time of the last edit, aware; rounded down to the minute by Notion for most objects."""
    return _moment(obj.get("last_edited_time"))


def partial(obj: Mapping[str, Any]) -> bool:
    """Tell whether only a reference came in place of the whole object (https://developers.notion.com/reference/post-search)."""
    return "created_time" not in obj and "name" not in obj


def sources(database: Mapping[str, Any]) -> tuple[Source, ...]:
    """Return the data sources of a database; none for a linked database or one whose source is not shared.

    A database of 2022-06-28 is its own only source.
    """
    if "data_sources" in database:
        return tuple(Source(entry["id"], entry.get("name") or "") for entry in database["data_sources"])
    if "properties" in database:
        return (Source(database["id"], title(database)),)
    return ()


def results(listing: Mapping[str, Any]) -> list[Any]:
    """Return what one page of a listing holds, under whichever key it came."""
    found: list[Any] = listing["results"] if "results" in listing else listing.get("templates", [])
    return found


def incomplete(listing: Mapping[str, Any]) -> str | None:
    """Return why Notion ended the listing before its end, such as `query_result_limit_reached`; None if it did not."""
    status = listing.get("request_status") or {}
    if status.get("type") != "incomplete":
        return None
    return status.get("incomplete_reason") or "unknown"
