"""The Python client against the service: records, changes and events as they come, and errors as classes."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.api.doors import HOME, T0, Door, opened
from tests.api.served import served
from tests.store.samples import page, record

from syncline import client as module
from syncline.api.errors import TABLE
from syncline.api.records import encode
from syncline.app import App
from syncline.client import ERRORS, Record, Syncline
from syncline.core.errors import (
    BadInput,
    Busy,
    Denied,
    Forged,
    Gone,
    NotFound,
    Stop,
    SynclineError,
    TooSoon,
    Unreachable,
)
from syncline.core.event import Event
from syncline.core.model import Deletion, Kind
from syncline.core.permission import Scope
from syncline.settings import Settings
from syncline.store import changes, events, records

DOCS = Path(__file__).parents[1] / "docs"


@pytest_asyncio.fixture
async def door(tmp_path: Path, sqlite_path: Path) -> AsyncIterator[Door]:
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(f"sqlite:///{sqlite_path}"))
    async with App.open(settings) as app, opened(app) as door:
        await door.user("owner", owner=True)
        await door.workspace(HOME, owner="owner", viewer="viewer")
        yield door


@pytest_asyncio.fixture
async def syncline(door: Door) -> AsyncIterator[Syncline]:
    """A client with a key of the workspace's owner."""
    key = (await door.key("owner", Scope.ADMIN))["Authorization"].removeprefix("Bearer ")
    async with served(door.service) as url, Syncline(url, key) as syncline:
        yield syncline


async def stored(door: Door, *keys: str, value: int = 1) -> None:
    async with door.app.database.begin() as conn:
        found = [page(key, {"id": key, "v": value}, title=key.upper()) for key in keys]
        await records.upsert(conn, HOME, found, run_id=None, now=T0)


async def test_records_are_all_that_changed_and_the_cursor_is_where_to_go_on(
    door: Door, syncline: Syncline
) -> None:
    await stored(door, "a", "b")

    stream = syncline.records()
    found = [one async for one in stream]

    assert [(one.id, one.title, one.last_action, one.data["v"]) for one in found] == [
        ("a", "A", "added", 1),
        ("b", "B", "added", 1),
    ]
    assert found[0].first_seen_at == T0
    await stored(door, "a", value=2)
    assert [one.id async for one in syncline.records(stream.cursor)] == ["a"]


async def test_records_are_filtered_by_the_service(door: Door, syncline: Syncline) -> None:
    await stored(door, "a", "b", "c")
    async with door.app.database.begin() as conn:
        await records.upsert(conn, HOME, [record(Kind.USER, "u")], run_id=None, now=T0 + timedelta(hours=1))
        await records.delete(
            conn, HOME, [(Kind.PAGE, "b")], reason=Deletion.TRASHED, now=T0 + timedelta(hours=1)
        )

    assert [one.id async for one in syncline.records(actions=["deleted"])] == ["b"]
    assert [one.id async for one in syncline.records(kinds=["user"], streams=["users", "pages"])] == ["u"]
    assert [one.id async for one in syncline.records(ids=["a", "u"])] == ["a", "u"]
    assert [one.id async for one in syncline.records(modified_after=T0)] == ["u", "b"]


async def test_changes_go_on_as_they_come(door: Door, syncline: Syncline) -> None:
    await stored(door, "a", "b")
    following = syncline.changes(every=0.01)

    seen = [(await anext(following)).id for _ in range(2)]
    await stored(door, "b", value=2)
    seen.append((await asyncio.wait_for(anext(following), 60)).id)
    await following.aclose()

    assert seen == ["a", "b", "b"]


async def test_a_stream_of_records_that_breaks_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DELAYS", (0.0, 0.0))
    lines = [Record.model_validate(shown(name)).model_dump_json(by_alias=True) + "\n" for name in "abc"]
    asked: list[str | None] = []

    class Breaking(httpx2.AsyncByteStream):
        """Two lines, and then the connection is gone."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield "".join(lines[:2]).encode()
            raise httpx2.ReadError("gone")

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.params.get("cursor"))
        if len(asked) == 1:
            return httpx2.Response(200, stream=Breaking())
        return httpx2.Response(200, text=lines[2], headers={"X-Next-Cursor": "end"})

    async with Syncline("http://x.test", "k", transport=httpx2.MockTransport(answer)) as syncline:
        stream = syncline.records()
        assert [one.id async for one in stream] == ["a", "b", "c"]

    assert asked == [None, "behind b"]
    assert stream.cursor == "end"


def shown(name: str) -> dict[str, object]:
    blank = dict.fromkeys(["parentId", "editedAt", "contentHash", "deletedAt", "deletion", "prunedAt"])
    return blank | {
        "id": name, "kind": "page", "stream": "pages", "title": "", "firstSeenAt": T0, "lastModifiedAt": T0,
        "lastAction": "added", "cursor": f"behind {name}", "data": {},
    }  # fmt: skip


async def test_a_service_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DELAYS", (0.0, 0.0))
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        raise httpx2.ConnectError("refused")

    async with Syncline("http://x.test", "k", transport=httpx2.MockTransport(answer)) as syncline:
        with pytest.raises(Unreachable, match="refused"):
            await anext(aiter(syncline.records()))
        with pytest.raises(Unreachable):
            await syncline.workspaces()

    assert len(asked) == 4


async def test_events_are_told_behind_a_number_and_as_they_happen(door: Door, syncline: Syncline) -> None:
    async def log(number: int) -> None:
        async with door.app.database.begin() as conn:
            await events.append(conn, HOME, [Event("sync:progress", {"current": number}, "job")], now=T0)

    await log(1)
    await log(2)
    told = syncline.events(since=1)

    first = await asyncio.wait_for(anext(told), 60)
    await log(3)
    second = await asyncio.wait_for(anext(told), 60)
    await told.aclose()

    assert (first.kind, first.workspace_id, first.seq, first.data["current"]) == ("sync:progress", HOME, 2, 2)
    assert (second.seq, second.data["jobId"]) == (3, "job")


async def test_syncs_are_started_once_shown_and_cancelled(door: Door, syncline: Syncline) -> None:
    job = await syncline.sync("full")
    with pytest.raises(Busy):
        await syncline.sync()

    status = await syncline.sync_status()
    await syncline.cancel()

    assert (job.status, job.sync_type) == ("queued", "full")
    assert status["currentSync"]["jobId"] == job.job_id
    assert (await syncline.sync_status())["currentSync"] is None


async def test_workspaces_documents_and_what_is_found_in_them(door: Door, syncline: Syncline) -> None:
    await stored(door, *(f"p{number:03}" for number in range(120)))

    assert [(one.id, one.my_role) for one in await syncline.workspaces()] == [(HOME, "owner")]
    assert {one.title async for one in syncline.sources()} == {f"P{number:03}" for number in range(120)}
    assert [one.title async for one in syncline.sources(search="p007")] == ["P007"]
    assert await syncline.search("nothing") == []


async def test_what_the_service_refuses_is_raised_as_what_it_is(door: Door) -> None:
    await stored(door, "a", "b")
    async with door.app.database.begin() as conn:
        await records.delete(conn, HOME, [(Kind.PAGE, "b")], reason=Deletion.TRASHED, now=T0)
        await changes.forget(conn, HOME, before=T0 + timedelta(1), limit=10)
    reader = (await door.key("viewer", Scope.READ))["Authorization"].removeprefix("Bearer ")

    async with served(door.service) as url:
        async with Syncline(url, reader) as syncline:
            first = await anext(aiter(syncline.records()))
            with pytest.raises(Gone):
                await anext(aiter(syncline.records(first.cursor)))
            with pytest.raises(BadInput) as wrong:
                await anext(aiter(syncline.records("!")))
            with pytest.raises(Denied):
                await syncline.sync()
        async with Syncline(url, "slk_forged") as syncline:
            with pytest.raises(Forged):
                await syncline.workspaces()
        async with Syncline(url, reader, workspace="elsewhere") as syncline:
            with pytest.raises(NotFound):
                await syncline.sync_status()
        async with Syncline(f"{url}/nowhere", reader) as syncline:
            with pytest.raises(SynclineError):
                await syncline.workspaces()

    assert wrong.value.details == {"field": "cursor"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.Response(502, text="<html>Bad Gateway</html>"), Unreachable),
        (
            httpx2.Response(500, json={"message": "m", "error": {"code": "INTERNAL_ERROR", "details": {}}}),
            Unreachable,
        ),
        (httpx2.Response(409, json={"message": "m", "error": {"code": "NEW_CODE", "details": {}}}), Stop),
        (
            httpx2.Response(
                429,
                json={"message": "m", "error": {"code": "RATE_LIMIT_EXCEEDED", "details": {}}},
                headers={"Retry-After": "7"},
            ),
            TooSoon,
        ),
    ],
)
async def test_other_answers_say_whether_it_may_work_later(
    answer: httpx2.Response, error: type[SynclineError]
) -> None:
    async with Syncline("http://x.test", "k", transport=httpx2.MockTransport(lambda _: answer)) as syncline:
        with pytest.raises(error) as caught:
            await syncline.workspaces()

    if isinstance(caught.value, TooSoon):
        assert caught.value.seconds == 7


@asynccontextmanager
async def shown_program(page: str, folder: Path, url: str, key: str) -> AsyncIterator[asyncio.StreamReader]:
    """What the Python program of a page prints."""
    text = (DOCS / "howto" / page).read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    environment = os.environ | {"SYNCLINE_URL": url, "SYNCLINE_KEY": key}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", block, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        await process.communicate()


async def test_the_program_that_follows_records_goes_on_where_it_was(door: Door, tmp_path: Path) -> None:
    await stored(door, "a", "b", "c")
    key = (await door.key("viewer", Scope.READ))["Authorization"].removeprefix("Bearer ")

    async with served(door.service) as url:
        async with shown_program("records.md", tmp_path, url, key) as printed:
            lines = [await asyncio.wait_for(printed.readline(), 60) for _ in range(3)]
        await stored(door, "b", value=2)
        (tmp_path / "cursor").write_text(encode(HOME, 3))  # it may have been killed before it wrote that
        async with shown_program("records.md", tmp_path, url, key) as printed:
            lines.append(await asyncio.wait_for(printed.readline(), 60))

    assert lines == [b"added page A\n", b"added page B\n", b"added page C\n", b"updated page B\n"]


async def test_the_program_that_follows_events_prints_them(door: Door, tmp_path: Path) -> None:
    key = (await door.key("viewer", Scope.READ))["Authorization"].removeprefix("Bearer ")

    async with served(door.service) as url, shown_program("realtime.md", tmp_path, url, key) as printed:
        line = b""
        for number in range(200):  # it hears of what happens after it has connected
            async with door.app.database.begin() as conn:
                await events.append(conn, HOME, [Event("sync:progress", {"current": number})], now=T0)
            with suppress(TimeoutError):
                line = await asyncio.wait_for(printed.readline(), 0.3)
                break

    assert line.startswith(b"sync:progress ")


def test_every_class_that_has_a_code_of_its_own_is_known() -> None:
    codes = {code.code for code in TABLE.values()}

    assert ERRORS.keys() <= codes
    for name, kind in ERRORS.items():
        assert name == TABLE[kind].code
