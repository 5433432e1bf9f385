"""Keeps the search index of a connection, which is in the store itself: pages, rows and data sources as chunks.

Chunks are made outside the transaction that puts them in place of the old ones. What has not changed is not made again.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Self

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.chunk import chunks
from syncline.core.hash import digest
from syncline.core.model import Change, Kind
from syncline.destinations.search_parts import parts
from syncline.store import search
from syncline.store.database import Database
from syncline.store.search import Entry, Held, Key

__all__ = ["SearchIndex"]

_FORMAT: Final = 1
"""How documents are cut and their words are made; with another number everything is indexed anew."""

_INDEXED: Final = frozenset({Kind.PAGE, Kind.DATA_SOURCE})


class SearchIndex:
    """The latest state of a connection's documents in the index. `now` is the time that is noted with them.

    `seen` is the checkpoint for those who know it: they need not ask.
    """

    def __init__(self, database: Database, connection_id: str, *, now: datetime, seen: int = 0) -> None:
        self._database = database
        self._connection_id = connection_id
        self._now = now
        self._seen = seen

    async def __aenter__(self) -> Self:
        """Open it: the store is open."""
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Close it: the store stays open."""

    async def checkpoint(self) -> int:
        """The change number up to which everything is held."""
        async with self._database.read() as conn:
            self._seen = (await search.index(conn, self._connection_id)).checkpoint
        return self._seen

    async def write(self, changes: Sequence[Change], checkpoint: int) -> None:
        """Index `changes`, then remember `checkpoint`; all or nothing. Nothing where the index is off, or was emptied meanwhile.

        Raises NotFound if the connection is gone.
        """
        latest = _latest(changes)
        made = await self._made(latest)
        async with self._database.begin() as conn:
            index = await search.hold(conn, self._connection_id)
            if not index.enabled or index.checkpoint < self._seen:
                return
            newer = {key: change for key, change in latest.items() if change.record.seq > index.checkpoint}
            grown = await self._put(conn, newer, made)
            moved = replace(index, checkpoint=max(index.checkpoint, checkpoint), chunks=index.chunks + grown)
            await search.move(conn, self._connection_id, moved)

    async def renew(self, changes: Sequence[Change]) -> None:
        """Index documents anew that were marked for it, where `changes` has them as they are. The checkpoint stays."""
        latest = _latest(changes)
        made = await self._made(latest)
        async with self._database.begin() as conn:
            index = await search.hold(conn, self._connection_id)
            held = await search.held(conn, self._connection_id, list(latest))
            marked = {
                key: change
                for key, change in latest.items()
                if key in held and not held[key].hash and held[key].seq <= change.record.seq
            }
            grown = await self._put(conn, marked, made)
            await search.move(conn, self._connection_id, replace(index, chunks=index.chunks + grown))

    async def _made(self, latest: Mapping[Key, Change]) -> dict[Key, Entry]:
        """The entries of the documents that are not in the index as they are, made beside the event loop."""
        async with self._database.read() as conn:
            held = await search.held(conn, self._connection_id, list(latest))
        fresh = [
            change
            for key, change in latest.items()
            if _is_live(change) and not _is_held(change, held.get(key))
        ]
        entries = await asyncio.to_thread(lambda: [_entry(change) for change in fresh])
        return {(entry.kind, entry.key): entry for entry in entries}

    async def _put(
        self, conn: AsyncConnection, latest: Mapping[Key, Change], made: Mapping[Key, Entry]
    ) -> int:
        """Bring the documents up to date; by how many chunks the index grew."""
        gone = [key for key, change in latest.items() if not _is_live(change)]
        same = {
            key: change.record.seq for key, change in latest.items() if _is_live(change) and key not in made
        }
        await search.confirm(conn, self._connection_id, same, now=self._now)
        entries = [made[key] for key in latest if key in made]
        return await search.replace(conn, self._connection_id, entries, gone, now=self._now)


def _latest(changes: Iterable[Change]) -> dict[Key, Change]:
    """The latest change of each document."""
    ordered = sorted(changes, key=lambda change: change.record.seq)
    return {
        (change.record.kind, change.record.key): change
        for change in ordered
        if change.record.kind in _INDEXED
    }


def _is_live(change: Change) -> bool:
    return change.record.deleted_at is None


def _is_held(change: Change, held: Held | None) -> bool:
    return held is not None and held.hash == _hash(change)


def _hash(change: Change) -> str:
    document = change.document
    content = document and [document.fidelity, document.hash]
    return digest([_FORMAT, change.record.hash, change.record.title, content])


def _entry(change: Change) -> Entry:
    record = change.record
    return Entry(
        kind=record.kind,
        key=record.key,
        seq=record.seq,
        hash=_hash(change),
        title=record.title,
        url=str(record.data.get("url") or ""),
        chunks=chunks(record.key, parts(change)),
    )
