"""What the commands on OAuth apps do."""

import sys

from syncline.accounts import oauth_apps
from syncline.accounts.oauth_apps import Wanted
from syncline.app import App
from syncline.present import local
from syncline.settings import Settings
from syncline.store import authorizations
from syncline.terminal import Terminal

__all__ = ["add_here", "list_here", "remove_here"]


async def add_here(terminal: Terminal, *, client_secret: str, **wanted: str | None) -> None:
    """Set up an app."""
    from_input = client_secret == "-"  # noqa: S105  a dash is no password
    secret = sys.stdin.readline().strip() if from_input else client_secret
    async with App.open(Settings.load()) as app:
        made = await oauth_apps.add(app, Wanted(**wanted, secret=secret))
    terminal.result(f"Added {made.name}.")
    terminal.note(f"Its redirect address at Notion has to be {made.redirect_uri}")


async def list_here(terminal: Terminal) -> None:
    """List the apps and how many connections each made."""
    async with App.open(Settings.load()) as app:
        known = await oauth_apps.every(app)
        async with app.database.read() as conn:
            counts = [len(await authorizations.of_app(conn, one.id)) for one in known]
    if not known:
        terminal.result("No OAuth apps. `syncline oauth-app add` sets one up.")
        return
    rows = [
        (one.name, one.client_id, one.redirect_uri, count, local(one.created_at))
        for one, count in zip(known, counts, strict=True)
    ]
    terminal.table(["name", "client id", "redirect address", "connections", "since"], rows)


async def remove_here(terminal: Terminal, *, name: str) -> None:
    """Remove an app."""
    async with App.open(Settings.load()) as app:
        gone = await oauth_apps.remove(app, name)
    terminal.result(f"Removed {gone.name}.")
