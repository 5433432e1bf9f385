"""The documents of a connection as a person sees them: what was read, how it stands, what the index has of it.

How a document stands is not stored. It follows from what is: the record, the work that is known and not done, the failures, the index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, false, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Json, Kind
from syncline.store.search import Key
from syncline.store.search_hits import kind_of
from syncline.store.search_rank import KINDS
from syncline.store.tables import failures, frontier, records
from syncline.store.tables_search import search_documents

__all__ = ["SORTS", "Page", "Source", "Status", "Wanted", "find", "listed", "totals"]


class Status(StrEnum):
    """How a document stands."""

    PENDING = "pending"
    """Something about it is still to be read, or to be indexed."""
    INDEXED = "indexed"
    SYNCED = "synced"
    """Read, in a connection that is not indexed."""
    ERROR = "error"
    """It could not be read; what was read of it before is kept."""
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Source:
    """A document. `type` is page, row or database; `chunks` and `indexed_at` tell of the index, `error` why it could not be read."""

    kind: Kind
    key: str
    type: str
    title: str
    parent: str | None
    stream: str
    data: Json
    status: Status
    edited_at: datetime | None
    deleted_at: datetime | None
    indexed_at: datetime | None
    chunks: int
    error: str | None


SORTS: Final[Mapping[str, ColumnElement[Any]]] = {
    "lastModifiedInSource": records.c.edited_at,
    "title": records.c.folded,
    "lastIndexedAt": search_documents.c.indexed_at,
}
"""What a listing may be sorted by."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents, and in which order. Without a `status` all but the deleted ones; `search` is a part of the title."""

    status: Status | None = None
    type: str | None = None
    search: str | None = None
    sort: str = "lastModifiedInSource"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents of a listing, and how many there are in all."""

    sources: tuple[Source, ...]
    total: int


_LISTED: Final = (Kind.PAGE, Kind.DATA_SOURCE)
_WAITING: Final = ("object", "properties", "content")
"""The kinds of work after which a document may be another one."""

_RECORD = records.c
_INDEXED = (
    (search_documents.c.connection_id == _RECORD.connection_id)
    & (search_documents.c.kind == _RECORD.kind)
    & (search_documents.c.key == _RECORD.key)
)
_FAILED = (
    (failures.c.connection_id == _RECORD.connection_id)
    & (failures.c.page == _RECORD.key)
    & (failures.c.block == "")
)
_IN_INDEX = (search_documents.c.hash != "") & (search_documents.c.seq >= _RECORD.seq)


def _statuses(connection_id: str, *, is_indexed: bool) -> dict[Status, ColumnElement[bool]]:
    """What has to be so that a document stands like this, in SQL, in the order of asking: the one place that decides it."""
    # By id alone: few fail and few wait, and whatever else has this id stands in another listing.
    failed = select(failures.c.page).where(failures.c.connection_id == connection_id, failures.c.block == "")
    planned = select(frontier.c.key).where(
        frontier.c.connection_id == connection_id, frontier.c.kind.in_(_WAITING)
    )
    is_current = func.coalesce(_IN_INDEX, false())
    return {
        Status.DELETED: _RECORD.deleted_at.is_not(None),
        Status.ERROR: _RECORD.key.in_(failed),
        Status.PENDING: _RECORD.key.in_(planned) | (~is_current if is_indexed else false()),
        Status.INDEXED if is_indexed else Status.SYNCED: true(),
    }


def _are(statuses: Mapping[Status, ColumnElement[bool]], wanted: Status) -> list[ColumnElement[bool]]:
    """The conditions of one status: its own, and none of those that go before it."""
    if wanted not in statuses:
        return [false()]
    before = list(statuses)[: list(statuses).index(wanted)]
    return [*(~statuses[one] for one in before), statuses[wanted]]


async def listed(
    conn: AsyncConnection,
    connection_id: str,
    wanted: Wanted,
    *,
    is_indexed: bool,
    limit: int,
    offset: int = 0,
) -> Page:
    """Some of the documents of a connection; `is_indexed` says whether its index is on."""
    statuses = _statuses(connection_id, is_indexed=is_indexed)
    conditions = _conditions(connection_id, wanted, statuses)
    by = SORTS[wanted.sort]
    order = (by.desc(), _RECORD.key.desc()) if wanted.descending else (by.asc(), _RECORD.key.asc())
    # The keys first: a row is wide, and all before the offset are walked over.
    keys = _joined(select(_RECORD.kind, _RECORD.key), wanted).where(*conditions)
    found = (await conn.execute(keys.order_by(*order).limit(limit).offset(offset))).all()
    total = await conn.scalar(_joined(select(func.count()).select_from(records), wanted).where(*conditions))
    held = await _of(conn, connection_id, [(Kind(kind), key) for kind, key in found], statuses)
    return Page(tuple(held[Kind(kind), key] for kind, key in found), total or 0)


def _conditions(
    connection_id: str, wanted: Wanted, statuses: Mapping[Status, ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    conditions = [_RECORD.connection_id == connection_id, _RECORD.kind.in_(_LISTED)]
    conditions += [_RECORD.deleted_at.is_(None)] if wanted.status is None else _are(statuses, wanted.status)
    if wanted.type is not None:
        conditions.append(KINDS[wanted.type])
    if wanted.search:
        conditions.append(_RECORD.folded.contains(wanted.search.casefold(), autoescape=True))
    return conditions


def _joined(query: Select[Any], wanted: Wanted) -> Select[Any]:
    """The query with the index joined, where the listing asks about it."""
    is_asked = wanted.status in {Status.PENDING, Status.INDEXED} or wanted.sort == "lastIndexedAt"
    return query.select_from(records.outerjoin(search_documents, _INDEXED)) if is_asked else query


async def find(conn: AsyncConnection, connection_id: str, key: str, *, is_indexed: bool) -> Source | None:
    """The document with this id, deleted or not; None if there is none."""
    held = await _of(
        conn,
        connection_id,
        [(kind, key) for kind in _LISTED],
        _statuses(connection_id, is_indexed=is_indexed),
    )
    return next(iter(held.values()), None)


async def _of(
    conn: AsyncConnection,
    connection_id: str,
    keys: Sequence[Key],
    statuses: Mapping[Status, ColumnElement[bool]],
) -> dict[Key, Source]:
    error = select(failures.c.message).where(_FAILED).limit(1).scalar_subquery()
    query = (
        select(
            records,
            kind_of.label("type"),
            case(*((condition, status) for status, condition in statuses.items())).label("status"),
            error.label("error"),
            search_documents.c.chunk_count,
            search_documents.c.indexed_at,
        )
        .select_from(records.outerjoin(search_documents, _INDEXED))
        .where(
            _RECORD.connection_id == connection_id,
            _RECORD.kind.in_(_LISTED),
            _RECORD.key.in_([key for _, key in keys]),
        )
    )
    found = {}
    for row in (await conn.execute(query)).mappings():
        source = _source(row)
        found[source.kind, source.key] = source
    return {key: found[key] for key in keys if key in found}


def _source(row: Mapping[Any, Any]) -> Source:
    return Source(
        kind=Kind(row["kind"]),
        key=row["key"],
        type=row["type"],
        title=row["title"],
        parent=row["home"] or row["parent"],
        stream=row["stream"],
        data=row["data"],
        status=Status(row["status"]),
        edited_at=row["edited_at"],
        deleted_at=row["deleted_at"],
        indexed_at=row["indexed_at"],
        chunks=row["chunk_count"] or 0,
        error=row["error"],
    )


async def totals(conn: AsyncConnection, connection_id: str) -> dict[Kind, int]:
    """How many pages (rows among them) and databases there are."""
    query = (
        select(_RECORD.kind, func.count())
        .where(
            _RECORD.connection_id == connection_id, _RECORD.deleted_at.is_(None), _RECORD.kind.in_(_LISTED)
        )
        .group_by(_RECORD.kind)
    )
    counted = {Kind(kind): count for kind, count in await conn.execute(query)}
    return {kind: counted.get(kind, 0) for kind in _LISTED}
