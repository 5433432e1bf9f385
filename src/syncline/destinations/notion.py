"""Writes rows of a mapped table into a Notion database, and reads the index it is compared with.

    index     POST  /v1/data_sources/{id}/query     all pages with the mapped properties, ⌈R/100⌉ requests
    find      the same, filtered by the key         what a write with an unknown outcome has left
    create    POST  /v1/pages                       one request, content included
    update    PATCH /v1/pages/{id}                  only the properties that differ
    trash     PATCH /v1/pages/{id}
    body      PATCH /v1/pages/{id}/markdown         the whole content at once

Each write is one request and is repeated only once it was read back (notion.client). Errors: Refused and Unreachable end a push,
Skip ends one row. Sources: https://developers.notion.com/reference/post-page, …/patch-page, …/query-a-data-source.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from syncline.core.errors import Refused, Skip, Unreachable
from syncline.core.mapped_values import PropertyType, Unfit, Value, from_column, key_text, values_hash
from syncline.core.mapping import PAGE_ID, MappedTable
from syncline.core.matching import pushed
from syncline.core.plan import Indexed
from syncline.core.schema import NotionSchema
from syncline.destinations.property_values import payload, value
from syncline.notion import errors, objects
from syncline.notion import operations as op
from syncline.notion.budget import Lane
from syncline.notion.client import Reader
from syncline.notion.objects import Listing, Version
from syncline.notion.sansio import Operation
from syncline.notion.values import completed, properties, truncated

__all__ = ["Full", "NotionTable", "Sender", "indexed", "key_type", "oversize", "person_ids", "sentence"]

T = TypeVar("T")

BODY = 400_000
"""Bytes of Markdown that fit into one request of 500 KB with all else: https://developers.notion.com/reference/request-limits"""


class Sender(Protocol):
    """What a push sends its requests through: a client, or a guard in front of one."""

    version: Version

    async def send(
        self, operation: Operation[T], *, lane: Lane = ..., read_back: Reader[T] | None = None
    ) -> T:
        """Send until answered."""
        ...

    def pages(self, operation: Operation[Listing[T]], *, lane: Lane = ...) -> AsyncIterator[Listing[T]]:
        """Read a listing to its end."""
        ...


class Full(Skip):
    """Nothing more can be made there: the database has all the rows, or the workspace all the blocks, that it may have."""

    def __init__(self, message: str, *, workspace: bool) -> None:
        super().__init__(message)
        self.workspace = workspace


def key_type(schema: NotionSchema, table: MappedTable) -> PropertyType:
    """The type of the property that holds a table's keys."""
    found = schema.named(table.key.property)
    return PropertyType(found.type) if found is not None else PropertyType.RICH_TEXT


def indexed(page: Mapping[str, Any], table: MappedTable, kinds: Iterable[str]) -> Indexed:
    """A page as the index has it. `kinds` are the names of the properties it is to hold; what has no plain form counts as empty."""
    cells = page.get("properties") or {}
    values = {name: _plain(cells[name]) for name in kinds if name in cells}
    own = table.key.property
    key = str(page["id"]) if own == PAGE_ID else key_text(values.get(own))
    return Indexed(str(page["id"]), key, values, values_hash(values), objects.last_edited(page))


def person_ids(page: Mapping[str, Any]) -> dict[str, str]:
    """The ids of the people in a page's properties, by e-mail address, where Notion shows that."""
    cells = (page.get("properties") or {}).values()
    people = (person for cell in cells if cell.get("type") == "people" for person in cell.get("people") or ())
    return {
        str(email).lower(): str(person["id"])
        for person in people
        if (email := (person.get("person") or {}).get("email"))
    }


@dataclass(frozen=True)
class NotionTable:
    """One mapped Notion database.

    `settle` are the seconds for which a page may still come into being after the connection broke that asked for it.
    """

    sender: Sender
    schema: NotionSchema
    table: MappedTable
    lane: Lane = Lane.INCREMENTAL
    settle: float = 2.0
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def index(self, *, since: datetime | None = None) -> AsyncIterator[list[Mapping[str, Any]]]:
        """All pages of the database with their mapped properties, a listing's answer at a time; those edited at `since` or later.

        Beyond 10,000 pages the listing goes on in windows of the time of creation. Raises Unreachable where that cannot be.
        """
        start: str | None = None
        seen: set[str] = set()
        while True:
            capped, last = None, start
            async for listing in self._query(start, since):
                found = [page for page in objects.results(listing) if page["id"] not in seen]
                seen.update(page["id"] for page in found)
                last = found[-1]["created_time"] if found else last
                capped = objects.incomplete(listing) or capped
                yield [await self._whole(page) for page in found]
            if capped is None:
                return
            if last == start:
                raise Unreachable(
                    f"More than 10,000 pages of {self.schema.title} were created in the minute {start}, and Notion lists no more than that."
                )
            start = last

    async def find(self, key: str) -> list[Mapping[str, Any]]:
        """The pages that have this key, whole; none where there are none."""
        own = self.table.key.property
        if own == PAGE_ID:
            return [await self.retrieve(key)]
        kind = key_type(self.schema, self.table)
        condition = {"property": own, kind.value: {"equals": from_column(kind, key)}}
        query = op.query_data_source(
            self.schema.data_source, version=self.sender.version, filter=condition, page_size=10
        )
        listing = await self._send(query, f"the page of {key}")
        return [await self._whole(page) for page in objects.results(listing)]

    async def retrieve(self, page: str) -> Mapping[str, Any]:
        """One page, whole."""
        return await self._whole(await self._send(op.retrieve_page(page), f"the page {page}"))

    async def create(
        self, key: str, sent: Mapping[str, Any], *, body: str | None = None
    ) -> Mapping[str, Any]:
        """Make the page of a row; the page as Notion answered it. `sent` are values as `payload` gives them.

        Raises Full where Notion takes no more rows or blocks.
        """
        where = "data_source_id" if self.sender.version.has_data_sources else "database_id"
        fields: op.NewPage = {
            "parent": {"type": where, where: self.schema.data_source},
            "properties": dict(sent),
        }
        if body:
            fields["markdown"] = _fitting(body)

        async def left(error: errors.NotionError) -> Any:
            made = error.additional_data.get("committed_resource_id")
            if made:
                return await self.sender.send(op.retrieve_page(str(made)), lane=self.lane)
            await self.sleep(self.settle)
            return next(iter(await self.find(key)), None)

        return await self._whole(await self._send(op.create_page(**fields), f"the page of {key}", left))

    async def update(self, page: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change properties of a page; the page as Notion answered it."""

        async def left(_error: errors.NotionError) -> Any:
            found = await self.retrieve(page)
            return found if _holds(found, sent) else None

        change = op.update_page(page, properties=dict(sent), version=self.sender.version)
        return await self._whole(await self._send(change, f"the page {page}", left))

    async def trash(self, page: str) -> Mapping[str, Any]:
        """Move a page to Notion's trash; the page."""
        return await self._whole(await self._in_trash(page, wanted=True))

    async def restore(self, page: str) -> Mapping[str, Any]:
        """Take a page out of Notion's trash; the page."""
        return await self._whole(await self._in_trash(page, wanted=False))

    async def write_body(self, page: str, markdown: str) -> None:
        """Replace a page's content. Raises Skip where pages or databases stand in it: they are not deleted for that."""
        change = {"type": "replace_content", "replace_content": {"new_str": _fitting(markdown)}}

        async def left(error: errors.NotionError) -> Any:
            # To replace it by the same once more changes nothing, so only what Notion says was saved is read.
            saved = isinstance(error, errors.WriteApplied)
            return await self.sender.send(op.retrieve_markdown(page), lane=self.lane) if saved else None

        await self._send(op.update_markdown(page, change), f"the content of the page {page}", left)

    async def user_ids(self) -> dict[str, str]:
        """The ids of the workspace's people by e-mail address; without those whose address the connection may not see."""
        found: dict[str, str] = {}
        async for listing in self.sender.pages(op.list_users(), lane=self.lane):
            for user in objects.results(listing):
                email = (user.get("person") or {}).get("email")
                if email:
                    found[str(email).lower()] = str(user["id"])
        return found

    def sent(
        self, values: Mapping[str, tuple[PropertyType, Value]], *, ids: Callable[[str], Mapping[str, str]],
        people: Mapping[str, str],
    ) -> dict[str, Any]:  # fmt: skip
        """Values as a request holds them. `ids` are the pages by key that a relation may lead to. Raises Unfit."""
        return {
            name: payload(kind, plain, pages=ids(name), people=people)
            for name, (kind, plain) in values.items()
        }

    def _query(self, start: str | None, since: datetime | None) -> AsyncIterator[Listing[Any]]:
        wanted = {*self.table.properties, *pushed(self.table, key_type(self.schema, self.table))}
        fields: op.RowQuery = {"sorts": [{"timestamp": "created_time", "direction": "ascending"}]}
        edited = None if since is None else since.isoformat()
        times = {"created_time": start, "last_edited_time": edited}
        after = [
            {"timestamp": name, name: {"on_or_after": time}}
            for name, time in times.items()
            if time is not None
        ]
        if after:
            fields["filter"] = after[0] if len(after) == 1 else {"and": after}
        query = op.query_data_source(
            self.schema.data_source,
            version=self.sender.version,
            filter_properties=[one.id for one in self.schema.properties if one.name in wanted],
            **fields,
        )
        return _translated(self.sender.pages(query, lane=self.lane), f"the database {self.schema.title}")

    async def _in_trash(self, page: str, *, wanted: bool) -> Any:
        async def left(_error: errors.NotionError) -> Any:
            found = await self.sender.send(op.retrieve_page(page), lane=self.lane)
            return found if objects.trashed(found) is wanted else None

        change = op.update_page(page, in_trash=wanted, version=self.sender.version)
        return await self._send(change, f"the page {page}", left)

    async def _whole(self, page: Any) -> Mapping[str, Any]:
        """A page with all entries of its mapped values: Notion's answers hold 25 of each.

        https://developers.notion.com/reference/retrieve-a-page-property
        """
        wanted = set(pushed(self.table, key_type(self.schema, self.table)))
        cells = dict(page.get("properties") or {})
        for name, cell in cells.items():
            if name in wanted and truncated(cell):
                items = [
                    item
                    async for listing in self.sender.pages(
                        op.retrieve_property_item(page["id"], cell["id"]), lane=self.lane
                    )
                    for item in objects.results(listing)
                ]
                cells[name] = completed(cell, items)
        return {**page, "properties": cells}

    async def _send(self, operation: Operation[T], what: str, read_back: Reader[T] | None = None) -> T:
        try:
            return await self.sender.send(operation, lane=self.lane, read_back=read_back)
        except errors.NotionError as error:
            raise sentence(error, what) from error


async def _translated(listings: AsyncIterator[T], what: str) -> AsyncIterator[T]:
    try:
        async for listing in listings:
            yield listing
    except errors.NotionError as error:
        raise sentence(error, what) from error


def sentence(error: errors.NotionError, what: str) -> Refused | Unreachable | Skip:
    """An error of Notion's about `what`, as one sentence."""
    said = error.message.rstrip(".")
    match error:
        case errors.RowLimitExceeded():
            return Full(f"Notion takes no more rows in this database: {said}.", workspace=False)
        case errors.Restricted() if "block_limit" in error.additional_data:
            return Full(f"The workspace has no blocks left on its plan: {said}.", workspace=True)
        case errors.Unauthorized() | errors.Restricted() | errors.Blocked() | errors.Unexpected():
            return Refused(f"Notion refuses {what} to the connection: {said}.")
        case errors.NotFound():
            return Skip(f"Notion does not show {what}: it is gone, or not shared with the connection.")
        case errors.NotionError() if error.retry is errors.Retry.RETRY:
            return Unreachable(f"Notion did not answer about {what}: {said}.")
        case _:
            return Skip(f"Notion does not accept {what}: {said}.")


def oversize(body: str) -> str | None:
    """Why Notion would not take this content of a page at once; None where it would."""
    size = len(body.encode())
    return (
        f"The page's content has {size:,} bytes, and Notion takes {BODY:,} at once." if size > BODY else None
    )


def _fitting(body: str) -> str:
    said = oversize(body)
    if said is not None:
        raise Skip(said)
    return body


def _plain(cell: Mapping[str, Any]) -> Value:
    try:
        return value(cell)
    except Unfit:
        return None


def _holds(page: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    """Whether a page has what was sent: its own values, written back, are the same request."""
    held = properties(page)
    return all(name in held and _rewritten(held[name].raw) == _rewritten(one) for name, one in sent.items())


def _rewritten(cell: Mapping[str, Any]) -> Value:
    kind = cell.get("type") or next(iter(cell))
    plain = _plain({"type": kind, **cell})
    return tuple(sorted(plain)) if isinstance(plain, tuple) else plain
