"""Dead letters: what could not be done and is not tried again by itself. No table holds them; they follow from what is remembered.

    document   an entry of the error ledger: a page, another record, or a block, that could not be read
    listing    an entry of the error ledger: a listing that did not tell everything
    run        a run that failed, until one that was asked the same, or that read everything, succeeds

A letter is gone once what it is about was done. Dismissing puts it out of sight: a document until it fails otherwise, a run until the
same fails again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import BadInput, NotFound
from syncline.core.model import Kind as RecordKind
from syncline.core.model import Mode
from syncline.core.refresh import Refresh
from syncline.engine.begin import Request
from syncline.engine.kinds import SERVED
from syncline.engine.pulling import SLOT, Asked, ask_pull
from syncline.engine.worklist import Work
from syncline.store import history, ledger, records, runs
from syncline.store.connections import Connection
from syncline.store.ledger import Entry, Of
from syncline.store.runs import Run, RunState

__all__ = [
    "MOST",
    "Filter",
    "Kind",
    "Letter",
    "Retried",
    "Status",
    "asked",
    "dismiss",
    "letter_id",
    "listed",
    "named",
    "open_runs",
    "retry",
    "titles",
]

MOST: Final = 1000
"""Letters that one command is about."""

_KINDS: Final = tuple(kind for kind in SERVED if kind != "refresh")
"""What webhooks named waits in the inbox, and is tried again by itself."""

_RECENT: Final = 200
"""Among so many of the newest runs the failed ones are looked for."""


class Kind(StrEnum):
    """What a letter is about."""

    DOCUMENT = "document"
    LISTING = "listing"
    RUN = "run"


class Status(StrEnum):
    """How a letter stands."""

    PENDING = "pending"
    RETRYING = "retrying"
    """A run that is queued or under way tries it again."""
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter: of a run, or of an entry of the ledger. `attempts` counts how often it failed, `title` is the document's."""

    id: str
    kind: Kind
    status: Status
    attempts: int
    first_at: datetime | None
    last_at: datetime | None
    entry: Entry | None = None
    run: Run | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters; without a `status` all but the dismissed ones."""

    kind: Kind | None = None
    status: Status | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Retried:
    """The run that tries again, which letters it is about, and those that were named and have to wait for another."""

    run: Run
    letters: tuple[Letter, ...]
    left: tuple[Letter, ...]


@dataclass(frozen=True, slots=True)
class _Live:
    """What the run that is queued or under way tries again: these pages, or every page and what else there is."""

    pages: frozenset[str] = frozenset()
    every_page: bool = False
    whole: bool = False
    options: object = None

    def tries(self, letter: Letter) -> bool:
        if letter.run is not None:
            return letter.run.slot == SLOT and (self.whole or letter.run.options == self.options)
        if letter.entry is None or letter.kind is Kind.LISTING:
            return self.whole
        return self.every_page or letter.entry.page in self.pages


async def listed(
    conn: AsyncConnection, connection_id: str, wanted: Filter, *, limit: int, offset: int = 0
) -> tuple[list[Letter], int]:
    """Some of the letters, those of runs first, then the last met first; and how many there are in all."""
    live = await _live(conn, connection_id)
    found = [] if wanted.page else await _failed_runs(conn, connection_id, live)
    shown = [letter for letter in found if _is_wanted(letter, wanted)]
    total, letters = len(shown), shown[offset : offset + limit]
    for query in _queries(wanted, live):
        some = await ledger.listed(
            conn, connection_id, query, limit=limit - len(letters), offset=max(0, offset - total)
        )
        letters += await _of_entries(conn, connection_id, some, live)
        total += await ledger.count(conn, connection_id, query)
    return letters, total


def _is_wanted(letter: Letter, wanted: Filter) -> bool:
    if wanted.kind not in (None, letter.kind):
        return False
    return letter.status is not Status.DISMISSED if wanted.status is None else letter.status is wanted.status


def _queries(wanted: Filter, live: _Live) -> Iterable[ledger.Wanted]:
    """What of the ledger is wanted: of listings, then of documents."""
    dismissed, retrying = wanted.status is Status.DISMISSED, wanted.status is Status.RETRYING
    undivided = wanted.status in (None, Status.DISMISSED)
    if wanted.kind in (None, Kind.LISTING) and (undivided or live.whole is retrying):
        yield ledger.Wanted(Of.LISTING, wanted.page, dismissed=dismissed)
    if wanted.kind not in (None, Kind.DOCUMENT):
        return
    if undivided or (live.every_page and retrying):
        yield ledger.Wanted(Of.DOCUMENT, wanted.page, dismissed=dismissed)
    elif not live.every_page:
        pages = sorted(live.pages)
        only, but = (pages, ()) if retrying else (None, pages)
        yield ledger.Wanted(Of.DOCUMENT, wanted.page, only=only, but=but)


async def named(conn: AsyncConnection, connection_id: str, letter_ids: Sequence[str]) -> list[Letter]:
    """The letters with these ids. Raises NotFound for one that is none, or is none any more."""
    live = await _live(conn, connection_id)
    found = {letter.id: letter for letter in await _failed_runs(conn, connection_id, live)}
    places = [name.partition("~") for name in letter_ids if name not in found]
    entries = [await ledger.find(conn, connection_id, page, block or None) for page, _, block in places]
    known = [entry for entry in entries if entry is not None]
    found |= {letter.id: letter for letter in await _of_entries(conn, connection_id, known, live)}
    for name in letter_ids:
        if name not in found:
            raise NotFound(f"There is no dead letter {name}: it was never one, or was done meanwhile.")
    return [found[name] for name in dict.fromkeys(letter_ids)]


async def retry(
    app: App, connection: Connection, letter_ids: Sequence[str] | None, *, requested_by: str
) -> Retried:
    """Try letters again, by one run that reads nothing else; None: all documents that are pending.

    One run goes at a time: documents first, then listings, by a pull that lists everything, then one run. Letters that were dismissed are
    pending again. Raises NotFound, Busy while another pull goes on or was left unfinished, BadInput where there is nothing to try.
    """
    async with app.database.begin() as conn:
        letters = await _chosen(conn, connection.id, letter_ids)
        first = _together(letters)
        run = await ask_pull(conn, app, connection.id, asked(first), requested_by=requested_by, now=app.now())
        await _set_aside(conn, connection.id, first, now=None)
    left = tuple(letter for letter in letters if letter not in first)
    return Retried(run, tuple(first), left)


async def dismiss(app: App, connection: Connection, letter_ids: Sequence[str]) -> list[Letter]:
    """Put letters out of sight, and return them. Raises NotFound."""
    async with app.database.begin() as conn:
        letters = await named(conn, connection.id, letter_ids)
        await _set_aside(conn, connection.id, letters, now=app.now())
        return await named(conn, connection.id, letter_ids)


async def _chosen(
    conn: AsyncConnection, connection_id: str, letter_ids: Sequence[str] | None
) -> list[Letter]:
    if letter_ids is not None:
        return await named(conn, connection_id, letter_ids)
    pending = Filter(Kind.DOCUMENT, Status.PENDING)
    return (await listed(conn, connection_id, pending, limit=MOST))[0]


def _together(letters: Sequence[Letter]) -> list[Letter]:
    """Those of the letters that one run can try again. Raises BadInput if there is none."""
    documents = [letter for letter in letters if letter.kind is Kind.DOCUMENT]
    listings = [letter for letter in letters if letter.kind is Kind.LISTING]
    pulls = [letter for letter in letters if letter.run is not None and letter.run.slot == SLOT]
    if first := documents or listings or pulls[:1]:
        return first
    if letters:
        raise BadInput("A push is started where its mapping file is: `syncline apply` or `syncline sync`.")
    raise BadInput("There is no dead letter to try again.")


def asked(letters: Sequence[Letter]) -> Asked:
    """The pull that tries letters again: documents, listings, or one run."""
    match letters[0]:
        case Letter(run=Run() as run):
            return Asked.from_json(run.options)
        case Letter(kind=Kind.LISTING):
            return Asked(Request(mode=Mode.RECONCILE))
    entries = [letter.entry for letter in letters if letter.entry is not None]
    objects = {(_kind(entry), entry.page) for entry in entries}
    return Asked(
        Request(
            refresh=Refresh(
                objects=tuple(sorted(objects)),
                content=dict.fromkeys(sorted(key for kind, key in objects if kind is RecordKind.PAGE)),
                comments=tuple(sorted({one.page for one in entries if one.operation == Work.COMMENTS})),
            )
        )
    )


async def _set_aside(
    conn: AsyncConnection, connection_id: str, letters: Sequence[Letter], *, now: datetime | None
) -> None:
    places = [(letter.entry.page, letter.entry.block) for letter in letters if letter.entry is not None]
    await ledger.dismiss(conn, connection_id, places, now=now)
    failed = [letter.run.id for letter in letters if letter.run is not None]
    await history.dismiss(conn, connection_id, failed, now=now)


# --- what is remembered -------------------------------------------------------------------------------------------


async def _live(conn: AsyncConnection, connection_id: str) -> _Live:
    run = await runs.live(conn, connection_id, SLOT)
    if run is None:
        return _Live()
    request = Asked.from_json(run.options).request
    if request.refresh is None:
        whole = not request.pages and not request.roots
        full = whole and run.mode is Mode.FULL
        return _Live(frozenset(request.pages), every_page=full, whole=whole, options=run.options)
    asked = request.refresh
    pages = {*(key for _, key in asked.objects), *asked.content, *asked.comments}
    return _Live(frozenset(pages), options=run.options)


async def open_runs(conn: AsyncConnection, connection_id: str) -> set[str]:
    """The failed runs that are letters."""
    return {letter.run.id for letter in await _failed_runs(conn, connection_id, _Live()) if letter.run}


async def _failed_runs(conn: AsyncConnection, connection_id: str, live: _Live) -> list[Letter]:
    """A letter for each thing that was asked and failed, and has not succeeded since, the last first."""
    found = await runs.latest(conn, connection_id, limit=_RECENT, kinds=_KINDS)
    succeeded: list[Run] = []
    failed: dict[tuple[str, str], list[Run]] = {}
    for run in found:
        if run.state is RunState.SUCCEEDED:
            succeeded.append(run)
        elif run.state is RunState.FAILED and not any(_makes_good(one, run) for one in succeeded):
            failed.setdefault((run.kind, repr(run.options)), []).append(run)
    return [_of_runs(same, live) for same in failed.values()]


def _makes_good(later: Run, run: Run) -> bool:
    """Whether the success of a run is that of one that failed before."""
    everything = not any(later.options.get(name) for name in ("pages", "roots", "refresh"))
    return later.slot == run.slot and (later.options == run.options or (later.slot == SLOT and everything))


def _of_runs(same: Sequence[Run], live: _Live) -> Letter:
    """The letter of runs that were asked the same, the last first."""
    last = same[0]
    letter = Letter(
        id=last.id,
        kind=Kind.RUN,
        status=Status.DISMISSED if last.dismissed_at else Status.PENDING,
        attempts=len(same),
        first_at=same[-1].ended_at,
        last_at=last.ended_at,
        run=last,
    )
    return _as_it_stands(letter, live)


async def _of_entries(
    conn: AsyncConnection, connection_id: str, entries: Sequence[Entry], live: _Live
) -> list[Letter]:
    known = await titles(conn, connection_id, entries)
    letters = [
        Letter(
            id=letter_id(entry),
            kind=Kind.LISTING if entry.operation == Work.LISTING else Kind.DOCUMENT,
            status=Status.DISMISSED if entry.dismissed_at else Status.PENDING,
            attempts=entry.attempts,
            first_at=entry.first_at,
            last_at=entry.last_at,
            entry=entry,
            title=known.get(entry.page, ""),
        )
        for entry in entries
    ]
    return [_as_it_stands(letter, live) for letter in letters]


async def titles(conn: AsyncConnection, connection_id: str, entries: Sequence[Entry]) -> dict[str, str]:
    """The titles of what entries are about, as far as it is held."""
    found: dict[str, str] = {}
    for kind in {_kind(entry) for entry in entries if entry.operation != Work.LISTING}:
        keys = [entry.page for entry in entries if _kind(entry) is kind]
        held = await records.find(conn, connection_id, kind, keys)
        found.update({key: record.title for key, record in held.items()})
    return found


def letter_id(entry: Entry) -> str:
    """What names the letter of an entry: the page, and the block if it is about one."""
    return entry.page if entry.block is None else f"{entry.page}~{entry.block}"


def _kind(entry: Entry) -> RecordKind:
    # What an older release has entered does not say; most of it were pages.
    return RecordKind(entry.kind or RecordKind.PAGE)


def _as_it_stands(letter: Letter, live: _Live) -> Letter:
    is_tried = letter.status is Status.PENDING and live.tries(letter)
    return replace(letter, status=Status.RETRYING) if is_tried else letter
