"""What both sides of a merged table last agreed on, row by row, and which page is which row.

A row is written down before its page, or its row in the database, is made (`CREATING`, `ADOPTING`), with the values that are
meant to be there: whoever comes after a crash can tell what was made from what a person did since.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, RowMapping, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.pair import Agreed
from syncline.store.links import Place
from syncline.store.tables import chunks, upsert
from syncline.store.tables_merge import agreed

__all__ = ["Known", "Standing", "forget", "of_table", "save"]


class Standing(StrEnum):
    """How a row stands."""

    LINKED = "linked"
    CREATING = "creating"
    """Its page is being made, or somebody died making it."""
    ADOPTING = "adopting"
    """Its row in the database is being made for a page, or somebody died making it."""
    DETACHED = "detached"
    """It is gone on one side and the other keeps it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of one row. `page` is None while its page is being made."""

    key: str
    page: str | None
    agreed: Agreed
    standing: Standing = Standing.LINKED


async def of_table(conn: AsyncConnection, place: Place) -> dict[str, Known]:
    """Everything remembered of a table, by key."""
    rows = await conn.execute(select(agreed).where(_at(place)).order_by(agreed.c.key))
    return {row["key"]: _known(row) for row in rows.mappings()}


async def save(conn: AsyncConnection, place: Place, known: Sequence[Known], *, now: datetime) -> None:
    """Remember rows, in the place of what was remembered of them."""
    if known:
        await conn.execute(upsert(conn, agreed), [_row(place, one, now) for one in known])


async def forget(conn: AsyncConnection, place: Place, keys: Iterable[str]) -> None:
    """Forget the rows of `keys`."""
    for some in chunks(list(keys)):
        await conn.execute(delete(agreed).where(_at(place), agreed.c.key.in_(some)))


def _at(place: Place) -> ColumnElement[bool]:
    return (
        (agreed.c.connection_id == place.connection_id)
        & (agreed.c.mapping == place.mapping)
        & (agreed.c.table_name == place.table)
    )


def _row(place: Place, known: Known, now: datetime) -> Mapping[str, object]:
    return {
        "connection_id": place.connection_id,
        "mapping": place.mapping,
        "table_name": place.table,
        "key": known.key,
        "page": known.page,
        "state": known.standing,
        "at": now,
        "database": dict(known.agreed.database),
        "notion": dict(known.agreed.notion),
    }


def _known(row: RowMapping) -> Known:
    return Known(row["key"], row["page"], Agreed(row["database"], row["notion"]), Standing(row["state"]))
