"""The database's side of a merge: the rows of one table, each write a transaction of its own."""

from collections.abc import Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import tzinfo

from syncline.core.errors import Skip
from syncline.core.mapped_values import ColumnType, Value
from syncline.core.mapping import MappedTable, Row
from syncline.core.schema import CatalogueTable
from syncline.sources.sql import SqlSource
from syncline.sources.sql_write import Moved, Place, check_values

__all__ = ["SqlRows"]

_FREE = frozenset({ColumnType.TEXT, ColumnType.UUID, ColumnType.ANY})
"""Columns that can hold a page's id: the key of a row that a page without a key becomes."""


@dataclass(frozen=True, slots=True)
class SqlRows:
    """The rows of `mapped`. `described` is what the catalogue says of the table."""

    source: SqlSource
    mapped: MappedTable
    described: CatalogueTable
    zone: tzinfo

    async def read(self, keys: Collection[str] | None = None) -> dict[str, Row]:
        """All rows, or those of `keys` that are there."""
        found: dict[str, Row] = {}
        async with aclosing(self.source.rows(self.mapped, zone=self.zone, keys=keys)) as batches:
            async for batch in batches:
                found |= {row.key: row for row in batch}
        return found

    async def pretend(self, page: str, *, taken: Collection[str]) -> str:
        """A key such as `reserve` gives, none of `taken`, without taking it from the table's sequence. Raises Skip."""
        if await self.source.numbers(self.mapped):
            return _after(taken)
        self._require_free(page)
        return page

    def check(self, values: Mapping[str, Value], *, key: str | None = None) -> None:
        """Raises Skip for values that the columns cannot hold, or that `key` cannot be one."""
        check_values(Place(self.mapped, self.described, self.zone, self.source.dialect), values, key=key)

    async def reserve(self, page: str, *, taken: Collection[str]) -> str:
        """The next number where the table numbers its rows, else the page's id. Raises Skip where the key can be neither."""
        number = await self._number(taken)
        if number is not None:
            return number
        self._require_free(page)
        return page

    def _require_free(self, page: str) -> None:
        column = self.described.column(self.mapped.key.column)
        if column is not None and column.type not in _FREE:
            raise Skip(
                f"The page {page} has no key, and the column {self.mapped.key.column} does not number its rows: "
                f"fill in {self.mapped.key.property} in Notion."
            )

    async def _number(self, taken: Collection[str]) -> str | None:
        async with self.source.writing(zone=self.zone) as writer:
            number = await writer.next_key(self.mapped)
            while number in taken and self.source.dialect == "postgresql":
                number = await writer.next_key(self.mapped)
        if number not in taken:
            return number
        # SQLite gives the highest number again once its row is gone; a page may still have it.
        return _after(taken)

    async def insert(self, key: str, values: Mapping[str, Value]) -> Row | None:
        """Make a row; None if there is one of this key."""
        try:
            async with self.source.writing(zone=self.zone) as writer:
                return await writer.insert(self.mapped, key, values)
        except Moved:
            return None

    async def update(self, seen: Row, values: Mapping[str, Value]) -> Row | None:
        """Change a row that still is as it was `seen`."""
        try:
            async with self.source.writing(zone=self.zone) as writer:
                return await writer.update(self.mapped, seen.key, values, expected=seen.values)
        except Moved:
            return None

    async def delete(self, seen: Row) -> bool:
        """Delete a row that still is as it was `seen`."""
        try:
            async with self.source.writing(zone=self.zone) as writer:
                await writer.remove(self.mapped, seen.key, expected=seen.values)
        except Moved:
            return False
        return True


def _after(taken: Collection[str]) -> str:
    """A number higher than all that are taken."""
    return str(max((int(key) for key in taken if key.isdecimal()), default=0) + 1)
