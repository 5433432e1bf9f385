"""The stored forms: what a workspace remembers, without HTTP and without a version.

JSON inside them is that of Notion-Version 2026-03-11, as an answer shows it, with these differences:

* times are milliseconds (``clock``); ``created_by`` and the like are user ids;
* a page's ``properties`` map property *id* to the bare typed value: rich text array, number, ``{id,name,color}`` of a
  select, ``[{id}]`` of a relation, ``[{object,id}]`` of people, an int for ``unique_id`` … Computed types (formula,
  rollup, created_*, last_edited_*, button) are not stored: ``properties.value`` computes them;
* property ids are stored decoded (``WYH:``), answers percent-encode them;
* a hosted file is ``{"type": "file", "file": {"key": …}}`` with a key of ``World.files``; answers replace the key by a
  signed URL, another one at each read;
* rich text is stored in the answer's form; ``plain_text`` of page and user mentions is renewed at each read.

Stored JSON is shared freely: replace it, never change it in place.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

__all__ = [
    "AsyncTask", "Block", "Comment", "Connection", "CustomEmoji", "DataSource", "Database", "Event", "FileUpload",
    "Node", "Page", "Settings", "StoredFile", "User", "View",
]  # fmt: skip

Json = dict[str, Any]

CAPABILITIES = frozenset({
    "read_content", "update_content", "insert_content", "read_comments", "insert_comments", "read_users", "read_emails",
})  # fmt: skip


@dataclass(slots=True)
class Settings:
    """What Notion sets for a workspace and what tests like to make small."""

    truncation: int = 25  # references of a property value shown on a page
    result_cap: int = 10_000  # rows of one query over all its pages
    markdown_blocks: int = 20_000  # blocks of one Markdown answer before `truncated`
    content_bumps_page: bool = False  # whether an edit of a block moves its page's time
    search_lag: float = 0.0  # seconds until search sees a new or changed object
    search_omits: float = 0.0  # share of objects search never shows, 0..1
    search_omits_ids: set[str] = field(default_factory=set)
    cursor_seconds: float = 3600.0  # life of a query session
    file_seconds: int = 3600  # life of a signed URL
    upload_seconds: int = 3600  # time to attach an uploaded file
    task_seconds: float = 2.0  # time an async task takes
    template_seconds: float = 1.0  # delay until a template is applied
    block_quota: int | None = None  # lifetime blocks of a free workspace with several members
    restore_drops_access: bool = False  # whether what comes out of the trash is no longer shared
    kept_blocks: int = 300_000  # most rendered blocks kept for the next read; about 800 bytes each
    row_limit: int = 250_000  # rows of a data source
    max_upload: int = 5_242_880
    page_host: str = "https://app.notion.com/p/"  # https://www.notion.so/ before July 2026


@dataclass(slots=True, eq=False, kw_only=True)
class Node:
    """Anything in the tree: page, block, database, data source."""

    kind: ClassVar[str] = "node"

    id: str
    parent_kind: str  # page | block | database | data_source | workspace
    parent_id: str
    created: int
    edited: int
    created_by: str
    edited_by: str
    trashed: bool = False  # by itself; World.in_trash asks the ancestors too
    children: list[str] = field(
        default_factory=list
    )  # in order, trashed ones included; rows are not children


@dataclass(slots=True, eq=False, kw_only=True)
class Block(Node):
    """A block other than child_page and child_database, which are Page and Database."""

    kind: ClassVar[str] = "block"

    type: str
    content: Json  # the type's object, without children
    rendered: dict[str, bytes] | None = None  # answers by version; None after any change


@dataclass(slots=True, eq=False, kw_only=True)
class Page(Node):
    """A page or, when its parent is a data source, a row."""

    kind: ClassVar[str] = "page"

    properties: Json = field(
        default_factory=dict
    )  # property id -> bare value; the title's id is always "title"
    icon: Json | None = None
    cover: Json | None = None
    public_url: str | None = None
    is_archived: bool = False
    is_locked: bool = False
    is_template: bool = False  # a template of its data source: no row, found by GET templates


@dataclass(slots=True, eq=False, kw_only=True)
class Database(Node):
    """A container of data sources; without any it is a linked database."""

    kind: ClassVar[str] = "database"

    title: list[Json] = field(default_factory=list)
    description: list[Json] = field(default_factory=list)
    icon: Json | None = None
    cover: Json | None = None
    is_inline: bool = False
    is_locked: bool = False
    public_url: str | None = None
    data_sources: list[str] = field(default_factory=list)
    views: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class DataSource(Node):
    """A schema and its rows."""

    kind: ClassVar[str] = "data_source"

    title: list[Json] = field(default_factory=list)
    description: list[Json] = field(default_factory=list)
    icon: Json | None = None
    cover: Json | None = None
    properties: dict[str, Json] = field(
        default_factory=dict
    )  # property id -> {id,name,description,type,<type>:{…}}
    rows: list[str] = field(default_factory=list)  # oldest first, trashed ones included
    last_number: int = 0  # of unique_id
    templates: list[str] = field(default_factory=list)
    default_template: str | None = None

    def property(self, name_or_id: str) -> Json | None:
        """The schema entry of that id or, failing that, of that name."""
        found = self.properties.get(name_or_id)
        return found or next(
            (entry for entry in self.properties.values() if entry["name"] == name_or_id), None
        )


@dataclass(slots=True, eq=False, kw_only=True)
class User:
    """A person or a bot of the workspace."""

    id: str
    name: str | None
    type: str = "person"  # person | bot
    avatar_url: str | None = None
    email: str | None = None
    email_verified: bool = True
    guest: bool = False  # never listed
    removed: bool = False  # answers 404, still named by id
    owner: str | None = None  # a bot's owning user; None is the workspace


@dataclass(slots=True, eq=False, kw_only=True)
class Connection:
    """An authorised link of one integration to this workspace: its token, bot, capabilities and pages."""

    id: str
    name: str
    token: str
    bot_id: str
    kind: str = "internal"  # internal | public | personal
    capabilities: frozenset[str] = CAPABILITIES
    all_pages: bool = True  # what holds where no ancestor is named in grants
    grants: dict[str, bool] = field(
        default_factory=dict
    )  # node id -> shared or taken away; the nearest one wins
    refresh_token: str | None = None
    client_id: str | None = None
    issued: int = 0


@dataclass(slots=True, eq=False, kw_only=True)
class Comment:
    """One comment of a discussion on a page or a block."""

    id: str
    parent_kind: str
    parent_id: str
    discussion_id: str
    created: int
    edited: int
    created_by: str
    rich_text: list[Json]
    display_name: Json | None = None
    attachments: list[Json] = field(default_factory=list)
    connection: str | None = None
    resolved: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class StoredFile:
    """Bytes that signed URLs lead to."""

    key: str
    name: str
    content_type: str
    data: bytes


@dataclass(slots=True, eq=False, kw_only=True)
class FileUpload:
    """A file on its way in (https://developers.notion.com/reference/file-upload)."""

    id: str
    created: int
    edited: int
    created_by: str
    mode: str
    status: str
    filename: str | None
    content_type: str | None
    expires: int | None
    connection: str
    content_length: int | None = None
    number_of_parts: int | None = None
    parts: dict[int, bytes] = field(default_factory=dict)
    key: str | None = None
    import_result: Json | None = None
    external_url: str | None = None
    trashed: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class View:
    """A view of a database, or a widget of a dashboard view."""

    id: str
    database_id: str
    data_source_id: str | None
    name: str
    type: str
    created: int
    edited: int
    created_by: str
    edited_by: str
    filter: Json | None = None
    sorts: list[Json] | None = None
    quick_filters: Json | None = None
    configuration: Json | None = None
    dashboard_id: str | None = None
    trashed: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class AsyncTask:
    """A write that was accepted with 202."""

    id: str
    created: int
    ready: int
    name: str
    connection: str
    result: Json | None = None
    error: Json | None = None


@dataclass(slots=True, frozen=True)
class CustomEmoji:
    """A workspace's own emoji; its picture is a stored file."""

    id: str
    name: str
    key: str


class Event(NamedTuple):
    """Something that happened to the world; webhooks are made of these."""

    type: str  # Notion's name, for example page.created
    kind: str  # page | block | database | data_source | comment | view | file_upload
    id: str
    at: int
    by: str
    data: Json
