"""The emulator over TCP: uvicorn with httptools, one loop, in the foreground or in a thread."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from notion_emulator.emulator import Emulator

__all__ = ["ServerThread", "bind", "serve"]


class _Protocol(HttpToolsProtocol):
    """Tells the application how to break a connection off, which ASGI has no word for."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: Any = {"notion_emulator.abort": self.transport.abort}
        self.scope["extensions"] = extensions


class _Server(uvicorn.Server):
    """Says when it has begun, and ends without raising the signal again, so that the exit code is 0."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.begun = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is threading.main_thread():
            for one in (signal.SIGINT, signal.SIGTERM):
                signal.signal(one, self.handle_exit)
        yield


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY on sockets that name their protocol, and on no others
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(512)
    except BaseException:
        bound.close()
        raise
    return bound


def url_of(bound: socket.socket) -> str:
    """The address of a socket, without /v1."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(emulator: Emulator) -> _Server:
    config = uvicorn.Config(
        emulator.app, http=_Protocol, loop="asyncio", ws="none", lifespan="off", log_config=None, access_log=False,
        server_header=False, date_header=False, timeout_graceful_shutdown=1, timeout_keep_alive=75, backlog=512,
    )  # fmt: skip
    return _Server(config)


def serve(emulator: Emulator, bound: socket.socket, *, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; ``ready`` is told the address once requests are answered."""
    server = _server(emulator)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        serving = loop.create_task(server.serve(sockets=[bound]))
        await server.begun.wait()
        if server.started:
            ready(url_of(bound))
        await serving

    asyncio.run(run())


class ServerThread:
    """An emulator over TCP beside a test: ``with ServerThread(emulator) as server: server.url``."""

    def __init__(self, emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.emulator = emulator
        self._socket = bind(host, port)
        self.url = url_of(self._socket)
        self._server = _server(emulator)
        self._thread = threading.Thread(target=self._run, name="notion-emulator", daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def start(self) -> None:
        """Serve; requests wait in the socket's queue until the loop runs."""
        self._thread.start()

    def stop(self) -> None:
        """End and wait for the end."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
