import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.delivery import ATTEMPTS, DEFAULT, TYPES, check_types, next_attempt, of_event, wanted
from syncline.core.errors import BadInput

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_what_fails_is_tried_for_more_than_a_day() -> None:
    at, tries = NOW, 0
    while (following := next_attempt(tries + 1, now=at, random=0.0)) is not None:
        at, tries = following, tries + 1
    assert tries + 1 == ATTEMPTS
    assert at - NOW > timedelta(hours=24)


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_each_wait_is_longer_than_the_one_before(tries: int, random: float) -> None:
    waits = [next_attempt(number, now=NOW, random=random) for number in (tries, tries + 1)]
    if waits[0] is not None and waits[1] is not None:
        assert NOW < waits[0] < waits[1]
    assert (waits[0] is None) == (tries % ATTEMPTS == 0)


@pytest.mark.parametrize(
    ("kind", "patterns", "fits"),
    [
        ("record.added", ["record.*"], True),
        ("record.added", ["record.deleted"], False),
        ("sync.page-fetched", DEFAULT, False),
        ("sync.complete", DEFAULT, True),
        ("sync.progress", ["*"], True),
        ("sync.progress", [], False),
        ("Record.added", ["record.*"], False),
    ],
)
def test_patterns_choose_types(kind: str, patterns: list[str], *, fits: bool) -> None:
    assert wanted(kind, patterns) is fits


@pytest.mark.parametrize("pattern", ["*", "record.*", "sync.complete", "endpoint.disabled", "alert.*"])
def test_a_pattern_that_fits_a_type_can_be_asked_for(pattern: str) -> None:
    check_types([pattern])


@pytest.mark.parametrize("pattern", ["bla.*", "record", "sync:complete", "record.unchanged", ""])
def test_a_pattern_that_fits_no_type_is_refused_with_the_list(pattern: str) -> None:
    with pytest.raises(BadInput, match=re.escape(", ".join(TYPES))):
        check_types([pattern])


def test_what_is_sent_by_default_can_be_asked_for() -> None:
    check_types(DEFAULT)


def test_an_event_is_sent_under_its_dotted_name() -> None:
    assert of_event("sync:page-fetched") == ("sync.page-fetched", "sync")
