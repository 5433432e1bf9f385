"""What holds for every answer: a request id, security headers, no caching, a body of bounded size, an address that can be stored.

Plain ASGI, around everything else: an answer that the application itself refuses has them as well.
"""

import logging
import re
import secrets
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncline.api.errors import response_to
from syncline.core.errors import SynclineError

__all__ = ["MIB", "REQUEST_ID", "Frame", "TooLarge"]

_LOG = logging.getLogger(__name__)

REQUEST_ID = "X-Request-Id"
MIB = 1 << 20

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class TooLarge(HTTPException):
    """A body went on beyond the limit. As Starlette's own error it passes FastAPI, which reads the body, unchanged."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The body is larger than {limit:,} bytes.")


class Frame:
    """Wraps an application. `limit` is the number of bytes that a body may have."""

    def __init__(self, app: ASGIApp, *, limit: int = MIB) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        asked = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = asked if _ID.fullmatch(asked) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id, scope)
        try:
            _check(scope, headers.get(b"content-length"), self._limit)
            await self._app(scope, _Bounded(receive, self._limit), answer)
        except Exception as error:  # noqa: BLE001 - the last one who can answer
            if not isinstance(error, HTTPException | SynclineError):
                # What went wrong is for the operator alone, who finds it by the id.
                name = (request_id, scope["method"], scope["path"])
                _LOG.error("Request %s failed: %s %r", *name, exc_info=error)
            if not answer.begun:
                await response_to(error)(scope, receive, answer)


class _Bounded:
    """Receives a body as long as it keeps within the limit."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = self._left = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise TooLarge(self._limit)
        return message


class _Answer:
    """Sends an answer with the headers that all have. What the application has set itself stays."""

    def __init__(self, send: Send, request_id: str, scope: Scope) -> None:
        self._send = send
        self._scope = scope
        self._request_id = request_id
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self._request_id
            for name, value in (*_HEADERS.items(), *self._limits()):
                headers.setdefault(name, value)
        await self._send(message)

    def _limits(self) -> Iterable[tuple[str, str]]:
        """The headers of the caller's rate limit, where it has one (api.limits)."""
        found: dict[str, str] = self._scope["state"].get("rate_limit", {})
        return found.items()


def _check(scope: Scope, length: bytes | None, limit: int) -> None:
    """Raises HTTPException for an address that cannot be stored, and for a body that is promised to be too large."""
    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
        raise HTTPException(400, "The address holds the character U+0000.")
    if length is not None and length.isdigit() and int(length) > limit:
        raise TooLarge(limit)
