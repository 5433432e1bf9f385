"""Renewing a token: whoever meets a refused one has it renewed, and of all who meet it at once one asks Notion.

A renewal gives a new pair, and the old one stops working (https://developers.notion.com/reference/refresh-a-token). The pair is stored
before anybody uses it. An internal token cannot be renewed; neither can one whose refresh token Notion refuses: then the connection
waits for a person, and its schedule with it.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import StoreUnavailable
from syncline.core.event import connection_token
from syncline.core.model import Json
from syncline.core.standing import TokenStatus
from syncline.engine.telling import tell_status
from syncline.notion import errors
from syncline.notion import oauth as op
from syncline.notion.budget import Unlimited
from syncline.notion.client import Client
from syncline.notion.errors import Invalid, NotionError, Unauthorized
from syncline.notion.objects import Version
from syncline.notion.sansio import Operation
from syncline.store import authorizations, connections, events, oauth, schedules
from syncline.store.authorizations import Authorization, Grant
from syncline.store.connections import Connection
from syncline.store.oauth import OAuthApp

__all__ = ["PAUSE", "ask_notion", "granted", "note", "renew", "renewed"]

PAUSE: Final = "token"
"""Why the schedule of a connection without a good token waits."""

_LONGEST: Final = 20.0
"""Seconds that Notion may take to give a new pair."""

_CLAIM: Final = timedelta(seconds=60)
"""For so long whoever renews has the token to itself; a process that dies meanwhile delays the others by that."""

_TRIES: Final = 60
_AGAIN: Final = 0.5
"""How often, and how many seconds apart, a new pair is stored while the store is away."""

_OF_THE_APP: Final = frozenset({"invalid_client", "unauthorized_client"})
"""Refusals of the app (RFC 6749 5.2), as with a wrong secret: they say nothing of its tokens."""

_LOOK: Final = 0.1
"""Seconds between two looks whether somebody else is done."""


async def renew(app: App, connection: Connection, refused: str) -> str | None:
    """The token to go on with after Notion refused this one; None if a person has to connect again.

    Raises NotionError where Notion cannot be asked now.
    """
    app = _unleased(app)
    async with app.database.read() as conn:
        held = await authorizations.find(conn, connection.id)
        token = await connections.token(conn, connection.id, ring=app.keys)
    if token != refused:
        return token
    if held.app_id is None:
        await note(app, held, TokenStatus.INVALID)
        return None
    return None if held.status.dead else await renewed(app, connection, refused)


async def renewed(app: App, connection: Connection, old: str) -> str | None:
    """The token that is stored in the place of `old`: somebody else's, or one that this call had Notion give.

    None if Notion gives none. It does not matter whether the old one still works. Raises NotionError as `renew`.
    """
    app = _unleased(app)
    until = app.now() + 2 * _CLAIM
    while True:
        async with app.database.begin() as conn:
            held = await authorizations.find(conn, connection.id)
            token = await connections.token(conn, connection.id, ring=app.keys)
            now = app.now()
            free = token == old and await authorizations.claim(
                conn, connection.id, held.generation, now=now, until=now + _CLAIM
            )
        if token != old:
            return token
        if free:
            return await _finished(asyncio.create_task(_exchange(app, held)))
        if now > until:
            raise errors.TimedOut("another process did not come to an end with renewing the token")
        await asyncio.sleep(_LOOK)


def _unleased(app: App) -> App:
    """The app without the lease of a run: a pair that Notion gave is stored whoever the run belongs to by now."""
    return App(app.settings, app.database.guarded(None), app.keys, app.now, app.new_id)


async def _finished(task: "asyncio.Task[str | None]") -> str | None:
    """Wait for a renewal to its end even if one is cancelled: what is given and not stored is lost."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _exchange(app: App, held: Authorization) -> str | None:
    """Have Notion give a new pair and store it, under a claim; let go of the claim whatever happens.

    Raises NotionError where Notion refuses the app, or cannot be asked.
    """
    given: Grant | None = None
    refused = False
    try:
        given = await _given(app, held)
    except (Unauthorized, Invalid) as error:
        if error.code in _OF_THE_APP:
            raise
        refused = True
    finally:
        stored = await _stored(app, held, given)
    if refused or given is None:
        await note(app, held, TokenStatus.EXPIRED)
        return None
    return given.access_token if stored else None


async def _stored(app: App, held: Authorization, given: Grant | None) -> bool:
    """Store the pair and let go of the claim. A pair that cannot be stored is lost, so a store that is away is waited for."""
    one = held.connection_id
    for left in reversed(range(_TRIES)):
        try:
            async with app.database.begin() as conn:
                stored = await authorizations.release(
                    conn, one, held.generation, given=given, ring=app.keys, now=app.now()
                )
                if stored and given is not None:
                    await _told(conn, app, held, TokenStatus.VALID)
        except StoreUnavailable:
            if given is None or left == 0:
                raise
            await asyncio.sleep(_AGAIN)
        else:
            return stored
    raise AssertionError("the last try returns or raises")


async def _given(app: App, held: Authorization) -> Grant | None:
    assert held.app_id is not None
    async with app.database.read() as conn:
        registered = await oauth.one(conn, held.app_id)
        secret = await oauth.app_secret(conn, registered.id, ring=app.keys)
        token = await authorizations.refresh_token(conn, held.connection_id, ring=app.keys)
    if token is None:
        return None
    ask = op.refresh_token(token, client_id=registered.client_id, client_secret=secret)
    return granted(await ask_notion(registered, ask), registered, now=app.now())


async def ask_notion(registered: OAuthApp, operation: Operation[Any]) -> Mapping[str, Any]:
    """Send one of the operations of OAuth. Raises NotionError, TimedOut where it takes too long."""
    version = Version(registered.notion_version)
    async with Client(None, version=version, base_url=registered.base_url, budget=Unlimited()) as client:
        try:
            async with asyncio.timeout(_LONGEST):
                answer: Mapping[str, Any] = await client.send(operation)
        except TimeoutError as error:
            cause = error.__context__
            raise cause if isinstance(cause, NotionError) else errors.TimedOut("no answer") from error
    return answer


def granted(answer: Json, registered: OAuthApp, *, now: datetime) -> Grant:
    """What an answer of Notion's token endpoint gives. Raises Unexpected where that is nothing."""
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise errors.Unexpected("the answer holds no token")
    seconds = answer.get("expires_in")
    return Grant(
        access_token=token,
        refresh_token=answer.get("refresh_token"),
        expires_at=now + timedelta(seconds=seconds) if isinstance(seconds, int) else None,
        app_id=registered.id,
        workspace_id=answer.get("workspace_id"),
        workspace_icon=answer.get("workspace_icon"),
        template_id=answer.get("duplicated_template_id"),
        owner=answer.get("owner"),
    )


async def note(app: App, held: Authorization, status: TokenStatus) -> None:
    """Write down what Notion said of a token, unless it is another token by now; tell of it if it is news."""
    async with app.database.begin() as conn:
        before = await authorizations.note(
            conn, held.connection_id, held.generation, status=status, now=app.now()
        )
        if before is not None:
            await _told(conn, app, held, status, before=before)


async def _told(
    conn: AsyncConnection,
    app: App,
    held: Authorization,
    status: TokenStatus,
    *,
    before: TokenStatus | None = None,
) -> None:
    """Tell of another status, and let the schedule wait for a good token or go on with one."""
    before = before or held.status
    if before is status:
        return
    one, now = held.connection_id, app.now()
    await events.append(conn, one, [connection_token(status, previous=before)], now=now)
    if status.dead:
        await schedules.pause(conn, one, PAUSE)
    elif before.dead:
        await schedules.resume(conn, one, PAUSE, now=now)
    await tell_status(conn, one, now=now)
