"""A document's content as a tree of blocks, for every destination that shows it."""

from collections.abc import Mapping

from syncline.core.model import Document, Unread
from syncline.notion.blocks import Block, tree

__all__ = ["blocks", "reason"]


def blocks(document: Document) -> tuple[Block, ...]:
    """The blocks of a page in their tree. A place that Notion refuses is marked with the reason."""
    lists: dict[str, list[Mapping[str, object]]] = {}
    for part in sorted(document.lists, key=lambda part: part.ordinal):
        lists.setdefault(part.container, []).extend(part.blocks)
    return tree(document.page, lists, unread={entry.block: reason(entry) for entry in document.unread})


def reason(entry: Unread) -> str:
    """Why a part of a page is missing, in a few words."""
    code = f"{entry.status} {entry.code}" if entry.status else entry.code
    return f"{code}: {entry.message}"
