"""A person searches what was pulled."""

import pytest
from tests.journeys.conftest import Notion, Syncline


@pytest.fixture(scope="module")
def searched(notion: Notion, tmp_path_factory: pytest.TempPathFactory) -> Syncline:
    """The command line with a home that holds the small workspace, for these tests alone: a search writes the index."""
    syncline = Syncline(tmp_path_factory.mktemp("searched") / "home")
    syncline.connect(notion)
    assert syncline("pull").code == 0
    return syncline


def test_what_was_pulled_is_found_and_leads_to_notion(searched: Syncline) -> None:
    found = searched("search", "row", "--limit", "3", "--json")
    again = searched("search", "row", "--limit", "3")
    assert (found.code, found.json["query"], len(found.json["results"])) == (0, "row", 3)
    first = found.json["results"][0]
    assert first["connection"] == "work"
    assert "".join(piece["text"] for piece in first["passage"]) in first["text"]
    assert again.out.splitlines()[0].startswith(first["title"])
    assert first["url"] in again.out


def test_each_option_counts(searched: Syncline) -> None:
    rows = searched("search", "row", "page", "--type", "row", "--limit", "50", "--json").json["results"]
    both = searched(
        "search", "row", "page", "--type", "row", "--type", "page", "--limit", "50", "--json"
    ).json["results"]
    assert {one["type"] for one in rows} == {"row"}
    assert {one["type"] for one in both} == {"row", "page"}
    assert searched("search", "row", "-c", "work", "--json").json["results"]
    without = searched("search", "--json", "--", "row", "-row").json
    assert without == {"query": "row -row", "results": []}


def test_nothing_found_is_said_and_no_error(searched: Syncline) -> None:
    ended = searched("search", "zzzzzz")
    assert (ended.code, ended.out, ended.err) == (0, "", "Nothing was found.\n")


def test_what_cannot_be_searched_is_said(syncline: Syncline, searched: Syncline) -> None:
    assert syncline("search", "x").code == 3
    assert searched("search", "x", "-c", "nobody").code == 3
    assert searched("search").code == 2
    assert searched("search", "x", "--limit", "0").code == 2
