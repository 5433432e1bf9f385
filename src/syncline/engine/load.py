"""Store → destination: the changes behind the destination's own checkpoint, in batches, until there are none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import Gone
from syncline.core.model import Change, Kind, StoredRecord
from syncline.destinations.base import Destination
from syncline.store import changes as log
from syncline.store import documents, records
from syncline.store.database import Database
from syncline.store.records import Key

__all__ = ["Loaded", "changes_of", "load", "next_changes"]

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

    Raises what the destination raises; what was written before stays, and the next load goes on behind it. Raises Gone where
    deletions that the destination has not seen were forgotten, or the store is older than it. Records whose data was given up are left as they are.
    """
    loaded = Loaded(0, await destination.checkpoint())
    async with database.read() as conn:
        if 0 < loaded.checkpoint < await log.floor(conn, connection_id):
            raise Gone(
                "Deletions that this destination has not seen were forgotten: empty it and load it again."
            )
        if loaded.checkpoint > await log.head(conn, connection_id):
            raise Gone(
                "This destination has read further than the store goes, which seems to be an older backup: empty it and load it again."
            )
    while True:
        async with database.read() as conn:
            changes = await next_changes(conn, connection_id, loaded.checkpoint, limit=_RECORDS)
        if not changes:
            return loaded
        checkpoint = changes[-1].record.seq
        await destination.write([one for one in changes if _has_data(one)], checkpoint)
        loaded = Loaded(loaded.changes + len(changes), checkpoint)
        if on_progress is not None:
            on_progress(loaded)


async def next_changes(conn: AsyncConnection, connection_id: str, after: int, *, limit: int) -> list[Change]:
    """The changes behind the change number `after`, up to `limit` of them or some megabytes of content, with their documents."""
    found = await records.changes(conn, connection_id, after=after, limit=limit)
    found = _cut(found, await documents.sizes(conn, connection_id, _pages(found)))
    return await _with_documents(conn, connection_id, found)


async def changes_of(conn: AsyncConnection, connection_id: str, keys: Sequence[Key]) -> list[Change]:
    """Records as they are now, each as the change that made it so. What is not held is left out."""
    found: list[StoredRecord] = []
    for kind in {kind for kind, _ in keys}:
        held = await records.find(conn, connection_id, kind, [key for of, key in keys if of is kind])
        found += held.values()
    return await _with_documents(conn, connection_id, sorted(found, key=lambda one: one.seq))


async def _with_documents(
    conn: AsyncConnection, connection_id: str, found: list[StoredRecord]
) -> list[Change]:
    held = await documents.load(conn, connection_id, _pages(found))
    return [Change(one, held.get(one.key) if _has_content(one) else None) for one in found]


def _has_data(one: Change) -> bool:
    """Whether it can be written: a record that is there always has data, unless that was given up."""
    return bool(one.record.data) or one.record.deleted_at is not None


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
