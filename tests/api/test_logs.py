"""The log and the runs at the door: filtered, paged, and of the caller's own workspace alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.api.doors import HOME, T0, Door
from tests.store.test_exchanges import BASE

from syncline.core.model import Fidelity, Mode
from syncline.store import exchanges, runs

TOLD = [
    replace(
        BASE,
        id=10**18 + number,
        connection_id=HOME,
        at=T0 + timedelta(minutes=number),
        status=status,
        message=None if status == 200 else "Wrong.",
        code=None if status == 200 else "validation_error",
    )
    for number, status in enumerate([200, 404, 200, 500])
]


async def log(door: Door, query: str = "", *, who: str = "member") -> tuple[int, list[int]]:
    status, told = await door.ask("GET", f"/logs{query}", headers=await door.signed_in(who))
    return status, [int(one["id"]) - 10**18 for one in told["data"]["logs"]] if status == 200 else []


@pytest.fixture
async def logged(door: Door) -> Door:
    await door.workspace("c2", owner="stranger")
    async with door.app.database.begin() as conn:
        await exchanges.append(conn, TOLD)
        await exchanges.append(conn, [replace(TOLD[0], id=7, connection_id="c2", sent={"a": 1})])
    return door


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [3, 2, 1, 0]),
        ("?status=error", [3, 1]),
        ("?status=4xx", [1]),
        ("?search=WRONG", [3, 1]),
        ("?runId=r1&limit=2", [3, 2]),
        (f"?cursor={10**18 + 2}", [1, 0]),
        ("?since=2026-11-20T12:02:00Z", [3, 2]),
        ("?until=2026-11-20T14:01:00%2B02:00", [0]),
    ],
)
async def test_requests_are_found(logged: Door, query: str, ids: list[int]) -> None:
    assert await log(logged, query) == (200, ids)


@pytest.mark.parametrize(
    "query", ["?status=many", "?cursor=x", "?limit=0", "?since=2026-11-20T12:02:00", "?nonsense=1"]
)
async def test_a_wrong_filter_is_refused(logged: Door, query: str) -> None:
    assert (await log(logged, query))[0] == 400


async def test_one_request_comes_as_a_command_of_curl(logged: Door) -> None:
    status, told = await logged.ask("GET", f"/logs/{10**18}", headers=await logged.signed_in("member"))
    assert status == 200
    assert told["data"]["curl"].startswith("curl -X GET http://notion.test/v1/pages/abc")
    assert "ntn_x" not in str(told)


async def test_the_request_of_another_workspace_is_not_found(logged: Door) -> None:
    for path in ("/logs/7", "/logs/8"):
        assert (await logged.ask("GET", path, headers=await logged.signed_in("member")))[0] == 404


async def test_the_log_is_not_for_viewers(logged: Door) -> None:
    assert (await log(logged, who="viewer"))[0] == 403


async def test_runs_of_every_kind_are_listed_in_pages(logged: Door) -> None:
    async with logged.app.database.begin() as conn:
        for number, kind in enumerate(["pull", "refresh", "pull"]):
            await runs.queue(
                conn,
                HOME,
                run_id=f"r{number}",
                kind=kind,
                slot=f"s{number}",
                requested_by="test",
                mode=Mode.FULL,
                fidelity=Fidelity.BLOCKS,
                now=T0 + timedelta(seconds=number),
            )
    viewer = await logged.signed_in("viewer")
    _, first = await logged.ask("GET", "/operations?limit=2", headers=viewer)
    cursor = first["data"]["nextCursor"].replace("+", "%2B")
    _, second = await logged.ask("GET", f"/operations?limit=2&cursor={cursor}", headers=viewer)
    assert [one["id"] for told in (first, second) for one in told["data"]["operations"]] == ["r2", "r1", "r0"]
    _, of_kind = await logged.ask("GET", "/operations?kind=refresh", headers=viewer)
    assert [one["id"] for one in of_kind["data"]["operations"]] == ["r1"]
    assert (await logged.ask("GET", "/operations?cursor=x", headers=viewer))[0] == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/logs/9999999999999999999", 400),
        ("/logs?cursor=9999999999999999999", 400),
        ("/notion/events?since=99999999999999999999&wait=0", 400),
        ("/webhooks/endpoints/e/deliveries?cursor=999999999999999999", 404),
    ],
)
async def test_a_number_that_no_database_holds_is_refused(door: Door, path: str, status: int) -> None:
    assert (await door.ask("GET", path, headers=await door.signed_in("admin")))[0] == status


async def test_half_a_character_in_a_body_is_shown(door: Door) -> None:
    told = replace(
        BASE, id=10**18, connection_id=HOME, at=T0, answer={"title": "half \ud83d"}, sent={"query": "\ud83d"}
    )
    async with door.app.database.begin() as conn:
        await exchanges.append(conn, [told])
    status, shown = await door.ask("GET", f"/logs/{told.id}", headers=await door.signed_in("admin"))
    assert (status, shown["data"]["answer"]["title"][:5]) == (200, "half ")
