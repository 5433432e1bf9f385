"""What is not there any more: found by its absence from complete listings, or told to hang elsewhere.

An absence makes a suspect and nothing else; a direct read decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.change import Reason
from syncline.core.errors import TooManyDeletions
from syncline.core.model import Deletion, Kind
from syncline.engine.apply import Batch, Context, apply
from syncline.engine.pull import vouched
from syncline.engine.scope import Scope
from syncline.engine.worklist import Work, object_item
from syncline.sources.base import Key
from syncline.store import frontier, records

__all__ = ["Limits", "bury_departed", "forsake", "missed", "sweep"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a run. `deletions` is the share of what is held that one sweep may find absent.

    `few` absences are never too many. `width` answers at most are in flight or not yet written; how many
    requests are on the wire at a time is the client's to decide.
    """

    width: int = 24
    deletions: float = 0.25
    few: int = 20


async def sweep(conn: AsyncConnection, context: Context, scope: Scope, limits: Limits) -> None:
    """Make a suspect of whatever this pull could see and did not, and of what is held beside the selection.

    Raises TooManyDeletions where that is more than an outage should be allowed to take.
    """
    one = context.connection_id
    kinds = [Kind.PAGE, Kind.DATA_SOURCE]
    absent = scope.within(await records.unseen(conn, one, context.pull_id, kinds=kinds))
    live = await records.count_live(conn, one)
    if len(absent) > max(limits.few, limits.deletions * live):
        raise TooManyDeletions(
            f"{len(absent)} of {live} records were not seen by this pull, which is more than may vanish at once. "
            "Nothing was deleted. If this is right, pull again with --accept-deletions."
        )
    suspects = dict.fromkeys([*absent, *scope.strays()])
    await frontier.add(conn, one, [object_item(key, Reason.SUSPECT) for key in suspects])


async def forsake(conn: AsyncConnection, connection_id: str, scope: Scope) -> None:
    """Drop the work that waits about what is held beside the selection: it is on its way out."""
    strays = [key for _, key in scope.strays()]
    about = (Work.PROPERTIES, Work.CONTENT, Work.COMMENTS)
    await frontier.drop(conn, connection_id, [(kind, key) for kind in about for key in strays])


async def missed(conn: AsyncConnection, context: Context, rows: Sequence[str]) -> None:
    """Look directly at those of the rows that signals named and no query told of."""
    held = await records.find(conn, context.connection_id, Kind.PAGE, list(rows))
    seen = {key for key, record in held.items() if record.seen_in == context.pull_id}
    unseen = [object_item((Kind.PAGE, row), Reason.SUSPECT) for row in rows if row not in seen]
    await frontier.add(conn, context.connection_id, unseen)


async def bury_departed(
    conn: AsyncConnection, departed: Sequence[Key], context: Context, *, now: datetime
) -> bool:
    """Make tombstones of what was told to hang outside the selected subtrees now.

    Only where the store holds nothing but those. Returns whether it did: what hung below is then to be read.
    """
    if context.policy.roots and await vouched(conn, context.connection_id):
        return False
    gone = [(key, Deletion.OUT_OF_SCOPE) for key in departed]
    await apply(conn, Batch(lost=gone), context, now=now)
    return True
