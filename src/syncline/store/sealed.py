"""All secrets at rest: every column of the type `Sealed`, whichever table it is in."""

from collections.abc import Iterator

from sqlalchemy import Column, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.schema import metadata
from syncline.store.secrets import KeyRing
from syncline.store.types import Sealed

__all__ = ["open_all", "rotate"]


async def rotate(conn: AsyncConnection, ring: KeyRing) -> int:
    """Encrypt every secret anew with the first key of `ring`. Returns how many there are. Raises Stop if one does not open."""
    count = 0
    for column in _columns():
        table = column.table
        keys = list(table.primary_key)
        query = (
            select(*keys, column.label("sealed")).where(column.is_not(None), column != b"").with_for_update()
        )
        rows = [dict(row) for row in (await conn.execute(query)).mappings()]
        this = [key == bindparam(f"this_{key.name}") for key in keys]
        values = [
            {f"this_{key.name}": row[key.name] for key in keys} | {"anew": ring.rotate(row["sealed"])}
            for row in rows
        ]
        if values:
            await conn.execute(update(table).where(*this).values({column: bindparam("anew")}), values)
        count += len(rows)
    return count


async def open_all(conn: AsyncConnection, ring: KeyRing) -> None:
    """Try every secret. Raises Stop if one does not open."""
    for column in _columns():
        for sealed in await conn.scalars(select(column).where(column.is_not(None), column != b"")):
            ring.decrypt(sealed)


def _columns() -> Iterator[Column[bytes]]:
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Sealed):
                yield column
