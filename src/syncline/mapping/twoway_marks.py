"""What a merge leaves behind so that the next one may ask Notion for edited pages alone: since when, and of which properties."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.checkpoint import SKEW, watermark
from syncline.core.hash import digest
from syncline.core.mapping import MappedTable
from syncline.core.schema import NotionSchema, Property
from syncline.store import checkpoints
from syncline.store.links import Place

__all__ = ["Mark", "drop", "find", "put"]


@dataclass(frozen=True, slots=True)
class Mark:
    """Pages edited at `since` or later are news to a merge of a table whose database had these properties."""

    since: datetime
    schema: NotionSchema


async def find(conn: AsyncConnection, place: Place, mapped: MappedTable) -> Mark | None:
    """The mark of the last merge; None where there is none, or the table is mapped in another way since."""
    value: Any = await checkpoints.value(conn, place.connection_id, _name(place))
    # A property that was not mapped then was not looked at either.
    if value is None or value["table"] != digest(repr(mapped)):
        return None
    return Mark(datetime.fromisoformat(value["since"]), _schema(value["schema"]))


async def put(
    conn: AsyncConnection, place: Place, mapped: MappedTable, *, began: datetime, schema: NotionSchema
) -> None:
    """Leave a mark of a merge that `began` to read Notion then, by Notion's clock or ours, whichever is behind."""
    since = watermark(began - SKEW).isoformat()
    value = {"since": since, "table": digest(repr(mapped)), "schema": asdict(schema)}
    await checkpoints.put(conn, place.connection_id, _name(place), value)


async def drop(conn: AsyncConnection, place: Place) -> None:
    """Leave no mark: the next merge reads everything."""
    await checkpoints.drop(conn, place.connection_id, _name(place))


def _name(place: Place) -> str:
    return f"merge:{place.mapping}:{place.table}"


def _schema(value: Any) -> NotionSchema:
    """What `asdict` made of a schema, as JSON gives it back."""
    properties = tuple(Property(**{**one, "options": tuple(one["options"])}) for one in value["properties"])
    return NotionSchema(**{**value, "properties": properties})
