"""Connecting: a token is tried by real calls, which change nothing, before it is stored.

    GET  /v1/users/me            whose token it is                     needed, everything else is a capability
    POST /v1/search              read content
    GET  /v1/users               read user information, with or without e-mail addresses
    GET  /v1/comments            read comments, of a page that the search found

What a token may do cannot be asked for; a refusal (403 ``restricted_resource``) is the answer
(https://developers.notion.com/reference/capabilities).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import BadInput, NotFound, Refused, SynclineError, Unreachable
from syncline.core.event import connection_token
from syncline.core.permission import Role
from syncline.core.standing import TokenStatus
from syncline.engine.clients import new_client, open_budget
from syncline.engine.schedule import DAILY, EVERY, start_schedule
from syncline.engine.syncs import require_idle
from syncline.engine.telling import tell_status
from syncline.engine.token_health import revoke
from syncline.engine.tokens import PAUSE
from syncline.notion import errors, objects
from syncline.notion import operations as op
from syncline.notion.budget import Rate
from syncline.notion.client import Client, Runtime
from syncline.notion.objects import JsonObject, Version
from syncline.notion.sansio import BASE_URL
from syncline.store import authorizations, connections, events, members, schedules, users
from syncline.store.authorizations import Grant
from syncline.store.connections import Connection
from syncline.store.schedules import Schedule

__all__ = ["Asked", "connect", "disconnect", "examine", "pick", "replace_token", "store_connection"]

_PATIENCE = 4.0
"""Seconds that may be spent on repeating what failed: somebody is waiting."""

_LONGEST = 20.0
"""Seconds for an answer that does not come, as behind a firewall that drops what it refuses."""

T = TypeVar("T")

_RESTRICTED = (errors.Restricted, errors.NotFound)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a connection is to be. `name` defaults to the name of the workspace, made fit for a command line."""

    token: str = field(repr=False)
    name: str | None = None
    base_url: str = BASE_URL
    notion_version: str = objects.LATEST
    rate: str = "180/60"


async def connect(app: App, asked: Asked) -> Connection:
    """Try the token, find out what it may do, and store it encrypted. Nothing is stored when anything fails.

    A connection of this name that the same bot has already goes on with the token. Where the instance has an owner a new
    connection is theirs. Raises BadInput for a malformed or taken value, Refused if Notion does not accept the token,
    Unreachable if Notion does not answer.
    """
    found = await examine(app, asked)
    given = Grant(_token(asked.token))
    async with app.database.begin() as conn:
        known = await authorizations.twin(conn, app_id=None, workspace_id=None, bot_id=found.bot_id)
        if known is not None and (await connections.one(conn, known)).name == found.name:
            await replace_token(conn, app, replace(found, id=known), given, user_id=None)
            return await connections.one(conn, known)
        owner = await users.owner(conn)
        await store_connection(conn, app, found, given, user_id=owner.id if owner else None)
    return found


async def examine(app: App, asked: Asked) -> Connection:
    """The connection that a token would make, found out by trying it; nothing is stored. Raises as `connect`."""
    version, token, rate = _version(asked.notion_version), _token(asked.token), _rate(asked.rate)
    _name(asked.name, "")  # what is wrong here needs no answer from Notion
    patient = Runtime(sleep=_Patience().sleep)
    async with (
        open_budget(app, token, rate) as budget,
        new_client(token, version, asked.base_url, budget=budget, runtime=patient) as client,
    ):
        me = dict(await _answer(asked.base_url, lambda: client.send(op.retrieve_me())))
        if me.get("object") != "user" or "id" not in me:
            raise BadInput(f"There is no Notion API at {asked.base_url}: its answer is none of Notion's.")
        capabilities = await _answer(asked.base_url, lambda: _capabilities(client))
        base_url = client.base_url
    connection = _connection(app, asked, me, capabilities)
    return replace(connection, rate=str(rate or "none"), base_url=base_url)


async def store_connection(
    conn: AsyncConnection, app: App, connection: Connection, given: Grant, *, user_id: str | None
) -> None:
    """Store a connection that was examined, with its schedule; its owner is whose token it is.

    Raises BadInput if its name is taken, Duplicate if its OAuth app is connected to the workspace already.
    """
    now = app.now()
    await connections.add(conn, connection, token=given.access_token, ring=app.keys)
    await authorizations.grant(conn, connection.id, given, user_id=user_id, ring=app.keys, now=now)
    if user_id is not None:
        await members.add(conn, connection.id, user_id, role=Role.OWNER, now=now)
    await start_schedule(conn, Schedule(connection.id, every=EVERY, reconcile_cron=DAILY), now=now)


async def replace_token(
    conn: AsyncConnection, app: App, found: Connection, given: Grant, *, user_id: str | None
) -> Grant | None:
    """Let a connection that was examined anew go on with another token; the one it had, if an app could give that back."""
    one, now = found.id, app.now()
    held = await authorizations.find(conn, one)
    old = None
    if held.app_id is not None and not held.status.dead:
        old = Grant(await connections.token(conn, one, ring=app.keys), app_id=held.app_id)
    await connections.refresh(conn, found)
    await authorizations.grant(conn, one, given, user_id=user_id, ring=app.keys, now=now)
    if held.status.dead:
        told = connection_token(TokenStatus.VALID, previous=held.status)
        await events.append(conn, one, [told], now=now)
        await schedules.resume(conn, one, PAUSE, now=now)
        await tell_status(conn, one, now=now)
    return old


async def disconnect(app: App, connection: Connection) -> None:
    """Remove the connection and all that was read through it; give its token back where that can be.

    Raises Busy while a pull of it runs.
    """
    await require_idle(app, connection.id)
    await revoke(app, connection)
    async with app.database.begin() as conn:
        await connections.remove(conn, connection.id)


async def pick(app: App, name: str | None) -> Connection:
    """The connection of this name or id; without one, the only one there is.

    Raises NotFound if there is none, BadInput if there are several and none was named.
    """
    async with app.database.read() as conn:
        if name is not None:
            return await connections.find(conn, name)
        known = await connections.every(conn)
    if not known:
        raise NotFound("There is no connection yet: `syncline connect` makes the first one.")
    if len(known) > 1:
        names = ", ".join(connection.name for connection in known)
        raise BadInput(f"There are several connections: say which of {names}.")
    return known[0]


class _Patience:
    """Sleeps, but only so long in all."""

    def __init__(self) -> None:
        self._left = _PATIENCE

    async def sleep(self, seconds: float) -> None:
        self._left -= seconds
        if self._left < 0:
            raise TimeoutError
        await asyncio.sleep(seconds)


async def _answer(base_url: str, ask: Callable[[], Awaitable[T]]) -> T:
    """What a call says; its error as one sentence of ours."""
    try:
        async with asyncio.timeout(_LONGEST):
            return await ask()
    except errors.NotionError as error:
        raise _sentence(error, base_url) from error
    except TimeoutError as error:
        cause = error.__context__
        raise _sentence(cause if isinstance(cause, errors.NotionError) else None, base_url) from error


def _sentence(error: errors.NotionError | None, base_url: str) -> SynclineError:
    said = error.message.rstrip(".") if error else "no answer"
    match error:
        case errors.Unauthorized():
            return Refused(
                f"Notion refuses the token: {said}. Copy it again from the connection's settings in Notion."
            )
        case errors.Blocked() | errors.Restricted():
            return Refused(f"Notion refuses the connection: {said}.")
        case errors.Unexpected() | errors.NotFound():
            return BadInput(f"There is no Notion API at {base_url}: {said}.")
        case errors.Invalid():
            return BadInput(f"Notion does not accept the request at {base_url}: {said}.")
        case _:
            return Unreachable(
                f"Notion cannot be reached at {base_url}: {said}. Nothing was stored; try again later."
            )


async def _capabilities(client: Client) -> tuple[str, ...]:
    found, users = await asyncio.gather(_found(client), _users(client))
    comments = await _comments(client, found[0]["id"]) if found else None
    known = ("read_content" if found is not None else None, users, comments)
    return tuple(capability for capability in known if capability is not None)


async def _found(client: Client) -> list[JsonObject] | None:
    """One object that is shared with the connection, if there is one; None if content may not be read."""
    try:
        listing = await client.send(op.search(kind="page", page_size=1, version=client.version))
    except _RESTRICTED:
        return None
    return objects.results(listing)


async def _users(client: Client) -> str | None:
    try:
        listing = await client.send(op.list_users())
    except _RESTRICTED:
        return None
    seen = any((user.get("person") or {}).get("email") for user in objects.results(listing))
    return "read_users_with_email" if seen else "read_users"


async def _comments(client: Client, page: str) -> str | None:
    try:
        await client.send(op.list_comments(page, page_size=1))
    except _RESTRICTED:
        return None
    return "read_comments"


def _connection(app: App, asked: Asked, me: JsonObject, capabilities: tuple[str, ...]) -> Connection:
    bot = me.get("bot") or {}
    workspace = bot.get("workspace_name")
    return Connection(
        id=app.new_id(),
        name=_name(asked.name, workspace or me.get("name") or "notion"),
        base_url=asked.base_url,
        notion_version=asked.notion_version,
        rate=asked.rate,
        bot_id=me["id"],
        bot_name=me.get("name") or "",
        workspace_id=bot.get("workspace_id"),
        workspace_name=workspace,
        capabilities=capabilities,
        created_at=app.now(),
    )


def _name(asked: str | None, workspace: str) -> str:
    if asked is None:
        return re.sub(r"[^\w]+", "-", workspace.lower()).strip("-") or "notion"
    if not re.fullmatch(r"[\w][\w.-]{0,63}", asked):
        raise BadInput(
            f"{asked!r} is no name for a connection: use letters, digits, dots, dashes and underscores."
        )
    return asked


def _version(text: str) -> Version:
    try:
        return Version(text)
    except ValueError:
        known = ", ".join(Version)
        raise BadInput(
            f"{text!r} is no version of Notion's API that Syncline speaks: choose one of {known}."
        ) from None


def _rate(text: str) -> Rate | None:
    try:
        return Rate.parse(text)
    except ValueError as error:
        raise BadInput(f"{_capital(str(error))}.") from None


def _token(text: str) -> str:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise BadInput("The token is empty or holds characters that no token has: copy it again from Notion.")
    return token


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
