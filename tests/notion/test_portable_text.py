"""A parser reads back from portable text what people wrote, letter by letter, with every mark."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from tests.notion.block_samples import RICH_TEXTS, equation, run
from tests.notion.commonmark import Letter, html_letters, inlines, letters, tokens

from syncline.notion.dialects import broken_lines, one_line
from syncline.notion.links import Links
from syncline.notion.portable_text import CELL, HTML, PORTABLE

LINKS = Links()
RichText = list[dict[str, Any]]


def written(rich_text: RichText) -> list[Letter]:
    """The letters of a rich text without what Markdown cannot keep: spaces (and marks on them) and colours."""
    found = []
    for piece in rich_text:
        marks = {name: piece["annotations"][name] for name in _MARKS}
        found += [Letter(character, link=piece["href"] or "", **marks) for character in piece["plain_text"]]
    return seen(found)


def seen(found: Sequence[Letter]) -> list[Letter]:
    return [replace(letter, link=unquote(letter.link)) for letter in found if not letter.character.isspace()]


_MARKS = ("bold", "italic", "strikethrough", "underline", "code")


def paragraph(rich_text: RichText) -> str:
    return "\n".join(broken_lines(rich_text, PORTABLE, links=LINKS))


def item(rich_text: RichText) -> str:
    lines = broken_lines(rich_text, PORTABLE, links=LINKS)
    return "\n".join([f"- {lines[0]}", *(f"  {line}" for line in lines[1:])])


def heading(rich_text: RichText) -> str:
    return f"# {one_line(rich_text, PORTABLE, links=LINKS)} end"


def cell(rich_text: RichText) -> str:
    return f"| {one_line(rich_text, CELL, links=LINKS)} | end |\n| --- | --- |\n| next | row |"


def _alone(text: str) -> list[Letter]:
    """All there is to read is one paragraph."""
    found = inlines(text)
    assert len(found) <= 1, text
    return seen([letter for token in found for letter in letters(token)])


def _before_end(text: str) -> list[Letter]:
    found = seen(letters(inlines(text)[0]))
    assert found[-3:] == [Letter("e"), Letter("n"), Letter("d")]
    return found[:-3]


def _first_cell(text: str) -> list[Letter]:
    found = inlines(text)
    assert len(found) == 4, text
    return seen(letters(found[0]))


TRAPS = [
    [run("foo:", bold=True), run("bar")],
    [run("a", italic=True), run("b", bold=True), run("c", italic=True)],
    [run("a "), run(" b ", bold=True), run("c", bold=True, italic=True)],
    [run("*", bold=True), run("*")],
    [run("x", bold=True, code=True), run("y", code=True)],
    [run("`", code=True), run("`")],
    [run("![a](b) [x]: y <b> &amp; &copy $5 ~~z~~ http://a_b_")],
    [run("# a\n- b\n+ c\n1. d\n2) e\n> f\n---\n===\n|a|b|\n|-|-|\n\n    code\n\t```")],
    [run("a|b\\"), run("c\\|d|", code=True), run("|e")],
    [run("end!"), run("link", link="https://example.com/(")],
    [run("漢字。", bold=True), run("漢")],
    [run("€", bold=True), run("a")],
    [run("a\n b", underline=True, italic=True), run("\n")],
    [run("a", strikethrough=True), run("b")],
    [run("nested", link="https://e.com", bold=True), run(" more", link="https://e.com")],
]


def _examples(test: Callable[[RichText], None]) -> Callable[[RichText], None]:
    for trap in TRAPS:
        test = example(trap)(test)
    return test


@given(RICH_TEXTS)
@_examples
def test_a_paragraph_reads_back(rich_text: RichText) -> None:
    assert _alone(paragraph(rich_text)) == written(rich_text)


@given(RICH_TEXTS)
@_examples
def test_the_item_of_a_list_reads_back(rich_text: RichText) -> None:
    assert _alone(item(rich_text)) == written(rich_text)


@given(RICH_TEXTS)
@_examples
def test_a_heading_reads_back(rich_text: RichText) -> None:
    assert _before_end(heading(rich_text)) == written(rich_text)


@given(RICH_TEXTS)
@_examples
def test_the_cell_of_a_table_reads_back(rich_text: RichText) -> None:
    assert _first_cell(cell(rich_text)) == written(rich_text)


@given(RICH_TEXTS)
@_examples
def test_html_reads_back(rich_text: RichText) -> None:
    html = one_line(rich_text, HTML, links=LINKS)
    assert seen(html_letters(html)) == written(rich_text)


@given(RICH_TEXTS)
@_examples
def test_words_stay_apart(rich_text: RichText) -> None:
    found = (letter.character for token in inlines(paragraph(rich_text)) for letter in letters(token))
    original = "".join(piece["plain_text"] for piece in rich_text)
    assert "".join(found).split() == original.split()


@given(RICH_TEXTS)
def test_a_line_break_of_a_paragraph_is_kept(rich_text: RichText) -> None:
    text = "".join(piece["plain_text"] for piece in rich_text)
    breaks = text.strip().count("\n")
    found = "".join(letter.character for token in inlines(paragraph(rich_text)) for letter in letters(token))
    assert found.strip().count("\n") == breaks


@pytest.mark.parametrize("expression", ["a_1 * b_2", "x|y", r"\|v\|", "a\\", "$5", r"\$5", "a < b > c", "1"])
def test_a_formula_reads_back(expression: str) -> None:
    text = paragraph([run("cost "), equation(expression), equation("z"), run("7")])
    found = [child.content for child in inlines(text)[0].children or () if child.type == "math_inline"]
    assert len(found) == 2
    assert re.sub(r"\\?\$| \{\}$", "", found[0]) == re.sub(r"\\?\$", "", expression)


def test_a_formula_in_a_cell_keeps_the_table_whole() -> None:
    found = inlines(cell([equation(r"\|x| + a")]))
    assert [child.content for child in found[0].children or ()] == [r"\Vert x\vert + a"]


def test_a_heading_ends_where_its_text_ends() -> None:
    assert [token.type for token in tokens("# a\n\nb")][:3] == ["heading_open", "inline", "heading_close"]
