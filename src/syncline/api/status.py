"""How the caller's workspaces are doing (``/api/v1/status``)."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from syncline.accounts.membership import reachable
from syncline.api.deps import Access, Caller, ServiceOf, allow, signed
from syncline.api.envelope import Model, Moment, Success
from syncline.core.permission import Permission, Scope
from syncline.core.standing import SyncStatus, TokenStatus
from syncline.engine.status import Status, statuses

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["status"])


class Running(Model):
    """The run that is queued or under way."""

    job_id: str
    kind: str = Field(examples=["pull"])
    state: str = Field(examples=["running"])
    phase: str = Field(examples=["content"])
    pages: dict[str, int]
    waiting: int = Field(examples=[12], description="Pieces of work that are known and not done")


class WorkspaceStatus(Model):
    """How one workspace is doing. Rates are of the last hour; times are in milliseconds."""

    workspace_id: str
    workspace_name: str = Field(examples=["Engineering"])
    sync_status: SyncStatus
    token_status: TokenStatus
    last_successful_sync_at: Moment | None
    lag: int | None = Field(examples=[90_000], description="Since the last successful sync began")
    next_sync_at: Moment | None
    total_pages: int = Field(examples=[150])
    total_databases: int = Field(examples=[5])
    incomplete_pages: int = Field(examples=[0])
    requests: int = Field(examples=[420])
    error_rate: float | None = Field(
        examples=[0.0], description="Of the requests to Notion, None where none was made"
    )
    rate_limited: int = Field(examples=[0])
    runs: int = Field(examples=[6])
    failed_runs: int = Field(examples=[0])
    budget: int | None = Field(examples=[180])
    budget_left: int | None = Field(examples=[176])
    events_waiting: int = Field(
        examples=[0], description="Events of Notion's webhooks that were not looked at yet"
    )
    running: Running | None


class StatusList(Model):
    """How all workspaces of the caller are doing."""

    workspaces: list[WorkspaceStatus]


@router.get("/status")
async def every(service: ServiceOf, caller: Annotated[Caller, signed(Scope.READ)]) -> Success[StatusList]:
    """How the workspaces are doing that the caller belongs to."""
    known = [connection for connection, _ in await reachable(service.app, caller)]
    async with service.app.database.read() as conn:
        found = await statuses(service.app, conn, known)
    return Success(data=StatusList(workspaces=[_shown(one) for one in found]))


@router.get("/workspaces/{workspaceId}/status")
async def one(
    service: ServiceOf, access: Annotated[Access, allow(Permission.VIEW_SOURCES)]
) -> Success[WorkspaceStatus]:
    """How one workspace is doing."""
    async with service.app.database.read() as conn:
        (found,) = await statuses(service.app, conn, [access.connection])
    return Success(data=_shown(found))


def _shown(one: Status) -> WorkspaceStatus:
    live = one.live
    return WorkspaceStatus(
        workspace_id=one.connection.id,
        workspace_name=one.connection.workspace_name or one.connection.name,
        sync_status=one.sync_status,
        token_status=one.token_status,
        last_successful_sync_at=one.last_success_at,
        lag=None if one.lag is None else round(one.lag.total_seconds() * 1000),
        next_sync_at=one.next_at,
        total_pages=one.pages,
        total_databases=one.databases,
        incomplete_pages=one.incomplete,
        requests=one.requests,
        error_rate=one.error_rate,
        rate_limited=one.rate_limited,
        runs=one.runs,
        failed_runs=one.failed_runs,
        budget=one.budget,
        budget_left=one.budget_left,
        events_waiting=one.events_waiting,
        running=None
        if live is None
        else Running(
            job_id=live.run_id,
            kind=live.kind,
            state=live.state,
            phase=live.phase,
            pages=dict(live.pages),
            waiting=live.waiting,
        ),
    )
