"""Streams: the tables to which records belong, each data source one of its own, and what is known of their rows."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Kind
from syncline.store.tables import records

__all__ = ["FIXED", "exists", "known", "properties"]

FIXED = ("pages", "data_sources", "databases", "users", "comments")
"""The streams that every workspace has (core.model.Record)."""

_SCHEMAS = 1000
"""So many data sources are looked through for a property, those that changed last."""


async def exists(conn: AsyncConnection, connection_id: str, stream: str) -> bool:
    """Whether there is a data source of this id, or a record of this stream."""
    mine = records.c.connection_id == connection_id
    source = mine & (records.c.kind == Kind.DATA_SOURCE) & (records.c.key == stream)
    for condition in (source, mine & (records.c.stream == stream)):
        if await conn.scalar(select(records.c.key).where(condition).limit(1)) is not None:
            return True
    return False


async def known(conn: AsyncConnection, connection_id: str, *, limit: int) -> list[tuple[str, str]]:
    """The id and title of up to `limit` data sources, by title; nothing where nothing was pulled."""
    sources = select(records.c.key, records.c.title).where(_live(connection_id))
    found = await conn.execute(sources.order_by(records.c.folded, records.c.key).limit(limit))
    return [(row.key, row.title) for row in found]


async def properties(conn: AsyncConnection, connection_id: str, stream: str | None) -> set[str]:
    """The names of the properties of a data source, or of all; nothing where none is known."""
    sources = select(records.c.data).where(_live(connection_id))
    if stream is not None:
        sources = sources.where(records.c.key == stream)
    found = await conn.scalars(sources.order_by(records.c.seq.desc()).limit(_SCHEMAS))
    return {name for data in found for name in data.get("properties") or {}}


def _live(connection_id: str) -> ColumnElement[bool]:
    return (
        (records.c.connection_id == connection_id)
        & (records.c.kind == Kind.DATA_SOURCE)
        & records.c.deleted_at.is_(None)
    )
