"""Runs of text: read, joined, measured, split."""

from hypothesis import given
from hypothesis import strategies as st
from tests.notion.block_samples import RICH_TEXTS, equation, mention, run

from syncline.notion.richtext import Span, merged, runs, spans, text, units


def test_text_is_what_a_reader_sees() -> None:
    assert text([run("a"), equation("x"), mention("user", {"id": "u"}, "@Ada")]) == "ax@Ada"
    assert (
        text(
            [
                {"type": "text", "text": {"content": "b"}},
                {"type": "equation", "equation": {"expression": "y"}},
            ]
        )
        == "by"
    )
    assert (text([]), text(None), text([{}])) == ("", "", "")


def test_neighbours_with_the_same_marks_are_one_span() -> None:
    found = spans([run("a", bold=True), run(""), run("b", bold=True), run("c"), equation("x"), equation("y")])
    assert [(span.kind, span.text, span.bold) for span in found] == [
        ("text", "ab", True),
        ("text", "c", False),
        ("equation", "x", False),
        ("equation", "y", False),
    ]


def test_a_span_holds_link_and_colour_but_no_defaults() -> None:
    assert spans([run("a", link="https://e.com", color="red")]) == [
        Span("text", "a", link="https://e.com", color="red")
    ]
    assert spans([{"type": "text", "text": {"content": "a", "link": {"url": "u"}}}]) == [
        Span("text", "a", link="u")
    ]


def test_a_mention_keeps_its_run() -> None:
    raw = mention("page", {"id": "p"}, "P", href="https://e.com")
    assert spans([raw]) == [Span("mention", "P", detail=raw)]


@given(RICH_TEXTS)
def test_joining_loses_no_text_and_leaves_no_equal_neighbours(rich_text: list[dict[str, object]]) -> None:
    found = spans(rich_text)
    assert "".join(span.text for span in found) == text(rich_text)
    assert merged(found) == found


@given(st.text(), st.integers(2, 7))
def test_split_text_joins_to_itself_within_the_limit(content: str, limit: int) -> None:
    parts = [part["text"]["content"] for part in runs(content, limit=limit)]
    assert "".join(parts) == content
    assert all(0 < units(part) <= limit for part in parts)


def test_units_count_as_utf_16_does() -> None:
    assert [units(content) for content in ("", "ab", "é漢", "😍", "a😍")] == [0, 2, 2, 2, 3]
