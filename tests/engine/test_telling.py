"""What the event log is told of a pull: each page that was read, how far it is, how the connection stands."""

from typing import Any

import pytest
from tests.engine.pulling import HOME, Make, Pulling
from tests.store.samples import T0

from syncline.core.event import PageStatus
from syncline.core.model import Action, Fidelity, Mode
from syncline.engine import extract
from syncline.engine.begin import Request
from syncline.engine.telling import tell_pages, tell_status
from syncline.store import events, runs
from syncline.store.events import Logged


async def told(pulling: Pulling, kind: str, *, after: int = 0) -> list[Logged]:
    async with pulling.database.read() as conn:
        found = await events.since(conn, HOME, after, 10_000)
    return [one for one in found if one.kind == kind]


async def head(pulling: Pulling) -> int:
    async with pulling.database.read() as conn:
        return (await events.heads(conn, [HOME]))[HOME]


def statuses(found: list[Logged]) -> dict[str, str]:
    assert len({one.data["pageId"] for one in found}) == len(found), "each page is told once"
    return {one.data["pageId"]: one.data["status"] for one in found}


async def test_each_page_is_told_once_its_content_was_read(make: Make) -> None:
    pulling = await make(pages=6, rows=4, blocks=60)
    await pulling.pull()
    pages = await pulling.pages()

    found = await told(pulling, "sync:page-fetched")

    assert statuses(found) == dict.fromkeys(pages, "success")
    assert {one.data["pageId"]: one.data["title"] for one in found} == {
        key: one.title for key, one in pages.items()
    }
    assert {one.run_id for one in found} == {"run-1"}


async def test_a_page_that_is_read_again_and_is_the_same_is_skipped(make: Make) -> None:
    pulling = await make(pages=6, rows=0, blocks=30)
    await pulling.pull()
    before = await head(pulling)
    pulling.pass_time(hours=1)

    await pulling.pull(Request(mode=Mode.FULL))

    again = await told(pulling, "sync:page-fetched", after=before)
    assert statuses(again) == dict.fromkeys(await pulling.pages(), "skipped")


async def test_where_no_content_is_read_the_pages_that_are_new_are_told(make: Make) -> None:
    pulling = await make(pages=6, rows=3, blocks=30)
    request = Request(fidelity=Fidelity.PROPERTIES)

    await pulling.pull(request)
    first = await head(pulling)
    pulling.pass_time(hours=1)
    await pulling.pull(request)

    assert statuses(await told(pulling, "sync:page-fetched")) == dict.fromkeys(
        await pulling.pages(), "success"
    )
    assert await told(pulling, "sync:page-fetched", after=first) == []


async def test_progress_ends_with_all_pages_done(make: Make) -> None:
    pulling = await make(pages=6, rows=4, blocks=30)
    await pulling.pull()
    pages = len(await pulling.pages())

    last = (await told(pulling, "sync:progress"))[-1]

    assert {name: last.data[name] for name in ("phase", "current", "total", "percentage")} == {
        "phase": "done",
        "current": pages,
        "total": pages,
        "percentage": 100,
    }


async def test_the_runs_row_tells_what_waits(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "_TALLY", 0.0)
    pulling = await make(pages=6, rows=4, blocks=30)
    extraction = await pulling.start()
    waited = []
    while not (await extraction.advance(0)).done:
        async with pulling.database.read() as conn:
            (run,) = await runs.latest(conn, HOME, limit=1)
        waited.append(run.waiting)
    await pulling.close()

    assert max(waited) > 0


async def test_a_page_that_could_not_be_read_is_told_with_the_reason(make: Make) -> None:
    pulling = await make(pages=2, rows=0, blocks=4)
    await pulling.pull()
    key, page = next(iter((await pulling.pages()).items()))
    before = await head(pulling)

    async with pulling.database.begin() as conn:
        read = {"unknown": Action.UPDATED}
        failed = {key: "Notion answers 500.", "unknown": "too late"}
        await tell_pages(conn, HOME, run_id="r", read=read, failed=failed, now=T0)

    data: list[Any] = [one.data for one in await told(pulling, "sync:page-fetched", after=before)]
    assert data == [
        {"pageId": "unknown", "title": "", "status": PageStatus.SUCCESS},
        {"pageId": key, "title": page.title, "status": PageStatus.ERROR, "error": "Notion answers 500."},
    ]


async def test_the_status_is_that_of_the_list_of_workspaces(make: Make) -> None:
    pulling = await make(pages=1, rows=0, blocks=1)

    async with pulling.database.begin() as conn:
        await tell_status(conn, HOME, now=T0)
        await tell_status(conn, "gone", now=T0)

    assert [one.data for one in await told(pulling, "sync:status")] == [{"syncStatus": "active"}]
