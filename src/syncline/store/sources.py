"""The documents of a connection as a person sees them: what was read, how it stands, what the index has of it.

How a document stands is not stored. It follows from what is: the record, the work that is known and not done, the failures, the index.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Kind
from syncline.store.search_hits import kind_of
from syncline.store.search_rank import KINDS
from syncline.store.tables import failures, frontier, place, records
from syncline.store.tables_search import search_documents, search_indexes

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
    url: str | None
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
_KEY = (_RECORD.connection_id, _RECORD.kind, _RECORD.key)
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


_MINE: Final = bindparam("connection_id", type_=String)
_FAILING = select(failures.c.page).where(failures.c.connection_id == _MINE, failures.c.block == "")
_PLANNED = select(frontier.c.key).where(frontier.c.connection_id == _MINE, frontier.c.kind.in_(_WAITING))
_SWITCHED = select(search_indexes.c.enabled).where(search_indexes.c.connection_id == _MINE).scalar_subquery()
_IS_INDEXED = func.coalesce(_SWITCHED, true())  # an index that was never switched is on
_IS_CURRENT = func.coalesce(_IN_INDEX, false())

# Failures and work by id alone: few fail and few wait, and whatever else has this id stands in another listing.
_STATUSES: Final[Mapping[Status, ColumnElement[bool]]] = {
    Status.DELETED: _RECORD.deleted_at.is_not(None),
    Status.ERROR: _RECORD.key.in_(_FAILING),
    Status.PENDING: _RECORD.key.in_(_PLANNED) | (_IS_INDEXED & ~_IS_CURRENT),
    Status.INDEXED: _IS_INDEXED,
    Status.SYNCED: true(),
}
"""What has to be so that a document stands like this, in SQL, in the order of asking: the one place that decides it."""

_ASK_INDEX: Final = {Status.PENDING, Status.INDEXED, Status.SYNCED}
_ERROR = select(failures.c.message).where(_FAILED).limit(1).scalar_subquery()
_SHOWN: Final = select(
    _RECORD.kind,
    _RECORD.key,
    _RECORD.stream,
    place.label("parent"),
    _RECORD.edited_at,
    _RECORD.deleted_at,
    _RECORD.title,
    cast(_RECORD.data, Text).label("data"),
    kind_of.label("type"),
    case(*((condition, status) for status, condition in _STATUSES.items())).label("status"),
    _ERROR.label("error"),
    search_documents.c.chunk_count,
    search_documents.c.indexed_at,
)
_FOUND: Final = (
    _SHOWN.select_from(records.outerjoin(search_documents, _INDEXED))
    .where(_RECORD.connection_id == _MINE, _RECORD.kind.in_(_LISTED), _RECORD.key == bindparam("this"))
    .order_by(_RECORD.kind.desc())
    .limit(1)
)


async def listed(
    conn: AsyncConnection, connection_id: str, wanted: Wanted, *, limit: int, offset: int = 0
) -> Page:
    """Some of the documents of a connection."""
    query, total = _listing(replace(wanted, search="" if wanted.search else None))
    mine = {"connection_id": connection_id}
    if wanted.search:
        literal = _LITERAL.sub(r"/\g<0>", wanted.search.casefold())
        mine["pattern"] = f"%{literal}%"
    rows = (await conn.execute(query, {**mine, "most": limit, "behind": offset})).mappings().all()
    if not rows and offset:  # behind the last page there is no row to tell how many there are
        return Page((), await conn.scalar(total, mine) or 0)
    return Page(tuple(map(_source, rows)), rows[0]["total"] if rows else 0)


_LITERAL: Final = re.compile("[%_/]")
_MOST, _BEHIND = bindparam("most", type_=Integer), bindparam("behind", type_=Integer)


@lru_cache(maxsize=512)
def _listing(wanted: Wanted) -> tuple[Select[Any], Select[Any]]:
    """The statements of a listing and of its total. What is searched for is a parameter: building them costs more than running them."""
    by = SORTS[wanted.sort]
    order = (by.desc(), _RECORD.key.desc()) if wanted.descending else (by.asc(), _RECORD.key.asc())
    conditions = _conditions(wanted)
    # The keys first: a row is wide, and all before the offset are walked over. The rows are joined by their whole key and nothing else:
    # where PostgreSQL has not counted them yet, a condition on them makes it go through all of them for each key.
    keys = _joined(select(*_KEY), wanted).where(*conditions).order_by(*order)
    these = keys.limit(_MOST).offset(_BEHIND).subquery("these")
    shown = these.join(records, and_(*(these.c[one.name] == one for one in _KEY)))
    total = _joined(select(func.count()).select_from(records), wanted).where(*conditions).correlate(None)
    query = _SHOWN.add_columns(total.scalar_subquery().label("total"))
    return query.select_from(shown.outerjoin(search_documents, _INDEXED)).order_by(*order), total


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions = [_RECORD.connection_id == _MINE, _RECORD.kind.in_(_LISTED)]
    conditions += [_RECORD.deleted_at.is_(None)] if wanted.status is None else _are(wanted.status)
    if wanted.type is not None:
        conditions.append(KINDS[wanted.type])
    if wanted.search is not None:
        conditions.append(_RECORD.folded.like(bindparam("pattern", type_=_RECORD.folded.type), escape="/"))
    return conditions


def _are(wanted: Status) -> list[ColumnElement[bool]]:
    """The conditions of one status: its own, and none of those that go before it."""
    before = list(_STATUSES)[: list(_STATUSES).index(wanted)]
    return [*(~_STATUSES[one] for one in before), _STATUSES[wanted]]


def _joined(query: Select[Any], wanted: Wanted) -> Select[Any]:
    """The query with the index joined, where the listing asks about it."""
    is_asked = wanted.status in _ASK_INDEX or wanted.sort == "lastIndexedAt"
    return query.select_from(records.outerjoin(search_documents, _INDEXED)) if is_asked else query


async def find(conn: AsyncConnection, connection_id: str, key: str) -> Source | None:
    """The document with this id, deleted or not; None if there is none."""
    this = {"connection_id": connection_id, "this": key}
    row = (await conn.execute(_FOUND, this)).mappings().one_or_none()
    return _source(row) if row else None


def _source(row: Mapping[Any, Any]) -> Source:
    return Source(
        kind=Kind(row["kind"]),
        key=row["key"],
        type=row["type"],
        title=row["title"],
        parent=row["parent"],
        stream=row["stream"],
        url=_url(row["data"]),
        status=Status(row["status"]),
        edited_at=row["edited_at"],
        deleted_at=row["deleted_at"],
        indexed_at=row["indexed_at"],
        chunks=row["chunk_count"] or 0,
        error=row["error"],
    )


def _url(data: str) -> str | None:
    """The address in a record's data, which are not read for anything else: numbers may be wrong, and need not be slow."""
    try:
        read = orjson.loads(data)
    except orjson.JSONDecodeError:  # half a surrogate pair, or a number that is none elsewhere
        read = json.loads(data)
    url: str | None = read.get("url")
    return url


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
