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

from syncline.app import App
from syncline.core.errors import BadInput, NotFound, Refused, SynclineError, Unreachable
from syncline.engine.clients import new_client, open_budget
from syncline.notion import errors, objects
from syncline.notion import operations as op
from syncline.notion.budget import Rate
from syncline.notion.client import Client, Runtime
from syncline.notion.objects import JsonObject, Version
from syncline.notion.sansio import BASE_URL
from syncline.store import connections
from syncline.store.connections import Connection
from syncline.store.locks import connection_lock

__all__ = ["Asked", "connect", "disconnect", "executor", "pick"]

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

    Raises BadInput for a malformed or taken value, Refused if Notion does not accept the token, Unreachable if
    Notion does not answer.
    """
    version, token, rate = _version(asked.notion_version), _token(asked.token), _rate(asked.rate)
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
    connection = replace(connection, rate=str(rate or "none"), base_url=base_url)
    async with app.database.begin() as conn:
        await connections.add(conn, connection, token=token, ring=app.keys)
    return connection


async def disconnect(app: App, connection: Connection) -> None:
    """Remove the connection, its token and all that was read through it. Raises Busy while a pull of it runs."""
    from syncline.engine.jobs import forget  # noqa: PLC0415  the job engine takes a second to import

    async with connection_lock(app.database, app.settings.home, connection.id):
        await asyncio.to_thread(forget, app.settings.jobs, executor(connection))
        async with app.database.begin() as conn:
            await connections.remove(conn, connection.id)


def executor(connection: Connection) -> str:
    """The name under which the job engine knows whoever pulls the connection."""
    return f"pull-{connection.id}"


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
