"""What a number of signals that something changed ask to be read: the least that answers all of them.

A signal holds an id and no content, may come twice, late or out of order, and so is never believed: it names what to
look at. Signals about the same thing coalesce.

    one row of a data source       a direct read                        1 request
    several rows of it             one query for what was edited        1 for 100 of them
    content, blocks named          the lists that hold those blocks     1 or 2 for a page
    content, nothing named         the page
    gone                           a direct read decides
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from syncline.core.model import Kind

__all__ = ["Hint", "Refresh", "Signal", "refresh"]


class Hint(StrEnum):
    """What a signal says of the thing it is about."""

    LOOK = "look"
    """It is new, or its properties, its place or its schema changed."""
    CONTENT = "content"
    """What is on the page changed, perhaps its title."""
    MOVED = "moved"
    """It was put elsewhere, or taken out of the trash: neither need move the time of its last edit."""
    GONE = "gone"
    """It was put in the trash."""
    COMMENTS = "comments"
    """The comments of the page changed."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal. `source` is the data source whose row it is about; `blocks` are what it names of a page's content."""

    hint: Hint
    kind: Kind
    key: str
    at: datetime
    source: str | None = None
    blocks: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """The form in which the store keeps it."""
        blocks = None if self.blocks is None else list(self.blocks)
        return asdict(self) | {"at": self.at.isoformat(), "blocks": blocks}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(
            hint=Hint(value["hint"]),
            kind=Kind(value["kind"]),
            key=value["key"],
            at=datetime.fromisoformat(value["at"]),
            source=value["source"],
            blocks=None if value["blocks"] is None else tuple(value["blocks"]),
        )


@dataclass(frozen=True, slots=True)
class Refresh:
    """What is to be read.

    `objects` are direct reads, `edited` data sources whose rows are queried for edits since a time, `rows` those of their rows that
    must then have been seen. `content` are pages whose content changed, with the blocks that were named, None for all
    of the page; `comments` pages whose comments are listed.
    """

    objects: tuple[tuple[Kind, str], ...] = ()
    edited: tuple[tuple[str, datetime], ...] = ()
    rows: tuple[str, ...] = ()
    content: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    comments: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The form in which the store keeps it."""
        return {
            "objects": [[kind, key] for kind, key in self.objects],
            "edited": [[source, since.isoformat()] for source, since in self.edited],
            "rows": list(self.rows),
            "content": {page: None if named is None else list(named) for page, named in self.content.items()},
            "comments": list(self.comments),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(
            objects=tuple((Kind(kind), key) for kind, key in value["objects"]),
            edited=tuple((source, datetime.fromisoformat(since)) for source, since in value["edited"]),
            rows=tuple(value["rows"]),
            content={
                page: None if named is None else tuple(named) for page, named in value["content"].items()
            },
            comments=tuple(value["comments"]),
        )


def refresh(signals: Iterable[Signal]) -> Refresh:
    """What the signals ask to be read; their order has no influence."""
    told = sorted(set(signals), key=_order)
    objects = {(one.kind, one.key) for one in told if one.hint in (Hint.MOVED, Hint.GONE)}
    touched = [one for one in told if one.hint in (Hint.LOOK, Hint.CONTENT)]
    rows: dict[str, dict[str, datetime]] = {}
    for one in touched:
        if (one.kind, one.key) in objects:
            continue
        if one.kind is not Kind.PAGE or one.source is None:
            objects.add((one.kind, one.key))
        else:
            rows.setdefault(one.source, {}).setdefault(one.key, one.at)
    alone = {key for keys in rows.values() if len(keys) == 1 for key in keys}
    many = {source: keys for source, keys in rows.items() if len(keys) > 1}
    return Refresh(
        objects=tuple(sorted(objects | {(Kind.PAGE, key) for key in alone})),
        edited=tuple((source, _since(min(keys.values()))) for source, keys in sorted(many.items())),
        rows=tuple(sorted(key for keys in many.values() for key in keys)),
        content=_content(touched),
        comments=tuple(sorted({one.key for one in told if one.hint is Hint.COMMENTS})),
    )


def _order(signal: Signal) -> tuple[Any, ...]:
    return signal.at, signal.key, signal.hint, signal.kind, signal.source or "", signal.blocks or ()


def _content(touched: Sequence[Signal]) -> dict[str, tuple[str, ...] | None]:
    """The pages whose content changed: with all blocks that were named, or None where a signal named none."""
    named: dict[str, tuple[str, ...] | None] = {}
    for one in touched:
        if one.hint is not Hint.CONTENT or one.kind is not Kind.PAGE:
            continue
        known = named.get(one.key, ())
        whole = known is None or one.blocks is None
        named[one.key] = None if whole else tuple(sorted({*(known or ()), *(one.blocks or ())}))
    return named


def _since(at: datetime) -> datetime:
    """Edits bear their minute, rounded down, and clocks differ."""
    return at.replace(second=0, microsecond=0) - timedelta(minutes=1)
