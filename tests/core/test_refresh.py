from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.model import Kind
from syncline.core.refresh import Hint, Refresh, Signal, refresh

AT = datetime(2026, 5, 1, 12, 30, 45, tzinfo=UTC)
MINUTE_BEFORE = datetime(2026, 5, 1, 12, 29, tzinfo=UTC)


def look(key: str, *, source: str | None = None, hint: Hint = Hint.LOOK, seconds: int = 0) -> Signal:
    return Signal(hint, Kind.PAGE, key, AT + timedelta(seconds=seconds), source)


def content(key: str, *blocks: str, source: str | None = None) -> Signal:
    return Signal(Hint.CONTENT, Kind.PAGE, key, AT, source, blocks)


def whole(key: str) -> Signal:
    return Signal(Hint.CONTENT, Kind.PAGE, key, AT)


def comment(key: str) -> Signal:
    return Signal(Hint.COMMENTS, Kind.PAGE, key, AT)


CASES: dict[str, tuple[list[Signal], Refresh]] = {
    "nothing": ([], Refresh()),
    "a page is read directly": ([look("p")], Refresh(objects=((Kind.PAGE, "p"),))),
    "a burst about one page is one read": ([look("p", seconds=n) for n in range(9)], Refresh(objects=((Kind.PAGE, "p"),))),
    "one row is read directly": ([look("r", source="d")], Refresh(objects=((Kind.PAGE, "r"),))),
    "rows of one data source are one query": (
        [look("r", source="d", seconds=90), look("s", source="d")],
        Refresh(edited=(("d", MINUTE_BEFORE),), rows=("r", "s")),
    ),
    "a row that moved is read directly": (
        [look("r", source="d"), look("s", source="d"), look("r", source="d", hint=Hint.MOVED)],
        Refresh(objects=((Kind.PAGE, "r"), (Kind.PAGE, "s"))),
    ),
    "what is gone is looked at once": (
        [look("p"), look("p", hint=Hint.GONE)],
        Refresh(objects=((Kind.PAGE, "p"),)),
    ),
    "a data source is read directly": (
        [Signal(Hint.LOOK, Kind.DATA_SOURCE, "d", AT)],
        Refresh(objects=((Kind.DATA_SOURCE, "d"),)),
    ),
    "blocks of several signals unite": (
        [content("p", "a"), content("p", "b", "a")],
        Refresh(objects=((Kind.PAGE, "p"),), content={"p": ("a", "b")}),
    ),
    "content without names is the whole page": (
        [content("p", "a"), whole("p")],
        Refresh(objects=((Kind.PAGE, "p"),), content={"p": None}),
    ),
    "comments alone read no page": ([comment("p")], Refresh(comments=("p",))),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_signals_ask_for(case: str) -> None:
    signals, asked = CASES[case]
    for order in list(permutations(signals))[:24]:
        assert refresh(order) == asked


signals = st.builds(
    Signal,
    st.sampled_from(Hint),
    st.sampled_from([Kind.PAGE, Kind.DATA_SOURCE]),
    st.sampled_from("pqrs"),
    st.integers(0, 300).map(lambda seconds: AT + timedelta(seconds=seconds)),
    st.sampled_from([None, "d", "e"]),
    st.none() | st.lists(st.sampled_from("abc"), max_size=3).map(tuple),
)


@given(st.lists(signals, max_size=12), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_matters(told: list[Signal], random: object) -> None:
    shuffled = [*told, *told[:3]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis types its Random loosely
    assert refresh(shuffled) == refresh(told)


@given(st.lists(signals, max_size=12))
def test_everything_signalled_is_looked_at(told: list[Signal]) -> None:
    asked = refresh(told)
    looked = {*asked.objects, *((Kind.PAGE, row) for row in asked.rows)}
    for one in told:
        if one.hint is Hint.COMMENTS:
            assert one.key in asked.comments
        else:
            assert (one.kind, one.key) in looked
        if one.hint is Hint.CONTENT and one.kind is Kind.PAGE:
            named = asked.content[one.key]
            assert named is None or set(one.blocks or ()) <= set(named)


@given(st.lists(signals, max_size=12))
def test_the_stored_form_is_the_same(told: list[Signal]) -> None:
    assert Refresh.from_json(refresh(told).as_json()) == refresh(told)
    assert [Signal.from_json(one.as_json()) for one in told] == told
