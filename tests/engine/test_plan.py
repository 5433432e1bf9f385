"""A dry run says what the pull would read, and changes nothing."""

from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select
from tests.engine.remembering import HOME, Remembering

from syncline.core.errors import BadInput, NotFound, SynclineError
from syncline.core.model import Fidelity, Kind, Mode
from syncline.engine.begin import Request
from syncline.engine.plan import Plan, plan
from syncline.store.database import Database
from syncline.store.schema import metadata


@pytest_asyncio.fixture
async def home(sqlite_database: Database) -> Remembering:
    """Six pages, two of them below another, and a data source with three rows."""
    home = Remembering(sqlite_database)
    await home.connect()
    for number in range(4):
        home.write(f"p{number}", f"text {number}")
    home.write("child", "below", parent="p0")
    home.write("grandchild", "deep", parent="child")
    home.source.put(Kind.DATA_SOURCE, "d", stream="data_sources", parent="p1", title="Rows")
    for number in range(3):
        home.source.put(Kind.PAGE, f"r{number}", stream="d", parent="d", title=f"row {number}")
    home.pass_time(hours=1)
    return home


async def planned(home: Remembering, request: Request | None = None) -> Plan:
    return await plan(
        database=home.database, source=home.source, connection_id=HOME, request=request or Request()
    )


async def everything(home: Remembering) -> dict[str, list[Any]]:
    """All rows of all tables."""
    async with home.database.read() as conn:
        return {
            name: sorted(map(repr, await conn.execute(select(table))))
            for name, table in metadata.tables.items()
        }


REQUESTS = [
    Request(),
    Request(fidelity=Fidelity.MARKDOWN),
    Request(fidelity=Fidelity.PROPERTIES),
    Request(comments=True),
    Request(pages=("p0", "p1")),
    Request(roots=("p0",)),
    Request(roots=("p1",)),
    Request(roots=("d",)),
    Request(mode=Mode.FULL),
    Request(mode=Mode.RECONCILE),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: repr(one)[8:60])
@pytest.mark.parametrize("state", ["empty", "pulled", "edited"])
async def test_a_dry_run_tells_the_requests_of_the_pull_that_follows(
    home: Remembering, request_: Request, state: str
) -> None:
    """Here no listing breaks off early and no content is nested, so the number is exact but for looking up a root."""
    if state != "empty":
        await home.pull()
        home.pass_time(hours=1)
    if state == "edited":
        home.write("p2", "another text")
        home.write("r9", "new row")
        home.pass_time(minutes=5)
    home.source.spent = 0
    made = await planned(home, request_)
    assert made.spent <= home.source.spent
    looked_up = len((*request_.pages, *request_.roots))
    extraction = await home.start(request_)
    assert extraction._pull.policy.mode is made.mode
    progress = await extraction.advance(60)
    assert made.requests - looked_up == progress.requests["made"]
    assert made.pages["seen"] == progress.pages["seen"]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: repr(one)[8:60])
async def test_a_dry_run_writes_nothing(home: Remembering, request_: Request) -> None:
    await home.pull()
    home.pass_time(hours=1)
    home.write("p2", "another text")
    before = await everything(home)
    assert before["records"]
    await planned(home, request_)
    assert await everything(home) == before


async def test_a_dry_run_says_why_pages_would_be_read(home: Remembering) -> None:
    assert (await planned(home)).pages == {"seen": 9, "to_read": 9, "new": 9}
    await home.pull()
    home.pass_time(hours=1)
    home.write("p2", "another text")
    home.write("p9", "new")
    told = (await planned(home)).pages
    assert {name: told[name] for name in ("to_read", "new", "edited")} == {
        "to_read": 2,
        "new": 1,
        "edited": 1,
    }
    assert (await planned(home, Request(pages=("p1",)))).pages == {"seen": 1, "to_read": 1, "asked": 1}


async def test_a_dry_run_of_a_subtree_counts_nothing_outside_it(home: Remembering) -> None:
    assert set((await planned(home, Request(roots=("p0",)))).reasons) == {"p0", "child", "grandchild"}
    assert set((await planned(home, Request(roots=("d",)))).reasons) == {"r0", "r1", "r2"}


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (Request(pages=("nowhere",)), NotFound),
        (Request(roots=("nowhere",)), NotFound),
        (Request(pages=("p0",), roots=("p1",)), BadInput),
        (Request(roots=("p0",), fidelity=Fidelity.PROPERTIES), BadInput),
    ],
)
async def test_what_cannot_be_pulled_cannot_be_planned(
    home: Remembering, request_: Request, error: type[SynclineError]
) -> None:
    with pytest.raises(error):
        await planned(home, request_)
