"""``/api/v1/workspaces``, also below ``/notion``: the connected workspaces, how they stand, what and when they sync."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from syncline.accounts import membership
from syncline.api.addresses import Addresses
from syncline.api.deps import Access, Caller, ServiceOf, allow, signed
from syncline.api.envelope import Asked, Model, Moment, Success
from syncline.api.errors import answers
from syncline.api.service import Service
from syncline.core.errors import BadInput, Refused, Unreachable
from syncline.core.permission import Permission, Role, Scope
from syncline.core.selection import SyncScope
from syncline.core.standing import SyncStatus, TokenStatus
from syncline.engine import workspaces
from syncline.engine.workspaces import MOST_PAGES, Changes, Timing
from syncline.store import preferences, schedules
from syncline.store.connections import Connection
from syncline.store.overviews import Overview, overviews
from syncline.store.preferences import Joining, TokenPreference

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["workspaces"])
_here = Addresses(router, "/workspaces", "/notion/workspaces")

PageId = Annotated[str, StringConstraints(max_length=2000)]
Pages = Annotated[list[PageId] | None, Field(max_length=MOST_PAGES)]


class Stats(Model):
    """What is held of a workspace. The duration is in milliseconds."""

    total_pages: int = Field(examples=[150])
    total_databases: int = Field(examples=[5])
    last_sync_duration: int | None = Field(examples=[120000])


class Workspace(Model):
    """A connected workspace."""

    id: str = Field(examples=["9b1c8e1f0a6b4f1d8d7a3c2b1e0f9a8b"])
    workspace_name: str = Field(examples=["My Workspace"])
    workspace_id: str | None = Field(
        description="Notion's own id", examples=["38c9ce7b-60a4-81e9-b951-000b9b64e41a"]
    )
    workspace_icon: str | None
    sync_status: SyncStatus
    token_status: TokenStatus
    stats: Stats
    last_successful_sync_at: Moment | None
    next_sync_at: Moment | None
    pending_changes: int = Field(description="Pieces of work that are known and not done")
    my_role: Role


class Workspaces(Model):
    """The caller's workspaces, oldest first."""

    workspaces: list[Workspace]


class SyncSchedule(Model):
    """When it syncs by itself."""

    enabled: bool
    interval_hours: float | None = Field(examples=[6])
    cron: str | None = Field(description="Five fields, UTC", examples=["*/30 * * * *"])
    paused_for: str | None = Field(description="What has to happen before it goes on", examples=["token"])


class SyncSettings(Model):
    """The same in short."""

    auto_sync: bool
    sync_interval_hours: float | None = Field(examples=[6])


class Settings(Model):
    """What and when it syncs, and who may join."""

    sync_scope: SyncScope
    included_pages: list[str]
    excluded_pages: list[str]
    sync_settings: SyncSettings
    sync_schedule: SyncSchedule
    joining: Joining
    token_preference: TokenPreference


class WorkspaceInFull(Workspace, Settings):
    """A workspace with its settings."""

    capabilities: list[str] = Field(examples=[["read_content", "read_users"]])


class OneWorkspace(Model):
    """One of them."""

    workspace: WorkspaceInFull


class ChangingSettings(Asked):
    """`autoSync` and `syncIntervalHours` of the contract's first form."""

    auto_sync: bool | None = None
    sync_interval_hours: Annotated[float | None, Field(gt=0, le=10_000, allow_inf_nan=False)] = None


class ChangingSchedule(Asked):
    """`enabled`, `intervalHours` and `cron`."""

    enabled: bool | None = None
    interval_hours: Annotated[float | None, Field(gt=0, le=10_000, allow_inf_nan=False)] = None
    cron: Annotated[str | None, StringConstraints(max_length=200)] = None


class ChangingWorkspace(Asked):
    """What is to be different; what is not named stays."""

    sync_scope: SyncScope | None = None
    included_pages: Pages = None
    excluded_pages: Pages = None
    sync_settings: ChangingSettings | None = None
    sync_schedule: ChangingSchedule | None = None
    joining: Joining | None = None


class Disconnected(Model):
    """Whether Notion took the token back: it takes those of OAuth apps."""

    token_revoked: bool


class Deleted(Disconnected):
    """How many rows of each kind were deleted."""

    deleted: dict[str, int] = Field(examples=[{"records": 155, "documents": 150, "runs": 12}])


Viewing = Annotated[Access, allow(Permission.VIEW_SOURCES)]
Setting = Annotated[Access, allow(Permission.EDIT_SETTINGS)]
Deleting = Annotated[Access, allow(Permission.DELETE_WORKSPACE)]


@_here.route("GET", "")
async def list_workspaces(
    service: ServiceOf, caller: Annotated[Caller, signed(Scope.READ)]
) -> Success[Workspaces]:
    """The workspaces that the caller belongs to."""
    mine = await membership.reachable(service.app, caller)
    async with service.app.database.glance() as conn:
        found = await overviews(conn, [one.id for one, _ in mine])
    known = [_shown(one, role, found[one.id]) for one, role in mine if one.id in found]
    return Success(data=Workspaces(workspaces=known))


@_here.route("GET", "/{workspaceId}")
async def show_workspace(service: ServiceOf, access: Viewing) -> Success[OneWorkspace]:
    """A workspace with its settings."""
    return Success(data=await _in_full(service, access))


@_here.route("PATCH", "/{workspaceId}", responses=answers(BadInput, Refused, Unreachable))
async def change_workspace(
    service: ServiceOf, access: Setting, asked: ChangingWorkspace
) -> Success[OneWorkspace]:
    """Change what and when a workspace syncs.

    Another selection is read by the next sync, which an automatic one makes at once; what falls out of it is removed then. A page that
    is not held yet is looked up in Notion, with up to three requests: what Notion does not show is refused.
    """
    changes = Changes(
        sync_scope=asked.sync_scope,
        included=asked.included_pages,
        excluded=asked.excluded_pages,
        joining=asked.joining,
        timing=_timing(asked),
    )
    await workspaces.change(service.app, access.connection, changes)
    return Success(data=await _in_full(service, access), message="Workspace settings updated")


def _timing(asked: ChangingWorkspace) -> Timing:
    """Both forms say the same; where they do not, the schedule counts."""
    short = asked.sync_settings or ChangingSettings()
    long = asked.sync_schedule or ChangingSchedule()
    hours = long.interval_hours
    if hours is None and long.cron is None:
        hours = short.sync_interval_hours
    return Timing(
        enabled=short.auto_sync if long.enabled is None else long.enabled,
        every=None if hours is None else timedelta(hours=hours),
        cron=long.cron,
    )


@_here.route("POST", "/{workspaceId}/disconnect")
async def disconnect_workspace(service: ServiceOf, access: Setting) -> Success[Disconnected]:
    """Give the token back and forget it. What was read stays; syncs wait until somebody connects again."""
    revoked = await workspaces.disconnect(service.app, access.connection)
    return Success(data=Disconnected(token_revoked=revoked), message="Workspace disconnected")


@_here.route("DELETE", "/{workspaceId}")
async def delete_workspace(service: ServiceOf, access: Deleting) -> Success[Deleted]:
    """Delete a workspace with all that was read of it, for good. A sync that runs is cancelled first."""
    gone = await workspaces.delete(service.app, access.connection)
    rows = {name: count for name, count in gone.rows.items() if count}
    report = Deleted(token_revoked=gone.revoked, deleted=rows)
    return Success(data=report, message="Workspace deleted successfully")


def _shown(connection: Connection, role: Role, one: Overview) -> Workspace:
    return Workspace.model_validate(_fields(connection, role, one))


def _fields(connection: Connection, role: Role, one: Overview) -> dict[str, object]:
    stats = Stats(
        total_pages=one.pages,
        total_databases=one.databases,
        last_sync_duration=None if one.duration is None else round(one.duration / timedelta(milliseconds=1)),
    )
    return {
        "id": connection.id,
        "workspace_name": connection.workspace_name or connection.name,
        "workspace_id": connection.workspace_id,
        "workspace_icon": one.icon,
        "sync_status": workspaces.standing(one),
        "token_status": one.token,
        "stats": stats,
        "last_successful_sync_at": one.succeeded_at,
        "next_sync_at": one.next_at,
        "pending_changes": one.waiting,
        "my_role": role,
    }


async def _in_full(service: Service, access: Access) -> OneWorkspace:
    one = access.connection
    async with service.app.database.read() as conn:
        overview = (await overviews(conn, [one.id]))[one.id]
        wanted = await preferences.find(conn, one.id)
        schedule = await schedules.find(conn, one.id)
    hours = None if schedule is None or schedule.every is None else schedule.every / 3600
    enabled = schedule is not None and schedule.enabled
    when = SyncSchedule(
        enabled=enabled,
        interval_hours=hours,
        cron=schedule.cron if schedule else None,
        paused_for=schedule.paused_for if schedule else None,
    )
    full = WorkspaceInFull.model_validate(
        {
            **_fields(one, access.role, overview),
            "sync_scope": wanted.sync_scope,
            "included_pages": list(wanted.included),
            "excluded_pages": list(wanted.excluded),
            "sync_settings": SyncSettings(auto_sync=enabled, sync_interval_hours=hours),
            "sync_schedule": when,
            "joining": wanted.joining,
            "token_preference": wanted.token_preference,
            "capabilities": list(one.capabilities),
        }
    )
    return OneWorkspace(workspace=full)
