"""What a check of a mapping starts from and comes to: facts about both sides, and findings."""

from collections.abc import Iterable
from collections.abc import Mapping as Named
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import Direction, MappedTable, Mapping
from syncline.core.schema import CatalogueTable, NotionSchema

__all__ = [
    "Creation",
    "Facts",
    "Finding",
    "Inventory",
    "Level",
    "NewDatabase",
    "NewOptions",
    "NewProperty",
    "Seen",
    "instead",
    "some",
]

_SHOWN: Final = 5
_NAMED: Final = 20


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """Nothing can be pushed or pulled before it is mended."""
    WARNING = "warning"
    """Some rows or values will be left out."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class NewDatabase:
    """A database to be made on the page `under`, with all the properties that are mapped."""

    table: str
    title: str
    under: str
    properties: tuple["NewProperty", ...]


@dataclass(frozen=True, slots=True)
class NewProperty:
    """A property to be added to the database of `table`; `target` is the mapped table a relation leads to."""

    table: str
    name: str
    type: PropertyType
    options: tuple[str, ...] = ()
    target: str | None = None


@dataclass(frozen=True, slots=True)
class NewOptions:
    """Options to be added to a select, multi-select or status."""

    table: str
    property: str
    options: tuple[str, ...]


Creation = NewDatabase | NewProperty | NewOptions


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not fit: in which table, what (a column, a property), one sentence, and what to do."""

    level: Level
    table: str
    item: str
    sentence: str
    fix: str = ""
    creation: Creation | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What one reading of all rows of a table showed.

    `options` are the choices in use by property; `keys` all keys; `referred` the keys each relation names, by property;
    `people` the e-mail addresses; `problems` by property how many values cannot be, and the first sentence about one.
    """

    rows: int = 0
    duplicates: tuple[str, ...] = ()
    unkeyed: int = 0
    keys: frozenset[str] = frozenset()
    options: Named[str, frozenset[str]] = field(default_factory=dict)
    referred: Named[str, frozenset[str]] = field(default_factory=dict)
    people: frozenset[str] = frozenset()
    problems: Named[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is, by the name of the mapped table.

    `schemas` lacks the databases that were not found; `missing` says of these why. `people` are the addresses of
    the workspace's members, None if nobody was asked for.
    """

    tables: Named[str, CatalogueTable | None]
    known_tables: tuple[str, ...]
    schemas: Named[str, NotionSchema]
    missing: Named[str, str]
    inventories: Named[str, Inventory]
    people: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One mapped table with all that is known of it; makes findings about it."""

    mapping: Mapping
    facts: Facts
    mapped: MappedTable
    table: CatalogueTable
    schema: NotionSchema | None
    inventory: Inventory

    @property
    def writes_notion(self) -> bool:
        """Whether rows become pages."""
        return self.mapped.direction is not Direction.PULL

    @property
    def writes_table(self) -> bool:
        """Whether pages become rows."""
        return self.mapped.direction is not Direction.PUSH

    def error(self, item: str, sentence: str, fix: str = "", creation: Creation | None = None) -> Finding:
        """What keeps the table from being synced."""
        return Finding(Level.ERROR, self.mapped.name, item, sentence, fix, creation)

    def warning(self, item: str, sentence: str, fix: str = "") -> Finding:
        """What keeps some rows or values out."""
        return Finding(Level.WARNING, self.mapped.name, item, sentence, fix)


def instead(name: str, known: Iterable[str]) -> str:
    """What the name may have been meant to be, or what there is."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"there are {', '.join(names[:_NAMED])}" if names else "there are none"


def some(names: Iterable[str]) -> str:
    """The first of the names, and how many more there are."""
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more
