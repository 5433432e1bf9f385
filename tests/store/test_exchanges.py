"""The log of exchanges: filtered, followed and forgotten."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncline.store import exchanges
from syncline.store.database import Database
from syncline.store.exchanges import Exchange, Filter

T0 = datetime(2026, 11, 20, 12, tzinfo=UTC)
BASE = Exchange(
    id=1,
    connection_id="c1",
    run_id="r1",
    at=T0,
    operation="pages.retrieve",
    method="GET",
    path="/v1/pages/abc",
    attempt=1,
    lane="backfill",
    seconds=0.2,
    status=200,
    request_id="req-1",
    code=None,
    message=None,
)
TOLD = [
    BASE,
    replace(
        BASE,
        id=2,
        at=T0 + timedelta(minutes=1),
        status=404,
        code="object_not_found",
        message="Not there: 100%",
    ),
    replace(
        BASE,
        id=3,
        at=T0 + timedelta(minutes=2),
        run_id="r2",
        operation="search",
        method="POST",
        path="/v1/search",
    ),
    replace(
        BASE,
        id=4,
        at=T0 + timedelta(minutes=3),
        connection_id="c2",
        status=None,
        code=None,
        message="No answer.",
    ),
    replace(BASE, id=5, at=T0 + timedelta(minutes=4), status=429, code="rate_limited", message="Slow down."),
]


@pytest.fixture
async def told(database: Database) -> Database:
    async with database.begin() as conn:
        await exchanges.append(conn, TOLD)
    return database


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Filter(), [5, 4, 3, 2, 1]),
        (Filter(connection_ids=["c1"]), [5, 3, 2, 1]),
        (Filter(connection_ids=[]), []),
        (Filter(run_id="r2"), [3]),
        (Filter(operation="search"), [3]),
        (Filter(status="404"), [2]),
        (Filter(status="4xx"), [5, 2]),
        (Filter(status="error"), [5, 4, 2]),
        (Filter(text="SEARCH"), [3]),
        (Filter(text="100%"), [2]),
        (Filter(text="%"), [2]),
        (Filter(text="req-1"), [5, 4, 3, 2, 1]),
        (Filter(text="'; DROP TABLE exchanges; --"), []),
        (Filter(since=T0 + timedelta(minutes=3)), [5, 4]),
        (Filter(until=T0 + timedelta(minutes=1)), [1]),
    ],
)
async def test_a_filter_finds(told: Database, wanted: Filter, ids: list[int]) -> None:
    async with told.read() as conn:
        assert [one.id for one in await exchanges.listing(conn, wanted, limit=10)] == ids


async def test_pages_meet_without_a_gap(told: Database) -> None:
    async with told.read() as conn:
        first = await exchanges.listing(conn, Filter(), limit=2)
        second = await exchanges.listing(conn, Filter(), limit=2, before=first[-1].id)
        behind = await exchanges.listing(conn, Filter(), limit=2, after=2)
    assert [one.id for one in (*first, *second)] == [5, 4, 3, 2]
    assert [one.id for one in behind] == [3, 4]


async def test_the_same_is_kept_once_and_the_old_is_forgotten(told: Database) -> None:
    async with told.begin() as conn:
        await exchanges.append(conn, TOLD[:2])
        assert await exchanges.prune(conn, before=T0 + timedelta(minutes=2)) == 2
    async with told.read() as conn:
        assert [one.id for one in await exchanges.listing(conn, Filter(), limit=10)] == [5, 4, 3]


async def test_bodies_are_read_with_one_exchange_alone(told: Database) -> None:
    async with told.begin() as conn:
        await exchanges.append(conn, [replace(BASE, id=9, sent={"query": "x"}, answer={"results": [1]})])
    async with told.read() as conn:
        assert (await exchanges.listing(conn, Filter(), limit=1))[0].sent is None
        assert (await exchanges.one(conn, 9)).answer == {"results": [1]}
