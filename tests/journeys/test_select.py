"""A person chooses at the command line what is synced."""

import re

import pytest
from tests.journeys.conftest import Notion, Syncline

NOTHING = "00000000-0000-4000-8000-000000000000"  # an id of nothing


def listed(text: str) -> dict[str, tuple[str, str]]:
    """Whether an item is synced, and how it was chosen, by id."""
    found = re.findall(r"^(yes|no)\s+(included|excluded)?\s.*\s([0-9a-f-]{36})$", text, re.MULTILINE)
    return {key: (synced, mark) for synced, mark, key in found}


def live(syncline: Syncline) -> int:
    """How many pages and rows the store holds."""
    return int(syncline("status", "--json").json["pages"])


def test_what_is_chosen_is_what_the_next_pull_leaves(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)
    assert "Nothing is known here." in syncline("select", "list").out
    assert syncline("pull").code == 0
    before = live(syncline)
    (root,) = listed(syncline("select", "list").out)
    known = listed(syncline("select", "list", "--below", root).out)
    out = next(iter(known))
    assert set(known.values()) == {("yes", "")}

    assert syncline("select", "set", "--exclude", out).out == "Chosen for work.\n"
    assert syncline("pull").code == 0
    after = listed(syncline("select", "list", "--below", root).out)

    assert after == {key: ("no", "excluded") if key == out else ("yes", "") for key in known}
    assert 0 < live(syncline) < before
    assert syncline("select", "set").code == 0
    assert syncline("pull").code == 0
    assert live(syncline) == before


def test_the_tree_is_shown_level_by_level_and_by_name(pulled: Syncline) -> None:
    top = pulled("select", "list").out
    upper = next(line.split() for line in top.splitlines()[1:] if line.split()[2].isdigit())
    below = listed(pulled("select", "list", "--below", upper[-1]).out)
    assert len(below) == int(upper[2])
    assert not below.keys() & listed(top).keys()
    assert pulled("select", "list", "--search", "zzzz").out.startswith("Nothing is known here.")
    few = pulled("select", "list", "--search", "row", "--limit", "2")
    assert len(listed(few.out)) == 2
    assert "more: --limit" in few.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("list", "--below", "x"), "'x' is neither the id of a page nor its address."),
        (("set", "--include", "x"), "'x' is neither the id of a page nor its address."),
        (("set", "--include", NOTHING, "--databases-only"), "Choose pages to include, or databases only."),
    ],
)
def test_what_cannot_be_chosen_is_said(pulled: Syncline, words: tuple[str, ...], sentence: str) -> None:
    ended = pulled("select", *words)
    assert ended.code == 2
    assert sentence in ended.err


def test_a_page_is_either_included_or_excluded(pulled: Syncline) -> None:
    (root,) = listed(pulled("select", "list").out)

    ended = pulled("select", "set", "--include", root, "--exclude", root)

    assert ended.code == 2
    assert "A page is either included or excluded." in ended.err
