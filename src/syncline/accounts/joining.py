"""Who gets what when somebody brings a token: a connection of its own, new life for one, or a place in one that is there.

A Notion workspace is connected once for each OAuth app. Whoever authorises it again and may change its settings renews the token that
everybody reads through; whoever else does is let in as a member, if the workspace wants that, and its token is not kept.
Nobody becomes an owner by knowing a Notion workspace that somebody else has connected (decision record 0010).
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.accounts import verification
from syncline.app import App
from syncline.core.errors import BadInput, Denied, Duplicate
from syncline.core.permission import Permission, Role, allowed
from syncline.engine.connect import Asked, examine, replace_token, store_connection
from syncline.engine.token_health import give_back
from syncline.store import authorizations, connections, members, preferences, users
from syncline.store.authorizations import Grant
from syncline.store.connections import Connection
from syncline.store.preferences import Joining

__all__ = ["Joined", "NotInvited", "join", "join_with_token"]

_TRIES: Final = 5
"""Somebody else may take the name, or connect the same workspace, at the same moment."""


class NotInvited(Denied):
    """The workspace is connected, and lets in whom its members invite."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What bringing a token came to. `kept` tells that the token is now the connection's."""

    connection_id: str
    role: Role
    kept: bool


async def join_with_token(app: App, user_id: str, asked: Asked) -> Joined:
    """Connect a workspace by an internal token. Raises as `connect`, NotInvited, and Denied for an address to prove."""
    await verification.require(app, user_id)
    found = await examine(app, asked)
    return await join(app, user_id, found, Grant(asked.token.strip(), workspace_id=found.workspace_id))


async def join(app: App, user_id: str, found: Connection, given: Grant) -> Joined:
    """Let a user have what a token that was examined gives; one that is not kept, or is replaced, is given back to Notion.

    Raises NotInvited.
    """
    try:
        joined, old = await _settled(app, user_id, found, given)
    except NotInvited:
        await give_back(app, given)
        raise
    if old is not None:
        await give_back(app, old)
    return joined


async def _settled(app: App, user_id: str, found: Connection, given: Grant) -> tuple[Joined, Grant | None]:
    """The outcome, and the token that nobody needs any more."""
    for left in reversed(range(_TRIES)):
        try:
            async with app.database.begin() as conn:
                return await _settle(conn, app, user_id, found, given)
        except (BadInput, Duplicate):
            if left == 0:
                raise
            await asyncio.sleep(0)
    raise AssertionError("the last try returns or raises")


async def _settle(
    conn: AsyncConnection, app: App, user_id: str, found: Connection, given: Grant
) -> tuple[Joined, Grant | None]:
    await users.find(conn, user_id)
    known = await authorizations.twin(
        conn, app_id=given.app_id, workspace_id=given.workspace_id, bot_id=found.bot_id
    )
    if known is None:
        named = replace(found, name=await _free(conn, found.name))
        await store_connection(conn, app, named, given, user_id=user_id)
        return Joined(found.id, Role.OWNER, kept=True), None
    await connections.hold(conn, known)
    role = await members.role(conn, known, user_id)
    before = await connections.one(conn, known)
    if role is not None and allowed(role, Permission.EDIT_SETTINGS):
        old = await replace_token(conn, app, replace(found, id=known), given, user_id=user_id)
        return Joined(known, role, kept=True), old if before.bot_id != found.bot_id else None
    if role is None:
        role = await _let_in(conn, app, known, user_id)
    return Joined(known, role, kept=False), given if before.bot_id != found.bot_id else None


async def _let_in(conn: AsyncConnection, app: App, connection_id: str, user_id: str) -> Role:
    if (await preferences.find(conn, connection_id)).joining is Joining.INVITED:
        raise NotInvited("This workspace is connected already, and its members are invited: ask one of them.")
    await members.add(conn, connection_id, user_id, role=Role.MEMBER, now=app.now())
    return Role.MEMBER


async def _free(conn: AsyncConnection, name: str) -> str:
    """The name, or the first of its kind that is free."""
    taken = await connections.names(conn, name)
    if name not in taken:
        return name
    return next(f"{name}-{number}" for number in range(2, len(taken) + 3) if f"{name}-{number}" not in taken)
