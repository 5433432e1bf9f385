"""Watermarks and final reads: no edit may hide behind a time that Notion rounds to the minute."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.checkpoint import MINUTE, SKEW, final, watermark

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis sets the zone
spans = st.timedeltas(timedelta(0), timedelta(hours=2))
skews = st.timedeltas(-SKEW, SKEW)


def shown(edited: datetime) -> datetime:
    """The time that Notion gives an edit: floored to the minute."""
    return edited.replace(second=0, microsecond=0)


@pytest.mark.parametrize(
    ("scan_start", "expected"),
    [
        (NOON, NOON - MINUTE),
        (NOON.replace(second=59, microsecond=999_999), NOON - MINUTE),
        (NOON.replace(minute=1), NOON),
        (NOON.replace(hour=0), datetime(2026, 11, 19, 23, 59, tzinfo=UTC)),
    ],
)
def test_a_watermark_is_the_minute_before_the_one_in_which_the_scan_began(
    scan_start: datetime, expected: datetime
) -> None:
    assert watermark(scan_start) == expected


@given(scan_start=moments, after=spans, skew=skews)
def test_an_edit_after_the_scan_began_is_not_behind_the_watermark(
    scan_start: datetime, after: timedelta, skew: timedelta
) -> None:
    assert shown(scan_start + skew + after) >= watermark(scan_start)


@given(first=moments, second=moments)
def test_a_later_scan_never_has_an_earlier_watermark(first: datetime, second: datetime) -> None:
    earlier, later = sorted((first, second))
    assert watermark(earlier) <= watermark(later)


@given(read=moments, after=spans, skew=skews)
def test_no_edit_made_after_a_final_read_has_the_time_that_was_read(
    read: datetime, after: timedelta, skew: timedelta
) -> None:
    """`skew` is by how much the clock that stamps edits is ahead of the one that timed the read."""
    edited = shown(read + skew + after)
    assert not final(edited, read)


@given(edited=moments, read=moments)
def test_a_read_is_final_once_the_minute_and_the_skew_have_passed(edited: datetime, read: datetime) -> None:
    assert final(shown(edited), read) is (read - shown(edited) >= timedelta(seconds=65))


@pytest.mark.parametrize(("edited", "read"), [(None, NOON), (NOON, None), (None, None)])
def test_what_has_no_time_is_never_final(edited: datetime | None, read: datetime | None) -> None:
    assert not final(edited, read)
