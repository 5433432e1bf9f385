"""Notion's dialect spells text so that taking the spelling away gives the text."""

import re

import pytest
from hypothesis import given
from tests.notion.block_samples import TRICKY, run

from syncline.notion.dialects import one_line
from syncline.notion.links import Links
from syncline.notion.notion_text import NOTION, attributes, color_name, tag

LINKS = Links()


def spelt(*runs: dict[str, object]) -> str:
    return one_line(list(runs), NOTION, links=LINKS)


@given(TRICKY)
def test_plain_text_reads_back(text: str) -> None:
    line = spelt(run(text))
    assert "\n" not in line
    read = re.sub(r"\\(.)", r"\1", line.replace("<br>", "\n"))
    assert [part.split() for part in read.split("\n")] == [part.split() for part in text.rstrip().split("\n")]


@given(TRICKY)
def test_no_character_of_the_dialect_stands_bare(text: str) -> None:
    line = re.sub(r"\\.", "", spelt(run(text)).replace("<br>", ""))
    assert not set(line) & set("\\*~`$[]<>{}|^")


@pytest.mark.parametrize("line", ["# a", "###### a", "- a", "+ a", "---", "1. a", "12) a", "-"])
def test_what_begins_another_block_is_escaped(line: str) -> None:
    assert spelt(run(line)).replace("\\", "", 1) == line
    assert "\\" in spelt(run(line))


@pytest.mark.parametrize("line", ["#a", "-a", "1.5", "a - b", "--", "2026-07-01"])
def test_what_begins_nothing_is_left_alone(line: str) -> None:
    assert spelt(run(line)) == line


def test_space_moves_out_of_emphasis_and_neighbours_share_it() -> None:
    assert spelt(run("a "), run(" b ", bold=True), run("c", bold=True, italic=True)) == "a  **b *c***"
    assert spelt(run(" ", bold=True), run("x")) == " x"


def test_marks_nest_in_one_order() -> None:
    marks = {"bold": True, "italic": True, "strikethrough": True, "underline": True}
    assert spelt(run("x", link="https://e.com", color="red_background", **marks)) == (
        '[<span color="red_bg"><span underline="true">***~~x~~***</span></span>](https://e.com)'
    )


def test_a_tag_without_text_closes_itself() -> None:
    assert tag("a", "", url="u") == '<a url="u"/>'
    assert tag("a", "t", url="u", alt=None) == '<a url="u">t</a>'


def test_attributes_are_quoted() -> None:
    assert attributes(header_row='a"b\\', empty="") == ' header-row="a\\"b\\\\"'


@pytest.mark.parametrize(
    ("color", "name"),
    [("red", "red"), ("red_background", "red_bg"), ("default", ""), ("default_background", ""), (None, "")],
)
def test_color_name(color: str | None, name: str) -> None:
    assert color_name(color) == name
