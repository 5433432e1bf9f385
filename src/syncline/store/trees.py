"""The tree of what a connection knows, tombstones included: below what each page, database and data source hangs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Deletion, Kind
from syncline.store.tables import chunks, documents, place, records

__all__ = ["Branch", "Node", "Page", "ancestors", "branches", "tree"]

_KINDS = (Kind.PAGE, Kind.DATABASE, Kind.DATA_SOURCE)


@dataclass(frozen=True, slots=True)
class Node:
    """A record by its place. `parent` is what the source names, `place` the record it hangs below as far as that is known."""

    kind: Kind
    key: str
    stream: str
    parent: str | None
    place: str | None
    live: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A record as a person chooses it. `children` is how many records hang directly below it."""

    kind: Kind
    key: str
    stream: str
    title: str
    url: str | None
    place: str | None
    live: bool
    read_at: datetime | None
    children: int


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and how many there are in all."""

    branches: list[Branch]
    total: int


async def tree(conn: AsyncConnection, connection_id: str) -> list[Node]:
    """Every record but users; those of which nothing hangs below are among them."""
    live = records.c.deleted_at.is_(None).label("live")
    query = select(
        records.c.kind, records.c.key, records.c.stream, records.c.parent, place.label("place"), live
    ).where(_of(connection_id), records.c.kind != Kind.USER)
    return [
        Node(Kind(row["kind"]), row["key"], row["stream"], row["parent"], row["place"], bool(row["live"]))
        for row in (await conn.execute(query)).mappings()
    ]


async def ancestors(conn: AsyncConnection, connection_id: str, keys: Iterable[str]) -> dict[str, str | None]:
    """Below what each of `keys` hangs, and each of those in turn, up to the top: places by key."""
    found: dict[str, str | None] = {}
    wanted = set(keys)
    while wanted:
        above: set[str] = set()
        for part in chunks(sorted(wanted)):
            query = select(records.c.key, place).where(
                _of(connection_id), records.c.kind.in_(_KINDS), records.c.key.in_(part)
            )
            for key, upper in await conn.execute(query):
                found[key] = upper
                above.add(upper)
        wanted = {key for key in above - {None} if key not in found}
    return found


async def branches(
    conn: AsyncConnection,
    connection_id: str,
    *,
    below: str | None = None,
    title: str | None = None,
    offset: int,
    limit: int,
) -> Page:
    """A part of the records directly below one, by title; without `below` those at the top, or with `title` all that have it in theirs.

    Shown is what is there and what was left out of the selection, so that it can be chosen again. At the top is what hangs
    below nothing that we know.
    """
    where = [_of(connection_id), records.c.kind.in_(_KINDS), _SHOWN]
    if title is not None:
        where.append(records.c.folded.contains(title.casefold(), autoescape=True))
    elif below is not None:
        where.append(place == below)
    else:
        upper = records.alias()
        known = select(upper.c.key).where(upper.c.connection_id == connection_id, upper.c.kind.in_(_KINDS))
        where.append(place.is_(None) | place.not_in(known))
    total = await conn.scalar(select(func.count()).select_from(records).where(*where)) or 0
    query = _BRANCH.where(*where).order_by(records.c.folded, records.c.key).offset(offset).limit(limit)
    rows = (await conn.execute(query)).mappings().all()
    counts = await _children(conn, connection_id, [row["key"] for row in rows])
    found = [
        Branch(
            kind=Kind(row["kind"]),
            key=row["key"],
            stream=row["stream"],
            title=row["title"],
            url=row["data"].get("url"),
            place=row["place"],
            live=row["deleted_at"] is None,
            read_at=row["read_at"],
            children=counts.get(row["key"], 0),
        )
        for row in rows
    ]
    return Page(found, total)


async def _children(conn: AsyncConnection, connection_id: str, keys: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in chunks(keys):
        query = (
            select(place, func.count())
            .where(_of(connection_id), records.c.kind.in_(_KINDS), _SHOWN, place.in_(part))
            .group_by(place)
        )
        counts.update({key: count for key, count in await conn.execute(query)})  # noqa: C416 - rows are no pairs to mypy
    return counts


def _of(connection_id: str) -> ColumnElement[bool]:
    return records.c.connection_id == connection_id


_SHOWN = records.c.deleted_at.is_(None) | (records.c.deletion == Deletion.OUT_OF_SCOPE)
_HELD = (documents.c.connection_id == records.c.connection_id) & (documents.c.page == records.c.key)
_BRANCH: Select[tuple[object, ...]] = select(records, place.label("place"), documents.c.read_at).select_from(
    records.outerjoin(documents, _HELD & (records.c.kind == Kind.PAGE))
)
