"""The grammar of the messages, by literal examples."""

from typing import Any

import pytest

from notion_emulator.block_requests import CHILDREN
from notion_emulator.errors import ValidationFailed
from notion_emulator.rich_text import RICH_TEXT
from notion_emulator.validate import Check, array, either, integer, literal, obj, refuse, string, uuid

NESTED = {"children": [{"paragraph": {"rich_text": [{"text": {"content": "x" * 2001}}]}}]}
DEEP: dict[str, Any] = {"toggle": {"rich_text": []}}
for _ in range(3):
    DEEP = {"toggle": {"rich_text": [], "children": [DEEP]}}

CASES: list[tuple[str, Check, object, str]] = [
    ("path", uuid, "x", 'path.id should be a valid uuid, instead was `"x"`.'),
    ("body", array(string()), ["a"] * 101, "body.id.length should be ≤ `100`, instead was `101`."),
    (
        "body",
        obj({"children": CHILDREN}),
        NESTED,
        "body.id.children[0].paragraph.rich_text[0].text.content.length should be ≤ `2000`, instead was `2001`.",
    ),
    ("body", obj({"children": CHILDREN}), {}, "body.id.children should be defined, instead was `undefined`."),
    ("body", obj({}), {"colour": "red"}, 'body.id.colour should be not present, instead was `"red"`.'),
    (
        "body",
        literal("page", "database"),
        "data_source",
        'body.id should be `"page"` or `"database"`, instead was `"data_source"`.',
    ),
    ("body", literal("a", "b", "c"), 1, 'body.id should be `"a"`, `"b"`, or `"c"`, instead was `1`.'),
    (
        "query",
        obj({}, {"n": integer(1, 100)}),
        {"n": 101},
        "query.id.n should be ≤ `100` or `undefined`, instead was `101`.",
    ),
    ("body", string(), None, "body.id should be a string, instead was `null`."),
    (
        "body",
        obj({}, {"a b": string()}),
        {"a b": 1},
        'body.id["a b"] should be a string or `undefined`, instead was `1`.',
    ),
    (
        "body",
        RICH_TEXT,
        [{"text": {"content": "", "link": 1}}],
        "body.id[0].text.link should be an object, `null`, or `undefined`, instead was `1`.",
    ),
]


@pytest.mark.parametrize(("part", "check", "value", "message"), CASES)
def test_a_failure_reads_as_notion_words_it(part: str, check: Check, value: object, message: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        refuse(part, check(value, f"{part}.id", ()))
    assert str(refused.value) == f"{part} failed validation: {message}"


def test_several_alternatives_are_listed_line_by_line() -> None:
    check = either(obj({"or": string()}), obj({"and": string()}))
    with pytest.raises(ValidationFailed) as refused:
        refuse("body", check({}, "body.filter", ()))
    assert str(refused.value) == (
        "body failed validation. Fix one:\n"
        "body.filter.or should be defined, instead was `undefined`.\n"
        "body.filter.and should be defined, instead was `undefined`."
    )


def test_a_third_level_of_children_is_not_present() -> None:
    (line,) = CHILDREN([DEEP], "body.children", ())
    assert line.startswith(
        "body.children[0].toggle.children[0].toggle.children[0].toggle.children should be not present"
    )


def test_lengths_count_utf16_units() -> None:
    assert string(3)("a😀", "x", ()) == []
    assert string(3)("😀😀", "x", ()) == ["x.length should be ≤ `3`, instead was `4`."]


def test_a_block_of_no_known_type_lists_the_types() -> None:
    lines = CHILDREN([{"type": "bogus"}], "body.children", ())
    assert "body.children[0].paragraph should be defined, instead was `undefined`." in lines
    assert len(lines) > 25
