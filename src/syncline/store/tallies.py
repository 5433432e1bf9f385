"""What the whole store holds and does, in numbers: for the metrics. Each tally is one query, by a few labels with few values."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, case, func, literal, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.store.tables import connections, documents, failures, frontier, records, runs
from syncline.store.tables_deliveries import deliveries
from syncline.store.tables_inbox import inbox
from syncline.store.tables_logs import exchanges
from syncline.store.tables_work import workers

__all__ = ["LABELS", "SMALL", "tallies"]

LABELS: Final[Mapping[str, tuple[str, ...]]] = {
    "connections": (),
    "records": ("kind",),
    "documents": ("state",),
    "frontier": ("kind", "state"),
    "failures": ("operation",),
    "runs": ("kind", "state"),
    "workers": ("role",),
    "inbox": ("state",),
    "deliveries": ("state",),
    "notion_requests": ("operation", "status"),
}
"""The tallies, and by what each is counted."""


SMALL: Final = frozenset(LABELS) - {"records", "documents", "runs", "deliveries"}
"""Those that read no table that grows with all that was ever read or done."""


async def tallies(
    conn: AsyncConnection, *, since: datetime, names: Collection[str] = frozenset(LABELS)
) -> dict[str, dict[tuple[str, ...], int]]:
    """The tallies of these names: counts by label values. Requests are those `since` a time."""
    found: dict[str, dict[tuple[str, ...], int]] = {}
    queries = _queries(since)
    for name in (name for name in LABELS if name in names):
        rows = await conn.execute(queries[name])
        found[name] = {tuple(str(value) for value in row[:-1]): row[-1] for row in rows}
    return found


def _queries(since: datetime) -> dict[str, Select[Any]]:
    classes = [(exchanges.c.status.between(100 * n, 100 * n + 99), literal(f"{n}xx")) for n in range(1, 6)]
    status = case(*classes, else_=literal("none")).label("status_class")
    requests = select(exchanges.c.operation, status, func.count()).where(exchanges.c.at >= since)
    return {
        "connections": select(func.count()).select_from(connections),
        "records": _by(records.c.kind).where(records.c.deleted_at.is_(None)),
        "documents": _by(documents.c.state),
        "frontier": _by(frontier.c.kind, frontier.c.state),
        "failures": _by(failures.c.operation),
        "runs": _by(runs.c.kind, runs.c.state),
        "workers": _by(workers.c.role),
        "inbox": _by(inbox.c.state),
        "deliveries": _by(deliveries.c.state),
        "notion_requests": requests.group_by(exchanges.c.operation, literal_column("status_class")),
    }


def _by(*columns: Any) -> Select[Any]:
    return select(*columns, func.count()).group_by(*columns)
