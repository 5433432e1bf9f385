"""Whether what an endpoint or a rule is to watch is there: a name with a slip in it would wait in silence for ever.

Where nothing was pulled yet nothing is known, and every name is taken as it is.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import BadInput
from syncline.delivery import rows
from syncline.store import changes, rules, streams

__all__ = ["check", "check_property"]

_SHOWN: Final = 20
_PROPERTIES: Final = 50
"""Data sources and properties that a refusal names."""


async def check(conn: AsyncConnection, connection_id: str, wanted: Iterable[str], *, field: str) -> None:
    """Raises BadInput for a stream that the workspace does not have."""
    if await changes.head(conn, connection_id) == 0:
        return
    for stream in wanted:
        if stream not in streams.FIXED and not await streams.exists(conn, connection_id, stream):
            sources = await streams.known(conn, connection_id, limit=_SHOWN)
            there = ", ".join((*streams.FIXED, *(f"{key} ({title or 'Untitled'})" for key, title in sources)))
            raise BadInput(
                f"{field}: there is no stream {stream}; there are {there}.", details={"field": field}
            )


async def check_property(conn: AsyncConnection, connection_id: str, stream: str | None, name: str) -> None:
    """Raises BadInput for a property that no row of the stream, or of any, has."""
    known = await streams.properties(conn, connection_id, stream)
    record = await rules.newest(conn, connection_id, stream)
    # Of a stream its newest row tells as well; of all streams one row is no witness.
    if record is not None and stream is not None:
        known |= rows.row(record).values.keys()
    if known and name not in known:
        whose = "the stream has no" if stream is not None else "no data source has a"
        raise BadInput(
            f"property: {whose} {name}; there are {', '.join(sorted(known)[:_PROPERTIES])}.",
            details={"field": "property"},
        )
