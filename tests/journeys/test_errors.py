"""A person looks at what could not be read, has it read again, and puts aside what will never be."""

from tests.journeys.conftest import Notion, Syncline


def test_what_could_not_be_read_is_read_again_or_put_aside(syncline: Syncline, own_notion: Notion) -> None:
    syncline.connect(own_notion)
    pages = refused(syncline, own_notion, 2)
    said = syncline("errors").out
    assert all(page in said for page in pages)

    again = syncline("errors", "--retry")
    assert (again.code, again.out) == (0, "Read again: 0 places of 2. 2 cannot be read.\n")

    assert syncline("errors", "--dismiss", pages[0]).out == "Dismissed: 1 place.\n"
    left = syncline("errors")
    assert (pages[0] in left.out, pages[1] in left.out) == (False, True)
    assert "1 dismissed: --dismissed lists them." in left.err
    assert pages[0] in syncline("errors", "--dismissed").out

    own_notion.control("DELETE", "faults")
    assert syncline("errors", "--retry").out == "Read again: 1 place of 1. 0 cannot be read.\n"
    assert syncline("errors").out == "Nothing else could not be read; 1 dismissed.\n"
    assert syncline("pull", "--page", pages[0]).code == 0
    assert syncline("errors").out == "Everything that was found could be read.\n"
    assert syncline("errors", "--retry").out == "There is nothing to read again.\n"


def test_what_is_not_on_the_list_is_not_dismissed(pulled: Syncline) -> None:
    wrong = pulled("errors", "--dismiss", "x")
    both = pulled("errors", "--dismiss", "x", "--retry")

    assert (wrong.code, both.code) == (2, 2)
    assert "x is no page of this list" in wrong.err
    assert "--retry and --dismiss exclude each other." in both.err


def refused(syncline: Syncline, notion: Notion, count: int) -> list[str]:
    """So many pages whose content Notion refuses for good, after a full pull."""
    found = notion.api("POST", "search", {"filter": {"property": "object", "value": "page"}})["results"]
    pages = sorted(page["id"] for page in found)[:count]
    for page in pages:
        path = f"/v1/blocks/({page}|{page.replace('-', '')})/children"
        notion.control("POST", "faults", {"what": 404, "path": path})
    assert syncline("pull", "--full").code == 0
    return pages
