"""Token health: asking Notion whether a connection's token is good, every few hours and on demand, and giving one back.

An app may ask about its tokens (https://developers.notion.com/reference/introspect-token); an internal token is tried by a call that reads
nothing, ``GET /v1/users/me``.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from syncline.app import App
from syncline.core.errors import NotFound, Refused, Unreachable
from syncline.core.standing import TokenStatus
from syncline.engine.clients import open_client
from syncline.engine.tokens import ask_notion, note, renewed
from syncline.notion import errors, operations
from syncline.notion import oauth as op
from syncline.notion.errors import NotionError, Retry, Unauthorized
from syncline.store import authorizations, connections, oauth, preferences
from syncline.store.authorizations import Authorization, Grant
from syncline.store.connections import Connection
from syncline.store.preferences import TokenPreference

__all__ = ["EVERY", "Health", "check", "check_due", "give_back", "revoke"]

EVERY: Final = timedelta(hours=6)
"""Between two checks of a token by itself, an hour more or less, so that they spread."""

_AGAIN: Final = timedelta(minutes=15)
"""After a check that Notion did not answer."""

_LONGEST: Final = 20.0
_BATCH: Final = 20


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a token, and when Notion said so."""

    status: TokenStatus
    checked_at: datetime | None


async def check(app: App, connection: Connection) -> Health:
    """Ask Notion whether the token is good; one that ended is renewed where that can be.

    Raises Unreachable if Notion cannot be asked, Refused if it does not know our OAuth app.
    """
    async with app.database.read() as conn:
        held = await authorizations.find(conn, connection.id)
    if held.status is not TokenStatus.REVOKED:
        try:
            await (_try_internal if held.app_id is None else _try_oauth)(app, connection, held)
        except NotionError as error:
            raise _sentence(error, connection.base_url) from error
        async with app.database.read() as conn:
            held = await authorizations.find(conn, connection.id)
    return Health(held.status, held.checked_at)


async def _try_internal(app: App, connection: Connection, held: Authorization) -> None:
    try:
        async with open_client(app, connection) as client, asyncio.timeout(_LONGEST):
            await client.send(operations.retrieve_me())
    except Unauthorized:  # noted by whoever looked for another token
        return
    except TimeoutError as error:
        raise errors.TimedOut("no answer") from error
    await note(app, held, TokenStatus.VALID)


async def _try_oauth(app: App, connection: Connection, held: Authorization) -> None:
    async with app.database.read() as conn:
        registered = await oauth.one(conn, held.app_id or "")
        secret = await oauth.app_secret(conn, registered.id, ring=app.keys)
        token = await connections.token(conn, connection.id, ring=app.keys)
    ask = op.introspect_token(token, client_id=registered.client_id, client_secret=secret)
    answer = await ask_notion(registered, ask)
    if answer.get("active") is True:
        await note(app, held, TokenStatus.VALID)
    else:
        await renewed(app, connection, token)


def _sentence(error: NotionError, where: str) -> Refused | Unreachable:
    said = error.message.rstrip(".")
    if error.retry is Retry.RETRY:
        return Unreachable(f"Notion cannot be reached at {where}: {said}. Try again later.")
    return Refused(f"Notion refuses to tell: {said}.")


async def check_due(app: App) -> float | None:
    """Check the tokens whose time has come. Returns 0 where there may be more."""
    now = app.now()
    async with app.database.begin() as conn:
        due = await authorizations.due(conn, now=now, again=EVERY, limit=_BATCH)
    await asyncio.gather(*(_check_one(app, one) for one in due))
    return 0.0 if len(due) == _BATCH else None


async def _check_one(app: App, held: Authorization) -> None:
    """A person who wants to be told only has been told: a dead token is tried again for the others."""
    try:
        async with app.database.read() as conn:
            wanted = (await preferences.find(conn, held.connection_id)).token_preference
            connection = await connections.one(conn, held.connection_id)
    except NotFound:  # it was removed meanwhile
        return
    after = EVERY + _share(held.connection_id, now=app.now())
    if not held.status.dead or wanted is TokenPreference.AUTO_RECONNECT:
        try:
            await check(app, connection)
        except (Refused, Unreachable):
            after = _AGAIN
    async with app.database.begin() as conn:
        await authorizations.postpone(conn, held.connection_id, at=app.now() + after)


def _share(connection_id: str, *, now: datetime) -> timedelta:
    """Up to an hour more or less, another one each time."""
    digest = blake2b(f"{connection_id} {now.isoformat()}".encode(), digest_size=4).digest()
    return timedelta(seconds=int.from_bytes(digest, "big") % 7200 - 3600)


async def revoke(app: App, connection: Connection) -> bool:
    """Give the token of an OAuth connection back to Notion; whether Notion took it.

    An internal token cannot be given back by anybody but the people of its workspace.
    """
    async with app.database.read() as conn:
        held = await authorizations.find(conn, connection.id)
        try:
            token = await connections.token(conn, connection.id, ring=app.keys)
        except Refused:  # it was forgotten
            return False
    return await give_back(app, Grant(token, app_id=held.app_id))


async def give_back(app: App, given: Grant) -> bool:
    """Make a token useless (https://developers.notion.com/reference/revoke-token); whether Notion did.

    Nothing hangs on it: who can do no more with a token but forget it has nobody to tell.
    """
    if given.app_id is None:
        return False
    async with app.database.read() as conn:
        registered = await oauth.one(conn, given.app_id)
        secret = await oauth.app_secret(conn, registered.id, ring=app.keys)
    ask = op.revoke_token(given.access_token, client_id=registered.client_id, client_secret=secret)
    with suppress(NotionError):
        await ask_notion(registered, ask)
        return True
    return False
