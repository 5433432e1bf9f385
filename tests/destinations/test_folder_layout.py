from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from syncline.core.model import Kind
from syncline.destinations.folder_layout import Node, Place, arrange, sources_of


def nodes(*given: Node) -> dict[str, Node]:
    return {node.key: node for node in given}


def page(key: str, title: str, parent: str | None = None) -> Node:
    return Node(key, Kind.PAGE, title, parent)


def paths(
    known: Mapping[str, Node], held: Mapping[str, Place] | None = None, occupied: frozenset[str] = frozenset()
) -> dict[str, str]:
    return {
        key: place.path for key, place in arrange(known, held or {}, occupied=occupied.__contains__).items()
    }


def test_a_circle_is_cut_at_its_lowest_id() -> None:
    circle = nodes(
        page("b", "B", "c"),
        page("c", "C", "a"),
        page("a", "A", "b"),
        page("d", "D", "c"),
        page("e", "E", "e"),
    )
    assert paths(circle) == {"a": "A.md", "b": "A/C/B.md", "c": "A/C.md", "d": "A/C/D.md", "e": "E.md"}


def test_of_equal_titles_the_lowest_id_has_the_plain_name() -> None:
    assert paths(nodes(page("2222", "Plan"), page("1111", "plan"))) == {
        "1111": "plan.md",
        "2222": "Plan-2222.md",
    }


def test_a_name_that_is_held_stays() -> None:
    held = arrange(nodes(page("2222", "Plan")), {}, occupied=lambda _: False)
    assert paths(nodes(page("2222", "Plan"), page("1111", "plan")), held) == {
        "2222": "Plan.md",
        "1111": "plan-1111.md",
    }


def test_a_name_that_is_in_use_by_others_is_passed_over() -> None:
    assert paths(nodes(page("1111", "Plan")), occupied=frozenset({"Plan", "Plan-1111"})) == {
        "1111": "Plan-1111-2.md"
    }


def test_a_row_stands_in_its_data_source_wherever_that_is() -> None:
    source = Node("s", Kind.DATA_SOURCE, "", parent="base")
    known = nodes(
        page("a", "Home"),
        Node("base", Kind.DATABASE, "Tasks", "a"),
        source,
        Node("r", Kind.PAGE, "Row", "s", row_of="s"),
    )
    assert paths(known) == {"a": "Home.md", "s": "Home/Tasks.md", "r": "Home/Tasks/Row.md"}
    assert sources_of(known.values()) == {"base": "s"}


keys = st.sampled_from("abcdefgh")
worlds = st.dictionaries(
    keys, st.tuples(st.sampled_from(["Plan", "plan", "", "Plan.md", "a/b"]), st.none() | keys), max_size=8
)


@given(worlds, worlds, st.frozensets(st.sampled_from(["Plan", "Untitled", "Plan/Plan"])))
def test_every_file_has_a_path_of_its_own_below_its_parent(
    before: dict[str, tuple[str, str | None]],
    after: dict[str, tuple[str, str | None]],
    occupied: frozenset[str],
) -> None:
    held = arrange(
        nodes(*(page(key, *entry) for key, entry in before.items())), {}, occupied=occupied.__contains__
    )
    places = arrange(
        nodes(*(page(key, *entry) for key, entry in after.items())), held, occupied=occupied.__contains__
    )
    assert places.keys() == after.keys()
    assert len({place.path.casefold() for place in places.values()}) == len(places)
    files = {place.path for place in places.values()}
    for place in places.values():
        assert place.path.removesuffix(".md") not in occupied
        assert place.folder == ("" if place.container is None else places[place.container].inside)
        assert place.folder.rstrip("/") not in files
