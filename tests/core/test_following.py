"""When a mapping that is kept up to date runs again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.following import Last, turn
from syncline.core.mapping import Pace

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PACE = Pace(every=60, whole=600)
HOUR = 3600


def last(*, failed: bool = False, whole: bool = True, whole_at: int | None = None, failures: int = 0) -> Last:
    """A run that began at noon and took ten seconds; `whole_at` in seconds before noon."""
    since = None if whole_at is None else NOON - timedelta(seconds=whole_at)
    ended = NOON + timedelta(seconds=10)
    return Last(NOON, ended, failed=failed, whole=whole, whole_at=since, failures=failures)


def test_the_first_run_is_at_once_and_reads_notion_whole() -> None:
    found = turn(None, pace=PACE, changed=False, now=NOON)
    assert (found.begin, found.whole, found.failures) == (True, True, 0)


@pytest.mark.parametrize("changed", [False, True])
def test_a_run_that_is_under_way_is_waited_for(*, changed: bool) -> None:
    under_way = Last(NOON, None, failed=False, whole=True, whole_at=None, failures=0)
    found = turn(under_way, pace=PACE, changed=changed, now=NOON + timedelta(hours=9))
    assert not found.begin


@pytest.mark.parametrize(
    ("before", "changed", "seconds", "begin", "wait"),
    [
        pytest.param(last(), False, 20, False, 40, id="nothing new, not yet time"),
        pytest.param(last(), False, 60, True, 0, id="time"),
        pytest.param(last(), True, 20, True, 0, id="something changed"),
        pytest.param(last(failed=True), True, 20, False, 50, id="something changed after a failure"),
        pytest.param(last(failed=True), False, 70, True, 0, id="a failure, a minute ago"),
        pytest.param(last(failed=True, failures=2), True, 70, False, 180, id="three failures in a row"),
        pytest.param(last(failed=True, failures=40), False, 10 + HOUR, True, 0, id="never more than an hour"),
        pytest.param(last(failures=5), True, 20, True, 0, id="a success after failures"),
    ],
)
def test_when_the_next_run_begins(
    before: Last, seconds: int, wait: int, *, changed: bool, begin: bool
) -> None:
    found = turn(before, pace=PACE, changed=changed, now=NOON + timedelta(seconds=seconds))
    assert (found.begin, found.wait) == (begin, wait)


@pytest.mark.parametrize(
    ("before", "seconds", "whole"),
    [
        pytest.param(last(), 60, False, id="read whole a minute ago"),
        pytest.param(last(), 600, True, id="read whole ten minutes ago"),
        pytest.param(last(whole=False, whole_at=500), 60, False, id="read whole by an earlier run"),
        pytest.param(last(whole=False, whole_at=541), 60, True, id="read whole too long ago"),
        pytest.param(last(failed=True), 70, True, id="a whole one that failed read nothing"),
        pytest.param(last(whole=False), 60, True, id="never read whole"),
    ],
)
def test_when_notion_is_read_whole(before: Last, seconds: int, *, whole: bool) -> None:
    found = turn(before, pace=PACE, changed=False, now=NOON + timedelta(seconds=seconds))
    assert (found.begin, found.whole) == (True, whole)


@given(failures=st.integers(0, 100), every=st.integers(1, 10_000), seconds=st.integers(0, 20_000))
def test_after_failures_nothing_begins_before_the_pace_and_all_within_an_hour_of_it(
    failures: int, every: int, seconds: int
) -> None:
    before = last(failed=True, failures=failures)
    now = NOON + timedelta(seconds=10 + seconds)
    found = turn(before, pace=Pace(every=every), changed=True, now=now)
    assert found.failures == failures + 1
    if seconds < every:
        assert not found.begin
    if seconds >= max(every, HOUR):
        assert found.begin
