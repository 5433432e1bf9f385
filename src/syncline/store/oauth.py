"""OAuth apps (several: white label), and the states of authorizations under way."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import BadInput, Busy, Duplicate, NotFound
from syncline.store.secrets import KeyRing
from syncline.store.tables_connecting import authorizations, oauth_apps, oauth_states

__all__ = [
    "OAuthApp",
    "State",
    "add",
    "app_secret",
    "change",
    "clear_states",
    "every",
    "find",
    "one",
    "remember",
    "remove",
    "use",
]


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """A public connection as its developer registered it with Notion. Its secret stays in the store: `app_secret` reads it."""

    id: str
    name: str
    client_id: str
    redirect_uri: str
    base_url: str
    notion_version: str
    rate: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """An authorization that was begun. `hash` and `cookie_hash` are of what only the browser has; `echo` is the caller's own."""

    hash: str
    cookie_hash: str
    app_id: str
    user_id: str
    session_id: str | None
    echo: str | None
    return_url: str
    expires_at: datetime


_APP = [oauth_apps.c[field.name] for field in fields(OAuthApp)]
_STATE = [oauth_states.c[field.name] for field in fields(State)]


async def add(conn: AsyncConnection, app: OAuthApp, *, secret: str, ring: KeyRing) -> None:
    """Store an app. Raises Duplicate if its name is taken."""
    row = {column.name: getattr(app, column.name) for column in _APP} | {"secret": ring.encrypt(secret)}
    try:
        async with conn.begin_nested():
            await conn.execute(insert(oauth_apps), row)
    except IntegrityError as error:
        raise Duplicate(f"There is an OAuth app called {app.name} already: choose another name.") from error


async def change(conn: AsyncConnection, app: OAuthApp, *, secret: str | None, ring: KeyRing) -> None:
    """Replace what is known of an app; its secret stays where None is given. Raises Duplicate if its name is taken."""
    row: dict[str, Any] = {column.name: getattr(app, column.name) for column in _APP}
    if secret is not None:
        row["secret"] = ring.encrypt(secret)
    try:
        async with conn.begin_nested():
            await conn.execute(update(oauth_apps).where(oauth_apps.c.id == app.id).values(**row))
    except IntegrityError as error:
        raise Duplicate(f"There is an OAuth app called {app.name} already: choose another name.") from error


async def remove(conn: AsyncConnection, app_id: str) -> None:
    """Delete an app that no connection was made with. Raises Busy if one was."""
    query = select(authorizations.c.connection_id).where(authorizations.c.app_id == app_id).limit(1)
    if await conn.scalar(query) is not None:
        raise Busy("Connections were made with this OAuth app: disconnect and delete those first.")
    await conn.execute(delete(oauth_states).where(oauth_states.c.app_id == app_id))
    await conn.execute(delete(oauth_apps).where(oauth_apps.c.id == app_id))


async def every(conn: AsyncConnection) -> list[OAuthApp]:
    """All apps, oldest first."""
    query = select(*_APP).order_by(oauth_apps.c.created_at, oauth_apps.c.id)
    return [_app(row) for row in (await conn.execute(query)).mappings()]


async def one(conn: AsyncConnection, app_id: str) -> OAuthApp:
    """The app with this id. Raises NotFound."""
    row = (await conn.execute(select(*_APP).where(oauth_apps.c.id == app_id))).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no OAuth app {app_id}.")
    return _app(row)


async def find(conn: AsyncConnection, name_or_id: str | None) -> OAuthApp:
    """The app with this name or id; for None the oldest. Raises NotFound if there is none, BadInput where no app is set up at all."""
    known = await every(conn)
    for app in known:
        if name_or_id is None or name_or_id in {app.name, app.id}:
            return app
    if name_or_id is None:
        raise BadInput(
            "No OAuth app is set up: `syncline oauth-app add` adds one, or connect with an internal token."
        )
    hint = f"there are: {', '.join(app.name for app in known)}" if known else "there is none yet"
    raise NotFound(f"There is no OAuth app called {name_or_id}; {hint}.")


async def app_secret(conn: AsyncConnection, app_id: str, *, ring: KeyRing) -> str:
    """The secret of an app. Raises NotFound without it, Stop if the key ring cannot open it."""
    sealed = await conn.scalar(select(oauth_apps.c.secret).where(oauth_apps.c.id == app_id))
    if sealed is None:
        raise NotFound(f"There is no OAuth app {app_id}.")
    return ring.decrypt(sealed)


async def remember(conn: AsyncConnection, state: State) -> None:
    """Note an authorization that begins."""
    await conn.execute(insert(oauth_states), {column.name: getattr(state, column.name) for column in _STATE})


async def use(conn: AsyncConnection, hash_: str, *, cookie_hash: str, now: datetime) -> State | None:
    """The authorization that a state and a cookie stand for, once and before it expires; None else."""
    unused = (
        oauth_states.c.hash == hash_,
        oauth_states.c.cookie_hash == cookie_hash,
        oauth_states.c.used_at.is_(None),
        oauth_states.c.expires_at > now,
    )
    statement = update(oauth_states).where(*unused).values(used_at=now).returning(*_STATE)
    row = (await conn.execute(statement)).mappings().one_or_none()
    return None if row is None else State(**row)


async def clear_states(conn: AsyncConnection, *, before: datetime) -> None:
    """Forget authorizations that expired before this time."""
    await conn.execute(delete(oauth_states).where(oauth_states.c.expires_at < before))


def _app(row: RowMapping) -> OAuthApp:
    return OAuthApp(**row)
