"""The feed: one node's tail of the event log, and who follows it.

A follower is a position in the log and nothing else, so a slow one costs no memory and loses nothing: what the node does not hold
any more is read from the log again. With the events the members of the connection are read in the same snapshot: who was
removed is told nothing that happened later.
"""

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from syncline.core.errors import NotFound, Retry
from syncline.store import events, members
from syncline.store.database import Database
from syncline.store.events import Bounds, Logged
from syncline.store.wakes import wakes

__all__ = ["Feed", "FeedClosed", "Follower", "News"]

_HELD = 1000
"""Events of a connection that a node holds for its followers."""
_READ = 200
"""Events that a follower is given at once."""
_PAUSE = 0.05
"""Seconds between two reads of the log, so that a fast pull is followed in larger pieces."""
_RETRY: Final = 1.0
"""Seconds until a log that could not be read is read again."""


class FeedClosed(Retry):
    """This node stops: its followers go on at another one, or later, from their positions."""


@dataclass(frozen=True, slots=True)
class News:
    """Events of one connection, in order. `reset` is where they go on if not where the follower stood."""

    connection_id: str
    events: tuple[Logged, ...]
    reset: int | None = None


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What the log has behind a position, and who may know."""

    events: tuple[Logged, ...]
    bounds: Bounds
    members: frozenset[str]


@dataclass(slots=True)
class _Tail:
    """What a node knows of a connection: its members, and the events up to `head`, of which it holds the last."""

    head: int
    members: frozenset[str]
    held: deque[Logged] = field(default_factory=lambda: deque(maxlen=_HELD))

    def absorb(self, snapshot: _Snapshot) -> None:
        """Take in what was read behind `head`; what does not join on, or does not reach the end, is not held."""
        found, head = snapshot.events, snapshot.bounds.head
        if found and found[0].seq == self.head + 1 and found[-1].seq == head:
            self.held.extend(found)
        else:
            self.held.clear()
        self.head, self.members = head, snapshot.members

    def after(self, position: int) -> tuple[Logged, ...]:
        """The next events behind a position; nothing where they are not held."""
        if not self.held or not self.held[0].seq - 1 <= position < self.head:
            return ()
        first = position + 1 - self.held[0].seq
        return tuple(self.held[index] for index in range(first, min(first + _READ, len(self.held))))


class Follower:
    """One reader of the feed. `positions` is how far it has come in the log of each connection it follows."""

    def __init__(self, feed: "Feed", user_id: str) -> None:
        self.user_id = user_id
        self.positions: dict[str, int] = {}
        self.woken = asyncio.Event()
        self._feed = feed

    async def follow(self, connection_id: str, *, after: int | None = None) -> int:
        """Go on with a connection behind a number; without one, with what happens from now on. Returns its position.

        Raises NotFound if the connection is gone.
        """
        head = await self._feed.join(self, connection_id)
        self.positions[connection_id] = head if after is None else after
        self.woken.set()
        return self.positions[connection_id]

    def leave(self, connection_id: str) -> None:
        """Follow a connection no longer."""
        self.positions.pop(connection_id, None)
        self._feed.part(self, [connection_id])

    async def next(self, patience: float = math.inf) -> News | None:
        """Wait for news, None if there is none for so many seconds; a store that cannot be read is waited for.

        Raises FeedClosed when this node stops. Only the waiting is ever cut short, and never a look into the log.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while True:
            self.woken.clear()
            if self._feed.closed:
                raise FeedClosed("This node stops.")
            again = until
            try:
                for connection_id in list(self.positions):
                    if news := await self._look(connection_id):
                        return news
            except Retry:
                again = min(until, loop.time() + _RETRY)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(None if again == math.inf else again):
                    await self.woken.wait()
            if loop.time() >= until:
                return None

    async def _look(self, connection_id: str) -> News | None:
        position = self.positions.get(connection_id)
        if position is None:
            return None
        try:
            news = await self._feed.news(connection_id, position, self.user_id)
        except NotFound:
            self.leave(connection_id)
            return None
        if news is None or self.positions.get(connection_id) != position:
            return None  # it left, or went elsewhere, while this was read
        del self.positions[
            connection_id
        ]  # to the end of the line, so that a busy connection keeps nobody waiting
        self.positions[connection_id] = news.events[-1].seq if news.events else news.reset or 0
        return news


class Feed:
    """The followers of one node. They are told of news while `run` runs."""

    def __init__(self, database: Database) -> None:
        self.closed = False
        self._database = database
        self._tails: dict[str, _Tail] = {}
        self._followers: defaultdict[str, set[Follower]] = defaultdict(set)
        self._open: set[Follower] = set()

    @asynccontextmanager
    async def follower(self, user_id: str) -> AsyncIterator[Follower]:
        """A follower that follows nothing yet, for as long as the context lasts."""
        follower = Follower(self, user_id)
        self._open.add(follower)
        try:
            yield follower
        finally:
            self._open.discard(follower)
            self.part(follower, list(follower.positions))

    async def run(self) -> None:
        """Follow the log until cancelled. A database that is away is waited for; nothing of the log is lost by that."""
        while True:
            with suppress(Retry):
                async with wakes(self._database) as told:
                    await self._catch_up(None)
                    async for which in told:
                        await self._catch_up(which)
                        await asyncio.sleep(_PAUSE)
            await asyncio.sleep(_RETRY)

    def close(self) -> None:
        """End every follower, so that whoever waits for it can end."""
        self.closed = True
        _wake(self._open)

    async def join(self, follower: Follower, connection_id: str) -> int:
        """Tell a follower of a connection from now on. Returns the last number of its log."""
        self._followers[connection_id].add(follower)
        snapshot = await self._read(connection_id, limit=0)
        head = snapshot.bounds.head
        if follower in self._followers.get(connection_id, ()):  # it may have left meanwhile
            tail = self._tails.setdefault(connection_id, _Tail(head, snapshot.members))
            tail.members = snapshot.members
        return head

    def part(self, follower: Follower, connection_ids: Iterable[str]) -> None:
        """Tell a follower no longer. What nobody follows is not read."""
        for connection_id in connection_ids:
            self._followers[connection_id].discard(follower)
            if not self._followers[connection_id]:
                del self._followers[connection_id]
                self._tails.pop(connection_id, None)

    async def news(self, connection_id: str, position: int, user_id: str) -> News | None:
        """What a user may be told of what lies behind a position; None if that is nothing."""
        tail = self._tails.get(connection_id)
        if tail is None or position == tail.head or user_id not in tail.members:
            return None
        if held := tail.after(position):
            return News(connection_id, held)
        snapshot = await self._read(connection_id, after=position, limit=_READ)
        if user_id not in snapshot.members:
            return None
        if snapshot.bounds.floor <= position <= snapshot.bounds.head:
            return News(connection_id, snapshot.events) if snapshot.events else None
        reset = snapshot.bounds.floor if position < snapshot.bounds.floor else snapshot.bounds.head
        return News(connection_id, snapshot.events, reset=reset)

    async def _read(self, connection_id: str, *, after: int = 0, limit: int) -> _Snapshot:
        async with self._database.read() as conn:
            return _Snapshot(
                bounds=await events.bounds(conn, connection_id),
                members=frozenset(one.user_id for one in await members.every(conn, connection_id)),
                events=tuple(await events.since(conn, connection_id, after, limit)) if limit else (),
            )

    async def _catch_up(self, which: frozenset[str] | None) -> None:
        """Read what the tails lack, and wake those who follow them."""
        followed = self._tails.keys() if which is None else self._tails.keys() & which
        if not followed:
            return
        async with self._database.read() as conn:
            heads = await events.heads(conn, followed)
        for connection_id, head in heads.items():
            tail = self._tails.get(connection_id)
            if tail is not None and tail.head != head:
                with suppress(NotFound):
                    tail.absorb(await self._read(connection_id, after=tail.head, limit=_HELD))
                _wake(self._followers.get(connection_id, ()))


def _wake(followers: Iterable[Follower]) -> None:
    for follower in followers:
        follower.woken.set()
