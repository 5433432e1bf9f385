"""The blocks of a page as a tree, built from the listings in which Notion gives them.

A listing answers the direct children of one container. `containers` says which listings a block calls for,
`tree` puts them together. Where children could not be read stands a `marker`, a block of our own type
``unread``, which is visible in Markdown. Source: https://developers.notion.com/reference/block
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .canonical import canonical
from .richtext import RichText, text

__all__ = [
    "TYPES",
    "Block",
    "BlockType",
    "canonical",
    "containers",
    "kind",
    "marker",
    "needs_children",
    "plain_text",
    "sections",
    "texts",
    "tree",
    "walk",
]

Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One block with what hangs below it.

    `raw` is the block as Notion sent it. Blocks compare by identity: a tree may be deeper than Python's stack.
    """

    id: str
    type: str
    raw: Json = field(repr=False)
    children: "tuple[Block, ...]" = field(default=(), repr=False)

    @property
    def data(self) -> Json:
        """What stands under the block's type; empty for a block without it."""
        data = self.raw.get(self.type)
        return data if isinstance(data, Mapping) else {}


@dataclass(frozen=True, slots=True)
class BlockType:
    """What is known of a block type: where its text stands, and whether blocks may hang below it.

    `texts` are keys of the type object that hold rich text (or, for a title, a string), in reading order.
    A `container` is read when it says it has children. Child pages are units of their own.
    """

    name: str
    texts: tuple[str, ...] = ()
    container: bool = True


_TEXT = ("rich_text",)
_CAPTION = ("caption",)

TYPES: Mapping[str, BlockType] = {
    known.name: known
    for known in (
        BlockType("paragraph", _TEXT),
        BlockType("heading_1", _TEXT),
        BlockType("heading_2", _TEXT),
        BlockType("heading_3", _TEXT),
        BlockType("heading_4", _TEXT),
        BlockType("bulleted_list_item", _TEXT),
        BlockType("numbered_list_item", _TEXT),
        BlockType("to_do", _TEXT),
        BlockType("toggle", _TEXT),
        BlockType("quote", _TEXT),
        BlockType("callout", _TEXT),
        BlockType("code", ("rich_text", "caption")),
        BlockType("equation", ("expression",)),
        BlockType("divider"),
        BlockType("breadcrumb"),
        BlockType("table_of_contents"),
        BlockType("column_list"),
        BlockType("column"),
        BlockType("tab"),
        BlockType("table"),
        BlockType("table_row", ("cells",)),
        BlockType("synced_block"),
        BlockType("template", _TEXT),
        BlockType("link_to_page"),
        BlockType("child_page", ("title",), container=False),
        BlockType("child_database", ("title",), container=False),
        BlockType("embed", _CAPTION),
        BlockType("bookmark", _CAPTION),
        BlockType("link_preview"),
        BlockType("image", _CAPTION),
        BlockType("video", _CAPTION),
        BlockType("audio", _CAPTION),
        BlockType("pdf", _CAPTION),
        BlockType("file", ("caption", "name")),
        BlockType("meeting_notes", ("title",)),
        BlockType("transcription", ("title",)),
        BlockType("unsupported"),
    )
}
"""Every block type of the API, and the name ``transcription`` that meeting notes had up to 2025-09-03."""

_SECTIONS = ("summary_block_id", "notes_block_id", "transcript_block_id")


def kind(name: str) -> BlockType:
    """What is known of the type `name`. An unknown type may hold text anywhere and blocks below it."""
    return TYPES.get(name) or BlockType(name)


def needs_children(raw: Json) -> bool:
    """Whether the block's own children are content of its page that another listing must bring.

    Whatever says it has children is read, unknown types and copies of synced blocks included.
    """
    return bool(raw.get("has_children")) and kind(str(raw.get("type") or "")).container


def sections(raw: Json) -> dict[str, str]:
    """The ids of the blocks below which meeting notes keep their parts, as {id: ``summary`` | ``notes`` | ``transcript``}."""
    data = raw.get(str(raw.get("type") or ""))
    ids = data.get("children") if isinstance(data, Mapping) else None
    if raw.get("type") not in {"meeting_notes", "transcription"} or not isinstance(ids, Mapping):
        return {}
    return {str(ids[key]): key.removesuffix("_block_id") for key in _SECTIONS if ids.get(key)}


def containers(raw: Json) -> tuple[str, ...]:
    """The ids whose children must be listed for this block: its own, and for meeting notes those of their parts."""
    own = (str(raw.get("id") or ""),) if needs_children(raw) else ()
    return (*own, *sections(raw))


def marker(container: str, reason: str) -> Block:
    """The block that stands where children of `container` are missing, with the reason under ``unread``."""
    raw = {"object": "block", "id": container, "type": "unread", "unread": {"reason": reason}}
    return Block(container, "unread", raw)


def tree(
    root: str, lists: Mapping[str, Sequence[Json]], *, unread: Mapping[str, str] | None = None
) -> tuple[Block, ...]:
    """The blocks below `root`, a page or a block.

    `lists` holds the raw children of each container that was read, in order; `unread` the reason for each container
    that could not be read to its end. A container that is in neither is marked as not read. Blocks that contain
    themselves (a synced block inside its own copy) are cut where the circle closes, and marked.
    """
    listings = _Listings(lists, unread or {}, {})
    stack, entered = [root], set[str]()
    while stack:
        container = stack[-1]
        if container in entered:
            listings.done.setdefault(container, listings.children(container))
            stack.pop()
        else:
            entered.add(container)
            needed = (child for raw in lists.get(container, ()) for child in containers(raw))
            stack.extend(child for child in needed if child not in entered)
    return listings.below(root)


def walk(blocks: Sequence[Block]) -> Iterator[Block]:
    """All blocks of a tree in reading order, each before its children."""
    stack = list(reversed(blocks))
    while stack:
        block = stack.pop()
        yield block
        stack.extend(reversed(block.children))


def texts(raw: Json) -> list[RichText]:
    """All texts of one block as rich text, in reading order: its text, captions, cells, title, file name.

    In a type that is not known, whatever looks like rich text.
    """
    name = str(raw.get("type") or "")
    data = raw.get(name)
    if not isinstance(data, Mapping):
        return []
    keys = kind(name).texts if name in TYPES else tuple(data)
    return [found for key in keys for found in _rich(data.get(key), known=name in TYPES)]


def plain_text(raw: Json) -> str:
    """All texts of one block without marks, one line each."""
    return "\n".join(filter(None, map(text, texts(raw))))


def _rich(value: Any, *, known: bool) -> Iterator[RichText]:
    if isinstance(value, str) and known and value:
        yield ({"type": "text", "text": {"content": value}},)
    elif isinstance(value, (list, tuple)) and value:
        if all(isinstance(item, (list, tuple)) for item in value):
            yield from (cell for cell in value if cell)
        elif all(isinstance(item, Mapping) and ("plain_text" in item or "text" in item) for item in value):
            yield value


@dataclass(frozen=True, slots=True)
class _Listings:
    """What `tree` knows while it builds from the leaves up. `done` holds the containers that are built."""

    lists: Mapping[str, Sequence[Json]]
    reasons: Mapping[str, str]
    done: dict[str, tuple[Block, ...]]

    def children(self, container: str) -> tuple[Block, ...]:
        return tuple(self.block(raw) for raw in self.lists.get(container, ()))

    def below(self, container: str) -> tuple[Block, ...]:
        """What hangs below `container`, ending with a marker where something is missing."""
        reason = self.missing(container)
        return self.done.get(container, ()) + (() if reason is None else (marker(container, reason),))

    def missing(self, container: str) -> str | None:
        if container in self.reasons:
            return self.reasons[container]
        if container not in self.lists:
            return "no listing"
        return None if container in self.done else "it contains itself"

    def block(self, raw: Json) -> Block:
        identity = str(raw.get("id") or "")
        own = self.below(identity) if needs_children(raw) else ()
        listed = {child.id for child in own if child.type != "unread"}
        parts = (self.part(part, name) for part, name in sections(raw).items() if part not in listed)
        return Block(identity, str(raw.get("type") or "unsupported"), raw, (*own, *parts))

    def part(self, identity: str, name: str) -> Block:
        """A part of meeting notes that stands in no listing: only its id and its children are known."""
        raw = {"object": "block", "id": identity, "type": "section", "section": {"name": name}}
        return Block(identity, "section", raw, self.below(identity))
