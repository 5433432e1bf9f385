"""Pulls and loads with somebody watching: progress on the terminal, and Ctrl-C that stops at a good place."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from syncline.app import App
from syncline.destinations.base import Destination
from syncline.engine.begin import Request
from syncline.present import counted
from syncline.store.connections import Connection
from syncline.store.runs import Run
from syncline.terminal import Terminal

if TYPE_CHECKING:
    from syncline.mapping.asked import Asked

__all__ = ["STOPPED", "interruptible", "stoppable_push", "watched_load", "watched_pull", "watched_push"]

STOPPED = 130
"""The exit code after Ctrl-C."""


async def watched_pull(
    terminal: Terminal,
    app: App,
    connection: Connection,
    request: Request,
    *,
    accept_deletions: bool = False,
) -> Run:
    """Pull under a progress bar; Ctrl-C stops it, a second one at once."""
    from syncline.engine.attend import pull  # noqa: PLC0415  heavy, and not needed by every command
    from syncline.engine.pulling import Asked  # noqa: PLC0415  as above

    asked = Asked(request, accept_deletions=accept_deletions)
    with terminal.progress() as watch, interruptible(terminal) as stop:
        return await pull(app, connection, asked, watch=watch, stop=stop)


async def watched_push(terminal: Terminal, app: App, connection: Connection, asked: "Asked") -> Run:
    """Push under a progress bar; Ctrl-C stops it, a second one at once."""
    with interruptible(terminal) as stop:
        return await stoppable_push(terminal, app, connection, asked, stop=stop)


async def stoppable_push(
    terminal: Terminal, app: App, connection: Connection, asked: "Asked", *, stop: asyncio.Event
) -> Run:
    """Push under a progress bar until it is done or told to stop."""
    from syncline.mapping.pushing import push  # noqa: PLC0415  heavy, and not needed by every command

    with terminal.progress() as watch:
        return await push(app, connection, asked, watch=watch, stop=stop)


@contextmanager
def interruptible(terminal: Terminal) -> Iterator[asyncio.Event]:
    """An event that the first Ctrl-C sets; the second ends the process on the spot."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def interrupt() -> None:
        if stop.is_set():
            terminal.err.show_cursor(show=True)
            os._exit(STOPPED)
        terminal.note("Stopping; what was read stays. Ctrl-C again ends at once.")
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def watched_load(
    terminal: Terminal, app: App, connection: Connection, destination: Destination, *, name: str
) -> None:
    """Write what is new since the last load, and say how much it was."""
    from syncline.engine.load import load  # noqa: PLC0415  needed here only

    with terminal.busy(f"loading into {name}"):
        async with destination:
            loaded = await load(app.database, connection.id, destination)
    terminal.result(f"Loaded {counted(loaded.changes, 'change')} into {name}.")
