"""Alerts: what went wrong, since when, how often, and whether it is over (``/api/v1/alerts``)."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Model, Moment, Success
from syncline.api.rules import Cursor, before, cursor
from syncline.core.alerts import IncidentKind
from syncline.core.permission import Permission
from syncline.store import alerts

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/alerts", tags=["notifications"])


class Shown(Model):
    """An alert. `resolved_at` is empty while it is open; `count` is how often the incident was met."""

    id: str
    kind: IncidentKind
    subject: str = Field(examples=["pull"])
    text: str = Field(examples=["The last pull failed. The disk is full."])
    opened_at: Moment
    last_at: Moment
    count: int = Field(examples=[50])
    resolved_at: Moment | None


class ShownList(Model):
    """Alerts, newest first. `next_cursor` leads to older ones."""

    alerts: list[Shown]
    next_cursor: str | None


@router.get("")
async def listed(
    service: ServiceOf,
    access: Annotated[Access, allow(Permission.VIEW_SOURCES)],
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    unresolved: Annotated[
        bool | None, Query(alias="open", description="Only open, or only resolved ones")
    ] = None,
    after: Cursor = None,
) -> Success[ShownList]:
    """The alerts of a workspace. There is one open alert for each incident, however often it is met."""
    async with service.app.database.read() as conn:
        found = await alerts.listing(
            conn, access.connection.id, limit=limit, unresolved=unresolved, before=before(after)
        )
    more = cursor(found[-1].opened_at, found[-1].id) if len(found) == limit else None
    return Success(data=ShownList(alerts=[Shown.model_validate(one) for one in found], next_cursor=more))
