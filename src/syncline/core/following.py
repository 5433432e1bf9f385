"""When a mapping that a server keeps up to date is run again: what its last run came to, whether something changed, what time it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from syncline.core.mapping import Pace

__all__ = ["Last", "Turn", "turn"]

_LONGEST: Final = timedelta(hours=1)
"""The longest wait after failures."""


@dataclass(frozen=True, slots=True)
class Last:
    """The last run. `ended` is None while it is queued or under way.

    `whole`: Notion was read whole. `whole_at` is when that was done last before it, `failures` how many runs before it had failed in a row.
    """

    began: datetime
    ended: datetime | None
    failed: bool
    whole: bool
    whole_at: datetime | None
    failures: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What to do now: `begin` a run, or `wait` so many seconds, at most; while another one is under way, until that has ended.

    `whole`, `whole_at` and `failures` are those of the run to begin (`Last`).
    """

    begin: bool
    wait: float
    whole: bool = True
    whole_at: datetime | None = None
    failures: int = 0


def turn(last: Last | None, *, pace: Pace, changed: bool, now: datetime) -> Turn:
    """What to do. `changed`: the database says that there is something to be done.

    After failures the next run waits, twice as long each time, whatever changed.
    """
    if last is None:
        return Turn(begin=True, wait=0.0)
    if last.ended is None:
        return Turn(begin=False, wait=0.0)
    failures = last.failures + 1 if last.failed else 0
    whole_at = last.began if last.whole and not last.failed else last.whole_at
    due = last.ended + _backoff(pace, failures) if failures else last.began + timedelta(seconds=pace.every)
    begin = now >= due or (changed and not failures)
    return Turn(
        begin=begin,
        wait=0.0 if begin else (due - now).total_seconds(),
        whole=whole_at is None or now - whole_at >= timedelta(seconds=pace.whole),
        whole_at=whole_at,
        failures=failures,
    )


def _backoff(pace: Pace, failures: int) -> timedelta:
    every = timedelta(seconds=pace.every)
    return max(every, min(every * (1 << min(failures - 1, 12)), _LONGEST))
