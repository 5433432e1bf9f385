"""What the command that shows the log does."""

import asyncio
import re
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.engine import connect as connecting
from syncline.engine.journal import as_curl
from syncline.settings import Settings
from syncline.store import connections, exchanges, runs
from syncline.store.exchanges import Exchange, Filter
from syncline.terminal import Terminal

__all__ = ["logs_here"]

_LOOK: Final = 0.5
"""Seconds between two looks for more."""
_OVERLAP: Final = 5 * 10**9
"""What is looked at twice, in the ids' nanoseconds: a slower process writes later what came earlier."""
_PAGE: Final = 1000
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_COLUMNS: Final = ["time", "status", "ms", "operation", "path", "run", "id"]


async def logs_here(terminal: Terminal, *, curl: str | None, **asked: Any) -> None:
    """Show the log, follow it, or print one request."""
    async with App.open(Settings.load()) as app:
        if curl is not None:
            terminal.text(await _curl(app, curl) + "\n")
            return
        wanted = await _filter(app, asked)
        async with app.database.read() as conn:
            found = (await exchanges.listing(conn, wanted, limit=asked["limit"]))[::-1]
        _show(terminal, found, as_json=asked["as_json"], lines=asked["follow"])
        if asked["follow"]:
            await _follow(terminal, app, wanted, found, as_json=asked["as_json"])


async def _filter(app: App, asked: dict[str, Any]) -> Filter:
    status, name = asked["status"], asked["connection"]
    if status is not None and not re.fullmatch(r"[1-5]\d\d|[1-5]xx|error", status):
        raise BadInput(f"--status {status}: write a number such as 404, a class such as 4xx, or error.")
    chosen = None if name is None else [(await connecting.pick(app, name)).id]
    since = None if asked["since"] is None else _since(asked["since"], app.now())
    async with app.database.read() as conn:
        run = None if asked["run"] is None else await runs.named(conn, asked["run"])
    return Filter(connection_ids=chosen, run_id=run, status=status, text=asked["search"], since=since)


def _since(text: str, now: datetime) -> datetime:
    span = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if span is not None:
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            f"--since {text}: write 90s, 15m, 2h, 7d or a time such as 2026-11-20T12:00."
        ) from None
    return at if at.tzinfo is not None else at.astimezone()


async def _follow(
    terminal: Terminal, app: App, wanted: Filter, shown: list[Exchange], *, as_json: bool
) -> None:
    """Show what comes until somebody stops it."""
    seen = {one.id for one in shown}
    last = max(seen, default=int(app.now().timestamp() * 10**9))
    while True:
        await asyncio.sleep(_LOOK)
        found = await _behind(app, wanted, last - _OVERLAP)
        fresh = [one for one in found if one.id not in seen]
        _show(terminal, fresh, as_json=as_json, lines=True)
        last = max([last, *(one.id for one in found)])
        seen = {one.id for one in found if one.id > last - _OVERLAP}


async def _behind(app: App, wanted: Filter, place: int) -> list[Exchange]:
    """All that was logged behind an id, the oldest first."""
    found: list[Exchange] = []
    async with app.database.read() as conn:
        while part := await exchanges.listing(conn, wanted, limit=_PAGE, after=place):
            found += part
            place = part[-1].id
    return found


def _show(terminal: Terminal, found: list[Exchange], *, as_json: bool, lines: bool) -> None:
    if as_json:
        for one in found:
            told = {name: value for name, value in asdict(one).items() if name not in ("sent", "answer")}
            terminal.json({**told, "id": str(one.id), "at": one.at.isoformat()})
    elif lines:
        for one in found:
            terminal.text("  ".join(_row(one)) + "\n")
    elif found:
        terminal.table(_COLUMNS, [_row(one) for one in found])
    else:
        terminal.result("Nothing was logged.")


def _row(one: Exchange) -> tuple[str, ...]:
    return (
        one.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        str(one.status or one.code or "-"),
        f"{one.seconds * 1000:.0f}",
        one.operation,
        f"{one.method} {one.path}",
        (one.run_id or "")[:8],
        str(one.id),
    )


async def _curl(app: App, exchange_id: str) -> str:
    if not re.fullmatch(r"[0-8]?\d{1,18}", exchange_id):
        raise BadInput(f"--curl {exchange_id}: this is no id of the log; `syncline logs` shows them.")
    async with app.database.read() as conn:
        found = await exchanges.one(conn, int(exchange_id))
        connection = await connections.one(conn, found.connection_id)
    return as_curl(found, connection.base_url, connection.notion_version)
