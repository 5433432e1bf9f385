"""Rich text as inline Markdown of dialect v1 (https://developers.notion.com/guides/data-apis/enhanced-markdown).

Styles open and close like nested tags in one fixed order, so that neighbouring runs share what they have in common:
link, colour, underline, strikethrough, bold, italic, and code innermost.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from notion_emulator.ids import undashed
from notion_emulator.objects import DataSource, Node
from notion_emulator.world import World

__all__ = ["Links", "attributes", "color_name", "escaped", "inline"]

Json = dict[str, Any]
Style = tuple[str, str]  # (name, argument)

SPECIAL = re.compile(r"([\\*~`$\[\]<>{}|^])")
EDGES = re.compile(r"(\s*)(.*?)(\s*)", re.DOTALL)
SIMPLE = {"strikethrough": "~~", "bold": "**", "italic": "*"}


@dataclass(frozen=True, slots=True)
class Links:
    """What a text says about other objects: their addresses and titles, as this reader may see them."""

    world: World
    address: Callable[[Node], str]
    visible: Callable[[Node], bool]

    def url(self, id: str) -> str:
        """The address of a page or database; of an unknown one, what its id alone gives."""
        node = self.world.nodes.get(id)
        return self.address(node) if node else self.world.settings.page_host + undashed(id)

    def title(self, id: str) -> str:
        """The title of a page or database; "Untitled" where there is none to see."""
        node = self.world.nodes.get(id)
        return (self.world.title(node) if node and self.visible(node) else "") or "Untitled"

    def user(self, id: str) -> str:
        """The name of a user."""
        user = self.world.users.get(id)
        return (user.name if user and not user.removed else None) or "Anonymous"


def inline(runs: Iterable[Json], links: Links) -> str:
    """Rich text on one line; line breaks within it are ``<br>``."""
    out: list[str] = []
    opened: list[Style] = []
    for run in runs:
        shown, styles = _shown(run, links)
        lead, body, tail = _parts(shown) if styles else ("", shown, "")
        kept = _common(opened, styles) if body else len(opened)
        _close(out, opened, kept)
        out.append(lead)
        _open(out, opened, styles[kept:] if body else [])
        out.append(body)
        if tail:
            _close(out, opened, 0)
            out.append(tail)
    _close(out, opened, 0)
    return "".join(out).replace("\r", "").replace("\n", "<br>")


def escaped(text: str) -> str:
    """Text with a backslash before each character that Markdown would read."""
    return SPECIAL.sub(r"\\\1", text)


def attributes(**values: str | None) -> str:
    """Attributes of a tag with a space before each, those that are None left out."""
    kept = {name.replace("_", "-"): value for name, value in values.items() if value is not None}
    return "".join(f' {name}="{_quoted(value)}"' for name, value in kept.items())


def color_name(color: str | None) -> str | None:
    """The Markdown name of a colour; None for the default ones."""
    if color is None or color.startswith("default"):
        return None
    return color.replace("_background", "_bg")


def _quoted(value: str) -> str:
    return value.replace('"', "&quot;")  # nothing else: an address is read as it stands


def _parts(shown: str) -> tuple[str, str, str]:
    """Leading space, body, trailing space: a style must not begin or end with space."""
    found = EDGES.fullmatch(shown)
    assert found
    return found[1], found[2], found[3]


def _shown(run: Json, links: Links) -> tuple[str, list[Style]]:
    styles = _styles(run)
    if run["type"] != "text":
        return _WRITERS.get(run["type"], _plain)(run, links), styles
    content = run["text"]["content"]
    if not run["annotations"]["code"]:
        return escaped(content), styles
    return _code(content), styles


def _styles(run: Json) -> list[Style]:
    annotations = run["annotations"]
    link = run["text"]["link"] if run["type"] == "text" else None
    found: list[Style] = [("link", link["url"])] if link else []
    color = color_name(annotations["color"])
    if color:
        found.append(("color", color))
    if annotations["underline"]:
        found.append(("underline", "true"))
    return found + [(name, "") for name in SIMPLE if annotations[name]]


def _common(opened: list[Style], styles: list[Style]) -> int:
    count = 0
    for one, other in zip(opened, styles, strict=False):
        if one != other:
            break
        count += 1
    return count


def _open(out: list[str], opened: list[Style], styles: list[Style]) -> None:
    for name, argument in styles:
        out.append("[" if name == "link" else SIMPLE.get(name) or f'<span {name}="{argument}">')
        opened.append((name, argument))


def _close(out: list[str], opened: list[Style], keep: int) -> None:
    while len(opened) > keep:
        name, argument = opened.pop()
        out.append(f"]({argument})" if name == "link" else SIMPLE.get(name) or "</span>")


def _code(content: str) -> str:
    """A code span, fenced by more backticks than stand in it."""
    longest = max((len(found) for found in re.findall(r"`+", content)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if content[:1] == "`" or content[-1:] == "`" else ""
    return f"{fence}{pad}{content}{pad}{fence}"


# Everything that is no text


def _plain(run: Json, _links: Links) -> str:
    return escaped(run["plain_text"])


def _equation(run: Json, _links: Links) -> str:
    return f"$`{run['equation']['expression']}`$"


def _mention(run: Json, links: Links) -> str:
    mention = run["mention"]
    return _MENTIONS.get(mention["type"], _other)(mention, run, links)


def _other(_mention: Json, run: Json, links: Links) -> str:
    return _plain(run, links)


def _user(mention: Json, _run: Json, links: Links) -> str:
    named = mention["user"]["id"]
    return f"<mention-user{attributes(url=f'user://{named}')}>{escaped(links.user(named))}</mention-user>"


def _page(mention: Json, _run: Json, links: Links) -> str:
    named = mention["page"]["id"]
    return f"<mention-page{attributes(url=links.url(named))}>{escaped(links.title(named))}</mention-page>"


def _database(mention: Json, _run: Json, links: Links) -> str:
    named = mention["database"]["id"]
    node = links.world.nodes.get(named)
    if isinstance(node, DataSource):
        return f"<mention-data-source{attributes(url=f'collection://{named}')}>{escaped(links.title(named))}</mention-data-source>"
    return f"<mention-database{attributes(url=links.url(named))}>{escaped(links.title(named))}</mention-database>"


def _date(mention: Json, _run: Json, _links: Links) -> str:
    value = mention["date"]
    start, start_time = _moment(value["start"])
    end, end_time = _moment(value["end"])
    zone = value["time_zone"]
    return f"<mention-date{attributes(start=start, end=end, startTime=start_time, endTime=end_time, timeZone=zone)}/>"


def _moment(text: str | None) -> tuple[str | None, str | None]:
    """The day and the time of day of an ISO moment."""
    if text is None:
        return None, None
    return text[:10], text[11:16] or None


def _link(mention: Json, run: Json, _links: Links) -> str:
    url = mention.get("href") or mention.get("url") or ""
    return f"[{escaped(mention.get('title') or run['plain_text'] or url)}]({url})"


def _emoji(mention: Json, _run: Json, _links: Links) -> str:
    return f":{mention['name']}:"


_MENTIONS: dict[str, Callable[[Json, Json, Links], str]] = {
    "user": _user,
    "page": _page,
    "database": _database,
    "date": _date,
    "link_preview": lambda mention, run, links: _link(mention["link_preview"], run, links),
    "link_mention": lambda mention, run, links: _link(mention["link_mention"], run, links),
    "custom_emoji": lambda mention, run, links: _emoji(mention["custom_emoji"], run, links),
}
_WRITERS: dict[str, Callable[[Json, Links], str]] = {"equation": _equation, "mention": _mention}
