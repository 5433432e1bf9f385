from typing import Any

import pytest

from notion_emulator import Emulator
from notion_emulator.limits import Bucket, Limits, Window, rate


def test_a_window_lets_its_count_pass_and_says_when_the_next_begins() -> None:
    limits = Limits(connection=Window(3, 60))
    at = 120_000
    assert [limits.refusal("c", "w", at=at + n * 1000) for n in range(3)] == [None] * 3
    refused = limits.refusal("c", "w", at=at + 20_000)
    assert refused is not None
    assert (refused.reason, refused.retry_after) == ("public_api_request_rate_limit", 40)
    assert limits.refusal("c", "w", at=at + 60_000) is None


def test_a_window_may_begin_at_any_phase() -> None:
    limits = Limits(connection=Window(1, 60, phase=15))
    assert limits.refusal("c", "w", at=14_000) is None
    assert limits.refusal("c", "w", at=15_000) is None
    assert limits.refusal("c", "w", at=74_999) is not None


def test_a_bucket_refills_with_time() -> None:
    limits = Limits(connection=Bucket(3, 1))
    assert [limits.refusal("c", "w", at=0) is None for _ in range(4)] == [True, True, True, False]
    assert limits.refusal("c", "w", at=334) is None
    assert limits.refusal("c", "w", at=335) is not None


def test_connections_have_limits_of_their_own_and_share_the_workspace_s() -> None:
    limits = Limits(connection=Window(2), workspace=Window(3))
    passed = [limits.refusal(name, "w", at=0) is None for name in "aabb"]
    assert passed == [True, True, True, False]
    refused = limits.refusal("b", "w", at=0)
    assert refused is not None
    assert refused.reason == "public_api_space_request_rate_limit"


def test_a_refused_request_does_not_count() -> None:
    limits = Limits(connection=Window(5), workspace=Window(1))
    assert limits.refusal("a", "w", at=0) is None
    for _ in range(10):
        limits.refusal("a", "w", at=0)
    assert limits.refusal("a", "v", at=0) is None
    assert limits.meters["a"].used == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [("180/60", Window(180, 60.0)), ("3/1", Bucket(3)), ("600/60", Window(600, 60.0)), ("none", None)],
)
def test_a_rate_is_read_from_text(text: str, expected: object) -> None:
    assert rate(text) == expected


@pytest.mark.parametrize("text", ["", "3", "0/60", "3/0", "x/60", "-3/60", "3/1/1"])
def test_a_text_that_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        rate(text)


def test_a_429_says_why_and_when_to_come_again(emulator: Emulator, ask: Any) -> None:
    emulator.clock.freeze(1_000_000)
    emulator.set_rate("1/60")
    assert ask.raw("GET", "/users/me").status == 200
    refused = ask.raw("GET", "/users/me")
    assert refused.status == 429
    assert dict(refused.headers)["retry-after"] == "20"
    assert (
        b'"additional_data":{"rate_limit_reason":"public_api_request_rate_limit","retry_after":"20"}'
        in refused.body
    )
    emulator.clock.advance(20)
    assert ask.raw("GET", "/users/me").status == 200
