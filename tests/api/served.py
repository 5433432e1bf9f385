"""The service over TCP, in the loop of the test: what streams cannot be tried in process."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from syncline.api import asgi
from syncline.api.service import Service

__all__ = ["served"]


@asynccontextmanager
async def served(service: Service, *, port: int = 0) -> AsyncIterator[str]:
    """The URL at which the service answers, for as long as the context lasts."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        config = uvicorn.Config(
            asgi.create(service), log_level="error", lifespan="off", timeout_graceful_shutdown=5
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            service.feed.close()
            server.should_exit = True
            await serving
