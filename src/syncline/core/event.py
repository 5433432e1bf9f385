"""Events: facts about a connection that its log keeps and that clients are told, one function for each kind.

What every event has, no function here gives: the connection, the run as `jobId`, the number and the time are added where an event is
told (docs/reference/events.md). `data` holds the other fields, by the names that clients know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from syncline.core.redact import redacted_text

__all__ = [
    "Event",
    "EventKind",
    "PageStatus",
    "alert_opened",
    "alert_resolved",
    "connection_token",
    "endpoint_disabled",
    "page_fetched",
    "sync_cancelled",
    "sync_complete",
    "sync_error",
    "sync_indexing",
    "sync_progress",
    "sync_start",
    "sync_status",
]


class EventKind(StrEnum):
    """What a log can hold, by topic and what happened."""

    START = "sync:start"
    PROGRESS = "sync:progress"
    PAGE_FETCHED = "sync:page-fetched"
    INDEXING = "sync:indexing"
    COMPLETE = "sync:complete"
    ERROR = "sync:error"
    CANCELLED = "sync:cancelled"
    STATUS = "sync:status"
    TOKEN = "connection:token"  # noqa: S105 - a word, no secret
    ALERT_OPENED = "alert:opened"
    ALERT_RESOLVED = "alert:resolved"
    ENDPOINT_DISABLED = "endpoint:disabled"


class PageStatus(StrEnum):
    """What reading a page came to."""

    SUCCESS = "success"
    """It was read, and is new or changed."""
    SKIPPED = "skipped"
    """It was read, and is what we hold."""
    ERROR = "error"
    """It could not be read; what we hold of it stays."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact, not yet in the log. `run_id` is the run that it is about."""

    kind: str
    data: Mapping[str, Any]
    run_id: str | None = None


def sync_start(run_id: str, *, sync_type: str) -> Event:
    """A run has begun. `sync_type` is the mode of a pull, or the kind of another run."""
    return Event(EventKind.START, {"syncType": sync_type, "stage": "starting"}, run_id)


def sync_progress(run_id: str, *, phase: str, current: int, total: int, message: str) -> Event:
    """How far a run is: `current` of the `total` pages that are known by now."""
    data = {
        "phase": phase,
        "current": current,
        "total": total,
        "percentage": _percentage(current, total),
        "message": message,
        "stage": "fetching",
    }
    return Event(EventKind.PROGRESS, data, run_id)


def page_fetched(
    run_id: str, *, page: str, title: str, status: PageStatus, error: str | None = None
) -> Event:
    """One page was read, or could not be."""
    data = {"pageId": page, "title": redacted_text(title), "status": status}
    return Event(EventKind.PAGE_FETCHED, data if error is None else {**data, "error": error}, run_id)


def sync_indexing(run_id: str, *, indexed: int, total: int, current: str) -> Event:
    """How far the search index is: `indexed` of `total` documents; `current` is the title of the last one."""
    data = {
        "documentsIndexed": indexed,
        "totalDocuments": total,
        "percentage": _percentage(indexed, total),
        "currentDocument": redacted_text(current),
        "stage": "indexing",
    }
    return Event(EventKind.INDEXING, data, run_id)


def sync_complete(
    run_id: str, *, total: int, succeeded: int, failed: int, skipped: int, seconds: float
) -> Event:
    """A run has succeeded: pages in all, new or changed, incomplete and unchanged. `duration` is told in milliseconds."""
    data = {
        "totalPages": total,
        "successCount": succeeded,
        "errorCount": failed,
        "skippedCount": skipped,
        "duration": round(seconds * 1000),
        "stage": "complete",
    }
    return Event(EventKind.COMPLETE, data, run_id)


def sync_error(run_id: str, *, error: str, phase: str, recoverable: bool) -> Event:
    """A run has failed. `recoverable`: the same may work later."""
    return Event(
        EventKind.ERROR,
        {"error": error, "phase": phase, "recoverable": recoverable, "stage": "failed"},
        run_id,
    )


def sync_cancelled(run_id: str, *, phase: str) -> Event:
    """A run was cancelled; what it read stays."""
    return Event(EventKind.CANCELLED, {"phase": phase, "stage": "cancelled"}, run_id)


def sync_status(status: str, *, run_id: str | None = None) -> Event:
    """The connection's `syncStatus` is another one: what the list of workspaces shows."""
    return Event(EventKind.STATUS, {"syncStatus": status}, run_id)


def connection_token(status: str, *, previous: str) -> Event:
    """The token has another status."""
    return Event(EventKind.TOKEN, {"tokenStatus": status, "previousStatus": previous})


def alert_opened(alert: str, *, kind: str, text: str) -> Event:
    """An incident has begun."""
    return Event(EventKind.ALERT_OPENED, {"alertId": alert, "kind": kind, "text": text})


def alert_resolved(alert: str, *, kind: str, text: str) -> Event:
    """An incident is over; `text` tells what it was."""
    return Event(EventKind.ALERT_RESOLVED, {"alertId": alert, "kind": kind, "text": text})


def endpoint_disabled(endpoint: str, *, url: str, reason: str) -> Event:
    """An endpoint is sent nothing any more, by our own decision."""
    return Event(EventKind.ENDPOINT_DISABLED, {"endpointId": endpoint, "url": url, "reason": reason})


def _percentage(part: int, whole: int) -> int:
    """Rounded down, so that 100 means all."""
    return 100 * part // whole if whole else 0
