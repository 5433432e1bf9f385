from typing import Any

import pytest

from syncline.notion.errors import BrokenListing, NotFound, NotionError, ServerError, TimedOut
from syncline.notion.listing import ListingGuard, PageSize, next_page, page_size, shrunk, sized
from syncline.notion.sansio import Operation

IN_QUERY: Operation[Any] = Operation(
    "q", "GET", "/", (("page_size", "100"), ("block_id", "b")), paged="query"
)
IN_BODY: Operation[Any] = Operation("b", "POST", "/", (), {"page_size": 100, "filter": {}}, paged="body")
SINGLE: Operation[Any] = Operation("s", "GET", "/")


def test_the_next_page_carries_the_cursor_where_the_operation_takes_it() -> None:
    more = {"has_more": True, "next_cursor": "c"}
    in_query, in_body = next_page(IN_QUERY, more), next_page(IN_BODY, more)
    assert in_query is not None
    assert in_body is not None
    assert set(in_query.query) == {("page_size", "100"), ("block_id", "b"), ("start_cursor", "c")}
    assert in_body.body == {"page_size": 100, "filter": {}, "start_cursor": "c"}
    again = next_page(in_query, {"has_more": True, "next_cursor": "d"})
    assert again is not None
    assert [value for key, value in again.query if key == "start_cursor"] == ["d"]


@pytest.mark.parametrize("listing", [{"has_more": False, "next_cursor": None}, {}, {"next_cursor": "c"}])
def test_the_end_is_where_there_is_no_more(listing: dict[str, Any]) -> None:
    assert next_page(IN_QUERY, listing) is None


@pytest.mark.parametrize("cursor", [None, ""])
def test_more_without_a_cursor_is_an_error(cursor: str | None) -> None:
    with pytest.raises(BrokenListing, match="no cursor"):
        next_page(IN_QUERY, {"has_more": True, "next_cursor": cursor})


def test_what_is_no_listing_has_no_next_page() -> None:
    with pytest.raises(TypeError, match="not a listing"):
        next_page(SINGLE, {"has_more": True, "next_cursor": "c"})


@pytest.mark.parametrize(
    ("error", "size"),
    [
        (ServerError("x", status=503), 50),
        (ServerError("x", status=504), 50),
        (TimedOut("x"), 50),
        (ServerError("x", status=500), 100),
        (NotFound("x", status=404), 100),
    ],
)
@pytest.mark.parametrize("operation", [IN_QUERY, IN_BODY])
def test_strain_halves_the_page(error: NotionError, size: int, operation: Operation[Any]) -> None:
    assert page_size(shrunk(operation, error)) == size


def test_no_page_is_smaller_than_ten_unless_it_was_asked_for() -> None:
    error = TimedOut("x")
    assert page_size(shrunk(sized(IN_BODY, 12), error)) == 10
    assert page_size(shrunk(sized(IN_BODY, 10), error)) == 10
    assert page_size(shrunk(sized(IN_BODY, 3), error)) == 3
    assert shrunk(SINGLE, error) is SINGLE


def test_the_page_grows_again_after_four_easy_answers() -> None:
    size = PageSize(100, 100).answered(25)
    asked = []
    for _ in range(9):
        asked.append(size.now)
        size = size.answered(size.now)
    assert asked == [25, 25, 25, 50, 50, 50, 50, 100, 100]
    assert size == PageSize(100, 100)


def test_growth_that_fails_is_tried_ever_more_rarely() -> None:
    size = PageSize(100, 100)
    answers = []
    for _ in range(4):
        size, count = size.answered(25), 1
        while size.now == 25:
            size, count = size.answered(25), count + 1
        answers.append(count)
    assert answers == [4, 8, 16, 32]


def listing(cursor: str, *ids: str, kind: str = "block") -> dict[str, Any]:
    results = [{"object": kind, "id": each} for each in ids]
    return {"results": results, "has_more": True, "next_cursor": cursor}


def test_a_repeated_cursor_ends_the_listing_with_an_error() -> None:
    guard = ListingGuard("search")
    guard.admit(listing("a", "1"))
    guard.admit(listing("b", "2"))
    with pytest.raises(BrokenListing, match="cursor"):
        guard.admit(listing("a", "3"))


@pytest.mark.parametrize("ids", [(), ("1", "2")])
def test_a_listing_that_brings_nothing_new_ends_with_an_error(ids: tuple[str, ...]) -> None:
    guard = ListingGuard("search")
    guard.admit(listing("start", "1", "2"))
    for number in range(1, ListingGuard.IDLE_PAGES):
        guard.admit(listing(str(number), *ids))
    with pytest.raises(BrokenListing, match="nothing new"):
        guard.admit(listing("last", *ids))


def test_empty_pages_between_full_ones_are_no_end() -> None:
    guard = ListingGuard("query")
    for number in range(500):
        guard.admit(listing(str(number), *([str(number)] if number % 40 == 0 else [])))


def test_the_items_of_one_property_share_an_id_and_are_not_taken_for_repetitions() -> None:
    guard = ListingGuard("property")
    for number in range(200):
        guard.admit(listing(str(number), *["same"] * 100, kind="property_item"))
