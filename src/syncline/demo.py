"""`syncline demo`: a sample workspace from a local Notion, pulled, loaded and pulled again.

The emulator runs in a process of its own and is spoken to like Notion itself: platform and emulator never import
each other.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.tree import Tree

from syncline.app import App
from syncline.core.errors import BadInput, Cancelled, StoreUnavailable, Unreachable
from syncline.core.model import Kind
from syncline.destinations.markdown import MarkdownFolder
from syncline.destinations.sql import SqlDestination
from syncline.engine.begin import Request
from syncline.engine.connect import Asked, connect
from syncline.notion import operations as op
from syncline.notion.client import Client
from syncline.present import counted, pages_line, requests_line
from syncline.settings import Settings
from syncline.store import records
from syncline.store.connections import Connection
from syncline.store.runs import Run, RunState
from syncline.terminal import Terminal
from syncline.watched import watched_load, watched_pull

__all__ = ["demo"]

_PATIENCE = 30.0
_DEPTH, _ENTRIES = 3, 4
_ROWS, _COLUMNS, _WIDTH = 5, 7, 22


@dataclass(frozen=True, slots=True)
class _Emulator:
    url: str
    token: str


async def demo(terminal: Terminal, keep: Path | None) -> None:
    """Run the demonstration in `keep`, or in a folder that is removed at the end."""
    with _folder(keep) as folder:
        async with _interruptible(), _emulator() as emulator:
            settings = Settings(home=folder / "home", database_url=None, key=None)
            async with App.open(settings) as app:
                await _demonstrate(terminal, app, emulator, folder)
        if keep is not None:
            terminal.result(f"\nEverything is in {folder}. Look further with SYNCLINE_HOME={settings.home}:")
            terminal.result("  syncline status, runs, show 'TITLE', load markdown DIR, load sql URL")


async def _demonstrate(terminal: Terminal, app: App, emulator: _Emulator, folder: Path) -> None:
    terminal.result(f"A local Notion answers at {emulator.url}.")
    asked = Asked(token=emulator.token, name="demo", base_url=emulator.url, rate="none")
    connection = await connect(app, asked)
    terminal.result(
        f"Connected to {connection.workspace_name}; the token can {', '.join(connection.capabilities)}.\n"
    )
    await _pulled(terminal, app, connection)
    markdown, sql = folder / "markdown", folder / "workspace.sqlite"
    await watched_load(
        terminal, app, connection, MarkdownFolder(markdown, connection.id), name="Markdown files"
    )
    await watched_load(terminal, app, connection, SqlDestination(sql, connection.id), name="SQL tables")
    terminal.draw(_tree(markdown))
    _print_rows(terminal, sql)
    title = await _edit(app, connection, emulator)
    terminal.result(f"\nNow somebody edits and renames the page {title!r} in Notion. The next pull:")
    await _pulled(terminal, app, connection)
    await watched_load(
        terminal, app, connection, MarkdownFolder(markdown, connection.id), name="Markdown files"
    )


async def _pulled(terminal: Terminal, app: App, connection: Connection) -> Run:
    began = time.monotonic()
    run = await watched_pull(terminal, app, connection, Request())
    if run.state is RunState.CANCELLED:
        raise Cancelled("The demonstration was stopped.")
    if run.error is not None:
        raise Unreachable(run.error["message"])
    assert run.mode is not None  # a pull has one
    terminal.result(f"{run.mode.capitalize()} pull: {pages_line(run)}")
    terminal.result(requests_line(run, time.monotonic() - began))
    return run


async def _edit(app: App, connection: Connection, emulator: _Emulator) -> str:
    """Add a paragraph to a page and rename it; the title it had."""
    async with app.database.read() as conn:
        found = await records.search_title(conn, connection.id, "", limit=50)
    page = next(record for record in found if record.kind is Kind.PAGE and record.stream == "pages")
    paragraph = {"paragraph": {"rich_text": _text("Edited while Syncline was looking.")}}
    async with Client(emulator.token, base_url=emulator.url) as client:
        await client.send(op.append_block_children(page.key, [paragraph]))
        title = {"title": {"title": _text(f"{page.title} (revised)")}}
        await client.send(op.update_page(page.key, properties=title))
    return page.title


def _text(content: str) -> list[dict[str, Any]]:
    return [{"text": {"content": content}}]


# --- what is there to see -----------------------------------------------------------------------------------------


def _tree(folder: Path) -> Tree:
    """The beginning of each folder, down to a certain depth."""
    count = sum(path.is_file() for path in _visible(folder.rglob("*"), folder))
    tree = Tree(f"\n[bold]{folder.name}/[/]  {counted(count, 'file')}")
    _grow(tree, folder, depth=_DEPTH)
    return tree


def _grow(tree: Tree, folder: Path, *, depth: int) -> None:
    inside = sorted(_visible(folder.iterdir(), folder))
    for path in inside[:_ENTRIES]:
        branch = tree.add(path.name.replace("[", r"\[") + ("/" if path.is_dir() else ""))
        if path.is_dir() and depth > 1:
            _grow(branch, path, depth=depth - 1)
    if len(inside) > _ENTRIES:
        tree.add(f"[dim]… {len(inside) - _ENTRIES} more[/]")


def _visible(paths: Iterable[Path], folder: Path) -> Iterator[Path]:
    return (
        path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _print_rows(terminal: Terminal, database: Path) -> None:
    """Some rows of the widest table, each with its page's title."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM data_sources")]
        if not tables:
            return
        table = max(tables, key=lambda name: len(_columns(connection, name)))
        columns = _columns(connection, table)
        quoted = ", ".join(f't."{column}"' for column in columns)
        query = f'SELECT title, {quoted} FROM "{table}" t JOIN pages ON id = page_id ORDER BY 1 LIMIT {_ROWS}'  # noqa: S608  names from the catalogue
        rows = connection.execute(query).fetchall()
    shown = [0, *(place for place in range(1, len(columns) + 1) if _telling([row[place] for row in rows]))]
    names = ["title", *columns]
    terminal.result(f"\nThe table {table} in {database.name}, one of {counted(len(tables), 'data source')}:")
    terminal.table(
        [names[place] for place in shown[:_COLUMNS]],
        [tuple(row[place] for place in shown[:_COLUMNS]) for row in rows],
    )


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    found = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return [name for (name,) in found if name != "page_id"]


def _telling(cells: Sequence[Any]) -> bool:
    """Whether a column is worth its width: short values, and not always the same."""
    return len(set(cells)) > 1 and all(len(str(cell)) <= _WIDTH for cell in cells)


# --- surroundings -------------------------------------------------------------------------------------------------


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="syncline-demo-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"The folder {keep} cannot be made: {error.strerror}.") from None
    if any(keep.iterdir()):
        raise BadInput(f"The folder {keep} is not empty: name a new one.")
    yield keep.absolute()


@asynccontextmanager
async def _interruptible() -> AsyncIterator[None]:
    """SIGTERM ends the demonstration like Ctrl-C, so that the emulator is stopped in every case."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


@asynccontextmanager
async def _emulator() -> AsyncIterator[_Emulator]:
    """A local Notion with the sample workspace, in a process of its own."""
    command = (
        "-m",
        "notion_emulator",
        "serve",
        "--json",
        "--port",
        "0",
        "--workspace",
        "sample",
        "--rate",
        "none",
        "--until-eof",  # it ends with us, even if we are killed
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for us; we stop it when we are done
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_PATIENCE):
            line = await process.stdout.readline()
        said = json.loads(line)
        yield _Emulator(said["url"], said["token"])
    except (TimeoutError, ValueError) as error:
        raise Unreachable("The emulator did not start.") from error
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
