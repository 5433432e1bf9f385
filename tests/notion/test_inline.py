"""Marks become nested fences around text."""

import re
from typing import Any

from hypothesis import given
from tests.notion.block_samples import RICH_TEXTS, equation, run

from syncline.notion.inline import Dialect, Edges, Mark, render_spans
from syncline.notion.links import Links
from syncline.notion.richtext import spans


def _mark(name: str, opening: str, closing: str, *, hugs: bool = True) -> Mark:
    return Mark(name, lambda _value, _edges, _links: (opening, closing), hugs)


PLAIN = Dialect(
    marks=(_mark("link", "[", "]", hugs=False), _mark("bold", "{", "}"), _mark("italic", "(", ")")),
    leaves={"text": lambda span, _links: span.text, "equation": lambda span, _links: f"${span.text}$"},
    hidden={"color": "", "underline": False, "strikethrough": False, "code": False},
    starts=re.compile(r"(?P<number>(?!))"),
    space=" ",
    apart="|",
)


def written(*rich_text: dict[str, Any]) -> str:
    return render_spans(spans(list(rich_text)), PLAIN, links=Links())


def test_neighbours_share_a_fence_and_marks_nest_in_order() -> None:
    assert (
        written(run("a", bold=True), run("b", bold=True, italic=True), run("c", italic=True)) == "{a(b)}(c)"
    )


def test_what_a_dialect_cannot_show_parts_nothing() -> None:
    assert written(run("a", color="red", bold=True), run("b", underline=True, bold=True)) == "{ab}"


def test_space_at_the_ends_goes_outside_of_a_mark_that_hugs() -> None:
    assert written(run(" a ", bold=True)) == " {a} "
    assert written(run(" \n", bold=True), run("b")) == " \nb"
    assert written(run(" a ", link="u")) == "[ a ]"


def test_a_link_after_an_exclamation_mark_is_no_image() -> None:
    assert written(run("a!"), run("b", link="u")) == "a\\![b]"


def test_a_formula_is_kept_from_dollars_and_digits_behind_it() -> None:
    assert written(equation("a"), equation("b"), run("5"), equation("c"), run("d")) == "$a$|$b$|5$c$d"


def test_a_fence_is_told_what_stands_around_it() -> None:
    told: list[Edges] = []

    def fence(_value: Any, edges: Edges, _links: Links) -> tuple[str, str]:
        told.append(edges)
        return "{", "}"

    dialect = Dialect((Mark("bold", fence),), PLAIN.leaves, PLAIN.hidden, PLAIN.starts, " ", "")
    render_spans(spans([run("a"), run("b c ", bold=True), run("d", italic=True)]), dialect, links=Links())
    assert told == [Edges("a", "b", "c", " ")]


@given(RICH_TEXTS)
def test_all_text_is_written_in_its_order(rich_text: list[dict[str, Any]]) -> None:
    letters = "".join(part["plain_text"] for part in rich_text)
    found = written(*rich_text)
    position = 0
    for letter in filter(str.isalnum, letters):
        position = found.index(letter, position) + 1
