"""The transport against a server that writes bytes, good and bad, over a real socket."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from syncline.notion.transport import Transport, transport_for

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
HEAD = b"HTTP/1.1 200 OK\r\n"
CLOSE = object()
STALL = object()


@dataclass
class Server:
    """Answers the n-th request with the n-th script: pieces of bytes, then perhaps the end of the connection."""

    scripts: list[tuple[object, ...]]
    url: str = ""
    heard: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await self.request(reader)) is not None:
                self.heard.append(request)
                script = self.scripts[min(len(self.heard), len(self.scripts)) - 1]
                if not await self.play(script, writer):
                    return
        finally:
            writer.close()

    async def request(self, reader: asyncio.StreamReader) -> bytes | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        lengths = [line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        return head + (await reader.readexactly(int(lengths[0])) if lengths else b"")

    async def play(self, script: tuple[object, ...], writer: asyncio.StreamWriter) -> bool:
        """Write the pieces one by one; False if the connection is to end."""
        for piece in script:
            if piece is CLOSE:
                return False
            if piece is STALL:
                await asyncio.sleep(30)
            assert isinstance(piece, bytes)
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return True


@asynccontextmanager
async def serving(*scripts: tuple[object, ...]) -> AsyncIterator[Server]:
    server = Server(list(scripts))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


@asynccontextmanager
async def speaking(**options: float) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=Transport(**options), timeout=5) as client:
        yield client


def certificate(folder: Path) -> Path:
    """A certificate for localhost that nobody but its owner trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = folder / "localhost.pem"
    pem.write_bytes(private + made.public_bytes(Encoding.PEM))
    return pem


async def test_a_request_is_written_as_it_was_made_and_its_answer_read() -> None:
    async with serving((OK,)) as server, speaking() as client:
        answer = await client.post(server.url + "/v1/search?a=b", content=b'{"q":1}', headers={"X-One": "1"})

    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"{}", "2")
    assert server.heard[0].startswith(b"POST /v1/search?a=b HTTP/1.1\r\n")
    assert b"\r\nX-One: 1\r\n" in server.heard[0]
    assert b"\r\nContent-Length: 7\r\n" in server.heard[0]
    assert server.heard[0].endswith(b'\r\n\r\n{"q":1}')


ANSWERS: dict[str, tuple[object, ...]] = {
    "in one piece": (OK,),
    "byte by byte": tuple(bytes([byte]) for byte in OK),
    "chunked": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n", b"1\r\n}\r\n0\r\n\r\n"),
    "compressed": (
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 22\r\n\r\n",
        gzip.compress(b"{}", mtime=0),
    ),
    "up to the end of the connection": (HEAD + b"\r\n{", b"}", CLOSE),
    "after interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        OK,
    ),
    "with Connection: close": (HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}", CLOSE),
    "of HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", CLOSE),
}


@pytest.mark.parametrize("way", ANSWERS)
async def test_an_answer_is_whole_however_it_comes(way: str) -> None:
    async with serving(ANSWERS[way]) as server, speaking() as client:
        answers = [await client.get(server.url) for _ in range(2)]

    assert [answer.content for answer in answers] == [b"{}", b"{}"]
    assert "Link" not in answers[0].headers


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_does_not_wait_for_one(status: int) -> None:
    async with serving((b"HTTP/1.1 %d X\r\n\r\n" % status,)) as server, speaking() as client:
        assert (await client.get(server.url)).status_code == status


async def test_requests_that_follow_each_other_share_a_connection() -> None:
    async with serving((OK,)) as server, speaking() as client:
        for _ in range(5):
            await client.get(server.url)

    assert (len(server.heard), server.connections) == (5, 1)


async def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    async with serving((b"", OK)) as server, speaking() as client:
        await asyncio.gather(*map(client.get, repeat(server.url, 7)))

    assert (len(server.heard), server.connections) == (7, 7)


async def test_a_connection_that_was_idle_too_long_is_not_used_again() -> None:
    async with serving((OK,)) as server, speaking(idle=0) as client:
        await client.get(server.url)
        await client.get(server.url)

    assert server.connections == 2


async def test_a_connection_that_the_server_closed_while_idle_is_not_used_again() -> None:
    async with serving((OK, CLOSE)) as server, speaking() as client:
        await client.get(server.url)
        await asyncio.sleep(0.05)
        await client.get(server.url)

    assert server.connections == 2


async def test_an_answer_nobody_asked_for_ends_the_connection() -> None:
    async with serving((OK + OK,), (OK,)) as server, speaking() as client:
        answers = [(await client.get(server.url)).content for _ in range(2)]

    assert answers == [b"{}", b"{}"]
    assert server.connections == 2


BREAKS: dict[str, tuple[tuple[object, ...], type[Exception]]] = {
    "nothing": ((CLOSE,), httpx2.ReadError),
    "half a head": ((b"HTTP/1.1 200", CLOSE), httpx2.RemoteProtocolError),
    "half a body": ((HEAD + b"Content-Length: 9\r\n\r\n{", CLOSE), httpx2.RemoteProtocolError),
    "half a chunk": ((HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{", CLOSE), httpx2.RemoteProtocolError),
    "another protocol": ((b"220 mail.example ESMTP\r\n",), httpx2.RemoteProtocolError),
    "a broken compression": (
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",), httpx2.DecodingError,
    ),
    "too little in time": ((HEAD, STALL), httpx2.ReadTimeout),
}  # fmt: skip


@pytest.mark.parametrize("what", BREAKS)
async def test_an_answer_that_breaks_off_is_an_error_and_the_next_request_is_well(what: str) -> None:
    script, error = BREAKS[what]
    async with serving(script, (OK,)) as server, speaking() as client:
        with pytest.raises(error):
            await client.get(server.url, timeout=0.2)

        assert (await client.get(server.url)).content == b"{}"


async def test_a_request_that_was_given_up_takes_its_connection_with_it() -> None:
    async with serving((STALL,), (OK,)) as server, speaking() as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.get(server.url)
        await client.get(server.url)

    assert server.connections == 2


async def test_nobody_listening_is_a_connect_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with speaking() as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"http://127.0.0.1:{taken.getsockname()[1]}")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid", "http://xn--a.invalid"])
async def test_an_address_that_leads_nowhere_is_a_connect_error(url: str) -> None:
    async with speaking() as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(url)


async def test_a_server_without_tls_is_a_connect_error_where_tls_is_asked_for() -> None:
    async def speak_first(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(speak_first, "127.0.0.1", 0) as server, speaking() as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")


@pytest.mark.parametrize("trusted", [True, False])
async def test_tls_is_spoken_with_whom_the_context_trusts(trusted: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case of the table
    pem = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    script = Server([(OK,)])
    transport = Transport()
    if trusted:
        transport._tls = ssl.create_default_context(cafile=str(pem))
    async with (
        await asyncio.start_server(script.serve, "127.0.0.1", 0, ssl=context) as server,
        httpx2.AsyncClient(transport=transport, timeout=5) as client,
    ):
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        if trusted:
            assert (await client.get(url)).content == b"{}"
        else:
            with pytest.raises(httpx2.ConnectError, match="certificate"):
                await client.get(url)


async def test_another_scheme_is_refused() -> None:
    with pytest.raises(httpx2.UnsupportedProtocol):
        await Transport().handle_async_request(httpx2.Request("GET", "ftp://example.com/"))


async def test_a_line_break_in_a_header_is_refused_before_anything_is_sent() -> None:
    async with serving((OK,)) as server:
        request = httpx2.Request("GET", server.url, headers=[(b"X", b"a\r\nY: b")])
        with pytest.raises(httpx2.LocalProtocolError):
            await Transport().handle_async_request(request)

        assert server.connections == 0


@pytest.mark.parametrize(
    ("environment", "url", "ours"),
    [
        ({}, "https://api.notion.com", True),
        ({"https_proxy": "http://proxy.example:3128"}, "https://api.notion.com", False),
        ({"all_proxy": "http://proxy.example:3128"}, "https://api.notion.com", False),
        ({"http_proxy": "http://proxy.example:3128"}, "https://api.notion.com", True),
        (
            {"https_proxy": "http://proxy.example:3128", "no_proxy": "notion.com"},
            "https://api.notion.com",
            True,
        ),
        ({"http_proxy": "http://proxy.example:3128"}, "http://127.0.0.1:4100", True),
        ({"http_proxy": "http://proxy.example:3128"}, "http://localhost:4100", True),
        ({"http_proxy": "http://proxy.example:3128"}, "http://[::1]:4100", True),
        ({"http_proxy": "http://proxy.example:3128"}, "http://192.168.1.5:4100", False),
    ],
)
def test_a_proxy_of_the_environment_is_left_to_httpx2(
    environment: dict[str, str], url: str, *, ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert (transport_for(url) is not None) is ours
