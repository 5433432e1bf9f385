"""API keys: made for a purpose, shown once, revoked at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from syncline.accounts.passwords import digest, new_token
from syncline.accounts.sessions import KEY_PREFIX, Caller
from syncline.app import App
from syncline.core.errors import BadInput, NotFound
from syncline.core.permission import Scope
from syncline.store import keys, members
from syncline.store.keys import ApiKey

__all__ = ["Wanted", "every", "make", "revoke"]

_SHOWN: Final = 8
"""Characters of a key that stay to be seen: its prefix and four of 43 random ones."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a key is to be. `workspaces` None: it reaches all that its user belongs to, also later."""

    name: str
    scopes: frozenset[Scope]
    workspaces: frozenset[str] | None = None
    expires_at: datetime | None = None


async def make(app: App, user_id: str, wanted: Wanted) -> tuple[ApiKey, str]:
    """Make a key for a user: what is kept of it, and the key itself.

    Raises BadInput if it would have expired already, NotFound if it names a workspace that the user does not belong to.
    """
    if wanted.expires_at is not None and wanted.expires_at <= app.now():
        raise BadInput("A key that has expired already is of no use.", details={"field": "expiresAt"})
    token = new_token(KEY_PREFIX)
    key = ApiKey(
        id=app.new_id(),
        user_id=user_id,
        name=wanted.name,
        prefix=token[:_SHOWN],
        scopes=tuple(scope for scope in Scope if scope in wanted.scopes),
        workspaces=None if wanted.workspaces is None else tuple(sorted(wanted.workspaces)),
        created_at=app.now(),
        expires_at=wanted.expires_at,
    )
    async with app.database.begin() as conn:
        mine = {one.id for one, _ in await members.workspaces(conn, user_id)}
        if wanted.workspaces is not None and wanted.workspaces - mine:
            raise NotFound("There is no such workspace.")
        await keys.add(conn, key, hashed=digest(token))
    return key, token


async def every(app: App, caller: Caller) -> Sequence[ApiKey]:
    """The caller's keys, oldest first."""
    async with app.database.read() as conn:
        return await keys.every(conn, caller.user_id)


async def revoke(app: App, caller: Caller, key_id: str) -> None:
    """Take one of the caller's keys back. Raises NotFound if it is none of theirs."""
    async with app.database.begin() as conn:
        await keys.remove(conn, caller.user_id, key_id)
