"""Webhooks going out: endpoints, what they were sent, and sending it again (``/api/v1/webhooks/endpoints``)."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Asked, Done, Model, Moment, Success, Time
from syncline.api.errors import answers
from syncline.core.delivery import DEFAULT
from syncline.core.errors import NotFound
from syncline.core.permission import Permission
from syncline.delivery import deliveries as engine
from syncline.store import deliveries, endpoints
from syncline.store.deliveries import Attempt, Delivery, State
from syncline.store.endpoints import Endpoint

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/webhooks/endpoints", tags=["webhooks"])

Settings = Annotated[Access, allow(Permission.EDIT_SETTINGS)]
EndpointId = Annotated[str, Path(alias="endpointId")]
DeliveryId = Annotated[str, Path(alias="deliveryId")]
_Pattern = Annotated[str, Field(pattern=r"^[a-z*]+(\.[a-z*-]+)?$", max_length=100)]


class NewEndpoint(Asked):
    """An endpoint to be made."""

    url: str = Field(max_length=2000, examples=["https://hooks.example.com/syncline"])
    description: str = Field(default="", max_length=500)
    types: list[_Pattern] = Field(default_factory=lambda: list(DEFAULT), min_length=1, max_length=50)
    streams: list[str] = Field(
        default_factory=list, max_length=500, description="Only records of these streams; all if empty"
    )
    workspace_id: str | None = None


class ChangedEndpoint(Asked):
    """What is to be different; what is left out stays."""

    description: str | None = Field(default=None, max_length=500)
    types: list[_Pattern] | None = Field(default=None, min_length=1, max_length=50)
    streams: list[str] | None = Field(default=None, max_length=500)
    enabled: bool | None = None
    workspace_id: str | None = None


class Shown(Model):
    """An endpoint, how it is doing, and how many deliveries wait, arrived and were given up."""

    id: str
    url: str = Field(examples=["https://hooks.example.com/syncline"])
    description: str
    types: list[str] = Field(examples=[["record.*", "sync.complete"]])
    streams: list[str]
    enabled: bool = Field(examples=[True])
    disabled_for: str | None = Field(examples=[None])
    failing_since: Moment | None
    created_at: Moment
    waiting: int = Field(examples=[0])
    delivered: int = Field(examples=[120])
    dead: int = Field(examples=[0])


class ShownOnce(Shown):
    """An endpoint with its secret, which is not shown again."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])


class ShownList(Model):
    """Endpoints, oldest first."""

    endpoints: list[Shown]


class Secret(Model):
    """A new secret. For a day deliveries bear signatures with both."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])


class Sent(Model):
    """One delivery. `id` is its ``webhook-id``."""

    id: str = Field(examples=["msg_0b6c7c4f6a0e4f5e9f5d5b8e5b0e6a11"])
    type: str = Field(examples=["record.updated"])
    state: State
    created_at: Moment
    next_at: Moment = Field(description="When it is sent next, while it waits")
    ended_at: Moment | None
    tries: int = Field(examples=[1])


class SentList(Model):
    """Deliveries, newest first. `next_cursor` leads to older ones."""

    deliveries: list[Sent]
    next_cursor: str | None


class Tried(Model):
    """One attempt: the status and the beginning of the answer, or why there was none."""

    number: int = Field(examples=[1])
    at: Moment
    duration: int = Field(examples=[85], description="Milliseconds")
    status: int | None = Field(examples=[500])
    error: str | None
    answer: str | None


class SentWhole(Sent):
    """One delivery with its body, to the byte, and its attempts."""

    body: str
    attempts: list[Tried]


class Again(Asked):
    """Which deliveries that were given up are to be sent again: all, or those since a time."""

    since: Time | None = None
    workspace_id: str | None = None


class Queued(Model):
    """How many deliveries will be sent again."""

    count: int = Field(examples=[3])


@router.get("")
async def listed(service: ServiceOf, access: Settings) -> Success[ShownList]:
    """The endpoints of a workspace."""
    async with service.app.database.read() as conn:
        found = await endpoints.every(conn, access.connection.id)
    return Success(data=ShownList(endpoints=[await _shown(service, one) for one in found]))


@router.post("", status_code=201)
async def made(service: ServiceOf, access: Settings, asked: NewEndpoint) -> Success[ShownOnce]:
    """Make an endpoint. It hears of what happens from now on; its secret is shown this once."""
    one, secret = await engine.create(
        service.app,
        access.connection,
        url=asked.url,
        description=asked.description,
        types=asked.types,
        streams=asked.streams,
    )
    shown = await _shown(service, one)
    return Success(message="Endpoint created.", data=ShownOnce(**shown.model_dump(), secret=secret))


@router.get("/{endpointId}", responses=answers(NotFound))
async def shown(service: ServiceOf, access: Settings, endpoint_id: EndpointId) -> Success[Shown]:
    """One endpoint."""
    return Success(data=await _shown(service, await _own(service, access, endpoint_id)))


@router.patch("/{endpointId}", responses=answers(NotFound))
async def changed(
    service: ServiceOf, access: Settings, endpoint_id: EndpointId, asked: ChangedEndpoint
) -> Success[Shown]:
    """Change what an endpoint hears, disable it, or enable it: it then goes on where it stopped."""
    one = await _own(service, access, endpoint_id)
    given = asked.model_dump(include={"description", "types", "streams"}, exclude_none=True)
    if asked.enabled is False:
        given |= {"enabled": False, "disabled_for": "Somebody disabled it."}
    if given:
        await engine.change(service.app, one, **given)
    if asked.enabled and not one.enabled:
        await engine.enable(service.app, one.id)
    return Success(data=await _shown(service, await _own(service, access, endpoint_id)))


@router.delete("/{endpointId}", responses=answers(NotFound))
async def removed(service: ServiceOf, access: Settings, endpoint_id: EndpointId) -> Done:
    """Remove an endpoint with all that it was sent."""
    one = await _own(service, access, endpoint_id)
    async with service.app.database.begin() as conn:
        await endpoints.remove(conn, one.id)
    return Done(message="Endpoint removed.")


@router.post("/{endpointId}/rotate-secret", responses=answers(NotFound))
async def rotated(service: ServiceOf, access: Settings, endpoint_id: EndpointId) -> Success[Secret]:
    """Give an endpoint a new secret, shown this once."""
    one = await _own(service, access, endpoint_id)
    return Success(message="Secret rotated.", data=Secret(secret=await engine.rotate(service.app, one.id)))


@router.post("/{endpointId}/test", status_code=202, responses=answers(NotFound))
async def tested(service: ServiceOf, access: Settings, endpoint_id: EndpointId) -> Success[Sent]:
    """Send an event of the type ``endpoint.test``."""
    one = await _own(service, access, endpoint_id)
    return Success(message="Test event queued.", data=_sent(await engine.test(service.app, one.id)))


@router.post("/{endpointId}/redeliver", status_code=202, responses=answers(NotFound))
async def redelivered(
    service: ServiceOf, access: Settings, endpoint_id: EndpointId, asked: Again
) -> Success[Queued]:
    """Send all deliveries that were given up once more."""
    one = await _own(service, access, endpoint_id)
    count = await engine.redeliver(service.app, one.id, since=asked.since)
    return Success(message="Deliveries queued.", data=Queued(count=count))


@router.get("/{endpointId}/deliveries", responses=answers(NotFound))
async def sent(
    service: ServiceOf,
    access: Settings,
    endpoint_id: EndpointId,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    state: State | None = None,
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,18}$")] = None,
) -> Success[SentList]:
    """What an endpoint was sent."""
    one = await _own(service, access, endpoint_id)
    before = int(cursor) if cursor else None
    async with service.app.database.read() as conn:
        found = await deliveries.listing(conn, one.id, limit=limit, state=state, before=before)
    more = str(found[-1].serial) if len(found) == limit else None
    return Success(data=SentList(deliveries=[_sent(each) for each in found], next_cursor=more))


@router.get("/{endpointId}/deliveries/{deliveryId}", responses=answers(NotFound))
async def sent_whole(
    service: ServiceOf, access: Settings, endpoint_id: EndpointId, delivery_id: DeliveryId
) -> Success[SentWhole]:
    """One delivery with its attempts."""
    found, tried = await _delivery(service, access, endpoint_id, delivery_id)
    whole = SentWhole(**_sent(found).model_dump(), body=found.body, attempts=[_tried(each) for each in tried])
    return Success(data=whole)


@router.post("/{endpointId}/deliveries/{deliveryId}/redeliver", status_code=202, responses=answers(NotFound))
async def redelivered_one(
    service: ServiceOf, access: Settings, endpoint_id: EndpointId, delivery_id: DeliveryId
) -> Success[Queued]:
    """Send one delivery once more, whatever became of it."""
    found, _ = await _delivery(service, access, endpoint_id, delivery_id)
    count = await engine.redeliver(service.app, found.endpoint_id, delivery_id=found.id)
    return Success(message="Delivery queued.", data=Queued(count=count))


async def _own(service: ServiceOf, access: Access, endpoint_id: str) -> Endpoint:
    """The endpoint, if it is this workspace's. Raises NotFound."""
    async with service.app.database.read() as conn:
        one = await endpoints.one(conn, endpoint_id)
    if one.connection_id != access.connection.id:
        raise NotFound("There is no such endpoint.")
    return one


async def _delivery(
    service: ServiceOf, access: Access, endpoint_id: str, delivery_id: str
) -> tuple[Delivery, list[Attempt]]:
    endpoint = await _own(service, access, endpoint_id)
    async with service.app.database.read() as conn:
        found = await deliveries.one(conn, delivery_id)
        tried = await deliveries.attempts_of(conn, delivery_id)
    if found.endpoint_id != endpoint.id:
        raise NotFound("There is no such delivery.")
    return found, tried


async def _shown(service: ServiceOf, one: Endpoint) -> Shown:
    async with service.app.database.read() as conn:
        counts = await deliveries.counts(conn, one.id)
    return Shown(
        id=one.id,
        url=one.url,
        description=one.description,
        types=list(one.types),
        streams=list(one.streams),
        enabled=one.enabled,
        disabled_for=one.disabled_for,
        failing_since=one.failing_since,
        created_at=one.created_at,
        **{state.value: counts.get(state, 0) for state in State},
    )


def _sent(one: Delivery) -> Sent:
    return Sent.model_validate(one)


def _tried(one: Attempt) -> Tried:
    at: datetime = one.at
    return Tried(
        number=one.number,
        at=at,
        duration=one.milliseconds,
        status=one.status,
        error=one.error,
        answer=one.answer,
    )
