"""Reads a Notion workspace: search, the rows of each data source, content, trash, users and comments.

Search alone is never a listing (https://developers.notion.com/reference/search-optimizations-and-limitations), so
what it tells is united with the rows of every data source and with the children seen while reading content.
Up to API version 2022-06-28 a database stands for its only data source.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import orjson

from syncline.core import errors
from syncline.core.hash import digest
from syncline.core.model import Deletion, Fidelity, Json, Kind, Mode, Record, Unread
from syncline.core.surrogates import legible
from syncline.notion import objects
from syncline.notion import operations as op
from syncline.notion.blocks import containers
from syncline.notion.budget import Lane
from syncline.notion.canonical import canonical
from syncline.notion.client import Client
from syncline.notion.errors import NotFound, NotionError, Restricted, Retry, StaleCursor, Unauthorized
from syncline.notion.sansio import Operation
from syncline.notion.values import completed, truncated
from syncline.sources import notion_markdown, notion_rows
from syncline.sources.base import (
    Content,
    Found,
    Key,
    Listed,
    Listing,
    ListingExpired,
    Lost,
    Unanswered,
    Unreadable,
    Usage,
)
from syncline.sources.notion_rows import NEWEST_FIRST, row_query, windowed

__all__ = ["LANES", "NotionSource"]

T = TypeVar("T")

_CHILDREN = {"child_page": Kind.PAGE, "child_database": Kind.DATABASE}

LANES = {Mode.FULL: Lane.BACKFILL, Mode.INCREMENTAL: Lane.INCREMENTAL, Mode.RECONCILE: Lane.RECONCILE}
"""Where the requests of a pull stand among those of everybody who shares the budget."""

_TIMES = frozenset({"last_edited_time", "last_edited_by", "has_children"})
"""What a child page's block says of the child's own content, which is no content of its parent."""


class NotionSource:
    """One connection's workspace. `clock` is our own time, used until Notion has told its own."""

    def __init__(
        self, client: Client, *, clock: Callable[[], datetime], lane: Lane = Lane.INTERACTIVE
    ) -> None:
        self._client = client
        self._lane = lane
        self._clock = clock

    @property
    def usage(self) -> Usage:
        """Requests sent so far, repetitions included."""
        return Usage(self._client.counts.requests, self._client.counts.rate_limited)

    def now(self) -> datetime:
        """Notion's time by the last answer's `Date`, or ours before the first."""
        return self._client.server_time() or self._clock()

    # --- what to list ---------------------------------------------------------------------------------

    def listings(self, *, since: datetime | None) -> Sequence[Listing]:
        """Search, and with it the trash of an incremental pull or the users of one that lists everything."""
        search = Listing("search", {"of": "search"}, newest_first=True)
        if since is not None:
            return [search, Listing("trash", {"of": "trash"}, newest_first=True, telling=False)]
        return [search, Listing("users", {"of": "users"}, telling=False)]

    def rows(self, record: Record) -> Listing:
        """The rows of a data source."""
        return notion_rows.rows(record)

    def edited(self, source: str, since: datetime) -> Listing:
        """The rows of a data source that were edited since a minute."""
        return notion_rows.edited(source, since)

    async def list(self, listing: Listing, cursor: str | None) -> Listed:
        """The next answer of a listing. Raises ListingExpired where its cursor has died."""
        try:
            answer = await self._send(self._listing(listing.window, cursor), where=listing.name)
        except Unreadable as error:
            if listing.window["of"] == "search":
                raise errors.Refused(f"Notion refuses to search: {error}") from error
            raise
        return self._listed(listing, answer)

    def _listing(self, window: Json, cursor: str | None) -> Operation[Any]:
        version = self._client.version
        match window["of"]:
            case "users":
                return op.list_users(start_cursor=cursor)
            case "trash":
                return op.search(in_trash=True, sort=NEWEST_FIRST, start_cursor=cursor)
            case "search":
                return op.search(sort=NEWEST_FIRST, start_cursor=cursor)
        query = row_query(window)
        if cursor is not None:
            query["start_cursor"] = cursor
        return op.query_data_source(window["in"], version=version, **query)

    def _listed(self, listing: Listing, answer: objects.Listing[Any]) -> Listed:
        items = objects.results(answer)
        live = [item for item in items if not objects.trashed(item)]
        whole = [item for item in live if not objects.partial(item)]
        capped = objects.incomplete(answer)
        edits = [edited for item in items if (edited := objects.last_edited(item)) is not None]
        listed = Listed(
            records=tuple(record for item in whole for record in self._records(item)),
            size=len(items),
            cursor=_following(answer, listing.name),
            oldest=min(edits, default=None),
            suspects=tuple(self._key(item) for item in items if objects.trashed(item)),
            partial=tuple(self._key(item) for item in live if objects.partial(item)),
        )
        return listed if capped is None else windowed(listing, listed, items, capped)

    # --- content --------------------------------------------------------------------------------------

    async def content(
        self, container: str, cursor: str | None, *, fidelity: Fidelity, size: int | None = None
    ) -> Content:
        """One listing of blocks, or the Markdown of a page or of a part that a longer page left out."""
        if fidelity is Fidelity.MARKDOWN:
            return self._markdown(await self._send(op.retrieve_markdown(container), where=container))
        fewer = {} if size is None else {"page_size": size}
        listing = op.list_block_children(container, start_cursor=cursor, **fewer)
        answer = await self._send(listing, where=container)
        return replace(self.parse(objects.results(answer)), cursor=_following(answer, container))

    async def home(self, block: str) -> str | None:
        """The page or block in which a block stands, None if it is in the trash, gone or not shared."""
        try:
            found = await self._client.send(op.retrieve_block(block), lane=self._lane)
        except NotFound:
            return None
        except NotionError as error:
            raise _translated(error, block) from error
        around = objects.parent(found)
        return None if objects.trashed(found) or around is None else around.id

    def parse(self, blocks: Sequence[Json]) -> Content:
        """What blocks say: their digests, the containers among them, the pages and databases below."""
        return Content(
            blocks=tuple(blocks),
            digests=tuple(_digest(_block_form(block)) for block in blocks),
            containers=tuple(container for block in blocks for container in containers(block)),
            children=tuple(
                (self._kind(_CHILDREN[block["type"]]), block["id"])
                for block in blocks
                if block.get("type") in _CHILDREN
            ),
        )

    def _markdown(self, answer: objects.PageMarkdown) -> Content:
        text = answer.get("markdown", "")
        found = ((self._kind(Kind(name)), key) for name, key in notion_markdown.children(text))
        return Content(
            markdown=text,
            digests=(_digest(notion_markdown.stable(text)),),
            containers=tuple(answer.get("unknown_block_ids") or ()),
            children=tuple(dict.fromkeys(found)),
            cut=notion_markdown.cut(answer),
        )

    def join(self, page: str, pieces: Mapping[str, str]) -> str:
        """The page's Markdown with the parts that were left out in their places."""
        return notion_markdown.joined(page, pieces)

    # --- single records -------------------------------------------------------------------------------

    async def record(self, kind: Kind, key: str) -> Found | Lost:
        """One object by its id: it is there, in the trash, or (404) gone or not shared; Notion does not tell which."""
        try:
            found = await self._client.send(self._retrieval(kind, key), lane=self._lane)
        except NotFound:
            return Lost(Deletion.UNREACHABLE)
        except NotionError as error:
            raise _translated(error, key) from error
        if objects.trashed(found):
            return Lost(Deletion.TRASHED)
        if kind is not Kind.DATABASE:
            return Found(tuple(self._records(found)))
        inside = tuple((Kind.DATA_SOURCE, source.id) for source in objects.sources(found))
        return Found((_database(found["id"], found.get("parent"), objects.title(found)),), inside)

    def _retrieval(self, kind: Kind, key: str) -> Operation[Any]:
        match kind:
            case Kind.PAGE:
                return op.retrieve_page(key)
            case Kind.DATABASE:
                return op.retrieve_database(key)
            case Kind.DATA_SOURCE:
                return op.retrieve_data_source(key, version=self._client.version)
            case Kind.COMMENT:
                return op.retrieve_comment(key)
            case Kind.USER:
                return op.retrieve_user(key)

    def incomplete(self, record: Record) -> bool:
        """Whether a value stops at Notion's 25 items (https://developers.notion.com/reference/retrieve-a-page)."""
        values = (record.data.get("properties") or {}).values()
        return record.kind is Kind.PAGE and any(truncated(value) for value in values)

    def stands(self, held: Json, record: Record) -> bool:
        """Whether all that `record` shows agrees with `held`: a value that was cut is the beginning of the whole one.

        Rollups are left out: Notion computes them from the first 25 relations.
        """
        shown, whole = canonical(record.data), canonical(held)
        values, known = shown.pop("properties", {}), whole.pop("properties", {})
        if shown != whole or values.keys() != known.keys():
            return False
        return all(_begins(known[name], values[name]) for name in values)

    async def complete(self, record: Record) -> tuple[Record, int]:
        """Read the values that stop at 25 items whole, and the rollups that Notion computed from such a relation."""
        values: dict[str, Any] = dict(record.data["properties"])
        cut = [name for name, value in values.items() if truncated(value)]
        if any(values[name].get("type") == "relation" for name in cut):
            cut += [
                name for name, value in values.items() if value.get("type") == "rollup" and name not in cut
            ]
        least = 0
        for name in cut:
            values[name], spent = await self._whole_value(record.key, values[name])
            least += spent
        return self._page({**record.data, "properties": values}), least

    async def _whole_value(self, page: str, value: Json) -> tuple[Json, int]:
        items: list[Json] = []
        cursor: str | None = None
        while True:
            operation = op.retrieve_property_item(page, value["id"], start_cursor=cursor)
            answer: Any = await self._send(operation, where=page)
            items += objects.results(answer) if answer.get("object") == "list" else [answer]
            following = _following(answer, page)
            if following is None:
                break
            if following == cursor:
                raise errors.Unreachable(f"A property of page {page} repeats its cursor. Try again later.")
            cursor = following
        return _aggregate(answer) or completed(value, items), max(1, -(-len(items) // 100))

    async def comments(self, page: str, cursor: str | None) -> Listed:
        """The open comments of a page (https://developers.notion.com/reference/list-comments)."""
        answer = await self._send(op.list_comments(page, start_cursor=cursor), where=page)
        return self._listed(Listing(page, {"of": "comments"}), answer)

    # --- objects to records ---------------------------------------------------------------------------

    def _kind(self, kind: Kind) -> Kind:
        """Up to 2022-06-28 a database is what later versions call a data source."""
        old = not self._client.version.has_data_sources
        return Kind.DATA_SOURCE if kind is Kind.DATABASE and old else kind

    def _key(self, found: Json) -> Key:
        return self._kind(Kind(found["object"])), found["id"]

    def _records(self, found: Json) -> Iterable[Record]:
        kind, _ = self._key(found)
        if kind is Kind.PAGE:
            yield self._page(found)
        elif kind is Kind.DATA_SOURCE:
            yield self._record(kind, found, stream="data_sources")
            around = objects.parent(found)
            if around is not None and around.kind == "database" and around.id is not None:
                yield _database(around.id, found.get("database_parent"), objects.title(found))
        else:
            yield self._record(kind, found, stream=f"{kind}s")

    def _page(self, found: Json) -> Record:
        around = objects.parent(found)
        is_row = around is not None and around.kind in ("data_source", "database") and around.id is not None
        return self._record(Kind.PAGE, found, stream=str(around.id) if is_row and around else "pages")

    def _record(self, kind: Kind, found: Json, *, stream: str) -> Record:
        data = {key: value for key, value in found.items() if key != "request_id"}
        around = objects.parent(found)
        return Record(
            kind=kind,
            key=data["id"],
            stream=stream,
            data=data,
            hash=_digest(canonical(data)),
            title=legible(objects.title(data)),
            parent=around.id if around is not None else None,
            edited_at=objects.last_edited(data),
            nested=around is not None and around.kind == "block",
        )

    async def _send(self, operation: Operation[T], *, where: str) -> T:
        try:
            return await self._client.send(operation, lane=self._lane)
        except NotionError as error:
            raise _translated(error, where) from error


def _translated(error: NotionError, where: str) -> errors.SynclineError:
    """The same error in the words of the engine: repeat, leave out, or stop."""
    if isinstance(error, StaleCursor):
        return ListingExpired(str(error))
    if isinstance(error, Unauthorized):
        return errors.Refused(f"Notion refuses the token ({error.message}). Connect again with a valid one.")
    if error.retry is Retry.STOP and not isinstance(error, Restricted):
        return errors.Refused(f"Notion refuses to go on: {error}.")
    unread = Unread(where, error.status or 0, error.code or "no_answer", error.message, error.request_id)
    if error.retry is Retry.RETRY:
        how = "keeps failing" if error.status else "cannot be reached"
        return Unanswered(f"Notion {how}: {str(error).rstrip('.')}.", unread)
    return Unreadable(unread)


def _following(answer: Mapping[str, Any], where: str) -> str | None:
    """The cursor of the next answer, None behind the last. Raises Unreachable where there is more and no way to it."""
    if not answer.get("has_more"):
        return None
    cursor: str | None = answer.get("next_cursor")
    if not cursor:
        raise errors.Unreachable(f"Notion has more of {where} and does not say where. Try again later.")
    return cursor


def _begins(whole: Json, shown: Json) -> bool:
    """Whether a value that may have been cut is the beginning of the whole one."""
    kind = shown.get("type")
    if kind == "rollup" or whole == shown:
        return True
    if kind != whole.get("type") or not truncated(shown):
        return False
    entries: Sequence[Any] = shown[str(kind)]
    return list(whole[str(kind)][: len(entries)]) == list(entries)


def _aggregate(answer: Mapping[str, Any]) -> Json | None:
    """The value of a rollup that is computed, not listed: it stands beside the items it was computed from."""
    item = answer.get("property_item") or {}
    rollup = item.get("rollup") or {}
    if item.get("type") != "rollup" or rollup.get("type") in (None, "array", "incomplete"):
        return None
    return {"id": item["id"], "type": "rollup", "rollup": rollup}


def _database(key: str, around: Json | None, title: str) -> Record:
    """What a data source, or a direct read, tells of the database around it."""
    data = {"object": "database", "id": key, "parent": around}
    place = objects.parent(data)
    return Record(
        kind=Kind.DATABASE,
        key=key,
        stream="databases",
        data=data,
        hash=_digest(data),
        title=legible(title),
        parent=place.id if place is not None else None,
        nested=place is not None and place.kind == "block",
    )


def _block_form(block: Json) -> Any:
    form = canonical(block)
    if block.get("type") in _CHILDREN:
        return {key: value for key, value in form.items() if key not in _TIMES}
    return form


def _digest(value: Any) -> str:
    """The hash of a JSON value. Most of a pull's blocks pass here, so it is taken the quick way where that exists.

    It is not core.hash.digest's: a change of either makes every page a change.
    """
    try:
        form = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # half a surrogate pair, or a number beyond 64 bits
        return digest(value)
    return hashlib.blake2b(form, digest_size=16).hexdigest()
