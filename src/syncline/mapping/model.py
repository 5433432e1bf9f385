"""The shape of a mapping file, and what it means: each part is checked by itself, then what refers to another.

Nothing here looks at a file, a database or Notion.
"""

import re
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import (
    PAGE_ID,
    ConflictPolicy,
    DeletePolicy,
    Deletes,
    Direction,
    Exclusion,
    Key,
    Limits,
    LinkTable,
    MappedColumn,
    MappedTable,
    Mapping,
    Pace,
    Target,
)
from syncline.notion.errors import MalformedId
from syncline.notion.objects import parse_id

__all__ = [
    "ENV",
    "ColumnPart",
    "DeletesPart",
    "ExclusionPart",
    "KeyPart",
    "LimitsPart",
    "LinkPart",
    "MappingFile",
    "NotionPlace",
    "PacePart",
    "TablePart",
]

ENV: Final = "env:"
"""What begins a `database` that is the name of an environment variable."""
_PASSWORD: Final = re.compile(r"://[^/@]*:[^/@]+@|[?&]password=", re.IGNORECASE)


def _id(text: str) -> str:
    try:
        return parse_id(text)
    except MalformedId as error:
        raise ValueError(f"{error}") from None


def _zone(name: str) -> str:
    try:
        return str(ZoneInfo(name))
    except (ValueError, KeyError, OSError):
        raise ValueError(f"{name!r} is no time zone: write one such as Europe/Paris") from None


def _place(url: str) -> str:
    if _PASSWORD.search(url):
        raise ValueError(
            "a password does not belong into a file: put the URL into a variable and write env:ITS_NAME"
        )
    if not url.startswith((ENV, "sqlite:///", "postgresql://", "postgres://")) or url == ENV:
        raise ValueError("write env:NAME_OF_A_VARIABLE, sqlite:///PATH or postgresql://HOST/NAME")
    return url


NotionId = Annotated[str, AfterValidator(_id)]
Name = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NotionPlace(_Part):
    """Which Notion database: by id, by name, or by name among those on a page."""

    id: NotionId | None = Field(default=None, description="The id or URL of the database or data source.")
    name: Name | None = Field(default=None, description="Its title, where no id is given.")
    under: NotionId | None = Field(
        default=None, description="The id or URL of the page that it, or a linked view of it, stands on."
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.id is None and self.name is None and self.under is None:
            raise ValueError("give the id of the database, or its name")
        if self.id is not None and (self.name is not None or self.under is not None):
            raise ValueError("an id says it all: leave out name and under")
        return self


class KeyPart(_Part):
    """The column that identifies a row, and the property that holds its value."""

    column: Name
    property: Name = Field(default="External ID", description=f"A property, or {PAGE_ID} for the page's id.")


class LinkPart(_Part):
    """A table with one row for each pair of a relation that has many."""

    table: Name
    own: Name = Field(description="The column that refers to this table's key.")
    other: Name = Field(description="The column that refers to the other table's key.")


class ColumnPart(_Part):
    """The property that a column is."""

    property: Name
    type: PropertyType
    options: tuple[Name, ...] = Field(default=(), description="The options a select should have.")
    add_options: bool = Field(default=False, description="Whether a push may add an option that is missing.")
    table: Name | None = Field(default=None, description="Of a relation: the mapped table it leads to.")
    through: LinkPart | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.type is PropertyType.RELATION and self.table is None:
            raise ValueError("a relation names the mapped table that it leads to: add table = …")
        if self.type is not PropertyType.RELATION and (self.table or self.through):
            raise ValueError("only a relation has table and through")
        return self


class DeletesPart(_Part):
    """What becomes of pages whose row is gone."""

    policy: DeletePolicy = DeletePolicy.IGNORE
    threshold: float = Field(
        default=0.2, ge=0, le=1, description="The share of pages above which a run stops instead."
    )
    property: Name = Field(default="Deleted", description="The checkbox that policy flag sets.")


class ExclusionPart(_Part):
    """Rows whose column has one of these values are left out."""

    column: Name
    values: tuple[str, ...] = Field(min_length=1)


class TablePart(_Part):
    """One table or query, and its Notion database."""

    name: Name = Field(description="What this table is called in the mapping and in reports.")
    notion: NotionPlace
    table: Name | None = Field(default=None, description="The table; its name above where left out.")
    query: Name | None = Field(default=None, description="A SELECT in place of a table; for direction push.")
    key: KeyPart
    columns: dict[Name, ColumnPart] = Field(min_length=1, description="Column → property.")
    direction: Direction = Direction.PUSH
    conflicts: ConflictPolicy = ConflictPolicy.DATABASE
    deletes: DeletesPart = DeletesPart()
    match: tuple[Name, ...] = Field(default=(), description="Columns by which a page without a key is found.")
    where: Name | None = Field(default=None, description="A condition in SQL.")
    changed: Name | None = Field(default=None, description="The column with the time of the last change.")
    body: Name | None = Field(default=None, description="The column with the page's Markdown.")
    exclude: tuple[ExclusionPart, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        properties = [each.property for each in self.columns.values()]
        twice = sorted({name for name in properties if properties.count(name) > 1})
        unmapped = [name for name in self.match if name not in self.columns]
        for wrong, sentence in (
            (self.table is not None and self.query is not None, "give a table or a query, not both"),
            (self.query is not None and self.direction is not Direction.PUSH, "a query can only be pushed"),
            (twice, f"the property {', '.join(twice)} is mapped twice"),
            (unmapped, f"match names {', '.join(unmapped)}, which is not among the columns"),
            (
                self.conflicts is ConflictPolicy.NEWEST and self.changed is None,
                "conflicts = newest needs the column with the time of the last change: add changed = …",
            ),
            (
                self.deletes.policy is DeletePolicy.FLAG and self.direction is Direction.PULL,
                "deletes.policy = flag flags pages, and direction pull writes none: choose ignore or trash",
            ),
            (
                self.key.property == PAGE_ID and self.direction is not Direction.PULL,
                f"{PAGE_ID} can be the key only for direction pull: a page's id is Notion's to give",
            ),
        ):
            if wrong:
                raise ValueError(sentence)
        return self


class LimitsPart(_Part):
    """What Notion may hold, where you know it."""

    rows: int | None = Field(default=None, ge=1, description="The most rows of one database.")
    blocks: int | None = Field(default=None, ge=1, description="The most blocks of the workspace.")


class PacePart(_Part):
    """How often Notion is asked, in seconds, while the mapping is kept up to date."""

    every: float = Field(default=60.0, ge=1, description="Between two looks for pages that were edited.")
    whole: float = Field(
        default=3600.0,
        ge=1,
        description="Between two that read Notion whole, which finds what went to its trash.",
    )


class MappingFile(_Part):
    """A Syncline mapping: which tables are which Notion databases."""

    name: Name | None = Field(
        default=None, description="What runs are called; the file's name where left out."
    )
    database: Annotated[str, AfterValidator(_place)] = Field(
        description="env:NAME for the URL in that variable, or sqlite:///PATH relative to this file."
    )
    connection: Name | None = Field(
        default=None, description="The Notion connection, where there are several."
    )
    protected: tuple[NotionId, ...] = Field(
        default=(), description="Pages, with all below them, that are never written."
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="The zone of columns that keep a time without one."
    )
    limits: LimitsPart = LimitsPart()
    pace: PacePart = PacePart()
    tables: tuple[TablePart, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _refers(self) -> Self:
        names = [table.name for table in self.tables]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two tables are called {', '.join(twice)}")
        for table in self.tables:
            for name, column in table.columns.items():
                if column.table is not None and column.table not in names:
                    raise ValueError(
                        f"the relation {table.name}.{name} leads to {column.table}, which is not mapped here: map it, or leave the column out"
                    )
        return self

    def mapping(self, *, name: str) -> Mapping:
        """What the file means. `name` is used where it has none."""
        return Mapping(
            name=self.name or name,
            url=self.database,
            tables=tuple(_table(table) for table in self.tables),
            connection=self.connection,
            protected=self.protected,
            limits=Limits(self.limits.rows, self.limits.blocks),
            zone=self.time_zone,
            pace=Pace(self.pace.every, self.pace.whole),
        )


def _table(part: TablePart) -> MappedTable:
    kept = ("name", "query", "direction", "conflicts", "match", "where", "changed", "body")
    return MappedTable(
        **{name: getattr(part, name) for name in kept},
        table=part.table if part.query is not None else part.table or part.name,
        database=Target(part.notion.id, part.notion.name, part.notion.under),
        key=Key(part.key.column, part.key.property),
        columns=tuple(_column(name, column) for name, column in part.columns.items()),
        deletes=Deletes(part.deletes.policy, part.deletes.threshold, part.deletes.property),
        exclude=tuple(Exclusion(each.column, each.values) for each in part.exclude),
    )


def _column(name: str, part: ColumnPart) -> MappedColumn:
    link = part.through
    return MappedColumn(
        column=name,
        property=part.property,
        type=part.type,
        options=part.options,
        add_options=part.add_options,
        relation=part.table,
        through=LinkTable(link.table, link.own, link.other) if link else None,
    )
