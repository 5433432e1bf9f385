"""What the command does that keeps a mapping up to date."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncline.app import App
from syncline.commands.push import EXIT_CODES, opened_for, tell
from syncline.core.errors import Busy, Retry
from syncline.core.report import Outcome, Report
from syncline.mapping.file import database_url, read_mapping
from syncline.mapping.follow import After, Pace, follow
from syncline.mapping.push import Asked
from syncline.sources.sql import SqlSource
from syncline.store.connections import Connection
from syncline.store.runs import RunState
from syncline.terminal import Terminal
from syncline.watched import STOPPED, watched_push

__all__ = ["sync_here"]


async def sync_here(
    terminal: Terminal,
    *,
    file: Path,
    watch: bool,
    every: float,
    whole: float,
    connection: str | None,
    as_json: bool,
) -> int:
    """Push and merge what changed; with `watch` again and again."""
    mapping = read_mapping(file)
    async with opened_for(file, connection) as (app, found):
        rounds = _Rounds(terminal, app, found, _absolute(file), as_json=as_json, watch=watch)
        if not watch:
            await rounds.once(whole=False)
            return rounds.code
        async with SqlSource(database_url(mapping, _absolute(file).parent)) as source:
            terminal.note("Watching; Ctrl-C ends it.")
            await follow(
                mapping,
                source,
                lambda all_of_it: rounds.once(whole=all_of_it),
                pace=Pace(every, whole),
                clock=time.monotonic,
                told=rounds.tell_trouble,
            )
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
    code: int = 0

    async def once(self, *, whole: bool) -> After:
        """Run once. Raises what keeps a run from being made."""
        began = time.monotonic()
        asked = Asked(str(self.file), changed_only=not whole)
        try:
            run = await watched_push(self.terminal, self.app, self.connection, asked)
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
