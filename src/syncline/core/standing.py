"""How a connection stands: whether its token is good, and what a person is to be told of its syncs."""

from enum import StrEnum

__all__ = ["SyncStatus", "TokenStatus", "sync_status"]


class TokenStatus(StrEnum):
    """What Notion last said of a connection's token."""

    VALID = "valid"
    EXPIRED = "expired"
    """It ended, and Notion refuses to renew it."""
    INVALID = "invalid"
    """Notion does not know it, and there is nothing to renew it with."""
    REVOKED = "revoked"
    """We gave it back when the connection was disconnected, and forgot it."""
    UNKNOWN = "unknown"
    """Notion was never asked."""

    @property
    def dead(self) -> bool:
        """Whether nothing can be read until a person connects again."""
        return self in (TokenStatus.EXPIRED, TokenStatus.INVALID, TokenStatus.REVOKED)


class SyncStatus(StrEnum):
    """The one word about a connection's syncs."""

    ACTIVE = "active"
    SYNCING = "syncing"
    ERROR = "error"
    PAUSED = "paused"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a word of the REST contract, no secret


def sync_status(token: TokenStatus, *, running: bool, paused: bool, failed: bool) -> SyncStatus:
    """What a connection's syncs do, the most pressing first.

    A connection that we disconnected counts as paused: nobody waits for its token. `paused` tells of the schedule, `failed` of
    the last run that ended.
    """
    if token is TokenStatus.REVOKED:
        return SyncStatus.PAUSED
    if token.dead:
        return SyncStatus.TOKEN_EXPIRED
    if running:
        return SyncStatus.SYNCING
    if paused:
        return SyncStatus.PAUSED
    return SyncStatus.ERROR if failed else SyncStatus.ACTIVE
