"""A real server on a real socket that plays a script on each connection, and a wire to ask it with."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from syncline.notion.wire import Wire

LIMITS = {"connect": 5.0, "read": 5.0, "write": 5.0}
HEAD = b"HTTP/1.1 200 OK\r\n"
OK = HEAD + b"Content-Length: 2\r\n\r\nok"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass
class Server:
    """What a script has seen: connections, and the heads of requests."""

    url: str = ""
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Line:
    """One connection, as its script sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: Server

    async def hear(self) -> str:
        """Read the head of a request."""
        self.server.heads.append((await self.reader.readuntil(b"\r\n\r\n")).decode())
        self.server.heard.set()
        return self.server.heads[-1]

    async def say(self, answer: bytes) -> None:
        self.writer.write(answer)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection as a crashed machine does: by RST."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.close()


Script = Callable[[Line], Awaitable[None]]


@asynccontextmanager
async def serving(script: Script, **options: Any) -> AsyncIterator[Server]:
    """Play the script on each connection and close it at the script's end."""
    server = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await script(Line(reader, writer, server))
        finally:
            writer.close()
            server.ended.set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(play(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0, **options)
    scheme = "https" if options else "http"
    server.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        try:
            yield server
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def always(answer: bytes) -> Script:
    async def script(line: Line) -> None:
        while True:
            await line.hear()
            await line.say(answer)

    return script


def once(answer: bytes) -> Script:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(answer)

    return script


@asynccontextmanager
async def opened(limit: int = 4) -> AsyncIterator[Wire]:
    line = Wire(limit=limit)
    try:
        yield line
    finally:
        await line.aclose()


async def ask(
    line: Wire, url: str, method: str = "GET", *, content: bytes | None = None, **changes: Any
) -> httpx2.Response:
    timeouts = {name: changes.pop(name, seconds) for name, seconds in LIMITS.items()}
    request = httpx2.Request(method, url, content=content, extensions={"timeout": timeouts}, **changes)
    return await line.handle_async_request(request)
