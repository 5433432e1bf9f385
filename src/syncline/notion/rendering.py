"""What both styles of Markdown share: the piece a renderer is given, the table it stands in, the way through a tree."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from .blocks import Block, plain_text, sections
from .links import Links, asset_url

__all__ = ["Join", "Lines", "Piece", "Renderer", "Style", "media_name", "render_tree"]

Lines: TypeAlias = list[str]
Join: TypeAlias = Callable[[Sequence[Block], Sequence[Lines]], Lines]


@dataclass(frozen=True, slots=True)
class Piece:
    """One block to be written.

    `parts` are the lines of each of its children, `body` the same joined; `number` counts the items of a
    numbered list from its start; `parent` is None at the top of what is rendered.
    """

    block: Block
    parent: Block | None
    parts: Sequence[Lines]
    body: Lines
    number: int
    links: Links

    @property
    def data(self) -> Mapping[str, Any]:
        """What stands under the block's type."""
        return self.block.data

    @property
    def url(self) -> str:
        """The address of the block."""
        return self.links.block(self.block.id)


Renderer: TypeAlias = Callable[[Piece], Lines]


@dataclass(frozen=True, slots=True)
class Style:
    """One way to write blocks: a renderer for each type, one for unknown types, and how siblings are joined.

    A paragraph that is a tab is looked up as ``tab_item``, a block without a text that only holds a part of meeting notes as ``section``.
    """

    renderers: Mapping[str, Renderer]
    unknown: Renderer
    join: Join

    def lines(self, piece: Piece) -> Lines:
        """The block with all that hangs below it."""
        kind = piece.block.type if piece.parent is None else _role(piece.block, piece.parent)
        return self.renderers.get(kind, self.unknown)(piece)


def _role(block: Block, parent: Block) -> str:
    """What the block is for its parent."""
    if parent.type == "tab" and block.type == "paragraph":
        return "tab_item"
    if block.id in sections(parent.raw) and not plain_text(block.raw):
        return "section"
    return block.type


@dataclass(slots=True)
class _Level:
    """A list of siblings on the way: those already written, and the block they hang below."""

    parent: Block | None
    blocks: tuple[Block, ...]
    numbers: tuple[int, ...]
    parts: list[Lines]


def render_tree(blocks: Sequence[Block], style: Style, *, links: Links) -> Lines:
    """All lines of a tree, from the leaves up, on a stack of our own: Notion's trees may be deeper than Python's."""
    root = _level(None, tuple(blocks))
    stack = [root]
    while True:
        level = stack[-1]
        if len(level.parts) < len(level.blocks):
            block = level.blocks[len(level.parts)]
            stack.append(_level(block, block.children))
            continue
        stack.pop()
        body = style.join(level.blocks, level.parts)
        if level.parent is None:
            return body
        above = stack[-1]
        number = above.numbers[len(above.parts)]
        piece = Piece(level.parent, above.parent, level.parts, body, number, links)
        above.parts.append(style.lines(piece))


def _level(parent: Block | None, blocks: tuple[Block, ...]) -> _Level:
    return _Level(parent, blocks, tuple(_numbers(blocks)), [])


def _numbers(blocks: Sequence[Block]) -> list[int]:
    """The number of each block in its numbered list; a list begins anew after anything else."""
    numbers: list[int] = []
    number = 0
    for block in blocks:
        if block.type != "numbered_list_item":
            number = 0
        elif number:
            number += 1
        else:
            start = block.data.get("list_start_index")
            number = start if isinstance(start, int) and start > 0 else 1
        numbers.append(number)
    return numbers


def media_name(data: Mapping[str, Any]) -> str:
    """What a file is called: its name, else the last part of its address."""
    name = data.get("name")
    if isinstance(name, str) and name:
        return name
    path = asset_url(data).partition("?")[0].partition("#")[0]
    return path.rstrip("/").rpartition("/")[2] or path
