"""The bytes: a transport of httpx2 that sends by aiohttp, whose parser is written in C.

Everything above sees httpx2 alone, its exceptions included; a test or another transport can stand in this one's place.
A request is sent once: what broke is for the caller to repeat, who knows what may be repeated and counts what was sent.
"""

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
from yarl import URL

__all__ = ["Wire"]

_LONGEST_FIELD: Final = 65_536
"""Bytes of one header field of an answer; aiohttp's own 8 kB are less than some proxies put into one."""

_IDLE: Final = 4.0
"""Seconds that a connection waits for its next request: less than the 5 after which common servers close it."""

# Node's `server.keepAliveTimeout` is 5 s: https://nodejs.org/api/http.html#serverkeepalivetimeout

_FRAMING: Final = frozenset((b"content-encoding", b"content-length", b"transfer-encoding"))
"""What a body was packed in. It is unpacked here, and its length is another then."""


class Wire(httpx2.AsyncBaseTransport):
    """Sends requests over at most `limit` connections, kept open between them.

    Trusts the certificates that the system trusts (or `SSL_CERT_FILE`, `SSL_CERT_DIR`), goes through the proxies that the
    environment or the system names, decodes gzip and deflate, and keeps no cookies. An answer is read whole before it is
    returned. A cancelled request takes its connection with it.
    Of `extensions["timeout"]`, `connect` covers everything from the name to the handshake, the wait for one of the
    connections included; `read` is the longest silence. The sending of a body is not timed of its own: such a request
    is bounded as a whole, by all its timeouts together.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._proxy = cache(_proxy)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; return the answer. Raises httpx2.TransportError or httpx2.DecodingError."""
        content = await request.aread()
        secure = request.url.scheme == "https"
        try:
            async with self._opened().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=_headers(request),
                data=content or None,
                allow_redirects=False,
                proxy=self._proxy(request.url.scheme, request.url.netloc),
                ssl=_trust() if secure else True,
                timeout=_timeout(request),
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            raise _translated(error) from error
        headers = [field for field in answer.raw_headers if field[0].lower() not in _FRAMING]
        return httpx2.Response(answer.status, headers=headers, content=body)

    async def aclose(self) -> None:
        """Close the connections, for good."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session, opened in the loop of the first request."""
        if self._closed:
            raise RuntimeError("the wire is closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._limit, keepalive_timeout=_IDLE),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                max_line_size=_LONGEST_FIELD,
                max_field_size=_LONGEST_FIELD,
                middlewares=(_once,),
            )
        return self._session


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Translate here already: aiohttp repeats GET, PUT and DELETE by itself where it sees its own kind of error."""
    try:
        return await send(request)
    except (aiohttp.ClientError, OSError) as error:
        raise _translated(error) from error


@cache
def _trust() -> ssl.SSLContext:
    context = httpx2.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _proxy(scheme: str, address: bytes) -> str | None:
    """Return the proxy on the way to `address`, a host and its port; None where there is none.

    Not aiohttp's `trust_env`: it asks a thread about each request, and refuses a token where `.netrc` knows the host.
    """
    if proxy_bypass(address.decode()):
        return None
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _headers(request: httpx2.Request) -> list[tuple[str, str]]:
    """Return the fields as they are to be sent. Raises httpx2.LocalProtocolError where one would end early."""
    fields = []
    for name, value in request.headers.raw:
        if any(end in value for end in b"\r\n\0"):
            raise httpx2.LocalProtocolError(f"the value of {name.decode()} has more than one line")
        fields.append((name.decode(), value.decode()))
    return fields


def _timeout(request: httpx2.Request) -> aiohttp.ClientTimeout:
    timeouts: Mapping[str, float | None] = request.extensions.get("timeout", {})
    connect, read, write = (timeouts.get(name) for name in ("connect", "read", "write"))
    total = None if connect is None or read is None or write is None else connect + read + write
    return aiohttp.ClientTimeout(total=total, connect=connect, sock_read=read)


# The first kind that fits counts.
_FAILURES: Final[tuple[tuple[type[Exception], type[httpx2.TransportError]], ...]] = (
    (aiohttp.ClientProxyConnectionError, httpx2.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx2.ProxyError),
    (aiohttp.ClientConnectorError, httpx2.ConnectError),
    (aiohttp.ServerFingerprintMismatch, httpx2.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx2.ConnectTimeout),
    (TimeoutError, httpx2.ReadTimeout),
    (aiohttp.ClientConnectionResetError, httpx2.WriteError),
    (aiohttp.NonHttpUrlClientError, httpx2.UnsupportedProtocol),
    (aiohttp.InvalidURL, httpx2.LocalProtocolError),
    (UnicodeError, httpx2.LocalProtocolError),
    (OSError, httpx2.ReadError),
    (Exception, httpx2.RemoteProtocolError),
)


def _translated(error: Exception) -> httpx2.TransportError:
    kind = next(kind for cause, kind in _FAILURES if isinstance(error, cause))
    return kind(str(error) or type(error).__name__)
