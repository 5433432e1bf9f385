"""The text of a page or data source as far as it depends on nothing else, and the text it becomes.

A `Draft` is made once from a change and kept. Where it speaks of another page or a person it holds the id; `written`
puts in the title and the relative path that thing has now. So a page can be written again when another one moves,
without being read again.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

import yaml

from syncline.core.model import Change, Document, Json, Kind
from syncline.destinations import content
from syncline.notion.canonical import is_signed
from syncline.notion.errors import MalformedId
from syncline.notion.markdown import StyleName, render
from syncline.notion.objects import parse_id
from syncline.notion.portable_text import portable_text
from syncline.notion.values import (
    DateValue,
    FileValue,
    PersonValue,
    PlainValue,
    Unknown,
    VerificationValue,
    properties,
    schema,
)

__all__ = ["Draft", "Known", "Lookup", "draft", "encodable", "references", "table", "written"]

UNTITLED = "Untitled"

# The rest of this file speaks of: a reference, {"page": id} or {"user": id, "name": …}, in a draft's properties; a
# segment of a body, either text or [id, the address to use where the id is not known].


@dataclass(frozen=True, slots=True)
class Draft:
    """What a file says. `head` and `properties` become front matter, `body` follows the title."""

    title: str
    head: Mapping[str, Any]
    properties: Mapping[str, Any]
    body: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What another record is called, and its file; a person has none."""

    title: str
    path: str | None = None


Lookup: TypeAlias = Callable[[str], Known | None]


def draft(change: Change, *, style: StyleName) -> Draft:
    """The draft of a page or data source."""
    record = change.record
    head = {
        "id": record.key,
        "url": record.data.get("url"),
        "created": record.data.get("created_time"),
        "edited": record.data.get("last_edited_time"),
    }
    made = _source_properties if record.kind is Kind.DATA_SOURCE else _page_properties
    body = _body(change.document, url=str(record.data.get("url") or ""), style=style)
    return Draft(encodable(record.title), head, encodable(made(record.data)), encodable(body))


def references(drafted: Draft) -> set[str]:
    """The ids of everything the draft speaks of."""
    found = {part[0] for part in drafted.body if not isinstance(part, str)}
    waiting: list[Any] = list(drafted.properties.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, Mapping):
            found |= {str(value[key]) for key in ("page", "user") if key in value}
    return found


def written(drafted: Draft, path: str, *, lookup: Lookup, parent: str | None = None, rows: str = "") -> str:
    """The text of the file at `path`, which hangs below `parent`. `rows` is the table that ends a data source."""
    known = lookup(drafted.head["id"]) or Known(drafted.title)
    values = {name: _value(value, path, lookup) for name, value in drafted.properties.items()}
    matter = {
        "id": drafted.head["id"],
        "title": known.title,
        "parent": _parent(parent, path, lookup),
        **drafted.head,
        "properties": values or None,
    }
    matter = {name: value for name, value in matter.items() if value is not None}
    front = yaml.dump(matter, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=2**20)
    body = "".join(_segment(part, path, lookup) for part in drafted.body)
    blocks = [f"---\n{front}---", f"# {_line(known.title) or UNTITLED}", body.strip("\n"), rows.strip("\n")]
    return "\n\n".join(filter(None, blocks)) + "\n"


def table(drafted: Draft, rows: Iterable[tuple[str, Draft]], path: str, *, lookup: Lookup) -> str:
    """The rows of a data source as a table: one column a property, the title first and linked to the row's file."""
    names = [name for name, kind in drafted.properties.items() if kind != "title"]
    lines = [_cells(["Title", *map(_line, names)]), _cells(["---"] * (len(names) + 1))]
    ordered = sorted(rows, key=lambda row: (row[1].title.casefold(), row[0]))
    return "\n".join([*lines, *(_row(key, row, names, path, lookup) for key, row in ordered)])


class _Dumper(yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper):  # type: ignore[misc]  # chosen at run time
    """YAML without anchors: the same value twice is written twice."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _page_properties(data: Json) -> dict[str, Any]:
    cells = properties(data).values()
    return {
        cell.name: _encoded(cell.type, cell.plain) for cell in cells if cell.type not in {"title", "button"}
    }


def _source_properties(data: Json) -> dict[str, Any]:
    return {column.name: column.type for column in schema(data)}


def _encoded(kind: str, value: PlainValue) -> Any:
    """A plain value as JSON that marks what is a reference."""
    if kind == "relation" and isinstance(value, list):
        return [{"page": key} for key in value]
    return next(encode for known, encode in _ENCODINGS if isinstance(value, known))(value)


def _encoded_unknown(value: Unknown) -> Any:
    return None if value.raw in (None, {}) else {"raw": value.raw}


def _encoded_date(value: DateValue) -> str:
    zone = f" ({value.time_zone})" if value.time_zone else ""
    return (f"{value.start} → {value.end}" if value.end else value.start) + zone


_ENCODINGS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (DateValue, _encoded_date),
    (PersonValue, lambda value: {"user": value.id, "name": value.name}),
    (FileValue, lambda value: {"file": value.name, "url": "" if value.expiring else value.url}),
    (VerificationValue, lambda value: value.state),
    (Unknown, _encoded_unknown),
    (list, lambda value: [_encoded("", item) for item in value]),
    (
        object,
        lambda value: (
            {"raw": asdict(value)} if is_dataclass(value) and not isinstance(value, type) else value
        ),
    ),
)


def _value(value: Any, path: str, lookup: Lookup) -> Any:
    """A property for the front matter."""
    if isinstance(value, list):
        return [_value(item, path, lookup) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "raw" in value:
        return value["raw"]
    if "file" in value:
        return _file_link(value)
    known = lookup(str(value.get("page") or value.get("user")))
    if "page" in value:
        return value["page"] if known is None else _link(known, path)
    return (known.title if known else "") or value["name"] or value["user"]


def _file_link(value: Mapping[str, Any]) -> str:
    return (
        f"[{portable_text(value['file'])}]({_address(value['url'])})" if value["url"] else str(value["file"])
    )


def _parent(key: str | None, path: str, lookup: Lookup) -> str | None:
    known = lookup(key) if key else None
    return _link(known, path) if known and known.path else None


def _link(known: Known, path: str) -> str:
    text = _line(known.title) or UNTITLED
    return f"[{text}]({_relative(known.path, path)})" if known.path else text


def _line(text: str) -> str:
    return portable_text(" ".join(text.split()))


def _relative(target: str, path: str) -> str:
    """The address of the file `target` in a link in the file `path`."""
    here, there = path.split("/")[:-1], target.split("/")
    shared = next(
        (n for n, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), min(len(here), len(there))
    )
    return quote("../" * (len(here) - shared) + "/".join(there[shared:]), safe="/-._~!$&'*+,;=@")


def _address(url: str) -> str:
    """`url` without what would end it in Markdown or HTML."""
    return quote(url, safe="!#$%&'*+,/:;=?@~[]-._")


def _segment(part: Any, path: str, lookup: Lookup) -> str:
    if isinstance(part, str):
        return part
    key, url = part
    known = lookup(key)
    return _relative(known.path, path) if known and known.path else _address(url)


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _row(key: str, row: Draft, names: Iterable[str], path: str, lookup: Lookup) -> str:
    known = lookup(key)
    title = _link(known, path) if known else _line(row.title)
    return _cells([title, *(_cell(row.properties.get(name), path, lookup) for name in names)])


def _cell(value: Any, path: str, lookup: Lookup) -> str:
    """A property in a table: lists joined, links as they are, all else as text in one line."""
    if isinstance(value, list):
        return ", ".join(_cell(item, path, lookup) for item in value)
    if value is None or isinstance(value, bool):
        return _BOOLEANS[value]
    shown = str(_value(value, path, lookup))
    is_link = isinstance(value, Mapping) and ("page" in value or "file" in value)
    return shown if is_link else _line(shown)


_BOOLEANS: Mapping[bool | None, str] = {None: "", True: "yes", False: "no"}


def _body(document: Document | None, *, url: str, style: StyleName) -> list[Any]:
    if document is None:
        return []
    if document.markdown is not None:
        return [*_tokens_of_markdown(document.markdown), *_unread_lines(document)]
    targets: list[tuple[str, str]] = []

    def link(kind: str, identity: str, _text: str, target: str) -> str:
        if kind == "asset" and is_signed(target):
            return f"{url}#{identity.replace('-', '')}"  # its own address is dead within the hour
        if kind not in {"page", "database"}:
            return target
        targets.append((identity, target))
        return f"{document.hash}x{len(targets) - 1}x"

    text = render(content.blocks(document), style=style, page_url=url, link=link)
    return list(_split(text, re.compile(f"{re.escape(document.hash)}x(\\d+)x"), targets))


def _split(text: str, token: re.Pattern[str], targets: Sequence[tuple[str, str]]) -> Iterator[Any]:
    """The text with each token replaced by the target of its number. The hash in it cannot stand in the text it is made of."""
    pieces = token.split(text)
    for number, piece in enumerate(pieces):
        if number % 2:
            yield list(targets[int(piece)])
        elif piece:
            yield piece


_NOTION_URL = re.compile(
    r"https://(?:www\.notion\.so|app\.notion\.com)/[^\s()<>\"']*[0-9a-f]{32}(?=[\s()<>\"'?#]|$)"
)


def _tokens_of_markdown(text: str) -> Iterator[Any]:
    """Notion's own Markdown, cut at the addresses of pages."""
    last = 0
    for match in _NOTION_URL.finditer(text):
        try:
            key = parse_id(match[0])
        except MalformedId:
            continue
        yield text[last : match.start()]
        yield [key, match[0]]
        last = match.end()
    yield text[last:]


def _unread_lines(document: Document) -> list[str]:
    """What Notion's Markdown does not hold, at its end: the text itself does not say where."""
    lines = [f"> Not read: block {entry.block} ({content.reason(entry)})" for entry in document.unread]
    return ["\n\n" + "\n".join(lines)] if lines else []


def encodable(value: Any) -> Any:
    """JSON with U+FFFD for halves of surrogate pairs, which no file can hold."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {encodable(key): encodable(item) for key, item in value.items()}
    return [encodable(item) for item in value] if isinstance(value, list) else value


_SURROGATE = re.compile("[\ud800-\udfff]")
