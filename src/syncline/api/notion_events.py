"""Where Notion sends its webhooks: ``POST /webhooks/notion/{subscription}``.

The signature is over the raw bytes, so the body is read as it came and parsed after. The answer comes as soon as the event is kept;
what it is about is read by a worker.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Request

from syncline.api.deps import ServiceOf
from syncline.api.envelope import Done
from syncline.api.errors import answers
from syncline.core.errors import BadInput, Forged, NotFound, StoreUnavailable
from syncline.engine.inbox import Paired, receive

__all__ = ["router"]

router = APIRouter(tags=["webhooks"])

_BODY = {
    "requestBody": {
        "required": True,
        "description": "What Notion sends: https://developers.notion.com/reference/webhooks",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.post(
    "/webhooks/notion/{subscription}",
    responses=answers(BadInput, Forged, NotFound, StoreUnavailable),
    openapi_extra=_BODY,
)
async def take_in(
    request: Request,
    service: ServiceOf,
    subscription: str,
    x_notion_signature: Annotated[str | None, Header(description="``sha256=…`` over the raw body")] = None,
) -> Done:
    """Take in an event, or the handshake while its window is open. Events are signed; nothing else is looked at."""
    taken = await receive(service.app, subscription, await request.body(), x_notion_signature)
    if isinstance(taken, Paired):
        return Done(message="Paired: paste the verification token in Notion.")
    return Done(message="Taken in." if taken else "Known already.")
