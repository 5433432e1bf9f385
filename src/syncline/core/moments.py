"""Times as text."""

from datetime import UTC, datetime

__all__ = ["moment"]


def moment(at: datetime) -> str:
    """A time as clients are told it, in milliseconds of UTC: ``2026-11-20T12:00:00.000Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
