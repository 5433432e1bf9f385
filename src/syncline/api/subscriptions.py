"""Subscriptions to Notion's webhooks: made here, paired in Notion (``/api/v1/notion/webhooks``).

A subscription belongs to a workspace with an internal token, or to an OAuth app, and then brings the events of all
workspaces that were connected with it.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from syncline.api.deps import Access, InstanceOwner, ServiceOf, allow
from syncline.api.envelope import Asked, Done, Model, Moment, Success
from syncline.api.errors import answers
from syncline.core.errors import NotFound
from syncline.core.permission import Permission
from syncline.engine import inbox as engine
from syncline.store import inbox, oauth, subscriptions

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/notion", tags=["webhooks"])

Settings = Annotated[Access, allow(Permission.EDIT_SETTINGS)]
WebhookId = Annotated[str, Path(alias="webhookId")]
AppId = Annotated[str, Path(alias="appId")]


class Subscribed(Model):
    """A subscription. `verification_token` is shown from the handshake until the first signed event."""

    id: str = Field(examples=["h4Uq0c7Zl1xJq2mE5yTn8wKd3rVb6sGf"])
    name: str = Field(examples=["Engineering"])
    url: str = Field(
        examples=["https://syncline.example.com/webhooks/notion/h4Uq0c7Zl1xJq2mE5yTn8wKd3rVb6sGf"]
    )
    state: str = Field(examples=["pairing"], description="new, pairing, paired or confirmed")
    pairing_until: Moment | None
    last_event_at: Moment | None
    verification_token: str | None = Field(examples=[None])
    waiting: int = Field(examples=[0], description="Events that were not looked at yet")
    ignored: int = Field(
        examples=[2], description="Events about what is not kept, or of a workspace not connected"
    )
    given_up: int = Field(
        examples=[0], description="Events whose object could not be read; the next sync finds it"
    )


class SubscribedList(Model):
    """Subscriptions, oldest first."""

    webhooks: list[Subscribed]


class NewSubscription(Asked):
    """A subscription to be made."""

    name: str = Field(default="Notion", min_length=1, max_length=200, examples=["Engineering"])
    workspace_id: str | None = None


class Arrived(Model):
    """One event as it came."""

    event_id: str = Field(examples=["367cba44-b6f3-4c92-81e7-6a2e9659efd4"])
    type: str = Field(examples=["page.content_updated"])
    entity: str = Field(examples=["153104cd-477e-809d-8dc4-ff2d96ae3090"])
    at: Moment
    received_at: Moment
    state: str = Field(examples=["done"])
    tries: int = Field(examples=[0])


class ArrivedList(Model):
    """Events, newest first."""

    events: list[Arrived]


async def _shown(service: ServiceOf, one: subscriptions.Subscription) -> Subscribed:
    async with service.app.database.read() as conn:
        shown = await engine.show(service.app, conn, one)
    return Subscribed(
        id=one.id,
        name=one.name,
        url=f"{service.app.settings.public_url}/webhooks/notion/{one.id}",
        state=one.state(service.app.now()),
        pairing_until=one.pairing_until,
        last_event_at=one.heard_at,
        verification_token=shown.token,
        waiting=shown.waiting,
        ignored=shown.ignored,
        given_up=shown.given_up,
    )


async def _own(service: ServiceOf, access: Access, webhook_id: str) -> subscriptions.Subscription:
    """The subscription, if it is this workspace's. Raises NotFound."""
    async with service.app.database.read() as conn:
        one = await subscriptions.one(conn, webhook_id)
    if one.connection_id != access.connection.id:
        raise NotFound("There is no such webhook subscription.")
    return one


@router.get("/webhooks")
async def listed(service: ServiceOf, access: Settings) -> Success[SubscribedList]:
    """The subscriptions that bring the workspace's events."""
    async with service.app.database.read() as conn:
        found = await subscriptions.every(conn, access.connection.id)
    shown = [await _shown(service, one) for one in found if one.connection_id is not None]
    return Success(data=SubscribedList(webhooks=shown))


@router.post("/webhooks", status_code=201)
async def made(service: ServiceOf, access: Settings, asked: NewSubscription) -> Success[Subscribed]:
    """Make a subscription of the workspace and open its pairing window: now enter its URL in Notion."""
    one = await engine.subscribe(service.app, name=asked.name, connection_id=access.connection.id)
    return Success(message="Enter the URL in Notion.", data=await _shown(service, one))


@router.get("/webhooks/{webhookId}", responses=answers(NotFound))
async def shown(service: ServiceOf, access: Settings, webhook_id: WebhookId) -> Success[Subscribed]:
    """One subscription, with its verification token while that is still to be pasted."""
    return Success(data=await _shown(service, await _own(service, access, webhook_id)))


@router.post("/webhooks/{webhookId}/pair", responses=answers(NotFound))
async def paired(service: ServiceOf, access: Settings, webhook_id: WebhookId) -> Success[Subscribed]:
    """Open the pairing window again, as for a new subscription in Notion under the same URL."""
    await _own(service, access, webhook_id)
    one = await engine.pairing(service.app, webhook_id)
    return Success(message="Enter the URL in Notion.", data=await _shown(service, one))


@router.get("/webhooks/{webhookId}/events", responses=answers(NotFound))
async def arrived(
    service: ServiceOf,
    access: Settings,
    webhook_id: WebhookId,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Success[ArrivedList]:
    """The newest events that came."""
    one = await _own(service, access, webhook_id)
    async with service.app.database.read() as conn:
        found = await inbox.latest(conn, one.id, limit=limit)
    return Success(data=ArrivedList(events=[Arrived.model_validate(arrival) for arrival in found]))


@router.delete("/webhooks/{webhookId}", responses=answers(NotFound))
async def removed(service: ServiceOf, access: Settings, webhook_id: WebhookId) -> Done:
    """Forget a subscription. Remove it in Notion, too: what it still sends is answered with 404."""
    await _own(service, access, webhook_id)
    await engine.forget(service.app, webhook_id)
    return Done(message="Webhook removed.")


@router.post("/apps/{appId}/webhooks", status_code=201, responses=answers(NotFound))
async def made_for_app(
    service: ServiceOf, _caller: InstanceOwner, app_id: AppId, asked: NewSubscription
) -> Success[Subscribed]:
    """Make a subscription of an OAuth app: the events of every workspace that was connected with it."""
    async with service.app.database.read() as conn:
        app = await oauth.one(conn, app_id)
    one = await engine.subscribe(service.app, name=asked.name, app_id=app.id)
    return Success(message="Enter the URL in Notion.", data=await _shown(service, one))


@router.get("/apps/{appId}/webhooks")
async def listed_for_app(
    service: ServiceOf, _caller: InstanceOwner, app_id: AppId
) -> Success[SubscribedList]:
    """The subscriptions of an OAuth app, each with its token while that is still to be pasted."""
    async with service.app.database.read() as conn:
        found = [one for one in await subscriptions.every(conn) if one.app_id == app_id]
    return Success(data=SubscribedList(webhooks=[await _shown(service, one) for one in found]))


@router.post("/apps/{appId}/webhooks/{webhookId}/pair", responses=answers(NotFound))
async def paired_for_app(
    service: ServiceOf, _caller: InstanceOwner, app_id: AppId, webhook_id: WebhookId
) -> Success[Subscribed]:
    """Open the pairing window of an app's subscription again."""
    one = await _of_app(service, app_id, webhook_id)
    one = await engine.pairing(service.app, one.id)
    return Success(message="Enter the URL in Notion.", data=await _shown(service, one))


@router.delete("/apps/{appId}/webhooks/{webhookId}", responses=answers(NotFound))
async def removed_for_app(
    service: ServiceOf, _caller: InstanceOwner, app_id: AppId, webhook_id: WebhookId
) -> Done:
    """Forget an app's subscription."""
    one = await _of_app(service, app_id, webhook_id)
    await engine.forget(service.app, one.id)
    return Done(message="Webhook removed.")


async def _of_app(service: ServiceOf, app_id: str, webhook_id: str) -> subscriptions.Subscription:
    async with service.app.database.read() as conn:
        one = await subscriptions.one(conn, webhook_id)
    if one.app_id != app_id:
        raise NotFound("There is no such webhook subscription.")
    return one
