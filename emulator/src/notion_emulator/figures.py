"""What a complete reading of a workspace costs at least, computed by walking it.

The symbols are those of the request bound of a full pull:

    ⌈(P+S)/100⌉ + Σ max(1, ⌈R_i/100⌉) + windows + P + N + X + V      content as blocks
    ⌈(P+S)/100⌉ + Σ max(1, ⌈R_i/100⌉) + windows + P + U + V          content as Markdown
"""

from dataclasses import dataclass
from typing import Any

from notion_emulator.objects import Block, Connection, Node, Page
from notion_emulator.world import World

__all__ = ["Figures", "figures"]

PAGE_SIZE = 100
STANDALONE: dict[str, Any] = {"id": "title", "type": "title"}
SHORTENED = frozenset({"title", "rich_text", "people", "relation"})


@dataclass(frozen=True, slots=True)
class Figures:
    """Sizes of what one connection can reach, the trash left out.

    ``pages`` P, rows included · ``data_sources`` S · ``rows`` R_i · ``windows`` further query windows that the result
    cap forces · ``blocks`` all blocks, child pages and databases not counted · ``containers`` N, blocks with children
    · ``extra`` X, listings beyond the first of pages and containers · ``truncated`` V, requests for values of more
    than 25 references and for rollups over them · ``depth`` of the deepest block, 1 for those on a page · ``follow_ups`` U, at least so many
    further Markdown reads.
    """

    pages: int
    data_sources: int
    rows: tuple[int, ...]
    windows: int
    blocks: int
    containers: int
    extra: int
    truncated: int
    depth: int
    follow_ups: int

    @property
    def listing(self) -> int:
        """Requests to enumerate everything: search and one query per data source."""
        queries = sum(max(1, _listings(rows)) for rows in self.rows)
        return _listings(self.pages + self.data_sources) + queries + self.windows

    @property
    def properties_bound(self) -> int:
        """Least number of requests for all properties of everything."""
        return self.listing + self.truncated

    @property
    def blocks_bound(self) -> int:
        """Least number of requests for everything with content as blocks."""
        return self.listing + self.pages + self.containers + self.extra + self.truncated

    @property
    def markdown_bound(self) -> int:
        """Least number of requests for everything with content as Markdown."""
        return self.listing + self.pages + self.follow_ups + self.truncated


def figures(world: World, connection: Connection | None = None) -> Figures:
    """Walk what the connection reaches (everything by default) and count."""
    return _Walk(world, connection).total()


def _listings(count: int) -> int:
    return -(-count // PAGE_SIZE)


class _Walk:
    """Counts of one walk."""

    def __init__(self, world: World, connection: Connection | None) -> None:
        self.world = world
        self.connection = connection
        self.restricted = connection is not None and (bool(connection.grants) or not connection.all_pages)
        self.containers = self.extra = self.blocks = self.depth = self.follow_ups = 0

    def total(self) -> Figures:
        pages = [page for page in self.world.pages.values() if not page.is_template and self.visible(page)]
        for page in pages:
            self.content(page)
        sources = [source for source in self.world.data_sources.values() if self.visible(source)]
        rows = tuple(sum(1 for row in self.world.rows(source) if self.reached(row)) for source in sources)
        cap = self.world.settings.result_cap
        return Figures(
            pages=len(pages), data_sources=len(sources), rows=rows, blocks=self.blocks, containers=self.containers,
            windows=sum(max(0, -(-count // cap) - 1) for count in rows), extra=self.extra, depth=self.depth,
            truncated=sum(self.pagings(page) for page in pages), follow_ups=self.follow_ups,
        )  # fmt: skip

    def reached(self, node: Node) -> bool:
        return not self.restricted or self.connection is None or self.world.can_reach(self.connection, node)

    def visible(self, node: Node) -> bool:
        return not self.world.in_trash(node) and self.reached(node)

    def children(self, node: Node) -> list[Node]:
        """What a listing of the node shows; a synced copy shows its original's children, ids and all."""
        source = node
        if isinstance(node, Block) and (original := copied(node)):
            source = self.world.nodes.get(original, node)
        return [child for child in self.world.alive(source) if self.reached(child)]

    def content(self, page: Page) -> None:
        """Count the blocks of a page, those of its child pages left out."""
        before = self.blocks
        level: list[Node] = [page]
        depth = 0
        while level:
            listings = [(node, self.children(node)) for node in level]
            self.extra += sum(max(1, _listings(len(found))) - 1 for _, found in listings)
            below = [
                child
                for node, found in listings
                if not (isinstance(node, Block) and copied(node))
                for child in found
                if isinstance(child, Block)
            ]
            depth += bool(below)
            self.blocks += len(below)
            level = [block for block in below if self.holds(block)]
            self.containers += len(level)
        self.depth = max(self.depth, depth)
        self.follow_ups += max(0, -(-(self.blocks - before) // self.world.settings.markdown_blocks) - 1)

    def holds(self, block: Block) -> bool:
        """Whether an answer says ``has_children``."""
        return bool(copied(block)) or self.world.has_children(block)

    def pagings(self, page: Page) -> int:
        """Requests to read in full what the page shows shortened: long lists, and rollups over a long relation."""
        limit = self.world.settings.truncation
        long = {
            key: value
            for key, value in page.properties.items()
            if isinstance(value, list) and len(value) > limit
        }
        if not long:
            return 0
        source = self.world.source_of(page)
        entries = list(source.properties.values()) if source else [STANDALONE]
        named = [one["id"] for one in entries if one["type"] in SHORTENED]
        rolled = [one["rollup"]["relation_property_id"] for one in entries if one["type"] == "rollup"]
        return sum(_listings(len(long.get(key, ()))) for key in named + rolled)


def copied(block: Block) -> str | None:
    """The id of the block that a synced copy shows."""
    origin = block.content.get("synced_from") if block.type == "synced_block" else None
    return origin["block_id"] if origin else None
