from datetime import UTC, datetime, timedelta, timezone

import pytest

from syncline.core.moments import moment


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 11, 20, 12, tzinfo=UTC), "2026-11-20T12:00:00.000Z"),
        (datetime(2026, 11, 20, 12, 0, 0, 123999, tzinfo=UTC), "2026-11-20T12:00:00.123Z"),
        (datetime(2026, 11, 20, 1, tzinfo=timezone(timedelta(hours=2))), "2026-11-19T23:00:00.000Z"),
    ],
)
def test_a_time_is_told_in_milliseconds_of_utc(at: datetime, said: str) -> None:
    assert moment(at) == said
