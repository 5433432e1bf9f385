"""Generated blocks: every block type that holds content, alone and in the nestings that Notion allows.

A pattern says how many blocks it makes and how deep it goes; a page is filled by walking round the list of patterns,
taking those that still fit. Type objects are in the key order of recorded answers
(https://developers.notion.com/reference/block).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from notion_emulator.objects import Block, Node
from notion_emulator.rich_text import plain
from notion_emulator.world import World

__all__ = ["CONTENT", "PATTERNS", "Pen"]

Json = dict[str, Any]
RichText = list[Json]

WORDS = (
    "keeps the lamp above the harbour door", "was moved from the second shelf", "needs one more reader",
    "is older than the map on the wall", "answers within a day", "stands between two quiet rooms",
    "waits for the tide", "has a short and honest name",
)  # fmt: skip
SITE = "https://files.example.com"


def _heading(text: RichText) -> Json:
    return {"rich_text": text, "is_toggleable": False, "color": "default"}


def _styled(text: RichText) -> Json:
    return {"rich_text": text, "color": "default"}


def _media(file: str, **more: str) -> Callable[[RichText], Json]:
    return lambda text: {"caption": text, "type": "external", "external": {"url": f"{SITE}/{file}"}, **more}


# The type object of a block that shows one text.
CONTENT: dict[str, Callable[[RichText], Json]] = {
    "paragraph": lambda text: {"rich_text": text, "icon": None, "color": "default"},
    **dict.fromkeys(("heading_1", "heading_2", "heading_3", "heading_4"), _heading),
    **dict.fromkeys(("bulleted_list_item", "numbered_list_item", "toggle", "quote"), _styled),
    "to_do": lambda text: {"rich_text": text, "checked": False, "color": "default"},
    "callout": lambda text: {"rich_text": text, "icon": {"type": "emoji", "emoji": "💡"}, "color": "default"},
    "code": lambda text: {"caption": [], "rich_text": text, "language": "python"},
    "image": _media("picture.png"),
    "video": _media("film.mp4"),
    "audio": _media("sound.mp3"),
    "pdf": _media("paper.pdf"),
    "file": _media("notes.txt", name="notes.txt"),
    "hologram": lambda text: {"rich_text": text},
}
# The type objects of blocks without text.
MUTE: dict[str, Json] = {
    "divider": {},
    "breadcrumb": {},
    "table_of_contents": {"color": "default"},
    "equation": {"expression": "e = m c^2"},
    "bookmark": {"caption": [], "url": "https://www.example.com/"},
    "embed": {"caption": [], "url": "https://www.example.com/board"},
    "link_preview": {"url": "https://www.example.com/pull/1"},
}


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes blocks of one page; ``mark`` gives a marker for the text of the block with that id."""

    world: World
    by: str
    mark: Callable[[str], str]

    def add(self, parent: Node, kind: str, content: Json, *, at: int, id: str | None = None) -> Block:
        """One block with a given type object."""
        return self.world.add_block(parent, kind, content, by=self.by, at=at, id=id)

    def text(self, parent: Node, kind: str, *, at: int) -> Block:
        """One block that shows a marked text."""
        place = self.world.ids.node(at)
        return self.add(parent, kind, CONTENT[kind](self.words(place)), at=at, id=place)

    def words(self, place: str) -> RichText:
        """A marked text for the block with this id."""
        marker = self.mark(place)
        return plain(f"{marker} {WORDS[int(marker[1:]) % len(WORDS)]}")

    def flat(self, parent: Node, count: int, *, at: int) -> None:
        """So many paragraphs."""
        for _ in range(count):
            self.text(parent, "paragraph", at=at)

    def fill(self, page: Node, count: int, *, start: int, depth: int, at: int) -> None:
        """Exactly ``count`` blocks, none deeper than ``depth``, beginning at a place of the round."""
        place = start
        while count > 0:
            pattern = PATTERNS[place % len(PATTERNS)]
            place += 1
            if pattern.blocks <= count and pattern.levels <= depth:
                pattern.write(self, page, at)
                count -= pattern.blocks


class Pattern(NamedTuple):
    """How many blocks a pattern makes, how many levels deep, and the function that makes them."""

    blocks: int
    levels: int
    write: Callable[[Pen, Node, int], Any]


def _text(kind: str) -> Pattern:
    return Pattern(1, 1, lambda pen, page, at: pen.text(page, kind, at=at))


def _mute(kind: str) -> Pattern:
    return Pattern(1, 1, lambda pen, page, at: pen.add(page, kind, MUTE[kind], at=at))


def _nest(kind: str, *inner: str) -> Pattern:
    """A block that shows a text, with some below it."""

    def write(pen: Pen, page: Node, at: int) -> None:
        holder = pen.text(page, kind, at=at)
        for one in inner:
            pen.text(holder, one, at=at)

    return Pattern(1 + len(inner), 2, write)


def _toggle_heading(pen: Pen, page: Node, at: int) -> None:
    holder = pen.text(page, "heading_2", at=at)
    holder.content = {**holder.content, "is_toggleable": True}
    pen.text(holder, "paragraph", at=at)


def _columns(pen: Pen, page: Node, at: int) -> None:
    holder = pen.add(page, "column_list", {}, at=at)
    for _ in range(2):
        pen.text(pen.add(holder, "column", {}, at=at), "paragraph", at=at)


def _table(pen: Pen, page: Node, at: int) -> None:
    head = {"table_width": 2, "has_column_header": True, "has_row_header": False}
    table = pen.add(page, "table", head, at=at)
    for _ in range(2):
        place = pen.world.ids.node(at)
        cells = [pen.words(place), pen.words(place)]
        pen.add(table, "table_row", {"cells": cells}, at=at, id=place)


def _tabs(pen: Pen, page: Node, at: int) -> None:
    holder = pen.add(page, "tab", {}, at=at)
    for _ in range(2):
        pen.text(pen.text(holder, "paragraph", at=at), "paragraph", at=at)


def _list(pen: Pen, page: Node, at: int) -> None:
    outer = pen.text(page, "bulleted_list_item", at=at)
    inner = pen.text(outer, "numbered_list_item", at=at)
    pen.text(inner, "to_do", at=at)


# What stands between two nestings: most of a workspace is plain text.
RUN = tuple(
    _text(kind)
    for kind in ("paragraph", "paragraph", "bulleted_list_item", "bulleted_list_item", "paragraph", "to_do")
    * 2
)
ROUND: tuple[Pattern, ...] = (
    _text("heading_1"), _text("paragraph"), _text("paragraph"), _text("bulleted_list_item"),
    _text("bulleted_list_item"), _text("paragraph"), _text("numbered_list_item"), _text("to_do"),
    _nest("toggle", "paragraph", "paragraph", "code"), _text("paragraph"), _text("quote"), _mute("divider"),
    _text("heading_2"), _text("paragraph"), _text("code"), _text("paragraph"), _text("image"), _text("paragraph"),
    Pattern(3, 2, _table), _text("paragraph"), _mute("equation"), _text("callout"), _text("paragraph"),
    _mute("bookmark"), _text("heading_3"), _text("paragraph"), _text("paragraph"), _mute("embed"),
    Pattern(5, 3, _columns), _text("paragraph"), _text("to_do"), _text("to_do"), _text("video"), _text("paragraph"),
    _text("file"), _text("paragraph"), _mute("breadcrumb"), _text("heading_4"), _text("paragraph"), _text("pdf"),
    Pattern(3, 3, _list), _text("paragraph"), _text("audio"), _mute("table_of_contents"), _text("paragraph"),
    Pattern(2, 2, _toggle_heading), _text("paragraph"), _mute("link_preview"), _text("paragraph"),
    _nest("callout", "paragraph"), _text("paragraph"), _text("numbered_list_item"), _text("numbered_list_item"),
    Pattern(5, 3, _tabs), _text("paragraph"), _nest("quote", "paragraph"), _text("paragraph"), _text("paragraph"),
)  # fmt: skip
PATTERNS: tuple[Pattern, ...] = tuple(
    step for pattern in ROUND for step in ((pattern, *RUN) if pattern.levels > 1 else (pattern,))
)
