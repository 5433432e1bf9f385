"""When somebody is told: digests and quiet hours, over midnight and over the change to summer time and back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.due import due, read_digest, read_quiet, read_zone
from syncline.core.errors import BadInput

BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "digest", "quiet", "expected"),
    [
        ("2026-11-20T12:00:00", "off", None, "2026-11-20T12:00:00"),
        ("2026-11-20T12:07:00", "15m", None, "2026-11-20T12:15:00"),
        ("2026-11-20T12:15:00", "15m", None, "2026-11-20T12:30:00"),
        # 09:00 in Berlin is 08:00 in winter.
        ("2026-11-20T07:59:00", "09:00", None, "2026-11-20T08:00:00"),
        ("2026-11-20T08:00:00", "09:00", None, "2026-11-21T08:00:00"),
        ("2026-07-20T06:00:00", "09:00", None, "2026-07-20T07:00:00"),
        # Quiet hours over midnight.
        ("2026-11-20T20:59:00", "off", "22:00-07:00", "2026-11-20T20:59:00"),
        ("2026-11-20T21:00:00", "off", "22:00-07:00", "2026-11-21T06:00:00"),
        ("2026-11-21T01:00:00", "off", "22:00-07:00", "2026-11-21T06:00:00"),
        ("2026-11-21T06:00:00", "off", "22:00-07:00", "2026-11-21T06:00:00"),
        # And at noon.
        ("2026-11-20T11:30:00", "off", "12:00-13:00", "2026-11-20T12:00:00"),
        # A digest within quiet hours waits for their end.
        ("2026-11-20T20:55:00", "30m", "22:00-07:00", "2026-11-21T06:00:00"),
        ("2026-11-20T12:00:00", "23:00", "22:00-07:00", "2026-11-21T06:00:00"),
        # The night of the change to summer time: 02:00 to 03:00 is left out, and the night is an hour shorter.
        ("2026-03-28T22:00:00", "off", "22:00-07:00", "2026-03-29T05:00:00"),
        ("2026-03-29T00:30:00", "off", "01:00-02:30", "2026-03-29T01:30:00"),
        ("2026-03-29T00:30:00", "02:30", None, "2026-03-29T01:30:00"),
        # And back: 02:00 to 03:00 comes twice, and the night is an hour longer.
        ("2026-10-24T21:00:00", "off", "22:00-07:00", "2026-10-25T06:00:00"),
        ("2026-10-25T00:10:00", "off", "01:00-02:30", "2026-10-25T00:30:00"),
        ("2026-10-25T01:10:00", "off", "01:00-02:30", "2026-10-25T01:30:00"),
        ("2026-10-25T00:45:00", "02:30", None, "2026-10-26T01:30:00"),
    ],
)
def test_what_happens_is_told_then(now: str, digest: str, quiet: str | None, expected: str) -> None:
    assert due(utc(now), digest=digest, quiet=quiet, zone=BERLIN) == utc(expected)


TIMES = st.times().map(lambda at: at.strftime("%H:%M"))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001 - the strategy takes them so
ZONES = st.sampled_from([BERLIN, "UTC", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"])


@given(MOMENTS, TIMES, TIMES, ZONES, st.sampled_from(["off", "1m", "60m", "09:00"]))
def test_nothing_is_told_early_nor_much_too_late_nor_in_quiet_hours(
    now: datetime, begin: str, end: str, zone: str, digest: str
) -> None:
    quiet = None if begin == end else f"{begin}-{end}"
    at = due(now, digest=digest, quiet=quiet, zone=zone)
    assert now <= at <= now + timedelta(days=2, hours=3)
    local = at.astimezone(ZoneInfo(zone))
    gap = local.replace(tzinfo=None) - now.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != at - now
    assert quiet is None or gap or not read_quiet(quiet).over(local.time())


@pytest.mark.parametrize("text", ["", "0m", "1441m", "9:00", "24:00", "daily", "30", "-5m"])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="digest"):
        read_digest(text)


@pytest.mark.parametrize("text", ["", "22:00", "22:00-22:00", "22-07", "22:00-07:60"])
def test_what_are_no_quiet_hours_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="quiet"):
        read_quiet(text)


@pytest.mark.parametrize("text", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime"])
def test_what_is_no_time_zone_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="zone"):
        read_zone(text)
