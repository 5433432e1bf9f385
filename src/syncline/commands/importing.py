"""What the command that imports does."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from syncline.app import App
from syncline.core.errors import SynclineError
from syncline.engine import connect as connecting
from syncline.engine.clients import open_client
from syncline.mapping.file import database_url, read_mapping
from syncline.mapping.importing import Asked, Import, Imported, Outcome
from syncline.present import counted
from syncline.settings import Settings
from syncline.sources.sql import SqlSource
from syncline.terminal import Terminal

__all__ = ["import_here"]

_SHOWN = 10
_REFUSED = SynclineError.exit_code


async def import_here(
    terminal: Terminal,
    *,
    file: Path,
    connection: str | None,
    tables: Sequence[str],
    as_json: bool,
    **options: bool,
) -> int:
    """Import, and say what became of each page; the exit code: 1 where a table refused some."""
    began = time.monotonic()
    mapping = read_mapping(file)
    async with App.open(Settings.load()) as app:
        found = await connecting.pick(app, connection or mapping.connection)
        async with SqlSource(database_url(mapping, file.parent)) as source, open_client(app, found) as client:
            work = Import(app, found, mapping, source, asked=Asked(tuple(tables), **options))
            result = await work.run(client)
            requests = client.counts.requests
    if as_json:
        seconds = round(time.monotonic() - began, 3)
        said = {name: _as_json(each) for name, each in result.items()}
        terminal.json({"tables": said, "made": work.made, "requests": requests, "seconds": seconds})
    else:
        _tell(terminal, result, work.made)
    return _REFUSED if any(each.problems for each in result.values()) else 0


def _as_json(result: Imported) -> dict[str, Any]:
    counts: dict[str, Any] = {str(outcome): result.count(outcome) for outcome in Outcome}
    return counts | {"unresolved": result.unresolved, "problems": result.problems}


def _tell(terminal: Terminal, results: Mapping[str, Imported], made: Sequence[str]) -> None:
    if made:
        terminal.note(f"Made {counted(len(made), 'table')}: {', '.join(made)}.")
    rows = [(name, *(result.count(outcome) for outcome in Outcome)) for name, result in results.items()]
    terminal.table(["table", *(str(outcome) for outcome in Outcome)], rows)
    for name, result in results.items():
        for page, sentence in list(result.problems.items())[:_SHOWN]:
            terminal.note(f"{name}, page {page}: {sentence}.")
        if result.unresolved:
            references = counted(result.unresolved, "reference")
            terminal.note(f"{name}: {references} to pages without a key, or not shared, left out.")
