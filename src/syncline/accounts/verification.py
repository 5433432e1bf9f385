"""Verification: whether an address is its user's (decision record 0017).

It is, where somebody came by the setup link or an invitation, or set a password by a link that was sent there. Whoever registers freely
proves it by a link of its own, signed in: who knows the mailbox and not the password proves nothing for somebody else's account.
"""

from datetime import timedelta
from typing import Final

from syncline.accounts.passwords import digest, new_token
from syncline.app import App
from syncline.core.errors import BadInput, Denied
from syncline.store import tickets, users
from syncline.store.tickets import Purpose
from syncline.store.users import User

__all__ = ["confirm", "request", "require"]

_LIFE: Final = timedelta(days=1)


async def request(app: App, user_id: str) -> tuple[User, str] | None:
    """A token that proves the user's address once, within a day; None where it is proved already. An older one is worth nothing then."""
    token = new_token("slv")
    async with app.database.begin() as conn:
        user = await users.find(conn, user_id)
        if user.verified_at is not None:
            return None
        await tickets.tear(conn, purpose=Purpose.VERIFY, user_id=user.id)
        await tickets.issue(
            conn, digest(token), purpose=Purpose.VERIFY, user_id=user.id, expires_at=app.now() + _LIFE
        )
    return user, token


async def confirm(app: App, user_id: str, token: str) -> None:
    """Note that the user's address is proved, by a token of `request`. Raises BadInput if it is good for nothing, or another's."""
    async with app.database.begin() as conn:
        ticket = await tickets.use(conn, digest(token), purpose=Purpose.VERIFY, now=app.now())
        if ticket != (user_id,):
            raise BadInput(
                "This link was used before, has expired, or is another account's: ask for a new one."
            )
        await users.verify(conn, user_id, now=app.now())


async def require(app: App, user_id: str) -> None:
    """Raises Denied for a user whose address is not proved, where mail could be sent to it."""
    if app.settings.smtp_url is None:
        return
    async with app.database.read() as conn:
        user = await users.find(conn, user_id)
    if user.verified_at is None:
        raise Denied(
            "Confirm your e-mail address first: POST /api/v1/auth/verify-email/resend sends the link again.",
            details={"emailVerified": False},
        )
