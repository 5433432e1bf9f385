"""One table of a push as far as it is known: its rows, the pages of its Notion database, the links between them."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Final, Protocol

from syncline.app import App
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import PAGE_ID, MappedTable, Row
from syncline.core.matching import pushed
from syncline.core.plan import Indexed, Link
from syncline.core.schema import NotionSchema
from syncline.destinations.notion import key_type
from syncline.mapping.targets import misfit

__all__ = ["Extent", "RowSource", "entries", "led_to", "unfit"]

_CLOSED: Final = frozenset({PropertyType.SELECT, PropertyType.MULTI_SELECT, PropertyType.STATUS})


class RowSource(Protocol):
    """The database's side: the rows of mapped tables."""

    def rows(
        self, table: MappedTable, /, *, zone: tzinfo, since: datetime | None = None
    ) -> AsyncIterator[list[Row]]:
        """The rows, so many at a time; with `since` those that changed then or later, where the table tells."""
        ...


@dataclass
class Extent:
    """What is known of one table while it is surveyed. `requests` asked for its properties, `seconds` is the time of all."""

    table: MappedTable
    schema: NotionSchema | None = None
    rows: list[Row] = field(default_factory=list)
    pages: list[Indexed] = field(default_factory=list)
    links: dict[str, Link] = field(default_factory=dict)
    requests: int = 0
    seconds: float = 0.0

    @property
    def known(self) -> NotionSchema:
        """The schema, once it was discovered."""
        assert self.schema is not None, "discover comes first"
        return self.schema

    @property
    def written(self) -> Iterator[Row]:
        """The rows that no exclusion keeps out."""
        return (row for row in self.rows if row.excluded is None)

    def closed_options(self) -> dict[str, tuple[str, ...]]:
        """The options of the properties to which a push may add none."""
        found = {}
        for one in self.table.columns:
            held = self.known.named(one.property)
            if (
                one.type in _CLOSED
                and held is not None
                and not (one.add_options and one.type is not PropertyType.STATUS)
            ):
                found[one.property] = held.options
        return found

    def is_stale(self, pages: list[Mapping[str, Any]]) -> bool:
        """Whether a page has not the properties that are remembered, by name and type."""
        kinds = pushed(self.table, key_type(self.known, self.table))
        cells = [page.get("properties") or {} for page in pages]
        return any(
            name not in cell or cell[name].get("type") != kind
            for cell in cells
            for name, kind in kinds.items()
        )

    @contextmanager
    def timed(self, app: App) -> Iterator[None]:
        """Add the seconds that a block takes to the table's."""
        began = app.now()
        try:
            yield
        finally:
            self.seconds += (app.now() - began).total_seconds()


def led_to(extents: Iterable[Extent]) -> list[str]:
    """The tables that relations lead to and that are not pushed themselves."""
    extents = list(extents)
    own = {extent.table.name for extent in extents}
    led = (one.relation for extent in extents for one in extent.table.relations)
    return sorted({name for name in led if name is not None} - own)


def unfit(table: MappedTable, schema: NotionSchema) -> str | None:
    """What keeps a database from taking a table's rows, as one sentence."""
    if table.key.property == PAGE_ID:
        return f"The table {table.name} has the page's id as its key, which Notion chooses: a push needs a key of the table's own."
    return misfit(table, schema, pushed(table, key_type(schema, table)))


def entries(row: Row, name: str) -> tuple[str, ...]:
    """What a row has of a property, one by one."""
    value = row.values.get(name)
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (str(value),)
