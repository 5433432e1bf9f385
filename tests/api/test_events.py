"""Server-sent events: the same messages as Socket.IO, from a position on, as long as the caller may hear them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import event
from tests.api.doors import HOME, T0, Door
from tests.api.served import served

from syncline.api import events as module
from syncline.core.event import Event, sync_start
from syncline.store import events, members

PATH = "/api/v1/notion/events"


@dataclass
class Stream:
    """What a stream says, one message at a time."""

    lines: AsyncIterator[str]

    async def fields(self) -> dict[str, str]:
        """The fields of the next message; comments and what sets the time of reconnection are none."""

        async def read() -> dict[str, str]:
            found: dict[str, str] = {}
            async for line in self.lines:
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    found[name] = value
                elif not line and "data" in found:
                    return found
                elif not line:
                    found = {}
            raise EOFError

        return await asyncio.wait_for(read(), 60)

    async def numbers(self, count: int) -> list[int]:
        return [json.loads((await self.fields())["data"])["number"] for _ in range(count)]


@asynccontextmanager
async def streaming(
    url: str, headers: Mapping[str, str], params: Mapping[str, Any] | None = None
) -> AsyncIterator[Stream]:
    async with (
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=60) as http,
        http.stream("GET", PATH, params=params) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        yield Stream(lines)


async def log(door: Door, *numbers: int) -> None:
    async with door.app.database.begin() as conn:
        await events.append(conn, HOME, [Event("test:number", {"number": one}) for one in numbers], now=T0)


async def test_an_event_has_its_number_kind_and_message(door: Door) -> None:
    async with served(door.service) as url, streaming(url, await door.signed_in("viewer")) as stream:
        async with door.app.database.begin() as conn:
            await events.append(conn, HOME, [sync_start("job", sync_type="full")], now=T0)
        told = await stream.fields()

    assert (told["id"], told["event"]) == ("1", "sync:start")
    assert json.loads(told["data"]) == {
        "workspaceId": HOME,
        "notionWorkspaceId": f"notion-{HOME}",
        "jobId": "job",
        "seq": 1,
        "timestamp": "2026-11-20T12:00:00.000Z",
        "syncType": "full",
        "stage": "starting",
    }


@pytest.mark.parametrize("way", ["header", "query"])
async def test_a_stream_goes_on_behind_the_last_event_that_was_heard(door: Door, way: str) -> None:
    await log(door, *range(1, 301))
    headers = await door.signed_in("viewer")
    place = ({"Last-Event-ID": "7"}, None) if way == "header" else ({}, {"since": 7})

    async with served(door.service) as url, streaming(url, headers | place[0], place[1]) as stream:
        await log(door, 301)
        assert await stream.numbers(294) == list(range(8, 302))


async def test_a_stream_without_a_position_tells_of_what_happens_from_now_on(door: Door) -> None:
    await log(door, 1)

    async with served(door.service) as url, streaming(url, await door.signed_in("viewer")) as stream:
        await log(door, 2)
        assert await stream.numbers(1) == [2]


async def test_a_position_that_the_log_holds_no_more_is_said_to_be_reset(door: Door) -> None:
    await log(door, 1, 2)
    async with door.app.database.begin() as conn:
        await events.prune(conn, HOME, before=T0 + timedelta(1), limit=1)

    headers = await door.signed_in("viewer") | {"Last-Event-ID": "0"}
    async with served(door.service) as url, streaming(url, headers) as stream:
        reset, first = await stream.fields(), await stream.fields()

    assert (reset["event"], reset["id"], first["id"]) == ("sync:reset", "1", "2")


async def test_a_stream_ends_when_its_caller_is_removed(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHECK", 0.05)
    async with served(door.service) as url, streaming(url, await door.signed_in("viewer")) as stream:
        async with door.app.database.begin() as conn:
            await members.remove(conn, HOME, "u-viewer")
        await log(door, 1)

        with pytest.raises(EOFError):
            await stream.fields()


async def test_a_stream_ends_when_the_session_does(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHECK", 0.05)
    async with served(door.service) as url, streaming(url, await door.signed_in("viewer")) as stream:
        door.time.pass_(days=8)

        with pytest.raises(EOFError):
            await stream.fields()


async def test_a_stream_ends_when_the_node_stops(door: Door) -> None:
    async with served(door.service) as url, streaming(url, await door.signed_in("viewer")) as stream:
        door.service.feed.close()

        with pytest.raises(EOFError):
            await stream.fields()


async def test_a_stream_that_is_to_wait_so_long_ends_after_it(door: Door) -> None:
    await log(door, 1, 2)
    headers = await door.signed_in("viewer")
    answer = await door.http.get(PATH, headers=headers, params={"since": 0, "wait": 0.2})

    assert answer.text.count("event: test:number") == 2


async def test_a_silent_stream_beats(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHECK", 0.05)
    answer = await door.http.get(PATH, headers=await door.signed_in("viewer"), params={"wait": 0.15})

    assert ": still here\n\n" in answer.text


async def test_an_outsider_is_told_that_there_is_no_such_workspace(door: Door) -> None:
    headers = await door.signed_in("outsider")

    assert (await door.ask("GET", "/notion/events", headers=headers, params={"workspaceId": HOME}))[0] == 404


@pytest.mark.parametrize("path", [f"{PATH}?since=0", "/api/v1/records"])
async def test_clients_that_hang_up_break_no_connection_to_the_store(
    door: Door, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken: list[str] = []
    pool = door.app.database._reader.sync_engine.pool  # nothing public tells of it
    for what in ("invalidate", "close"):
        event.listen(pool, what, lambda *_, what=what: broken.append(what))
    headers = await door.signed_in("viewer") | {"Accept": "application/x-ndjson", "Host": "localhost"}
    request = f"GET {path} HTTP/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in headers.items())

    async def hang_up(after: float) -> None:
        _, writer = await asyncio.open_connection(*where)
        writer.write(f"{request}\r\n".encode())
        await asyncio.sleep(after)
        writer.transport.abort()

    async with served(door.service) as url:
        where = ("127.0.0.1", int(url.rpartition(":")[2]))
        for number in range(15):
            await log(door, number)
            await asyncio.gather(*(hang_up((number + 15 * one) / 1000) for one in range(6)))
        await log(door, 1)

    assert broken == []
    assert "Task was destroyed" not in caplog.text
