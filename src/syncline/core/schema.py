"""The two schemas a mapping stands between: what a database says of its tables, and Notion of its databases."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from syncline.core.mapped_values import ColumnType

__all__ = ["Catalogue", "CatalogueTable", "Column", "ForeignKey", "NotionSchema", "Property"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `declared` is its type as the database writes it; `options` are the labels of an enum.

    `computed` is a column nobody can write; `filled` one that fills itself (a default, a serial).
    """

    name: str
    type: ColumnType
    declared: str = ""
    nullable: bool = True
    options: tuple[str, ...] = ()
    computed: bool = False
    filled: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`column` holds a value of `other_column` of the table `other`."""

    column: str
    other: str
    other_column: str


@dataclass(frozen=True)
class CatalogueTable:
    """A table, a view, or what a query answers. `name` has its schema in front where it is not the default one.

    `unique` are the sets of columns of which each is unique, the primary key first where there is one.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    view: bool = False

    def column(self, name: str) -> Column | None:
        """The column of this name."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}


@dataclass(frozen=True)
class Catalogue:
    """The tables of a database. `dialect` is ``postgresql`` or ``sqlite``."""

    dialect: str
    tables: tuple[CatalogueTable, ...]

    def table(self, name: str) -> CatalogueTable | None:
        """The table of this name."""
        return next((table for table in self.tables if table.name == name), None)


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a Notion database. `id` survives a rename; `type` is Notion's word.

    `options` are those of a select, multi-select or status; `target` the data source a relation leads to.
    """

    id: str
    name: str
    type: str
    options: tuple[str, ...] = ()
    target: str | None = None


@dataclass(frozen=True)
class NotionSchema:
    """A Notion database with the one data source that is mapped. `parent` is the page it is on, None where that is not known."""

    database: str
    data_source: str
    title: str
    properties: tuple[Property, ...]
    parent: str | None = None

    def named(self, name: str) -> Property | None:
        """The property of this name."""
        return self._by_name.get(name)

    @property
    def title_property(self) -> Property:
        """The property that is a page's title; every database has one."""
        return next(each for each in self.properties if each.type == "title")

    @cached_property
    def _by_name(self) -> Mapping[str, Property]:
        return {each.name: each for each in self.properties}
