"""HTTP/1.1 on plain asyncio, for a client that sends thousands of small requests to one host.

httpx2's own transport spends two thirds of a millisecond of processor time on each, more than all that is done with the answer
(docs/decisions). This one does only what Notion needs: kept connections, TLS, one message at a time on each
connection. Proxies and everything unusual stay with httpx2's (see `transport_for`). Errors are httpx2's.

A kept connection may have been closed by the other side while we wrote to it. That is an error like any other break: only the
caller knows what may be sent again, and every request that left is counted.
"""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httptools
import httpx2

__all__ = ["Transport", "transport_for"]

_IDLE: Final = 4.0
"""Seconds after which a kept connection is not used again; servers close theirs after five and more."""

_HAPPY_EYEBALLS: Final = 0.25
_BODILESS: Final = frozenset({204, 304})


class _Origin(NamedTuple):
    scheme: str
    host: str
    port: int


class _Answer(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Transport(httpx2.AsyncBaseTransport):
    """Sends requests over connections that it keeps. How many are open at once is up to who sends."""

    def __init__(self, *, idle: float = _IDLE) -> None:
        self._idle = idle
        self._kept: defaultdict[_Origin, list[tuple[_Connection, float]]] = defaultdict(list)
        self._open: set[_Connection] = set()
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and read its whole answer.

        The request's timeouts are those for connecting, and for the whole answer from then on. Raises errors of httpx2: ConnectError,
        ConnectTimeout, ReadTimeout, ReadError, RemoteProtocolError, LocalProtocolError, UnsupportedProtocol, DecodingError.
        """
        message = _message(request, await request.aread())
        origin = _origin(request.url)
        timeouts = request.extensions.get("timeout", {})
        connection = self._reusable(origin) or await self._connect(origin, seconds=timeouts.get("connect"))
        answer = await self._exchange(connection, origin, message, seconds=timeouts.get("read"))
        return httpx2.Response(answer.status, headers=answer.headers, content=answer.body, request=request)

    async def _exchange(
        self, connection: "_Connection", origin: _Origin, message: bytes, *, seconds: float | None
    ) -> _Answer:
        self._open.add(connection)
        try:
            answer = await connection.ask(message, seconds=seconds)
        except BaseException:
            connection.abort()
            raise
        finally:
            self._open.discard(connection)
        if connection.reusable:
            self._kept[origin].append((connection, _now()))
        else:
            connection.abort()
        return answer

    def _reusable(self, origin: _Origin) -> "_Connection | None":
        """The connection that was used last, if it is still good."""
        kept = self._kept[origin]
        while kept:
            connection, since = kept.pop()
            if connection.reusable and _now() - since < self._idle:
                return connection
            connection.abort()
        return None

    async def _connect(self, origin: _Origin, *, seconds: float | None) -> "_Connection":
        secure = origin.scheme == "https"
        if secure and self._tls is None:
            self._tls = httpx2.create_ssl_context()
        try:
            async with asyncio.timeout(seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    _Connection,
                    origin.host,
                    origin.port,
                    ssl=self._tls if secure else None,
                    happy_eyeballs_delay=_HAPPY_EYEBALLS,
                )
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(f"{origin.host} did not answer within {seconds} s") from error
        except (
            OSError,
            OverflowError,
            UnicodeError,
        ) as error:  # refused, unknown host, bad certificate; bad port; bad name
            raise httpx2.ConnectError(str(error)) from error
        return connection

    async def aclose(self) -> None:
        """Close all connections, and let the loop see it."""
        for kept in self._kept.values():
            self._open.update(connection for connection, _ in kept)
        for connection in self._open:
            connection.abort()
        self._kept.clear()
        self._open.clear()
        await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One connection: `ask` it one thing at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[_Answer] | None = None
        self._keep = True
        self._begin()

    def _begin(self) -> None:
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._heard = False
        self._until_close = False

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent."""
        return self._keep and self._transport is not None and not self._transport.is_closing()

    async def ask(self, message: bytes, *, seconds: float | None) -> _Answer:
        """Send a request and return its answer."""
        if self._transport is None or self._transport.is_closing():
            raise httpx2.ReadError("the connection was closed by the other side")
        self._begin()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        try:
            async with asyncio.timeout(seconds):
                return await self._waiting
        except TimeoutError as error:
            raise httpx2.ReadTimeout(f"no whole answer within {seconds} s") from error
        finally:
            self._waiting = None

    def abort(self) -> None:
        """End the connection now."""
        self._keep = False
        if self._transport is not None:
            self._transport.abort()

    # --- what asyncio calls ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer. What nobody has asked for ends the connection."""
        if self._waiting is None or self._waiting.done():
            self.abort()
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(httpx2.RemoteProtocolError(f"the answer is no HTTP: {error}"))
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is waiting: with the answer, if its end is the end of the connection."""
        self._keep = False
        if self._until_close and exc is None:
            self._complete()
        elif not self._heard:
            self._fail(httpx2.ReadError(str(exc or "the connection was closed before an answer")))
        else:
            self._fail(httpx2.RemoteProtocolError(str(exc or "the connection was closed within the answer")))

    # --- what the parser calls ------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Refuse a second answer to one request."""
        if self._waiting is None or self._waiting.done():
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Find out where the body ends: without a length, at the end of the connection."""
        self._status = self._parser.get_status_code()
        names = {name.lower() for name, _ in self._headers}
        self._until_close = (
            self._status >= 200
            and self._status not in _BODILESS
            and names.isdisjoint({b"content-length", b"transfer-encoding"})
        )

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Hand the answer over; an interim one (1xx) is only noise before it."""
        if 100 <= self._status < 200:
            self._headers = []
            return
        self._keep = self._keep and self._parser.should_keep_alive()
        self._complete()

    def _complete(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(_Answer(self._status, self._headers, b"".join(self._body)))

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)


def transport_for(base_url: str) -> httpx2.AsyncBaseTransport | None:
    """Our transport; None, for httpx2's own, where the environment names a proxy for that address.

    A proxy never stands between this machine and itself.
    """
    url = urlsplit(base_url)
    host = url.hostname or ""
    proxies = getproxies()
    named = url.scheme in proxies or "all" in proxies
    return None if named and not _loopback(host) and not proxy_bypass(host) else Transport()


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _origin(url: httpx2.URL) -> _Origin:
    default = {"http": 80, "https": 443}.get(url.scheme)
    if default is None or not url.host:
        raise httpx2.UnsupportedProtocol(f"{url.scheme!r} is no scheme of HTTP")
    return _Origin(url.scheme, url.host, url.port or default)


def _message(request: httpx2.Request, body: bytes) -> bytes:
    headers: Iterable[tuple[bytes, bytes]] = request.headers.raw
    if any(b"\r" in part or b"\n" in part for header in headers for part in header):
        raise httpx2.LocalProtocolError("a header holds a line break")
    lines = [b"%b: %b\r\n" % header for header in headers]
    start = b"%b %b HTTP/1.1\r\n" % (request.method.encode("ascii"), request.url.raw_path)
    return b"".join([start, *lines, b"\r\n", body])


def _now() -> float:
    return asyncio.get_running_loop().time()
