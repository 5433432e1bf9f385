import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.redact import MARK, redacted, redacted_text

TOKENS = [
    "ntn_1234567890abcdefghijklmnopqrstuvwxyzABCDEFG",
    "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl",
    "slk_0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1LTEifQ.dGhpcyBpcyBhIHNpZ25hdHVyZQ",
]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("around", ["{}", "a {} b", '"{}"', "https://x.test/?a={}&b=1", "({})"])
def test_a_token_is_recognised_by_its_form(token: str, around: str) -> None:
    shown = redacted_text(around.format(token))
    assert token not in shown
    assert MARK in shown


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"password": "x"}, {"password": MARK}),
        ({"access_token": "anything at all"}, {"access_token": MARK}),
        ({"client_secret": "s", "client_id": "c"}, {"client_secret": MARK, "client_id": "c"}),
        ({"Authorization": "Basic eDp5"}, {"Authorization": MARK}),
        ({"code": "03a0066e"}, {"code": MARK}),
        (
            {"object": "error", "status": 404, "message": "m", "code": "object_not_found"},
            {"object": "error", "status": 404, "message": "m", "code": "object_not_found"},
        ),
        (
            {"code": {"rich_text": [], "language": "python"}},
            {"code": {"rich_text": [], "language": "python"}},
        ),
        ({"token": None, "secret": ""}, {"token": None, "secret": ""}),
        ({"title": "My password is fine"}, {"title": "My password is fine"}),
        ({"start_cursor": "s:abc"}, {"start_cursor": "s:abc"}),
        ("postgresql://me:pw@host/db", f"postgresql://{MARK}@host/db"),
        ([1, 2.5, True, None], [1, 2.5, True, None]),
    ],
)
def test_secrets_go_and_the_rest_stays(told: Any, shown: Any) -> None:
    assert redacted(told) == shown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(json_values, st.sampled_from(TOKENS), st.data())
def test_a_token_planted_anywhere_is_gone(told: Any, token: str, data: st.DataObject) -> None:
    def planted(value: Any) -> Any:
        match value:
            case str() if data.draw(st.booleans()):
                return f"{value} {token} {value}"
            case list():
                return [planted(one) for one in value]
            case dict():
                return {
                    f"{key} {token}" if data.draw(st.booleans()) else key: planted(one)
                    for key, one in value.items()
                }
        return value

    assert token not in json.dumps(redacted(planted(told)))


@given(json_values)
def test_to_redact_twice_is_to_redact_once(told: Any) -> None:
    assert redacted(redacted(told)) == redacted(told)
