"""What the command does that keeps a mapping up to date."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncline.app import App
from syncline.commands.push import EXIT_CODES, opened_for, tell
from syncline.core.errors import Busy, Retry
from syncline.core.mapping import Pace
from syncline.core.report import Outcome, Report
from syncline.mapping.asked import Asked
from syncline.mapping.file import database_url, read_mapping
from syncline.mapping.follow import After, follow
from syncline.sources.sql import SqlSource
from syncline.store.connections import Connection
from syncline.store.runs import RunState
from syncline.terminal import Terminal
from syncline.watched import STOPPED, interruptible, stoppable_push

__all__ = ["sync_here"]


async def sync_here(
    terminal: Terminal,
    *,
    file: Path,
    watch: bool,
    every: float | None,
    whole: float | None,
    connection: str | None,
    as_json: bool,
) -> int:
    """Push and merge what changed; with `watch` again and again."""
    mapping = read_mapping(file)
    async with opened_for(file, connection) as (app, found):
        # One handler for all the time: a signal between two runs would else end whatever is just being done, in the middle.
        with interruptible(terminal) as stop:
            rounds = _Rounds(terminal, app, found, _absolute(file), as_json=as_json, watch=watch, stop=stop)
            if not watch:
                await rounds.once(whole=False)
                return rounds.code
            async with SqlSource(database_url(mapping, _absolute(file).parent)) as source:
                terminal.note("Watching; Ctrl-C ends it.")
                following = follow(
                    mapping,
                    source,
                    lambda all_of_it: rounds.once(whole=all_of_it),
                    pace=Pace(every or mapping.pace.every, whole or mapping.pace.whole),
                    clock=time.monotonic,
                    told=rounds.tell_trouble,
                )
                await rounds.follow(following)
    return rounds.code


def _absolute(file: Path) -> Path:
    """The file by a name that means the same from anywhere."""
    return file.absolute()


@dataclass
class _Rounds:
    """The runs of one command; `code` is the exit code of the last."""

    terminal: Terminal
    app: App
    connection: Connection
    file: Path
    as_json: bool
    watch: bool
    stop: asyncio.Event
    code: int = 0
    _running: bool = False

    async def follow(self, following: Coroutine[Any, Any, None]) -> None:
        """Go on until told to stop: a run that is under way ends as cancelled, and nothing else is waited for."""
        going, stopping = asyncio.create_task(following), asyncio.create_task(self.stop.wait())
        await asyncio.wait([going, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self.stop.is_set():
            self.code = STOPPED
        if self.stop.is_set() and not self._running:
            going.cancel()
        with suppress(asyncio.CancelledError):
            await going

    async def once(self, *, whole: bool) -> After:
        """Run once. Raises what keeps a run from being made."""
        self._running = True
        try:
            after = await self._round(whole=whole)
        finally:
            self._running = False
        return After.END if self.stop.is_set() else after

    async def _round(self, *, whole: bool) -> After:
        began = time.monotonic()
        asked = Asked(str(self.file), changed_only=not whole)
        try:
            run = await stoppable_push(self.terminal, self.app, self.connection, asked, stop=self.stop)
        except Busy as error:
            if not self.watch:
                raise
            self.terminal.note(f"{error} Trying again.")
            return After.AGAIN
        if run.result is not None:
            self._tell(Report.from_json(run.result), time.monotonic() - began)
        if run.state is RunState.FAILED:
            return self._failed(run.error or {})
        if run.state is RunState.CANCELLED:
            self.code = STOPPED
        return After.WAIT if run.state is RunState.SUCCEEDED else After.END

    def _failed(self, error: Mapping[str, Any]) -> After:
        self.code = int(error.get("exit_code", 1))
        sentence = str(error.get("message", "The run failed."))
        if self.watch and error.get("retry"):
            self.terminal.note(f"{sentence} Trying again.")
            return After.AGAIN
        self.terminal.error(sentence)
        return After.END

    def tell_trouble(self, error: Retry) -> None:
        """Say that the database is away and will be asked again."""
        self.terminal.note(f"{error} Trying again.")

    def _tell(self, report: Report, seconds: float) -> None:
        self.code = EXIT_CODES[report.outcome]
        if self.as_json:
            self.terminal.json(report.as_json())
        elif not self.watch or report.outcome is not Outcome.CLEAN:
            tell(self.terminal, report, seconds)
