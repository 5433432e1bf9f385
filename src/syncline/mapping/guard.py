"""Stands in front of the client of a push: a write that is not a row of a mapped database is refused before it is sent.

A push makes rows and changes rows, nothing else. So what may be written is listed, and everything else is refused: blocks, databases, their
properties, pages outside the mapped databases, and whatever belongs to a protected page.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from syncline.core.errors import Skip
from syncline.notion import objects
from syncline.notion.budget import Lane
from syncline.notion.client import Client, Reader
from syncline.notion.objects import Listing, parse_id
from syncline.notion.sansio import Operation

__all__ = ["Guard", "Protected"]

T = TypeVar("T")


class Protected(Skip):
    """The write was not sent: what it would change is protected, or no row of a mapped database."""


class Guard:
    """A client through which only rows are written.

    `databases` are ids of the mapped data sources and of the databases around them. `protected` are ids of protected pages and of all that is
    their structure; `admit` names pages that are rows.
    """

    def __init__(
        self, client: Client, *, databases: Collection[str], protected: Collection[str] = ()
    ) -> None:
        self.version = client.version
        self.sent = 0
        self._client = client
        self._databases = set(databases)
        self._protected = set(protected)
        self._rows: set[str] = set()

    def open(self, database: str) -> None:
        """Let rows of this data source be made."""
        self._databases.add(database)

    def admit(self, pages: Iterable[str]) -> None:
        """Let pages that are rows of a mapped database be written."""
        self._rows.update(pages)

    def protect(self, ids: Iterable[str]) -> None:
        """Let nothing with these ids be written, whatever else it is."""
        self._protected.update(ids)

    async def send(
        self, operation: Operation[T], *, lane: Lane = Lane.INTERACTIVE, read_back: Reader[T] | None = None
    ) -> T:
        """Send the operation. Raises Protected for a write that may not be, besides what the client raises."""
        if not operation.safe:
            self._permit(operation)
        self.sent += 1
        answer = await self._client.send(operation, lane=lane, read_back=read_back)
        if operation.name == "pages.create" and isinstance(answer, Mapping):
            self._rows.add(str(answer["id"]))
        return answer

    async def pages(
        self, operation: Operation[Listing[T]], *, lane: Lane = Lane.INTERACTIVE
    ) -> AsyncIterator[Listing[T]]:
        """Read a listing."""
        async for listing in self._client.pages(operation, lane=lane):
            self.sent += 1
            yield listing

    def _permit(self, operation: Operation[Any]) -> None:
        allowed = _RULES.get(operation.name)
        if allowed is None or not allowed(self, operation):
            raise Protected(
                f"{operation.method} {operation.path} was not sent: a push writes rows of mapped databases, nothing else."
            )

    def _may_make(self, operation: Operation[Any]) -> bool:
        """Whether the new page is a row of a mapped database."""
        body = operation.body if isinstance(operation.body, Mapping) else {}
        place = objects.parent(body)
        inside = place is not None and place.kind in {"data_source", "database"} and place.id is not None
        return inside and place is not None and _plain(place.id) in self._databases - self._protected

    def _may_change(self, operation: Operation[Any]) -> bool:
        """Whether the page is a row, and not protected itself."""
        page = operation.path.split("/")[3]
        return page in self._rows and page not in self._protected


def _plain(identity: str | None) -> str:
    return parse_id(identity) if identity else ""


_Rule: TypeAlias = Callable[[Guard, Operation[Any]], bool]

_RULES: Final[Mapping[str, _Rule]] = {
    "pages.create": Guard._may_make,  # noqa: SLF001  its own table
    "pages.update": Guard._may_change,  # noqa: SLF001  as above
    "pages.update_markdown": Guard._may_change,  # noqa: SLF001  as above
}
"""The writes of a push. What is not here is never sent."""
