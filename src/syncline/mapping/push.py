"""A push: the rows of mapped tables into Notion databases, in seven steps.

    1 discovery    which Notion database is meant, and its properties
    2 extraction   the rows
    3 resolution   the pages of those databases, and whose they are: the plan
    4 upsert       rows are made, changed, flagged, trashed
    5 documents    the content of pages that were there before
    6 validation   protected pages are as they were
    7 report       what was done

A plan stops before the fourth. All that must outlive the process is in the links: a push that died is begun anew and finds what it did as
unchanged.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from syncline.app import App
from syncline.core.errors import BadInput, Stop, TooManyDeletions
from syncline.core.mapping import MappedTable
from syncline.core.mapping import Mapping as TableMapping
from syncline.core.plan import Action, ActionKind, Plan, difference
from syncline.core.report import Report, findings
from syncline.engine.task import Progress
from syncline.mapping.asked import Asked
from syncline.mapping.extent import RowSource
from syncline.mapping.fingerprint import Element, differences, fingerprint
from syncline.mapping.guard import Guard
from syncline.mapping.survey import FRESH, SETTLE, Manner, Survey, has_creates
from syncline.mapping.upsert import Table, Upsert
from syncline.notion.budget import Lane
from syncline.notion.client import Client
from syncline.store.connections import Connection

if TYPE_CHECKING:
    from syncline.mapping.twoway import Merge

__all__ = ["Push", "PushFailed", "Step"]


class Step(StrEnum):
    """Where a push stands."""

    DISCOVERY = "discovery"
    EXTRACTION = "extraction"
    RESOLUTION = "resolution"
    UPSERT = "upsert"
    DOCUMENTS = "documents"
    VALIDATION = "validation"
    REPORT = "report"
    DONE = "done"


class PushFailed(Stop):
    """A protected page is not as it was, or the push was told to halt: the report says where."""

    exit_code = 10


@dataclass
class _Stand:
    """How far a push is: a Progress."""

    phase: str = Step.DISCOVERY
    done: bool = False
    waiting: int = 0
    pages: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)


class Push:
    """One push of one mapping. `run` does all of it; `plan` the first three steps."""

    def __init__(
        self,
        app: App,
        connection: Connection,
        mapping: TableMapping,
        rows: RowSource,
        *,
        client: Client,
        asked: Asked,
        fresh: timedelta = FRESH,
        settle: timedelta = SETTLE,
    ) -> None:
        self.report = Report(mapping.name)
        self.stand = _Stand()
        self._app = app
        self._mapping = mapping
        self._client = client
        self._asked = asked
        self._settle = settle
        self._guards: dict[str, Guard] = {}
        self._structure: set[str] = set()
        manner = Manner(fresh, settle, asked.since)
        self._survey = Survey(app, connection, mapping, rows, client=client, sender=self.guard, manner=manner)
        self._upsert: Upsert | None = None
        self.interruptible = False
        self._merge: Merge | None = None
        self._planned = 0
        self._began = app.now()

    @property
    def asked(self) -> Asked:
        """What it was asked for."""
        return self._asked

    def join(self, merge: "Merge") -> None:
        """Merge the tables that go both ways as part of this push."""
        self._merge = merge

    async def plan(self) -> Plan:
        """Discovery, extraction, resolution: what there is to do. Sends no write."""
        return await self._with_merge(await self._planned_rows())

    async def run(self) -> Report:
        """All seven steps. Raises errors of core.errors; what was done before stays done, and is linked."""
        found = await self._planned_rows()
        await self._permit(found)
        await self._survey.settle(found)
        changes = bool(found.writes) or (self._merge is not None and bool(self._merge.decide()))
        before = await self._look() if changes else {}
        await self._write(found)
        await self._step(Step.VALIDATION, self._validate(before))
        self.stand.phase = Step.REPORT
        self._conclude()
        return self.report

    async def _planned_rows(self) -> Plan:
        """The plan of the tables that go one way; what the others need is read, too."""
        if not self._survey.extents and self._merge is None:
            raise BadInput(
                f"No table of the mapping {self._mapping.name} is pushed: `syncline import` brings those into the database whose "
                "direction is pull."
            )
        await self._step(Step.DISCOVERY, self._survey.discover())
        await self._step(Step.EXTRACTION, self._survey.extract())
        await self._step(Step.RESOLUTION, self._survey.resolve())
        found = self._survey.plan()
        if has_creates(found) and self._survey.from_store:
            # A page that is not in the store may be at Notion all the same; one more made for its row would be a duplicate.
            await self._survey.resolve(stored=False)
            found = self._survey.plan()
        if self._merge is not None:
            await self._merge.read()
        self._count(found)
        return found

    async def _with_merge(self, found: Plan) -> Plan:
        if self._merge is None:
            return found
        from syncline.mapping.rehearsal import rehearsed  # noqa: PLC0415  only where tables go both ways

        return await rehearsed(self._merge, found)

    async def stop(self) -> None:
        """Begin nothing new."""
        if self._upsert is not None:
            self._upsert.halt()

    def progress(self) -> Progress:
        """How far it is."""
        tallies = self.report.tables.values()
        self.stand.pages = {
            "seen": sum(len(one.rows) for one in self._survey.extents.values()),
            "added": sum(one.created for one in tallies),
            "updated": sum(one.updated for one in tallies),
            "unchanged": sum(one.unchanged for one in tallies),
            "deleted": sum(one.deleted for one in tallies),
            "incomplete": sum(one.failed for one in tallies),
        }
        counts = self._client.counts
        bound = sum(-(-len(one.pages) // 100) for one in self._survey.extents.values())
        writes = self._upsert.done if self._upsert else 0
        self.stand.waiting = max(0, self._planned - writes)
        self.stand.requests = {
            "made": counts.requests,
            "bound": bound + writes,
            "rate_limited": counts.rate_limited,
        }
        return self.stand

    # --- steps ----------------------------------------------------------------------------------------

    async def _step(self, step: Step, work: Awaitable[object]) -> None:
        self.stand.phase = step
        await work

    async def _permit(self, found: Plan) -> None:
        """Raises BadInput where a saved plan does not fit any more, TooManyDeletions where more is gone than may be."""
        if self._asked.saved is not None:
            saved = Plan.from_json(self._asked.saved)
            moved = difference(saved, await self._with_merge(found), done=self._is_done)
            if moved:
                more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
                raise BadInput(
                    f"The plan was made for another state: {' '.join(moved[:3])}{more} Plan again."
                )
        if self._asked.accept_deletions:
            return
        stop = found.stop or (self._merge.too_many_deletions() if self._merge is not None else None)
        if stop is not None:
            raise TooManyDeletions(stop)

    def _is_done(self, action: Action) -> bool:
        """Whether what a saved plan wanted has been done by it before it was interrupted."""
        if self._merge is not None and action.table in self._merge.tables:
            return self._merge.is_done(action)
        link = self._survey.extents[action.table].links.get(action.key)
        if action.kind in {ActionKind.TRASH, ActionKind.FLAG}:
            return link is None or link.written is None
        return link is not None and link.written == action.row

    async def _look(self) -> dict[str, Element]:
        """The structure of the protected pages, which from now on nothing is written to."""
        if not self._mapping.protected:
            return {}
        found = await fingerprint(self._client, self._mapping.protected, lane=Lane.INCREMENTAL)
        self.report.protected = len(found)
        # Rows of a database that stands there may be made; in version 2022-06-28 its id is their parent's.
        self._structure = {one.id for one in found.values() if one.type != "child_database"}
        for guard in self._guards.values():
            guard.protect(self._structure)
        return found

    async def _write(self, found: Plan) -> None:
        survey = self._survey
        tables = self._tables(found)
        self._upsert = Upsert(
            self._app,
            tables,
            self.report,
            people=survey.people,
            read_at=survey.read_at or self._app.now(),
            halt_on_error=self._asked.halt_on_error,
            settle=self._settle,
        )
        self._planned = len(found.writes)
        await self._step(Step.UPSERT, self._upsert.rows(found))
        if self._merge is not None and not self._upsert.stopped:
            await self._merge_rows(self._merge)
        await self._step(Step.DOCUMENTS, self._upsert.bodies())

    async def _merge_rows(self, merge: "Merge") -> None:
        self.interruptible = True
        from syncline.mapping.twoway_pages import NotionPages  # noqa: PLC0415  only where tables go both ways

        for table in merge.tables.values():
            if isinstance(table.pages, NotionPages):
                self.guard(table.mapped).open(table.pages.notion.schema.data_source)
        await merge.place_others()  # the rows that go one way have got their pages
        await merge.write()
        self.interruptible = False

    async def _validate(self, before: Mapping[str, Element]) -> None:
        if before:
            after = await fingerprint(self._client, self._mapping.protected, lane=Lane.INCREMENTAL)
            self.report.blocks = [one.as_json() for one in differences(before, after)]

    def _conclude(self) -> None:
        report = self.report
        report.findings.sort(key=lambda one: (one.table, one.key, one.what, one.reason))
        report.requests = self._client.counts.requests
        report.seconds = (self._app.now() - self._began).total_seconds()
        for name, extent in self._survey.extents.items():
            sent = self._guards[name].sent if name in self._guards else 0
            report.tally(name).requests += extent.requests + sent
            report.tally(name).seconds += extent.seconds

    # --- tables ---------------------------------------------------------------------------------------

    def guard(self, table: MappedTable) -> Guard:
        """What all requests of a table go through."""
        if table.name not in self._guards:
            closed = {*self._mapping.protected, *self._structure}
            self._guards[table.name] = Guard(self._client, databases=(), protected=closed)
        return self._guards[table.name]

    def _tables(self, found: Plan) -> dict[str, Table]:
        survey, ids = self._survey, self._survey.page_ids(found)
        tables = {}
        for extent in (*survey.extents.values(), *survey.others.values()):
            name, guard = extent.table.name, self.guard(extent.table)
            if name in survey.extents:
                guard.open(extent.known.data_source)
                guard.admit(page.page for page in extent.pages)
            tables[name] = Table(
                survey.notion(extent),
                survey.place(name),
                extent.links,
                guard.admit,
                ids[name],
                seen={page.page: page for page in extent.pages},
            )
        return tables

    def _count(self, found: Plan) -> None:
        """What the plan leaves as it is goes into the report before anything is written."""
        for table in found.tables:
            counts, tally = found.counts(table), self.report.tally(table)
            tally.unchanged = counts["unchanged"]
            tally.skipped = counts["skip"]
            tally.failed = counts["fail"]
            tally.ambiguous = counts["ambiguous"]
            tally.conflicts = counts["conflict"]
        self.report.findings += findings(found)
