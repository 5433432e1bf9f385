"""How long requests take, by route, on this node."""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncline.telemetry import Telemetry

__all__ = ["Meter", "Metered"]

_NONE: Final = "none"
_BROKEN: Final = 500


class Meter:
    """The requests that this node has answered."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "syncline_http_request_seconds",
            "Seconds that requests took.",
            ("method", "route", "status"),
            registry=self.registry,
        )


class Metered:
    """Wraps an application, and observes how long it takes by route."""

    def __init__(self, app: ASGIApp, meter: Meter, telemetry: Telemetry) -> None:
        self._app = app
        self._meter = meter
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        with self._telemetry.span("HTTP", kind="server", parent=headers.get("traceparent")) as span:
            status = await self._observed(scope, receive, send)
            route = _route(scope)
            span.rename(f"{scope['method']} {route}")
            told = {"http.request.method": scope["method"], "http.route": route}
            span.put({**told, "http.response.status_code": status})
            if status >= _BROKEN:
                span.fail(str(status))

    async def _observed(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Serve one request; the status of its answer."""
        began, status = time.perf_counter(), 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            route = _route(scope)
            method = scope["method"] if route != _NONE else "any"
            self._meter.seconds.labels(method, route, str(status)).observe(time.perf_counter() - began)
        return status


def _route(scope: Scope) -> str:
    """The route's own path, never the caller's: what people type is no label."""
    return getattr(scope.get("route"), "path", _NONE)
