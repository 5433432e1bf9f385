"""What a protected page looks like, block by block, so that two looks can be compared.

Everything below the page is its structure: blocks at any depth, child pages with theirs, the places of databases. The rows of those
databases are not. One request reads 100 children: https://developers.notion.com/reference/get-block-children
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from syncline.core.errors import Unreachable
from syncline.core.hash import digest
from syncline.notion import objects
from syncline.notion import operations as op
from syncline.notion.budget import Lane
from syncline.notion.canonical import canonical
from syncline.notion.client import Client
from syncline.notion.errors import NotFound, NotionError

__all__ = ["Difference", "Element", "differences", "fingerprint"]

_TIMES = frozenset({"last_edited_time", "last_edited_by", "has_children"})
"""What moves though nobody touched the block itself: a row in a database below moves the times above it."""


@dataclass(frozen=True, slots=True)
class Element:
    """One block, or a protected page itself: where it stands, and the hash of what it holds."""

    id: str
    type: str
    parent: str | None
    order: int
    hash: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One block that is not as it was: ``added``, ``removed``, ``moved`` (parent or order) or ``edited``."""

    id: str
    type: str
    what: str
    parent: str | None

    def as_json(self) -> dict[str, Any]:
        """The form in which a report has it."""
        return asdict(self)


async def fingerprint(client: Client, pages: Sequence[str], *, lane: Lane) -> dict[str, Element]:
    """Every element of the protected pages by id.

    Raises Unreachable if not all of it can be read: what was not seen cannot be compared.
    """
    try:
        return await _walked(client, pages, lane)
    except NotionError as error:
        raise _unreadable(error) from error
    except ExceptionGroup as errors:
        raise _unreadable(errors.exceptions[0]) from errors


def _unreadable(error: Exception) -> Unreachable:
    return Unreachable(f"The protected pages could not be read: {str(error).rstrip('.')}.")


async def _walked(client: Client, pages: Sequence[str], lane: Lane) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for page in dict.fromkeys(pages):
        raw = await client.send(op.retrieve_page(page), lane=lane)
        found[page] = Element(page, "page", None, 0, digest(_page_form(raw)))
    waiting = list(found)
    while waiting:
        async with asyncio.TaskGroup() as group:
            reads = [group.create_task(_children(client, each, lane)) for each in waiting]
        elements = [each for read in reads for each in read.result()]
        waiting = [one.id for one, leads in elements if leads and one.id not in found]
        found |= {one.id: one for one, _ in elements if one.id not in found}
    return found


def differences(before: Mapping[str, Element], after: Mapping[str, Element]) -> list[Difference]:
    """What is not as it was, in the order of the ids."""
    found = []
    for identity in sorted(before.keys() | after.keys()):
        old, new = before.get(identity), after.get(identity)
        what = _difference(old, new)
        shown = new or old
        if what is not None and shown is not None:
            found.append(Difference(identity, shown.type, what, shown.parent))
    return found


def _difference(old: Element | None, new: Element | None) -> str | None:
    if old is None or new is None:
        return "added" if old is None else "removed"
    if (old.parent, old.order) != (new.parent, new.order):
        return "moved"
    return "edited" if (old.type, old.hash) != (new.type, new.hash) else None


async def _children(client: Client, container: str, lane: Lane) -> list[tuple[Element, bool]]:
    """The blocks directly below, each with whether there is something below it to be read."""
    found: list[tuple[Element, bool]] = []
    try:
        async for listing in client.pages(op.list_block_children(container), lane=lane):
            for block in objects.results(listing):
                form = {key: value for key, value in canonical(block).items() if key not in _TIMES}
                element = Element(block["id"], str(block.get("type")), container, len(found), digest(form))
                found.append((element, _leads_on(block)))
    except NotFound:
        # A copy of a synced block whose original is not shared: its own place is all that can be seen, before and after.
        return []
    return found


def _leads_on(block: Mapping[str, Any]) -> bool:
    return bool(block.get("has_children")) and block.get("type") != "child_database"


def _page_form(page: Mapping[str, Any]) -> Any:
    kept = {name: page.get(name) for name in ("parent", "icon", "cover", "is_locked", "in_trash")}
    return canonical({**kept, "title": objects.title(page)})
