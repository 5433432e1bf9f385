"""A page or a block as Markdown of dialect v1, as ``GET /v1/pages/{id}/markdown`` answers it.

Source: https://developers.notion.com/guides/data-apis/enhanced-markdown and one recorded page. Children stand one tab
further in, blocks are joined by one newline, an empty paragraph is ``<empty-block/>``. Each block type is one function
in a table: it gives the lines before its children, how far in they stand, and the lines after them. What the dialect
has no form for is an ``<unknown/>`` line with its address and type.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from notion_emulator.ids import undashed
from notion_emulator.markdown_inline import Links, attributes, color_name, inline
from notion_emulator.objects import Block, Database, Node, Page
from notion_emulator.world import World

__all__ = ["Rendered", "render"]

Json = dict[str, Any]

UNKNOWN_IDS = 100  # most ids that an answer lists


@dataclass(frozen=True, slots=True)
class Rendered:
    """The answer's ``markdown``, ``truncated`` and ``unknown_block_ids``."""

    markdown: str
    truncated: bool
    unknown_block_ids: list[str]


def render(
    world: World,
    node: Node,
    *,
    link: Callable[[Node], str],
    file_url: Callable[[Json], str],
    visible: Callable[[Node], bool],
    limit: int | None = None,
    transcript: bool = False,
) -> Rendered:
    """The content of a page, or a block with what is below it.

    ``link`` gives the address of a page or database, ``file_url`` that of a stored file object (external or hosted),
    ``visible`` says what the reader may see; after ``limit`` blocks (the world's setting by default) the rest is left
    out. ``transcript`` shows the transcripts of meeting notes.
    """
    most = world.settings.markdown_blocks if limit is None else limit
    writer = _Writer(world, Links(world, link, visible), file_url, most, transcript=transcript)
    if isinstance(node, Block):
        writer.write([node])
    else:
        writer.write(writer.children(node))
    return Rendered("\n".join(writer.lines), bool(writer.left_out), writer.left_out[:UNKNOWN_IDS])


class Shape(NamedTuple):
    """The lines before a block's children, how many tabs further in they stand, the lines after them."""

    before: list[str]
    indent: int = 1
    after: tuple[str, ...] = ()
    children: list[Node] | None = None  # other than the block's own


@dataclass(slots=True)
class _Writer:
    """One document in the making; a stack of its own, because blocks nest deeper than Python calls."""

    world: World
    links: Links
    file_url: Callable[[Json], str]
    limit: int
    transcript: bool
    lines: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)  # of numbered list items, by id

    def children(self, node: Node) -> list[Node]:
        return [child for child in self.world.alive(node) if self.links.visible(child)]

    def count(self, nodes: list[Node]) -> None:
        """Number the list items that stand together; what else stands between begins anew."""
        number = 0
        for node in nodes:
            number = number + 1 if isinstance(node, Block) and node.type == "numbered_list_item" else 0
            if number:
                self.numbers[node.id] = number

    def write(self, nodes: list[Node]) -> None:
        written = 0
        self.count(nodes)
        stack: list[tuple[Node | str, int]] = [(node, 0) for node in reversed(nodes)]
        while stack:
            item, depth = stack.pop()
            if isinstance(item, str):
                self.line(item, depth)
            elif written >= self.limit:
                self.omit(item, depth)
            else:
                written += 1
                stack += self.expanded(item, depth)

    def line(self, text: str, depth: int) -> None:
        self.lines.append("\t" * depth + text)

    def omit(self, node: Node, depth: int) -> None:
        """Leave out a subtree and say so."""
        self.left_out.append(node.id)
        self.line(self.unknown(node, node.type if isinstance(node, Block) else f"child_{node.kind}"), depth)

    def expanded(self, node: Node, depth: int) -> list[tuple[Node | str, int]]:
        """Write a block's first lines; what is to follow, last first."""
        shape = self.shape(node)
        if shape is None:
            self.omit(node, depth)
            return []
        for text in shape.before:
            self.line(text, depth)
        children = self.children(node) if shape.children is None else shape.children
        self.count(children)
        follow: list[tuple[Node | str, int]] = [(child, depth + shape.indent) for child in children]
        follow += [(text, depth) for text in shape.after]
        follow.reverse()
        return follow

    def shape(self, node: Node) -> Shape | None:
        """What a node looks like; None where this reader cannot see it."""
        match node:
            case Page():
                return Shape(
                    [f"<page{attributes(url=self.links.url(node.id))}>{self.title(node)}</page>"], children=[]
                )
            case Database():
                return Shape([self.database(node)], children=[])
            case Block():
                write = SHAPES.get(node.type)
                return write(self, node) if write else self.alone(node)
        raise TypeError(node.kind)

    # Pieces that several types use

    def title(self, node: Node) -> str:
        runs = (
            node.title
            if isinstance(node, Database)
            else node.properties.get("title")
            if isinstance(node, Page)
            else None
        )
        return inline(runs or [], self.links) or "Untitled"

    def text(self, node: Block, key: str = "rich_text") -> str:
        return inline(node.content.get(key) or [], self.links)

    def address(self, node: Node) -> str:
        """The address of a block: its page's, and the block's id."""
        page = self.world.page_of(node)
        return f"{self.links.address(page) if page else ''}#{undashed(node.id)}"

    def unknown(self, node: Node, name: str) -> str:
        return f"<unknown{attributes(url=self.address(node), alt=name)}/>"

    def alone(self, node: Block, name: str | None = None) -> Shape:
        """A block that the dialect has no form for."""
        return Shape([self.unknown(node, name or node.content.get("block_type") or node.type)], children=[])

    def database(self, node: Database) -> str:
        living = [one for one in node.data_sources if not self.world.nodes[one].trashed]
        icon = self.icon(node.icon)
        source = f"collection://{living[0]}" if living else None
        inlined = str(node.is_inline).lower()
        head = attributes(url=self.links.url(node.id), inline=inlined, icon=icon, data_source_url=source)
        return f"<database{head}>{self.title(node)}</database>"

    def icon(self, icon: Json | None) -> str | None:
        """An icon as an attribute: the emoji, ``:name:`` or an address."""
        if icon is None:
            return None
        kind = icon["type"]
        if kind == "emoji":
            return str(icon["emoji"])
        if kind in ("custom_emoji", "icon"):
            return f":{icon[kind]['name']}:"
        return self.file_url(icon)


# One function per block type


def _color(node: Block) -> str | None:
    return color_name(node.content.get("color"))


def _suffix(**values: str | None) -> str:
    """``{color="blue"}`` at the end of a first line, or nothing."""
    inner = attributes(**values)
    return f" {{{inner.strip()}}}" if inner else ""


def _first_line(prefix: str) -> Callable[[_Writer, Block], Shape]:
    return lambda pen, node: Shape([f"{prefix}{pen.text(node)}{_suffix(color=_color(node))}"])


def _paragraph(pen: _Writer, node: Block) -> Shape:
    text = pen.text(node)
    return Shape([f"{text}{_suffix(color=_color(node))}" if text else "<empty-block/>"])


def _heading(marks: str) -> Callable[[_Writer, Block], Shape]:
    def shape(pen: _Writer, node: Block) -> Shape:
        toggle = "true" if node.content.get("is_toggleable") else None
        return Shape([f"{marks} {pen.text(node)}{_suffix(toggle=toggle, color=_color(node))}"])

    return shape


def _numbered(pen: _Writer, node: Block) -> Shape:
    number = pen.numbers.get(node.id, 1)
    return Shape([f"{number}. {pen.text(node)}{_suffix(color=_color(node))}"])


def _to_do(pen: _Writer, node: Block) -> Shape:
    mark = "x" if node.content["checked"] else " "
    return Shape([f"- [{mark}] {pen.text(node)}{_suffix(color=_color(node))}"])


def _toggle(pen: _Writer, node: Block) -> Shape:
    head = [f"<details{attributes(color=_color(node))}>", f"<summary>{pen.text(node)}</summary>"]
    return Shape(head, after=("</details>",))


def _callout(pen: _Writer, node: Block) -> Shape:
    head = [f"<callout{attributes(icon=pen.icon(node.content['icon']), color=_color(node))}>"]
    text = pen.text(node)
    return Shape([*head, f"\t{text}"] if text else head, after=("</callout>",))


def _code(_pen: _Writer, node: Block) -> Shape:
    text = "".join(run["plain_text"] for run in node.content["rich_text"])
    fence = "```"
    while fence in text:
        fence += "`"
    return Shape([f"{fence}{node.content['language']}", *text.split("\n"), fence])


def _equation(_pen: _Writer, node: Block) -> Shape:
    return Shape(["$$", *node.content["expression"].split("\n"), "$$"])


def _divider(_pen: _Writer, _node: Block) -> Shape:
    return Shape(["---"])


def _contents(_pen: _Writer, node: Block) -> Shape:
    return Shape([f"<table_of_contents{attributes(color=_color(node))}/>"])


def _table(_pen: _Writer, node: Block) -> Shape:
    """Only true attributes are written, and neither rows nor cells stand further in (seen in real output)."""
    column, row = ("true" if node.content[key] else None for key in ("has_column_header", "has_row_header"))
    return Shape(
        [f"<table{attributes(header_row=column, header_column=row)}>"], indent=0, after=("</table>",)
    )


def _row(pen: _Writer, node: Block) -> Shape:
    cells = [f"<td>{inline(cell, pen.links)}</td>" for cell in node.content["cells"]]
    return Shape(["<tr>", *cells, "</tr>"], children=[])


def _columns(_pen: _Writer, _node: Block) -> Shape:
    return Shape(["<columns>"], after=("</columns>",))


def _column(_pen: _Writer, node: Block) -> Shape:
    ratio = node.content.get("width_ratio")
    percent = None if ratio is None else f"{round(ratio * 100, 2):g}"
    return Shape([f"<column{attributes(ratio=percent)}>"], after=("</column>",))


def _tabs(pen: _Writer, node: Block) -> Shape:
    """All tabs at once: a paragraph is a tab only here."""
    return Shape(["<tabs>"], after=("</tabs>",), children=[_Tab(child) for child in pen.children(node)])


class _Tab(Block):
    """A paragraph in the place of a tab."""

    def __init__(self, node: Node) -> None:
        assert isinstance(node, Block)
        super().__init__(
            id=node.id, parent_kind=node.parent_kind, parent_id=node.parent_id, created=node.created,
            edited=node.edited, created_by=node.created_by, edited_by=node.edited_by, children=node.children,
            type="_tab", content=node.content,
        )  # fmt: skip


def _tab(pen: _Writer, node: Block) -> Shape:
    icon = pen.icon(node.content.get("icon"))
    return Shape([f"<tab{attributes(icon=icon)}>", f"\t{pen.text(node)}"], after=("</tab>",))


def _image(pen: _Writer, node: Block) -> Shape:
    caption = pen.text(node, "caption")
    return Shape([f"![{caption}]({pen.file_url(node.content)}){_suffix(color=_color(node))}"])


def _media(tag: str) -> Callable[[_Writer, Block], Shape]:
    def shape(pen: _Writer, node: Block) -> Shape:
        head = attributes(src=pen.file_url(node.content), color=_color(node))
        return Shape([f"<{tag}{head}>{pen.text(node, 'caption')}</{tag}>"])

    return shape


def _synced(pen: _Writer, node: Block) -> Shape | None:
    origin = node.content["synced_from"]
    if origin is None:
        return Shape([f"<synced_block{attributes(url=pen.address(node))}>"], after=("</synced_block>",))
    original = pen.world.nodes.get(origin["block_id"])
    if original is None or not pen.links.visible(original) or pen.world.in_trash(original):
        return None
    head = f"<synced_block_reference{attributes(url=pen.address(original))}>"
    return Shape([head], after=("</synced_block_reference>",), children=pen.children(original))


def _meeting(pen: _Writer, node: Block) -> Shape:
    """Title, summary and notes; the transcript only where it was asked for."""
    parts = {name: pen.world.nodes.get(place) for name, place in (node.content.get("children") or {}).items()}
    names = ["summary", "notes", *(["transcript"] if pen.transcript else [])]
    found = {name: part for name in names if (part := parts.get(f"{name}_block_id"))}
    inner = _Writer(pen.world, pen.links, pen.file_url, pen.limit, transcript=pen.transcript)
    lines = [f"\t{pen.text(node, 'title')}"]
    for name, part in found.items():
        inner.lines = []
        inner.write(inner.children(part))
        lines += [f"\t<{name}>", *(f"\t\t{line}" for line in inner.lines), f"\t</{name}>"]
    pen.left_out += inner.left_out
    return Shape(["<meeting-notes>", *lines, "</meeting-notes>"], children=[])


SHAPES: dict[str, Callable[[_Writer, Block], Shape | None]] = {
    "paragraph": _paragraph,
    "heading_1": _heading("#"),
    "heading_2": _heading("##"),
    "heading_3": _heading("###"),
    "heading_4": _heading("####"),
    "bulleted_list_item": _first_line("- "),
    "numbered_list_item": _numbered,
    "to_do": _to_do,
    "toggle": _toggle,
    "quote": _first_line("> "),
    "callout": _callout,
    "code": _code,
    "equation": _equation,
    "divider": _divider,
    "table_of_contents": _contents,
    "table": _table,
    "table_row": _row,
    "column_list": _columns,
    "column": _column,
    "tab": _tabs,
    "_tab": _tab,
    "image": _image,
    "audio": _media("audio"),
    "video": _media("video"),
    "file": _media("file"),
    "pdf": _media("pdf"),
    "synced_block": _synced,
    "meeting_notes": _meeting,
    "link_to_page": lambda pen, node: pen.alone(node, "alias"),
    "bookmark": _Writer.alone,
    "embed": _Writer.alone,
    "link_preview": _Writer.alone,
    "breadcrumb": _Writer.alone,
    "template": _Writer.alone,
    "unsupported": _Writer.alone,
}
