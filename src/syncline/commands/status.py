"""What the command that shows the status does."""

from collections.abc import Sequence
from typing import Any

from syncline.app import App
from syncline.engine.status import Status, statuses
from syncline.present import counted, local
from syncline.settings import Settings
from syncline.store import connections
from syncline.terminal import Terminal

__all__ = ["status_here"]

_COLUMNS = (
    "connection",
    "status",
    "pages",
    "databases",
    "unread",
    "last success",
    "behind",
    "errors",
    "budget",
    "next",
)


async def status_here(terminal: Terminal, *, as_json: bool) -> None:
    """Show how each connection is doing."""
    async with App.open(Settings.load()) as app:
        async with app.database.read() as conn:
            found = await statuses(app, conn, await connections.every(conn))
        if as_json:
            for one in found:
                terminal.json(_as_json(one))
            return
        terminal.note(f"Store: {app.database}")
    if not found:
        terminal.result("No connections. `syncline connect` makes the first one, `syncline demo` needs none.")
        return
    terminal.table(_COLUMNS, [_row(one) for one in found])
    for one in found:
        if one.live is not None:
            done, name = one.live.pages.get("seen", 0), one.connection.name
            terminal.note(
                f"{name}: {one.live.kind} {one.live.state}, {one.live.phase or 'not begun'}, {counted(done, 'page')}."
            )


def _row(one: Status) -> Sequence[object]:
    return (
        one.connection.name,
        one.sync_status,
        one.pages,
        one.databases,
        one.incomplete,
        local(one.last_success_at) or "never",
        "" if one.lag is None else _span(one.lag.total_seconds()),
        "" if one.error_rate is None else f"{one.error_rate:.1%}",
        "" if one.budget is None else f"{one.budget_left}/{one.budget}",
        local(one.next_at),
    )


def _span(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h`, `2 d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _as_json(one: Status) -> dict[str, Any]:
    live = one.live
    return {
        "connection": one.connection.name,
        "id": one.connection.id,
        "workspace": one.connection.workspace_name,
        "sync_status": one.sync_status,
        "token_status": one.token_status,
        "last_success_at": one.last_success_at and one.last_success_at.isoformat(),
        "lag_seconds": None if one.lag is None else one.lag.total_seconds(),
        "next_at": one.next_at and one.next_at.isoformat(),
        "pages": one.pages,
        "databases": one.databases,
        "incomplete": one.incomplete,
        "requests": one.requests,
        "error_rate": one.error_rate,
        "rate_limited": one.rate_limited,
        "runs": one.runs,
        "failed_runs": one.failed_runs,
        "budget": one.budget,
        "budget_left": one.budget_left,
        "events_waiting": one.events_waiting,
        "running": None
        if live is None
        else {
            "id": live.run_id,
            "kind": live.kind,
            "state": live.state,
            "phase": live.phase,
            "pages": dict(live.pages),
        },
    }
