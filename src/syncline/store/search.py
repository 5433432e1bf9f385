"""The search index of each connection: which documents are in it, their chunks, and how far it follows the store.

A document's chunks are replaced in the transaction that notes its hash, so a reader finds the old ones or the new ones. Those who
write hold the connection (store.connections.hold), which keeps a connection that is being removed from coming back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, literal_column, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.chunk import Chunk, Shape
from syncline.core.errors import NotFound
from syncline.core.model import Kind
from syncline.store import connections, search_text
from syncline.store import tables as base
from syncline.store.tables import chunks as pieces
from syncline.store.tables import upsert
from syncline.store.tables_search import search_chunks, search_documents, search_indexes, search_terms

__all__ = [
    "Entry",
    "Held",
    "Index",
    "Key",
    "StoredChunk",
    "behind",
    "confirm",
    "count_waiting",
    "document_chunks",
    "held",
    "hold",
    "index",
    "mark",
    "move",
    "replace",
    "stale",
    "stored_chunk",
    "switch",
]

Key: TypeAlias = tuple[Kind, str]
"""What identifies a record within a connection."""


@dataclass(frozen=True, slots=True)
class Index:
    """How a connection's index stands: the change number it has followed, whether it does, and how many chunks it has."""

    checkpoint: int = 0
    enabled: bool = True
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as the index takes it: a page, row or data source at the change `seq`, with its chunks.

    `hash` is that of all it was made from.
    """

    kind: Kind
    key: str
    seq: int
    hash: str
    title: str
    url: str
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """At which change a document was indexed, and the hash of what it was made from; empty where it is to be made anew."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk as the index holds it; `number` is its row's."""

    number: int
    kind: Kind
    key: str
    chunk: Chunk


async def index(conn: AsyncConnection, connection_id: str) -> Index:
    """How the index of a connection stands; one that was never written is empty and on."""
    row = (await conn.execute(select(search_indexes).where(_index_of(connection_id)))).mappings().first()
    return Index(row["checkpoint"], row["enabled"], row["chunks"]) if row else Index()


async def hold(conn: AsyncConnection, connection_id: str) -> Index:
    """Keep others from writing this index until the transaction ends. Raises NotFound if the connection is gone."""
    await connections.hold(conn, connection_id)
    query = select(base.connections.c.id).where(base.connections.c.id == connection_id)
    if await conn.scalar(query) is None:
        raise NotFound(f"There is no connection {connection_id}: it has been removed.")
    return await index(conn, connection_id)


async def move(conn: AsyncConnection, connection_id: str, now_at: Index) -> None:
    """Note how the index stands now."""
    await conn.execute(upsert(conn, search_indexes), {"connection_id": connection_id} | asdict(now_at))
    follows = now_at.checkpoint if now_at.enabled else base.NO_INDEX
    this = update(base.connections).where(base.connections.c.id == connection_id)
    await conn.execute(this.values(index_seq=follows))


async def switch(conn: AsyncConnection, connection_id: str, *, enabled: bool) -> None:
    """Turn indexing on, or turn it off and forget the index. Raises NotFound if the connection is gone."""
    held = await hold(conn, connection_id)
    if held.enabled == enabled:
        return
    for table in (search_terms, search_documents, search_chunks):
        await conn.execute(delete(table).where(table.c.connection_id == connection_id))
    await move(conn, connection_id, Index(enabled=enabled))


async def behind(conn: AsyncConnection, *, limit: int) -> list[str]:
    """Up to `limit` connections whose index is on and lacks something that the store holds, by id."""
    late = select(base.connections.c.id).where(base.unindexed)
    marked = select(search_documents.c.connection_id).where(_STALE)
    found = union(late, marked).order_by("id").limit(limit)
    return list(await conn.scalars(found))


# --- documents ----------------------------------------------------------------------------------------------------


async def held(conn: AsyncConnection, connection_id: str, keys: Sequence[Key]) -> dict[Key, Held]:
    """How each document stands that is in the index."""
    found: dict[Key, Held] = {}
    table = search_documents.c
    for kind, some in _by_kind(keys):
        query = select(table.key, table.seq, table.hash).where(_document_of(connection_id, kind, some))
        found |= {(kind, key): Held(seq, content) for key, seq, content in await conn.execute(query)}
    return found


async def mark(conn: AsyncConnection, connection_id: str, keys: Sequence[Key]) -> None:
    """Ask for documents to be indexed anew, whether or not they changed. Until then they are found as they were."""
    for kind, some in _by_kind(keys):
        await conn.execute(
            update(search_documents).where(_document_of(connection_id, kind, some)).values(hash="")
        )


async def stale(conn: AsyncConnection, connection_id: str, *, limit: int) -> list[Key]:
    """Up to `limit` documents that are to be indexed anew."""
    query = (
        select(search_documents.c.kind, search_documents.c.key)
        .where(search_documents.c.connection_id == connection_id, _STALE)
        .limit(limit)
    )
    return [(Kind(kind), key) for kind, key in await conn.execute(query)]


async def count_waiting(conn: AsyncConnection, connection_id: str, *, checkpoint: int) -> int:
    """How many records the index has yet to look at."""
    changed = select(func.count()).where(
        base.records.c.connection_id == connection_id, base.records.c.seq > checkpoint
    )
    marked = select(func.count()).where(search_documents.c.connection_id == connection_id, _STALE)
    return (await conn.scalar(changed) or 0) + (await conn.scalar(marked) or 0)


async def confirm(
    conn: AsyncConnection, connection_id: str, seqs: Mapping[Key, int], *, now: datetime
) -> None:
    """Note of documents that are in the index as they are now, at which change that is."""
    rows = [{"this_kind": kind, "this_key": key, "new_seq": seq} for (kind, key), seq in sorted(seqs.items())]
    if rows:
        one = (
            (search_documents.c.connection_id == connection_id)
            & (search_documents.c.kind == bindparam("this_kind"))
            & (search_documents.c.key == bindparam("this_key"))
        )
        values: dict[str, Any] = {"seq": bindparam("new_seq"), "indexed_at": now}
        await conn.execute(update(search_documents).where(one).values(**values), rows)


async def replace(
    conn: AsyncConnection, connection_id: str, entries: Sequence[Entry], gone: Sequence[Key], *, now: datetime
) -> int:
    """Put documents into the index in place of what was there of them, and take `gone` out.

    Returns by how many chunks the index has grown.
    """
    keys = [*((entry.kind, entry.key) for entry in entries), *gone]
    removed = 0
    for kind, some in _by_kind(keys):
        await search_text.count(conn, connection_id, kind, some, by=-1)
        this = _chunks_of(connection_id, kind, some)
        removed += (await conn.execute(delete(search_chunks).where(this))).rowcount
        await conn.execute(delete(search_documents).where(_document_of(connection_id, kind, some)))
    rows = [_document_row(connection_id, entry, now) for entry in entries]
    if rows:
        await conn.execute(insert(search_documents), rows)
    added = await _insert_chunks(conn, connection_id, entries)
    for kind, some in _by_kind([(entry.kind, entry.key) for entry in entries]):
        await search_text.count(conn, connection_id, kind, some, by=1)
    await search_text.forget(conn, connection_id)
    return added - removed


def _document_row(connection_id: str, entry: Entry, now: datetime) -> dict[str, Any]:
    return {
        "connection_id": connection_id,
        "kind": entry.kind,
        "key": entry.key,
        "seq": entry.seq,
        "hash": entry.hash,
        "chunk_count": len(entry.chunks),
        "indexed_at": now,
        "url": entry.url,
        "title": entry.title,
    }


async def _insert_chunks(conn: AsyncConnection, connection_id: str, entries: Sequence[Entry]) -> int:
    held = [(entry, chunk) for entry in entries for chunk in entry.chunks]
    if not held:
        return 0
    rows = [
        {
            "connection_id": connection_id,
            "kind": entry.kind,
            "key": entry.key,
            "ordinal": chunk.ordinal,
            "id": chunk.id,
            "shape": chunk.shape,
            "headings": list(chunk.headings),
            "blocks": list(chunk.blocks),
            "text": chunk.text,
        }
        for entry, chunk in held
    ]
    numbers = await conn.scalars(
        insert(search_chunks).returning(search_chunks.c.number, sort_by_parameter_order=True), rows
    )
    texts = [
        search_text.Text(number, entry.title, chunk.headings, chunk.text)
        for number, (entry, chunk) in zip(numbers, held, strict=True)
    ]
    await search_text.add(conn, connection_id, texts)
    return len(rows)


async def document_chunks(
    conn: AsyncConnection, connection_id: str, key: Key, *, limit: int, offset: int = 0
) -> list[StoredChunk]:
    """The chunks of a document in order."""
    this = _chunks_of(connection_id, key[0], [key[1]])
    query = select(search_chunks).where(this).order_by(search_chunks.c.ordinal).limit(limit).offset(offset)
    return [stored_chunk(row) for row in (await conn.execute(query)).mappings()]


def stored_chunk(row: Mapping[Any, Any]) -> StoredChunk:
    """A row of search_chunks as a value."""
    chunk = Chunk(
        id=row["id"],
        ordinal=row["ordinal"],
        shape=Shape(row["shape"]),
        headings=tuple(row["headings"]),
        text=row["text"],
        blocks=tuple(row["blocks"]),
    )
    return StoredChunk(row["number"], Kind(row["kind"]), row["key"], chunk)


def _by_kind(keys: Iterable[Key]) -> list[tuple[Kind, Sequence[str]]]:
    """Keys by kind, each once and in order, in pieces that fit into a statement."""
    ordered = sorted(set(keys))
    return [
        (kind, some) for kind in Kind for some in pieces([key for of, key in ordered if of is kind]) if some
    ]


# Spelt out as the condition of its index is: a parameter might have any value when a statement is planned.
_STALE = search_documents.c.hash == literal_column("''")


def _index_of(connection_id: str) -> ColumnElement[bool]:
    return search_indexes.c.connection_id == connection_id


def _document_of(connection_id: str, kind: Kind, keys: Sequence[str]) -> ColumnElement[bool]:
    table = search_documents.c
    return (table.connection_id == connection_id) & (table.kind == kind) & table.key.in_(keys)


def _chunks_of(connection_id: str, kind: Kind, keys: Sequence[str]) -> ColumnElement[bool]:
    table = search_chunks.c
    return (table.connection_id == connection_id) & (table.kind == kind) & table.key.in_(keys)
