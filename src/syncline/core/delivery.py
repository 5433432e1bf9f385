"""What an endpoint is sent, and when it is tried again. No I/O."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

from syncline.core.errors import BadInput
from syncline.core.event import EventKind
from syncline.core.model import Action, StoredRecord

__all__ = ["ATTEMPTS", "DEFAULT", "TYPES", "check_types", "next_attempt", "of_event", "of_record", "wanted"]

_WAITS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 12 * 3600)
)
"""How long is waited after each failed attempt but the last: more than 28 hours in all."""

ATTEMPTS: Final = len(_WAITS) + 1

_SPREAD: Final = 0.1

DEFAULT: Final = (
    "record.*",
    "sync.complete",
    "sync.error",
    "sync.cancelled",
    "connection.*",
    "endpoint.*",
    "alert.*",
)
"""What an endpoint hears that was not told otherwise: all but the steps of a sync."""


TYPES: Final = (
    *(f"record.{action}" for action in (Action.ADDED, Action.UPDATED, Action.DELETED)),
    *(kind.replace(":", ".") for kind in EventKind),
)
"""All that can be sent, but for ``endpoint.test``, which every endpoint gets that is tested."""


def check_types(patterns: Iterable[str]) -> None:
    """Raises BadInput for a pattern that fits no type."""
    for pattern in patterns:
        if not any(wanted(kind, [pattern]) for kind in TYPES):
            raise BadInput(
                f"types: nothing that is sent has the type {pattern}; there are {', '.join(TYPES)}, and patterns such as record.*.",
                details={"field": "types"},
            )


def next_attempt(tries: int, *, now: datetime, random: float) -> datetime | None:
    """When what has failed at its `tries`-th attempt is sent again; None if that was the last. `random` is in [0, 1)."""
    done = (tries - 1) % ATTEMPTS
    if done >= len(_WAITS):
        return None
    return now + _WAITS[done] * (1 + _SPREAD * (2 * random - 1))


def wanted(kind: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns (``sync.*``) fits a type (``sync.complete``)."""
    return any(fnmatchcase(kind, pattern) for pattern in patterns)


def of_event(kind: str) -> tuple[str, str]:
    """The type under which an event of the log is sent, and its subject: events of one topic arrive in their order."""
    topic, _, what = kind.partition(":")
    return f"{topic}.{what}", topic


def of_record(record: StoredRecord) -> tuple[str, str, Mapping[str, Any]]:
    """The type of a record's change, its subject, and what is told of it."""
    told = {
        "id": record.key,
        "kind": record.kind,
        "stream": record.stream,
        "title": record.title,
        "url": record.data.get("url"),
        "action": record.action.value,
        "seq": record.seq,
        "lastEditedAt": record.edited_at,
        "firstSeenAt": record.first_seen_at,
        "changedAt": record.changed_at,
        "deletedAt": record.deleted_at,
    }
    return f"record.{record.action.value.lower()}", f"{record.kind}:{record.key}", told
