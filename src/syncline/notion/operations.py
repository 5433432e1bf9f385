"""One function for each operation of Notion's API: it returns the Operation that a client sends.

Each is described at https://developers.notion.com/reference, under the name in its docstring. Ids are taken with or without
dashes, or as URLs (MalformedId otherwise). `version` is there where the request depends on the API version; up to
2022-06-28 a database is its own only data source, so the operations on data sources act on the database of that id.
What a version does not have raises UnsupportedByVersion. Operations on OAuth are in `oauth`, on views in `views`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict, Unpack
from urllib.parse import quote, unquote

from .errors import UnsupportedByVersion
from .listing import LARGEST_PAGE
from .objects import (
    LATEST,
    AsyncTask,
    Block,
    Comment,
    CustomEmoji,
    Database,
    DataSource,
    FileUpload,
    JsonObject,
    Listing,
    Page,
    PageMarkdown,
    Template,
    User,
    Version,
    parse_id,
)
from .sansio import Multipart, Operation

__all__ = [
    "DataSourceFields",
    "DatabaseFields",
    "Fields",
    "NewPage",
    "PageChange",
    "Paging",
    "Query",
    "RowQuery",
    "append_block_children",
    "complete_file_upload",
    "create_comment",
    "create_data_source",
    "create_database",
    "create_file_upload",
    "create_meeting_notes",
    "create_page",
    "delete_block",
    "delete_comment",
    "list_block_children",
    "list_comments",
    "list_custom_emojis",
    "list_file_uploads",
    "list_templates",
    "list_users",
    "move_page",
    "paging",
    "query_data_source",
    "query_meeting_notes",
    "retrieve_async_task",
    "retrieve_block",
    "retrieve_comment",
    "retrieve_data_source",
    "retrieve_database",
    "retrieve_file_upload",
    "retrieve_markdown",
    "retrieve_me",
    "retrieve_page",
    "retrieve_property_item",
    "retrieve_user",
    "search",
    "send_file_upload",
    "since",
    "update_block",
    "update_comment",
    "update_data_source",
    "update_database",
    "update_markdown",
    "update_page",
]

Query: TypeAlias = tuple[tuple[str, str], ...]
Fields: TypeAlias = Mapping[str, Any]


class Paging(TypedDict, total=False):
    """Where to read on in a listing, and how many results to read at once (1 to 100)."""

    start_cursor: str | None
    page_size: int


def paging(fields: Paging) -> Query:
    """Return the query of a listing that is paged in the URL."""
    size = ("page_size", str(fields.get("page_size", LARGEST_PAGE)))
    cursor = fields.get("start_cursor")
    return (size, ("start_cursor", cursor)) if cursor else (size,)


def since(version: Version, *, needed: Version, what: str) -> Version:
    """Return `version` if it is `needed` or later. Raises UnsupportedByVersion."""
    if version < needed:
        raise UnsupportedByVersion(f"{what} needs API version {needed} or later, not {version}")
    return version


def _repeated(key: str, values: Iterable[str]) -> Query:
    return tuple((key, unquote(value)) for value in values)


def _given(**fields: Any) -> JsonObject:
    return {key: value for key, value in fields.items() if value is not None}


def _with_trash(fields: Fields, version: Version) -> JsonObject:
    """Return the fields with the trash flag under the name that the version knows."""
    named = dict(fields)
    if version < Version.V2026_03_11 and "in_trash" in named:
        named["archived"] = named.pop("in_trash")
    return named


def _table_path(data_source_id: str, version: Version) -> str:
    kind = "data_sources" if version.has_data_sources else "databases"
    return f"/v1/{kind}/{parse_id(data_source_id)}"


# --- Users ------------------------------------------------------------------------------------------------------


def retrieve_me() -> Operation[User]:
    """Retrieve the token's bot user (get-self)."""
    return Operation("users.me", "GET", "/v1/users/me", safe=True)


def retrieve_user(user_id: str) -> Operation[User]:
    """Retrieve a user (get-user)."""
    return Operation("users.retrieve", "GET", f"/v1/users/{parse_id(user_id)}", safe=True)


def list_users(**page: Unpack[Paging]) -> Operation[Listing[User]]:
    """List the members and bots of the workspace, without guests (get-users)."""
    return Operation("users.list", "GET", "/v1/users", paging(page), safe=True, paged="query")


# --- Search -----------------------------------------------------------------------------------------------------


def search(
    query: str | None = None,
    *,
    kind: Literal["page", "data_source"] | None = None,
    in_trash: bool | None = None,
    sort: Fields | None = None,
    version: Version = LATEST,
    **page: Unpack[Paging],
) -> Operation[Listing[JsonObject]]:
    """Search by title for pages and data sources (post-search). It lags, and is not a listing of all there is."""
    value = "database" if kind == "data_source" and not version.has_data_sources else kind
    only = _given(property="object" if kind else None, value=value, in_trash=in_trash)
    body = _given(query=query, filter=only or None, sort=sort, page_size=LARGEST_PAGE) | _given(**page)
    made_for = version if kind == "data_source" else None
    return Operation("search", "POST", "/v1/search", (), body, safe=True, paged="body", version=made_for)


# --- Pages ------------------------------------------------------------------------------------------------------


class NewPage(TypedDict, total=False):
    """The fields of a new page; at most one of children, content, markdown and template."""

    parent: Fields
    properties: Fields
    icon: Fields
    cover: Fields
    children: Sequence[Fields]
    content: Sequence[Fields]
    markdown: str
    template: Fields
    position: Fields
    allow_async: bool


class PageChange(TypedDict, total=False):
    """The fields of a page that can be changed; None clears icon and cover."""

    properties: Fields
    icon: Fields | None
    cover: Fields | None
    is_locked: bool
    in_trash: bool
    is_archived: bool
    template: Fields
    erase_content: bool


def retrieve_page(page_id: str, *, filter_properties: Iterable[str] = ()) -> Operation[Page]:
    """Retrieve a page with its properties, not its content (retrieve-a-page)."""
    only = _repeated("filter_properties", filter_properties)
    return Operation("pages.retrieve", "GET", f"/v1/pages/{parse_id(page_id)}", only, safe=True)


def create_page(*, filter_properties: Iterable[str] = (), **fields: Unpack[NewPage]) -> Operation[Page]:
    """Create a page or row (post-page). With `allow_async` the answer may be an async task."""
    only = _repeated("filter_properties", filter_properties)
    return Operation("pages.create", "POST", "/v1/pages", only, fields)


def update_page(
    page_id: str,
    *,
    filter_properties: Iterable[str] = (),
    version: Version = LATEST,
    **fields: Unpack[PageChange],
) -> Operation[Page]:
    """Change properties, icon, cover, lock or trash of a page (patch-page)."""
    only = _repeated("filter_properties", filter_properties)
    body = _with_trash(fields, version)
    made_for = version if "in_trash" in fields else None
    return Operation("pages.update", "PATCH", f"/v1/pages/{parse_id(page_id)}", only, body, version=made_for)


def move_page(page_id: str, *, parent: Fields) -> Operation[Page]:
    """Move a page below another page or into a data source (move-page)."""
    return Operation("pages.move", "POST", f"/v1/pages/{parse_id(page_id)}/move", (), {"parent": parent})


def retrieve_property_item(
    page_id: str, property_id: str, **page: Unpack[Paging]
) -> Operation[Listing[JsonObject]]:
    """Retrieve one property of a page, beyond the 25 items that pages carry (retrieve-a-page-property).

    Simple types answer with one property item in place of a listing.
    """
    path = f"/v1/pages/{parse_id(page_id)}/properties/{quote(unquote(property_id), safe='')}"
    return Operation("pages.property", "GET", path, paging(page), safe=True, paged="query")


def retrieve_markdown(page_id: str, **options: str) -> Operation[PageMarkdown]:
    """Retrieve a page's or block's content as Markdown (retrieve-page-markdown).

    `options` are the query's own: `include_transcript="true"`, `markdown_version`.
    """
    path = f"/v1/pages/{parse_id(page_id)}/markdown"
    return Operation("pages.markdown", "GET", path, tuple(options.items()), safe=True)


def update_markdown(page_id: str, change: Fields) -> Operation[PageMarkdown]:
    """Change a page's content through Markdown (update-page-markdown).

    `change` has `type` and the payload under its name: update_content, replace_content, insert_content.
    """
    return Operation("pages.update_markdown", "PATCH", f"/v1/pages/{parse_id(page_id)}/markdown", (), change)


# --- Blocks -----------------------------------------------------------------------------------------------------


def retrieve_block(block_id: str) -> Operation[Block]:
    """Retrieve a block without its children (retrieve-a-block)."""
    return Operation("blocks.retrieve", "GET", f"/v1/blocks/{parse_id(block_id)}", safe=True)


def list_block_children(block_id: str, **page: Unpack[Paging]) -> Operation[Listing[Block]]:
    """List the blocks directly below a block or page (get-block-children)."""
    path = f"/v1/blocks/{parse_id(block_id)}/children"
    return Operation("blocks.children", "GET", path, paging(page), safe=True, paged="query")


def append_block_children(
    block_id: str,
    children: Sequence[Fields],
    *,
    after: str | None = None,
    position: Literal["start", "end"] | None = None,
    version: Version = LATEST,
) -> Operation[Listing[Block]]:
    """Append at most 100 blocks below a block or page (patch-block-children).

    `after` is the block they follow; the answer holds the new blocks of the first level only.
    """
    if after is not None and position is not None:
        raise ValueError("blocks are appended after a block or at a position, not both")
    place: JsonObject = {} if position is None else {"position": {"type": position}}
    if after is not None:
        place = _after(parse_id(after), version)
    path = f"/v1/blocks/{parse_id(block_id)}/children"
    made_for = version if after is not None else None
    return Operation(
        "blocks.append", "PATCH", path, (), {"children": list(children), **place}, version=made_for
    )


def _after(block_id: str, version: Version) -> JsonObject:
    if version < Version.V2026_03_11:
        return {"after": block_id}
    return {"position": {"type": "after_block", "after_block": {"id": block_id}}}


def update_block(
    block_id: str, content: Fields | None = None, *, in_trash: bool | None = None, version: Version = LATEST
) -> Operation[Block]:
    """Change a block: `content` is `{type: {...}}`, `in_trash` trashes or restores it (update-a-block)."""
    body = _with_trash({**(content or {}), **_given(in_trash=in_trash)}, version)
    made_for = version if in_trash is not None else None
    return Operation("blocks.update", "PATCH", f"/v1/blocks/{parse_id(block_id)}", (), body, version=made_for)


def delete_block(block_id: str) -> Operation[Block]:
    """Move a block, page or database to the trash, with all below it (delete-a-block)."""
    return Operation("blocks.delete", "DELETE", f"/v1/blocks/{parse_id(block_id)}")


def create_meeting_notes(**fields: Any) -> Operation[Block]:
    """Create a meeting notes block from a recording: `source`, `parent`, `title`, ... (create-meeting-notes)."""
    return Operation("meeting_notes.create", "POST", "/v1/blocks/meeting_notes", (), fields)


def query_meeting_notes(**fields: Any) -> Operation[Listing[Block]]:
    """Find meeting notes: `filter`, `sort`, `limit`; without a cursor (query-meeting-notes)."""
    return Operation("meeting_notes.query", "POST", "/v1/blocks/meeting_notes/query", (), fields, safe=True)


# --- Databases and data sources ---------------------------------------------------------------------------------


class DatabaseFields(TypedDict, total=False):
    """The fields of a database; `properties` are those of its (first) data source."""

    parent: Fields
    title: Sequence[Fields]
    description: Sequence[Fields]
    icon: Fields | None
    cover: Fields | None
    is_inline: bool
    is_locked: bool
    in_trash: bool
    properties: Fields


class DataSourceFields(TypedDict, total=False):
    """The fields of a data source."""

    parent: Fields
    title: Sequence[Fields]
    icon: Fields | None
    properties: Fields
    in_trash: bool


class RowQuery(Paging, total=False):
    """Which rows, in which order (https://developers.notion.com/reference/filter-data-source-entries)."""

    filter: Fields | None
    sorts: Sequence[Fields] | None
    is_archived: bool
    result_type: Literal["page", "data_source"]


def retrieve_database(database_id: str) -> Operation[Database]:
    """Retrieve a database: its data sources, up to 2022-06-28 its schema (retrieve-database)."""
    return Operation("databases.retrieve", "GET", f"/v1/databases/{parse_id(database_id)}", safe=True)


def create_database(*, version: Version = LATEST, **fields: Unpack[DatabaseFields]) -> Operation[Database]:
    """Create a database with one data source of the given `properties` (create-database)."""
    body: JsonObject = dict(fields)
    if version.has_data_sources and "properties" in body:
        body["initial_data_source"] = {"properties": body.pop("properties")}
    return Operation("databases.create", "POST", "/v1/databases", (), body, version=version)


def update_database(
    database_id: str, *, version: Version = LATEST, **fields: Unpack[DatabaseFields]
) -> Operation[Database]:
    """Change a database (update-database); its schema only up to 2022-06-28."""
    if version.has_data_sources and "properties" in fields:
        raise UnsupportedByVersion(f"since {Version.V2025_09_03} the schema belongs to the data source")
    path = f"/v1/databases/{parse_id(database_id)}"
    return Operation("databases.update", "PATCH", path, (), _with_trash(fields, version), version=version)


def create_data_source(
    *, version: Version = LATEST, **fields: Unpack[DataSourceFields]
) -> Operation[DataSource]:
    """Add a data source to a database (create-a-data-source)."""
    since(version, needed=Version.V2025_09_03, what="creating a data source")
    return Operation("data_sources.create", "POST", "/v1/data_sources", (), fields, version=version)


def retrieve_data_source(data_source_id: str, *, version: Version = LATEST) -> Operation[DataSource]:
    """Retrieve a data source with its schema (retrieve-a-data-source)."""
    path = _table_path(data_source_id, version)
    return Operation("data_sources.retrieve", "GET", path, safe=True, version=version)


def update_data_source(
    data_source_id: str, *, version: Version = LATEST, **fields: Unpack[DataSourceFields]
) -> Operation[DataSource]:
    """Change title, schema or trash of a data source (update-a-data-source)."""
    path = _table_path(data_source_id, version)
    body = _with_trash(fields, version)
    return Operation("data_sources.update", "PATCH", path, (), body, version=version)


def query_data_source(
    data_source_id: str,
    *,
    filter_properties: Iterable[str] = (),
    version: Version = LATEST,
    **query: Unpack[RowQuery],
) -> Operation[Listing[Page]]:
    """List the rows of a data source (query-a-data-source); at most 10,000, see `objects.incomplete`."""
    return Operation(
        "data_sources.query",
        "POST",
        f"{_table_path(data_source_id, version)}/query",
        _repeated("filter_properties", filter_properties),
        {"page_size": LARGEST_PAGE} | _given(**query),
        safe=True,
        paged="body",
        version=version,
    )


def list_templates(
    data_source_id: str, *, name: str | None = None, version: Version = LATEST, **page: Unpack[Paging]
) -> Operation[Listing[Template]]:
    """List the page templates of a data source (list-data-source-templates)."""
    since(version, needed=Version.V2025_09_03, what="listing templates")
    path = f"{_table_path(data_source_id, version)}/templates"
    query = (*paging(page), *_given(name=name).items())
    return Operation("data_sources.templates", "GET", path, query, safe=True, paged="query", version=version)


# --- Comments ---------------------------------------------------------------------------------------------------


def list_comments(block_id: str, **page: Unpack[Paging]) -> Operation[Listing[Comment]]:
    """List the open comments on exactly this page or block (list-comments)."""
    query = (("block_id", parse_id(block_id)), *paging(page))
    return Operation("comments.list", "GET", "/v1/comments", query, safe=True, paged="query")


def retrieve_comment(comment_id: str) -> Operation[Comment]:
    """Retrieve a comment (retrieve-comment)."""
    return Operation("comments.retrieve", "GET", f"/v1/comments/{parse_id(comment_id)}", safe=True)


def create_comment(**fields: Any) -> Operation[Comment]:
    """Comment: `parent` or `discussion_id`, `rich_text` or `markdown`, `attachments`, ... (create-a-comment)."""
    return Operation("comments.create", "POST", "/v1/comments", (), fields)


def update_comment(comment_id: str, **fields: Any) -> Operation[Comment]:
    """Change `rich_text` or `markdown` of a comment of our own (update-a-comment)."""
    return Operation("comments.update", "PATCH", f"/v1/comments/{parse_id(comment_id)}", (), fields)


def delete_comment(comment_id: str) -> Operation[Comment]:
    """Delete a comment of our own (delete-a-comment)."""
    return Operation("comments.delete", "DELETE", f"/v1/comments/{parse_id(comment_id)}")


# --- File uploads -----------------------------------------------------------------------------------------------


def create_file_upload(**fields: Any) -> Operation[FileUpload]:
    """Begin an upload: `mode`, `filename`, `content_type`, `number_of_parts`, `external_url` (create-file)."""
    return Operation("file_uploads.create", "POST", "/v1/file_uploads", (), fields)


def send_file_upload(
    upload_id: str,
    content: bytes,
    *,
    filename: str,
    content_type: str = "application/octet-stream",
    part: int | None = None,
) -> Operation[FileUpload]:
    """Send a file, or the `part` of one counted from 1 (upload-file)."""
    fields = () if part is None else (("part_number", str(part)),)
    form = Multipart(fields, filename, content_type, content)
    return Operation("file_uploads.send", "POST", f"/v1/file_uploads/{parse_id(upload_id)}/send", (), form)


def complete_file_upload(upload_id: str) -> Operation[FileUpload]:
    """Join the parts of an upload (complete-file-upload)."""
    return Operation(
        "file_uploads.complete", "POST", f"/v1/file_uploads/{parse_id(upload_id)}/complete", (), {}
    )


def retrieve_file_upload(upload_id: str) -> Operation[FileUpload]:
    """Retrieve the state of an upload (retrieve-file-upload)."""
    return Operation("file_uploads.retrieve", "GET", f"/v1/file_uploads/{parse_id(upload_id)}", safe=True)


def list_file_uploads(*, status: str | None = None, **page: Unpack[Paging]) -> Operation[Listing[FileUpload]]:
    """List the uploads of this connection, of one `status` if given (list-file-uploads)."""
    query = (*paging(page), *_given(status=status).items())
    return Operation("file_uploads.list", "GET", "/v1/file_uploads", query, safe=True, paged="query")


# --- Others -----------------------------------------------------------------------------------------------------


def list_custom_emojis(*, name: str | None = None, **page: Unpack[Paging]) -> Operation[Listing[CustomEmoji]]:
    """List the workspace's emojis, or the one of exactly this `name` (list-custom-emojis)."""
    query = (*paging(page), *_given(name=name).items())
    return Operation("custom_emojis.list", "GET", "/v1/custom_emojis", query, safe=True, paged="query")


def retrieve_async_task(task_id: str) -> Operation[AsyncTask]:
    """Retrieve the state of a write that Notion carries out later (retrieve-async-task)."""
    path = f"/v1/async_tasks/{quote(task_id, safe='')}"
    return Operation("async_tasks.retrieve", "GET", path, safe=True)
