"""Service: what the routes of one process share, opened once beside the application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from syncline.api.limits import Limiter
from syncline.api.meter import Meter
from syncline.app import App
from syncline.core.errors import StoreUnavailable
from syncline.engine.feed import Feed

__all__ = ["Service"]


@dataclass(slots=True)
class Service:
    """The bag of what the routes work with."""

    app: App
    limiter: Limiter
    feed: Feed
    """The events, as they happen. Closing it ends every stream and every Socket.IO client of this node."""
    meter: Meter = field(default_factory=Meter)
    """The requests that this node has answered."""
    running: tuple[asyncio.Task[None], ...] = ()
    """What goes on beside the requests, until the node stops."""

    async def check(self) -> None:
        """Raise StoreUnavailable if this node cannot do its work: its store does not answer, or something beside the requests has ended."""
        await self.app.database.check()
        if any(task.done() for task in self.running):
            raise StoreUnavailable("This node tells of no events any more: start it again.")

    @classmethod
    @asynccontextmanager
    async def open(cls, app: App) -> AsyncIterator[Self]:
        """Open what the routes share, and close it at the end."""
        feed = Feed(app.database)
        limiter = Limiter(app.database, app.settings.rate_limits, now=app.now)
        running = tuple(asyncio.create_task(one.run()) for one in (feed, limiter))
        try:
            yield cls(app=app, limiter=limiter, feed=feed, running=running)
        finally:
            feed.close()
            for task in running:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            with suppress(StoreUnavailable):
                await limiter.flush()
