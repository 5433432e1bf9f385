"""When somebody is told: at once, or with a digest, and not within quiet hours. No I/O.

Times of day are those of a clock on the wall in a time zone. One that a change to summer time skips is read as the clock that was not
changed yet. One that comes twice counts the first time for a digest, and both times for quiet hours.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from syncline.core.errors import BadInput

__all__ = ["Quiet", "due", "read_digest", "read_quiet", "read_zone"]

_MINUTES = re.compile(r"(\d{1,4})m")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_LONGEST = 24 * 60


@dataclass(frozen=True, slots=True)
class Quiet:
    """Quiet hours, from one time of day up to another, over midnight if the second is the earlier one."""

    begin: time
    end: time

    def over(self, at: time) -> bool:
        """Whether a time of day lies within."""
        if self.begin <= self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


def read_zone(text: str) -> ZoneInfo:
    """A time zone by its name in the IANA database. Raises BadInput."""
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise BadInput(
            f"zone: there is no time zone {text}; write one such as Europe/Berlin.", details={"field": "zone"}
        ) from None


def read_digest(text: str) -> int | time | None:
    """``off`` is None, ``30m`` minutes, ``09:00`` a time of day. Raises BadInput."""
    minutes = _MINUTES.fullmatch(text)
    if minutes and 1 <= int(minutes[1]) <= _LONGEST:
        return int(minutes[1])
    if text == "off" or (not minutes and _TIME.fullmatch(text)):
        return None if text == "off" else time.fromisoformat(text)
    raise BadInput(
        f"digest: {text} is none: write off, minutes up to {_LONGEST}m, or a time of day such as 09:00.",
        details={"field": "digest"},
    )


def read_quiet(text: str) -> Quiet:
    """``22:00-07:00``. Raises BadInput."""
    begin, _, end = text.partition("-")
    if not _TIME.fullmatch(begin) or not _TIME.fullmatch(end) or begin == end:
        raise BadInput(
            f"quiet: {text} are no quiet hours: write two times of day, 22:00-07:00.",
            details={"field": "quiet"},
        )
    return Quiet(time.fromisoformat(begin), time.fromisoformat(end))


def due(now: datetime, *, digest: str, quiet: str | None, zone: str) -> datetime:
    """When what happened `now` is told. Raises BadInput for what cannot be read."""
    where, every = read_zone(zone), read_digest(digest)
    at = now
    if isinstance(every, int):
        at = _next_multiple(now, every)
    elif every is not None:
        at = _next(now, every, where, folds=(0,))
    if quiet is None:
        return at
    hours = read_quiet(quiet)
    return _next(at, hours.end, where, folds=(0, 1)) if hours.over(at.astimezone(where).time()) else at


def _next_multiple(now: datetime, minutes: int) -> datetime:
    """The next time at which a clock that began with the epoch has gone round."""
    seconds = minutes * 60
    return datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, UTC)


def _next(now: datetime, at: time, zone: ZoneInfo, *, folds: tuple[int, ...]) -> datetime:
    """The next time after `now` at which the clock on the wall shows a time of day."""
    today = now.astimezone(zone).date()
    moments = (
        datetime.combine(today + timedelta(days=days), at.replace(fold=fold), tzinfo=zone).astimezone(UTC)
        for days in (0, 1)
        for fold in folds
    )
    return next(moment for moment in moments if moment > now)
