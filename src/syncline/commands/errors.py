"""What the command on the error ledger does: list, try again, put out of sight."""

from collections.abc import Sequence

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.engine import connect as connecting
from syncline.engine import deadletters
from syncline.engine.deadletters import Filter, Kind, Letter, Status
from syncline.present import counted, local
from syncline.settings import Settings
from syncline.store import ledger
from syncline.store.connections import Connection
from syncline.store.ledger import Wanted
from syncline.store.runs import RunState
from syncline.terminal import Terminal
from syncline.watched import STOPPED, watched_pull

__all__ = ["errors_here"]


async def errors_here(
    terminal: Terminal,
    *,
    connection: str | None,
    limit: int,
    retry: bool,
    dismiss: Sequence[str],
    dismissed: bool,
) -> int:
    """List what could not be read, or do something about it; the exit code."""
    if retry and dismiss:
        raise BadInput("--retry and --dismiss exclude each other.")
    async with App.open(Settings.load()) as app:
        found = await connecting.pick(app, connection)
        if retry:
            return await _retry(terminal, app, found)
        if dismiss:
            await _dismiss(terminal, app, found, dismiss)
            return 0
        await _list(terminal, app, found, limit=limit, dismissed=dismissed)
    return 0


async def _list(terminal: Terminal, app: App, found: Connection, *, limit: int, dismissed: bool) -> None:
    async with app.database.read() as conn:
        entries = await ledger.listed(conn, found.id, Wanted(dismissed=dismissed), limit=limit)
        total = await ledger.count(conn, found.id, Wanted(dismissed=dismissed))
        aside = 0 if dismissed else await ledger.count(conn, found.id, Wanted(dismissed=True))
        titles = await deadletters.titles(conn, found.id, entries)
    if not entries:
        nothing = "Nothing was dismissed." if dismissed else "Everything that was found could be read."
        terminal.result(nothing if not aside else f"Nothing else could not be read; {aside:,} dismissed.")
        return
    rows = [
        (
            titles.get(entry.page, ""),
            entry.page,
            entry.block,
            entry.status,
            entry.code,
            local(entry.first_at),
            entry.message,
        )
        for entry in entries
    ]
    terminal.table(["title", "page", "block", "status", "code", "since", "message"], rows)
    if total > len(entries):
        terminal.note(f"{total - len(entries):,} more: ask for them with --limit {total}.")
    if aside:
        terminal.note(f"{aside:,} dismissed: --dismissed lists them.")


async def _retry(terminal: Terminal, app: App, found: Connection) -> int:
    """Read the documents that could not be read, and nothing else."""
    letters, _ = await _documents(app, found)
    if not letters:
        terminal.result("There is nothing to read again.")
        return 0
    run = await watched_pull(terminal, app, found, deadletters.asked(letters).request)
    if run.error is not None:
        terminal.error(run.error["message"])
        return int(run.error["exit_code"])
    left, total = await _documents(app, found)
    still = {letter.id for letter in left}
    done = sum(letter.id not in still for letter in letters)
    terminal.result(f"Read again: {counted(done, 'place')} of {len(letters):,}. {total:,} cannot be read.")
    return STOPPED if run.state is RunState.CANCELLED else 0


async def _documents(app: App, found: Connection) -> tuple[list[Letter], int]:
    wanted = Filter(Kind.DOCUMENT, Status.PENDING)
    async with app.database.read() as conn:
        return await deadletters.listed(conn, found.id, wanted, limit=deadletters.MOST)


async def _dismiss(terminal: Terminal, app: App, found: Connection, pages: Sequence[str]) -> None:
    """Put all that failed of these pages out of sight."""
    ids: list[str] = []
    async with app.database.read() as conn:
        for page in pages:
            some = await ledger.listed(conn, found.id, Wanted(page=page), limit=deadletters.MOST)
            if not some:
                raise BadInput(f"{page} is no page of this list: `syncline errors` prints their ids.")
            ids += [deadletters.letter_id(entry) for entry in some]
    gone = await deadletters.dismiss(app, found, ids)
    terminal.result(f"Dismissed: {counted(len(gone), 'place')}.")
