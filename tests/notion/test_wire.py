"""The wire against servers that misbehave: scripts over real sockets, which remember what they were asked."""

import asyncio
import contextlib
import gzip
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from notion_emulator.emulator import Emulator
from notion_emulator.server import ServerThread

from syncline.notion import errors, wire
from syncline.notion import operations as op
from syncline.notion.budget import Unlimited
from syncline.notion.client import Client, Runtime
from syncline.notion.wire import ENCODINGS, Wire

LIMITS = {"connect": 5.0, "read": 5.0, "write": 5.0}
HEAD = b"HTTP/1.1 200 OK\r\n"
OK = HEAD + b"Content-Length: 2\r\n\r\nok"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass
class Server:
    """What a script has seen: connections, and the heads of requests."""

    url: str = ""
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Line:
    """One connection, as its script sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: Server

    async def hear(self) -> str:
        """Read the head of a request."""
        self.server.heads.append((await self.reader.readuntil(b"\r\n\r\n")).decode())
        self.server.heard.set()
        return self.server.heads[-1]

    async def say(self, answer: bytes) -> None:
        self.writer.write(answer)
        await self.writer.drain()

    def reset(self) -> None:
        """End the connection as a crashed machine does: by RST."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.close()


Script = Callable[[Line], Awaitable[None]]


@asynccontextmanager
async def serving(script: Script, **options: Any) -> AsyncIterator[Server]:
    """Play the script on each connection and close it at the script's end."""
    server = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await script(Line(reader, writer, server))
        finally:
            writer.close()
            server.ended.set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(play(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0, **options)
    scheme = "https" if options else "http"
    server.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        try:
            yield server
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def always(answer: bytes) -> Script:
    async def script(line: Line) -> None:
        while True:
            await line.hear()
            await line.say(answer)

    return script


def once(answer: bytes) -> Script:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(answer)

    return script


@asynccontextmanager
async def opened(limit: int = 4) -> AsyncIterator[Wire]:
    line = Wire(limit=limit)
    try:
        yield line
    finally:
        await line.aclose()


async def ask(
    line: Wire, url: str, method: str = "GET", *, content: bytes | None = None, **changes: Any
) -> httpx2.Response:
    timeouts = {name: changes.pop(name, seconds) for name, seconds in LIMITS.items()}
    request = httpx2.Request(method, url, content=content, extensions={"timeout": timeouts}, **changes)
    return await line.handle_async_request(request)


# --- Answers ----------------------------------------------------------------------------------------------------

PACKED = gzip.compress(b"ok")
ANSWERS = {
    "with its length": OK,
    "in chunks": CHUNKED + b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
    "packed": HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED,
    "to the end of the connection": HEAD + b"\r\nok",
    "after an interim one": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "of an old server": OK.replace(b"1.1", b"1.0"),
    "with a long field": OK.replace(b"\r\n", b"\r\nX-Policy: %s\r\n" % (b"p" * 30_000), 1),
}


@pytest.mark.parametrize("case", ANSWERS)
async def test_an_answer_is_read_whole_in_every_form(case: str) -> None:
    async with serving(once(ANSWERS[case])) as server, opened() as line:
        for _ in range(2):
            answer = await ask(line, server.url)
            assert (answer.status_code, answer.content) == (200, b"ok")
            assert answer.headers["content-length"] == "2"
            assert "content-encoding" not in answer.headers


async def test_a_request_is_sent_as_it_is_with_no_field_more() -> None:
    async with serving(once(OK)) as server, opened() as line:
        headers = {"Notion-Version": "x", "Authorization": "Bearer t"}
        await ask(line, f"{server.url}/v1/a%20b?q=1+2%26&q=%C3%A9", headers=headers)
        await ask(line, f"{server.url}/", "POST", content=b"abc")
    host = server.url.removeprefix("http://")
    assert [head.split("\r\n") for head in server.heads] == [
        [
            "GET /v1/a%20b?q=1+2%26&q=%C3%A9 HTTP/1.1", f"Host: {host}", "Notion-Version: x", "Authorization: Bearer t",
            "", "",
        ],
        ["POST / HTTP/1.1", f"Host: {host}", "Content-Length: 3", "", ""],
    ]  # fmt: skip


async def test_a_file_of_three_megabytes_arrives() -> None:
    arrived = []

    async def script(line: Line) -> None:
        await line.hear()
        arrived.append(await line.reader.readexactly(3_000_000))
        await line.say(OK)

    async with serving(script) as server, opened() as line:
        await ask(line, server.url, "POST", content=b"abc" * 1_000_000)
    assert arrived == [b"abc" * 1_000_000]


async def test_an_answer_may_come_before_the_body_is_all_sent() -> None:
    refusal = b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with serving(once(refusal)) as server, opened() as line:
        answer = await ask(line, server.url, "POST", content=b"abc" * 1_000_000)
    assert answer.status_code == 413


async def test_neither_redirect_nor_cookie_is_obeyed() -> None:
    found = b"HTTP/1.1 302 Found\r\nLocation: /else\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with serving(always(found)) as server, opened() as line:
        for _ in range(2):
            assert (await ask(line, server.url)).status_code == 302
    assert len(server.heads) == 2
    assert "ookie" not in "".join(server.heads)


def test_what_is_accepted_can_be_decoded() -> None:
    assert ENCODINGS == "gzip, deflate"


# --- Breaks -----------------------------------------------------------------------------------------------------

BREAKS: dict[str, tuple[bytes, type[Exception]]] = {
    "closed without a word": (b"", httpx2.RemoteProtocolError),
    "closed inside the head": (b"HTTP/1.1 200 OK\r\nContent-Le", httpx2.RemoteProtocolError),
    "closed inside the body": (OK[:-1], httpx2.RemoteProtocolError),
    "closed inside a chunk": (CHUNKED + b"5\r\nok", httpx2.RemoteProtocolError),
    "closed before the last chunk": (CHUNKED + b"2\r\nok\r\n", httpx2.RemoteProtocolError),
    "no number of a chunk": (CHUNKED + b"2\r\nok\r\nzz\r\nok\r\n", httpx2.RemoteProtocolError),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.7\r\n\r\n", httpx2.RemoteProtocolError),
    "a field without end": (HEAD + b"X: " + b"x" * 300_000 + b"\r\n\r\n", httpx2.RemoteProtocolError),
    "two lengths": (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", httpx2.RemoteProtocolError),
    "bad gzip": (
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        httpx2.DecodingError,
    ),
}


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
@pytest.mark.parametrize("case", BREAKS)
async def test_a_broken_answer_is_an_error_of_httpx2_and_nothing_is_sent_again(
    case: str, method: str
) -> None:
    answer, kind = BREAKS[case]
    async with serving(once(answer)) as server, opened() as line:
        with pytest.raises(kind) as caught:
            await ask(line, server.url, method, headers={"Authorization": "Bearer secret"})
    assert type(caught.value) is kind
    assert len(server.heads) == 1
    # The errors of aiohttp hold the request with its token: nothing that logs a chain of errors may find them.
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("said", [b"", OK[:-1]], ids=["before the answer", "inside the body"])
async def test_a_reset_is_an_error_of_httpx2_and_nothing_is_sent_again(said: bytes) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(said)
        line.reset()

    async with serving(script) as server, opened() as line:
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            await ask(line, server.url)
    assert len(server.heads) == 1


@pytest.mark.parametrize("said", [b"", HEAD, OK[:-1]], ids=["at once", "inside the head", "inside the body"])
async def test_silence_is_a_timeout(said: bytes) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(said)
        await asyncio.sleep(60)

    async with serving(script) as server, opened() as line:
        with pytest.raises(httpx2.ReadTimeout):
            await ask(line, server.url, read=0.05)


async def test_a_body_that_nobody_takes_is_a_timeout() -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await asyncio.sleep(60)

    async with serving(script) as server, opened() as line:
        with pytest.raises(httpx2.TimeoutException):
            await ask(
                line, server.url, "POST", content=bytes(30_000_000), connect=0.05, read=0.05, write=0.05
            )


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://127.0.0.1:1/", httpx2.ConnectError),
        ("https://127.0.0.1:1/", httpx2.ConnectError),
        ("http://nowhere.invalid/", httpx2.ConnectError),
        ("http://two..dots/", httpx2.LocalProtocolError),
        ("http://127.0.0.1:99999/", httpx2.LocalProtocolError),
        ("ftp://127.0.0.1/", httpx2.UnsupportedProtocol),
    ],
)
async def test_what_cannot_be_reached_is_told_as_httpx2_tells_it(url: str, kind: type[Exception]) -> None:
    async with opened() as line:
        with pytest.raises(kind) as caught:
            await ask(line, url)
    assert type(caught.value) is kind


async def test_a_field_of_two_lines_is_never_sent() -> None:
    async with serving(always(OK)) as server, opened() as line:
        with pytest.raises(httpx2.LocalProtocolError):
            await ask(line, server.url, headers={"Authorization": "Bearer t\r\nX: y"})
    assert server.heads == []


# --- Connections ------------------------------------------------------------------------------------------------


async def test_sixteen_at_once_share_few_connections_and_each_has_its_own_answer() -> None:
    async def script(line: Line) -> None:
        while True:
            path = (await line.hear()).split(" ")[1].encode()
            await asyncio.sleep(0)
            await line.say(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(path), path))

    async with serving(script) as server, opened(limit=3) as line:
        paths = [f"/{number}" for number in range(160)]

        async def several(some: list[str]) -> list[str]:
            return [(await ask(line, server.url + path)).text for path in some]

        read = await asyncio.gather(*(several(paths[start::16]) for start in range(16)))
    assert read == [paths[start::16] for start in range(16)]
    assert server.connections == 3


async def test_a_connection_closed_between_two_requests_is_not_used_again() -> None:
    async with serving(once(OK)) as server, opened() as line:
        for _ in range(3):
            await ask(line, server.url, "DELETE")
            await server.ended.wait()
            await asyncio.sleep(0.01)
    assert (server.connections, len(server.heads)) == (3, 3)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_connection_closed_at_the_second_request_is_an_error_and_nothing_is_sent_again(
    method: str,
) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(OK)
        await line.hear()

    async with serving(script) as server, opened() as line:
        await ask(line, server.url)
        with pytest.raises(httpx2.RemoteProtocolError):
            await ask(line, server.url, method)
        assert (server.connections, len(server.heads)) == (1, 2)
        assert (await ask(line, server.url)).content == b"ok"


@pytest.mark.parametrize("pause", [0.0, 0.01])
async def test_an_answer_that_nobody_asked_for_is_nobodys(pause: float) -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await line.say(OK)
        await asyncio.sleep(pause)
        await line.say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await line.hear()
        await line.say(HEAD + b"Content-Length: 5\r\n\r\nwrong")

    async with serving(script) as server, opened() as line:
        for _ in range(3):
            assert (await ask(line, server.url)).content == b"ok"
            await asyncio.sleep(0.05)


async def test_an_end_that_the_loop_has_not_seen_yet_is_seen() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    closed, served = threading.Event(), []

    def serve() -> None:
        for _ in range(2):
            connection, _ = listening.accept()
            served.append(connection.recv(65_536))
            connection.sendall(OK)
            connection.close()
            closed.set()

    thread = threading.Thread(target=serve)
    thread.start()
    async with opened() as line:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        await ask(line, url)
        closed.wait()  # the loop stands still meanwhile
        assert (await ask(line, url, "DELETE")).content == b"ok"
    thread.join()
    listening.close()
    assert len(served) == 2


@pytest.mark.parametrize("said", [b"", HEAD, OK[:-1]], ids=["at once", "inside the head", "inside the body"])
async def test_a_cancelled_request_takes_its_connection_with_it_and_leaves_its_place(said: bytes) -> None:
    async def script(line: Line) -> None:
        while "slow" not in await line.hear():
            await line.say(OK)
        await line.say(said)
        await line.reader.read()

    async with serving(script) as server, opened(limit=1) as line:
        for round_ in range(1, 4):
            server.heard.clear()
            slow = asyncio.create_task(ask(line, f"{server.url}/slow"))
            await server.heard.wait()
            await asyncio.sleep(0.01)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            assert (await ask(line, server.url)).content == b"ok"
            assert server.connections == round_ + 1


async def test_no_connection_within_the_time_is_a_timeout() -> None:
    async def script(line: Line) -> None:
        await line.hear()
        await asyncio.sleep(60)

    async with serving(script) as server, opened(limit=1) as line:
        first = asyncio.create_task(ask(line, server.url))
        await server.heard.wait()
        with pytest.raises(httpx2.ConnectTimeout):
            await ask(line, server.url, connect=0.05)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_a_closed_wire_sends_nothing() -> None:
    line = Wire(limit=1)
    await line.aclose()
    await line.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await ask(line, "http://127.0.0.1:1/")


# --- Trust and proxies ------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and its certificate for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(encoded + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def fresh_trust() -> Any:
    wire._trust.cache_clear()
    yield
    wire._trust.cache_clear()


@pytest.mark.usefixtures("fresh_trust")
@pytest.mark.parametrize("trusted", [True, False])
async def test_only_a_trusted_certificate_is_spoken_to(
    trusted: bool,  # noqa: FBT001 - a parameter of the table
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate if trusted else ""))
    async with serving(always(OK), ssl=context) as server, opened() as line:
        if trusted:
            for _ in range(2):
                assert (await ask(line, server.url)).content == b"ok"
            assert server.connections == 1
            return
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(line, server.url)
    assert server.heads == []


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
async def test_the_proxy_of_the_environment_is_asked(variable: str, no_proxies: pytest.MonkeyPatch) -> None:
    async with serving(once(OK)) as proxy, opened() as line:
        no_proxies.setenv(variable, proxy.url.replace("http://", "http://me:word@"))
        assert (await ask(line, "http://notion.test/v1/users")).content == b"ok"
    (head,) = proxy.heads
    assert head.startswith("GET http://notion.test/v1/users HTTP/1.1\r\nHost: notion.test\r\n")
    assert "Proxy-Authorization: Basic bWU6d29yZA==\r\n" in head


async def test_some_hosts_are_spoken_to_without_the_proxy(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("http_proxy", "http://127.0.0.1:1")
    no_proxies.setenv("no_proxy", "invalid,other.test:81")
    async with opened() as line:
        for url in ("http://nowhere.invalid/", "http://other.test:81/"):
            with pytest.raises(httpx2.ConnectError):
                await ask(line, url)
        with pytest.raises(httpx2.ProxyError):
            await ask(line, "http://other.test/")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "any.localhost", "[::1]"])
async def test_this_machine_is_never_behind_a_proxy(host: str, no_proxies: pytest.MonkeyPatch) -> None:
    async with serving(once(OK)) as proxy, opened() as line:
        no_proxies.setenv("all_proxy", proxy.url)
        with pytest.raises(httpx2.ConnectError):
            await ask(line, f"http://{host}:1/")
    assert proxy.heads == []


async def test_a_kind_of_proxy_that_is_not_spoken_is_named(no_proxies: pytest.MonkeyPatch) -> None:
    no_proxies.setenv("all_proxy", "socks5://me:word@127.0.0.1:1")
    async with opened() as line:
        with pytest.raises(httpx2.UnsupportedProtocol, match="names a socks5 proxy; only HTTP") as caught:
            await ask(line, "https://notion.test/")
    assert "word" not in str(caught.value)


async def test_a_proxy_that_does_not_answer_or_refuses_is_the_proxys_error(
    no_proxies: pytest.MonkeyPatch,
) -> None:
    async with opened() as line:
        no_proxies.setenv("https_proxy", "127.0.0.1:1")
        with pytest.raises(httpx2.ProxyError):
            await ask(line, "https://notion.test/")
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with serving(once(refusal)) as proxy, opened() as line:
        no_proxies.setenv("https_proxy", proxy.url)
        with pytest.raises(httpx2.ProxyError):
            await ask(line, "https://notion.test/", headers={"Authorization": "Bearer t"})
    assert [head.split("\r\n")[0] for head in proxy.heads] == ["CONNECT notion.test:443 HTTP/1.1"]
    assert "Bearer" not in proxy.heads[0]


async def test_a_netrc_does_not_replace_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with serving(once(OK)) as server, opened() as line:
        await ask(line, server.url, headers={"Authorization": "Bearer t"})
    assert "Authorization: Bearer t\r\n" in server.heads[0]


# --- The client over it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["read", "write"])
async def test_the_client_counts_what_was_sent(method: str) -> None:
    page = "38c9ce7b-60a4-81e9-b951-000b9b64e41a"
    operation = op.retrieve_page(page) if method == "read" else op.delete_block(page)
    runtime = Runtime(random=lambda: 0.0, sleep=lambda seconds: asyncio.sleep(0))
    async with (
        serving(once(OK[:-1])) as server,
        Client(
            "t", base_url=server.url, budget=Unlimited(), runtime=runtime, transport=Wire(limit=4)
        ) as notion,
    ):
        with pytest.raises(errors.ConnectionLost):
            await notion.send(operation)
        assert notion.counts.requests == len(server.heads) == (8 if method == "read" else 1)
