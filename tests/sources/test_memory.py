"""The memory source keeps the contract, and the engine pulls it as it pulls Notion."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from tests.contracts.source import SourceContract

from syncline.core.model import Kind
from syncline.sources.base import Key, ListingExpired, Source
from syncline.sources.memory import MemorySource

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class MemoryPlace:
    memory: MemorySource = field(default_factory=lambda: MemorySource(NOON))

    @property
    def source(self) -> Source:
        return self.memory

    async def write(self, key: str, title: str, texts: list[str], *, parent: str | None = None) -> Key:
        self.memory.put(Kind.PAGE, key, stream="pages", parent=parent, title=title)
        inner = [{"id": f"{key}/{n}", "type": "text", "text": text} for n, text in enumerate(texts)]
        kept = [block for block in self.memory.blocks.get(key, []) if "child" in block]
        holder = {"id": f"{key}/in", "type": "holder", "has_children": True, "text": ""}
        self.memory.blocks[key] = [*inner[:1], holder, *kept]
        self.memory.blocks[f"{key}/in"] = list(inner[1:])
        if parent is not None:
            self.memory.blocks[parent].append({"id": key, "type": "page", "child": key})
        return Kind.PAGE, key

    async def trash(self, key: Key) -> None:
        self.memory.trash.add(key)

    def pass_time(self, *, minutes: int) -> None:
        self.memory.time += timedelta(minutes=minutes)


@pytest.fixture
def place() -> MemoryPlace:
    return MemoryPlace()


class TestMemorySource(SourceContract):
    """The contract."""


async def test_a_cursor_beyond_the_end_has_expired() -> None:
    source = MemorySource(NOON)
    with pytest.raises(ListingExpired):
        await source.list(source.listings(since=None)[0], "7")


async def test_comments_are_listed_by_page() -> None:
    source = MemorySource(NOON)
    comment = source.put(Kind.COMMENT, "c", stream="comments", parent="p", title="hello")
    source.put(Kind.COMMENT, "d", stream="comments", parent="q", title="elsewhere")
    assert (await source.comments("p", None)).records == (comment,)
