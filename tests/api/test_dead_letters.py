"""Dead letters over REST: what could not be done is listed, tried again and put aside, from the ledger and the runs alone."""

from typing import Any

import pytest
from tests.api.doors import HOME, Door
from tests.api.syncing import Syncing, syncing
from tests.api.test_syncs import put

from syncline.store import ledger, runs
from syncline.store.ledger import Entry
from syncline.store.runs import RunState

PAGE = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
BLOCK = "33333333-3333-4333-8333-333333333333"
WHOLE = Entry(PAGE, None, "content", 404, "object_not_found", "Gone.", "req-1", kind="page")
PART = Entry(OTHER, BLOCK, "content", 400, "validation_error", "Odd.", "req-2", kind="page")
LISTING = Entry("search", None, "listing", 0, "unread", "Search told no more.")
FAILURE = {"kind": "Parked", "message": "3 workers have died."}


async def fail(door: Door, *entries: Entry, run_id: str | None = None) -> None:
    async with door.app.database.begin() as conn:
        await ledger.record(conn, HOME, entries, run_id=run_id, now=door.time())


async def letters(door: Door, query: str = "") -> list[str]:
    status, body = await door.ask("GET", f"/dead-letters?{query}", headers=await door.signed_in("viewer"))
    assert status == 200, body
    found = [one["id"] for one in body["data"]["deadLetters"]]
    assert body["data"]["pagination"]["total"] >= len(found)
    return found


async def command(door: Door, path: str, body: Any = None) -> tuple[int, Any]:
    return await door.ask("POST", f"/dead-letters{path}", headers=await door.signed_in("member"), json=body)


async def live(door: Door) -> Any:
    async with door.app.database.read() as conn:
        run = await runs.live(conn, HOME, "pull")
    assert run is not None
    return run


async def test_a_letter_tells_what_failed_and_how_often(door: Door) -> None:
    await fail(door, WHOLE, run_id="r1")
    door.time.pass_(minutes=1)
    await fail(door, WHOLE, run_id="r2")

    shown = await door.ask("GET", f"/dead-letters/{PAGE}", headers=await door.signed_in("viewer"))

    assert shown[1]["data"]["deadLetter"] == {
        "id": PAGE,
        "kind": "document",
        "status": "pending",
        "documentId": PAGE,
        "blockId": None,
        "title": "",
        "operation": "content",
        "code": "object_not_found",
        "message": "Gone.",
        "httpStatus": 404,
        "requestId": "req-1",
        "jobId": "r2",
        "attempts": 2,
        "firstFailedAt": "2026-11-20T12:00:00.000Z",
        "lastFailedAt": "2026-11-20T12:01:00.000Z",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["bad", "search", PAGE, f"{OTHER}~{BLOCK}"]),
        ("limit=2", ["bad", "search"]),
        ("limit=2&page=2", [PAGE, f"{OTHER}~{BLOCK}"]),
        ("limit=3&page=2", [f"{OTHER}~{BLOCK}"]),
        ("limit=2&page=3", []),
        ("kind=document", [PAGE, f"{OTHER}~{BLOCK}"]),
        ("kind=listing", ["search"]),
        ("kind=run", ["bad"]),
        (f"documentId={OTHER.replace('-', '')}", [f"{OTHER}~{BLOCK}"]),
        ("status=pending", ["bad", "search", PAGE, f"{OTHER}~{BLOCK}"]),
        ("status=retrying", []),
        ("status=dismissed", []),
    ],
)
async def test_letters_are_listed_by_kind_page_and_status(door: Door, query: str, found: list[str]) -> None:
    await fail(door, WHOLE, PART, LISTING)
    await put(door, "bad", state=RunState.FAILED, error=FAILURE)

    assert await letters(door, query) == found


async def test_a_run_is_a_letter_until_the_same_or_everything_succeeds(door: Door) -> None:
    await put(door, "pages", state=RunState.FAILED, error=FAILURE, options={"pages": [PAGE]})
    await put(door, "first", state=RunState.FAILED, error=FAILURE, options={"pages": []})
    await put(door, "again", state=RunState.FAILED, error=FAILURE, options={"pages": []})
    assert await letters(door) == ["again", "pages"]

    await put(door, "other", state=RunState.SUCCEEDED, options={"pages": [OTHER]})
    assert await letters(door) == ["again", "pages"]
    await put(door, "same", state=RunState.SUCCEEDED, options={"pages": [PAGE]})
    assert await letters(door) == ["again"]
    await put(door, "all", state=RunState.SUCCEEDED, options={"pages": []})
    assert await letters(door) == []


async def test_what_webhooks_named_is_no_letter(door: Door) -> None:
    await put(door, "told", state=RunState.FAILED, error=FAILURE, kind="refresh", requested_by="webhook")

    assert await letters(door) == []


async def test_documents_are_tried_again_by_one_sync_that_reads_them_alone(door: Door) -> None:
    await fail(door, WHOLE, PART, LISTING)

    status, body = await command(door, "/retry")

    assert (status, body["data"]["retrying"], body["data"]["left"]) == (
        202,
        [PAGE, f"{OTHER}~{BLOCK}"],
        [],
    )
    run = await live(door)
    assert (run.id, run.requested_by) == (body["data"]["jobId"], "u-member")
    assert run.options["refresh"]["objects"] == [["page", PAGE], ["page", OTHER]]
    assert await letters(door, "status=retrying") == [PAGE, f"{OTHER}~{BLOCK}"]
    assert await letters(door, "status=pending") == ["search"]
    assert (await command(door, "/retry", {"ids": ["search"]}))[1]["error"]["code"] == "SYNC_IN_PROGRESS"


async def test_what_one_sync_cannot_do_is_left_and_said(door: Door) -> None:
    await fail(door, WHOLE, LISTING)
    await put(door, "bad", state=RunState.FAILED, error=FAILURE, options={"pages": [PAGE]})

    _, body = await command(door, "/retry", {"ids": ["bad", "search", PAGE]})
    assert (body["data"]["retrying"], body["data"]["left"]) == ([PAGE], ["bad", "search"])
    await door.ask("POST", "/notion/sync/cancel", headers=await door.signed_in("member"))

    _, body = await command(door, "/retry", {"ids": ["bad", "search"]})
    assert (body["data"]["retrying"], body["data"]["left"]) == (["search"], ["bad"])
    assert (await live(door)).options["mode"] == "reconcile"
    await door.ask("POST", "/notion/sync/cancel", headers=await door.signed_in("member"))

    await command(door, "/bad/retry")
    assert (await live(door)).options["pages"] == [PAGE]


async def test_a_dismissed_letter_is_out_of_sight_until_it_fails_otherwise(door: Door) -> None:
    await fail(door, WHOLE, PART)
    await put(door, "bad", state=RunState.FAILED, error=FAILURE, options={})

    status, body = await command(door, "/dismiss", {"ids": [PAGE, "bad"]})

    assert (status, body["data"]["dismissed"]) == (200, [PAGE, "bad"])
    assert await letters(door) == [f"{OTHER}~{BLOCK}"]
    assert await letters(door, "status=dismissed") == ["bad", PAGE]
    await fail(door, WHOLE)
    assert await letters(door, "kind=document") == [f"{OTHER}~{BLOCK}"]
    await fail(door, Entry(PAGE, None, "content", 500, "internal_server_error", "No.", kind="page"))
    await put(door, "anew", state=RunState.FAILED, error=FAILURE, options={})
    assert set(await letters(door)) == {"anew", PAGE, f"{OTHER}~{BLOCK}"}


async def test_what_was_dismissed_and_is_tried_again_is_pending_again(door: Door) -> None:
    await fail(door, WHOLE)
    await command(door, f"/{PAGE}/dismiss")

    assert (await command(door, f"/{PAGE}/retry"))[0] == 202
    assert await letters(door) == [PAGE]


@pytest.mark.parametrize("path", ["/nothing/retry", "/nothing/dismiss"])
async def test_a_letter_that_is_none_is_not_found(door: Door, path: str) -> None:
    status, body = await command(door, path)
    assert (status, body["error"]["code"]) == (404, "NOT_FOUND")


async def test_a_letter_of_another_workspace_is_not_found(door: Door) -> None:
    await door.workspace("c2", owner="outsider")
    await put(door, "theirs", state=RunState.FAILED, error=FAILURE, connection_id="c2")
    async with door.app.database.begin() as conn:
        await ledger.record(conn, "c2", [WHOLE], run_id=None, now=door.time())

    assert await letters(door) == []
    for letter in ("theirs", PAGE):
        assert (await command(door, f"/{letter}/dismiss"))[0] == 404


async def test_with_nothing_to_try_again_no_sync_is_started(door: Door) -> None:
    status, body = await command(door, "/retry")
    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_a_push_is_not_tried_again_from_here(door: Door) -> None:
    async with door.app.database.begin() as conn:
        values: Any = {"kind": "push", "slot": "push", "requested_by": "cli", "now": door.time()}
        await runs.queue(conn, HOME, run_id="push", **values)
        await runs.finish(conn, "push", state=RunState.FAILED, now=door.time(), error=FAILURE)

    status, body = await command(door, "/push/retry")
    assert (status, body["message"].partition(":")[0]) == (
        400,
        "A push is started where its mapping file is",
    )


async def refused(home: Syncing) -> str:
    """A page whose content Notion refuses for good."""
    await home.sync()
    [page, *_] = (await home.get("/notion/pages"))["sources"]
    home.pass_time(minutes=10)
    home.emulator.faults.add(404, path=f"/v1/blocks/({page['id']}|{page['id'].replace('-', '')})/children")
    run = await home.sync(syncType="full")
    assert run.pages["incomplete"] == 1
    return str(page["id"])


async def test_a_page_that_can_be_read_again_is_no_dead_letter_any_more(bare: Door) -> None:
    async with syncing(bare) as home:
        page = await refused(home)
        [letter] = (await home.get("/dead-letters"))["deadLetters"]
        home.emulator.faults.active.clear()
        before = home.emulator.requests.total
        status, body = await home.ask("POST", f"/dead-letters/{page}/retry")
        run = await home.ended(body["data"]["jobId"])
        left = (await home.get("/dead-letters"))["deadLetters"]
        held = (await home.get(f"/notion/sources/{page}"))["source"]
    assert (letter["id"], letter["documentId"], letter["title"]) == (page, page, held["title"])
    assert (status, run.state, left) == (202, RunState.SUCCEEDED, [])
    assert home.emulator.requests.total - before <= 3
    assert (held["syncStatus"], held["error"]) == ("indexed", None)


async def test_a_page_that_still_fails_stays_a_letter_with_one_attempt_more(bare: Door) -> None:
    async with syncing(bare) as home:
        page = await refused(home)
        _, body = await home.ask("POST", "/dead-letters/retry")
        run = await home.ended(body["data"]["jobId"])
        [letter] = (await home.get("/dead-letters"))["deadLetters"]
    assert run.state is RunState.SUCCEEDED
    assert (letter["id"], letter["attempts"], letter["jobId"]) == (page, 2, run.id)


async def test_documents_wait_for_a_sync_that_was_left_unfinished(bare: Door) -> None:
    async with syncing(bare) as home:
        page = await refused(home)
        home.pass_time(minutes=10)
        home.emulator.faults.add(401)
        assert (await home.sync(syncType="full")).state is RunState.FAILED
        answers = [
            await home.ask("POST", path)
            for path in (f"/dead-letters/{page}/retry", f"/notion/sources/{page}/reindex")
        ]
    assert [(status, body["error"]["code"]) for status, body in answers] == [(409, "SYNC_IN_PROGRESS")] * 2
