"""The plain ASGI application: HTTP in and out, nothing else. It starts no threads.

Three prefixes that cannot collide: ``/v1/`` is Notion, ``/_emulator/`` the control, ``/_files/`` the bytes behind
signed addresses.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from notion_emulator.service import Request, Response, download, respond

if TYPE_CHECKING:
    from notion_emulator.emulator import Emulator

__all__ = ["Application"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_LOOK: Final = 0.05  # seconds until a waiting answer sees that the latency is another


class Application:
    """Serves one Emulator."""

    def __init__(self, emulator: "Emulator") -> None:
        self.emulator = emulator
        self._running: set[asyncio.Future[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection of the ASGI server."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request = await _request(scope, receive)
            if request.path.startswith("/_emulator"):
                await _send(send, self.emulator.control.answer(request), head=False)
                self._start_jobs()
            elif request.path.rstrip("/") == "/v1/oauth/authorize" and request.method in ("GET", "POST"):
                oauth = self.emulator.oauth
                shown = oauth.page(request) if request.method == "GET" else oauth.decide(request)
                await _send(send, shown, head=False)
            elif request.path.startswith("/_files/"):
                await _send(send, download(self.emulator, request), head=request.method == "HEAD")
            else:
                await self._notion(request, scope, receive, send)

    async def _notion(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        log = self.emulator.requests
        log.active += 1
        log.peak = max(log.peak, log.active)
        try:
            await self._take_time()
            response = respond(self.emulator, request)
            if response.fate:
                await _fate(response, scope, receive, send)
            else:
                await _send(send, response, head=request.method == "HEAD")
        finally:
            log.active -= 1
            self._start_jobs()

    async def _take_time(self) -> None:
        """Wait as long as an answer takes. Whoever waits already is let go when that is made less."""
        began = time.monotonic()
        while (left := began + self.emulator.latency - time.monotonic()) > 0:  # noqa: ASYNC110  it is set from any thread
            await asyncio.sleep(min(left, _LOOK))

    def _start_jobs(self) -> None:
        """Begin what Notion does after it answered; a task is held until it ends."""
        waiting, self.emulator.jobs[:] = list(self.emulator.jobs), []
        for job in waiting:
            task = asyncio.ensure_future(job())
            self._running.add(task)
            task.add_done_callback(self._running.discard)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _request(scope: Scope, receive: Receive) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    body, more = b"", True
    if "content-length" in headers or "transfer-encoding" in headers:
        chunks = []
        while more:
            message = await receive()
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"".join(chunks)
    host = headers.get("host", "notion.test")
    return Request(
        scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, body,
        f"{scope.get('scheme', 'http')}://{host}",
    )  # fmt: skip


async def _send(send: Send, response: Response, *, head: bool) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})


async def _fate(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Let an answer not arrive: over TCP for real, in process as the exception a transport would meet."""
    abort = scope.get("extensions", {}).get("notion_emulator.abort")
    if response.fate == "timeout":
        if abort is None:
            raise TimeoutError("The emulator was asked not to answer this request.")
        await _gone(receive)
        return
    if abort is None:
        raise ConnectionResetError("The emulator was asked to break this answer off.")
    if response.fate == "truncated":
        await _begin(send, response)
    abort()
    await _gone(receive)  # the server then knows that no answer is missing


async def _gone(receive: Receive) -> None:
    """Wait until the client is no longer there."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _begin(send: Send, response: Response) -> None:
    """Send the headers and half of the body."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send(
        {"type": "http.response.body", "body": response.body[: len(response.body) // 2], "more_body": True}
    )
    await asyncio.sleep(0.01)  # the half reaches the client before the connection breaks
