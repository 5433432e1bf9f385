"""Code, addresses and lines, as every spelling of rich text needs them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.notion.commonmark import inlines

from syncline.notion.dialects import code_span, destination, linked, plain_newlines


@given(st.text(st.sampled_from("a `|\\*"), min_size=1, max_size=12))
def test_a_code_span_reads_back(text: str) -> None:
    (token,) = inlines(f"x{code_span(text)}x")
    assert [child.content for child in token.children or ()] == ["x", text, "x"]


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1).filter(
        lambda url: url.strip()
    )
)
def test_any_address_stays_inside_its_link(url: str) -> None:
    (token,) = inlines(f"[text](https://example.com/{destination(url)}) after")
    kinds = [child.type for child in token.children or ()]
    assert kinds == ["link_open", "text", "link_close", "text"]


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://example.com/a_(b)", r"https://example.com/a_\(b\)"),
        ("https://example.com/a b", "https://example.com/a%20b"),
        ("https://example.com/?a=1&copy;=2", "https://example.com/?a=1&amp;copy;=2"),
        ("https://example.com/?a=1&b=2", "https://example.com/?a=1&b=2"),
        ("https://example.com/ü|<>", "https://example.com/ü%7C%3C%3E"),
        (" https://example.com/ ", "https://example.com/"),
    ],
)
def test_destination(url: str, written: str) -> None:
    assert destination(url) == written


def test_a_link_without_an_address_is_its_text() -> None:
    assert (linked("a", ""), linked("a", "u")) == ("a", "[a](u)")


def test_all_line_breaks_are_one_kind() -> None:
    assert plain_newlines("a\r\nb\rc\nd") == "a\nb\nc\nd"
    assert re.search("\r", plain_newlines("\r\r\n")) is None
