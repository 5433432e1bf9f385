"""How old what the store holds is: whether a pull vouches for it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.checkpoint import MINUTE
from syncline.engine.pull import last_watermark
from syncline.store import runs

__all__ = ["last_whole_pull"]


async def last_whole_pull(conn: AsyncConnection, connection_id: str) -> datetime | None:
    """When the last pull of everything began, by our clock; None where that is not known for certain."""
    mark = await last_watermark(conn, connection_id, ())
    newest = await runs.latest(conn, connection_id, limit=2)
    if mark is None or not newest:
        return None
    last, before = newest[0], newest[1:]
    minute = mark.at + MINUTE  # in which it began, by Notion's clock: a watermark stands one before it
    named = any(last.options.get(name) for name in ("pages", "roots", "refresh"))
    # A run may have gone on with what another had begun, and then it is as old as that.
    own = minute >= _floored(last.started_at) and all(_floored(one.started_at) < minute for one in before)
    return last.started_at if last.state is runs.RunState.SUCCEEDED and own and not named else None


def _floored(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
