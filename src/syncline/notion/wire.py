"""The bytes: a transport of httpx2 that sends by aiohttp, whose parser is written in C.

Everything above sees httpx2 alone, its exceptions included; a test or another transport can stand in this one's place.
A request is sent once: what broke is for the caller to repeat, who knows what may be repeated and counts what was sent.
"""

import io
import select
import ssl
from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet

import aiohttp
import httpx2
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import ContentEncodingError
from aiohttp.tracing import Trace
from yarl import URL

__all__ = ["ENCODINGS", "Wire"]

ENCODINGS: Final = "gzip, deflate"
"""The codings of a body that a Wire decodes, as an `Accept-Encoding` names them."""

# Node closes after 5 s: https://nodejs.org/api/http.html#serverkeepalivetimeout
_IDLE: Final = 4.0
"""Seconds that a connection waits for its next request, less than those after which common servers close it."""

_LONGEST_FIELD: Final = 65_536
"""Bytes of one header field of an answer, more than any server sends."""

_AT_ONCE: Final = 65_536
"""Bytes of a body that are written in one go; a longer one is written piece by piece."""

_FRAMING: Final = frozenset((b"content-encoding", b"content-length", b"transfer-encoding"))


class Wire(httpx2.AsyncBaseTransport):
    """Sends requests over at most `limit` connections, kept open between them.

    Trusts the certificates that the system trusts (or those of `SSL_CERT_FILE`, `SSL_CERT_DIR`), goes through the proxies
    that the environment or the system names (never to this machine itself), decodes gzip and deflate, follows no redirect and keeps no cookie. An answer
    is read whole before it is returned. A request that is cancelled takes its connection with it.

    Of `extensions["timeout"]`, in seconds, `connect` is for all from the wait for one of the connections to the end of
    the handshake, `read` for the longest silence. aiohttp does not time the sending of a body alone; a
    request that has one is bounded as a whole, by the sum of `connect`, `read` and `write`.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self._proxy = cache(_proxy)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; return the answer.

        Raises httpx2.TransportError and httpx2.DecodingError, and RuntimeError where the wire is closed.
        """
        content = await request.aread()
        session = self._opened()
        try:
            async with session.request(
                request.method,
                _url(request.url),
                headers=_headers(request),
                data=io.BytesIO(content) if len(content) > _AT_ONCE else content or None,
                allow_redirects=False,
                proxy=self._proxy(request.url.scheme, request.url.netloc),
                ssl=_trust() if request.url.scheme == "https" else True,
                timeout=_timeout(request.extensions.get("timeout", {}), has_body=bool(content)),
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            failure = _translated(error)
        else:
            # The body is unpacked by now, and its length another.
            headers = [field for field in answer.raw_headers if field[0].lower() not in _FRAMING]
            return httpx2.Response(answer.status, headers=headers, content=body)
        # Out here it drags no error of aiohttp along: those hold the request, and that the token.
        raise failure

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
                connector=_Connector(limit=self._limit, keepalive_timeout=_IDLE),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                max_line_size=_LONGEST_FIELD,
                max_field_size=_LONGEST_FIELD,
                middlewares=(_once,),
            )
        return self._session


class _Connector(aiohttp.TCPConnector):
    """Reuses no connection over which something came while nobody asked.

    aiohttp would take it for the next answer, the next answer for the one after it, and so on.
    """

    def __init__(self, *, limit: int, keepalive_timeout: float) -> None:
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout)
        self._known: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the signature of the method it extends
    ) -> Connection:
        """Return a connection, a new one or one that is ready for one more request."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            assert protocol is not None
            if protocol not in self._known:
                self._known.add(protocol)
                return connection
            if not protocol.should_close and not _readable(connection):
                return connection
            connection.close()


def _readable(connection: Connection) -> bool:
    """Tell whether bytes, or the end, have come that the loop has not seen yet."""
    transport = connection.transport
    number = -1 if transport is None else transport.get_extra_info("socket").fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Translate failures here already: aiohttp sends a GET, PUT or DELETE again where it sees one of its own kind."""
    try:
        return await send(request)
    except (aiohttp.ClientError, OSError) as error:
        failure = _translated(error)
    raise failure


@cache
def _trust() -> ssl.SSLContext:
    context = httpx2.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _proxy(scheme: str, address: bytes) -> str | None:
    """Return the proxy on the way to `address`, a host and perhaps its port; None where there is none.

    Not by aiohttp's `trust_env`: that asks two threads at each request, and refuses a token where `.netrc` knows the host.
    Raises httpx2.UnsupportedProtocol.
    """
    place = address.decode()
    if _loopback(urlsplit(f"//{place}").hostname or "") or proxy_bypass(place):
        return None
    proxies = getproxies()
    named = proxies.get(scheme) or proxies.get("all")
    proxy = f"http://{named}" if named and "://" not in named else named
    kind = urlsplit(proxy).scheme if proxy else "http"
    if kind not in ("http", "https"):
        raise httpx2.UnsupportedProtocol(
            f"the environment names a {kind} proxy; only HTTP proxies can be used"
        )
    return proxy


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _url(url: httpx2.URL) -> URL:
    if url.port is not None and url.port > 65_535:
        raise httpx2.LocalProtocolError(f"there is no port {url.port}")
    return URL(str(url), encoded=True)


def _headers(request: httpx2.Request) -> list[tuple[str, str]]:
    """Return the fields as they are to be sent. Raises httpx2.LocalProtocolError where one would end too early."""
    fields = []
    for name, value in request.headers.raw:
        if b"\n" in value or b"\r" in value or b"\0" in value:
            raise httpx2.LocalProtocolError(f"the value of {name.decode()} has more than one line")
        if name.lower() != b"transfer-encoding":  # the content is all here; its length is known
            fields.append((name.decode(), value.decode()))
    return fields


def _timeout(given: Mapping[str, float | None], *, has_body: bool) -> aiohttp.ClientTimeout:
    phases = [seconds for name in ("connect", "read", "write") if (seconds := given.get(name)) is not None]
    total = sum(phases) if has_body and len(phases) == 3 else None
    return aiohttp.ClientTimeout(total=total, connect=given.get("connect"), sock_read=given.get("read"))


# The first kind that fits counts.
_FAILURES: Final[tuple[tuple[type[Exception], type[httpx2.RequestError]], ...]] = (
    (aiohttp.ClientProxyConnectionError, httpx2.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx2.ProxyError),
    (aiohttp.ClientConnectorError, httpx2.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx2.ConnectTimeout),
    (TimeoutError, httpx2.ReadTimeout),
    (aiohttp.ClientConnectionResetError, httpx2.WriteError),
    (aiohttp.NonHttpUrlClientError, httpx2.UnsupportedProtocol),
    (aiohttp.InvalidURL, httpx2.LocalProtocolError),
    (UnicodeError, httpx2.LocalProtocolError),
    (OSError, httpx2.ReadError),
)


def _translated(error: Exception) -> httpx2.RequestError:
    if isinstance(error, aiohttp.ClientPayloadError) and isinstance(error.__cause__, ContentEncodingError):
        return httpx2.DecodingError(_told(error))
    kinds = (kind for cause, kind in _FAILURES if isinstance(error, cause))
    return next(kinds, httpx2.RemoteProtocolError)(_told(error))


def _told(error: Exception) -> str:
    """Return what aiohttp has to say, in one line and without the request."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}:{error.port}: {error.os_error}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "closed before the end of the answer's head"
    messages = (getattr(each, "message", None) for each in (error, error.__cause__))
    told = next((message for message in messages if isinstance(message, str)), str(error))
    return " ".join(told.split())
