"""What the commands that choose what is synced do."""

from collections.abc import Sequence

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.core.selection import SyncScope
from syncline.engine import workspaces
from syncline.engine.connect import pick
from syncline.engine.items import items
from syncline.engine.syncs import is_served
from syncline.engine.workspaces import Changes
from syncline.notion.errors import MalformedId
from syncline.notion.objects import parse_id
from syncline.settings import Settings
from syncline.terminal import Terminal

__all__ = ["list_here", "set_here"]


async def list_here(
    terminal: Terminal, *, connection: str | None, below: str | None, search: str | None, limit: int
) -> None:
    """Show one level of the tree, or what has a name."""
    async with App.open(Settings.load()) as app:
        picked = await pick(app, connection)
        async with app.database.read() as conn:
            found, total = await items(
                conn, picked.id, below=below and _id(below), title=search, offset=0, limit=limit
            )
    if not found:
        terminal.result("Nothing is known here. The tree shows what was read by the first pull.")
        return
    rows = [
        (
            "yes" if one.selected else "no",
            one.mark,
            one.branch.kind,
            one.branch.children or None,
            one.branch.title or "Untitled",
            one.branch.key,
        )
        for one in found
    ]
    terminal.table(["synced", "chosen", "kind", "below", "name", "id"], rows)
    if total > len(found):
        terminal.note(f"{total - len(found)} more: --limit, --below or --search shows them.")


async def set_here(
    terminal: Terminal,
    *,
    connection: str | None,
    include: Sequence[str],
    exclude: Sequence[str],
    databases_only: bool,
) -> None:
    """Replace the selection."""
    if include and databases_only:
        raise BadInput("Choose pages to include, or databases only.")
    scope = SyncScope.SPECIFIC_PAGES if include else SyncScope.ALL
    changes = Changes(
        sync_scope=SyncScope.DATABASES_ONLY if databases_only else scope,
        included=[_id(text) for text in include],
        excluded=[_id(text) for text in exclude],
    )
    async with App.open(Settings.load()) as app:
        picked = await pick(app, connection)
        await workspaces.change(app, picked, changes)
        served = await is_served(app)
    terminal.result(f"Chosen for {picked.name}.")
    terminal.note(
        "The next pull of the server that is running goes by it."
        if served
        else f"Next: syncline pull {picked.name}"
    )


def _id(text: str) -> str:
    try:
        return parse_id(text)
    except MalformedId:
        raise BadInput(f"{text!r} is neither the id of a page nor its address.") from None
