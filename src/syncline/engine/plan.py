"""A dry run: walk the listings of a pull and say what it would read. Nothing is written."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from syncline.core.change import Policy, Reason, comments_reason, content_reason, rows_reason
from syncline.core.checkpoint import SEARCH_LAG
from syncline.core.model import Fidelity, Kind, Mode, Record
from syncline.engine.begin import ROOTS, Request, considered, named, since
from syncline.engine.scope import Scope
from syncline.sources.base import Listed, Listing, Source
from syncline.store import records
from syncline.store.database import Database

__all__ = ["Plan", "plan"]


@dataclass(slots=True)
class Plan:
    """What a pull would do.

    `seen` are the pages that were listed, `reasons` those whose content would be read, and why; `commented` are those whose
    comments would be. `spent` is the number of requests the listings took; the pull makes them again. Nested content and
    pages that no listing tells, or that only the content of a page shows to be in the selected subtrees, are not
    known before content is read.
    """

    mode: Mode
    fidelity: Fidelity
    seen: set[str] = field(default_factory=set)
    reasons: dict[str, Reason] = field(default_factory=dict)
    commented: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    """The data sources whose rows would be listed."""
    spent: int = 0

    @property
    def requests(self) -> int:
        """The least number of requests of the pull, as far as it can be known now."""
        return self.spent + len(self.reasons) + len(self.commented)

    @property
    def pages(self) -> Mapping[str, int]:
        """The pages by what would be done with them."""
        kinds = list(self.reasons.values())
        by_reason = {reason.value: kinds.count(reason) for reason in Reason if reason in kinds}
        return {"seen": len(self.seen), "to_read": len(kinds), **by_reason}


async def plan(*, database: Database, source: Source, connection_id: str, request: Request) -> Plan:
    """What the pull that `request` asks for would read. Raises what `begin` raises."""
    async with database.read() as conn:
        before, policy = await considered(conn, connection_id, request)
    bound = since(policy, before)
    made = Plan(policy.mode, policy.fidelity)
    scope = Scope(policy.selection)
    async with database.read() as conn:
        await scope.load(conn, connection_id)
    waiting: list[Listing] = []
    for key in (*policy.pages, *policy.roots):
        found = await named(source, key, ROOTS if policy.roots else (Kind.PAGE,))
        made.spent += 1
        tables = await _weigh(database, connection_id, found.records, policy, made)
        waiting += map(source.rows, tables)
        scope.adopt(found.children)
    waiting += [] if policy.pages else source.listings(since=bound)
    while waiting:
        async for listed in _answers(source, waiting.pop(), bound):
            made.spent += 1
            tables = await _weigh(database, connection_id, scope.admit(listed.records), policy, made)
            waiting += [*map(source.rows, tables), *listed.follow]
    return made


async def _answers(source: Source, listing: Listing, since: datetime | None) -> AsyncIterator[Listed]:
    cursor: str | None = None
    while True:
        listed = await source.list(listing, cursor)
        yield listed
        old = since is not None and listed.oldest is not None and listed.oldest < since - SEARCH_LAG
        if listed.cursor is None or (old and listing.newest_first):
            return
        cursor = listed.cursor


async def _weigh(
    database: Database, connection_id: str, read: Iterable[Record], policy: Policy, made: Plan
) -> list[Record]:
    """Note what the pages would have read; the data sources whose rows would be listed."""
    told = list(read)
    tables: list[Record] = []
    async with database.read() as conn:
        for kind in (Kind.PAGE, Kind.DATA_SOURCE):
            fresh = [record for record in told if record.kind is kind and record.key not in made.seen]
            held = await records.find(conn, connection_id, kind, [record.key for record in fresh])
            for record in fresh:
                stored = held.get(record.key)
                reason = content_reason(record, stored, policy, pull_id="")
                if reason is not None:
                    made.reasons[record.key] = reason
                if comments_reason(record, stored, policy, pull_id="") is not None:
                    made.commented.add(record.key)
                if (
                    record.key not in made.tables
                    and rows_reason(record, stored, policy, pull_id="") is not None
                ):
                    made.tables.add(record.key)
                    tables.append(record)
                if kind is Kind.PAGE:
                    made.seen.add(record.key)
    return tables
