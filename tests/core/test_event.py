"""Events: the names of the contract, and what a fraction of nothing is."""

import pytest

from syncline.core import event
from syncline.core.event import EventKind, PageStatus

EVENTS = {
    EventKind.START: event.sync_start("r", sync_type="full"),
    EventKind.PROGRESS: event.sync_progress("r", phase="content", current=45, total=100, message="m"),
    EventKind.PAGE_FETCHED: event.page_fetched("r", page="p", title="t", status=PageStatus.ERROR, error="e"),
    EventKind.INDEXING: event.sync_indexing("r", indexed=1, total=3, current="t"),
    EventKind.COMPLETE: event.sync_complete("r", total=9, succeeded=5, failed=1, skipped=3, seconds=1.2345),
    EventKind.ERROR: event.sync_error("r", error="e", phase="content", recoverable=True),
    EventKind.CANCELLED: event.sync_cancelled("r", phase="content"),
    EventKind.STATUS: event.sync_status("active", run_id="r"),
}


def test_each_kind_has_a_function_that_makes_it() -> None:
    assert EVENTS.keys() == set(EventKind)
    assert {kind: one.kind for kind, one in EVENTS.items()} == {kind: kind for kind in EventKind}
    assert {one.run_id for one in EVENTS.values()} == {"r"}


@pytest.mark.parametrize(
    ("current", "total", "percentage"), [(0, 0, 0), (0, 3, 0), (1, 3, 33), (999, 1000, 99), (3, 3, 100)]
)
def test_a_percentage_is_100_when_all_is_done_and_not_before(
    current: int, total: int, percentage: int
) -> None:
    told = event.sync_progress("r", phase="content", current=current, total=total, message="m")

    assert told.data["percentage"] == percentage


def test_durations_are_in_milliseconds() -> None:
    assert EVENTS[EventKind.COMPLETE].data["duration"] == 1234


def test_a_page_that_was_read_has_no_error() -> None:
    assert "error" not in event.page_fetched("r", page="p", title="t", status=PageStatus.SUCCESS).data
