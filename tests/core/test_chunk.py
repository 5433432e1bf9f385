"""A page is cut along its structure, and nothing of it is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncline.core.chunk import ITEMS, LARGEST, SMALL, TARGET, Part, Shape, chunks, tokens

WORD = "word"  # one token with the space behind it


def said(count: int, word: str = WORD) -> str:
    """A text of about `count` tokens."""
    return " ".join([word[:3]] * count)


def part(name: str, text: str, shape: Shape = Shape.TEXT, headings: str = "", **fields: str) -> Part:
    return Part(name, text, shape, tuple(headings.split("/")) if headings else (), **fields)


def heading(name: str, path: str) -> Part:
    return part(name, path.rsplit("/", maxsplit=1)[-1], Shape.HEADING, path)


def test_a_heading_stays_with_the_text_that_follows_it() -> None:
    made = chunks(
        "p", [heading("h", "A"), part("x", said(300), headings="A"), part("y", said(300), headings="A")]
    )
    assert [(chunk.blocks, chunk.headings) for chunk in made] == [(("h", "x"), ("A",)), (("y",), ("A",))]
    assert made[0].text.startswith("A\n")


def test_headings_without_text_go_with_the_first_text_below_them() -> None:
    made = chunks("p", [heading("h", "A"), heading("i", "A/B"), part("x", "text", headings="A/B")])
    assert [chunk.text for chunk in made] == ["A\nB\ntext"]


def test_a_heading_that_nothing_follows_stands_alone() -> None:
    made = chunks(
        "p", [heading("h", "A"), heading("i", "B"), part("x", "text", headings="B"), heading("j", "C")]
    )
    assert [(chunk.text, chunk.shape) for chunk in made] == [
        ("A", Shape.HEADING),
        ("B\ntext", Shape.TEXT),
        ("C", Shape.HEADING),
    ]


def test_small_neighbours_under_one_heading_are_one_chunk() -> None:
    made = chunks("p", [part("x", "Steps:"), part("y", said(50), Shape.LIST, group="l"), part("z", "Done.")])
    assert [(chunk.blocks, chunk.shape) for chunk in made] == [(("x", "y", "z"), Shape.TEXT)]


def test_text_under_another_heading_is_another_chunk() -> None:
    made = chunks("p", [part("x", "one", headings="A"), part("y", "two", headings="A/B")])
    assert [chunk.headings for chunk in made] == [("A",), ("A", "B")]


@pytest.mark.parametrize("shape", [Shape.CODE, Shape.TOGGLE, Shape.CALLOUT, Shape.TABLE, Shape.PROPERTIES])
def test_what_stands_alone_joins_no_neighbour(shape: Shape) -> None:
    made = chunks("p", [part("x", "before"), part("y", "alone", shape, group="g"), part("z", "after")])
    assert [chunk.shape for chunk in made] == [Shape.TEXT, shape, Shape.TEXT]


def test_two_toggles_are_two_chunks() -> None:
    made = chunks("p", [part(name, name, Shape.TOGGLE, group=name) for name in "ab"])
    assert [chunk.text for chunk in made] == ["a", "b"]


def test_a_list_is_cut_by_its_items() -> None:
    items = [part(str(n), f"item {n} {said(20)}", Shape.LIST, group="l") for n in range(40)]
    made = chunks("p", items)
    assert [len(chunk.blocks) for chunk in made] == [ITEMS, ITEMS, 10]


def test_the_header_of_a_table_is_in_each_of_its_chunks() -> None:
    rows = [part("0", "Name | Size", Shape.TABLE, group="t")]
    rows += [
        part(str(n), f"row {n} | {said(30)}", Shape.TABLE, group="t", header="Name | Size")
        for n in range(1, 60)
    ]
    made = chunks("p", rows)
    assert len(made) > 3
    for chunk in made:
        assert chunk.text.startswith("Name | Size\nrow ")
        assert chunk.text.count("Name | Size") == 1
        assert tokens(chunk.text) <= TARGET


def test_a_single_part_is_split_only_where_it_is_too_large() -> None:
    whole = chunks("p", [part("x", said(LARGEST - 1))])
    split = chunks("p", [part("x", said(LARGEST + 10))])
    assert [len(whole), len(split)] == [1, 3]
    assert all(tokens(chunk.text) <= TARGET and chunk.blocks == ("x",) for chunk in split)


def test_a_part_is_split_where_a_sentence_ends() -> None:
    sentence = f"{said(90)}. "
    made = chunks("p", [part("x", sentence * 12)])
    assert all(chunk.text.endswith(".") for chunk in made)


@settings(max_examples=15, deadline=None)
@given(st.text(min_size=LARGEST * 4, max_size=LARGEST * 5))
def test_any_large_text_is_split_and_whole(text: str) -> None:
    made = chunks("p", [part("x", text)])
    assert "".join("".join(chunk.text.split()) for chunk in made) == "".join(text.split())


def test_an_id_stays_as_long_as_the_text_does() -> None:
    before = chunks("p", [part("x", said(300)), part("y", said(350)), part("z", "end", headings="A")])
    after = chunks(
        "p", [part("x", "new"), part("x2", said(390)), part("y", said(350)), part("z", "end", headings="A")]
    )
    assert {chunk.id for chunk in before} & {chunk.id for chunk in after} == {before[1].id, before[2].id}


def test_equal_chunks_of_a_page_have_ids_of_their_own_and_other_pages_others() -> None:
    same = [part(str(n), "same", Shape.CODE, group=str(n)) for n in range(3)]
    ids = [chunk.id for chunk in chunks("p", same)]
    assert len(set(ids)) == 3
    assert [chunk.id for chunk in chunks("p", same)] == ids
    assert not {chunk.id for chunk in chunks("q", same)} & set(ids)


def test_half_a_surrogate_pair_is_replaced_in_whatever_is_shown() -> None:
    (made,) = chunks(
        "p", [Part("b", "cut \ud83d", headings=("top \ude00",), header="head \ud83d", shape=Shape.TABLE)]
    )

    assert "cut \ufffd" in made.text
    for shown in (made.text, *made.headings):
        shown.encode()


def test_parts_without_text_are_no_chunks() -> None:
    assert chunks("p", [part("x", ""), part("y", " \n\t")]) == ()


parts = st.lists(
    st.builds(
        Part,
        st.integers(0, 99).map(str),
        st.one_of(st.text(max_size=60), st.integers(0, 1200).map(said)),
        st.sampled_from(
            [Shape.TEXT, Shape.LIST, Shape.TABLE, Shape.CODE, Shape.TOGGLE, Shape.CALLOUT, Shape.HEADING]
        ),
        st.sampled_from([(), ("A",), ("A", "B"), ("C",)]),
        st.sampled_from(["", "g", "h"]),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(parts)
def test_the_chunks_hold_every_text_once_and_in_order(given: list[Part]) -> None:
    made = chunks("p", given)
    assert "".join("".join(chunk.text.split()) for chunk in made) == "".join(
        "".join(one.text.split()) for one in given
    )
    assert [chunk.ordinal for chunk in made] == list(range(len(made)))
    assert len({chunk.id for chunk in made}) == len(made)


@settings(max_examples=60, deadline=None)
@given(parts)
def test_no_chunk_is_larger_than_a_part_may_be(given: list[Part]) -> None:
    headings = sum(tokens(one.text) + 1 for one in given if one.shape is Shape.HEADING)
    assert all(tokens(chunk.text) <= LARGEST + headings for chunk in chunks("p", given))


def test_the_sizes_are_in_order() -> None:
    assert SMALL < TARGET < LARGEST
