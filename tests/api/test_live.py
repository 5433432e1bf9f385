"""Socket.IO with python-socketio's client: by right, in order, without a gap, at every node."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import socketio
from socketio.exceptions import ConnectionError as NotConnected
from tests.api.doors import HOME, T0, Door
from tests.api.served import served

from syncline.api import live
from syncline.api.service import Service
from syncline.core.event import Event, sync_progress, sync_start
from syncline.core.permission import Role, Scope
from syncline.store import events, members

SECONDS = 60


async def log(door: Door, *happened: Event, connection_id: str = HOME) -> None:
    async with door.app.database.begin() as conn:
        await events.append(conn, connection_id, happened, now=T0)


def numbered(*numbers: int) -> list[Event]:
    return [Event("sync:progress", {"number": number}, "job") for number in numbers]


@dataclass
class Ear:
    """A client that remembers what it hears."""

    client: socketio.AsyncClient
    heard: list[tuple[str, Any]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, count: int, kind: str = "sync:progress") -> list[Any]:
        """What was heard of a kind, once that is so much."""

        async def wait() -> list[Any]:
            while len(found := [data for each, data in self.heard if each == kind]) < count:
                self.news.clear()
                await self.news.wait()
            return found

        return await asyncio.wait_for(wait(), SECONDS)

    async def numbers(self, count: int) -> list[int]:
        return [data["number"] for data in await self.until(count)]


@asynccontextmanager
async def listening(
    url: str,
    auth: Mapping[str, Any] | None,
    *,
    namespace: str = "/sync",
    transport: str = "websocket",
    **rest: Any,
) -> AsyncIterator[Ear]:
    client = socketio.AsyncClient(reconnection=False, request_timeout=SECONDS)
    ear = Ear(client)

    async def hear(kind: str, *data: Any) -> None:
        ear.heard.append((kind, data[0] if data else None))
        ear.news.set()

    client.on("*", hear, namespace=namespace)
    try:
        ways: Any = {"namespaces": [namespace], "transports": [transport], "wait_timeout": SECONDS}
        await client.connect(url, auth=auth, **ways, **rest)
        yield ear
    finally:
        # It says good-bye by WebSocket; a client that polls would wait for its last poll.
        await (client.disconnect() if transport == "websocket" else client.eio.disconnect(abort=True))


async def refusal(url: str, auth: Any) -> Any:
    """What the server says to a client that it refuses."""
    client = socketio.AsyncClient(reconnection=False, request_timeout=SECONDS)
    refusals: list[Any] = []
    client.on("connect_error", refusals.append, namespace="/sync")
    with pytest.raises(NotConnected):
        await client.connect(
            url, auth=auth, namespaces=["/sync"], transports=["websocket"], wait_timeout=SECONDS
        )
    await client.disconnect()
    return refusals[0]["data"]


async def token(door: Door, name: str) -> str:
    return (await door.signed_in(name))["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("namespace", live.NAMESPACES)
@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_member_hears_of_its_workspace_without_asking(
    door: Door, namespace: str, transport: str
) -> None:
    async with (
        served(door.service) as url,
        listening(
            url, {"token": await token(door, "viewer")}, namespace=namespace, transport=transport
        ) as ear,
    ):
        greeting = (await ear.until(1, "connected"))[0]
        await log(door, sync_start("job", sync_type="full"))
        started = (await ear.until(1, "sync:start"))[0]

    place = {"workspaceId": HOME, "notionWorkspaceId": f"notion-{HOME}"}
    assert greeting == {
        "userId": "u-viewer",
        "timestamp": "2026-11-20T12:00:00.000Z",
        "workspaces": [{**place, "workspaceName": f"Workspace {HOME}", "seq": 0}],
    }
    assert started == {
        **place,
        "jobId": "job",
        "seq": 1,
        "timestamp": "2026-11-20T12:00:00.000Z",
        "syncType": "full",
        "stage": "starting",
    }
    assert ear.heard[0][0] == "connected"


async def test_progress_has_the_shape_of_the_contract(door: Door) -> None:
    async with served(door.service) as url, listening(url, {"token": await token(door, "owner")}) as ear:
        await ear.until(1, "connected")
        await log(door, sync_progress("job", phase="content", current=45, total=100, message="Reading."))
        told = (await ear.until(1))[0]

    assert {name: told[name] for name in ("current", "total", "percentage", "phase", "message")} == {
        "current": 45,
        "total": 100,
        "percentage": 45,
        "phase": "content",
        "message": "Reading.",
    }


async def test_a_client_that_comes_back_hears_what_it_missed_and_then_the_rest_in_order(door: Door) -> None:
    auth: dict[str, Any] = {"token": await token(door, "member")}
    async with served(door.service) as url:
        async with listening(url, auth) as ear:
            await ear.until(1, "connected")
            await log(door, *numbered(1))
            last = (await ear.until(1))[0]["seq"]
        await log(door, *numbered(*range(2, 400)))
        door.time.pass_(seconds=60)
        async with listening(url, auth | {"since": {HOME: last}}) as ear:
            await log(door, *numbered(400))
            told = await ear.until(399)

    assert [one["number"] for one in told] == list(range(2, 401))
    assert [one["seq"] for one in told] == list(range(2, 401))


async def test_a_client_that_was_away_for_longer_than_the_log_reaches_is_told_so(door: Door) -> None:
    await log(door, *numbered(1, 2, 3))
    door.time.pass_(days=1)
    async with door.app.database.begin() as conn:
        await events.prune(conn, HOME, before=door.time(), limit=2)

    auth = {"token": await token(door, "member"), "since": {HOME: 1}}
    async with served(door.service) as url, listening(url, auth) as ear:
        assert await ear.numbers(1) == [3]

    assert [kind for kind, _ in ear.heard] == ["connected", "sync:reset", "sync:progress"]
    assert ear.heard[1][1] == {"workspaceId": HOME, "notionWorkspaceId": f"notion-{HOME}", "seq": 2}


async def test_an_outsider_hears_nothing_and_joins_nothing(door: Door) -> None:
    async with (
        served(door.service) as url,
        listening(url, {"token": await token(door, "outsider"), "since": {HOME: 0}}) as outsider,
        listening(url, {"token": await token(door, "viewer")}) as viewer,
    ):
        assert (await outsider.until(1, "connected"))[0]["workspaces"] == []
        await viewer.until(1, "connected")
        refused = await outsider.client.call("join:workspace", HOME, namespace="/sync")
        joined = await viewer.client.call("join:workspace", HOME, namespace="/sync")
        await log(door, *numbered(1))
        await viewer.until(1)
        await outsider.client.call("ping", namespace="/sync")

    assert refused == {"ok": False, "code": "NOT_FOUND", "message": "There is no such workspace."}
    assert joined == {"ok": True, "workspaceId": HOME}
    assert [kind for kind, _ in outsider.heard] == ["connected"]


async def test_whoever_is_removed_hears_nothing_that_happens_later(door: Door) -> None:
    async with (
        served(door.service) as url,
        listening(url, {"token": await token(door, "viewer")}) as removed,
        listening(url, {"token": await token(door, "member")}) as stays,
    ):
        await removed.until(1, "connected")
        await stays.until(1, "connected")
        await log(door, *numbered(1))
        await removed.until(1)
        async with door.app.database.begin() as conn:
            await members.remove(conn, HOME, "u-viewer")
        await log(door, *numbered(2))
        assert await stays.numbers(2) == [1, 2]
        await removed.client.call("ping", namespace="/sync")

    assert [data["number"] for kind, data in removed.heard if kind == "sync:progress"] == [1]


async def test_workspaces_that_are_left_and_joined_are_told(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_CHECK", 0.05)
    await door.workspace("c2", owner="owner")
    async with served(door.service) as url, listening(url, {"token": await token(door, "viewer")}) as ear:
        await ear.until(1, "connected")
        async with door.app.database.begin() as conn:
            await members.remove(conn, HOME, "u-viewer")
            await members.add(conn, "c2", "u-viewer", role=Role.VIEWER, now=T0)
        assert (await ear.until(1, "workspace:left"))[0] == {"workspaceId": HOME}
        assert (await ear.until(1, "workspace:joined"))[0]["workspaceId"] == "c2"
        await log(door, *numbered(1), connection_id="c2")
        assert await ear.numbers(1) == [1]


async def test_a_session_that_ends_ends_its_clients(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_CHECK", 0.05)
    headers = await door.signed_in("viewer")
    auth = {"token": headers["Authorization"].removeprefix("Bearer ")}
    async with served(door.service) as url, listening(url, auth) as ear:
        await ear.until(1, "connected")
        door.time.pass_(days=8)

        assert (await ear.until(1, "disconnecting"))[0]["code"] == "TOKEN_INVALID"
        await asyncio.wait_for(ear.client.wait(), SECONDS)


async def test_a_client_outlives_the_access_token_that_it_came_with(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_CHECK", 0.05)
    async with served(door.service) as url, listening(url, {"token": await token(door, "viewer")}) as ear:
        await ear.until(1, "connected")
        door.time.pass_(hours=1)
        await asyncio.sleep(0.2)
        await log(door, *numbered(1))

        assert await ear.numbers(1) == [1]


async def test_a_key_hears_of_the_workspaces_that_it_is_limited_to(door: Door) -> None:
    await door.workspace("c2", owner="owner")
    limited = (await door.key("owner", Scope.READ, workspaces=("c2",)))["Authorization"].removeprefix(
        "Bearer "
    )
    async with served(door.service) as url, listening(url, {"token": limited}) as ear:
        known = (await ear.until(1, "connected"))[0]["workspaces"]

    assert [one["workspaceId"] for one in known] == ["c2"]


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        (None, "AUTH_REQUIRED"),
        ({"token": ""}, "AUTH_REQUIRED"),
        ({"token": 7}, "AUTH_REQUIRED"),
        ({"token": "forged"}, "TOKEN_INVALID"),
        ({"token": "slk_forged"}, "TOKEN_INVALID"),
        ({"token": "forged", "since": {HOME: -1}}, "VALIDATION_ERROR"),
        ({"token": "forged", "since": [1]}, "VALIDATION_ERROR"),
        ({"token": "forged", "since": {HOME: True}}, "VALIDATION_ERROR"),
        ({"token": "forged", "since": {HOME: 2**63}}, "VALIDATION_ERROR"),
    ],
)
async def test_who_cannot_say_who_it_is_is_refused_with_a_code(door: Door, auth: Any, code: str) -> None:
    async with served(door.service) as url:
        assert await refusal(url, auth) == {"code": code}


async def test_a_token_in_the_url_is_refused(door: Door) -> None:
    async with served(door.service) as url:
        assert await refusal(f"{url}?token={await token(door, 'viewer')}", None) == {"code": "AUTH_REQUIRED"}


async def test_a_browser_s_cookie_counts_and_a_foreign_page_s_does_not(door: Door) -> None:
    cookie = {"Cookie": f"syncline_access={await token(door, 'viewer')}"}
    async with served(door.service) as url:
        async with listening(url, None, headers=cookie | {"Origin": url}) as ear:
            await ear.until(1, "connected")
        client = socketio.AsyncClient(reconnection=False, request_timeout=SECONDS)
        with pytest.raises(NotConnected):
            await client.connect(
                url,
                headers=cookie | {"Origin": "https://evil.test"},
                namespaces=["/sync"],
                transports=["websocket"],
                wait_timeout=SECONDS,
            )
        await client.disconnect()


async def test_a_client_whose_connection_takes_little_at_a_time_misses_nothing(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_WINDOW", 4)
    async with (
        served(door.service) as url,
        listening(url, {"token": await token(door, "viewer")}, transport="polling") as ear,
    ):
        await ear.until(1, "connected")
        await log(door, *numbered(*range(120)))

        assert await ear.numbers(120) == list(range(120))


async def test_a_client_of_another_node_hears_the_same_once(door: Door) -> None:
    auth = {"token": await token(door, "member")}
    async with (
        Service.open(door.app) as other,
        served(door.service) as here,
        served(other) as there,
        listening(here, auth) as one,
        listening(there, auth) as two,
    ):
        await one.until(1, "connected")
        await two.until(1, "connected")
        for number in range(20):
            await log(door, *numbered(number))

        assert await one.numbers(20) == await two.numbers(20) == list(range(20))
