"""Accounts: how somebody becomes a user, signs in, and gets back in without the password.

Nothing here tells a stranger whether an address has an account: signing in fails alike and takes as long, and
forgetting a password always succeeds. Registration is open only by the setting or an invitation; the first user has the setup
key that the server printed when it started, and owns what the command line has connected.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.accounts import sessions as opening
from syncline.accounts.passwords import acceptable, digest, hashed, matches, new_token, outdated
from syncline.accounts.sessions import Tokens
from syncline.app import App
from syncline.core.errors import BadInput, Denied, Duplicate, Mismatch
from syncline.store import invitations, keys, members, sessions, tickets, users
from syncline.store.tickets import Purpose
from syncline.store.users import User

__all__ = [
    "Registration",
    "change_password",
    "profile",
    "register",
    "rename",
    "request_reset",
    "reset_password",
    "setup_link",
    "sign_in",
    "sign_out",
]

_SETUP: Final = timedelta(days=7)
_RESET: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Registration:
    """Who wants to become a user. `key` is the setup key or the token of an invitation."""

    email: str
    name: str
    password: str = field(repr=False)
    key: str | None = field(default=None, repr=False)


async def setup_link(app: App, base_url: str) -> str | None:
    """A link with which the first user registers; None once there is one. It works once and for a week."""
    key = new_token("sls")
    async with app.database.begin() as conn:
        if await users.any_exist(conn):
            return None
        await tickets.issue(
            conn, digest(key), purpose=Purpose.SETUP, user_id=None, expires_at=app.now() + _SETUP
        )
    # Behind the hash, so that it stands in no log of requests.
    return f"{base_url}/setup#key={key}"


async def register(app: App, asked: Registration, *, agent: str | None) -> tuple[User, Tokens]:
    """Make a user and sign it in. Raises BadInput, Denied if registration is not open to it, Duplicate."""
    hash_ = await hashed(acceptable(asked.password))
    async with app.database.begin() as conn:
        first = await _first(app, conn, asked)
        invited = None if first else await _admitted(app, conn, asked)
        now = app.now()
        proved = now if first or invited else None
        user = User(app.new_id(), asked.email.lower(), asked.name, first, now, verified_at=proved)
        await users.add(conn, user, password=hash_)
        if user.instance_owner:
            await tickets.tear(conn, purpose=Purpose.SETUP, user_id=None)
            await members.adopt(conn, user.id, now=app.now())
        if invited is not None and invited.connection_id and invited.role:
            await members.add(conn, invited.connection_id, user.id, role=invited.role, now=app.now())
        return user, await opening.begin(app, conn, user.id, agent=agent)


async def sign_in(app: App, email: str, password: str, *, agent: str | None) -> tuple[User, Tokens]:
    """Open a session. Raises Mismatch, after the same time whether there is such a user or not."""
    async with app.database.read() as conn:
        user = await users.find_email(conn, email)
        known = await users.password(conn, user.id) if user else None
    if not await matches(password, known) or user is None or known is None:
        raise Mismatch("E-mail address and password do not belong together.")
    fresh = await hashed(password) if outdated(known) else None
    async with app.database.begin() as conn:
        if fresh:
            await users.set_password(conn, user.id, password=fresh, now=app.now())
        return user, await opening.begin(app, conn, user.id, agent=agent)


async def sign_out(app: App, session_id: str) -> None:
    """End a session: its access token is worth nothing from now on."""
    async with app.database.begin() as conn:
        await sessions.revoke(conn, session_id, now=app.now())


async def profile(app: App, user_id: str) -> User:
    """The user with this id."""
    async with app.database.read() as conn:
        return await users.find(conn, user_id)


async def rename(app: App, user_id: str, name: str) -> User:
    """Give a user another name."""
    async with app.database.begin() as conn:
        await users.rename(conn, user_id, name)
        return await users.find(conn, user_id)


async def change_password(
    app: App, user_id: str, *, session_id: str | None, current: str, wanted: str
) -> None:
    """Replace a password and end the user's other sessions. Raises Mismatch or BadInput."""
    async with app.database.read() as conn:
        known = await users.password(conn, user_id)
    if not await matches(current, known):
        raise Mismatch("The current password is another one.")
    hash_ = await hashed(acceptable(wanted))
    async with app.database.begin() as conn:
        await _replace(app, conn, user_id, hash_, but=session_id)


async def request_reset(app: App, email: str) -> tuple[User, str] | None:
    """A token with which a password can be set once, within an hour; None if nobody has the address."""
    token = new_token("slt")
    async with app.database.begin() as conn:
        user = await users.find_email(conn, email)
        if user is None:
            return None
        await tickets.tear(conn, purpose=Purpose.RESET, user_id=user.id)
        await tickets.issue(
            conn, digest(token), purpose=Purpose.RESET, user_id=user.id, expires_at=app.now() + _RESET
        )
    return user, token


async def reset_password(app: App, token: str, password: str) -> None:
    """Set a password by a token of `request_reset` and end all sessions; it proves the address. Raises BadInput if it is good for nothing.

    Somebody else may have registered the address before: the keys of an account whose address was not proved go.
    """
    hash_ = await hashed(acceptable(password))
    async with app.database.begin() as conn:
        ticket = await tickets.use(conn, digest(token), purpose=Purpose.RESET, now=app.now())
        if ticket is None or ticket[0] is None:
            raise BadInput("This link was used before or has expired: ask for a new one.")
        await _replace(app, conn, ticket[0], hash_, but=None)
        if await users.verify(conn, ticket[0], now=app.now()):
            await keys.remove_all(conn, ticket[0])


async def _first(app: App, conn: AsyncConnection, asked: Registration) -> bool:
    """Whether it is the first user who registers, with the setup key. Raises Denied without it."""
    if await users.any_exist(conn):
        return False
    if asked.key is None or not await tickets.use(
        conn, digest(asked.key), purpose=Purpose.SETUP, now=app.now()
    ):
        raise Denied("The first user registers with the link that `syncline serve` prints when it starts.")
    return True


async def _admitted(app: App, conn: AsyncConnection, asked: Registration) -> invitations.Invitation | None:
    """The invitation that lets somebody in; None where no invitation is needed. Raises Denied or Duplicate."""
    if app.settings.registration == "closed":
        raise Denied("Registration is closed.")
    if asked.key is not None:
        invited = await invitations.redeem(conn, digest(asked.key), now=app.now())
        if invited is None or invited.email != asked.email.lower():
            raise Denied("This invitation is for another address, was used before, or has expired.")
        return invited
    if app.settings.registration != "open":
        raise Denied("Registration is by invitation: ask a member for one.")
    if await users.find_email(conn, asked.email):
        raise Duplicate("There is an account for this address already: sign in instead.")
    return None


async def _replace(app: App, conn: AsyncConnection, user_id: str, hash_: str, *, but: str | None) -> None:
    await users.set_password(conn, user_id, password=hash_, now=app.now())
    await tickets.tear(conn, purpose=Purpose.RESET, user_id=user_id)
    await sessions.revoke_all(conn, user_id, but=but, now=app.now())
