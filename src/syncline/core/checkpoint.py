"""Watermarks: from when on an incremental pull must look, and when a read is final.

Notion rounds `last_edited_time` down to the minute, so two edits of one minute cannot be told apart by time
(https://developers.notion.com/reference/page). Everything here follows from that.
"""

from datetime import datetime, timedelta

__all__ = ["MINUTE", "SEARCH_LAG", "SKEW", "final", "watermark"]

MINUTE = timedelta(minutes=1)

SEARCH_LAG = timedelta(minutes=30)
"""How late Notion's search may show an edit and still be heard: search is eventually consistent."""

SKEW = timedelta(seconds=5)
"""How far the `Date` header of an answer may be from the clock that stamps `last_edited_time`."""


def watermark(scan_start: datetime) -> datetime:
    """The time from which the next incremental pull reads, for a scan that began at `scan_start`.

    Floored to the minute, less one minute: an edit of the same minute that came after the scan carries the floored
    time. To be compared with >=.
    """
    return scan_start.replace(second=0, microsecond=0) - MINUTE


def final(edited_at: datetime | None, read_at: datetime | None) -> bool:
    """Whether what was read at `read_at` is all that `edited_at` can stand for.

    True if the minute of `edited_at` had ended, clock skew included, when the read began.
    """
    if edited_at is None or read_at is None:
        return False
    return read_at >= edited_at + MINUTE + SKEW
