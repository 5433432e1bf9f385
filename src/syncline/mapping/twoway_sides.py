"""The two sides of a merge as it needs them: the rows of one table and the pages of one Notion database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from syncline.core.mapped_values import Value
from syncline.core.mapping import Row
from syncline.core.pair import Presence, Version
from syncline.core.schema import NotionSchema

__all__ = ["PageState", "Pages", "Places", "Rows"]


@dataclass(frozen=True, slots=True)
class PageState:
    """A page as Notion showed it last. `version` is None where Notion shows nothing; its relations are ids of pages.

    `presumed`: it was not asked for, since it was not edited; it is what was agreed on, relations as keys.
    """

    page: str
    key: str | None
    version: Version | None
    presence: Presence = Presence.PRESENT
    presumed: bool = False


class Rows(Protocol):
    """The rows of one table. Each method is one transaction; Skip is raised for a value that the database refuses."""

    async def read(self, keys: Collection[str] | None = None) -> dict[str, Row]:
        """All rows, or those of `keys` that are there."""
        ...

    async def reserve(self, page: str, *, taken: Collection[str]) -> str:
        """A key that no row has, and none of `taken`, for the row of a page without one."""
        ...

    async def pretend(self, page: str, *, taken: Collection[str]) -> str:
        """A key such as `reserve` gives, without taking it."""
        ...

    def check(self, values: Mapping[str, Value], *, key: str | None = None) -> None:
        """Raises Skip for values that the table's columns cannot hold, or that `key` cannot be one."""
        ...

    async def insert(self, key: str, values: Mapping[str, Value]) -> Row | None:
        """Make a row; as it then is, or None if there is one of this key."""
        ...

    async def update(self, seen: Row, values: Mapping[str, Value]) -> Row | None:
        """Change a row that still is as it was `seen`; as it then is, or None if it is not."""
        ...

    async def delete(self, seen: Row) -> bool:
        """Delete a row that still is as it was `seen`; False if it is not."""
        ...


class Pages(Protocol):
    """The pages of one database. Skip is raised for a value that Notion refuses; relations are given as ids of pages."""

    @property
    def stale(self) -> bool:
        """Whether a page lacked a property, so that the database is not what `schema` says."""
        ...

    @property
    def schema(self) -> NotionSchema:
        """What is known of the database."""
        ...

    async def index(self, *, since: datetime | None = None) -> Sequence[PageState]:
        """Every page that is there, or that was edited at `since` or later."""
        ...

    async def find(self, key: str) -> Sequence[PageState]:
        """The pages that have this key."""
        ...

    async def one(self, page: str) -> PageState:
        """One page, wherever it is."""
        ...

    async def check(self, values: Mapping[str, Value], *, places: "Places") -> None:
        """Raises Skip for values that Notion would refuse, as far as that can be told without asking it to take them."""
        ...

    async def create(self, key: str, values: Mapping[str, Value]) -> PageState:
        """Make the page of `key`. An outcome that is unknown is read back by the key before it is made again."""
        ...

    async def update(self, page: str, values: Mapping[str, Value], *, restore: bool = False) -> PageState:
        """Change a page, with `restore` out of the trash; as Notion then shows it."""
        ...

    async def flag(self, page: str, name: str) -> PageState:
        """Tick the box `name` of a page whose row is gone."""
        ...

    async def trash(self, page: str) -> PageState:
        """Move a page to the trash; as Notion then shows it."""
        ...


@dataclass(slots=True)
class Places:
    """Which page is which row, for the tables that relations lead to: what is on both sides and nothing else."""

    pages: dict[str, dict[str, str]] = field(default_factory=dict)
    """table → key → page"""
    keys: dict[str, dict[str, str]] = field(default_factory=dict)
    """table → page → key"""

    def replace(self, table: str, pages: Mapping[str, str]) -> None:
        """All rows of a table that have a page."""
        self.pages[table] = dict(pages)
        self.keys[table] = {page: key for key, page in pages.items()}

    def add(self, table: str, key: str, page: str) -> None:
        """A row that has its page."""
        self.pages.setdefault(table, {})[key] = page
        self.keys.setdefault(table, {})[page] = key

    def remove(self, table: str, key: str) -> None:
        """A row that lost one of its sides."""
        page = self.pages.get(table, {}).pop(key, None)
        if page is not None:
            self.keys[table].pop(page, None)
