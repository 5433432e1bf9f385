"""Links: which page belongs to which row of a mapped table, and the intents to make one.

A link is saved the moment its page exists. Before a page is made the link is written without a page: whoever comes after a
crash finds that intent and asks Notion by key before the page is made again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.plan import Link
from syncline.store.tables import chunks, upsert
from syncline.store.tables_push import links

__all__ = ["Place", "forget", "intend", "last_written", "of_keys", "of_table", "pages", "save", "take_over"]


@dataclass(frozen=True, slots=True)
class Place:
    """The links of one table of one mapping."""

    connection_id: str
    mapping: str
    table: str


async def of_table(conn: AsyncConnection, place: Place) -> dict[str, Link]:
    """All links of a table, by key."""
    rows = await conn.execute(select(links).where(_at(place)).order_by(links.c.key))
    return {row["key"]: _link(row) for row in rows.mappings()}


async def of_keys(conn: AsyncConnection, place: Place, keys: Sequence[str]) -> dict[str, Link]:
    """The links of some rows, by key."""
    found: dict[str, Link] = {}
    for some in chunks(keys):
        rows = await conn.execute(select(links).where(_at(place), links.c.key.in_(some)))
        found |= {row["key"]: _link(row) for row in rows.mappings()}
    return found


async def intend(conn: AsyncConnection, place: Place, key: str, *, intent: str, now: datetime) -> Link | None:
    """Write down that `intent` is about to make the page of `key`; None, or what stands there if it is another's.

    A link that has a page, or somebody else's intent, stays. The caller's own intent is renewed.
    """
    mine = (links.c.page.is_(None)) & ((links.c.intent == intent) | links.c.intent.is_(None))
    row = _row(place, Link(key, intent=intent, intended_at=now))
    await conn.execute(upsert(conn, links, where=mine, keep=("generation",)), row)
    held = await _one(conn, place, key)
    return None if held.page is None and held.intent == intent else held


async def take_over(conn: AsyncConnection, place: Place, held: Link, *, intent: str, now: datetime) -> bool:
    """Replace the intent of somebody who died; False if it is not as `held` any more."""
    this = _at(place) & (links.c.key == held.key) & links.c.page.is_(None) & (links.c.intent == held.intent)
    done = await conn.execute(update(links).where(this).values(intent=intent, intended_at=now))
    return done.rowcount == 1


async def save(conn: AsyncConnection, place: Place, saved: Sequence[Link], *, now: datetime | None) -> None:
    """Store links, each a generation later; with `now` as the time of the write they stand for, None if nothing was written."""
    if not saved:
        return
    replace = {"generation": links.c.generation + 1}
    if now is None:
        replace["written_at"] = links.c.written_at
    rows = [_row(place, link) | {"intent": None, "intended_at": None, "written_at": now} for link in saved]
    await conn.execute(upsert(conn, links, replace=replace), rows)


async def forget(conn: AsyncConnection, place: Place, keys: Iterable[str]) -> None:
    """Remove the links of `keys`."""
    for some in chunks(list(keys)):
        await conn.execute(delete(links).where(_at(place), links.c.key.in_(some)))


async def pages(
    conn: AsyncConnection, connection_id: str, asked: Sequence[str]
) -> Mapping[str, tuple[str, str, str]]:
    """The mapping, table and key of those of the pages that are linked, by page."""
    found: dict[str, tuple[str, str, str]] = {}
    columns = select(links.c.page, links.c.mapping, links.c.table_name, links.c.key)
    for some in chunks(asked):
        rows = await conn.execute(
            columns.where(links.c.connection_id == connection_id, links.c.page.in_(some))
        )
        found |= {page: (mapping, table, key) for page, mapping, table, key in rows}
    return found


async def last_written(conn: AsyncConnection, place: Place) -> datetime | None:
    """When a page of the table was last written or about to be made; None if never."""
    written, intended = (
        await conn.execute(
            select(func.max(links.c.written_at), func.max(links.c.intended_at)).where(_at(place))
        )
    ).one()
    return max((moment for moment in (written, intended) if moment is not None), default=None)


def _at(place: Place) -> ColumnElement[bool]:
    return (
        (links.c.connection_id == place.connection_id)
        & (links.c.mapping == place.mapping)
        & (links.c.table_name == place.table)
    )


async def _one(conn: AsyncConnection, place: Place, key: str) -> Link:
    query = select(links).where(_at(place), links.c.key == key)
    return _link((await conn.execute(query)).mappings().one())


def _row(place: Place, link: Link) -> dict[str, object]:
    where = {"connection_id": place.connection_id, "mapping": place.mapping, "table_name": place.table}
    return where | asdict(link)


_FIELDS = tuple(Link.__dataclass_fields__)


def _link(row: RowMapping) -> Link:
    return Link(**{name: row[name] for name in _FIELDS})
