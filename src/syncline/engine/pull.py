"""A pull under way, as the store remembers it: what it reads, since when, how far it has come.

It outlives the run that began it: a run that was cancelled or killed leaves it behind, and the next run with
the same policy goes on with it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.change import Policy
from syncline.core.checkpoint import watermark
from syncline.core.hash import digest
from syncline.core.model import Fidelity, Kind, Mode
from syncline.core.refresh import Refresh
from syncline.core.selection import EVERYTHING, Selection
from syncline.store import checkpoints, records

__all__ = [
    "History",
    "Phase",
    "Pull",
    "Watermark",
    "decide_mode",
    "history",
    "last_watermark",
    "load_pull",
    "remember_watermark",
    "save_pull",
    "vouched",
]

_NAME = "pull"


class Phase(StrEnum):
    """How far a pull has come. Properties first, content after, absences last."""

    LISTING = "listing"
    CONTENT = "content"
    SWEEP = "sweep"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull. `began_at` is the source's time of its start, `started_at` ours, `after_seq` the change number then.

    `since` bounds the listings of an incremental one.
    `whole` is False once a listing is known to have a gap: absence then means nothing.
    """

    id: str
    policy: Policy
    began_at: datetime
    started_at: datetime
    since: datetime | None
    after_seq: int
    phase: Phase = Phase.LISTING
    whole: bool = True

    def at(self, phase: Phase) -> Self:
        """The same pull, in `phase`."""
        return replace(self, phase=phase)

    def with_gap(self) -> Self:
        """The same pull, known to have missed something."""
        return replace(self, whole=False)

    def as_json(self) -> dict[str, Any]:
        """The form in which the store keeps it."""
        return {
            "id": self.id,
            "mode": self.policy.mode,
            "fidelity": self.policy.fidelity,
            "pages": list(self.policy.pages),
            "roots": list(self.policy.roots),
            "comments": self.policy.comments,
            "refresh": self.policy.refresh.as_json() if self.policy.refresh else None,
            "own": asdict(self.policy.own),
            "began_at": self.began_at.isoformat(),
            "started_at": self.started_at.isoformat(),
            "since": self.since.isoformat() if self.since else None,
            "after_seq": self.after_seq,
            "phase": self.phase,
            "whole": self.whole,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        policy = Policy(
            Mode(value["mode"]),
            Fidelity(value["fidelity"]),
            tuple(value["pages"]),
            tuple(value["roots"]),
            comments=value["comments"],
            refresh=Refresh.from_json(value["refresh"]) if value.get("refresh") else None,
            own=_selection(value.get("own") or {}),
        )
        return cls(
            id=value["id"],
            policy=policy,
            began_at=datetime.fromisoformat(value["began_at"]),
            started_at=datetime.fromisoformat(value["started_at"]),
            since=datetime.fromisoformat(value["since"]) if value["since"] else None,
            after_seq=value["after_seq"],
            phase=Phase(value["phase"]),
            whole=value["whole"],
        )


async def load_pull(conn: AsyncConnection, connection_id: str) -> Pull | None:
    """The pull that is under way or was left behind."""
    value = await checkpoints.value(conn, connection_id, _NAME)
    return None if value is None else Pull.from_json(value)


async def save_pull(conn: AsyncConnection, connection_id: str, pull: Pull | None) -> None:
    """Remember the pull, or forget it when it is None."""
    if pull is None:
        await checkpoints.drop(conn, connection_id, _NAME)
    else:
        await checkpoints.put(conn, connection_id, _NAME, pull.as_json())


def _selection(value: Mapping[str, Any]) -> Selection:
    roots, excluded = tuple(value.get("roots", ())), tuple(value.get("excluded", ()))
    return Selection(roots, excluded, tables=value.get("tables", False))


def _watermark_name(roots: tuple[str, ...]) -> str:
    return f"watermark:{digest(sorted(roots))}" if roots else "watermark:"


@dataclass(frozen=True, slots=True)
class Watermark:
    """From when on an incremental pull has to read, and what the pulls before it read."""

    at: datetime
    fidelity: Fidelity
    comments: bool


def _mark(own: Selection) -> str:
    """The name of a connection's own selection; the empty one where it is everything."""
    return digest([sorted(own.roots), sorted(own.excluded), own.tables]) if own.partial else ""


async def vouched(conn: AsyncConnection, connection_id: str) -> bool:
    """Whether all that the connection is to hold was read, and not only roots that were named."""
    return await checkpoints.value(conn, connection_id, _watermark_name(())) is not None


async def last_watermark(
    conn: AsyncConnection, connection_id: str, roots: tuple[str, ...], own: Selection = EVERYTHING
) -> Watermark | None:
    """The watermark of a selection; None if it was never read whole, or another was read since."""
    return (await history(conn, connection_id, roots, own)).watermark


async def remember_watermark(conn: AsyncConnection, connection_id: str, pull: Pull) -> None:
    """Move the watermark to the start of a pull that is done. A pull of what was named moves nothing."""
    policy = pull.policy
    if not policy.named:
        value = {
            "at": watermark(pull.began_at).isoformat(),
            "fidelity": policy.fidelity,
            "comments": policy.comments,
            "own": _mark(policy.own),
        }
        await checkpoints.put(conn, connection_id, _watermark_name(policy.roots), value)


@dataclass(frozen=True, slots=True)
class History:
    """What pulls before this one have left: the watermark of the selection, and whether any page is held.

    `manner` is the watermark of the pull whose manner of reading goes on, though it may have read another selection.
    """

    watermark: Watermark | None = None
    held: bool = False
    manner: Watermark | None = None


async def history(
    conn: AsyncConnection, connection_id: str, roots: tuple[str, ...], own: Selection = EVERYTHING
) -> History:
    """What a pull of a selection builds on."""
    held = await records.holds(conn, connection_id, Kind.PAGE)
    value = await checkpoints.value(conn, connection_id, _watermark_name(roots))
    if value is None:
        return History(held=held)
    last = Watermark(datetime.fromisoformat(value["at"]), Fidelity(value["fidelity"]), value["comments"])
    same = value.get("own", "") == _mark(own)
    return History(last if same else None, held, manner=last)


def decide_mode(asked: Mode | None, policy: Policy, before: History) -> Mode:
    """What a pull has to be, given what was asked for and what was read before.

    The first pull is full. One whose selection was never read whole, or that asks for content that the pulls before it did not
    read, has to list everything, but need not read what is held.
    """
    last = before.watermark
    if asked is Mode.FULL or not before.held:
        return Mode.FULL
    if asked is Mode.RECONCILE or last is None:
        return Mode.RECONCILE
    return (
        Mode.RECONCILE
        if (policy.fidelity, policy.comments) != (last.fidelity, last.comments)
        else Mode.INCREMENTAL
    )
