"""On which line of a TOML or YAML text a value stands, for whoever has to mend it."""

import re
from collections.abc import Sequence
from typing import TypeAlias

import yaml

__all__ = ["toml_line", "yaml_line"]

Place: TypeAlias = Sequence[str | int]
"""The way from the top: names and positions."""


def yaml_line(text: str, place: Place) -> int | None:
    """The line (from 1) of the value at `place`, or of what would hold it."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = None
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = [(node.value[part], node.value[part])]
        else:
            found = []
        if not found:
            return line
        key, node = found[0]
        line = int(key.start_mark.line) + 1
    return line


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")


def toml_line(text: str, place: Place) -> int | None:
    """The line (from 1) of the value at `place`, or of the table that would hold it.

    Python's parser does not say it, so the headers are read here; a key inside an inline table has the line of that table.
    """
    best: tuple[int, int] | None = None
    prefix: list[str | int] = []
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header is not None:
            prefix = _prefix(header[1], header[2], counts)
            found = prefix
        else:
            name = re.match(r'\s*(?:"([^"]+)"|([\w.-]+))\s*=', line)
            if name is None:
                continue
            found = [*prefix, *([name[1]] if name[1] else name[2].split("."))]
        depth = len(found)
        if list(place[:depth]) == found and (best is None or depth > best[0]):
            best = (depth, number)
    return best[1] if best else None


def _prefix(bracket: str, name: str, counts: dict[str, int]) -> list[str | int]:
    """The place a header opens: `[[tables]]` is the next of them, `[tables.columns]` belongs to the last."""
    if bracket == "[[":
        counts[name] = counts.get(name, -1) + 1
    place: list[str | int] = []
    walked: list[str] = []
    for part in name.split("."):
        place.append(part.strip().strip('"'))
        walked.append(part)
        position = counts.get(".".join(walked))
        if position is not None:
            place.append(position)
    return place
