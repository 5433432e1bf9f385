"""Decides how a typed table follows its data source: which tables and columns appear, change name, or go.

Names are given once and kept: a table or column is bound to Notion's id (in `_syncline_tables` and
`_syncline_columns`) and takes a new name only when its title changes. A column whose type changes keeps its name and is filled
again from the raw JSON. A deleted property's column goes: the table mirrors Notion as it is, and a column
that silently stops changing would be worse than one that is missed. Nothing here touches a database.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from syncline.destinations.sql_columns import COLUMNS, Shape, computed, shape
from syncline.destinations.sql_names import MAX_IDENTIFIER, free, identifier
from syncline.notion.values import Property

__all__ = [
    "KEY",
    "AddColumn",
    "Binding",
    "CreateLinks",
    "CreateTable",
    "DropColumn",
    "DropTable",
    "Plan",
    "RenameColumn",
    "RenameTable",
    "Step",
    "TableBinding",
    "dropped",
    "planned",
    "reshaped",
]

KEY = "page_id"
"""The primary key of every typed table."""

_TEMPORARY = "syncline_moving_"


@dataclass(frozen=True, slots=True)
class Binding:
    """A property of a data source and how it is held: under `name` in columns, or in the table `links`."""

    property_id: str
    title: str
    type: str
    shape: Shape
    name: str
    links: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(self.name + suffix for suffix, _ in COLUMNS[self.shape])


@dataclass(frozen=True, slots=True)
class TableBinding:
    """A data source and its table."""

    data_source_id: str
    title: str
    name: str
    columns: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Create a typed table with nothing but its key."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateLinks:
    """Create a link table."""

    name: str


@dataclass(frozen=True, slots=True)
class RenameTable:
    """Rename a typed table or a link table."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class DropTable:
    """Drop a typed table or a link table."""

    name: str


@dataclass(frozen=True, slots=True)
class AddColumn:
    """Add the column of `shape` at `index` to a table."""

    table: str
    name: str
    shape: Shape
    index: int


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """Rename a column."""

    table: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class DropColumn:
    """Drop a column."""

    table: str
    name: str


Step: TypeAlias = CreateTable | CreateLinks | RenameTable | DropTable | AddColumn | RenameColumn | DropColumn


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps, in order, that lead to `binding`. `refill` says that rows must be derived from the raw JSON again."""

    binding: TableBinding
    steps: tuple[Step, ...]
    refill: bool


def planned(
    held: TableBinding | None,
    data_source_id: str,
    *,
    title: str,
    schema: Sequence[Property],
    tables: Collection[str],
    columns: Collection[str],
) -> Plan:
    """The plan that makes the table of a data source follow `title` and `schema`.

    `held` is what we made before, `tables` the names of everything in the database and `columns` those in
    the table, ours and other people's.
    """
    name = _table_name(held, title, tables)
    names = _names(held, schema, table=name, tables=tables, columns=columns)
    bindings = tuple(sorted(names, key=lambda binding: binding.property_id))
    new = TableBinding(data_source_id, title, name, bindings)
    if held is None:
        steps: list[Step] = [CreateTable(name), *_additions(name, bindings)]
        return Plan(new, tuple(steps), refill=True)
    return _followed(held, new)


def reshaped(
    held: TableBinding, shapes: Mapping[str, Shape], *, tables: Collection[str], columns: Collection[str]
) -> Plan:
    """The plan that gives computed properties, by id, the shapes their results need."""
    kept = [
        binding for binding in held.columns if shapes.get(binding.property_id, binding.shape) is binding.shape
    ]
    taken = _Taken(held, kept, table=held.name, tables=tables, columns=columns)
    for binding in held.columns:
        if binding not in kept:
            taken.add(replace(binding, shape=shapes[binding.property_id]))
    new = replace(held, columns=tuple(sorted(taken.bindings, key=lambda binding: binding.property_id)))
    return _followed(held, new)


def dropped(held: TableBinding) -> tuple[Step, ...]:
    """The steps that remove a table with its link tables."""
    return (*(DropTable(binding.links) for binding in held.columns if binding.links), DropTable(held.name))


def _table_name(held: TableBinding | None, title: str, tables: Collection[str]) -> str:
    wanted = identifier(title, fallback="data_source")
    if held is not None and identifier(held.title, fallback="data_source") == wanted:
        return held.name
    occupied = {table.lower() for table in tables} - ({held.name} if held else set())
    return free(wanted, taken=lambda name: name in occupied)


class _Taken:
    """The names in use while bindings are given theirs, one after the other."""

    def __init__(
        self,
        held: TableBinding | None,
        kept: Iterable[Binding],
        *,
        table: str,
        tables: Collection[str],
        columns: Collection[str],
    ) -> None:
        ours = held.columns if held else ()
        own_columns = {column for binding in ours for column in binding.columns}
        own_links = {binding.links for binding in ours if binding.links}
        self.table = table
        self.columns = ({column.lower() for column in columns} - own_columns) | {KEY}
        self.tables = ({name.lower() for name in tables} - own_links) | {table}
        self.bindings: list[Binding] = []
        for binding in kept:
            self._take(binding)

    def add(self, binding: Binding) -> None:
        """Take `binding` in under its own name, or the next free one."""
        name = free(binding.name, taken=lambda candidate: not self._fits(replace(binding, name=candidate)))
        links = self._link_table(name) if binding.shape is Shape.LINKS else None
        self._take(replace(binding, name=name, links=links))

    def _fits(self, binding: Binding) -> bool:
        if binding.shape is Shape.LINKS:
            return _links(self.table, binding.name) not in self.tables
        return self.columns.isdisjoint(binding.columns)

    def _link_table(self, name: str) -> str:
        return _links(self.table, name)

    def _take(self, binding: Binding) -> None:
        self.bindings.append(binding)
        self.columns |= set(binding.columns)
        if binding.links:
            self.tables.add(binding.links)


def _links(table: str, column: str) -> str:
    return f"{table[: MAX_IDENTIFIER // 2]}__{column}"[:MAX_IDENTIFIER]


def _names(
    held: TableBinding | None,
    schema: Sequence[Property],
    *,
    table: str,
    tables: Collection[str],
    columns: Collection[str],
) -> list[Binding]:
    before = {binding.property_id: binding for binding in (held.columns if held else ())}
    wanted = [binding for entry in schema if (binding := _wanted(entry, before.get(entry.id)))]
    same_table = held is not None and held.name == table
    kept = [binding for binding in wanted if _keeps(binding, before.get(binding.property_id), same_table)]
    taken = _Taken(held, kept, table=table, tables=tables, columns=columns)
    for binding in wanted:
        if binding not in kept:
            taken.add(binding)
    return taken.bindings


def _wanted(entry: Property, before: Binding | None) -> Binding | None:
    starts_as = shape(entry.type)
    if starts_as is None:
        return None
    if before is not None and before.type == entry.type and computed(entry.type):
        starts_as = before.shape
    name = identifier(entry.name, fallback="property")
    links = before.links if before is not None and starts_as is before.shape else None
    if before is not None and identifier(before.title, fallback="property") == name:
        name = before.name
    return Binding(entry.id, entry.name, entry.type, starts_as, name, links)


def _keeps(binding: Binding, before: Binding | None, same_table: bool) -> bool:  # noqa: FBT001 - a condition, not a mode
    unchanged = before is not None and (before.name, before.shape) == (binding.name, binding.shape)
    return unchanged and (same_table or binding.shape is not Shape.LINKS)


def _additions(table: str, bindings: Iterable[Binding]) -> Iterable[Step]:
    for binding in bindings:
        if binding.links:
            yield CreateLinks(binding.links)
        for index, column in enumerate(binding.columns):
            yield AddColumn(table, column, binding.shape, index)


def _followed(held: TableBinding, new: TableBinding) -> Plan:
    before = {binding.property_id: binding for binding in held.columns}
    after = {binding.property_id: binding for binding in new.columns}
    lasting = [key for key in after if key in before and before[key].shape is after[key].shape]
    gone = [binding for key, binding in before.items() if key not in lasting]
    added = [binding for key, binding in after.items() if key not in lasting]
    pairs = [(before[key], after[key]) for key in lasting]
    steps: list[Step] = [
        *_removals(held.name, gone),
        *_renamed([(held.name, new.name)], RenameTable),
        *_renamed([(old.links, now.links) for old, now in pairs if old.links and now.links], RenameTable),
        *_renamed(_column_pairs(pairs), lambda old, name: RenameColumn(new.name, old, name)),
        *_additions(new.name, added),
    ]
    return Plan(new, tuple(steps), refill=bool(added))


def _column_pairs(pairs: Iterable[tuple[Binding, Binding]]) -> list[tuple[str, str]]:
    return [names for old, now in pairs for names in zip(old.columns, now.columns, strict=True)]


def _removals(table: str, bindings: Iterable[Binding]) -> Iterable[Step]:
    for binding in bindings:
        if binding.links:
            yield DropTable(binding.links)
        for column in binding.columns:
            yield DropColumn(table, column)


def _renamed(pairs: Iterable[tuple[str, str]], step: Callable[[str, str], Step]) -> list[Step]:
    """Steps that rename all `pairs`, by way of a temporary name where a new name is still another's old one."""
    moves = [(old, new) for old, new in pairs if old != new]
    leaving = {old for old, _ in moves}
    detour = {new: f"{_TEMPORARY}{number}" for number, (_, new) in enumerate(moves) if new in leaving}
    return [
        *(step(old, detour.get(new, new)) for old, new in moves),
        *(step(temporary, new) for new, temporary in detour.items()),
    ]
