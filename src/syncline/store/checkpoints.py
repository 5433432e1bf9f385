"""Checkpoints: durable positions of a connection, each a JSON value under a name."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.tables import checkpoints, upsert

__all__ = ["drop", "put", "runs_named", "value"]


async def put(conn: AsyncConnection, connection_id: str, name: str, value: Any) -> None:
    """Remember `value`, which is not None, under `name`."""
    row = {"connection_id": connection_id, "name": name, "value": value}
    await conn.execute(upsert(conn, checkpoints), row)


async def value(conn: AsyncConnection, connection_id: str, name: str) -> Any | None:
    """What is remembered under `name`, None if nothing is."""
    key = (checkpoints.c.connection_id == connection_id) & (checkpoints.c.name == name)
    return await conn.scalar(select(checkpoints.c.value).where(key))


async def runs_named(conn: AsyncConnection, connection_id: str) -> set[str]:
    """The runs behind which mapping files go on."""
    mine = checkpoints.c.connection_id == connection_id
    query = select(checkpoints.c.value).where(mine, checkpoints.c.name.startswith("follow:"))
    return {value["run"] for value in await conn.scalars(query)}


async def drop(conn: AsyncConnection, connection_id: str, prefix: str) -> None:
    """Forget every checkpoint whose name begins with `prefix`; the empty prefix means all."""
    mine = checkpoints.c.connection_id == connection_id
    await conn.execute(
        delete(checkpoints).where(mine, checkpoints.c.name.startswith(prefix, autoescape=True))
    )
