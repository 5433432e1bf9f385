"""What Notion's Markdown says beside its text: children, parts that were left out, addresses that change."""

from typing import Any

import pytest

from syncline.notion.objects import PageMarkdown
from syncline.sources.notion_markdown import children, cut, joined, stable

HOST = "https://app.notion.com/p/"


def key(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


PAGE = key(1)


def tag(number: int) -> str:
    return f'<unknown url="{HOST}Title-{PAGE.replace("-", "")}#{key(number).replace("-", "")}" alt="toggle"/>'


def test_pages_and_databases_hang_below() -> None:
    text = f'a\n\t<page url="{HOST}T-{key(2).replace("-", "")}">T</page>\n<database url="{HOST}{key(3)}?v=1" inline="true">D</database>'
    assert list(children(text)) == [("page", key(2)), ("database", key(3))]


PAGE_TAG = f'<page url="{HOST}T-{key(2).replace("-", "")}">T</page>'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"```xml\n{PAGE_TAG}\n```", []),
        (f"- a\n\t```\n\t{PAGE_TAG}\n\t```\n{PAGE_TAG}", [key(2)]),
        (f"````\n```\n{PAGE_TAG}\n```\n{PAGE_TAG}\n````", []),
        (f"```\n\t```\n{PAGE_TAG}\n```", []),
        (f"```\ncode\n```\n{PAGE_TAG}\n```\ncode\n```", [key(2)]),
        (f"```\nno end\n{PAGE_TAG}", [key(2)]),
        (f"```\nno end\n{PAGE_TAG}\n```xml\n{PAGE_TAG}", [key(2)] * 2),
        (f"\\`\\`\\`\n{PAGE_TAG}\n\\`\\`\\`", [key(2)]),
    ],
)
def test_code_is_literal_and_holds_no_page(text: str, found: list[str]) -> None:
    assert [below for _, below in children(text)] == found


def test_in_code_nothing_was_left_out_and_nothing_is_put() -> None:
    code = f"```\n{tag(2)}\n```"
    assert joined(PAGE, {PAGE: f"{code}\n{tag(2)}", key(2): "two"}) == f"{code}\ntwo"
    named = list(map(key, range(100)))
    shown = "\n".join(map(tag, range(100)))
    answer: PageMarkdown = {
        "markdown": f"{shown}\n```\n{tag(101)}\n```",
        "truncated": True,
        "unknown_block_ids": named,
    }
    assert cut(answer) is None


def test_a_signature_is_no_part_of_the_text() -> None:
    file = "https://prod-files-secure.s3.us-west-2.amazonaws.com/a/b/c.png"
    once, again = (f"![x]({file}?X-Amz-Signature={sign}&X-Amz-Expires=3600)" for sign in "ab")
    assert once != again
    assert stable(once) == stable(again)


@pytest.mark.parametrize(
    ("truncated", "named", "shown", "is_cut"),
    [
        (False, 0, 5, False),  # bookmarks, which no Markdown exists for
        (True, 0, 0, True),
        (True, 5, 5, False),
        (True, 5, 9, False),
        (True, 100, 100, False),
        (True, 100, 101, True),
    ],
)
def test_a_text_is_cut_where_more_is_left_out_than_is_named(
    *, truncated: bool, named: int, shown: int, is_cut: bool
) -> None:
    answer: PageMarkdown = {
        "markdown": "\n".join(map(tag, range(shown))),
        "truncated": truncated,
        "unknown_block_ids": list(map(key, range(named))),
    }
    assert (cut(answer) is not None) is is_cut


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ({}, f"above\n\t{tag(2)}\nbelow"),
        ({2: "one\n\ttwo"}, "above\n\tone\n\t\ttwo\nbelow"),
        ({2: tag(3), 3: "deep"}, "above\n\tdeep\nbelow"),
        ({2: f"inside\n{tag(2)}"}, f"above\n\tinside\n\t{tag(2)}\nbelow"),
        ({2: tag(3), 3: f"again\n{tag(2)}"}, f"above\n\tagain\n\t{tag(2)}\nbelow"),
    ],
)
def test_what_was_left_out_is_put_in_its_place_once(pieces: dict[int, Any], whole: str) -> None:
    text = f"above\n\t{tag(2)}\nbelow"
    assert joined(PAGE, {PAGE: text} | {key(number): piece for number, piece in pieces.items()}) == whole
