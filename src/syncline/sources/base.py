"""The contract of a source: single reads, each of which the engine may repeat, and nothing else.

A source keeps no position of its own: every call says all it needs, and the engine remembers in the store
what is known and not yet read. Each method makes the least number of requests for one answer, one where the
other side allows, so that a crash loses at most the answers in flight. Retries of transient failures happen below it.

Every method may raise, of syncline.core.errors: Refused (the token), Unreachable (after all retries),
Skip (this one item cannot be read), and ListingExpired where it says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from syncline.core.errors import Retry, Skip, Unreachable
from syncline.core.model import Deletion, Fidelity, Json, Kind, Record, Unread

__all__ = [
    "Content",
    "Found",
    "Key",
    "Listed",
    "Listing",
    "ListingExpired",
    "Lost",
    "Source",
    "Unanswered",
    "Unreadable",
    "Usage",
]

Key = tuple[Kind, str]


class ListingExpired(Retry):
    """The cursor is no longer valid; the listing has to start again."""


class Unanswered(Unreachable):
    """All tries for this item failed; it may work later. `unread` says how the last one did."""

    def __init__(self, message: str, unread: Unread) -> None:
        super().__init__(message)
        self.unread = unread


class Unreadable(Skip):
    """The other side refuses this one item for good. `unread` says how."""

    def __init__(self, unread: Unread) -> None:
        super().__init__(unread.message)
        self.unread = unread


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing to be walked from its first answer to its last. `name` is unique within a connection.

    `window` is the source's own description of the part that is listed, as JSON. Only a listing that tells the
    newest edits first may be left early. One that is not `telling` says nothing about which pages are there.
    """

    name: str
    window: Json
    newest_first: bool = False
    telling: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """One answer of a listing.

    `cursor` leads to the next answer, None at the end. `size` is the number of items in the answer, whatever
    became of them, `oldest` the earliest edit among them. `suspects` may be deleted; `partial` are there but were not told whole. `follow` are listings that must be walked as well (the
    next window of a capped one). `gap` says why the listing is known not to be whole.
    """

    records: tuple[Record, ...]
    size: int
    cursor: str | None = None
    oldest: datetime | None = None
    suspects: tuple[Key, ...] = ()
    partial: tuple[Key, ...] = ()
    follow: tuple[Listing, ...] = ()
    gap: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """One answer about a page's content.

    Either `blocks` of one container with `containers`, those among them whose own children must be
    read, or the page's whole `markdown`. `digests` are the canonical hashes of `blocks`, in order. `children` are the pages and databases that hang below.
    `cut` says why some of it is known to be left out with no way to ask for it.
    """

    children: tuple[Key, ...]
    blocks: tuple[Json, ...] = ()
    digests: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    cursor: str | None = None
    markdown: str | None = None
    cut: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a direct read of a record that is there says. `children` hang below it and may be unknown."""

    records: tuple[Record, ...]
    children: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """What a direct read of a record that is not there any more says."""

    reason: Deletion


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests made since the source was opened. `rate_limited` of them were refused by a rate limit."""

    made: int = 0
    rate_limited: int = 0


class Source(Protocol):
    """Anything whose records can be pulled."""

    @property
    def usage(self) -> Usage:
        """What was spent so far."""
        ...

    def now(self) -> datetime:
        """The other side's time, as far as it is known."""
        ...

    def listings(self, *, since: datetime | None) -> Sequence[Listing]:
        """The listings a pull begins with: of everything, or with `since` of what changed since then."""
        ...

    def rows(self, record: Record) -> Listing:
        """The listing of the rows of a data source."""
        ...

    async def list(self, listing: Listing, cursor: str | None) -> Listed:
        """The next answer of a listing. Raises ListingExpired."""
        ...

    async def content(
        self, container: str, cursor: str | None, *, fidelity: Fidelity, size: int | None = None
    ) -> Content:
        """The next answer about the children of `container`, a page or a block: at most `size` of them.

        Raises ListingExpired, Unreadable.
        """
        ...

    async def home(self, block: str) -> str | None:
        """The container that a block stands in, None if it is not there any more. Raises Unreadable."""
        ...

    def edited(self, source: str, since: datetime) -> Listing:
        """The listing of those rows of a data source that were edited since a time."""
        ...

    def parse(self, blocks: Sequence[Json]) -> Content:
        """What blocks that were read before say: digests, containers, children. Makes no request."""
        ...

    def join(self, page: str, pieces: Mapping[str, str]) -> str:
        """The whole Markdown of a page from what its reads answered, by container. Makes no request."""
        ...

    async def record(self, kind: Kind, key: str) -> Found | Lost:
        """One record by a direct read, with those that come along with it. Raises Unreadable."""
        ...

    def incomplete(self, record: Record) -> bool:
        """Whether values of the record were cut short and `complete` has something to do."""
        ...

    def stands(self, held: Json, record: Record) -> bool:
        """Whether the whole values of `held` still are what `record`, cut short, shows. Makes no request."""
        ...

    async def complete(self, record: Record) -> tuple[Record, int]:
        """The record with all values whole, and the least number of requests for that. Raises Unreadable."""
        ...

    async def comments(self, page: str, cursor: str | None) -> Listed:
        """The next answer about the open comments of a page."""
        ...
