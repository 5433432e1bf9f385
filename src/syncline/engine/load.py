"""Store → destination: the changes behind the destination's own checkpoint, in batches, until there are none."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Change, Kind, StoredRecord
from syncline.destinations.base import Destination
from syncline.store import documents, records
from syncline.store.database import Database

__all__ = ["Loaded", "load"]

_RECORDS = 500
_BYTES = 16_000_000
"""A batch is cut where the content in it comes to more than this; a page is never cut."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did: how many changes it wrote, and the change number the destination now stands at."""

    changes: int
    checkpoint: int


async def load(
    database: Database,
    connection_id: str,
    destination: Destination,
    *,
    on_progress: Callable[[Loaded], None] | None = None,
) -> Loaded:
    """Write every change that the destination does not hold yet. It can be repeated at any time.

    Raises what the destination raises; what was written before stays, and the next load goes on behind it.
    """
    loaded = Loaded(0, await destination.checkpoint())
    while True:
        async with database.read() as conn:
            changes = await _next_batch(conn, connection_id, loaded.checkpoint)
        if not changes:
            return loaded
        checkpoint = changes[-1].record.seq
        await destination.write(changes, checkpoint)
        loaded = Loaded(loaded.changes + len(changes), checkpoint)
        if on_progress is not None:
            on_progress(loaded)


async def _next_batch(conn: AsyncConnection, connection_id: str, after: int) -> list[Change]:
    found = await records.changes(conn, connection_id, after=after, limit=_RECORDS)
    found = _cut(found, await documents.sizes(conn, connection_id, _pages(found)))
    held = await documents.load(conn, connection_id, _pages(found))
    return [Change(one, held.get(one.key) if _has_content(one) else None) for one in found]


def _pages(found: list[StoredRecord]) -> list[str]:
    return [one.key for one in found if _has_content(one)]


def _has_content(one: StoredRecord) -> bool:
    """Whether a document may belong to it."""
    return one.kind is Kind.PAGE and one.deleted_at is None


def _cut(found: list[StoredRecord], sizes: dict[str, int]) -> list[StoredRecord]:
    """The first of the records, up to so many bytes of content, at least one."""
    total = 0
    for index, record in enumerate(found):
        total += sizes.get(record.key, 0)
        if total > _BYTES and index > 0:
            return found[:index]
    return found
