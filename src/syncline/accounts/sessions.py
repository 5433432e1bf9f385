"""Sessions: who is calling, told by an access token, a refresh token or an API key.

    access token     JWT (HS256), 15 minutes; names user and session, and the session is looked up each time
    refresh token    random, 7 days; each use replaces it, and one that comes back ends the session
    API key          random, until it expires or is revoked

The signing keys are derived from the key ring: whoever rotates that signs with the new one, and the old ones verify until
they are taken away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import jwt
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.accounts.passwords import digest, new_token
from syncline.app import App
from syncline.core.errors import Expired, Forged, Unrenewable
from syncline.core.permission import Scope
from syncline.store import idempotency, invitations, keys, ratelimits, sessions, tickets
from syncline.store.sessions import Reuse, Session

__all__ = [
    "ACCESS",
    "KEY_PREFIX",
    "REFRESH",
    "Caller",
    "Tokens",
    "begin",
    "forget_ended",
    "identify",
    "renew",
]

ACCESS: Final = timedelta(minutes=15)
REFRESH: Final = timedelta(days=7)
KEY_PREFIX: Final = "slk"
_KEPT: Final = timedelta(days=30)
"""How long an invitation that nobody accepted is still listed."""

_REFRESH_PREFIX: Final = "slr"
_PURPOSE: Final = "access token"
_ISSUER: Final = "syncline"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling. A person has a session and every scope, a key its own.

    `workspaces` are the ids of the only connections it reaches; None: all that its user belongs to.
    """

    user_id: str
    session_id: str | None = None
    key_id: str | None = None
    scopes: frozenset[Scope] = frozenset(Scope)
    workspaces: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in yields."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


async def begin(app: App, conn: AsyncConnection, user_id: str, *, agent: str | None) -> Tokens:
    """Open a session for a user who has proved who it is."""
    now = app.now()
    session = Session(app.new_id(), user_id, now + REFRESH)
    refresh = new_token(_REFRESH_PREFIX)
    await sessions.open_session(conn, session, refresh=digest(refresh), agent=(agent or "")[:200], now=now)
    return Tokens(_access(app, session), refresh)


async def renew(app: App, refresh: str) -> Tokens:
    """Replace a refresh token. Raises Unrenewable if it is none; if it was used before, the session ends as well."""
    now, following = app.now(), new_token(_REFRESH_PREFIX)
    async with app.database.begin() as conn:
        session = await sessions.redeem(conn, digest(refresh), now=now)
        if isinstance(session, Reuse):
            await sessions.revoke(conn, session.session_id, now=now)
        elif session is not None:
            await sessions.chain(conn, session.id, digest(following))
            return Tokens(_access(app, session), following)
    raise Unrenewable("The session is over: sign in again.")


async def identify(app: App, credential: str) -> Caller:
    """Who holds an access token or an API key. Raises Expired or Forged."""
    if credential.startswith(f"{KEY_PREFIX}_"):
        return await _key_holder(app, credential)
    claims = _claims(app, credential)
    async with app.database.glance() as conn:
        session = await sessions.alive(conn, str(claims["sid"]), now=app.now())
    if session is None or session.user_id != claims["sub"]:
        raise Forged("The session is over: sign in again.")
    return Caller(session.user_id, session_id=session.id)


async def _key_holder(app: App, credential: str) -> Caller:
    now = app.now()
    async with (
        app.database.glance() as conn
    ):  # a key that is revoked meanwhile reaches nothing, or what it did before
        key = await keys.by_hash(conn, digest(credential), now=now)
    if key is None:
        raise Forged("There is no such API key: it was revoked, or has expired.")
    if keys.stale(key, now):
        async with app.database.begin() as conn:
            await keys.touch(conn, key.id, now=now)
    reach = None if key.workspaces is None else frozenset(key.workspaces)
    return Caller(key.user_id, key_id=key.id, scopes=frozenset(key.scopes), workspaces=reach)


def _access(app: App, session: Session) -> str:
    now = app.now()
    claims = {
        "iss": _ISSUER,
        "sub": session.user_id,
        "sid": session.id,
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS).timestamp()),
    }
    return jwt.encode(claims, app.keys.derive(_PURPOSE)[0], algorithm="HS256")


def _claims(app: App, token: str) -> Mapping[str, Any]:
    """What a token says that one of our keys has signed. Raises Expired or Forged."""
    for key in app.keys.derive(_PURPOSE):
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["HS256"],
                issuer=_ISSUER,
                # The time is the app's; the library would look at the clock of the machine.
                options={"verify_exp": False, "verify_iat": False, "require": ["sub", "sid", "exp"]},
            )
        except jwt.InvalidTokenError:
            continue
        if not isinstance(claims["exp"], int) or claims["exp"] <= app.now().timestamp():
            raise Expired("The access token has expired: renew it with the refresh token.")
        return claims
    raise Forged("The access token is not valid: sign in again.")


async def forget_ended(app: App) -> None:
    """A duty: forget sessions that are over, answers kept for commands that come twice, and counts of requests long ago."""
    now = app.now()
    async with app.database.begin() as conn:
        await sessions.forget_ended(conn, before=now)
        await idempotency.forget(conn, now=now)
        await ratelimits.forget(conn, before=now)
        await tickets.forget(conn, before=now)
        await invitations.forget(conn, before=now - _KEPT)
