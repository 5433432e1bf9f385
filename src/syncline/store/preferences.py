"""Preferences of a connection: what of its workspace is read, who may join, and what happens to a token that ended."""

from dataclasses import dataclass, fields
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.selection import Selection, SyncScope
from syncline.store.tables import upsert
from syncline.store.tables_connecting import preferences

__all__ = ["Joining", "Preferences", "TokenPreference", "find", "put"]


class Joining(StrEnum):
    """Who becomes a member by authorising the same Notion workspace."""

    NOTION = "notion"
    """Whoever Notion lets authorise it."""
    INVITED = "invited"
    """Nobody: members come by invitation."""


class TokenPreference(StrEnum):
    """What happens when Notion refuses a token for good."""

    NOTIFY = "notify"
    """It is said once, and a person connects again."""
    AUTO_RECONNECT = "auto_reconnect"
    """It is said once and tried again at every check; syncs go on when Notion takes it."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """The defaults are those of a connection that nobody has set."""

    sync_scope: SyncScope = SyncScope.ALL
    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    joining: Joining = Joining.NOTION
    token_preference: TokenPreference = TokenPreference.NOTIFY

    @property
    def selection(self) -> Selection:
        """What is read."""
        return Selection(
            roots=self.included if self.sync_scope is SyncScope.SPECIFIC_PAGES else (),
            excluded=self.excluded,
            tables=self.sync_scope is SyncScope.DATABASES_ONLY,
        )


_COLUMNS = [preferences.c[field.name] for field in fields(Preferences)]


async def find(conn: AsyncConnection, connection_id: str) -> Preferences:
    """The preferences of a connection."""
    query = select(*_COLUMNS).where(preferences.c.connection_id == connection_id)
    row = (await conn.execute(query)).mappings().one_or_none()
    if row is None:
        return Preferences()
    return Preferences(
        sync_scope=SyncScope(row["sync_scope"]),
        included=tuple(row["included"]),
        excluded=tuple(row["excluded"]),
        joining=Joining(row["joining"]),
        token_preference=TokenPreference(row["token_preference"]),
    )


async def put(conn: AsyncConnection, connection_id: str, wanted: Preferences) -> None:
    """Replace the preferences of a connection."""
    row = {column.name: getattr(wanted, column.name) for column in _COLUMNS}
    lists = {"included": list(wanted.included), "excluded": list(wanted.excluded)}
    await conn.execute(upsert(conn, preferences), row | lists | {"connection_id": connection_id})
