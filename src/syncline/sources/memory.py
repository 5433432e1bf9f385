"""The reference source: a workspace of plain values, read as slowly as any other. Useful as a test double.

A listing answers `page_size` records at a time, newest edit first; its cursor is a number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from syncline.core.hash import digest
from syncline.core.model import Deletion, Fidelity, Json, Kind, Record
from syncline.sources.base import Content, Found, Key, Listed, Listing, ListingExpired, Lost, Usage

__all__ = ["MemorySource"]


@dataclass(slots=True)
class MemorySource:
    """What stands in these dictionaries is what there is.

    `blocks` holds the children of each page and block: {"id", "type", "text"}, with "has_children" where
    more hang below and "child" for a page. `trash` are keys that were thrown away. `time` is what `now` answers.
    """

    time: datetime
    records: dict[Key, Record] = field(default_factory=dict)
    blocks: dict[str, list[Json]] = field(default_factory=dict)
    trash: set[Key] = field(default_factory=set)
    page_size: int = 100
    spent: int = 0

    def put(self, kind: Kind, key: str, *, stream: str, parent: str | None = None, **data: Any) -> Record:
        """Write a record, edited now."""
        record = Record(kind, key, stream, data, digest(data), str(data.get("title", "")), parent, self.time)
        self.records[kind, key] = record
        self.trash.discard((kind, key))
        return record

    @property
    def usage(self) -> Usage:
        """Reads so far."""
        return Usage(self.spent)

    def now(self) -> datetime:
        """The time that was set."""
        return self.time

    def listings(self, *, since: datetime | None) -> Sequence[Listing]:
        """All records, and of an incremental pull what was thrown away."""
        every = Listing("every", {"of": "every"}, newest_first=True)
        return [every] if since is None else [every, Listing("trash", {"of": "trash"}, telling=False)]

    def rows(self, record: Record) -> Listing:
        """The records whose stream is the data source."""
        return Listing(f"rows:{record.key}", {"of": "rows", "in": record.key})

    async def list(self, listing: Listing, cursor: str | None) -> Listed:
        """The next records of a listing. Raises ListingExpired for a cursor beyond its end."""
        self.spent += 1
        if listing.window["of"] == "trash":
            return Listed((), len(self.trash), suspects=tuple(sorted(self.trash)))
        return self._listed([one for one in self._live() if self._is_in(one, listing.window)], cursor)

    def _listed(self, found: Sequence[Record], cursor: str | None) -> Listed:
        start = int(cursor or 0)
        if start > len(found):
            raise ListingExpired(f"There is nothing at {cursor} any more.")
        page = found[start : start + self.page_size]
        end = start + len(page)
        edits = [one.edited_at for one in page if one.edited_at is not None]
        more = str(end) if end < len(found) else None
        return Listed(tuple(page), len(page), more, min(edits, default=None))

    def _live(self) -> Sequence[Record]:
        live = [one for key, one in self.records.items() if key not in self.trash]
        return sorted(live, key=lambda one: (one.edited_at or self.time, one.key), reverse=True)

    @staticmethod
    def _is_in(record: Record, window: Json) -> bool:
        if window["of"] == "edited":
            since = datetime.fromisoformat(str(window["since"]))
            return record.stream == str(window["in"]) and (record.edited_at or since) >= since
        if window["of"] == "rows":
            return record.stream == str(window["in"])
        return record.kind is not Kind.COMMENT

    async def content(
        self, container: str, cursor: str | None, *, fidelity: Fidelity, size: int | None = None
    ) -> Content:
        """The next children of a page or block, or all text of a page as Markdown."""
        self.spent += 1
        if fidelity is Fidelity.MARKDOWN:
            lines = list(self._texts(container))
            text = "\n\n".join(lines)
            return Content(children=self._children(container), digests=(digest(text),), markdown=text)
        start = int(cursor or 0)
        blocks = self.blocks.get(container, [])
        page = blocks[start : start + min(size or self.page_size, self.page_size)]
        end = start + len(page)
        return replace(self.parse(page), cursor=str(end) if end < len(blocks) else None)

    async def home(self, block: str) -> str | None:
        """The container that holds a block."""
        self.spent += 1
        return next(
            (place for place, held in self.blocks.items() if any(one["id"] == block for one in held)), None
        )

    def edited(self, source: str, since: datetime) -> Listing:
        """The rows of a stream that were edited since a time."""
        return Listing(
            f"edited:{source}", {"of": "edited", "in": source, "since": since.isoformat()}, telling=False
        )

    def _texts(self, container: str) -> Sequence[str]:
        texts: list[str] = []
        for block in self.blocks.get(container, []):
            texts.append(str(block.get("text", "")))
            texts += self._texts(str(block["id"])) if block.get("has_children") else []
        return texts

    def _children(self, container: str) -> tuple[Key, ...]:
        below: list[Key] = []
        for block in self.blocks.get(container, []):
            below += self.parse([block]).children
            below += self._children(str(block["id"])) if block.get("has_children") else ()
        return tuple(below)

    def parse(self, blocks: Sequence[Json]) -> Content:
        """What blocks say."""
        return Content(
            blocks=tuple(blocks),
            digests=tuple(digest(dict(block)) for block in blocks),
            containers=tuple(str(block["id"]) for block in blocks if block.get("has_children")),
            children=tuple((Kind.PAGE, str(block["child"])) for block in blocks if "child" in block),
        )

    def join(self, page: str, pieces: Mapping[str, str]) -> str:
        """The page's Markdown; it comes in one piece."""
        return pieces[page]

    async def record(self, kind: Kind, key: str) -> Found | Lost:
        """One record, or why it is gone."""
        self.spent += 1
        if (kind, key) in self.trash:
            return Lost(Deletion.TRASHED)
        found = self.records.get((kind, key))
        return Lost(Deletion.UNREACHABLE) if found is None else Found((found,))

    def incomplete(self, record: Record) -> bool:  # noqa: ARG002 - the contract's signature
        """Never: values come whole."""
        return False

    def stands(self, held: Json, record: Record) -> bool:
        """Whether they are equal."""
        return digest(dict(held)) == record.hash

    async def complete(self, record: Record) -> tuple[Record, int]:
        """The record itself."""
        return record, 0

    async def comments(self, page: str, cursor: str | None) -> Listed:
        """The comments of a page."""
        self.spent += 1
        found = [one for one in self._live() if one.kind is Kind.COMMENT and one.parent == page]
        return self._listed(found, cursor)
