"""Requests to addresses that people typed in go to the internet, to the host that was looked at, and nowhere else."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from syncline.core.errors import BadInput
from syncline.delivery import outbound
from syncline.delivery.outbound import Answer, Resolve, checked_url, post

PUBLIC = "93.184.215.14"


def resolving(*addresses: str) -> Resolve:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


def refused(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(f"a request went to {request.url}")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "192.0.2.1", "198.18.0.1",
        "::7f00:1", "fec0::1", "64:ff9b:1::1",
    ],
)  # fmt: skip
async def test_a_host_with_an_address_of_an_inner_network_is_refused(address: str) -> None:
    for found in ([address], [PUBLIC, address]):
        answer = await post(
            "https://receiver.test/",
            b"{}",
            {},
            allow_private=False,
            resolve=resolving(*found),
            transport=httpx2.MockTransport(refused),
        )
        assert answer.status is None
        assert "not on the internet" in str(answer.error)


async def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    asked: list[str] = []
    seen: list[tuple[str, str, str]] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append((str(request.url), request.headers["host"], request.extensions["sni_hostname"]))
        return httpx2.Response(200, text="ok")

    transport = httpx2.MockTransport(handler)
    url = "https://receiver.test:8443/hook?a=1"
    answer = await post(url, b"{}", {}, allow_private=False, resolve=resolve, transport=transport)
    assert answer == Answer(200, "ok")
    assert seen == [(f"https://{PUBLIC}:8443/hook?a=1", "receiver.test:8443", "receiver.test")]
    assert asked == ["receiver.test"]
    second = await post(url, b"{}", {}, allow_private=False, resolve=resolve, transport=transport)
    assert second.status is None


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.test/",
        "ftp://receiver.test/",
        "https://",
        "https:///path",
        "https://user:pw@receiver.test/",
        "https://receiver.test/#x",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://receiver.test:0/",
        "https://receiver.test:99999/",
        "https://[not",
        "javascript:alert(1)",
        "",
    ],
)
def test_what_is_no_address_of_the_internet_is_refused_at_once(url: str) -> None:
    with pytest.raises(BadInput):
        checked_url(url, allow_private=False)


def test_private_addresses_may_be_allowed() -> None:
    assert checked_url("http://127.0.0.1:9000/x", allow_private=True).port == 9000


async def test_a_host_beyond_ascii_is_named_as_dns_knows_it() -> None:
    seen: list[str] = []

    def answers(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["host"])
        return httpx2.Response(200)

    answer = await post(
        "https://bücher.test/",
        b"{}",
        {},
        allow_private=False,
        resolve=resolving(PUBLIC),
        transport=httpx2.MockTransport(answers),
    )
    assert (answer.status, seen) == (200, ["xn--bcher-kva.test"])


async def test_a_redirect_is_not_followed() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(302, headers={"location": "http://127.0.0.1/"})

    answer = await post(
        "https://receiver.test/",
        b"{}",
        {},
        allow_private=False,
        resolve=resolving(PUBLIC),
        transport=httpx2.MockTransport(handler),
    )
    assert (answer.status, answer.good) == (302, False)


@asynccontextmanager
async def server(
    answer: bytes,
    *,
    address: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    connected: list[int] | None = None,
    heads: list[bytes] | None = None,
) -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if connected is not None:
            connected.append(1)
        head = await reader.readuntil(b"\r\n\r\n")
        if heads is not None:
            heads.append(head)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(handle, address, 0, ssl=tls) as listening:
        yield listening.sockets[0].getsockname()[1]


async def test_of_a_long_answer_the_beginning_is_read() -> None:
    async with server(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000) as port:
        answer = await post(f"http://127.0.0.1:{port}/", b"{}", {}, allow_private=True)
    assert answer.status == 500
    assert 0 < len(answer.body) <= 4096


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of ``receiver.test`` and its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("receiver.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(*form) + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(("host", "status"), [("receiver.test", 204), ("other.test", None)])
async def test_over_tls_the_certificate_must_be_of_the_host_that_was_named(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str, status: int | None
) -> None:
    outbound._trust.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    asked: list[str] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(str(name))
    async with server(b"HTTP/1.1 204 No Content\r\n\r\n", tls=context) as port:
        url = f"https://{host}:{port}/hook"
        answer = await post(url, b"{}", {}, allow_private=True, resolve=resolving("127.0.0.1"))
    assert (asked, answer.status) == ([host], status)
    outbound._trust.cache_clear()
    assert status is not None or "certificate" in str(answer.error).lower()


async def test_a_name_that_leads_inside_is_refused_before_a_socket_is_opened() -> None:
    connected: list[int] = []
    async with server(b"HTTP/1.1 200 OK\r\n\r\n", connected=connected) as port:
        url = f"https://receiver.test:{port}/"
        answer = await post(url, b"{}", {}, allow_private=False, resolve=resolving("127.0.0.1"))
    assert (answer.status, connected) == (None, [])
    assert "not on the internet" in str(answer.error)


async def test_an_address_of_ipv6_is_connected_to_and_named_in_brackets() -> None:
    heads: list[bytes] = []
    try:
        async with server(b"HTTP/1.1 204 No Content\r\n\r\n", address="::1", heads=heads) as port:
            answer = await post(f"http://[::1]:{port}/hook", b"{}", {}, allow_private=True)
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert answer.status == 204
    assert f"host: [::1]:{port}".encode() in heads[0].lower()


async def test_what_cannot_be_reached_is_a_sentence() -> None:
    async with server(b"") as port:
        pass
    answer = await post(f"http://127.0.0.1:{port}/", b"{}", {}, allow_private=True)
    assert (answer.status, answer.good) == (None, False)
    assert str(answer.error).startswith("The connection failed")
