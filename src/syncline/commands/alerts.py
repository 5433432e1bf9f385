"""What the commands about alerts do."""

from dataclasses import asdict

from syncline.app import App
from syncline.engine import connect as connecting
from syncline.present import local
from syncline.settings import Settings
from syncline.store import alerts
from syncline.terminal import Terminal

__all__ = ["list_here"]


async def list_here(
    terminal: Terminal, *, everything: bool, limit: int, connection: str | None, as_json: bool
) -> None:
    """Show the alerts of a connection."""
    async with App.open(Settings.load()) as app:
        found = await connecting.pick(app, connection)
        async with app.database.read() as conn:
            listed = await alerts.listing(
                conn, found.id, limit=limit, unresolved=None if everything else True
            )
    if as_json:
        for one in listed:
            terminal.json(asdict(one))
        return
    if not listed:
        terminal.result("There is no alert." if everything else "There is no open alert.")
        return
    rows = [
        (one.kind, local(one.opened_at), local(one.last_at), one.count, local(one.resolved_at), one.text)
        for one in listed
    ]
    terminal.table(["kind", "since", "last", "times", "resolved", "what"], rows)
