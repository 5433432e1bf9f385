"""Connecting by OAuth: off to Notion and back (https://developers.notion.com/docs/authorization).

The way back comes in a browser without a credential of ours. Who is coming is told by two things that only that browser has: the state, a
signed number of which the store keeps a hash, and a cookie. Either alone is worth nothing, both together work once, within ten minutes, for
the session that began it. What goes wrong leads back to the caller's page with a stable code:

    access_denied        the person refused at Notion's page
    invalid_state        the state is forged, used, expired or another browser's
    invalid_request      Notion sent neither a code nor a reason
    exchange_failed      Notion does not give a token for the code
    notion_unavailable   Notion cannot be reached
    not_invited          the workspace is connected, and lets in whom its members invite
    forbidden            the session has ended, or the user is gone
"""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from syncline.accounts import verification
from syncline.accounts.joining import Joined, NotInvited, join
from syncline.accounts.sessions import Caller
from syncline.app import App
from syncline.core.errors import BadInput, NotFound, Retry, SynclineError
from syncline.engine.connect import Asked, examine
from syncline.engine.tokens import ask_notion, granted
from syncline.notion import errors
from syncline.notion import oauth as op
from syncline.settings import Settings
from syncline.store import oauth, sessions
from syncline.store.oauth import OAuthApp, State

__all__ = ["PAGE", "TTL", "Answer", "Begun", "begin", "cookie_name", "finish", "return_url"]

TTL: Final = timedelta(minutes=10)

PAGE: Final = "/settings/integrations"
"""The built-in page that a person comes back to."""

_PURPOSE: Final = "oauth state"


@dataclass(frozen=True, slots=True)
class Begun:
    """An authorization that begins: where to send the person, and what its browser has to keep meanwhile."""

    url: str = field(repr=False)
    state: str = field(repr=False)
    cookie: str
    nonce: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What Notion sends a person back with."""

    code: str | None = field(default=None, repr=False)
    state: str | None = field(default=None, repr=False)
    error: str | None = None


class _Failed(Exception):
    """The authorization came to nothing; the message is the stable code."""


async def begin(
    app: App, caller: Caller, *, registered: str | None, echo: str | None, back: str | None
) -> Begun:
    """Begin an authorization with one of the OAuth apps, by default the oldest.

    `echo` is given back to the caller, `back` is where the person comes out. Raises BadInput for an address that is not
    allowed and where there is no app, NotFound for an app that there is not, Denied for a user whose address is to be proved.
    """
    await verification.require(app, caller.user_id)
    page, now = return_url(app.settings, back), app.now()
    number, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    async with app.database.begin() as conn:
        chosen = await oauth.find(conn, registered)
        await oauth.clear_states(conn, before=now - TTL)
        state = State(
            hash=_hash(number),
            cookie_hash=_hash(nonce),
            app_id=chosen.id,
            user_id=caller.user_id,
            session_id=caller.session_id,
            echo=echo,
            return_url=page,
            expires_at=now + TTL,
        )
        await oauth.remember(conn, state)
    signed = f"{number}.{_signature(app.keys.derive(_PURPOSE)[0], number)}"
    url = op.authorize_url(
        chosen.client_id, redirect_uri=chosen.redirect_uri, state=signed, base_url=chosen.base_url
    )
    return Begun(url, signed, cookie_name(app, signed), nonce)


def return_url(settings: Settings, asked: str | None) -> str:
    """Where a person comes out: an address that is allowed, by default the first of those, or else the built-in page.

    An allowed address stands for itself and what is below it. Raises BadInput for another one.
    """
    allowed, built_in = settings.return_urls, f"{settings.public_url}{PAGE}"
    if asked is None:
        return allowed[0] if allowed else built_in
    for known in (*allowed, built_in):
        if _is_below(asked, known):
            return asked
    raise BadInput(
        "This return address is not allowed: SYNCLINE_RETURN_URLS lists those that are.",
        details={"field": "redirectUrl"},
    )


def _is_below(asked: str, known: str) -> bool:
    # Browsers read a backslash as a slash, and drop what cannot be printed.
    if not asked.isascii() or not asked.isprintable() or "\\" in asked or " " in asked:
        return False
    try:
        one, other = urlsplit(asked), urlsplit(known)
    except ValueError:
        return False
    if (one.scheme, one.netloc) != (other.scheme, other.netloc):
        return False
    if ".." in unquote(one.path).split(
        "/"
    ):  # browsers climb by %2e%2e as well: https://url.spec.whatwg.org/#double-dot-path-segment
        return False
    folder = other.path.rstrip("/")
    return one.path in {other.path, folder} or one.path.startswith(f"{folder}/")


def cookie_name(app: App, state: str) -> str:
    """The cookie of one authorization: several may be under way in one browser. Where there is HTTPS no other host can set it."""
    prefix = "__Host-" if app.settings.public_url.startswith("https:") else ""
    return f"{prefix}syncline_oauth_{_hash(state)[:16]}"


async def finish(app: App, answer: Answer, *, nonce: str | None) -> str:
    """Bring an authorization to its end; the address that the person is sent to, with ``workspace=`` or ``error=`` and the caller's ``state``."""
    state = await _state(app, answer.state, nonce)
    if state is None:
        return _with(return_url(app.settings, None), {"error": "invalid_state"})
    echo = {} if state.echo is None else {"state": state.echo}
    try:
        joined = await _connected(app, state, answer)
    except _Failed as error:
        return _with(state.return_url, {"error": str(error), **echo})
    return _with(state.return_url, {"workspace": joined.connection_id, **echo})


async def _state(app: App, signed: str | None, nonce: str | None) -> State | None:
    """What the state and the cookie stand for, once; None if either is wrong."""
    number, _, signature = (signed or "").partition(".")
    told = signature.encode("utf-8", "replace")
    keys = app.keys.derive(_PURPOSE)
    ours = [hmac.compare_digest(_signature(key, number).encode(), told) for key in keys]
    if nonce is None or not any(ours):
        return None
    async with app.database.begin() as conn:
        return await oauth.use(conn, _hash(number), cookie_hash=_hash(nonce), now=app.now())


def _signature(key: bytes, number: str) -> str:
    return hmac.new(key, number.encode("utf-8", "replace"), sha256).hexdigest()


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()


async def _connected(app: App, state: State, answer: Answer) -> Joined:
    if answer.error is not None:
        raise _Failed("access_denied" if answer.error == "access_denied" else "invalid_request")
    if not answer.code:
        raise _Failed("invalid_request")
    try:
        async with app.database.read() as conn:
            if state.session_id and not await sessions.alive(conn, state.session_id, now=app.now()):
                raise _Failed("forbidden")
            registered = await oauth.one(conn, state.app_id)
            secret = await oauth.app_secret(conn, registered.id, ring=app.keys)
        return await _exchanged(app, state, registered, secret, answer.code)
    except NotInvited:
        raise _Failed("not_invited") from None
    except NotFound:
        raise _Failed("forbidden") from None
    except SynclineError as error:
        raise _Failed("notion_unavailable" if isinstance(error, Retry) else "exchange_failed") from error
    except errors.NotionError as error:
        passing = error.retry is errors.Retry.RETRY
        raise _Failed("notion_unavailable" if passing else "exchange_failed") from error


async def _exchanged(app: App, state: State, registered: OAuthApp, secret: str, code: str) -> Joined:
    ask = op.create_token(
        code, client_id=registered.client_id, client_secret=secret, redirect_uri=registered.redirect_uri
    )
    given = granted(await ask_notion(registered, ask), registered, now=app.now())
    asked = Asked(
        token=given.access_token,
        base_url=registered.base_url,
        notion_version=registered.notion_version,
        rate=registered.rate,
    )
    return await join(app, state.user_id, await examine(app, asked), given)


def _with(url: str, query: dict[str, str]) -> str:
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in query]
    return urlunsplit(parts._replace(query=urlencode([*kept, *query.items()])))
