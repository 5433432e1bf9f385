"""Blocks of the sample workspace that the Markdown dialect has no form for: ``%name argument`` in its texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from notion_emulator.objects import Node
from notion_emulator.rich_text import plain

if TYPE_CHECKING:
    from notion_emulator.sample import _Sample as Sample

__all__ = ["SPECIAL"]

Json = dict[str, Any]


def _hosted(sample: Sample, parent: Node, rest: str) -> None:
    kind, name, caption = [*rest.split(" ", 2), ""][:3]
    named = {"name": name} if kind == "file" else {}
    sample.block(parent, kind, {"caption": plain(caption), **sample.hosted(name), **named})


def _linked(kind: str) -> Callable[[Sample, Node, str], None]:
    def write(sample: Sample, parent: Node, rest: str) -> None:
        url, _, caption = rest.partition(" ")
        sample.block(
            parent, kind, {"url": url} if kind == "link_preview" else {"caption": plain(caption), "url": url}
        )

    return write


def _sync(sample: Sample, parent: Node, which: str) -> None:
    if which == "original":
        original = sample.block(parent, "synced_block", {"synced_from": None})
        sample.paragraph(original, "Spare boards lie in the tin with the tide table on it.")
        sample.originals.append(original)
    else:
        source = {"type": "block_id", "block_id": sample.originals[-1].id}
        sample.block(parent, "synced_block", {"synced_from": source})


def _template(sample: Sample, parent: Node, words: str) -> None:
    template = sample.block(parent, "template", {"rich_text": plain(words)})
    sample.paragraph(template, "Title, date, and what it should feel like:")


def _meeting(sample: Sample, parent: Node, title: str) -> None:
    """Meeting notes with summary, notes and transcript below them."""
    start, end = "2026-07-06T07:00:00.000Z", "2026-07-06T07:30:00.000Z"
    notes = sample.block(parent, "meeting_notes", {})
    texts = {
        "summary": "The bubble is filled, not cast again. There is no discount.",
        "notes": "Ask who drives on the 16th.",
        "transcript": "Tomas: It is one bubble. Iris: Can you fill it? Tomas: I can fill it.",
    }
    places = {}
    for name, words in texts.items():
        holder = sample.paragraph(notes, "")
        sample.paragraph(holder, words)
        places[f"{name}_block_id"] = holder.id
    attendees = [user.id for user in sample.people.values() if not user.removed]
    notes.content = {
        "title": plain(title), "status": "notes_ready", "children": places,
        "calendar_event": {"start_time": start, "end_time": end, "attendees": attendees},
        "recording": {"start_time": start, "end_time": end},
    }  # fmt: skip


def _page_link(sample: Sample, parent: Node, title: str) -> None:
    sample.block(parent, "link_to_page", {"type": "page_id", "page_id": sample.pages[title].id})


def _linked_database(sample: Sample, parent: Node, _title: str) -> None:
    """A linked database: a block without data sources of its own."""
    sample.world.create_database(
        parent, "Untitled", at=sample.tick(), by=sample.people["Tomas"].id, is_inline=True
    )


SPECIAL: dict[str, Callable[[Sample, Node, str], object]] = {
    "breadcrumb": lambda sample, parent, _rest: sample.block(parent, "breadcrumb", {}),
    "hosted": _hosted,
    "bookmark": _linked("bookmark"),
    "embed": _linked("embed"),
    "link_preview": _linked("link_preview"),
    "sync": _sync,
    "template": _template,
    "meeting": _meeting,
    "link_to_page": _page_link,
    "database": _linked_database,
    "unsupported": lambda sample, parent, rest: sample.block(parent, "unsupported", {"block_type": rest}),
}
