"""What the commands about conflicts do."""

import getpass
import json as jsons
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.core.pair import Take
from syncline.engine import connect as connecting
from syncline.mapping.conflicts import as_json as shown
from syncline.mapping.conflicts import decide, plain
from syncline.settings import Settings
from syncline.store import conflicts
from syncline.store.conflicts import Conflict, Filter, State
from syncline.store.connections import Connection
from syncline.terminal import Terminal

__all__ = ["list_conflicts", "resolve_conflict", "show_conflict"]

_ID = 8
"""Characters of an id that are shown; so many are enough to name it."""
_WIDE = 40


@asynccontextmanager
async def _opened(name: str | None) -> AsyncIterator[tuple[App, Connection]]:
    async with App.open(Settings.load()) as app:
        yield app, await connecting.pick(app, name)


async def list_conflicts(
    terminal: Terminal,
    *,
    mapping: str | None,
    states: Sequence[str],
    limit: int,
    connection: str | None,
    as_json: bool,
) -> None:
    """List them, newest first."""
    wanted = Filter(mapping=mapping, states=tuple(State(one) for one in states))
    async with _opened(connection) as (app, one), app.database.read() as conn:
        found = await conflicts.listing(conn, one.id, wanted, limit=limit)
        total = await conflicts.count(conn, one.id, wanted)
    if as_json:
        terminal.json({"conflicts": [shown(each) for each in found], "total": total})
        return
    if not found:
        terminal.note("There are no conflicts.")
        return
    columns = ["id", "table", "key", "property", "database", "notion", "state"]
    terminal.table(columns, [_row(each) for each in found])
    if total > len(found):
        terminal.note(f"{total - len(found):,} more: --limit shows them.")


async def show_conflict(terminal: Terminal, *, conflict: str, connection: str | None, as_json: bool) -> None:
    """Show one whole."""
    async with _opened(connection) as (app, one), app.database.read() as conn:
        found = await conflicts.find(conn, one.id, conflict)
    if as_json:
        terminal.json(shown(found))
        return
    for name, value in shown(found).items():
        if value is not None:
            terminal.result(f"{name}: {value if isinstance(value, str | int) else jsons.dumps(value)}")


async def resolve_conflict(
    terminal: Terminal,
    *,
    conflict: str,
    take: str,
    value: str | None,
    connection: str | None,
    as_json: bool,
) -> None:
    """Decide one."""
    if (value is not None) is not (take == Take.VALUE):
        raise BadInput("Give --value with --take value, and only then.")
    async with _opened(connection) as (app, one):
        done = await decide(app, one.id, conflict, Take(take), value=value, by=_who())
    if as_json:
        terminal.json(shown(done))
        return
    terminal.result(f"{done.table} {done.key} {done.property or 'as a row'}: {done.winner} is taken.")
    terminal.note("The next `syncline apply` writes it.")


def _who() -> str:
    """Who decided, as this machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def _row(one: Conflict) -> tuple[str, ...]:
    values = (_short(one.database), _short(one.notion))
    return (one.id[:_ID], one.table, one.key, one.property or "(row)", *values, one.state)


def _short(form: Any) -> str:
    value = plain(form)
    text = (
        "" if value is None else value if isinstance(value, str) else jsons.dumps(value, ensure_ascii=False)
    )
    flat = " ".join(text.split())
    return (flat if len(flat) <= _WIDE else f"{flat[: _WIDE - 1]}…") or "∅"
