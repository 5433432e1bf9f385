"""What the commands that push do."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from syncline.app import App
from syncline.core.errors import BadInput, StoreUnavailable, SynclineError
from syncline.core.mapped_values import shown
from syncline.core.plan import Action, Plan
from syncline.core.report import COUNTS, Outcome, Report, planned_report
from syncline.engine import connect as connecting
from syncline.mapping.asked import Asked
from syncline.mapping.file import read_mapping
from syncline.mapping.pushing import opened
from syncline.present import counted
from syncline.settings import Settings
from syncline.store.connections import Connection
from syncline.store.runs import RunState
from syncline.terminal import Terminal
from syncline.watched import STOPPED, watched_push

__all__ = ["EXIT_CODES", "apply_here", "opened_for", "plan_here", "tell"]

EXIT_CODES: Final = {Outcome.CLEAN: 0, Outcome.CHANGED: 0, Outcome.CONFLICTS: 9, Outcome.FAILED: 10}
CHANGED: Final = 11
"""The exit code of a change, for those who ask for it."""

_LINES: Final = 200
"""Actions that are listed; JSON has them all."""
_WIDE: Final = 60


@dataclass(frozen=True, slots=True)
class _Meant:
    """What a command was given: the mapping file, and the plan where it was a saved one."""

    file: Path
    saved: Mapping[str, Any] | None = None
    since: datetime | None = None


async def plan_here(
    terminal: Terminal,
    *,
    file: Path,
    connection: str | None,
    save: Path | None,
    since: str | None,
    as_json: bool,
    detailed: bool,
) -> int:
    """Show what a push would do."""
    async with _told(terminal, as_json=as_json), opened_for(file, connection) as (app, found):
        asked = Asked(_absolute(file), since=_moment(since))
        async with opened(app, found, asked) as push:
            with terminal.busy("reading both sides"):
                plan = await push.plan()
        if save is not None:
            kept = {"file": _absolute(file), "since": asked.as_json()["since"], "plan": plan.as_json()}
            _write(save, json.dumps(kept, ensure_ascii=False))
    report = planned_report(plan)
    if as_json:
        terminal.json(plan.as_json() | {"outcome": report.outcome})
    else:
        _tell_plan(terminal, plan, report)
        if save is not None:
            terminal.note(f"Saved. Apply it by: syncline apply {save}")
    return _exit_code(report, detailed=detailed)


async def apply_here(
    terminal: Terminal,
    *,
    file: Path,
    connection: str | None,
    since: str | None,
    as_json: bool,
    report_markdown: Path | None,
    detailed: bool,
    **asked: bool,
) -> int:
    """Push."""
    began = time.monotonic()
    async with _told(terminal, as_json=as_json):
        meant = _meant(file)
        async with opened_for(meant.file, connection) as (app, found):
            wanted = Asked(_absolute(meant.file), meant.saved, since=_moment(since) or meant.since, **asked)
            run = await watched_push(terminal, app, found, wanted)
    if run.result is None:
        if as_json:
            terminal.json(_refusal(run.error or {"message": "Stopped."}))
        return _ended(terminal, run.error)
    report = Report.from_json(run.result)
    if report_markdown is not None:
        _write(report_markdown, report.as_markdown())
    if as_json:
        terminal.json(report.as_json())
    else:
        tell(terminal, report, time.monotonic() - began)
    if run.state is not RunState.SUCCEEDED:
        return _ended(terminal, run.error)
    return _exit_code(report, detailed=detailed)


@asynccontextmanager
async def opened_for(file: Path, connection: str | None) -> AsyncIterator[tuple[App, Connection]]:
    """The app and the connection: the one named, else the mapping's, else the only one."""
    mapping = read_mapping(file)
    async with App.open(Settings.load()) as app:
        yield app, await connecting.pick(app, connection or mapping.connection)


@asynccontextmanager
async def _told(terminal: Terminal, *, as_json: bool) -> AsyncIterator[None]:
    """Say an error as JSON, too, where that was asked for."""
    try:
        yield
    except SynclineError as error:
        if as_json:
            terminal.json(_refusal({"kind": type(error).__name__, "message": str(error)}))
        raise


def _refusal(error: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "outcome": "refused",
        "error": {"kind": error.get("kind", "Cancelled"), "message": error["message"]},
    }


def _ended(terminal: Terminal, error: Mapping[str, Any] | None) -> int:
    if error is None:
        terminal.note("Stopped. The next push goes on from here.")
        return STOPPED
    terminal.error(str(error["message"]))
    return int(error["exit_code"])


def _meant(file: Path) -> _Meant:
    """A saved plan, or the mapping file itself."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return _Meant(file)  # whoever reads the mapping says what is wrong with it
    try:
        value = json.loads(text)
    except ValueError:
        return _Meant(file)
    if not isinstance(value, dict) or not {"file", "plan"} <= value.keys():
        raise BadInput(f"{file} is neither a mapping nor a plan that `syncline plan --save` wrote.")
    try:
        Plan.from_json(value["plan"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{file} is a plan that cannot be read: plan again.") from error
    return _Meant(Path(value["file"]), value["plan"], _moment(value.get("since")))


def _moment(text: str | None) -> datetime | None:
    """A time, in the local zone where it names none. Raises BadInput."""
    try:
        return None if text is None else datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise BadInput(f"{text!r} is no time: write 2026-11-20 or 2026-11-20T12:00:00Z.") from None


def _absolute(file: Path) -> str:
    """The file by a name that means the same from anywhere."""
    return str(file.absolute())


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable(f"{file} cannot be written: {error.strerror}.") from error


def _exit_code(report: Report, *, detailed: bool) -> int:
    return CHANGED if detailed and report.outcome is Outcome.CHANGED else EXIT_CODES[report.outcome]


# --- what is said -------------------------------------------------------------------------------------------------


def _tell_plan(terminal: Terminal, plan: Plan, report: Report) -> None:
    listed = plan.actions[:_LINES]
    if listed:
        rows = [(one.kind, one.table, one.key, _details(one)) for one in listed]
        terminal.table(["action", "table", "key", "what"], rows)
    if len(plan.actions) > len(listed):
        terminal.note(f"{len(plan.actions) - len(listed):,} more: --json has them all.")
    for table, key, said in plan.notes[:_LINES]:
        terminal.note(f"{table} {key}: {said}")
    if plan.stop is not None:
        terminal.note(plan.stop)
    for name, tally in report.tables.items():
        terminal.result(f"{name}: {_sentence(tally)}.")


def _details(action: Action) -> str:
    parts = [action.reason] if action.reason else []
    parts += [
        f"{one.property}: {_short(shown(one.old))} → {_short(shown(one.new))}" for one in action.changes
    ]
    parts += ["content"] if action.body is not None else []
    parts += [f"changed in Notion: {', '.join(action.drift)}"] if action.drift else []
    return "; ".join(parts)


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return (flat if len(flat) <= _WIDE else f"{flat[: _WIDE - 1]}…") or "∅"


def _sentence(tally: Any) -> str:
    said = [f"{getattr(tally, name):,} {name}" for name in COUNTS if getattr(tally, name)]
    return ", ".join(said) or "no rows"


def tell(terminal: Terminal, report: Report, seconds: float) -> None:
    """Print a report."""
    for name, tally in report.tables.items():
        terminal.result(f"{name}: {_sentence(tally)}.")
    terminal.result(f"{counted(report.requests, 'request')} in {seconds:.1f} s.")
    for one in report.findings[:_LINES]:
        terminal.note(f"{one.what}: {one.table} {one.key}: {one.reason}")
    if len(report.findings) > _LINES:
        terminal.note(f"{len(report.findings) - _LINES:,} more: --json or --report-markdown has them all.")
    for block in report.blocks:
        terminal.note(f"protected: {block['type']} {block['id']} was {block['what']}")
