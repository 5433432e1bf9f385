"""The shapes of the door: names, times, and what a request may not hold."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from syncline.api.envelope import Asked, Model, Moment, Success, Time, moment

AT = datetime(2026, 11, 20, 13, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=1)))


class Shown(Model):
    last_used_at: Moment | None


class Given(Asked):
    since_when: Time | None = None
    words: tuple[str, ...] = ()


def test_a_time_is_utc_with_milliseconds() -> None:
    assert moment(AT) == "2026-11-20T12:00:00.123Z"
    assert Success(data=Shown(last_used_at=AT)).model_dump_json(by_alias=True) == (
        '{"status":"success","data":{"lastUsedAt":"2026-11-20T12:00:00.123Z"}}'
    )


def test_nothing_is_null_and_no_message_is_none() -> None:
    assert Success(data=Shown(last_used_at=None), message="Done").model_dump(by_alias=True) == {
        "status": "success",
        "message": "Done",
        "data": {"lastUsedAt": None},
    }


def test_a_time_that_is_given_has_its_zone() -> None:
    assert Given.model_validate({"sinceWhen": "2026-11-20T13:00:00+01:00"}).since_when == datetime(
        2026, 11, 20, 12, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "body",
    [
        {"sinceWhen": 1},
        {"sinceWhen": "1"},
        {"sinceWhen": "1.5"},
        {"sinceWhen": "2026-11-20T13:00:00"},
        {"since": "2026-11-20T13:00:00Z"},
        {"words": ["a\x00"]},
        {"a\x00": 1},
    ],
)
def test_what_a_request_may_not_hold_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Given.model_validate(body)
