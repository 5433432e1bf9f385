from datetime import UTC, datetime

import orjson
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.surrogates import legible
from syncline.delivery.json_body import json_body

VALUES = st.recursive(
    st.text(st.characters()) | st.integers(-(2**53), 2**53) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
)


@given(VALUES)
def test_any_value_is_a_body_and_reads_as_what_can_be_read_of_it(value: object) -> None:
    assert orjson.loads(json_body(value)) == legible(value)


def test_half_a_pair_is_replaced_and_a_whole_one_stays() -> None:
    assert json_body({"\ud83d": ["\U0001f600 \ude00"]}) == '{"\ufffd":["\U0001f600 \ufffd"]}'.encode()


def test_times_are_in_utc() -> None:
    assert json_body(datetime(2026, 11, 20, 12, tzinfo=UTC)) == b'"2026-11-20T12:00:00Z"'
