"""The nearest mark above a record decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.selection import EVERYTHING, Selection, chosen

# top ─ a ─ b ─ c, and beside them: x
PLACES: dict[str, str | None] = {"top": None, "a": "top", "b": "a", "c": "b", "x": None}


@pytest.mark.parametrize(
    ("selection", "inside"),
    [
        (EVERYTHING, {"top", "a", "b", "c", "x"}),
        (Selection(roots=("a",)), {"a", "b", "c"}),
        (Selection(excluded=("b",)), {"top", "a", "x"}),
        (Selection(roots=("a",), excluded=("b",)), {"a"}),
        (Selection(roots=("c",), excluded=("a",)), {"c"}),
        (Selection(roots=("top", "c"), excluded=("b",)), {"top", "a", "c"}),
        (Selection(tables=True), {"top", "a", "b", "c", "x"}),
    ],
)
def test_the_nearest_mark_decides(selection: Selection, inside: set[str]) -> None:
    assert {key for key in PLACES if chosen(key, PLACES, selection)} == inside


@given(
    places=st.dictionaries(st.sampled_from("abcdef"), st.none() | st.sampled_from("abcdefg")),
    marks=st.dictionaries(st.sampled_from("abcdef"), st.booleans()),
)
def test_a_record_is_where_its_parent_is_unless_it_has_a_mark_itself(
    places: dict[str, str | None], marks: dict[str, bool]
) -> None:
    """Also where what is stored goes in a circle, for which there is no answer and no endless search."""
    roots, excluded = (tuple(key for key, mark in marks.items() if mark is one) for one in (True, False))
    selection = Selection(roots, excluded)
    for key, above in places.items():
        decided = marks.get(key)
        if decided is None and above is not None:
            decided = chosen(above, places, selection)
        elif decided is None:
            decided = not roots
        assert chosen(key, places, selection) is decided
