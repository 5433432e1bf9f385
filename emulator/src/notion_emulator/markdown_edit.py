"""The four updates of a page's Markdown, decided without touching the page.

``edited`` turns the text of a page into the text that a request asks for, ``plan`` says which of the standing blocks
stay and what is made between them (https://developers.notion.com/reference/update-page-markdown). A block whose
Markdown did not change keeps its id; ``replace_content`` makes everything anew, save what is named by its address.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from notion_emulator.errors import ValidationFailed
from notion_emulator.markdown_input import parse

__all__ = ["Create", "Keep", "Plan", "Standing", "edited", "named", "plan"]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """A block of the page's first level: what its Markdown is read as."""

    id: str
    blocks: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """A standing block stays, here."""

    id: str


@dataclass(frozen=True, slots=True)
class Create:
    """A block to make, in the form of a create request or ``existing``."""

    block: Json


@dataclass(frozen=True, slots=True)
class Plan:
    """The first level afterwards, in order, and the standing blocks that go."""

    steps: tuple[Keep | Create, ...]
    removed: tuple[str, ...]


# The text


def edited(text: str, request: Json) -> str:
    """The page's Markdown after an update. Raises ValidationFailed where a text is not found exactly as asked."""
    kind = request["type"]
    return EDITS[kind](text, request[kind])


def _update(text: str, payload: Json) -> str:
    for update in payload["content_updates"]:
        old, new = str(update["old_str"]), str(update["new_str"])
        found = text.count(old) if old else 0
        if not found:
            raise _missing(old, text)
        if found > 1 and not update.get("replace_all_matches"):
            raise ValidationFailed(
                f"Found {found} matches of <pattern>{old}</pattern> in current version of the page. "
                "Make the pattern match exactly once, or set replace_all_matches."
            )
        text = text.replace(old, new)
    return text


def _replace(_text: str, payload: Json) -> str:
    return str(payload["new_str"])


def _insert(text: str, payload: Json) -> str:
    content = str(payload["content"])
    if "after" in payload:
        _, end = _selection(text, payload["after"])
        line = text.rfind("\n", 0, end) + 1
        tabs = text[line : len(text) - len(text[line:].lstrip("\t"))]
        stop = text.find("\n", end)
        stop = len(text) if stop < 0 else stop
        inner = "\n".join(tabs + one if one else one for one in content.split("\n"))
        return f"{text[:stop]}\n{inner}{text[stop:]}"
    if payload.get("position", {}).get("type") == "start":
        return f"{content}\n{text}" if text else content
    return f"{text}\n{content}" if text else content


def _replace_range(text: str, payload: Json) -> str:
    start, end = _selection(text, payload["content_range"])
    return f"{text[:start]}{payload['content']}{text[end:]}"


def _selection(text: str, pattern: str) -> tuple[int, int]:
    """Where ``first words...last words`` begins and ends; without the dots the whole pattern is meant."""
    first, dots, last = pattern.partition("...")
    start = text.find(first)
    end = text.find(last, start + len(first)) if dots else start
    if start < 0 or end < 0 or not first:
        raise _missing(pattern, text)
    return start, end + len(last) if dots else start + len(first)


def _missing(pattern: str, text: str) -> ValidationFailed:
    return ValidationFailed(
        f"String not found: <pattern>{pattern}</pattern> in current version of the page <target>{text}</target>"
    )


EDITS: dict[str, Callable[[str, Json], str]] = {
    "update_content": _update,
    "replace_content": _replace,
    "insert_content": _insert,
    "replace_content_range": _replace_range,
}


# The blocks


def plan(standing: Sequence[Standing], text: str, *, anew: bool = False) -> Plan:
    """What to do with the first level so that the page reads as ``text``.

    ``anew`` keeps only the blocks that the text names by address. A standing block that has no Markdown stays where it
    is.
    """
    wanted = [block for block in parse(text) if not _is_nothing(block)]
    news = [_key(block) for block in wanted]
    visible = [one for one in standing if one.blocks]
    olds = ["|".join(map(_key, one.blocks)) for one in visible]
    pairs = _named_pairs(olds, news) if anew else _pairs(olds, news)
    kept = {new: visible[old].id for old, new in pairs}
    steps: list[Keep | Create] = [
        Keep(kept[place]) if place in kept else Create(block) for place, block in enumerate(wanted)
    ]
    steps += [Keep(one.id) for one in standing if not one.blocks]
    stays = {step.id for step in steps if isinstance(step, Keep)}
    return Plan(tuple(steps), tuple(one.id for one in standing if one.id not in stays))


def named(blocks: Iterable[Json]) -> Iterator[Json]:
    """Every ``existing`` among some blocks, at any depth."""
    stack = list(blocks)
    while stack:
        block = stack.pop()
        payload = block[block["type"]]
        if block["type"] == "existing":
            yield payload
        stack += payload.get("children", ())


def _is_nothing(block: Json) -> bool:
    return (
        block["type"] == "existing"
        and block["existing"]["kind"] == "block"
        and block["existing"]["id"] is None
    )


def _key(block: Json) -> str:
    """Equal for blocks that need no change; what exists already is known by its id alone."""
    if block["type"] == "existing" and block["existing"]["id"]:
        return f"existing {block['existing']['id']}"
    return json.dumps(block, sort_keys=True)


def _pairs(olds: list[str], news: list[str]) -> list[tuple[int, int]]:
    """Places of equal blocks that can stay in order; equal ends are cut off first, for long pages."""
    head = 0
    while head < min(len(olds), len(news)) and olds[head] == news[head]:
        head += 1
    tail = 0
    while tail < min(len(olds), len(news)) - head and olds[-1 - tail] == news[-1 - tail]:
        tail += 1
    matcher = SequenceMatcher(
        None, olds[head : len(olds) - tail], news[head : len(news) - tail], autojunk=False
    )
    middle = [
        (head + match.a + step, head + match.b + step)
        for match in matcher.get_matching_blocks()
        for step in range(match.size)
    ]
    ends = [(len(olds) - 1 - step, len(news) - 1 - step) for step in range(tail)]
    # What is named by its address stays itself wherever it stands now.
    taken = [(place, place) for place in range(head)] + middle + ends
    return taken + _named_pairs(olds, news, taken)


def _named_pairs(
    olds: list[str], news: list[str], taken: Sequence[tuple[int, int]] = ()
) -> list[tuple[int, int]]:
    used_old, used_new = {old for old, _ in taken}, {new for _, new in taken}
    places = {
        key: place for place, key in enumerate(olds) if key.startswith("existing ") and place not in used_old
    }
    found = []
    for new, key in enumerate(news):
        if new not in used_new and key in places:
            found.append((places.pop(key), new))
    return found
