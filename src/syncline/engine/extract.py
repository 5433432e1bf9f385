"""One pull, moved on: source → frontier → store.

Workers read, one request each at a time; a single committer writes what they bring, many answers in one
transaction, and takes new work from the frontier in the same transaction. Nothing lives only in memory but the
answers in flight, so a process may die anywhere and another goes on.

The order is law: listings first, so that all properties are there early; content after, newest first; absences last.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import Cancelled, Unreachable
from syncline.core.model import Fidelity, Kind, Mode
from syncline.engine import work
from syncline.engine.absence import Limits, bury_departed, forsake, missed, sweep
from syncline.engine.apply import Context, apply
from syncline.engine.listings import move_on
from syncline.engine.opening import Opening, Read
from syncline.engine.pull import Phase, Pull, remember_watermark, save_pull
from syncline.engine.scope import Scope
from syncline.engine.telling import tell_progress
from syncline.engine.work import Outcome
from syncline.engine.worklist import Work
from syncline.sources.base import Source, Usage
from syncline.store import documents, frontier, ledger, records, runs
from syncline.store.database import Database
from syncline.store.frontier import Item

__all__ = ["Extraction", "Limits", "Progress"]

_TALLY = 0.5
"""Seconds between two counts of the pages."""
_FIRST = 0.2
"""Seconds until the first of them. A pull that finds nothing has often ended by then, and is not counted twice."""
_GRACE = 2.0
"""Seconds that reads in flight are waited for when a pull is stopped; one may be waiting for the rate limit."""

_STREAK = 8
"""So many failures in a row, with nothing read between them, mean the other side is down."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. `pages` and `requests` are the counts of the run so far."""

    done: bool
    phase: Phase
    pages: dict[str, int]
    requests: dict[str, int]
    waiting: int


@dataclass(slots=True)
class _Counts:
    made: int = 0
    bound: int = 0
    rate_limited: int = 0


class Extraction:
    """One pull in this process. `advance` it until it is done; `stop` it and another may go on with it."""

    def __init__(
        self,
        *,
        database: Database,
        source: Source,
        connection_id: str,
        run_id: str,
        pull: Pull,
        clock: Callable[[], datetime],
        random: Random,
        limits: Limits | None = None,
    ) -> None:
        self._database = database
        self._source = source
        self._connection_id = connection_id
        self._run_id = run_id
        self._pull = pull
        self._kept = pull
        self._clock = clock
        self._limits = limits or Limits()
        self._scope = Scope(pull.policy.selection)
        self._context = Context.of(
            source, pull.policy, connection_id=connection_id, run_id=run_id, pull_id=pull.id, random=random
        )
        self._ready: asyncio.PriorityQueue[tuple[int, int, Callable[[], Awaitable[Outcome]]]] = (
            asyncio.PriorityQueue()
        )
        self._outcomes: asyncio.Queue[tuple[Outcome, asyncio.Event]] = asyncio.Queue()
        self._order = itertools.count()
        self._open = 0
        self._streak = 0
        self._stopping = False
        self._counts = _Counts()
        self._usage = Usage()
        self._pages: dict[str, int] = {}
        self._waiting = 0
        self._unfinished: set[tuple[str, int]] = set()
        self._tallied = 0.0
        self._corrected = False
        self._begun = False
        self._main: asyncio.Task[None] | None = None

    async def advance(self, seconds: float) -> Progress:
        """Wait until the pull is done or `seconds` have passed; the work goes on meanwhile.

        Raises whatever ended the pull: an error of core.errors, after what was read before it is stored.
        """
        if self._main is None:
            self._main = asyncio.create_task(self._run())
        await asyncio.wait([self._main], timeout=seconds)
        if self._main.done():
            self._main.result()
        return self.progress(done=self._main.done())

    def progress(self, *, done: bool = False) -> Progress:
        """Where the pull stands, without waiting."""
        requests = {
            "made": self._counts.made,
            "bound": self._counts.bound,
            "rate_limited": self._counts.rate_limited,
        }
        return Progress(done, self._pull.phase, dict(self._pages), requests, self._waiting)

    async def stop(self) -> None:
        """Give what is in flight a moment to end, store it, and stop. The pull can be taken up again."""
        self._stopping = True
        while not self._ready.empty():
            self._ready.get_nowait()
            self._open -= 1
        if self._main is None:
            return
        done, _ = await asyncio.wait([self._main], timeout=_GRACE)
        if not done:
            self._main.cancel()
            await asyncio.wait([self._main])
        if not self._main.cancelled():
            self._main.exception()  # that it was stopped is no news to whoever stopped it

    async def _run(self) -> None:
        workers = [asyncio.create_task(self._work()) for _ in range(self._limits.width)]
        try:
            await self._commit_until_done()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _begin(self, conn: AsyncConnection) -> None:
        """Take up the run's counts and put work that a dead process had taken back on the frontier."""
        self._begun = True
        self._tallied = asyncio.get_running_loop().time() + min(_FIRST, _TALLY) - _TALLY
        run = await runs.one(conn, self._run_id)
        self._counts = _Counts(**run.requests) if run.requests else _Counts()
        self._pages = dict(run.pages)
        await frontier.reset(conn, self._connection_id)
        self._unfinished = await documents.unfinished(conn, self._connection_id)
        await self._scope.load(conn, self._connection_id)
        if not self._pull.policy.roots:
            self._scope.claim()
            await forsake(conn, self._connection_id, self._scope)

    async def _work(self) -> None:
        """Read, and wait until it is written: what is read and not written counts as in flight."""
        while True:
            _, _, read = await self._ready.get()
            written = asyncio.Event()
            self._outcomes.put_nowait((await read(), written))
            await written.wait()

    # --- the committer -------------------------------------------------------------------------------

    async def _commit_until_done(self) -> None:
        arrived: list[tuple[Outcome, asyncio.Event]] = []
        while True:
            failure = await self._commit([outcome for outcome, _ in arrived])
            for _, written in arrived:
                written.set()
            if failure is not None:
                raise failure
            if self._stopping and self._open == 0:
                raise Cancelled(
                    "The pull was stopped. What was read stays, and the next pull goes on from here."
                )
            if self._pull.phase is Phase.DONE:
                return
            arrived = await self._arrived() if self._open else []

    async def _arrived(self) -> list[tuple[Outcome, asyncio.Event]]:
        """At least one outcome, and all that are there."""
        arrived = [await self._outcomes.get()]
        while not self._outcomes.empty():
            arrived.append(self._outcomes.get_nowait())
        return arrived

    async def _commit(self, outcomes: list[Outcome]) -> Exception | None:
        """Write what arrived and take what is next, in one transaction. The error that ends the pull, if any."""
        self._open -= len(outcomes)
        failure = self._judge(outcomes)
        self._spend(outcomes)
        async with self._database.begin() as conn:
            if not self._begun:
                await self._begin(conn)
            await self._apply(conn, outcomes)
            ends = failure is not None or self._stopping
            reads = [] if ends else await self._next_reads(conn, outcomes)
            await self._keep(conn)
            await self._report(conn)
        self._enqueue(reads)
        return failure

    async def _next_reads(self, conn: AsyncConnection, outcomes: Iterable[Outcome]) -> list[Read]:
        """What to read now: the rest of pages that were begun, and new work from the frontier."""
        opening = Opening(
            self._source, self._connection_id, self._pull, self._context.generation, self._unfinished
        )
        reads = [
            read
            for outcome in outcomes
            if outcome.reading is not None and outcome.item is not None
            for read in opening.reads(outcome.item, outcome.reading, outcome.steps)
        ]
        taken = await self._take(conn)
        if not taken and not reads and self._open == 0:
            taken = await self._next_phase(conn)
        for item in taken:
            reads += await opening.open(conn, item)
        return reads

    def _judge(self, outcomes: Iterable[Outcome]) -> Exception | None:
        for outcome in outcomes:
            if outcome.fatal is not None:
                self._stopping = True
                return outcome.fatal
            if outcome.transient or outcome.bound:
                self._streak = self._streak + 1 if outcome.transient else 0
            if self._streak >= _STREAK:
                message = outcome.batch.parked[-1][1].message if outcome.batch.parked else "no answer"
                return Unreachable(
                    f"The source keeps failing ({message}). Run the pull again to go on from here."
                )
        return None

    def _spend(self, outcomes: Iterable[Outcome]) -> None:
        usage = self._source.usage
        self._counts.made += usage.made - self._usage.made
        self._counts.rate_limited += usage.rate_limited - self._usage.rate_limited
        self._usage = usage
        self._counts.bound += sum(outcome.bound for outcome in outcomes)

    async def _apply(self, conn: AsyncConnection, outcomes: list[Outcome]) -> None:
        if not outcomes:
            return
        self._correct_start()
        batch = work.merged(outcome.batch for outcome in outcomes)
        batch.records = self._scope.admit(batch.records)
        self._scope.lost(key for key, _ in batch.lost)
        for page, children in batch.children.items():
            batch.children[page] = self._scope.wanted(children)
            batch.records += self._scope.adopt(batch.children[page])
        applied = await apply(conn, batch, self._context, now=self._clock())
        await move_on(
            conn,
            self._connection_id,
            outcomes,
            applied,
            since=self._pull.since,
            selected=self._pull.policy.selection.partial,
        )
        if any(outcome.gap for outcome in outcomes) and self._pull.whole:
            self._pull = self._pull.with_gap()

    def _correct_start(self) -> None:
        """Once the source has told its time: a pull whose start was taken from a clock ahead of it began earlier."""
        ahead = self._clock() - self._source.now()
        began_at = self._pull.started_at - ahead
        if not self._corrected and began_at < self._pull.began_at:
            self._pull = replace(self._pull, began_at=began_at)
        self._corrected = True

    async def _keep(self, conn: AsyncConnection) -> None:
        """Remember the pull where it is not what the store knows of it, once a transaction."""
        if self._pull == self._kept:
            return
        done = self._pull.phase is Phase.DONE
        await save_pull(conn, self._connection_id, None if done else self._pull)
        self._kept = self._pull

    async def _take(self, conn: AsyncConnection) -> list[Item]:
        if self._ready.qsize() >= self._limits.width:
            return []
        early = self._pull.phase is Phase.LISTING
        late = {Work.CONTENT, Work.COMMENTS} if early else set()
        if self._pull.policy.fidelity is Fidelity.PROPERTIES:
            late.add(Work.CONTENT)
        kinds = [kind for kind in Work if kind not in late]
        return await frontier.take(conn, self._connection_id, kinds=kinds, limit=4 * self._limits.width)

    async def _next_phase(self, conn: AsyncConnection) -> list[Item]:
        """Nothing is waiting and nothing in flight: the next phase, and its first work."""
        taken: list[Item] = []
        while not taken and self._pull.phase is not Phase.DONE:
            gone = self._scope.departed() if self._pull.phase is not Phase.LISTING else []
            if gone and await bury_departed(conn, gone, self._context, now=self._clock()):
                taken = await self._take(conn)
                continue
            if self._pull.phase is Phase.LISTING:
                self._pull = self._pull.at(Phase.CONTENT)
            elif self._pull.phase is Phase.CONTENT and self._pull.policy.lists_all and self._pull.whole:
                await sweep(conn, self._context, self._scope, self._limits)
                self._pull = self._pull.at(Phase.SWEEP)
            elif self._pull.phase is Phase.CONTENT and self._pull.policy.refresh is not None:
                await missed(conn, self._context, self._pull.policy.refresh.rows)
                self._pull = self._pull.at(Phase.SWEEP)
            else:
                await self._finish(conn)
                return []
            taken = await self._take(conn)
        return taken

    async def _finish(self, conn: AsyncConnection) -> None:
        self._pull = self._pull.at(Phase.DONE)
        await remember_watermark(conn, self._connection_id, self._pull)

    async def _report(self, conn: AsyncConnection) -> None:
        """Write the run's counts now and then, and at the end; counting pages costs more than writing a batch."""
        tick = asyncio.get_running_loop().time()
        if tick < self._tallied + _TALLY and self._pull.phase is not Phase.DONE and not self._stopping:
            return
        self._tallied = tick
        self._pages = await self._counted(conn)
        self._waiting = await frontier.waiting(conn, self._connection_id, list(Work))
        at = self.progress()
        await runs.progress(
            conn, self._run_id, phase=at.phase, pages=at.pages, requests=at.requests, waiting=at.waiting
        )
        await tell_progress(conn, self._connection_id, run_id=self._run_id, at=at, now=self._clock())

    async def _counted(self, conn: AsyncConnection) -> dict[str, int]:
        """The pages of this pull by what became of them, each counted once."""
        pull, one = self._pull, self._connection_id
        tally = await records.tally(
            conn, one, run_id=pull.id, after_seq=pull.after_seq, since=pull.started_at
        )
        policy = pull.policy
        if policy.mode is Mode.INCREMENTAL and not policy.named and not policy.roots:
            # What no listing tells has not changed: the pull vouches for all that is held.
            tally["seen"] = await records.count_live(conn, one, kinds=[Kind.PAGE])
        unchanged = max(0, tally["seen"] - tally["added"] - tally["updated"])
        incomplete = await ledger.count_pages(conn, one, beside=Work.LISTING)
        return {**tally, "unchanged": unchanged, "incomplete": incomplete}

    def _enqueue(self, reads: Iterable[Read]) -> None:
        for lane, read in reads:
            self._open += 1
            self._ready.put_nowait((lane, next(self._order), read))
