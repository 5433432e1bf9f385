"""API keys: shown once, kept as a prefix to tell them apart and a SHA-256 to know them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import NotFound
from syncline.core.permission import Scope
from syncline.store.tables_accounts import api_key_workspaces, api_keys

__all__ = ["ApiKey", "add", "by_hash", "every", "remove", "remove_all", "stale", "touch"]

_FRESH = timedelta(minutes=1)
"""How exactly the time of last use is kept: reading must not become writing."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. `workspaces` are the ids of the only connections it reaches; None: all of its user's."""

    id: str
    user_id: str
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    workspaces: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None = None


async def add(conn: AsyncConnection, key: ApiKey, *, hashed: str) -> None:
    """Store a key by its hash."""
    columns = ("id", "user_id", "name", "prefix", "created_at", "expires_at", "used_at")
    row = {name: getattr(key, name) for name in columns}
    limited = key.workspaces is not None
    await conn.execute(
        insert(api_keys), row | {"hash": hashed, "scopes": list(key.scopes), "limited": limited}
    )
    if key.workspaces:
        rows = [{"key_id": key.id, "connection_id": one} for one in sorted(set(key.workspaces))]
        await conn.execute(insert(api_key_workspaces), rows)


async def every(conn: AsyncConnection, user_id: str) -> list[ApiKey]:
    """A user's keys, oldest first."""
    query = select(api_keys).where(api_keys.c.user_id == user_id)
    rows = (await conn.execute(query.order_by(api_keys.c.created_at, api_keys.c.id))).all()
    reach = await _reach(conn, [row.id for row in rows])
    return [_key(row, reach.get(row.id, ())) for row in rows]


async def by_hash(conn: AsyncConnection, hashed: str, *, now: datetime) -> ApiKey | None:
    """The key with this hash, unless it has expired."""
    live = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now)
    row = (await conn.execute(select(api_keys).where(api_keys.c.hash == hashed, live))).one_or_none()
    if row is None:
        return None
    reach = await _reach(conn, [row.id]) if row.limited else {}
    return _key(row, reach.get(row.id, ()))


async def touch(conn: AsyncConnection, key_id: str, *, now: datetime) -> None:
    """Remember that a key was used."""
    await conn.execute(update(api_keys).where(api_keys.c.id == key_id).values(used_at=now))


def stale(key: ApiKey, now: datetime) -> bool:
    """Whether the time of a key's last use is worth writing down again."""
    return key.used_at is None or now - key.used_at >= _FRESH


async def remove(conn: AsyncConnection, user_id: str, key_id: str) -> None:
    """Delete one of a user's keys. Raises NotFound if it is none of theirs."""
    mine = delete(api_keys).where(api_keys.c.id == key_id, api_keys.c.user_id == user_id)
    if not (await conn.execute(mine)).rowcount:
        raise NotFound("There is no such key.")
    await conn.execute(delete(api_key_workspaces).where(api_key_workspaces.c.key_id == key_id))


async def remove_all(conn: AsyncConnection, user_id: str) -> None:
    """Delete all of a user's keys."""
    mine = select(api_keys.c.id).where(api_keys.c.user_id == user_id)
    await conn.execute(delete(api_key_workspaces).where(api_key_workspaces.c.key_id.in_(mine)))
    await conn.execute(delete(api_keys).where(api_keys.c.user_id == user_id))


async def _reach(conn: AsyncConnection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    query = select(api_key_workspaces).where(api_key_workspaces.c.key_id.in_(ids))
    found: dict[str, tuple[str, ...]] = {}
    for row in await conn.execute(query.order_by(api_key_workspaces.c.connection_id)):
        found[row.key_id] = (*found.get(row.key_id, ()), row.connection_id)
    return found


def _key(row: Row[Any], workspaces: tuple[str, ...]) -> ApiKey:
    return ApiKey(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        prefix=row.prefix,
        scopes=tuple(Scope(scope) for scope in row.scopes),
        workspaces=workspaces if row.limited else None,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )
