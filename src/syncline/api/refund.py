"""What a limit does not count in the end: a request that was no try.

A request of an exact class is counted before anything else is done, so that many at once are never more than the limit. If the answer
shows that there was nothing to limit, the count is given back before the answer goes out: a body that was not valid, a password that was
right, a sync that could not start.

    class       what stays counted
    login       a wrong password
    register    a key that is none or is refused, an address that is taken, and who came without a key
    password    a link that was asked for, a link that is good for nothing
    refresh     a token that is good for nothing
    sync        a sync that was started
"""

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncline.api.limits import Standing
from syncline.api.service import Service
from syncline.core.errors import StoreUnavailable

__all__ = ["COUNTED", "Refund", "spare"]

COUNTED: Final[Mapping[str, frozenset[int]]] = MappingProxyType(
    {
        "login": frozenset({401}),
        "register": frozenset({201, 403, 409}),
        "password": frozenset({202, 400}),
        "refresh": frozenset({401, 403}),
        "sync": frozenset({202}),
    }
)
"""The statuses of each exact class that stay counted."""

_SPARED: Final = "spared"


def spare(request: Request) -> None:
    """Have a request not counted, whatever its status: its body was not valid, or it brought a key that was good."""
    setattr(request.state, _SPARED, True)


class Refund:
    """Wraps the routes of a service."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def answer(message: Message) -> None:
            counted = state.pop("counted", None)
            if counted is not None and message["type"] == "http.response.start":
                name, standing = counted
                if state.get(_SPARED) or message["status"] not in COUNTED[name]:
                    await self._give_back(standing, scope)
            await send(message)

        await self._app(scope, receive, answer)

    async def _give_back(self, standing: Standing, scope: Scope) -> None:
        with suppress(StoreUnavailable):  # then it stays counted
            state = await self._service.limiter.give_back(standing)
            scope["state"]["rate_limit"] = state.headers
