"""A page in Notion's Markdown as the parts that core.chunk cuts.

https://developers.notion.com/guides/data-apis/enhanced-markdown. Lines stand for blocks and have no ids, so every part
belongs to the page. Marks and tags are left out; what people wrote stays.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile

from syncline.core.chunk import Part, Shape

__all__ = ["markdown_parts", "plain"]

_INLINE = re.compile(
    r"""\\(?P<escaped>.)
    | (?P<break><br\s*/?>)
    | <mention-date\s[^>]*?start="(?P<date>[^"]*)"[^>]*>
    | <[a-z]+\s[^<>]*?\bname="(?P<name>[^"]*)"[^<>]*>
    | </?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>
    | !?\[(?P<text>(?:\\.|[^\]\\])*)\]\((?:\\.|\([^()\s]*\)|[^()\\\s])*\)
    | [*~`$]+""",
    re.VERBOSE,
)
_ATTRIBUTES = re.compile(r'\s*\{(?:color|toggle)="[^"]*"[^{}]*\}\s*$')


def plain(line: str) -> str:
    """What a reader sees of a line: no marks, tags, escapes and addresses."""
    return html.unescape(_INLINE.sub(_shown, _ATTRIBUTES.sub("", line))).strip()


def _shown(found: re.Match[str]) -> str:
    if found["text"] is not None:
        return plain(found["text"])
    if found["name"] is not None:
        return f"{found['name']} "
    return found["escaped"] or found["date"] or (" " if found["break"] else "")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a line stands: under which headings, in which list, toggle or callout, how deep.

    `headings` (level and text) are those of the same container, `above` those around it.
    """

    above: tuple[str, ...] = ()
    headings: tuple[tuple[int, str], ...] = ()
    shape: Shape = Shape.TEXT
    group: str = ""
    depth: int = -1

    @property
    def path(self) -> tuple[str, ...]:
        return (*self.above, *(title for _, title in self.headings))


@dataclass(slots=True)
class _Reader:
    """The lines on their way. `places` are the open containers, the innermost last."""

    page: str
    lines: Iterator[str]
    places: list[_Place]
    count: int = 0

    def part(self, said: str, **other: str | Shape) -> Part:
        place = self.places[-1]
        held = Part(self.page, said, place.shape, place.path, place.group)
        return replace(held, **other)  # type: ignore[arg-type]  # each name has its own type

    def group(self) -> str:
        """A name that no other group of the page has."""
        self.count += 1
        return str(self.count)

    def enter(self, shape: Shape, group: str, depth: int) -> None:
        path = self.places[-1].path
        self.places.append(_Place(path, (), shape, group, depth))

    def leave_lists(self, depth: int, kind: str) -> None:
        """A list ends where a line of another kind stands as far out as its items. Its headings go on."""
        while (place := self.places[-1]).shape is Shape.LIST and (
            place.depth > depth or (place.depth == depth and place.group != kind)
        ):
            self.places.pop()


_Write = Callable[[_Reader, re.Match[str], int], Iterator[Part]]


def markdown_parts(page: str, markdown: str) -> Iterator[Part]:
    """The parts of a page's Markdown in order."""
    reader = _Reader(page, iter(markdown.splitlines()), [_Place()])
    for line in reader.lines:
        text = line.lstrip("\t ")
        depth = len(line) - len(text)
        if not text:
            continue
        found, write = next((found, write) for form, write in _FORMS if (found := form.match(text)))
        reader.leave_lists(depth, found.lastgroup or "")
        yield from write(reader, found, depth)


def _heading(reader: _Reader, found: re.Match[str], _depth: int) -> Iterator[Part]:
    level, title = len(found[1]), plain(found[2])
    place = reader.places[-1]
    above = tuple(pair for pair in place.headings if pair[0] < level)
    reader.places[-1] = replace(place, headings=(*above, (level, title)) if title else place.headings)
    yield reader.part(title, shape=Shape.HEADING, group="")


def _nothing(_reader: _Reader, _found: re.Match[str], _depth: int) -> Iterator[Part]:
    return iter(())


def _item(reader: _Reader, found: re.Match[str], depth: int) -> Iterator[Part]:
    if reader.places[-1].shape is Shape.TEXT:
        reader.enter(Shape.LIST, str(found.lastgroup), depth)
    yield reader.part(plain(found[found.lastgroup or 0]))


def _code(reader: _Reader, found: re.Match[str], _depth: int) -> Iterator[Part]:
    lines = takewhile(lambda line: line.strip() != found[1], reader.lines)
    yield reader.part("\n".join(lines), shape=Shape.CODE, group=reader.group())


def _table(reader: _Reader, found: re.Match[str], _depth: int) -> Iterator[Part]:
    """Rows as lines of cells; the first is the header where the table says so. What is in no cell follows."""
    inside = "\n".join(
        line.strip() for line in takewhile(lambda line: line.strip() != "</table>", reader.lines)
    )
    rows = [_CELL.findall(row) for row in inside.split("</tr>")]
    said = [" | ".join(map(plain, cells)).strip(" |") for cells in rows if cells]
    header = said[0] if said and 'header_row="true"' in found[0] else ""
    group = reader.group()
    for index, row in enumerate(said):
        yield reader.part(row, shape=Shape.TABLE, group=group, header=header if index else "")
    yield reader.part("\n".join(filter(None, map(plain, _CELL.sub("", inside).splitlines()))))


_CELL = re.compile(r"<td[^>]*>(.*?)</td>")


def _open(shape: Shape) -> _Write:
    def write(reader: _Reader, found: re.Match[str], depth: int) -> Iterator[Part]:
        reader.enter(shape, reader.group(), depth)
        yield from _rest(reader, found)

    return write


def _column(reader: _Reader, found: re.Match[str], depth: int) -> Iterator[Part]:
    """Headings inside hold inside alone."""
    place = reader.places[-1]
    reader.enter(place.shape, place.group, depth)
    yield from _rest(reader, found)


def _close(reader: _Reader, found: re.Match[str], _depth: int) -> Iterator[Part]:
    while len(reader.places) > 1 and reader.places[-1].shape is Shape.LIST:
        reader.places.pop()
    if len(reader.places) > 1:
        reader.places.pop()
    yield from _rest(reader, found)


def _rest(reader: _Reader, found: re.Match[str]) -> Iterator[Part]:
    """What stands on the line of a tag."""
    said = plain(found.string[found.end() :])
    if said:
        yield reader.part(said)


def _text(reader: _Reader, found: re.Match[str], _depth: int) -> Iterator[Part]:
    yield reader.part(plain(found[0].removeprefix("> ")))


_CONTAINERS: Mapping[str, _Write] = {
    r"<callout\b[^>]*>": _open(Shape.CALLOUT),
    r"<details\b[^>]*>": _open(Shape.TOGGLE),
    r"<(?:column|tab|meeting-notes|summary-section|synced_block|synced_block_reference)\b[^>]*[^/]>": _column,
    r"<(?:column|tab)>": _column,
    r"</(?:callout|details|column|tab|meeting-notes|synced_block|synced_block_reference)>": _close,
}
_FORMS: tuple[tuple[re.Pattern[str], _Write], ...] = (
    (re.compile(r"-{3,}\s*$|\$\$$|<empty-block/>$"), _nothing),
    (re.compile(r"(#{1,4}) (.*)"), _heading),
    (re.compile(r"- \[[ xX]\] (?P<to_do>.*)|- (?P<bulleted>.*)|\d+\. (?P<numbered>.*)"), _item),
    (re.compile(r"(`{3,}).*"), _code),
    (re.compile(r"<table\b[^>]*>"), _table),
    *((re.compile(form), write) for form, write in _CONTAINERS.items()),
    (re.compile(r".*", re.DOTALL), _text),
)
