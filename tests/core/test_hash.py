"""Digests: equal for equal JSON whatever the order of keys, different for all else."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.hash import digest, digest_many

texts = st.text(st.characters(), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
digests = st.lists(texts.map(digest), max_size=6)


def shuffled(value: Any, order: random.Random) -> Any:
    """The same JSON with the keys of every object in another order."""
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(one, order) for one in value] if isinstance(value, list) else value


@given(value=values, order=st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_count(value: Any, order: random.Random) -> None:
    assert digest(shuffled(value, order)) == digest(value)


@given(value=values)
def test_a_value_that_went_through_json_keeps_its_digest(value: Any) -> None:
    assert digest(json.loads(json.dumps(value))) == digest(value)


@given(one=values, other=values)
def test_two_values_have_one_digest_only_if_they_are_the_same_json(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (digest(one) == digest(other)) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2], [2, 1]),
        (1, True),
        (0, None),
        ("", None),
        ({}, []),
        ({"a": None}, {}),
        ("1", 1),
        (["a", "b"], ["ab"]),
        ("é", "e\u0301"),
    ],
)
def test_what_only_looks_alike_differs(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)


def test_half_a_surrogate_pair_has_a_digest() -> None:
    assert digest("\ud83d") != digest("\ud83c")


def test_a_digest_never_changes_between_versions() -> None:
    """Stored digests are compared with new ones: another form would make every page a change."""
    assert digest({"b": [1, "ü"], "a": None}) == "987a9008d9c5720d6ba6517476011f34"
    assert digest_many([digest("a"), digest("b")]) == "2cbbde00104480517fb1268961c566aa"


@given(one=digests, other=digests)
def test_sequences_have_one_digest_only_if_they_are_equal(one: list[str], other: list[str]) -> None:
    assert (digest_many(one) == digest_many(other)) is (one == other)


def test_the_end_of_one_digest_is_no_beginning_of_the_next() -> None:
    assert digest_many(["ab", "c"]) != digest_many(["a", "bc"])
    assert digest_many([]) != digest_many([""])
