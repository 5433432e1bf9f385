"""What is known of listings without a network: the next page, how large to ask for it, and when to stop believing.

https://developers.notion.com/reference/intro#pagination
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from .errors import BrokenListing, NotionError, TimedOut
from .objects import results
from .sansio import Operation

__all__ = [
    "LARGEST_PAGE",
    "SMALLEST_PAGE",
    "ListingGuard",
    "PageSize",
    "next_page",
    "page_size",
    "shrunk",
    "sized",
]

LARGEST_PAGE: Final = 100
SMALLEST_PAGE: Final = 10

T = TypeVar("T")


def next_page(operation: Operation[T], listing: Mapping[str, Any]) -> Operation[T] | None:
    """Return the operation that reads on after `listing`, or None at the end.

    Raises BrokenListing where Notion says there is more but not where.
    """
    if not listing.get("has_more"):
        return None
    cursor = listing.get("next_cursor")
    if not cursor:
        raise BrokenListing(f"{operation.name} has more but gives no cursor")
    return _set(operation, "start_cursor", cursor)


def sized(operation: Operation[T], size: int) -> Operation[T]:
    """Return the operation asking for at most `size` results at once."""
    return operation if page_size(operation) == size else _set(operation, "page_size", size)


def page_size(operation: Operation[Any]) -> int:
    """Return how many results the operation asks for; Notion's default is the largest page."""
    if operation.paged == "query":
        return next((int(value) for key, value in operation.query if key == "page_size"), LARGEST_PAGE)
    body = operation.body if isinstance(operation.body, Mapping) else {}
    return int(body.get("page_size", LARGEST_PAGE))


def _set(operation: Operation[T], key: str, value: str | int) -> Operation[T]:
    match operation.paged:
        case "query":
            kept = tuple(pair for pair in operation.query if pair[0] != key)
            return replace(operation, query=(*kept, (key, str(value))))
        case "body":
            body = operation.body if isinstance(operation.body, Mapping) else {}
            return replace(operation, body={**body, key: value})
        case None:
            raise TypeError(f"{operation.name} is not a listing")


def shrunk(operation: Operation[T], error: NotionError) -> Operation[T]:
    """Return a listing asking for half as many results, 10 at the least, if `error` may come from too large a page.

    That are 503, 504 and no answer in time. Any other operation is returned as it is.
    """
    if operation.paged is None or not (isinstance(error, TimedOut) or error.status in (503, 504)):
        return operation
    size = page_size(operation)
    return sized(operation, max(min(SMALLEST_PAGE, size), size // 2))


@dataclass(frozen=True, slots=True)
class PageSize:
    """How many results to ask for next: what was last answered, and twice as many after enough easy answers.

    Enough are four at first, and twice as many each time that more proved too many again.
    """

    wanted: int
    now: int
    easy: int = 0
    enough: int = 2

    def answered(self, size: int) -> "PageSize":
        """Return the size to ask for after an answer that was asked for with `size`."""
        if size >= self.wanted:
            return PageSize(self.wanted, self.wanted)
        if size < self.now:
            return PageSize(self.wanted, size, 1, min(self.enough * 2, 64))
        if self.easy + 1 >= self.enough:
            return PageSize(self.wanted, min(self.wanted, size * 2), 0, self.enough)
        return PageSize(self.wanted, size, self.easy + 1, self.enough)


class ListingGuard:
    """Raises where a listing cannot end: a cursor comes twice, or page after page brings nothing new."""

    IDLE_PAGES: Final = 50

    def __init__(self, name: str) -> None:
        self._name = name
        self._cursors: set[str] = set()
        self._seen: set[str] = set()
        self._idle = 0

    def admit(self, listing: Mapping[str, Any]) -> None:
        """Take note of one more page of the listing. Raises BrokenListing."""
        if not listing.get("has_more"):
            return
        cursor = str(listing.get("next_cursor"))
        if cursor in self._cursors:
            raise BrokenListing(f"{self._name} came back to a cursor it had given before")
        self._cursors.add(cursor)
        self._idle = 0 if self._brings_new(listing) else self._idle + 1
        if self._idle >= self.IDLE_PAGES:
            raise BrokenListing(f"{self._name} gave nothing new in {self._idle} pages and does not end")

    def _brings_new(self, listing: Mapping[str, Any]) -> bool:
        known = len(self._seen)
        anonymous = False
        for identity in _identities(listing):
            if identity is None:
                anonymous = True
            else:
                self._seen.add(identity)
        return anonymous or len(self._seen) > known


def _identities(listing: Mapping[str, Any]) -> Iterator[str | None]:
    """Yield the id of each result, or None for what has none of its own.

    The items of one property all carry the property's id.
    """
    for item in results(listing):
        yield None if item.get("object") == "property_item" else item.get("id")
