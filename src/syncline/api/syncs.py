"""``/api/v1/notion/sync…``: start a sync, watch it, look back, cancel it.

Every route is there twice: for the workspace that the header or the query names, and with the workspace in the path.
"""

import base64
import binascii
import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Asked as Body
from syncline.api.envelope import Done, Success, Time
from syncline.api.errors import answers
from syncline.api.service import Service
from syncline.api.sync_answers import (
    MOST_ERRORS,
    STATES,
    CooldownConfig,
    EndedSync,
    History,
    Metrics,
    Standing,
    Started,
    SyncState,
    SyncType,
    current,
    ended,
    metrics,
    sync_type,
    workspace,
)
from syncline.core.errors import BadInput, Busy, InvalidId, NotFound, TooSoon
from syncline.core.event import EventKind
from syncline.core.model import Mode
from syncline.core.permission import Permission
from syncline.engine import syncs
from syncline.engine.begin import Request
from syncline.engine.pulling import SLOT, Asked
from syncline.notion.errors import MalformedId
from syncline.notion.objects import parse_id
from syncline.store import events, ledger, runs
from syncline.store.history import Wanted, conditions
from syncline.store.overviews import Overview, overviews
from syncline.store.runs import Run

__all__ = ["parsed_id", "router"]

_RECENT: Final = 10
_WINDOW: Final = 100
"""The newest syncs that the metrics are made of."""

router = APIRouter(tags=["syncs"])
_NOTION = "/api/v1/notion"
_WORKSPACE = "/api/v1/notion/workspaces/{workspaceId}"

Viewing = Annotated[Access, allow(Permission.VIEW_SOURCES)]
Managing = Annotated[Access, allow(Permission.MANAGE_SYNC)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=500)]


# --- what is asked ------------------------------------------------------------------------------------------------


class SyncOptions(Body):
    """What else is asked of a sync."""

    page_filter: list[Id] = Field(
        default=[],
        max_length=1000,
        description="Ids or URLs of pages: only these are read, and nothing else is touched",
    )


class StartingSync(Body):
    """Which sync to start: by `syncType` and `options`, or by `fullSync` and `documentIds`."""

    workspace_id: str | None = None
    sync_type: Literal["full", "incremental"] | None = None
    options: SyncOptions = SyncOptions()
    full_sync: bool | None = None
    document_ids: list[Id] = Field(default=[], max_length=1000)

    @model_validator(mode="after")
    def _agree(self) -> "StartingSync":
        if self.sync_type and self.full_sync is not None and (self.sync_type == "full") is not self.full_sync:
            raise ValueError("syncType and fullSync say different things")
        return self

    def request(self) -> Request:
        """The same as the engine takes it. Raises InvalidId."""
        pages = tuple(
            dict.fromkeys(parsed_id(one) for one in [*self.options.page_filter, *self.document_ids])
        )
        full = self.full_sync or self.sync_type == "full"
        return Request(mode=Mode.FULL if full and not pages else None, pages=pages)


def parsed_id(text: str) -> str:
    """The id in an id or URL. Raises InvalidId."""
    try:
        return parse_id(text)
    except MalformedId as error:
        raise InvalidId(str(error)) from None


class Trigger(StrEnum):
    """What caused a sync: a person or a key by REST, the command line, the schedule, Notion's webhooks."""

    MANUAL = "manual"
    CLI = "cli"
    SCHEDULE = "schedule"
    WEBHOOK = "webhook"


class Looking(BaseModel):
    """Which syncs of the history, and how many."""

    model_config = ConfigDict(populate_by_name=True)

    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=200)
    status: list[SyncState] = Field(default=[], description="Only those that stand like one of these")
    type: list[SyncType] = Field(default=[], description="Only those of one of these types")
    trigger: Trigger | None = None
    since: Time | None = Field(default=None, alias="from", description="Only those that began then or later")
    until: Time | None = Field(default=None, alias="to", description="Only those that began before then")

    def wanted(self) -> Wanted:
        """The same as the store takes it."""
        others = [one.value for one in Trigger if one is not Trigger.MANUAL]
        return Wanted(
            states=[state for state, shown in STATES.items() if shown in self.status],
            modes=[Mode(one) for one in self.type],
            askers=[] if self.trigger in (None, Trigger.MANUAL) else [str(self.trigger)],
            nobody=others if self.trigger is Trigger.MANUAL else [],
            since=self.since,
            until=self.until,
        )


# --- routes -------------------------------------------------------------------------------------------------------


@router.post(f"{_NOTION}/sync", status_code=202, responses=answers(BadInput, InvalidId, Busy, TooSoon))
@router.post(f"{_WORKSPACE}/sync", status_code=202, responses=answers(BadInput, InvalidId, Busy, TooSoon))
async def start_sync(
    service: ServiceOf, access: Managing, response: Response, asked: StartingSync | None = None
) -> Success[Started]:
    """Put a sync into the queue: of what changed, of everything, or of the pages that are named.

    With a page filter nothing outside it is read or deleted. The first sync of a workspace reads everything, whatever was asked
    for; `syncType` says so.
    """
    request = (asked or StartingSync()).request()
    by = access.caller.user_id
    run = await syncs.trigger(
        service.app, access.connection, Asked(request), requested_by=by, now=service.app.now()
    )
    response.headers["Location"] = f"{_NOTION}/workspaces/{access.connection.id}/syncs/{run.id}"
    data = Started(
        job_id=run.id,
        status=STATES[run.state],
        sync_type=sync_type(run),
        workspace_id=access.connection.id,
        triggered_by=by,
        cooldown_config=_cooldown(service),
    )
    return Success(message="Sync started", data=data)


def _cooldown(service: Service) -> CooldownConfig:
    seconds = service.app.settings.sync_cooldown
    return CooldownConfig(enabled=seconds > 0, cooldown_seconds=seconds)


@router.get(f"{_NOTION}/sync-status")
@router.get(f"{_WORKSPACE}/sync-status")
async def sync_status(service: ServiceOf, access: Viewing) -> Success[Standing]:
    """The sync that is under way, the last ten, and how the workspace stands."""
    one = access.connection.id
    now = service.app.now()
    async with service.app.database.read() as conn:
        recent = await runs.latest(conn, one, limit=_RECENT + 1)
        stands = await _overview(conn, one)
        live = next((run for run in recent if not run.ended), None)
        if live is None and stands.running:  # no pull, but something else that excludes one
            live = await runs.live(conn, one, SLOT)
        title = await _current_title(conn, live)
        past = [run for run in recent if run.ended][:_RECENT]
        errors = await ledger.of_runs(conn, one, [run.id for run in past], limit=MOST_ERRORS)
    return Success(
        data=Standing(
            current_sync=None if live is None else current(live, title, now),
            recent_syncs=[ended(run, errors) for run in past],
            workspace=workspace(stands),
        )
    )


@router.get(f"{_NOTION}/sync-history", responses=answers(BadInput))
@router.get(f"{_WORKSPACE}/sync-history", responses=answers(BadInput))
async def sync_history(
    service: ServiceOf, access: Viewing, asked: Annotated[Looking, Query()]
) -> Success[History]:
    """All syncs, newest first, with what each did; those that webhooks caused only where `trigger` asks for them."""
    one, limit = access.connection.id, asked.limit
    async with service.app.database.read() as conn:
        found = await runs.latest(
            conn,
            one,
            limit=limit + 1,
            kinds=["refresh"] if asked.trigger is Trigger.WEBHOOK else ["pull"],
            before=_before(asked.cursor) if asked.cursor else None,
            where=conditions(asked.wanted()),
        )
        shown = found[:limit]
        errors = await ledger.of_runs(conn, one, [run.id for run in shown], limit=MOST_ERRORS)
    following = _cursor(shown[-1]) if len(found) > limit else None
    return Success(data=History(syncs=[ended(run, errors) for run in shown], next_cursor=following))


@router.get(f"{_NOTION}/syncs/{{jobId}}", responses=answers(NotFound))
@router.get(f"{_WORKSPACE}/syncs/{{jobId}}", responses=answers(NotFound))
async def one_sync(service: ServiceOf, access: Viewing, jobId: str) -> Success[EndedSync]:  # noqa: N803 - the contract's name
    """One sync, under way or ended."""
    async with service.app.database.read() as conn:
        run = await runs.one(conn, jobId)
        if run.connection_id != access.connection.id:
            raise NotFound("There is no such sync.")
        errors = await ledger.of_runs(conn, run.connection_id, [run.id], limit=MOST_ERRORS)
    return Success(data=ended(run, errors))


@router.get(f"{_NOTION}/sync-metrics")
@router.get(f"{_WORKSPACE}/sync-metrics")
async def sync_metrics(service: ServiceOf, access: Viewing) -> Success[Metrics]:
    """The last hundred syncs in numbers."""
    one = access.connection.id
    async with service.app.database.read() as conn:
        found = await runs.latest(conn, one, limit=_WINDOW)
        open_errors = await ledger.count_open(conn, one)
        stands = await _overview(conn, one)
    return Success(data=metrics([run for run in found if run.ended], open_errors, stands))


@router.post(f"{_NOTION}/sync/cancel")
@router.post(f"{_WORKSPACE}/sync/cancel")
async def cancel_sync(service: ServiceOf, access: Managing) -> Done:
    """Cancel the sync that waits or is under way. What was read stays, and the next sync goes on with it. Can be repeated."""
    run = await syncs.cancel(service.app, access.connection.id, now=service.app.now())
    return Done(message="Sync cancelled" if run else "No sync is under way")


async def _overview(conn: AsyncConnection, connection_id: str) -> Overview:
    found = await overviews(conn, [connection_id])
    if connection_id not in found:  # it was removed since the caller was let in
        raise NotFound("There is no such workspace.")
    return found[connection_id]


async def _current_title(conn: AsyncConnection, run: Run | None) -> str | None:
    """The title of the page that was read last."""
    if run is None:
        return None
    last = await events.last(conn, run.connection_id, run.id, EventKind.PAGE_FETCHED)
    return None if last is None else str(last.data.get("title") or "")


def _cursor(run: Run) -> str:
    text = json.dumps([run.started_at.isoformat(), run.id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _before(cursor: str) -> tuple[datetime, str]:
    """Where a page of the history ended. Raises BadInput for what `_cursor` has not made."""
    try:
        started_at, run_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        moment = datetime.fromisoformat(started_at)
    except (binascii.Error, ValueError, TypeError):
        raise BadInput("cursor: Send the nextCursor of an answer.", details={"field": "cursor"}) from None
    if moment.tzinfo is None or not isinstance(run_id, str):
        raise BadInput("cursor: Send the nextCursor of an answer.", details={"field": "cursor"})
    return moment, run_id
