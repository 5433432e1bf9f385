"""Limits are read from one line, and their windows begin on the clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.limit import LIMITS, Limit, parse

TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds have none


@given(TIMES, st.integers(1, 100_000))
def test_a_window_ends_within_its_length_and_the_next_one_follows(now: datetime, seconds: int) -> None:
    limit = Limit(1, seconds)
    end = limit.ends(now)

    assert timedelta(0) < end - now <= timedelta(seconds=seconds)
    assert limit.ends(end) == end + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", {}),
        ("default=600/60", {"default": Limit(600, 60)}),
        ("sync=off, login=1/2", {"sync": None, "login": Limit(1, 2)}),
        ("off", dict.fromkeys(LIMITS)),
    ],
)
def test_what_is_not_named_stays_as_it_is(text: str, changed: dict[str, Limit | None]) -> None:
    assert parse(text) == dict(LIMITS) | changed


@pytest.mark.parametrize(
    "text", ["default", "default=0/60", "default=1/0", "nothing=1/1", "default=-1/1", "=1/1"]
)
def test_what_is_no_limit_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no limit: write CLASS=REQUESTS/SECONDS"):
        parse(text)
