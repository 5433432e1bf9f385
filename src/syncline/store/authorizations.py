"""Authorizations: by what each connection speaks to Notion, and whether that is still good.

A token has a number, its generation. Whoever renews it claims that number for a while (`claim`), so that of any number of
processes one asks Notion; the others see the next number appear.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import Duplicate, NotFound
from syncline.core.model import Json
from syncline.core.standing import TokenStatus
from syncline.store import connections
from syncline.store.secrets import KeyRing
from syncline.store.tables import chunks
from syncline.store.tables import connections as connections_table
from syncline.store.tables_connecting import authorizations

__all__ = [
    "Authorization",
    "Grant",
    "claim",
    "dead",
    "due",
    "find",
    "forget",
    "grant",
    "many",
    "note",
    "of_app",
    "postpone",
    "refresh_token",
    "release",
    "twin",
]


@dataclass(frozen=True, slots=True)
class Authorization:
    """How a connection authenticates. `app_id` is None for an internal token; `user_id` is whose token it is, where that is known."""

    connection_id: str
    app_id: str | None
    status: TokenStatus
    checked_at: datetime | None
    generation: int
    renewing_until: datetime | None
    expires_at: datetime | None
    user_id: str | None
    workspace_icon: str | None
    owner: Json | None


@dataclass(frozen=True, slots=True)
class Grant:
    """What Notion gave with a token (https://developers.notion.com/reference/create-a-token). Its repr is empty: it holds secrets."""

    access_token: str
    refresh_token: str | None = None
    expires_at: datetime | None = None
    app_id: str | None = None
    workspace_id: str | None = None
    workspace_icon: str | None = None
    template_id: str | None = None
    owner: Json | None = None

    def __repr__(self) -> str:
        return "<Grant>"


_COLUMNS = [authorizations.c[field.name] for field in fields(Authorization)]


async def find(conn: AsyncConnection, connection_id: str) -> Authorization:
    """How a connection authenticates. Raises NotFound if it is gone."""
    query = select(*_COLUMNS).where(authorizations.c.connection_id == connection_id)
    row = (await conn.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no connection {connection_id}: it has been removed.")
    return _authorization(row)


async def many(conn: AsyncConnection, connection_ids: Collection[str]) -> dict[str, Authorization]:
    """The same of several connections, by id."""
    found: dict[str, Authorization] = {}
    for part in chunks(sorted(connection_ids)):
        query = select(*_COLUMNS).where(authorizations.c.connection_id.in_(part))
        found |= {row["connection_id"]: _authorization(row) for row in (await conn.execute(query)).mappings()}
    return found


async def of_app(conn: AsyncConnection, app_id: str) -> list[str]:
    """The connections that an OAuth app made."""
    query = select(authorizations.c.connection_id).where(authorizations.c.app_id == app_id)
    return list(await conn.scalars(query))


async def twin(
    conn: AsyncConnection, *, app_id: str | None, workspace_id: str | None, bot_id: str
) -> str | None:
    """The connection that the same Notion workspace and app have already; for an internal token the one of the same bot."""
    same = (
        connections_table.c.bot_id == bot_id
        if app_id is None
        else (authorizations.c.workspace_id == workspace_id)
    )
    query = (
        select(authorizations.c.connection_id)
        .join(connections_table, connections_table.c.id == authorizations.c.connection_id)
        .where(authorizations.c.app_id.is_not_distinct_from(app_id), same)
        .order_by(connections_table.c.created_at)
        .limit(1)
    )
    found: str | None = await conn.scalar(query)
    return found


async def grant(
    conn: AsyncConnection,
    connection_id: str,
    given: Grant,
    *,
    user_id: str | None,
    ring: KeyRing,
    now: datetime,
) -> None:
    """Let a connection use what Notion gave from now on. Raises Duplicate if the app has another connection to the workspace."""
    await connections.replace_token(conn, connection_id, given.access_token, ring=ring)
    values = {
        "app_id": given.app_id,
        "workspace_id": given.workspace_id if given.app_id else None,
        "workspace_icon": given.workspace_icon,
        "template_id": given.template_id,
        "owner": given.owner,
        "user_id": user_id,
        **_tokens(given, ring),
        **_standing(TokenStatus.VALID, now),
    }
    try:
        async with conn.begin_nested():
            await conn.execute(
                _this(connection_id).values(generation=authorizations.c.generation + 1, **values)
            )
    except IntegrityError as error:
        raise Duplicate("This app is connected to the workspace already.") from error


def _tokens(given: Grant, ring: KeyRing) -> dict[str, Any]:
    sealed = ring.encrypt(given.refresh_token) if given.refresh_token else None
    return {"refresh_token": sealed, "expires_at": given.expires_at, "renewing_until": None}


async def claim(
    conn: AsyncConnection, connection_id: str, generation: int, *, now: datetime, until: datetime
) -> bool:
    """Take it upon oneself to renew the token of this generation. False: it was renewed, or somebody else is at it."""
    free = authorizations.c.renewing_until.is_(None) | (authorizations.c.renewing_until < now)
    statement = _this(connection_id).where(authorizations.c.generation == generation, free)
    return (await conn.execute(statement.values(renewing_until=until))).rowcount == 1


async def release(
    conn: AsyncConnection,
    connection_id: str,
    generation: int,
    *,
    given: Grant | None,
    ring: KeyRing,
    now: datetime,
) -> bool:
    """Store the pair that a renewal brought, or without one only let go of the claim.

    False: the token is of another generation by now, and nothing was stored.
    """
    values: dict[str, Any] = {"renewing_until": None}
    if given is not None:
        values = _tokens(given, ring) | _standing(TokenStatus.VALID, now) | {"generation": generation + 1}
    statement = _this(connection_id).where(authorizations.c.generation == generation).values(**values)
    if (await conn.execute(statement)).rowcount == 0:
        return False
    if given is not None:
        await connections.replace_token(conn, connection_id, given.access_token, ring=ring)
    return True


async def note(
    conn: AsyncConnection, connection_id: str, generation: int, *, status: TokenStatus, now: datetime
) -> TokenStatus | None:
    """Write down what Notion said of the token of this generation; what was known before, None if it is another one by now."""
    query = (
        select(authorizations.c.status)
        .where(authorizations.c.connection_id == connection_id, authorizations.c.generation == generation)
        .with_for_update()
    )
    before: str | None = await conn.scalar(query)
    if before is None:
        return None
    await conn.execute(_this(connection_id).values(**_standing(status, now)))
    return TokenStatus(before)


async def forget(conn: AsyncConnection, connection_id: str, *, now: datetime) -> None:
    """Keep neither token nor refresh token."""
    await connections.forget_token(conn, connection_id)
    values = {"refresh_token": None, "expires_at": None, "renewing_until": None, "next_check_at": None}
    statement = _this(connection_id).values(generation=authorizations.c.generation + 1)
    await conn.execute(statement.values(**values, status=TokenStatus.REVOKED, checked_at=now))


async def refresh_token(conn: AsyncConnection, connection_id: str, *, ring: KeyRing) -> str | None:
    """What a new token can be had for, None if nothing. Raises Stop if the key ring cannot open it."""
    column = authorizations.c.refresh_token
    sealed = await conn.scalar(select(column).where(authorizations.c.connection_id == connection_id))
    return ring.decrypt(sealed) if sealed else None


async def due(conn: AsyncConnection, *, now: datetime, again: timedelta, limit: int) -> list[Authorization]:
    """Claim up to `limit` tokens whose check is due, or that were never checked; nobody else is given them before `again` has passed."""
    waiting = authorizations.c.next_check_at.is_(None) | (authorizations.c.next_check_at <= now)
    query = (
        select(*_COLUMNS)
        .where(waiting, authorizations.c.status != TokenStatus.REVOKED)
        .order_by(authorizations.c.next_check_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = [_authorization(row) for row in (await conn.execute(query)).mappings()]
    for one in found:
        await conn.execute(_this(one.connection_id).values(next_check_at=now + again))
    return found


async def dead(conn: AsyncConnection, statuses: Collection[TokenStatus]) -> list[Authorization]:
    """The tokens of which Notion said one of these."""
    query = select(*_COLUMNS).where(authorizations.c.status.in_(statuses))
    return [_authorization(row) for row in (await conn.execute(query)).mappings()]


async def postpone(conn: AsyncConnection, connection_id: str, *, at: datetime) -> None:
    """Say when the token is to be checked next."""
    await conn.execute(_this(connection_id).values(next_check_at=at))


def _standing(status: TokenStatus, now: datetime) -> dict[str, Any]:
    return {"status": status, "checked_at": now}


def _this(connection_id: str) -> Any:
    return update(authorizations).where(authorizations.c.connection_id == connection_id)


def _authorization(row: RowMapping) -> Authorization:
    return Authorization(**{**row, "status": TokenStatus(row["status"])})
