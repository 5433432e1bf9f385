"""A mapping: which table or query of a database is which Notion database, column by column.

    Mapping ── tables ──▶ MappedTable ── database ──▶ Target      where in Notion
                                      ── key ──────▶ Key          which column identifies a row
                                      ── columns ──▶ MappedColumn column ↔ property
                                      ── deletes ──▶ Deletes      what becomes of pages whose row is gone

It says what is meant and not what is there: `core.mapping_check` compares the two. Within it tables are known by their
`name`, columns and properties by the names their owners gave them. `mapping.file` reads it from a file.
"""

from collections.abc import Mapping as Named
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from syncline.core.mapped_values import PropertyType, Value

__all__ = [
    "PAGE_ID",
    "ConflictPolicy",
    "DeletePolicy",
    "Deletes",
    "Direction",
    "Exclusion",
    "Key",
    "Limits",
    "LinkTable",
    "MappedColumn",
    "MappedTable",
    "Mapping",
    "Pace",
    "Row",
    "Target",
]

PAGE_ID = "@id"
"""In the place of a property's name: the id of the page itself."""


class Direction(StrEnum):
    """Which side follows which."""

    PUSH = "push"
    """Notion follows the database."""
    PULL = "pull"
    """The database follows Notion."""
    BOTH = "both"
    """Each follows the other; see `ConflictPolicy`."""


class ConflictPolicy(StrEnum):
    """Who is right where one property was changed on both sides."""

    DATABASE = "database"
    NOTION = "notion"
    NEWEST = "newest"
    """Whoever changed last; needs `MappedTable.changed`, the column with a row's time of change."""
    MANUAL = "manual"
    """Nobody: the conflict waits for a person."""


class DeletePolicy(StrEnum):
    """What becomes of a page whose row is gone."""

    IGNORE = "ignore"
    """It stays as it is."""
    FLAG = "flag"
    """Its property `Deletes.flag`, a checkbox, is set."""
    TRASH = "trash"
    """It goes to Notion's trash."""


@dataclass(frozen=True, slots=True)
class Target:
    """A Notion database: by `id`, else by `name`, with `under` only directly below that page or on it.

    `id` and `under` are ids with hyphens. `id` is that of a database or of one of its data sources.
    """

    id: str | None = None
    name: str | None = None
    under: str | None = None

    def __str__(self) -> str:
        place = f" under {self.under}" if self.under else ""
        return f"{self.id or self.name}{place}"


@dataclass(frozen=True, slots=True)
class Key:
    """The column that identifies a row, and the property that holds its value on the page; `PAGE_ID` for the page's id."""

    column: str
    property: str = "External ID"


@dataclass(frozen=True, slots=True)
class LinkTable:
    """Where a relation has many: a table with one row for each pair. `own` refers to our row's key, `other` to the other's."""

    table: str
    own: str
    other: str


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """A column and the property that shows it.

    `relation` names the mapped table whose keys a column of type relation holds; then `column` is one key, or an array or
    a JSON list of keys, or `through` says where they are (and `column` only names it). A people column holds an e-mail address, or several
    like a relation. `options` are the choices of a select or multi-select, where they are not left to Notion; `add_options`
    lets a push add what is missing.
    """

    column: str
    property: str
    type: PropertyType
    options: tuple[str, ...] = ()
    add_options: bool = False
    relation: str | None = None
    through: LinkTable | None = None


@dataclass(frozen=True, slots=True)
class Deletes:
    """What becomes of pages whose row is gone; `threshold` is the share of pages above which a run stops instead."""

    policy: DeletePolicy = DeletePolicy.IGNORE
    threshold: float = 0.2
    flag: str = "Deleted"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Rows whose `column` has one of `values`, as text, are left out."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MappedTable:
    """One table (`table`, with its schema where it is not the default) or one `query`, and its Notion database.

    `match` are columns by whose properties a page without a key is found: name and subsystem, say. `where` is a condition
    in SQL. `changed` is the column with the time of a row's last change. `body` is the column with the page's Markdown.
    """

    name: str
    database: Target
    key: Key
    columns: tuple[MappedColumn, ...]
    table: str | None = None
    query: str | None = None
    direction: Direction = Direction.PUSH
    conflicts: ConflictPolicy = ConflictPolicy.DATABASE
    deletes: Deletes = Deletes()
    match: tuple[str, ...] = ()
    where: str | None = None
    changed: str | None = None
    body: str | None = None
    exclude: tuple[Exclusion, ...] = ()

    @property
    def relations(self) -> tuple[MappedColumn, ...]:
        """The columns that refer to other mapped tables, or to this one."""
        return tuple(column for column in self.columns if column.relation is not None)

    @property
    def properties(self) -> tuple[str, ...]:
        """Every property that is mapped, the key's last."""
        named = tuple(column.property for column in self.columns)
        return named if self.key.property in (*named, PAGE_ID) else (*named, self.key.property)

    def column(self, name: str) -> MappedColumn | None:
        """What the column `name` is mapped to."""
        return next((each for each in self.columns if each.column == name), None)

    def of_property(self, name: str) -> MappedColumn | None:
        """What the property `name` is mapped to; None also for the key's where no column shows it."""
        return next((each for each in self.columns if each.property == name), None)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a Notion database may hold, where that is known to its owner: `rows` in one database, `blocks` in the workspace.

    Notion's free plan for teams of two or more allows 1,000 blocks: https://www.notion.com/help/understanding-block-usage
    """

    rows: int | None = None
    blocks: int | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Of a mapping that is kept up to date: seconds between two looks at Notion, and between two that read it whole.

    Only a whole one finds what went to Notion's trash.
    """

    every: float = 60.0
    whole: float = 3600.0


@dataclass(frozen=True)
class Mapping:
    """A whole mapping file.

    `url` is where the database is: ``env:NAME`` (the address is in that variable) or ``sqlite:///PATH``. `connection` is the name or
    id of the connection, None where there is only one. `protected` are ids of pages nothing is ever written to.
    `zone` is the IANA time zone of columns that keep a time without one.
    """

    name: str
    url: str
    tables: tuple[MappedTable, ...]
    connection: str | None = None
    protected: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    zone: str = "UTC"
    pace: Pace = Pace()

    def table(self, name: str) -> MappedTable:
        """The table of this name. Raises KeyError."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, MappedTable]:
        return {table.name: table for table in self.tables}


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the mapping sees it.

    `values` are by property name, in the forms of `core.mapped_values`: a relation is the keys of the other rows, people
    are e-mail addresses. `problems` names the properties whose value cannot be one of their type, each with a
    sentence; these are not in `values`. `excluded` says why the row is left out.
    """

    key: str
    values: Named[str, Value]
    body: str | None = None
    changed_at: datetime | None = None
    problems: Named[str, str] = field(default_factory=dict)
    excluded: str | None = None
