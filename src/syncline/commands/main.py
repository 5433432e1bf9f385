"""What each command does. Errors of core.errors end it with one sentence and their exit code, never a traceback.

Heavy rooms are imported by the commands that need them.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from syncline.app import App
from syncline.core.errors import BadInput, SynclineError
from syncline.core.model import Fidelity, Mode
from syncline.engine import connect as connecting
from syncline.engine.begin import Request
from syncline.engine.kinds import SERVED
from syncline.engine.syncs import is_served
from syncline.notion.errors import MalformedId
from syncline.notion.objects import parse_id
from syncline.present import (
    RUN_COLUMNS,
    counted,
    outcome,
    pages_line,
    plan_lines,
    plan_outcome,
    refusal,
    requests_line,
    run_row,
)
from syncline.settings import Settings
from syncline.store import connections, runs
from syncline.store.connections import Connection
from syncline.store.database import SCHEMA
from syncline.store.runs import Run, RunState
from syncline.terminal import Terminal
from syncline.watched import STOPPED, watched_load, watched_pull

if TYPE_CHECKING:
    from syncline.engine.plan import Plan

__all__ = ["execute", "refuse"]

_Command: TypeAlias = Callable[..., Coroutine[Any, Any, int | None]]


def execute(command: str, arguments: dict[str, Any]) -> int:
    """Run a command and return its exit code."""
    terminal = Terminal()
    try:
        code = asyncio.run(_found(command)(terminal, **arguments)) or 0
    except SynclineError as error:
        terminal.error(str(error))
        return error.exit_code
    except (KeyboardInterrupt, asyncio.CancelledError):
        terminal.note("Stopped.")
        return STOPPED
    except BrokenPipeError:  # whoever read our output has enough
        terminal.close_output()
        return 1
    except Exception as error:
        if os.environ.get("SYNCLINE_LOG_LEVEL", "").lower() == "debug":
            raise
        terminal.error(
            f"Unexpected {type(error).__name__}: {error}. SYNCLINE_LOG_LEVEL=debug shows where; please report it."
        )
        return SynclineError.exit_code
    return code


def _found(command: str) -> "_Command":
    """What a command does; a group of commands has a file of its own."""
    if command in _COMMANDS:
        return _COMMANDS[command]
    module, _, name = _ELSEWHERE[command].partition(":")
    found: _Command = getattr(import_module(module), name)
    return found


def refuse(sentence: str) -> int:
    """Say as JSON and in words that the command makes no sense; the exit code."""
    terminal, error = Terminal(), BadInput(sentence)
    terminal.json(refusal(error, 0.0))
    terminal.error(sentence)
    return error.exit_code


@asynccontextmanager
async def _opened(name: str | None) -> AsyncIterator[tuple[App, Connection]]:
    """The app, and the connection of this name or the only one."""
    async with App.open(Settings.load()) as app:
        yield app, await connecting.pick(app, name)


# --- connections --------------------------------------------------------------------------------------------------


async def _connect(terminal: Terminal, *, token: str, **asked: Any) -> None:
    from_input = token == "-"  # noqa: S105  a dash is no password
    token = sys.stdin.readline() if from_input else token
    async with App.open(Settings.load()) as app:
        connection = await connecting.connect(app, connecting.Asked(token=token, **asked))
        served = await is_served(app)
    workspace = connection.workspace_name or "a workspace without a name"
    terminal.result(f"Connected {connection.name}: {connection.bot_name or 'the token'} in {workspace}.")
    terminal.result(f"It can: {', '.join(connection.capabilities) or 'nothing that could be seen'}.")
    if "read_content" not in connection.capabilities:
        terminal.note("It cannot read content: allow that in the connection's settings in Notion.")
    if served:
        terminal.note("The server that is running pulls it: `syncline status` shows how far that is.")
    else:
        terminal.note(f"Next: syncline pull {connection.name}")


async def _disconnect(terminal: Terminal, *, connection: str | None, sure: bool) -> int:
    async with _opened(connection) as (app, found):
        if not sure and sys.stdin.isatty():
            question = f"Remove {found.name} and everything that was read through it? [y/N] "
            if terminal.err.input(question, markup=False).strip().lower() not in {"y", "yes"}:
                terminal.note("Nothing was removed.")
                return 0
        await connecting.disconnect(app, found)
    terminal.result(f"Removed {found.name}.")
    return 0


async def _rotate_key(terminal: Terminal) -> None:
    from syncline.store import sealed  # noqa: PLC0415  needed here only
    from syncline.store.secrets import keep_first_key, prepend_key  # noqa: PLC0415  cryptography is heavy

    async with App.open(Settings.load()) as app:
        async with app.database.read() as conn:
            await sealed.open_all(conn, app.keys)  # if one does not open, no key is to be made
        from_file = app.settings.key is None
        keys = prepend_key(app.settings.home) if from_file else app.keys
        # The second time for what a server sealed with the old key while the first one ran.
        for _ in range(2):
            async with app.database.begin() as conn:
                count = await sealed.rotate(conn, keys)
        if from_file:
            keep_first_key(app.settings.home)
    terminal.result(
        f"Encrypted {counted(count, 'secret')} with {'a new key' if from_file else 'the first key'}."
    )


# --- pull ---------------------------------------------------------------------------------------------------------


async def _pull(terminal: Terminal, *, as_json: bool, dry_run: bool, **options: Any) -> int:
    began = time.monotonic()
    try:
        request = _request(options)
        async with _opened(options["connection"]) as (app, connection):
            if dry_run:
                plan = await _preview(app, connection, request)
                _tell_plan(terminal, plan, time.monotonic() - began, as_json=as_json)
                return 0
            deletions: bool = options["accept_deletions"]
            run = await watched_pull(terminal, app, connection, request, accept_deletions=deletions)
    except Exception as error:
        if as_json:
            terminal.json(refusal(error, time.monotonic() - began))
        raise
    seconds = time.monotonic() - began
    if as_json:
        terminal.json(outcome(run, seconds))
    elif run.state is RunState.SUCCEEDED:
        terminal.result(f"Pulled {connection.name}, {run.mode}: {pages_line(run)}")
        terminal.result(requests_line(run, seconds))
    return _conclude(terminal, run)


def _tell_plan(terminal: Terminal, plan: "Plan", seconds: float, *, as_json: bool) -> None:
    if as_json:
        terminal.json(plan_outcome(plan, seconds))
    else:
        terminal.result("\n".join(plan_lines(plan)))


def _request(options: dict[str, Any]) -> Request:
    modes = options["modes"]
    if len(modes) > 1:
        raise BadInput("--full and --reconcile exclude each other: a full pull finds what is gone, too.")
    return Request(
        mode=Mode(modes[0]) if modes else None,
        fidelity=Fidelity(options["fidelity"]) if options["fidelity"] else None,
        pages=_ids(options["pages"]),
        roots=_ids(options["roots"]),
        comments=options["comments"],
    )


def _ids(texts: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(parse_id(text) for text in texts))
    except MalformedId as error:
        raise BadInput(f"{str(error)[:1].upper()}{str(error)[1:].rstrip('.')}.") from None


async def _preview(app: App, connection: Connection, request: Request) -> "Plan":
    from syncline.engine.pulling import preview  # noqa: PLC0415  as above

    return await preview(app, connection, request)


def _conclude(terminal: Terminal, run: Run) -> int:
    """Say on standard error what is amiss with a run; its exit code."""
    incomplete = run.pages.get("incomplete", 0)
    if incomplete:
        terminal.note(
            f"{counted(incomplete, 'page')} could not be read whole: `syncline errors` tells what is missing."
        )
    if run.state is RunState.CANCELLED:
        terminal.note("Stopped. The next pull goes on from here.")
        return STOPPED
    if run.error is not None:
        terminal.error(run.error["message"])
        return int(run.error["exit_code"])
    return 0


# --- load ---------------------------------------------------------------------------------------------------------


async def _load_markdown(terminal: Terminal, *, folder: Path, connection: str | None) -> None:
    from syncline.destinations.markdown import MarkdownFolder  # noqa: PLC0415  needed here only

    async with _opened(connection) as (app, found):
        _keep_out(app, folder)
        await watched_load(terminal, app, found, MarkdownFolder(folder, found.id), name=str(folder))


async def _load_sql(terminal: Terminal, *, url: str, connection: str | None) -> None:
    from syncline.destinations.sql import SqlDestination  # noqa: PLC0415  needed here only

    async with _opened(connection) as (app, found):
        destination = SqlDestination(url, found.id)
        _keep_apart(app, destination.url.database, destination.schema)
        await watched_load(terminal, app, found, destination, name=_without_password(url))


def _keep_out(app: App, folder: Path) -> None:
    """Raises BadInput where files would be written into what is Syncline's own."""
    if folder.resolve().is_relative_to(app.settings.home.resolve()):
        raise BadInput(f"{folder} is where Syncline keeps its own data: name another folder.")


def _keep_apart(app: App, database: str | None, schema: str | None) -> None:
    """Raises BadInput where a destination would be written into what is Syncline's own."""
    own = Path(str(app.database.url.database)).resolve()
    if Path(database or "").resolve() == own or schema == SCHEMA:
        raise BadInput("This is where Syncline keeps its own data: name another file, database or schema.")


def _without_password(url: str) -> str:
    from sqlalchemy import make_url  # noqa: PLC0415  imported by now
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415  as above

    try:
        return make_url(url).difference_update_query(["password", "sslpassword"]).render_as_string()
    except ArgumentError:
        return url


# --- looking ------------------------------------------------------------------------------------------------------


async def _runs(terminal: Terminal, *, connection: str | None, limit: int) -> None:
    async with App.open(Settings.load()) as app:
        chosen = await connecting.pick(app, connection) if connection else None
        async with app.database.read() as conn:
            names = {one.id: one.name for one in await connections.every(conn)}
            found = await runs.latest(conn, chosen.id if chosen else None, limit=limit, kinds=list(SERVED))
    if not found:
        terminal.result("Nothing was pulled or pushed yet.")
        return
    terminal.table(RUN_COLUMNS, [run_row(run, names.get(run.connection_id)) for run in found])
    for run in found:
        if run.error:
            terminal.note(f"{run.id[:8]}: {run.error['message']}")


async def _show(terminal: Terminal, *, page: str, form: str, connection: str | None) -> None:
    from syncline.engine.show import find_page, page_text  # noqa: PLC0415  needed here only

    async with _opened(connection) as (app, found):
        record = await find_page(app, found, page)
        text = await page_text(app, found, record, form=form)
    terminal.text(text if text.endswith("\n") else text + "\n")


async def _demo(terminal: Terminal, *, keep: Path | None) -> None:
    from syncline.demo import demo  # noqa: PLC0415  needed here only

    await demo(terminal, keep)


_ELSEWHERE = {
    "alerts_list": "syncline.commands.alerts:list_here",
    "endpoints_add": "syncline.commands.endpoints:add_here",
    "endpoints_deliveries": "syncline.commands.endpoints:deliveries_here",
    "endpoints_enable": "syncline.commands.endpoints:enable_here",
    "endpoints_list": "syncline.commands.endpoints:list_here",
    "endpoints_redeliver": "syncline.commands.endpoints:redeliver_here",
    "endpoints_remove": "syncline.commands.endpoints:remove_here",
    "endpoints_rotate": "syncline.commands.endpoints:rotate_here",
    "endpoints_test": "syncline.commands.endpoints:test_here",
    "apply": "syncline.commands.push:apply_here",
    "errors": "syncline.commands.errors:errors_here",
    "conflicts_list": "syncline.commands.conflicts:list_conflicts",
    "conflicts_resolve": "syncline.commands.conflicts:resolve_conflict",
    "conflicts_show": "syncline.commands.conflicts:show_conflict",
    "sync": "syncline.commands.sync:sync_here",
    "import": "syncline.commands.importing:import_here",
    "logs": "syncline.commands.logs:logs_here",
    "mapping_check": "syncline.commands.mapping:check_here",
    "mapping_draft": "syncline.commands.mapping:draft_here",
    "mapping_install": "syncline.commands.mapping:install_here",
    "mapping_schema": "syncline.commands.mapping:print_schema",
    "mapping_uninstall": "syncline.commands.mapping:uninstall_here",
    "oauth_app_add": "syncline.commands.oauth:add_here",
    "oauth_app_list": "syncline.commands.oauth:list_here",
    "oauth_app_remove": "syncline.commands.oauth:remove_here",
    "plan": "syncline.commands.push:plan_here",
    "rules_add": "syncline.commands.rules:add_here",
    "rules_disable": "syncline.commands.rules:disable_here",
    "rules_enable": "syncline.commands.rules:enable_here",
    "rules_list": "syncline.commands.rules:list_here",
    "rules_remove": "syncline.commands.rules:remove_here",
    "rules_told": "syncline.commands.rules:told_here",
    "search": "syncline.commands.search:search_here",
    "select_list": "syncline.commands.select:list_here",
    "select_set": "syncline.commands.select:set_here",
    "serve": "syncline.commands.serve:serve_here",
    "users_invite": "syncline.commands.users:invite_here",
    "users_key": "syncline.commands.users:key_here",
    "users_list": "syncline.commands.users:list_here",
    "users_reset": "syncline.commands.users:reset_here",
    "status": "syncline.commands.status:status_here",
    "webhooks_add": "syncline.commands.webhooks:add_here",
    "webhooks_list": "syncline.commands.webhooks:list_here",
    "webhooks_pair": "syncline.commands.webhooks:pair_here",
    "webhooks_remove": "syncline.commands.webhooks:remove_here",
}
"""Commands in other files, imported when they run."""

_COMMANDS: dict[str, _Command] = {
    "connect": _connect,
    "demo": _demo,
    "disconnect": _disconnect,
    "load_markdown": _load_markdown,
    "load_sql": _load_sql,
    "pull": _pull,
    "rotate_key": _rotate_key,
    "runs": _runs,
    "show": _show,
}
