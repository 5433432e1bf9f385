"""Reading again what nobody changed gives the same canonical form; changing anything gives another."""

import copy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.notion.block_samples import run

from syncline.notion.canonical import canonical, is_signed, stable_url

HOSTED = "https://prod-files-secure.s3.us-west-2.amazonaws.com/space/file/plan.pdf"


def file_at(signature: str, expiry: str) -> dict[str, Any]:
    return {
        "object": "block",
        "id": "b",
        "type": "pdf",
        "pdf": {
            "type": "file",
            "file": {"url": f"{HOSTED}?X-Amz-Algorithm=A&X-Amz-Signature={signature}", "expiry_time": expiry},
            "caption": [],
        },
        "request_id": signature,
    }


def test_signatures_expiry_and_request_ids_are_left_out() -> None:
    assert canonical(file_at("1", "2026-07-01T10:00:00Z")) == canonical(file_at("2", "2026-07-01T11:00:00Z"))
    assert canonical(file_at("1", "x"))["pdf"]["file"] == {"url": HOSTED}


def test_another_file_is_another_form() -> None:
    other = copy.deepcopy(file_at("1", "x"))
    other["pdf"]["file"]["url"] = other["pdf"]["file"]["url"].replace("plan", "plan2")
    assert canonical(other) != canonical(file_at("1", "x"))


def test_the_spelling_of_a_formula_is_left_out_but_its_result_is_not() -> None:
    def column(expression: str) -> dict[str, Any]:
        return {"id": "f", "type": "formula", "name": "Due", "formula": {"expression": expression}}

    def cell(result: str) -> dict[str, Any]:
        return {"id": "f", "type": "formula", "formula": {"type": "string", "string": result}}

    assert canonical(column('prop("A")')) == canonical(column("{{notion:block_property:x}}"))
    assert canonical(cell("a")) != canonical(cell("b"))


def test_columns_may_bear_the_names_of_what_is_left_out() -> None:
    def page(text: str) -> dict[str, Any]:
        value = {"id": "x", "type": "rich_text", "rich_text": [run(text)]}
        return {
            "object": "page",
            "properties": {"request_id": value, "expiry_time": value, "url": value, "archived": value},
        }

    assert canonical(page("a")) != canonical(page("b"))
    assert set(canonical(page("a"))["properties"]) == {"request_id", "expiry_time", "url", "archived"}


def test_a_key_without_value_is_as_good_as_none() -> None:
    before = {"object": "block", "type": "paragraph", "paragraph": {"rich_text": [], "color": "default"}}
    after = {**before, "paragraph": {**before["paragraph"], "icon": None}, "is_new": None}  # type: ignore[dict-item]
    assert canonical(after) == canonical(before)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"archived": False, "in_trash": False}, {"in_trash": False}),
        ({"archived": True, "in_trash": True}, {"in_trash": True}),
        ({"archived": True}, {"in_trash": True}),
        (
            {"type": "transcription", "transcription": {"title": []}},
            {"type": "meeting_notes", "meeting_notes": {"title": []}},
        ),
    ],
)
def test_versions_agree(older: dict[str, Any], newer: dict[str, Any]) -> None:
    assert canonical({"object": "block", **older}) == canonical({"object": "block", **newer})


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        (f"{HOSTED}?X-Amz-Signature=1", True),
        (f"{HOSTED}?x-amz-signature=1", True),
        ("https://file.notion.so/f/a.png?expirationTimestamp=1&signature=2", True),
        ("https://example.com/a?X-Amz-Signatures=1", False),
        ("https://example.com/?q=1", False),
        ("https://example.com/", False),
        ("https://[broken/?q", False),
        ("", False),
    ],
)
def test_is_signed(url: str, *, signed: bool) -> None:
    assert is_signed(url) is signed
    assert stable_url(url) == (url.partition("?")[0] if signed else url)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["object", "type", "url", "expiry_time", "request_id", "formula", "archived", "in_trash", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_the_canonical_form_of_a_canonical_form_is_itself(value: Any) -> None:
    assert canonical(canonical(value)) == canonical(value)


@given(JSON)
def test_the_value_itself_is_left_alone(value: Any) -> None:
    before = copy.deepcopy(value)
    canonical(value)
    assert value == before


def test_recorded_listings_of_one_page_differ_only_by_what_was_edited(recorded: list[dict[str, Any]]) -> None:
    """Eleven readings over two weeks: the same blocks, new signatures each time."""
    readings = [
        {block["id"]: block for block in line["response"]["body"]["results"]}
        for line in recorded
        if "page_size=100" in line["request"]["path"] and "/blocks/96245c8f" in line["request"]["path"]
    ]
    assert len(readings) > 5
    pairs = [
        (earlier[identity], later[identity])
        for earlier, later in pairwise(readings)
        for identity in earlier.keys() & later.keys()
    ]
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    changed = [pair for pair in pairs if canonical(pair[0]) != canonical(pair[1])]
    edited = [pair for pair in pairs if pair[0]["last_edited_time"] != pair[1]["last_edited_time"]]
    assert changed == edited
    assert len(differing) > len(changed) > 0
