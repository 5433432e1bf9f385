"""The order in which pages are made: what is led to comes first, and circles are broken once."""

from hypothesis import given
from hypothesis import strategies as st

from syncline.core.waves import waves

Needs = dict[str, dict[str, tuple[str, ...]]]
NAMES = [f"p{n}" for n in range(8)]


def test_pages_that_need_nothing_are_in_the_first_wave() -> None:
    assert waves({"a": {}, "b": {"r": ()}}) == ({"a": 0, "b": 0}, {})


def test_a_chain_is_a_wave_each() -> None:
    assert waves({"a": {"r": ("b",)}, "b": {"r": ("c",)}, "c": {}})[0] == {"a": 2, "b": 1, "c": 0}


def test_a_page_that_leads_to_itself_waits_for_itself() -> None:
    assert waves({"a": {"r": ("a",), "s": ()}}) == ({"a": 0}, {"a": ("r",)})


def test_a_circle_is_broken_at_one_page_and_what_leads_into_it_is_not_delayed() -> None:
    order, later = waves({"x": {"r": ("a",)}, "a": {"r": ("b",)}, "b": {"r": ("a",)}})
    assert later == {"a": ("r",)}
    assert order == {"a": 0, "b": 1, "x": 1}


def test_only_the_relation_that_closes_the_circle_waits() -> None:
    _, later = waves({"a": {"next": ("b",), "other": ("c",)}, "b": {"next": ("a",)}, "c": {}})
    assert later == {"a": ("next",)}


@st.composite
def graphs(draw: st.DrawFn) -> Needs:
    leads = st.lists(st.sampled_from(NAMES), max_size=3, unique=True).map(tuple)
    return {name: draw(st.dictionaries(st.sampled_from(["r", "s"]), leads)) for name in NAMES}


@given(graphs())
def test_every_page_has_a_wave_and_needs_only_earlier_ones_but_for_what_waits(needs: Needs) -> None:
    order, later = waves(needs)
    assert order.keys() == needs.keys()
    for page, relations in needs.items():
        for name, leads in relations.items():
            if name not in later.get(page, ()):
                assert all(order[other] < order[page] for other in leads)


@given(graphs())
def test_nothing_waits_where_there_is_no_circle(needs: Needs) -> None:
    straight = {
        page: {name: tuple(other for other in leads if other > page) for name, leads in relations.items()}
        for page, relations in needs.items()
    }
    assert waves(straight)[1] == {}


def test_many_small_circles_and_a_long_chain_take_no_time_to_speak_of() -> None:
    Many = dict[int, dict[str, tuple[int, ...]]]  # noqa: N806  a type
    circles: Many = {}
    chain: Many = {20_000: {}}
    for n in range(20_000):
        circles[n], chain[n] = {"r": (n ^ 1,)}, {"r": (n + 1,)}
    assert len(waves(circles)[1]) == 10_000
    assert waves(chain)[0][0] == 20_000
