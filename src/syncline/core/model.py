"""The nouns that every room shares: records, documents, changes.

A **record** is one item of a stream as a source read it. The store keeps the latest state of each record
under (connection, kind, key) and gives every change of it the next number of the connection's change
sequence. A **document** is the content of a page, kept as the lists of blocks Notion sent or as Markdown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

__all__ = [
    "Action",
    "BlockList",
    "Change",
    "Deletion",
    "Document",
    "DocumentState",
    "Fidelity",
    "Json",
    "Kind",
    "Mode",
    "Record",
    "StoredRecord",
    "Unread",
]

Json: TypeAlias = Mapping[str, Any]
"""One JSON object as another system sent it."""


class Kind(StrEnum):
    """What a record is. With its key it identifies the record within a connection."""

    PAGE = "page"
    DATA_SOURCE = "data_source"
    DATABASE = "database"
    USER = "user"
    COMMENT = "comment"


class Fidelity(StrEnum):
    """How much of a page's content is read."""

    BLOCKS = "blocks"
    """Every block, lossless."""
    MARKDOWN = "markdown"
    """Notion's own Markdown, one request a page."""
    PROPERTIES = "properties"
    """No content."""


class Mode(StrEnum):
    """What a pull reads."""

    FULL = "full"
    """Everything listed, all content read again, absences confirmed."""
    INCREMENTAL = "incremental"
    """What changed since the watermark, and what went to the trash."""
    RECONCILE = "reconcile"
    """Everything listed, content read only where it changed, absences confirmed."""


class Action(StrEnum):
    """What last happened to a record."""

    ADDED = "added"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"


class Deletion(StrEnum):
    """Why a record is a tombstone."""

    TRASHED = "trashed"
    """It is in Notion's trash."""
    UNREACHABLE = "unreachable"
    """A direct read says 404: gone for good, or no longer shared with us. Notion does not tell which."""
    OUT_OF_SCOPE = "out_of_scope"
    """It left the selected subtree."""
    RESOLVED = "resolved"
    """A comment that is not among the open ones any more."""


class DocumentState(StrEnum):
    """How much of a page's content the store holds."""

    COMPLETE = "complete"
    """All of it."""
    MARKED = "marked"
    """All but what Notion refuses for good; each refusal is listed in `unread`."""


@dataclass(frozen=True, slots=True)
class Record:
    """One item as a source read it.

    `stream` names the table it belongs to: a data source id for a row, else ``pages``, ``data_sources``,
    ``databases``, ``users`` or ``comments``. `parent` is the key of the page, data source, database or
    block it hangs below, None at the workspace's root. `hash` is the canonical hash of `data`
    (core.hash). `edited_at` is Notion's `last_edited_time`, None where there is none. `nested` tells that `parent` is a block, of which
    nothing but content tells the page.
    """

    kind: Kind
    key: str
    stream: str
    data: Json
    hash: str
    title: str = ""
    parent: str | None = None
    edited_at: datetime | None = None
    nested: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of a page that Notion refuses for good, where it stands and why."""

    block: str
    status: int
    code: str
    message: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class BlockList:
    """One answer of a children listing: up to 100 raw blocks of `container`, the `ordinal`-th of its answers."""

    container: str
    ordinal: int
    blocks: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The content of one page.

    At fidelity ``blocks`` `lists` holds every listing, the page's own first; `markdown` is None.
    At fidelity ``markdown`` it is the other way round.
    """

    page: str
    fidelity: Fidelity
    hash: str
    state: DocumentState
    lists: tuple[BlockList, ...] = ()
    markdown: str | None = None
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as the store holds it: its latest state and its place in the change sequence.

    `seen_in` is the pull that saw it last. `home` is the page in whose content it was seen, known once that page was read.
    """

    kind: Kind
    key: str
    stream: str
    data: Json
    hash: str
    title: str
    parent: str | None
    edited_at: datetime | None
    seq: int
    action: Action
    first_seen_at: datetime
    changed_at: datetime
    deleted_at: datetime | None = None
    deletion: Deletion | None = None
    content_hash: str | None = None
    content_read_at: datetime | None = None
    content_fidelity: Fidelity | None = None
    seen_in: str | None = None
    home: str | None = None

    @property
    def place(self) -> str | None:
        """The key of the record this one hangs below: `home` where `parent` is a block inside that page."""
        return self.home or self.parent


@dataclass(frozen=True, slots=True)
class Change:
    """What a destination is given: the record's latest state and, for a page with content, its document."""

    record: StoredRecord
    document: Document | None = field(default=None)
