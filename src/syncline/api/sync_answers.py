"""What the routes of syncs answer: runs in the words of the REST contract."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import Field

from syncline.api.envelope import Model, Moment
from syncline.engine.workspaces import standing
from syncline.store.ledger import Entry
from syncline.store.overviews import Overview
from syncline.store.runs import Run, RunState

__all__ = [
    "MOST_ERRORS",
    "STATES",
    "CooldownConfig",
    "CurrentSync",
    "EndedSync",
    "History",
    "Metrics",
    "Standing",
    "Started",
    "Stats",
    "SyncError",
    "SyncProgress",
    "SyncResults",
    "SyncState",
    "SyncType",
    "WorkspaceState",
    "current",
    "ended",
    "metrics",
    "sync_type",
    "workspace",
]

MOST_ERRORS: Final = 100
"""Errors that one answer lists."""


class SyncType(StrEnum):
    """How much a sync reads."""

    FULL = "full"
    INCREMENTAL = "incremental"
    RECONCILE = "reconcile"


class SyncState(StrEnum):
    """How a sync stands."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


STATES: Final[Mapping[RunState, SyncState]] = {
    RunState.QUEUED: SyncState.QUEUED,
    RunState.RUNNING: SyncState.PROCESSING,
    RunState.SUCCEEDED: SyncState.COMPLETED,
    RunState.FAILED: SyncState.FAILED,
    RunState.CANCELLED: SyncState.CANCELLED,
}


class CooldownConfig(Model):
    """How long after a sync that succeeded the next one has to wait; one of named pages never has to."""

    enabled: bool
    cooldown_seconds: float = Field(examples=[300])


class Started(Model):
    """A sync that was put into the queue."""

    job_id: str = Field(examples=["0f6b3c1e8a5d4d0e9f6f4a1d2b3c4d5e"])
    status: SyncState = Field(examples=[SyncState.QUEUED])
    sync_type: SyncType
    workspace_id: str
    triggered_by: str
    cooldown_config: CooldownConfig


class SyncProgress(Model):
    """How far a sync is. `totalDocuments` grows while the workspace is listed."""

    total_documents: int = Field(examples=[100])
    processed_documents: int = Field(examples=[45])
    success_count: int = Field(examples=[43])
    error_count: int = Field(examples=[2])
    unchanged_count: int = Field(examples=[12])
    skipped_count: int = Field(
        description="The same, by the name that `sync:complete` has for it", examples=[12]
    )
    current_document: str | None = Field(examples=["Engineering Docs"])
    phase: str = Field(examples=["content"])
    estimated_remaining: int | None = Field(description="Milliseconds, at the pace so far", examples=[60_000])


class CurrentSync(Model):
    """The sync that waits or is under way."""

    job_id: str
    status: SyncState
    sync_type: SyncType
    progress: SyncProgress
    started_at: Moment


class SyncError(Model):
    """What could not be read, or why the sync failed. `requestId` is Notion's, for its support."""

    document_id: str | None
    block_id: str | None
    code: str = Field(examples=["object_not_found"])
    message: str
    request_id: str | None


class SyncResults(Model):
    """What a sync did."""

    documents_added: int = Field(examples=[50])
    documents_updated: int = Field(examples=[30])
    documents_deleted: int = Field(examples=[5])
    documents_unchanged: int
    errors: list[SyncError] = Field(description=f"At most {MOST_ERRORS}")


class EndedSync(Model):
    """A sync as history has it. `duration` is in milliseconds."""

    job_id: str
    status: SyncState
    sync_type: SyncType
    triggered_by: str
    results: SyncResults
    requests: dict[str, int] = Field(
        description="Requests to Notion: made, the least possible (bound), rate limited"
    )
    started_at: Moment
    completed_at: Moment | None
    duration: int | None = Field(examples=[300_000])


class Stats(Model):
    """What a workspace holds; `lastSyncDuration` is in milliseconds."""

    total_pages: int = Field(examples=[150])
    total_databases: int = Field(examples=[5])
    last_sync_duration: int | None = Field(examples=[120_000])


class WorkspaceState(Model):
    """How the workspace stands."""

    sync_status: str = Field(examples=["active"])
    last_successful_sync_at: Moment | None
    stats: Stats


class Standing(Model):
    """What is under way, what was, and how the workspace stands."""

    current_sync: CurrentSync | None
    recent_syncs: list[EndedSync]
    workspace: WorkspaceState


class History(Model):
    """Syncs, newest first. `nextCursor` leads to older ones."""

    syncs: list[EndedSync]
    next_cursor: str | None


class Metrics(Model):
    """The newest syncs in numbers: at most the last hundred. Durations are in milliseconds."""

    syncs: int
    completed: int
    failed: int
    cancelled: int
    success_rate: float | None = Field(examples=[0.98])
    average_duration: int | None
    longest_duration: int | None
    documents_added: int
    documents_updated: int
    documents_deleted: int
    requests_made: int
    requests_bound: int
    rate_limited: int
    open_errors: int
    last_successful_sync_at: Moment | None


def sync_type(run: Run) -> SyncType:
    """How much a run reads."""
    return SyncType(run.mode) if run.mode is not None else SyncType.INCREMENTAL


def current(run: Run, title: str | None, now: datetime) -> CurrentSync:
    """The sync that waits or is under way; `title` is that of the page that was read last."""
    return CurrentSync(
        job_id=run.id,
        status=STATES[run.state],
        sync_type=sync_type(run),
        progress=_progress(run, title, now),
        started_at=run.started_at,
    )


def _progress(run: Run, title: str | None, now: datetime) -> SyncProgress:
    """Pages that were seen, less those that wait; what waits is counted as pages, which most of it is."""
    total = run.pages.get("seen", 0)
    processed = max(0, total - run.waiting)
    failed = min(processed, run.pages.get("incomplete", 0))
    elapsed = (now - run.started_at) / timedelta(milliseconds=1)
    return SyncProgress(
        total_documents=total,
        processed_documents=processed,
        success_count=processed - failed,
        error_count=failed,
        unchanged_count=run.pages.get("unchanged", 0),
        skipped_count=run.pages.get("unchanged", 0),
        current_document=title,
        phase=run.phase or run.state,
        estimated_remaining=round(elapsed / processed * (total - processed)) if processed else None,
    )


def ended(run: Run, errors: Sequence[Entry]) -> EndedSync:
    """A run as history has it; those of `errors` that are its own."""
    pages = run.pages
    return EndedSync(
        job_id=run.id,
        status=STATES[run.state],
        sync_type=sync_type(run),
        triggered_by=run.requested_by,
        results=SyncResults(
            documents_added=pages.get("added", 0),
            documents_updated=pages.get("updated", 0),
            documents_deleted=pages.get("deleted", 0),
            documents_unchanged=pages.get("unchanged", 0),
            errors=[*_failure(run), *(_error(entry) for entry in errors if entry.run_id == run.id)],
        ),
        requests=dict(run.requests),
        started_at=run.started_at,
        completed_at=run.ended_at,
        duration=_duration(run),
    )


def _duration(run: Run) -> int | None:
    return (
        None if run.ended_at is None else round((run.ended_at - run.started_at) / timedelta(milliseconds=1))
    )


def _failure(run: Run) -> list[SyncError]:
    """Why the sync as a whole failed."""
    if run.error is None:
        return []
    code, message = str(run.error.get("kind", "")), str(run.error.get("message", ""))
    return [SyncError(document_id=None, block_id=None, code=code, message=message, request_id=None)]


def _error(entry: Entry) -> SyncError:
    return SyncError(
        document_id=entry.page,
        block_id=entry.block,
        code=entry.code,
        message=entry.message,
        request_id=entry.request_id,
    )


def workspace(one: Overview) -> WorkspaceState:
    """How a workspace stands."""
    duration = None if one.duration is None else round(one.duration / timedelta(milliseconds=1))
    return WorkspaceState(
        sync_status=standing(one),
        last_successful_sync_at=one.succeeded_at,
        stats=Stats(total_pages=one.pages, total_databases=one.databases, last_sync_duration=duration),
    )


def metrics(ended: Sequence[Run], open_errors: int, stands: Overview) -> Metrics:
    """Runs that have ended in numbers."""
    states = [run.state for run in ended]
    completed, failed = states.count(RunState.SUCCEEDED), states.count(RunState.FAILED)
    durations = [lasted for run in ended if (lasted := _duration(run)) is not None]

    def pages(name: str) -> int:
        return sum(run.pages.get(name, 0) for run in ended)

    def requests(name: str) -> int:
        return sum(run.requests.get(name, 0) for run in ended)

    return Metrics(
        syncs=len(ended),
        completed=completed,
        failed=failed,
        cancelled=states.count(RunState.CANCELLED),
        success_rate=round(completed / (completed + failed), 4) if completed + failed else None,
        average_duration=round(sum(durations) / len(durations)) if durations else None,
        longest_duration=max(durations, default=None),
        documents_added=pages("added"),
        documents_updated=pages("updated"),
        documents_deleted=pages("deleted"),
        requests_made=requests("made"),
        requests_bound=requests("bound"),
        rate_limited=requests("rate_limited"),
        open_errors=open_errors,
        last_successful_sync_at=stands.succeeded_at,
    )
