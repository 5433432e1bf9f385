"""Idempotency-Key: a command that is sent twice with one key runs once, and answers the same twice.

A key belongs to a caller and a route. The same key with another body is refused, and while the first request runs, so is a second. What
failed had no effect and may be tried again with its key. Answers are kept for a day.
(https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header)
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncline.api.deps import who
from syncline.api.errors import failure
from syncline.api.service import Service
from syncline.core.errors import SynclineError
from syncline.store import idempotency
from syncline.store.idempotency import Answered, Claim, Other, Running

__all__ = ["COMMANDS", "Idempotent"]

COMMANDS: Final = frozenset({"DELETE", "PATCH", "POST", "PUT"})
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_HEADERS: Final = frozenset({"content-type", "location", "etag"})


@dataclass(slots=True)
class _Answer:
    """An answer as it goes out."""

    send: Send
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
            self.headers = [pair for pair in pairs if pair[0].lower() in _HEADERS]
        else:
            self.body += message.get("body", b"")
        await self.send(message)

    def kept(self) -> str:
        return json.dumps({"headers": self.headers, "body": base64.b64encode(self.body).decode()})


class Idempotent:
    """Wraps the application of a service."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in COMMANDS:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key = headers.get("idempotency-key")
        if key is None:
            await self._app(scope, receive, send)
            return
        if not _KEY.fullmatch(key):
            sentence = "Idempotency-Key: up to 255 visible characters of ASCII."
            await failure(400, "VALIDATION_ERROR", sentence)(scope, receive, send)
            return
        try:
            caller = scope["syncline.caller"] = await who(self._service, scope["method"], headers)
        except SynclineError:  # the application says so itself
            await self._app(scope, receive, send)
            return
        await self._once(_name(caller.user_id, scope, key), scope, receive, send)

    async def _once(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        app, body = self._service.app, await _read(receive)
        request = hashlib.sha256(scope["query_string"] + b"\n" + _workspace(scope) + b"\n" + body).hexdigest()
        async with app.database.begin() as conn:
            claim = await idempotency.claim(conn, name, request, ring=app.keys, now=app.now())
        match claim:
            case Claim():
                await self._run(name, scope, _Replay(body, receive), send)
            case Answered():
                await _repeat(claim, send)
            case Running():
                sentence = "The same command is under way: ask again in a moment."
                response = failure(409, "IDEMPOTENCY_IN_PROGRESS", sentence)
                response.headers["Retry-After"] = "1"
                await response(scope, receive, send)
            case Other():
                sentence = "This Idempotency-Key was used for another request: choose a new one."
                await failure(422, "IDEMPOTENCY_KEY_REUSED", sentence)(scope, receive, send)

    async def _run(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the command. Its key is kept where it succeeded, and given back where it failed."""
        app, answer = self._service.app, _Answer(send)
        try:
            await self._app(scope, receive, answer)
        finally:
            async with app.database.begin() as conn:
                if 200 <= answer.status < 400:
                    await idempotency.finish(
                        conn, name, status=answer.status, answer=answer.kept(), ring=app.keys
                    )
                else:
                    await idempotency.release(conn, name)


class _Replay:
    """Receives a body that was read before, then whatever else comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _repeat(answered: Answered, send: Send) -> None:
    kept = json.loads(answered.answer)
    body = base64.b64decode(kept["body"])
    headers = [*kept["headers"], ("content-length", str(len(body))), ("idempotent-replayed", "true")]
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answered.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def _name(user_id: str, scope: Scope, key: str) -> str:
    return hashlib.sha256("\n".join([user_id, scope["method"], scope["path"], key]).encode()).hexdigest()


def _workspace(scope: Scope) -> bytes:
    return Headers(scope=scope).get("x-workspace-id", "").encode()
