"""Events: the names of the contract, and what a fraction of nothing is."""

import re
from pathlib import Path

import pytest

from syncline.core import event
from syncline.core.event import EventKind, PageStatus

DOCS = Path(__file__).parents[2] / "docs"
EVENTS = {
    EventKind.START: event.sync_start("r", sync_type="full"),
    EventKind.PROGRESS: event.sync_progress("r", phase="content", current=45, total=100, message="m"),
    EventKind.PAGE_FETCHED: event.page_fetched("r", page="p", title="t", status=PageStatus.ERROR, error="e"),
    EventKind.INDEXING: event.sync_indexing("r", indexed=1, total=3, current="t"),
    EventKind.COMPLETE: event.sync_complete("r", total=9, succeeded=5, failed=1, skipped=3, seconds=1.2345),
    EventKind.ERROR: event.sync_error("r", error="e", phase="content", recoverable=True),
    EventKind.CANCELLED: event.sync_cancelled("r", phase="content"),
    EventKind.STATUS: event.sync_status("active", run_id="r"),
    EventKind.TOKEN: event.connection_token("invalid", previous="valid"),
    EventKind.ALERT_OPENED: event.alert_opened("a", kind="sync_failed", text="t"),
    EventKind.ALERT_RESOLVED: event.alert_resolved("a", kind="sync_failed", text="t"),
    EventKind.ENDPOINT_DISABLED: event.endpoint_disabled("e", url="https://e.test/", reason="r"),
}


def test_each_kind_has_a_function_that_makes_it() -> None:
    assert EVENTS.keys() == set(EventKind)
    assert {kind: one.kind for kind, one in EVENTS.items()} == {kind: kind for kind in EventKind}
    assert {one.run_id for kind, one in EVENTS.items() if kind.startswith("sync:")} == {"r"}


def test_each_kind_is_documented_with_its_fields() -> None:
    sections = re.split(r"^## ", (DOCS / "reference" / "events.md").read_text(), flags=re.MULTILINE)
    known = {
        text.partition("\n")[0]: set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE)) for text in sections
    }
    assert {kind: known.get(kind) for kind in EventKind} == {
        kind: set(one.data) for kind, one in EVENTS.items()
    }


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
