import inspect
import json
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.notion import errors
from syncline.notion.errors import (
    Effect,
    NotionError,
    RateLimited,
    Retry,
    WriteApplied,
    redact,
)

KINDS = sorted(
    (kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, NotionError)),
    key=lambda kind: kind.__name__,
)


def test_the_drawing_names_every_error_with_its_advice() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+) *(retry|skip|stop)?", errors.__doc__ or ""))
    abstract = {"Paced", "TransportError"}
    for kind in KINDS:
        if kind is not NotionError:
            assert kind.__name__ in drawn
            assert drawn[kind.__name__] == ("" if kind.__name__ in abstract else kind.retry)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_survives_a_pickle(kind: type[NotionError]) -> None:
    error = kind(
        "why",
        status=503,
        code="x",
        request_id="r",
        additional_data={"committed_resource_id": "c"},
        retry_after=2.0,
    )
    error.operation = "pages.retrieve"
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert vars(copy) == vars(error)
    assert str(copy) == str(error) == "pages.retrieve 503 x: why"


@pytest.mark.parametrize("token", ["ntn_A1b2C3", "secret_x9", "nrt_00ff"])
def test_no_error_shows_a_token(token: str) -> None:
    error = NotionError(f'instead was "{token}".', additional_data={"token": token, "deep": [{"x": token}]})
    assert token not in str(error) + repr(error) + json.dumps(error.additional_data)
    assert "[redacted]" in str(error)


@given(st.text())
def test_text_without_tokens_is_left_alone(text: str) -> None:
    if not re.search("ntn_|nrt_|secret_", text):
        assert redact(text) == text


def test_an_error_says_whose_limit_and_what_was_saved() -> None:
    limited = RateLimited("slow", additional_data={"rate_limit_reason": "public_api_request_rate_limit"})
    assert limited.reason == "public_api_request_rate_limit"
    saved = WriteApplied(
        "saved", additional_data={"committed_resource_id": "p", "committed_child_ids": ["c"]}
    )
    assert (saved.committed_id, saved.committed_child_ids) == ("p", ["c"])
    assert (saved.retry, saved.effect) == (Retry.SKIP, Effect.APPLIED)
