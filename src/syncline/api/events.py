"""Events as clients are told of them: the message, and the stream of server-sent events.

The stream is https://html.spec.whatwg.org/multipage/server-sent-events.html: the id of an event is its number, and a browser that
reconnects sends the last one by itself.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from syncline.accounts import membership, sessions
from syncline.accounts.sessions import Caller
from syncline.api.deps import Access, ServiceOf, allow, credential
from syncline.api.envelope import moment
from syncline.api.service import Service
from syncline.core.errors import Forged, SynclineError
from syncline.core.permission import Permission, granted
from syncline.engine.feed import FeedClosed, News
from syncline.store import sessions as open_sessions
from syncline.store.connections import Connection
from syncline.store.events import Logged
from syncline.store.types import LARGEST, dump

__all__ = ["RESET", "message", "messages", "rights", "router"]

RESET = "sync:reset"
"""The kind of what says that the log does not reach back to where a client stood. It is not in the log itself."""

_CHECK = 5.0
"""Seconds between two looks at what a client may still hear; a silent stream beats as often."""

router = APIRouter(prefix="/api/v1/notion", tags=["events"])


def message(logged: Logged, connection: Connection) -> dict[str, Any]:
    """What a client is told of one event."""
    return {
        "workspaceId": connection.id,
        "notionWorkspaceId": connection.workspace_id,
        "jobId": logged.run_id,
        "seq": logged.seq,
        "timestamp": moment(logged.at),
        **logged.data,
    }


def messages(news: News, connection: Connection) -> list[tuple[str, dict[str, Any]]]:
    """The kind and message of each piece of news, in order."""
    told = [(logged.kind, message(logged, connection)) for logged in news.events]
    if news.reset is None:
        return told
    ids = {"workspaceId": connection.id, "notionWorkspaceId": connection.workspace_id}
    return [(RESET, {**ids, "seq": news.reset}), *told]


async def rights(service: Service, caller: Caller, token: str) -> dict[str, Connection]:
    """The workspaces of which a caller may hear now, by id. Raises Expired or Forged when its session or key is over.

    A session counts, not the access token that began it: that is renewed while a client listens.
    """
    if caller.session_id is None:
        caller = await sessions.identify(service.app, token)
    else:
        async with service.app.database.read() as conn:
            session = await open_sessions.alive(conn, caller.session_id, now=service.app.now())
        if session is None:
            raise Forged("The session is over: sign in again.")
    if not granted(caller.scopes, Permission.VIEW_SOURCES):
        return {}
    return {connection.id: connection for connection, _ in await membership.reachable(service.app, caller)}


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The events, without an end.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'id: 42\nevent: sync:progress\ndata: {"workspaceId":"…","seq":42,"percentage":45}\n\n',
                }
            },
        }
    },
)
async def stream(
    request: Request,
    service: ServiceOf,
    access: Annotated[Access, allow(Permission.VIEW_SOURCES)],
    last_event_id: Annotated[
        int | None, Header(ge=0, le=LARGEST, description="Go on behind this event")
    ] = None,
    since: Annotated[
        int | None, Query(ge=0, le=LARGEST, description="The same, where no header can be sent")
    ] = None,
    wait: Annotated[
        float | None,
        Query(ge=0, le=3600, description="End the stream after so many seconds without an event"),
    ] = None,
) -> StreamingResponse:
    """Tell of the events of a workspace as they happen (server-sent events)."""
    held = credential(request.headers)
    after = since if last_event_id is None else last_event_id
    body = _stream(service, access, held[0] if held else "", after=after, wait=wait)
    return StreamingResponse(body, media_type="text/event-stream")


async def _stream(
    service: Service, access: Access, token: str, *, after: int | None, wait: float | None
) -> AsyncIterator[bytes]:
    connection, caller = access.connection, access.caller
    loop = asyncio.get_running_loop()
    async with service.feed.follower(caller.user_id) as follower:
        position = await follower.follow(connection.id, after=after)
        yield f"retry: 1000\nid: {position}\n\n".encode()
        check = heard = loop.time()
        while True:
            if loop.time() >= check + _CHECK:
                if not await _may_hear(service, caller, token, connection):
                    return
                check = loop.time()
            if wait is not None and loop.time() >= heard + wait:
                return
            patience = _CHECK if wait is None else min(_CHECK, heard + wait - loop.time())
            try:
                news = await follower.next(patience)
            except FeedClosed:
                return
            if news is None:
                yield b": still here\n\n"
            else:
                heard = loop.time()
                yield "".join(
                    f"id: {told['seq']}\nevent: {kind}\ndata: {dump(told)}\n\n"
                    for kind, told in messages(news, connection)
                ).encode()


async def _may_hear(service: Service, caller: Caller, token: str, connection: Connection) -> bool:
    try:
        return connection.id in await rights(service, caller, token)
    except SynclineError:
        return False
