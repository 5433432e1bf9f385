"""The rows of a data source as pulls left them in the store."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Kind
from syncline.store.tables import place, records

__all__ = ["rows_of"]


async def rows_of(
    conn: AsyncConnection, connection_id: str, data_source: str
) -> AsyncIterator[Mapping[str, Any]]:
    """The pages directly in a data source that are not deleted, as Notion sent them."""
    query = select(records.c.data).where(
        records.c.connection_id == connection_id,
        place == data_source,
        records.c.kind == Kind.PAGE,
        records.c.stream == data_source,
        records.c.deleted_at.is_(None),
    )
    result = await conn.stream(query.execution_options(yield_per=200))
    async for (data,) in result:
        yield data
