"""A page, row or data source as the parts that core.chunk cuts: what it says, in reading order, under which headings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from syncline.core.chunk import Part, Shape
from syncline.core.model import Change, Document, Json, Kind
from syncline.destinations import content
from syncline.destinations.search_markdown import markdown_parts
from syncline.notion.blocks import Block, plain_text
from syncline.notion.canonical import is_signed
from syncline.notion.links import asset_url
from syncline.notion.richtext import text
from syncline.notion.values import (
    DateValue,
    FileValue,
    PersonValue,
    PlaceValue,
    PlainValue,
    properties,
    schema,
)

__all__ = ["parts"]


def parts(change: Change) -> Iterator[Part]:
    """The parts of a page or data source: its properties, then its content; its title alone if there is nothing else."""
    record = change.record
    said = _schema(record.data) if record.kind is Kind.DATA_SOURCE else _properties(record.data)
    if said:
        yield Part(record.key, said, Shape.PROPERTIES)
    body = False
    for part in _content(change.document):
        body = body or bool(part.text.strip())
        yield part
    if not said and not body:
        yield Part(record.key, record.title, Shape.TITLE)


def _content(document: Document | None) -> Iterator[Part]:
    if document is None:
        return
    if document.markdown is not None:
        yield from markdown_parts(document.page, document.markdown)
    else:
        yield from _blocks(content.blocks(document))


# --- properties ---------------------------------------------------------------------------------------------------

_SILENT = frozenset(
    {"title", "relation", "button", "created_time", "created_by", "last_edited_time", "last_edited_by"}
)
"""Types that say nothing to search for: the title is in a field of its own, ids and times of edits are no words."""


def _properties(page: Json) -> str:
    """The values of a page, one property a line."""
    cells = properties(page).values()
    lines = ((cell.name, _value(cell.plain)) for cell in cells if cell.type not in _SILENT)
    return "\n".join(f"{name}: {value}" for name, value in lines if value)


def _value(plain: PlainValue) -> str:
    if isinstance(plain, list):
        return ", ".join(filter(None, map(_value, plain)))
    write = next((write for kind, write in _WRITERS if isinstance(plain, kind)), None)
    return write(plain) if write else ""


_WRITERS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (bool, lambda value: "yes" if value else "no"),
    (str, str),
    (int, str),
    (float, lambda value: f"{value:g}" if abs(value) < 1e6 else repr(value)),
    (DateValue, lambda value: f"{value.start} to {value.end}" if value.end else value.start),
    (PersonValue, lambda value: value.name or value.email),
    (FileValue, lambda value: value.name),
    (PlaceValue, lambda value: ", ".join(filter(None, (value.name, value.address)))),
)


def _schema(source: Json) -> str:
    """What a data source says of itself: its description, then its columns with their options."""
    lines = [text(source.get("description"))]
    for column in schema(source):
        options = column.config.get("options") or ()
        names = ", ".join(str(option.get("name") or "") for option in options)
        lines.append(f"{column.name}: {names or column.type.replace('_', ' ')}")
    return "\n".join(filter(None, lines))


# --- blocks -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Place:
    """Where siblings stand: under which headings, in which list, toggle or callout.

    `headings` (level and text) are those among the siblings, `above` those around their container.
    """

    above: tuple[str, ...] = ()
    headings: tuple[tuple[int, str], ...] = ()
    shape: Shape = Shape.TEXT
    group: str = ""
    header: str = ""
    tabs: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        return (*self.above, *(title for _, title in self.headings))

    def inside(self, **other: Any) -> "_Place":
        """The place of what hangs below."""
        return replace(self, above=self.path, headings=(), **({"tabs": False} | other))


_Step: TypeAlias = Callable[[Block, _Place], tuple[Part, _Place]]
"""What a block says where it stands, and the place of what hangs below it. It moves its own place on, as a heading does."""


def _blocks(tree: Sequence[Block]) -> Iterator[Part]:
    """The parts of a tree, on a stack of our own: Notion's trees may be deeper than Python's."""
    stack: list[tuple[Iterator[Block], _Place]] = [(iter(tree), _Place())]
    while stack:
        siblings, place = stack[-1]
        block = next(siblings, None)
        if block is None:
            stack.pop()
            continue
        part, below = _STEPS.get("tab_item" if place.tabs else block.type, _plain)(block, place)
        yield part
        if block.children:
            stack.append((iter(block.children), below))


def _part(block: Block, place: _Place, said: str | None = None, **other: Any) -> Part:
    values: dict[str, Any] = {"shape": place.shape, "headings": place.path, "group": place.group}
    return Part(block.id, plain_text(block.raw) if said is None else said, **(values | other))


def _plain(block: Block, place: _Place) -> tuple[Part, _Place]:
    return _part(block, place), place.inside()


def _heading(level: int) -> _Step:
    def step(block: Block, place: _Place) -> tuple[Part, _Place]:
        title = " ".join(plain_text(block.raw).split())
        if title:
            above = tuple(pair for pair in place.headings if pair[0] < level)
            place.headings = (*above, (level, title))
        return _part(block, place, title, shape=Shape.HEADING, group=""), place.inside()

    return step


def _tab_item(block: Block, place: _Place) -> tuple[Part, _Place]:
    """The label of a tab is a heading for what is on it."""
    label = " ".join(plain_text(block.raw).split())
    inner = place.inside()
    if label:
        inner.headings = ((1, label),)
    return _part(block, inner, label, shape=Shape.HEADING, group=""), inner.inside()


def _item(block: Block, place: _Place) -> tuple[Part, _Place]:
    """An item of a list; what hangs below it belongs to the same list. In a toggle or callout it belongs to that."""
    own = {} if place.shape is not Shape.TEXT else {"shape": Shape.LIST, "group": block.type}
    return _part(block, place, **own), place.inside(**own)


def _box(shape: Shape) -> _Step:
    """A block that stands alone, with all that hangs below it."""

    def step(block: Block, place: _Place) -> tuple[Part, _Place]:
        own = {"shape": shape, "group": block.id}
        return _part(block, place, **own), place.inside(**own)

    return step


def _code(block: Block, place: _Place) -> tuple[Part, _Place]:
    return _part(block, place, shape=Shape.CODE, group=block.id), place.inside()


def _table(block: Block, place: _Place) -> tuple[Part, _Place]:
    first = next((row for row in block.children if row.type == "table_row"), None)
    header = _cells(first) if first is not None and block.data.get("has_column_header") else ""
    return _part(block, place, ""), place.inside(shape=Shape.TABLE, group=block.id, header=header)


def _row(block: Block, place: _Place) -> tuple[Part, _Place]:
    """A row; the first is the header itself, where there is one."""
    said = _cells(block)
    return _part(block, place, said, header="" if said == place.header else place.header), place.inside()


def _cells(row: Block) -> str:
    cells = (" ".join(text(cell).split()) for cell in row.data.get("cells") or ())
    return " | ".join(cells).strip(" |")


def _tab(block: Block, place: _Place) -> tuple[Part, _Place]:
    return _part(block, place), place.inside(tabs=True)


def _web(block: Block, place: _Place) -> tuple[Part, _Place]:
    """A link's address is searched for as well as its caption."""
    address = str(block.data.get("url") or "")
    return _part(block, place, "\n".join(filter(None, (plain_text(block.raw), address)))), place.inside()


def _media(block: Block, place: _Place) -> tuple[Part, _Place]:
    """A file's caption and name; its address too, unless Notion signed it for an hour."""
    address = asset_url(block.data)
    shown = "" if is_signed(address) else address
    return _part(block, place, "\n".join(filter(None, (plain_text(block.raw), shown)))), place.inside()


def _unread(block: Block, place: _Place) -> tuple[Part, _Place]:
    """Why something is missing is no content."""
    return _part(block, place, ""), place.inside()


_STEPS: Mapping[str, _Step] = {
    "heading_1": _heading(1),
    "heading_2": _heading(2),
    "heading_3": _heading(3),
    "heading_4": _heading(4),
    "bulleted_list_item": _item,
    "numbered_list_item": _item,
    "to_do": _item,
    "toggle": _box(Shape.TOGGLE),
    "callout": _box(Shape.CALLOUT),
    "code": _code,
    "table": _table,
    "table_row": _row,
    "tab": _tab,
    "tab_item": _tab_item,
    "embed": _web,
    "bookmark": _web,
    "link_preview": _web,
    "image": _media,
    "video": _media,
    "audio": _media,
    "pdf": _media,
    "file": _media,
    "unread": _unread,
}
