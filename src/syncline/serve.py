"""The server: API, worker, or both, on one event loop, from the first request to the last.

SIGTERM or Ctrl-C lets what is in flight end: no run is claimed any more, those under way go back into the queue, streams of events
end, requests are answered. A second signal ends the process on the spot.
"""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from syncline.app import App
from syncline.core.errors import BadInput, Busy
from syncline.engine.duties import DUTIES
from syncline.engine.kinds import SERVED
from syncline.engine.worker import Worker
from syncline.store.locks import Lock

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from syncline.api.service import Service

__all__ = ["Asked", "Role", "Say", "serve"]

_SERVER: Final = "server"
"""The lock that the one server of a SQLite store holds."""

_GRACE: Final = 10
"""Seconds that requests in flight may take once the server was told to stop."""

_COLLECTING: Final = (2_000, 10, 100)
"""When Python looks for garbage (gc.set_threshold): a third as often as by itself, and through all there is a thirtieth as often."""

Say = Callable[[str], None]


class Role(StrEnum):
    """What a process of the service does."""

    API = "api"
    WORKER = "worker"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """How to serve. `concurrency` is how many runs one worker executes at a time; port 0 is any free one."""

    role: Role = Role.ALL
    host: str = "127.0.0.1"
    port: int = 8040
    concurrency: int = 8


async def serve(app: App, asked: Asked, say: Say) -> None:
    """Serve until told to stop. `say` is told where, once it is ready.

    Raises Busy where the store is a SQLite file that another server has, BadInput for an address that cannot be used.
    """
    async with AsyncExitStack() as resources:
        if app.database.dialect == "sqlite":
            await resources.enter_async_context(_alone(app))
        stop = resources.enter_context(_stopped())
        try:
            async with asyncio.TaskGroup() as parts:
                if asked.role is not Role.WORKER:
                    listener = resources.enter_context(_listening(asked))
                    app = _reached(app, listener)
                    parts.create_task(_answer(app, listener, stop, say))
                else:
                    say("A worker is ready.")
                if asked.role is not Role.API:
                    parts.create_task(_work(app, asked, stop))
                    if app.settings.mappings:
                        parts.create_task(_follow(app, stop))
        except ExceptionGroup as group:
            # The first one stopped the others.
            raise group.exceptions[0] from None


@asynccontextmanager
async def _alone(app: App) -> AsyncIterator[None]:
    try:
        async with Lock(app.database, _SERVER):
            yield
    except Busy:
        raise Busy(
            f"Another server uses the store at {app.database}: stop it first, or move to PostgreSQL, where several may share one."
        ) from None


@contextmanager
def _stopped() -> Iterator[asyncio.Event]:
    """An event that the first signal sets; the second ends the process."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def told(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in numbers:
        loop.add_signal_handler(number, told, number)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _work(app: App, asked: Asked, stop: asyncio.Event) -> None:
    worker = Worker(app, role=asked.role, kinds=SERVED, duties=DUTIES, concurrency=asked.concurrency)

    async def drain() -> None:
        await stop.wait()
        worker.drain()

    draining = asyncio.create_task(drain())
    try:
        await worker.serve()
    finally:
        draining.cancel()


async def _follow(app: App, stop: asyncio.Event) -> None:
    """Keep mappings up to date; their runs are a worker's."""
    from syncline.mapping.served import serve_mappings  # noqa: PLC0415  heavy: most servers have none

    following = asyncio.create_task(serve_mappings(app, app.settings.mappings))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([following, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def _answer(app: App, listener: socket.socket, stop: asyncio.Event, say: Say) -> None:
    from syncline.api.asgi import create  # noqa: PLC0415  heavy: a worker needs none of it
    from syncline.api.service import Service  # noqa: PLC0415  as above

    async with Service.open(app) as service:
        server = _server(create(service))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.02)
        await _announce(app, listener, say)
        gc.freeze()  # what is imported stays, and need not be looked through while requests wait
        gc.set_threshold(*_COLLECTING)
        await _until_stopped(service, server, serving, stop)


def _listening(asked: Asked) -> socket.socket:
    try:
        family = socket.getaddrinfo(asked.host, asked.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((asked.host, asked.port), family=family, backlog=2048)
        # asyncio does this only for sockets that name their protocol, which those of create_server do not: without it
        # the second packet of an answer waits 40 ms for the client's acknowledgement of the first.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise BadInput(f"The address {asked.host}:{asked.port} cannot be listened at: {reason}.") from error
    return listener  # what is accepted inherits it


async def _until_stopped(
    service: "Service", server: "uvicorn.Server", serving: asyncio.Task[None], stop: asyncio.Event
) -> None:
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    service.feed.close()  # streams never end by themselves
    server.should_exit = True
    await serving


def _server(application: "ASGIApp") -> "uvicorn.Server":
    import uvicorn  # noqa: PLC0415  heavy, as above

    class Server(uvicorn.Server):
        """Leaves signals to us."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=_GRACE,
    )
    return Server(config)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reached(app: App, listener: socket.socket) -> App:
    """The app whose links lead to where it listens, unless the settings say where it is reached."""
    if "public_url" in app.settings.model_fields_set:
        return app
    url = _url(listener).replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    return replace(app, settings=app.settings.model_copy(update={"public_url": url}))


async def _announce(app: App, listener: socket.socket, say: Say) -> None:
    from syncline.accounts.accounts import setup_link  # noqa: PLC0415  needed here only

    link = await setup_link(app, app.settings.public_url)
    say(f"Serving at {_url(listener)}")
    if link is not None:
        say(f"The first user registers here, once: {link}")
