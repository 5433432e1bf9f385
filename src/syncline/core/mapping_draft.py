"""A first mapping, from what both sides say of themselves. What was guessed is said beside it, for a person to decide.

Tables and databases, columns and properties belong together where their names are alike; nothing is mapped that could not be pushed.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Named
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Final

from syncline.core.mapped_values import READ_ONLY, ColumnType, PropertyType
from syncline.core.mapping import Key, LinkTable, MappedColumn, MappedTable, Mapping, Target
from syncline.core.schema import Catalogue, CatalogueTable, Column, NotionSchema, Property

__all__ = ["Draft", "draft"]

_ALIKE: Final = 0.6
"""How like two names must be to be taken for one: 1 is equal."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A mapping and what is to be said of it: of the whole, by table, and by table and column."""

    mapping: Mapping
    notes: tuple[str, ...] = ()
    of_tables: Named[str, tuple[str, ...]] = field(default_factory=dict)
    of_columns: Named[tuple[str, str], str] = field(default_factory=dict)

    @property
    def unsure(self) -> int:
        """How many guesses a person is to look at."""
        said = [*self.of_columns.values(), *(note for notes in self.of_tables.values() for note in notes)]
        return sum(each.startswith("unsure") for each in said)


def draft(
    catalogue: Catalogue,
    schemas: Sequence[NotionSchema],
    *,
    name: str,
    url: str,
    under: str | None = None,
) -> Draft:
    """Pair tables with databases. Tables without one get a new one on the page `under`, or are left out if that is None."""
    links = {table.name for table in catalogue.tables if _is_link(table)}
    tables = [table for table in catalogue.tables if table.name not in links]
    pairs = _pairs(tables, schemas)
    chosen = [table for table in tables if (table.name in pairs or under is not None) and _key(table)]
    named = {table.name: _plain(table.name) for table in chosen}
    drafts = [_Drafting(table, pairs, catalogue, named, under).drafted() for table in chosen]
    left = [table.name for table in catalogue.tables if table.name not in named and table.name not in links]
    unused = [each.title for each in schemas if each not in pairs.values()]
    notes = [f"not mapped, for want of a database or of a key column: {', '.join(left)}"] if left else []
    if unused:
        notes.append(f"databases without a table: {', '.join(unused)}")
    return Draft(
        Mapping(name=name, url=url, tables=tuple(each.table for each in drafts)),
        tuple(notes),
        {each.table.name: each.notes for each in drafts if each.notes},
        {(each.table.name, column): said for each in drafts for column, said in each.columns.items()},
    )


@dataclass(frozen=True, slots=True)
class _Drafted:
    table: MappedTable
    notes: tuple[str, ...]
    columns: dict[str, str]


class _Drafting:
    """One table on its way into a mapping. `named` are the names of all mapped tables by their tables' names."""

    def __init__(
        self,
        table: CatalogueTable,
        pairs: Named[str, NotionSchema],
        catalogue: Catalogue,
        named: Named[str, str],
        under: str | None,
    ) -> None:
        self.table = table
        self.schema = pairs.get(table.name)
        self.pairs = pairs
        self.catalogue = catalogue
        self.named = named
        self.under = under
        self.notes: list[str] = []
        self.said: dict[str, str] = {}
        self.taken: set[str] = set()

    def drafted(self) -> _Drafted:
        """The table's part of the mapping."""
        key = _key(self.table)
        assert key is not None
        if self.schema is None:
            self.notes.append(
                "no database is called like this: `syncline mapping check --create` makes a new one"
            )
        elif _same(self.schema.title, self.table.name):
            self.notes.append(f"the database {self.schema.title}")
        else:
            self.notes.append(
                f"unsure: the database {self.schema.title} is only like it by its name or properties"
            )
        if (key,) != self.table.primary_key:
            self.notes.append(f"unsure: {key} was taken for the key because it is unique")
        title = self._title(key)
        columns = [
            self._column(each, title) for each in self.table.columns if each.name != key or title == key
        ]
        columns += self._links()
        changed = next((each.name for each in self.table.columns if _is_changed(each)), None)
        mapped = MappedTable(
            name=self.named[self.table.name],
            table=self.table.name,
            database=self._target(),
            key=Key(key, self._key_property()),
            columns=tuple(each for each in columns if each is not None),
            changed=changed,
        )
        return _Drafted(mapped, tuple(self.notes), self.said)

    def _target(self) -> Target:
        if self.schema is not None:
            return Target(id=self.schema.data_source)
        return Target(name=_titled(self.table.name), under=self.under)

    def _key_property(self) -> str:
        for each in self.schema.properties if self.schema else ():
            if _same(each.name, "External ID") and each.type in {"rich_text", "number", "title"}:
                return each.name
        return "External ID"

    def _title(self, key: str) -> str:
        """The column that is the pages' title."""
        names = [each.name for each in self.table.columns if each.type in {ColumnType.TEXT, ColumnType.ANY}]
        wanted = [self.schema.title_property.name] if self.schema else []
        for like in (*wanted, "name", "title", "label", "subject"):
            found = next((name for name in names if _same(name, like)), None)
            if found is not None:
                return found
        found = next((name for name in names if name != key), key)
        self.said[found] = "unsure: taken for the title"
        return found

    def _column(self, column: Column, title: str) -> MappedColumn | None:
        if _is_changed(column):
            return None
        if column.type in {ColumnType.BYTES, ColumnType.OTHER}:
            self.notes.append(
                f"{column.name} is left out: no property can hold {column.declared or column.type}"
            )
            return None
        if column.name == title:
            name = self.schema.title_property.name if self.schema else "Name"
            self.taken.add(name)
            return MappedColumn(column.name, name, PropertyType.TITLE)
        other = next((each.other for each in self.table.foreign_keys if each.column == column.name), None)
        if other is not None:
            return self._reference(column, other)
        found = self._property(column.name)
        return self._guess(column) if found is None else self._known(column, found)

    def _reference(self, column: Column, other: str) -> MappedColumn | None:
        if other not in self.named:
            self.notes.append(f"{column.name} is left out: it refers to {other}, which is not mapped")
            return None
        like = column.name.removesuffix("_id")
        found = self._property(like, kind="relation") or self._leading_to(other)
        if found is not None and not _same(found.name, like):
            self.said[column.name] = "unsure: taken because it leads to that database"
        name = found.name if found else _titled(like)
        return MappedColumn(column.name, name, PropertyType.RELATION, relation=self.named[other])

    def _links(self) -> Iterator[MappedColumn]:
        """What link tables say of this one."""
        for table in self.catalogue.tables:
            ends = {each.other: each.column for each in table.foreign_keys}
            if not _is_link(table) or self.table.name not in ends:
                continue
            for other, column in ends.items():
                if other != self.table.name and other in self.named:
                    found = self._property(other, kind="relation")
                    yield MappedColumn(
                        table.name,
                        found.name if found else _titled(other),
                        PropertyType.RELATION,
                        relation=self.named[other],
                        through=LinkTable(table.name, ends[self.table.name], column),
                    )

    def _property(self, like: str, kind: str | None = None) -> Property | None:
        """The property called like this that nothing is mapped to yet."""
        for each in self.schema.properties if self.schema else ():
            if _same(each.name, like) and each.name not in self.taken and kind in {None, each.type}:
                self.taken.add(each.name)
                return each
        return None

    def _leading_to(self, other: str) -> Property | None:
        """The one relation that leads to the database of the table `other` and to which nothing is mapped yet."""
        target = self.pairs.get(other)
        found = [
            each
            for each in (self.schema.properties if self.schema and target else ())
            if each.type == "relation"
            and target
            and each.target == target.data_source
            and each.name not in self.taken
        ]
        if len(found) != 1:
            return None
        self.taken.add(found[0].name)
        return found[0]

    def _known(self, column: Column, found: Property) -> MappedColumn | None:
        if found.type in READ_ONLY or found.type not in set(PropertyType) or found.type == "relation":
            self.notes.append(
                f"{column.name} is left out: {found.name} is a {found.type}, which is not written"
            )
            return None
        return MappedColumn(column.name, found.name, PropertyType(found.type))

    def _guess(self, column: Column) -> MappedColumn:
        kind, sure = _kind(column)
        if not sure:
            self.said[column.name] = "unsure: guessed from the name"
        elif self.schema is not None:
            self.said[column.name] = "there is no such property: --create adds it"
        return MappedColumn(column.name, _titled(column.name), kind, column.options)


_BY_TYPE: Final[Named[ColumnType, PropertyType]] = {
    ColumnType.INTEGER: PropertyType.NUMBER,
    ColumnType.NUMERIC: PropertyType.NUMBER,
    ColumnType.FLOAT: PropertyType.NUMBER,
    ColumnType.BOOLEAN: PropertyType.CHECKBOX,
    ColumnType.DATE: PropertyType.DATE,
    ColumnType.TIME: PropertyType.DATE,
    ColumnType.ZONED_TIME: PropertyType.DATE,
    ColumnType.LIST: PropertyType.MULTI_SELECT,
    ColumnType.ENUM: PropertyType.SELECT,
}
_COMMON: Final = frozenset({"id", "name", "title", "externalid"})
"""Every table may have these, so they tell nothing."""

_BY_NAME: Final[tuple[tuple[PropertyType, tuple[str, ...]], ...]] = (
    (PropertyType.EMAIL, ("email", "mail")),
    (PropertyType.URL, ("url", "link", "website", "homepage")),
    (PropertyType.PHONE_NUMBER, ("phone", "mobile", "tel")),
    (
        PropertyType.SELECT,
        ("status", "state", "category", "type", "kind", "role", "priority", "subsystem", "stage"),
    ),
    (PropertyType.MULTI_SELECT, ("tags", "labels")),
)


def _kind(column: Column) -> tuple[PropertyType, bool]:
    """The property a column is likely to be, and whether its type says so rather than its name."""
    known = _BY_TYPE.get(column.type)
    if known is not None:
        return known, True
    words = column.name.casefold().split("_")
    for kind, names in _BY_NAME:
        if any(word in names for word in words):
            return kind, False
    return PropertyType.RICH_TEXT, True


def _is_changed(column: Column) -> bool:
    return column.type in {ColumnType.TIME, ColumnType.ZONED_TIME} and column.name.casefold() in {
        "updated_at",
        "modified_at",
        "changed_at",
        "last_modified",
        "updated",
        "modified",
    }


def _key(table: CatalogueTable) -> str | None:
    """The one column that identifies a row; a view has none that is known."""
    return next((columns[0] for columns in table.unique if len(columns) == 1), None)


def _is_link(table: CatalogueTable) -> bool:
    """A table that only pairs rows of two others."""
    references = {each.column for each in table.foreign_keys}
    rest = [each for each in table.columns if each.name not in references and not each.filled]
    return len(table.foreign_keys) == 2 and not rest and _key(table) not in references


def _plain(name: str) -> str:
    return name.rpartition(".")[2]


def _titled(name: str) -> str:
    return " ".join(word.capitalize() for word in _plain(name).split("_") if word)


def _folded(name: str) -> str:
    letters = "".join(each for each in _plain(name).casefold() if each.isalnum())
    return letters.removesuffix("s")


def _same(one: str, other: str) -> bool:
    return _folded(one) == _folded(other)


def _pairs(tables: Iterable[CatalogueTable], schemas: Sequence[NotionSchema]) -> dict[str, NotionSchema]:
    """Each table with the database most like it; a database belongs to one table."""
    scored = [
        (_likeness(table, schema), table.name, position)
        for table in tables
        for position, schema in enumerate(schemas)
    ]
    found: dict[str, NotionSchema] = {}
    used: set[int] = set()
    for score, name, position in sorted(scored, key=lambda each: (-each[0], each[1], each[2])):
        if score >= _ALIKE and name not in found and position not in used:
            found[name] = schemas[position]
            used.add(position)
    return found


def _likeness(table: CatalogueTable, schema: NotionSchema) -> float:
    """How like the names are, and how many of the columns have a property of their name."""
    name = SequenceMatcher(None, _folded(table.name), _folded(schema.title)).ratio()
    properties = {_folded(each.name) for each in schema.properties if each.type != "title"} - _COMMON
    columns = {_folded(each.name.removesuffix("_id")) for each in table.columns} - _COMMON
    fewer = min(len(properties), len(columns))
    shared = len(properties & columns) / fewer if fewer > 1 else 0.0
    return max(name, (name + shared) / 2 + shared / 4)
