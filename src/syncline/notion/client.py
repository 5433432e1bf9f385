"""The one file that speaks HTTP: it sends operations, within a budget, until they are answered or given up.

Order within one request: the turn of its lane (at most one request of a lane waits for the budget), a slot of the budget,
a place among those in flight, the wire. So a slot is never held long, and no lower lane stands before a higher one.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar, cast
from urllib.parse import urlsplit

import httpx2

from .budget import LONGEST_REQUEST, Budget, Lane, MemoryBudget, Meter, Rate, Scope, Slot, Wait
from .concurrency import MOST, Gate, pressing
from .errors import (
    ConnectionLost,
    Garbled,
    NotionError,
    Paced,
    RateLimited,
    Retry,
    TimedOut,
    TransportError,
    Unauthorized,
    Unreachable,
)
from .exchange import Counts, Course, Exchange, Observer
from .listing import ListingGuard, PageSize, next_page, page_size, shrunk, sized
from .objects import LATEST, JsonObject, Listing, Version
from .sansio import BASE_URL, GiveUp, Operation, ReadBack, Request, advise, build, dated, decipher
from .wire import ENCODINGS, Wire

__all__ = ["DEFAULT_RATE", "Client", "Reader", "Renewer", "Runtime"]

DEFAULT_RATE: Final = Rate(180, 60.0)
"""What Notion allows a connection on most plans: https://developers.notion.com/reference/request-limits"""

_AGENT: Final = f"python-httpx2/{httpx2.__version__}"

T = TypeVar("T")

Reader: TypeAlias = Callable[[NotionError], Awaitable[T | None]]
"""Reads back after a write with an unknown outcome: returns what the write left, or None if it changed nothing."""

Renewer: TypeAlias = Callable[[str], Awaitable[str | None]]
"""Is told the token that Notion refused; returns the one to go on with, or None if there is none."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where time and chance come from: seconds of a steady clock, a way to wait, numbers in [0, 1)."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random


class Client:
    """Speaks with Notion for one connection.

    `token` may be None for the OAuth operations. `base_url` may point at an emulator, `transport` into one in the same process.
    `budget` is shared with everybody who counts under the same token; by default 180 requests in 60 seconds for
    this client alone. `renew` is asked for another token when Notion refuses this one, once an operation; a refused
    request changed nothing, so a write is repeated as well. Use it as an asynchronous context manager, or call `close`.
    """

    def __init__(
        self,
        token: str | None,
        *,
        version: Version = LATEST,
        base_url: str = BASE_URL,
        budget: Budget | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        observer: Observer | None = None,
        runtime: Runtime | None = None,
        renew: Renewer | None = None,
    ) -> None:
        self.version = Version(version)
        self.base_url = _root(base_url)
        self.counts = Counts()
        self.gate = Gate()
        self._token = token
        self._renew = renew
        self._renewing = asyncio.Lock()
        self._runtime = runtime or Runtime()
        self._dated: tuple[datetime, float] | None = None
        self._budget = budget or MemoryBudget(
            Meter(DEFAULT_RATE), clock=self._runtime.clock, sleep=self._runtime.sleep
        )
        self._observer = observer
        self._turns: defaultdict[Lane, asyncio.Lock] = defaultdict(asyncio.Lock)
        # No httpx2.AsyncClient around it: redirects would carry the token to whoever they name, and the rest is ours.
        self._transport = transport or Wire(limit=MOST + 4)
        # Without these two the edge takes a client for a robot, and answers uncompressed.
        self._headers = [("User-Agent", _AGENT), ("Accept-Encoding", ENCODINGS)]
        self._timeouts = httpx2.Timeout(LONGEST_REQUEST, connect=10.0).as_dict()

    def __repr__(self) -> str:
        return f"<Client of {self.base_url}, version {self.version}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    def server_time(self) -> datetime | None:
        """Return what Notion's clock shows, never ahead of it; None before the first dated answer.

        The `Date` of the last answer (RFC 9110 6.6.1, whole seconds) and what has passed here since it came.
        """
        if self._dated is None:
            return None
        date, at = self._dated
        return date + timedelta(seconds=self._runtime.clock() - at)

    async def send(
        self,
        operation: Operation[T],
        *,
        lane: Lane = Lane.INTERACTIVE,
        read_back: Reader[T] | None = None,
    ) -> T:
        """Send the operation until it is answered; return the answer.

        A write whose outcome is unknown, or that Notion says was saved, is not repeated: `read_back` is asked for what it
        left, and only if that is nothing is it sent again. Without `read_back` the error is raised.
        Raises NotionError, and UnsupportedByVersion for an operation made for another version.
        """
        _, answer = await self._deliver(operation, lane, read_back)
        return answer

    async def pages(
        self, operation: Operation[Listing[T]], *, lane: Lane = Lane.INTERACTIVE
    ) -> AsyncIterator[Listing[T]]:
        """Read a listing from `operation` on, one answer after another, to its end.

        Where Notion is strained, fewer results are asked for at once. Raises BrokenListing where the listing does not end,
        StaleCursor where its cursor has died. `objects.incomplete` tells of an answer whether Notion ended it early.
        """
        guard = ListingGuard(operation.name)
        size = PageSize(page_size(operation), page_size(operation))
        following: Operation[Listing[T]] | None = operation
        while following is not None:
            asked = sized(following, size.now)
            sent, answer = await self._deliver(asked, lane, None)
            guard.admit(answer)
            size = size.answered(page_size(sent))
            following = next_page(sent, answer)
            yield answer

    async def _deliver(
        self, operation: Operation[T], lane: Lane, read_back: Reader[T] | None
    ) -> tuple[Operation[T], T]:
        """Send until answered; return the operation as it was sent last, and the answer."""
        course = Course(began=self._runtime.clock())
        while True:
            try:
                return operation, cast("T", await self._exchange(operation, lane, course))
            except NotionError as error:
                if await self._renewed(operation, error, course):
                    continue
                found = await self._recover(operation, error, course, read_back)
                if found is not None:
                    return operation, found
                operation = shrunk(operation, error)
                self.counts.retries += 1

    async def _renewed(self, operation: Operation[T], error: NotionError, course: Course) -> bool:
        """Whether there is another token to send the operation with: Notion refused the one it bore."""
        refused = isinstance(error, Unauthorized) and operation.authorization is None and not course.renewed
        if not refused or self._renew is None or course.token is None:
            return False
        async with self._renewing:
            if self._token == course.token:
                self._token = await self._renew(course.token) or course.token
        course.renewed = True
        return self._token != course.token

    async def _recover(
        self, operation: Operation[T], error: NotionError, course: Course, read_back: Reader[T] | None
    ) -> T | None:
        """Wait until the operation may be sent again (None), return what a write left, or raise."""
        advice = advise(
            error,
            safe=operation.safe,
            attempt=course.failed(error),
            elapsed=self._runtime.clock() - course.began,
            random=self._runtime.random(),
        )
        if isinstance(error, Paced) and isinstance(advice, Wait):
            # Everybody on the key waits, so the wait is the budget's; our own next turn is part of it.
            await self._budget.pause(advice.seconds, scope=_scope(error))
            return None
        if isinstance(advice, GiveUp) or (isinstance(advice, ReadBack) and read_back is None):
            raise error
        await self._runtime.sleep(advice.seconds)
        if isinstance(advice, Wait) or read_back is None:
            return None
        found = await read_back(error)
        if found is None and error.retry is not Retry.RETRY:
            raise error
        return found

    async def _exchange(self, operation: Operation[Any], lane: Lane, course: Course) -> JsonObject:
        """Send the operation once, in its turn; return the answer or raise."""
        request = self._request(operation, course)
        slot = await self._turn(lane)
        if course.token != self._token:  # another operation found it refused while this one waited
            request = self._request(operation, course)
        course.sent += 1
        started = self._runtime.clock()
        status: int | None = None
        try:
            response = await self._transmit(request)
            status = response.status_code
            answer = decipher(status, response.headers, response.content)
        except NotionError as error:
            error.operation = operation.name
            self._note(operation, lane, course, started, outcome=error)
            raise
        finally:
            self.gate.leave()
            await self._budget.settle(slot)
        self._note(operation, lane, course, started, outcome=(status, answer))
        return answer

    def _request(self, operation: Operation[Any], course: Course) -> Request:
        course.token = self._token
        return build(operation, token=self._token, version=self.version, base_url=self.base_url)

    async def _turn(self, lane: Lane) -> Slot:
        """Wait until one more request may be in flight; return its slot."""
        async with self._turns[lane]:
            slot = await self._budget.take(lane)
            try:
                await self.gate.enter(lane)
            except BaseException:
                await self._budget.settle(slot)
                raise
        return slot

    def _note(
        self,
        operation: Operation[Any],
        lane: Lane,
        course: Course,
        started: float,
        *,
        outcome: NotionError | tuple[int, JsonObject],
    ) -> None:
        """Count the exchange, learn from it and tell the observer."""
        now = self._runtime.clock()
        error = outcome if isinstance(outcome, NotionError) else None
        self.gate.learn(pressed=pressing(error), started=started, now=now)
        self.counts.requests += 1
        self.counts.by_operation[operation.name] += 1
        self.counts.rate_limited += isinstance(error, RateLimited)
        if self._observer is None:
            return
        if isinstance(outcome, NotionError):
            status, request_id, answer = outcome.status, outcome.request_id, None
        else:
            status, answer = outcome
            request_id = answer.get("request_id")
        self._observer(
            Exchange(
                operation=operation.name,
                method=operation.method,
                path=operation.path,
                lane=lane,
                attempt=course.sent,
                seconds=now - started,
                status=status,
                request_id=request_id,
                error=error,
                query=operation.query,
                sent=operation.body,
                answer=answer,
            )
        )

    async def _transmit(self, request: Request) -> httpx2.Response:
        try:
            async with asyncio.timeout(LONGEST_REQUEST):
                response = await self._transport.handle_async_request(
                    httpx2.Request(
                        request.method,
                        request.url,
                        headers=[*self._headers, *request.headers],
                        content=request.content,
                        extensions={"timeout": self._timeouts},
                    )
                )
                try:
                    await response.aread()
                finally:
                    await response.aclose()
        except (httpx2.HTTPError, TimeoutError, OSError) as error:
            raise _broken(error) from error
        date = dated(response.headers)
        if date is not None:
            self._dated = (date, self._runtime.clock())
        return response


def _root(base_url: str) -> str:
    """Return the address without a slash or `/v1` at its end. Raises ValueError where it is none."""
    root = base_url.rstrip("/").removesuffix("/v1")
    try:
        url = urlsplit(root)
        complete = url.scheme in ("http", "https") and url.hostname and url.port != 0
        extra = url.username is not None or url.query or url.fragment or " " in root
    except ValueError as error:
        raise ValueError(f"{base_url!r} is no address: {error}") from None
    if not complete:
        raise ValueError(f"{base_url!r} is no address of Notion: it has to start with https:// (or http://)")
    if extra:
        raise ValueError("an address of Notion has no user, password, query, fragment or space: https://HOST")
    return root


def _scope(error: NotionError) -> Scope:
    reason = error.reason if isinstance(error, RateLimited) else None
    return "workspace" if reason == "public_api_space_request_rate_limit" else "token"


# The first kind that fits counts; all that is not named broke off on the way.
_BREAKS: Final[tuple[tuple[tuple[type[Exception], ...], type[TransportError], str], ...]] = (
    ((httpx2.ConnectTimeout, httpx2.ConnectError), Unreachable, "no connection to Notion could be made"),
    ((httpx2.PoolTimeout, httpx2.ProxyError), Unreachable, "no connection to Notion could be made"),
    ((httpx2.UnsupportedProtocol, httpx2.LocalProtocolError), Unreachable, "the request could not be sent"),
    ((httpx2.TimeoutException, TimeoutError), TimedOut, "Notion did not answer in time"),
    ((httpx2.DecodingError,), Garbled, "the answer could not be decoded"),
    ((Exception,), ConnectionLost, "the connection to Notion broke off"),
)


def _broken(error: Exception) -> TransportError:
    kind, message = next((kind, text) for causes, kind, text in _BREAKS if isinstance(error, causes))
    detail = str(error)
    return kind(f"{message}: {detail}" if detail else message)
