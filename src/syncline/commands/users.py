"""What the commands on the service's users do."""

from collections.abc import Sequence
from datetime import timedelta

from syncline.accounts import accounts, apikeys, membership
from syncline.accounts.apikeys import Wanted
from syncline.app import App
from syncline.core.errors import BadInput, NotFound
from syncline.core.permission import Role, Scope
from syncline.present import local
from syncline.settings import Settings
from syncline.store import connections, members, users
from syncline.store.users import User
from syncline.terminal import Terminal

__all__ = ["invite_here", "key_here", "list_here", "reset_here"]


async def list_here(terminal: Terminal) -> None:
    """List the users."""
    rows = []
    async with App.open(Settings.load()) as app, app.database.read() as conn:
        for user in await users.every(conn):
            mine = [f"{one.name} ({role})" for one, role in await members.workspaces(conn, user.id)]
            rows.append((user.email, user.name, ", ".join(mine), local(user.created_at)))
    if not rows:
        terminal.result("No users. `syncline serve` prints the link with which the first one registers.")
        return
    terminal.table(["e-mail", "name", "workspaces", "since"], rows)


async def invite_here(terminal: Terminal, *, email: str, connection: str | None, role: str) -> None:
    """Invite somebody."""
    if "@" not in email:
        raise BadInput(f"{email!r} is no e-mail address.")
    async with App.open(Settings.load()) as app:
        async with app.database.read() as conn:
            if not await users.any_exist(conn):
                raise BadInput("The first user registers with the link that `syncline serve` prints.")
            found = await connections.find(conn, connection) if connection else None
        _, token = await membership.invite(
            app, None, email=email, role=Role(role), connection_id=found.id if found else None
        )
        terminal.result(f"{app.settings.public_url}/join#token={token}")
    terminal.note(f"For {email} alone. The link works once and for a week.")


async def reset_here(terminal: Terminal, *, email: str) -> None:
    """Let a user set a new password."""
    async with App.open(Settings.load()) as app:
        made = await accounts.request_reset(app, email)
        if made is None:
            raise _nobody(email)
        terminal.result(f"{app.settings.public_url}/reset-password#token={made[1]}")
    terminal.note("The link works once and for an hour.")


async def key_here(
    terminal: Terminal, *, email: str, name: str, scopes: Sequence[str], days: int | None
) -> None:
    """Make an API key."""
    async with App.open(Settings.load()) as app:
        user = await _user(app, email)
        expires = app.now() + timedelta(days=days) if days else None
        wanted = Wanted(name, frozenset(map(Scope, scopes)), expires_at=expires)
        _, key = await apikeys.make(app, user.id, wanted)
    terminal.result(key)
    terminal.note("It is not shown again. `Authorization: Bearer …` carries it.")


async def _user(app: App, email: str) -> User:
    async with app.database.read() as conn:
        user = await users.find_email(conn, email)
    if user is None:
        raise _nobody(email)
    return user


def _nobody(email: str) -> NotFound:
    return NotFound(f"Nobody has an account with the address {email}.")
