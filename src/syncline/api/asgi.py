"""The application: every route of the REST contract, in one frame.

A resource is one file with a ``router``; it is listed in ROUTERS, and there is no other place to tell.
"""

from functools import cache
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from syncline.api import (
    alerts,
    apps,
    auth,
    conflicts,
    dead_letters,
    endpoints,
    errors,
    events,
    health,
    items,
    keys,
    live,
    logs,
    members,
    metrics,
    notion_events,
    oauth,
    openapi,
    pages,
    records,
    rules,
    search,
    sources,
    status,
    subscriptions,
    sync_report,
    syncs,
    tokens,
    workspaces,
)
from syncline.api.deps import throttle
from syncline.api.frame import Frame
from syncline.api.idempotent import Idempotent
from syncline.api.meter import Metered
from syncline.api.refund import Refund
from syncline.api.service import Service

__all__ = ["EXPOSED", "PREFIX", "ROUTERS", "create", "routes"]

PREFIX: Final = "/api/v1"

ROUTERS: Final[tuple[APIRouter, ...]] = (
    alerts.router,
    apps.router,
    auth.router,
    conflicts.router,
    dead_letters.router,
    endpoints.router,
    events.router,
    health.router,
    items.router,
    keys.router,
    logs.router,
    members.router,
    metrics.router,
    notion_events.router,
    pages.router,
    oauth.router,
    records.router,
    rules.router,
    search.router,
    sources.router,
    status.router,
    subscriptions.router,
    sync_report.router,
    syncs.router,
    tokens.router,
    workspaces.router,
)
"""Each resource, with its whole path: ``/api/v1/…``."""

_OFTEN: Final = (syncs.router, sources.router, workspaces.router, records.router)
"""What is asked for most. A request tries one route after the other, and there are hundreds."""

EXPOSED: Final = (
    "Idempotent-Replayed",
    "Location",
    "Retry-After",
    "X-Next-Cursor",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-Id",
)
"""Headers that a page of another origin may read."""


@cache
def routes() -> FastAPI:
    """The application without its frame and its service: what OpenAPI describes. Built once; each request brings its service."""
    api = FastAPI(
        title="Syncline",
        version=version("syncline"),
        summary="Keeps Notion and the rest of your systems in sync, on your own machine.",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        dependencies=[Depends(throttle)],
    )
    errors.register(api)
    for router in (*_OFTEN, *(one for one in ROUTERS if one not in _OFTEN)):
        api.include_router(router)
    plain = api.openapi

    @cache
    def described() -> dict[str, Any]:
        return openapi.completed(plain(), ROUTERS)

    api.openapi = described  # type: ignore[method-assign]  # FastAPI's way to extend the description
    return api


def create(service: Service) -> ASGIApp:
    """The ASGI application of a process that serves the REST contract.

    Outside in: request id, headers and size; how long it takes; what pages of other origins may do; commands that come twice; Socket.IO;
    limits that are given back; the routes.
    """
    app: ASGIApp = Idempotent(live.mount(service, Refund(_serving(service), service)), service)
    if service.app.settings.origins:
        app = CORSMiddleware(
            app,
            allow_origins=service.app.settings.origins,
            allow_credentials=True,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
    return Frame(Metered(app, service.meter, service.app.telemetry))


def _serving(service: Service) -> ASGIApp:
    api = routes()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["service"] = service
        await api(scope, receive, send)

    return serve
