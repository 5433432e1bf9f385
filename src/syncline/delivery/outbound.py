"""Requests to addresses that people typed in: to the internet and nowhere else.

A name is resolved here, every address it has is looked at, and the connection goes to one that was looked at: a name that answers
differently the next moment (DNS rebinding) leads nowhere else. Redirects are not followed, for where they lead was not looked at.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx2

from syncline.core.errors import BadInput
from syncline.core.redact import redacted_text

__all__ = ["Answer", "Resolve", "checked_url", "post", "resolve"]

_SECONDS: Final = 15.0
_KEPT: Final = 4096
"""Bytes of an answer that are read."""

_INNER: Final = tuple(map(ip_network, ("::/96", "64:ff9b:1::/48", "fec0::/10")))
"""Inner networks that Python 3.11 takes for the internet's: IPv4 written as IPv6, a network's own NAT64 (RFC 8215), site-local."""

_RESOLVERS: Final = ThreadPoolExecutor(40, thread_name_prefix="resolve")
"""Threads of its own: names that are never answered would take those in which the rest of the process waits."""

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request went: the status and the beginning of the body, or the sentence that says why there is none."""

    status: int | None
    body: str
    error: str | None = None

    @property
    def good(self) -> bool:
        """Whether it was taken in."""
        return self.status is not None and 200 <= self.status < 300


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system. Raises OSError."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_RESOLVERS, ask)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def checked_url(text: str, *, allow_private: bool) -> SplitResult:
    """The parts of an address to send to. Raises BadInput for what is no such address, or may not be one."""
    try:
        url = urlsplit(text)
        port, host = url.port, url.hostname
    except ValueError as error:
        raise BadInput(f"url: this is no address: {error}.", details={"field": "url"}) from None
    known = ("https", "http") if allow_private else ("https",)
    if url.scheme not in known or not host or port == 0:
        raise BadInput("url: an endpoint begins with https:// and names a host.", details={"field": "url"})
    if url.username is not None or url.password is not None or url.fragment:
        raise BadInput("url: leave out user, password and fragment.", details={"field": "url"})
    address = _literal(host)
    if address is not None and not allow_private and not _is_public(address):
        raise BadInput(_refusal(host), details={"field": "url"})
    return url


async def post(
    text: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allow_private: bool,
    resolve: Resolve = resolve,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Answer:
    """Send a body. It never raises: what goes wrong is the answer's `error`."""
    try:
        async with asyncio.timeout(_SECONDS):
            url = checked_url(text, allow_private=allow_private)
            address = await _address(url, allow_private=allow_private, resolve=resolve)
            return await _sent(url, address, body, headers, transport)
    except BadInput as error:
        return Answer(None, "", str(error))
    except TimeoutError:
        return Answer(None, "", f"There was no answer within {_SECONDS:g} s.")
    except (httpx2.HTTPError, OSError, ValueError) as error:
        return Answer(
            None, "", f"The connection failed: {redacted_text(str(error)) or type(error).__name__}."
        )


async def _address(url: SplitResult, *, allow_private: bool, resolve: Resolve) -> str:
    """An address of the host that may be connected to. Raises BadInput where one of them may not."""
    host, port = str(url.hostname), url.port or (443 if url.scheme == "https" else 80)
    found = await resolve(host, port)
    for one in found:
        if not allow_private and not _is_public(ip_address(one.partition("%")[0])):
            raise BadInput(_refusal(host))
    if not found:
        raise BadInput(f"The host {host} has no address.")
    return found[0]


async def _sent(
    url: SplitResult,
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    transport: httpx2.AsyncBaseTransport | None,
) -> Answer:
    """Connect to the address, and speak to the host that was named."""
    host = str(url.hostname).encode("idna").decode()
    where = f"[{address}]" if ":" in address else address
    target = urlunsplit(url._replace(netloc=where if url.port is None else f"{where}:{url.port}"))
    named = f"[{host}]" if ":" in host else host
    async with (
        # What the environment says about proxies would undo what was checked.
        httpx2.AsyncClient(
            verify=_trust(), trust_env=False, transport=transport, follow_redirects=False
        ) as client,
        client.stream(
            "POST",
            target,
            content=body,
            headers={**headers, "Host": named if url.port is None else f"{named}:{url.port}"},
            extensions={"sni_hostname": host},
            timeout=_SECONDS,
        ) as response,
    ):
        return Answer(response.status_code, redacted_text(await _beginning(response)))


async def _beginning(response: httpx2.Response) -> str:
    kept = b""
    async for piece in response.aiter_bytes():
        kept += piece
        if len(kept) >= _KEPT:
            break
    return kept[:_KEPT].decode("utf-8", "replace").replace("\x00", "\ufffd")


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that the system trusts, or those of ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``; to read them takes a while."""
    return httpx2.create_ssl_context()


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the internet's, and not of a network that we may be inside of."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _translated(address)
        if inner is not None:
            return _is_public(inner)
    return address.is_global and not address.is_multicast and not any(address in net for net in _INNER)


def _translated(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address within one of NAT64 (RFC 6052)."""
    prefix = int(IPv6Address("64:ff9b::"))
    return IPv4Address(int(address) & 0xFFFFFFFF) if int(address) >> 32 == prefix >> 32 else None


def _refusal(host: str) -> str:
    return f"The host {host} has an address that is not on the internet; SYNCLINE_ALLOW_PRIVATE_ENDPOINTS=1 allows that."
