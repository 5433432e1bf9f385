"""Two looks at a page's structure, compared."""

from dataclasses import replace

import pytest

from syncline.mapping.fingerprint import Element, differences

BEFORE = {
    one.id: one
    for one in (
        Element("page", "page", None, 0, "h0"),
        Element("a", "paragraph", "page", 0, "h1"),
        Element("b", "toggle", "page", 1, "h2"),
        Element("c", "paragraph", "b", 0, "h3"),
    )
}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({}, []),
        ({"c": replace(BEFORE["c"], hash="other")}, [("c", "edited")]),
        ({"c": replace(BEFORE["c"], type="quote")}, [("c", "edited")]),
        ({"c": replace(BEFORE["c"], parent="page", order=2)}, [("c", "moved")]),
        (
            {"a": replace(BEFORE["a"], order=1), "b": replace(BEFORE["b"], order=0)},
            [("a", "moved"), ("b", "moved")],
        ),
        ({"d": Element("d", "paragraph", "b", 1, "h4")}, [("d", "added")]),
        ({"c": None}, [("c", "removed")]),
    ],
)
def test_a_change_of_one_block_is_told_as_what_it_is(
    change: dict[str, Element | None], what: list[tuple[str, str]]
) -> None:
    after = {key: one for key, one in {**BEFORE, **change}.items() if one is not None}
    assert [(one.id, one.what) for one in differences(BEFORE, after)] == what
