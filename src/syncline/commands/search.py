"""What the command that searches does: bring the index up to date, ask it, print what it found."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Group
from rich.text import Text

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.engine import connect as connecting
from syncline.engine.indexing import follow
from syncline.engine.search import Hit, find
from syncline.settings import Settings
from syncline.store import connections, search
from syncline.store.connections import Connection
from syncline.store.search_rank import Filters
from syncline.terminal import Terminal

__all__ = ["search_here"]

_FOREVER: Final = 86_400.0


async def search_here(
    terminal: Terminal,
    *,
    words: str,
    connection: str | None,
    limit: int,
    kinds: tuple[str, ...],
    as_json: bool,
) -> None:
    """Search one connection, or all that are indexed."""
    async with App.open(Settings.load()) as app:
        within = await _indexed(app, connection)
        with terminal.busy("indexing"):
            for one in within:
                await follow(app, one.id, seconds=_FOREVER)
        hits = await find(app, [one.id for one in within], words, limit=limit, filters=Filters(kinds=kinds))
    if as_json:
        names = {one.id: one.name for one in within}
        terminal.json({"query": words, "results": [_result(hit, names) for hit in hits]})
    elif hits:
        terminal.draw(Group(*_drawn(hits)))
    else:
        terminal.note("Nothing was found.")


async def _indexed(app: App, name: str | None) -> list[Connection]:
    """The connections to search. Raises BadInput where the one that is named is not indexed, NotFound where there is none."""
    if name is not None:
        picked = await connecting.pick(app, name)
        async with app.database.read() as conn:
            if not (await search.index(conn, picked.id)).enabled:
                raise BadInput(f"The index of {picked.name} is switched off.")
        return [picked]
    async with app.database.read() as conn:
        known = await connections.every(conn)
        found = [one for one in known if (await search.index(conn, one.id)).enabled]
    if not known:
        await connecting.pick(app, None)  # which says what to do
    return found


def _result(hit: Hit, names: dict[str, str]) -> dict[str, Any]:
    shown = asdict(hit)
    return {
        "connection": names[shown.pop("connection_id")],
        "id": shown.pop("key"),
        "type": shown.pop("kind"),
    } | shown


def _drawn(hits: Sequence[Hit]) -> list[Text]:
    """Title, headings, passage with what matched, address; an empty line between."""
    lines = []
    for hit in hits:
        place = " > ".join(("", *hit.headings))
        lines.append(Text.assemble((hit.title or "Untitled", "bold"), place))
        passage = Text()
        for piece in hit.passage:
            passage.append(" ".join(piece.text.splitlines()), style="bold yellow" if piece.match else "")
        lines += [passage, Text(hit.url, style="dim"), Text()]
    return lines[:-1]
