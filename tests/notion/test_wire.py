"""The wire against servers that misbehave: scripts over real sockets, which remember what they were asked."""

import asyncio
import gzip
import socket
import threading
from typing import Any

import httpx2
import pytest
from tests.notion.scripted import CHUNKED, HEAD, OK, Line, always, ask, once, opened, serving

from notion_emulator.emulator import Emulator
from notion_emulator.server import ServerThread
from syncline.notion import errors
from syncline.notion import operations as op
from syncline.notion.budget import Unlimited
from syncline.notion.client import Client, Runtime
from syncline.notion.sansio import Operation
from syncline.notion.wire import ENCODINGS, Wire

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


# --- The client over it -----------------------------------------------------------------------------------------


PATIENT = Runtime(random=lambda: 0.0, sleep=lambda seconds: asyncio.sleep(0))
ID = "38c9ce7b-60a4-81e9-b951-000b9b64e41a"


@pytest.mark.parametrize(
    ("operation", "times"), [(op.retrieve_page(ID), 8), (op.delete_block(ID), 1)], ids=["read", "write"]
)
async def test_the_client_counts_what_was_sent(operation: Operation[Any], times: int) -> None:
    async with (
        serving(once(OK[:-1])) as server,
        Client("t", base_url=server.url, budget=Unlimited(), runtime=PATIENT) as notion,
    ):
        with pytest.raises(errors.ConnectionLost):
            await notion.send(operation)
        assert notion.counts.requests == len(server.heads) == times


async def test_the_client_speaks_over_it_with_the_emulator() -> None:
    with ServerThread(Emulator()) as server:
        emulator = server.emulator
        async with Client(emulator.token, base_url=server.url, budget=Unlimited(), runtime=PATIENT) as notion:
            parent = {"type": "page_id", "page_id": emulator.root_page_id}
            pages = [
                await notion.send(
                    op.create_page(parent=parent, properties=title(f"page {number} é\U0001f600"))
                )
                for number in range(30)
            ]
            read = await asyncio.gather(*(notion.send(op.retrieve_page(page["id"])) for page in pages))
            assert [page["properties"] for page in read] == [page["properties"] for page in pages]
            listed = [
                block["id"]
                async for listing in notion.pages(op.list_block_children(emulator.root_page_id, page_size=7))
                for block in listing["results"]
            ]
            assert listed == [page["id"] for page in pages]
            with pytest.raises(errors.NotFound):
                await notion.send(op.retrieve_page(ID))
            emulator.faults.add("reset", count=1)
            assert (await notion.send(op.retrieve_me()))["object"] == "user"
            assert notion.counts.requests == len(emulator.requests)


def title(text: str) -> dict[str, Any]:
    return {"title": {"title": [{"type": "text", "text": {"content": text}}]}}
