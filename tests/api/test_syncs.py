"""The contract of syncs: started, watched, looked back at, cancelled."""

from typing import Any

import pytest
from tests.api.doors import HOME, Door
from tests.api.syncing import Syncing, syncing

from syncline.core.model import Fidelity, Mode
from syncline.core.permission import Scope
from syncline.store import ledger, runs
from syncline.store.ledger import Entry
from syncline.store.runs import Run, RunState

JOB = "0f6b3c1e8a5d4d0e9f6f4a1d2b3c4d5e"


async def put(
    door: Door, run_id: str, *, state: RunState | None = None, connection_id: str = HOME, **values: Any
) -> Run:
    """Store a run of the door's time; with a `state` it has ended a minute later."""
    async with door.app.database.begin() as conn:
        run = await runs.queue(
            conn,
            connection_id,
            run_id=run_id,
            slot="pull",
            now=door.time(),
            **{
                "kind": "pull",
                "requested_by": "schedule",
                "mode": Mode.INCREMENTAL,
                "fidelity": Fidelity.BLOCKS,
            }
            | values,
        )
        door.time.pass_(minutes=1)
        if state is not None:
            await runs.finish(conn, run_id, state=state, now=door.time(), error=values.get("error"))
    return run


async def data(door: Door, path: str, headers: dict[str, str]) -> Any:
    status, body = await door.ask("GET", path, headers=headers)
    assert status == 200, body
    return body["data"]


# --- starting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/notion/sync", f"/notion/workspaces/{HOME}/sync"])
async def test_a_sync_is_queued_and_has_an_address(door: Door, path: str) -> None:
    member = await door.signed_in("member")
    answer = await door.http.post(f"/api/v1{path}", headers=member)
    body = answer.json()
    job = body["data"]["jobId"]
    assert answer.status_code == 202
    assert body == {
        "status": "success",
        "message": "Sync started",
        "data": {
            "jobId": job,
            "status": "queued",
            "syncType": "full",  # the first sync reads everything
            "workspaceId": HOME,
            "triggeredBy": "u-member",
            "cooldownConfig": {"enabled": True, "cooldownSeconds": 300},
        },
    }
    shown = await door.http.get(answer.headers["Location"], headers=member)
    assert (shown.status_code, shown.json()["data"]["jobId"]) == (200, job)


PAGE = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("body", "mode", "pages"),
    [
        ({"syncType": "full"}, "full", []),
        ({"syncType": "incremental"}, None, []),
        ({"fullSync": True}, "full", []),
        ({"fullSync": False}, None, []),
        ({"options": {}}, None, []),
        ({"options": {"pageFilter": [PAGE.replace("-", ""), PAGE]}}, None, [PAGE]),
        ({"documentIds": [f"https://app.notion.com/p/Title-{PAGE.replace('-', '')}?v=1"]}, None, [PAGE]),
        ({"syncType": "full", "options": {"pageFilter": [PAGE]}}, None, [PAGE]),
    ],
)
async def test_either_body_says_what_to_read(
    door: Door, body: Any, mode: str | None, pages: list[str]
) -> None:
    _, answer = await door.ask("POST", "/notion/sync", headers=await door.signed_in("owner"), json=body)
    async with door.app.database.read() as conn:
        options = (await runs.one(conn, answer["data"]["jobId"])).options
    assert (options["mode"], options["pages"]) == (mode, pages)


@pytest.mark.parametrize(
    "body",
    [
        {"syncType": "everything"},
        {"syncType": "full", "fullSync": False},
        {"options": {"pageFilter": PAGE}},
        {"documentIds": [""]},
        {"documentIds": [PAGE] * 1001},
        {"pageFilter": [PAGE]},
        [],
        "full",
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_and_starts_nothing(door: Door, body: Any) -> None:
    owner = await door.signed_in("owner")
    status, answer = await door.ask("POST", "/notion/sync", headers=owner, json=body)
    assert (status, answer["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert (await data(door, "/notion/sync-status", owner))["currentSync"] is None


async def test_an_id_that_is_none_is_refused(door: Door) -> None:
    owner = await door.signed_in("owner")
    asked = {"options": {"pageFilter": [PAGE, "no id"]}}
    status, answer = await door.ask("POST", "/notion/sync", headers=owner, json=asked)
    assert (status, answer["error"]["code"]) == (400, "INVALID_ID")


async def test_a_second_sync_is_told_of_the_first(door: Door) -> None:
    owner = await door.signed_in("owner")
    _, first = await door.ask("POST", "/notion/sync", headers=owner)
    status, body = await door.ask("POST", "/notion/sync", headers=owner)
    assert (status, body["error"]["code"]) == (409, "SYNC_IN_PROGRESS")
    assert body["error"]["details"]["activeJobId"] == first["data"]["jobId"]
    assert body["error"]["details"]["startedAt"] == "2026-11-20T12:00:00.000Z"


async def test_a_sync_right_after_one_has_to_wait_but_not_that_of_a_page(door: Door) -> None:
    owner = await door.signed_in("owner")
    await put(door, "a", state=RunState.SUCCEEDED)
    door.time.pass_(seconds=100)
    answer = await door.http.post("/api/v1/notion/sync", headers=owner)
    body = answer.json()
    assert (answer.status_code, body["error"]["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert answer.headers["Retry-After"] == "200"
    assert body["error"]["details"] == {"remainingSeconds": 200, "lastSyncAt": "2026-11-20T12:01:00.000Z"}
    filtered = {"options": {"pageFilter": [PAGE]}}
    assert (await door.ask("POST", "/notion/sync", headers=owner, json=filtered))[0] == 202


async def test_one_key_starts_one_sync(door: Door) -> None:
    owner = await door.signed_in("owner") | {"Idempotency-Key": "once"}
    answers = [await door.ask("POST", "/notion/sync", headers=owner) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0][0] == 202


@pytest.mark.parametrize(("scope", "status"), [(Scope.SYNC, 202), (Scope.READ, 403)])
async def test_a_key_needs_the_scope(door: Door, scope: Scope, status: int) -> None:
    key = await door.key("owner", scope)
    assert (await door.ask("POST", "/notion/sync", headers=key))[0] == status


# --- watching -----------------------------------------------------------------------------------------------------


async def test_the_status_is_that_of_the_contract(door: Door) -> None:
    owner = await door.signed_in("owner")
    await put(
        door,
        "old",
        state=RunState.SUCCEEDED,
        mode=Mode.FULL,
        pages={"added": 50, "updated": 30, "deleted": 5},
    )
    await put(door, "bad", state=RunState.FAILED, error={"kind": "Unreachable", "message": "Notion is down."})
    await put(door, "now", pages={"seen": 100, "incomplete": 2, "unchanged": 12}, waiting=55, phase="content")
    async with door.app.database.begin() as conn:
        failed = Entry(PAGE, None, "content", 404, "object_not_found", "Gone.", "req-1")
        await ledger.record(conn, HOME, [failed], run_id="old", now=door.time())
    door.time.pass_(seconds=-15)
    shown = await data(door, "/notion/sync-status", owner)
    assert shown["currentSync"] == {
        "jobId": "now",
        "status": "queued",
        "syncType": "incremental",
        "progress": {
            "totalDocuments": 100,
            "processedDocuments": 45,
            "successCount": 43,
            "errorCount": 2,
            "unchangedCount": 12,
            "skippedCount": 12,
            "currentDocument": None,
            "phase": "content",
            "estimatedRemaining": 55_000,
        },
        "startedAt": "2026-11-20T12:02:00.000Z",
    }
    bad, old = shown["recentSyncs"]
    assert (bad["jobId"], bad["status"], bad["results"]["errors"][0]["message"]) == (
        "bad",
        "failed",
        "Notion is down.",
    )
    assert old == {
        "jobId": "old",
        "status": "completed",
        "syncType": "full",
        "triggeredBy": "schedule",
        "results": {
            "documentsAdded": 50,
            "documentsUpdated": 30,
            "documentsDeleted": 5,
            "documentsUnchanged": 0,
            "errors": [
                {
                    "documentId": PAGE,
                    "blockId": None,
                    "code": "object_not_found",
                    "message": "Gone.",
                    "requestId": "req-1",
                }
            ],
        },
        "requests": {"made": 0, "bound": 0, "rate_limited": 0},
        "startedAt": "2026-11-20T12:00:00.000Z",
        "completedAt": "2026-11-20T12:01:00.000Z",
        "duration": 60_000,
    }
    assert shown["workspace"]["syncStatus"] == "syncing"
    assert shown["workspace"]["lastSuccessfulSyncAt"] == "2026-11-20T12:01:00.000Z"
    assert shown["workspace"]["stats"]["totalPages"] == 0
    assert await data(door, f"/notion/workspaces/{HOME}/sync-status", owner) == shown


async def test_history_is_walked_to_its_end_by_cursors(door: Door) -> None:
    owner = await door.signed_in("owner")
    for number in range(7):
        await put(door, f"r{number}", state=RunState.SUCCEEDED)
    await door.workspace("c2", owner="owner")
    await put(door, "theirs", state=RunState.SUCCEEDED, connection_id="c2")
    seen, cursor = [], ""
    while True:
        page = await data(door, f"/notion/sync-history?workspaceId={HOME}&limit=3{cursor}", owner)
        seen.append([one["jobId"] for one in page["syncs"]])
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert seen == [["r6", "r5", "r4"], ["r3", "r2", "r1"], ["r0"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["live", "cron", "failed", "mine", "first"]),
        ("status=completed", ["cron", "first"]),
        ("status=completed&status=failed", ["cron", "failed", "first"]),
        ("status=queued", ["live"]),
        ("type=full", ["first"]),
        ("type=incremental&status=cancelled", ["mine"]),
        ("type=reconcile", []),
        ("trigger=schedule", ["live", "failed", "first"]),
        ("trigger=manual", ["cron", "mine"]),
        ("trigger=cli", []),
        ("trigger=webhook", ["told"]),
        ("from=2026-11-20T12:02:00Z", ["live", "cron", "failed"]),
        ("from=2026-11-20T12:01:00Z&to=2026-11-20T13:03:00%2B01:00", ["failed", "mine"]),
        ("trigger=manual&limit=1", ["cron"]),
    ],
)
async def test_history_is_filtered_by_status_type_time_and_trigger(
    door: Door, query: str, found: list[str]
) -> None:
    await put(door, "first", state=RunState.SUCCEEDED, mode=Mode.FULL)
    await put(door, "mine", state=RunState.CANCELLED, requested_by="u-owner")
    await put(door, "failed", state=RunState.FAILED)
    await put(door, "cron", state=RunState.SUCCEEDED, mode=None, requested_by="u-member")
    await put(door, "told", state=RunState.SUCCEEDED, kind="refresh", requested_by="webhook")
    await put(door, "live")

    shown = await data(door, f"/notion/sync-history?{query}", await door.signed_in("viewer"))

    assert [one["jobId"] for one in shown["syncs"]] == found


async def test_a_filter_goes_with_the_cursor(door: Door) -> None:
    viewer = await door.signed_in("viewer")
    for number in range(6):
        state = RunState.FAILED if number % 2 else RunState.SUCCEEDED
        await put(door, f"r{number}", state=state)
    first = await data(door, "/notion/sync-history?status=failed&limit=2", viewer)
    path = f"/notion/sync-history?status=failed&limit=2&cursor={first['nextCursor']}"
    second = await data(door, path, viewer)
    assert [one["jobId"] for one in first["syncs"] + second["syncs"]] == ["r5", "r3", "r1"]
    assert second["nextCursor"] is None


@pytest.mark.parametrize(
    "query", ["status=done", "type=half", "trigger=me", "from=yesterday", "from=1700000000", "to=2026-11-20"]
)
async def test_a_filter_that_makes_no_sense_is_refused(door: Door, query: str) -> None:
    status, body = await door.ask(
        "GET", f"/notion/sync-history?{query}", headers=await door.signed_in("viewer")
    )
    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("cursor", ["x", "bnVsbA==", "WzEsMl0=", "WyIyMDI2LTExLTIwIiwgIngiXQ==", "é", "%00"])
async def test_a_cursor_that_nobody_gave_is_refused(door: Door, cursor: str) -> None:
    owner = await door.signed_in("owner")
    status, body = await door.ask("GET", f"/notion/sync-history?cursor={cursor}", headers=owner)
    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_the_sync_of_another_workspace_is_not_found(door: Door) -> None:
    await door.workspace("c2", owner="outsider")
    await put(door, "theirs", state=RunState.SUCCEEDED, connection_id="c2")
    owner = await door.signed_in("owner")
    assert (await door.ask("GET", "/notion/syncs/theirs", headers=owner))[0] == 404
    assert (await door.ask("GET", "/notion/syncs/nothing", headers=owner))[0] == 404


async def test_metrics_sum_up_what_ended(door: Door) -> None:
    owner = await door.signed_in("owner")
    made = {"made": 10, "bound": 8, "rate_limited": 1}
    await put(door, "a", state=RunState.SUCCEEDED, pages={"added": 5, "updated": 1}, requests=made)
    await put(door, "b", state=RunState.FAILED, pages={"added": 1, "deleted": 2}, requests=made)
    await put(door, "c", state=RunState.CANCELLED)
    await put(door, "d", pages={"added": 99})
    shown = await data(door, "/notion/sync-metrics", owner)
    assert shown == {
        "syncs": 3,
        "completed": 1,
        "failed": 1,
        "cancelled": 1,
        "successRate": 0.5,
        "averageDuration": 60_000,
        "longestDuration": 60_000,
        "documentsAdded": 6,
        "documentsUpdated": 1,
        "documentsDeleted": 2,
        "requestsMade": 20,
        "requestsBound": 16,
        "rateLimited": 2,
        "openErrors": 0,
        "lastSuccessfulSyncAt": "2026-11-20T12:01:00.000Z",
    }


async def test_a_workspace_without_syncs_has_empty_metrics(door: Door) -> None:
    shown = await data(door, "/notion/sync-metrics", await door.signed_in("viewer"))
    assert (shown["syncs"], shown["successRate"], shown["averageDuration"]) == (0, None, None)


# --- cancelling ---------------------------------------------------------------------------------------------------


async def test_cancelling_ends_the_sync_and_can_be_repeated(door: Door) -> None:
    owner = await door.signed_in("owner")
    _, first = await door.ask("POST", "/notion/sync", headers=owner)
    assert await door.ask("POST", "/notion/sync/cancel", headers=owner) == (
        200,
        {"status": "success", "message": "Sync cancelled"},
    )
    assert (await door.ask("POST", f"/notion/workspaces/{HOME}/sync/cancel", headers=owner))[0] == 200
    shown = await data(door, "/notion/sync-status", owner)
    assert shown["currentSync"] is None
    assert [(one["jobId"], one["status"]) for one in shown["recentSyncs"]] == [
        (first["data"]["jobId"], "cancelled")
    ]
    assert (await door.ask("POST", "/notion/sync", headers=owner))[0] == 202


# --- the whole way, against the emulator ---------------------------------------------------------------------------


async def test_a_sync_reads_indexes_and_says_what_it_did(bare: Door) -> None:
    async with syncing(bare) as home:
        run = await home.sync(syncType="full")
        shown = await home.get(f"/notion/syncs/{run.id}")
        stands = await home.get("/notion/sync-status")
        listed = await home.get("/notion/sources?limit=100")
    assert (shown["status"], shown["results"]["documentsAdded"]) == ("completed", 11)
    assert shown["requests"]["made"] == shown["requests"]["bound"] == home.emulator.requests.total
    assert stands["workspace"]["stats"] == {"totalPages": 11, "totalDatabases": 1, "lastSyncDuration": 0}
    assert {one["syncStatus"] for one in listed["sources"]} == {"indexed"}
    assert listed["pagination"]["total"] == 12


async def test_a_page_filter_reads_those_pages_and_deletes_nothing(bare: Door) -> None:
    async with syncing(bare) as home:
        await home.sync()
        home.pass_time(minutes=10)
        (page, *_) = await _sources(home, "page")
        requests = home.emulator.requests.total
        run = await home.sync(syncType="full", options={"pageFilter": [page["id"]]})
        after = await _sources(home, "page")
    assert run.state is RunState.SUCCEEDED
    assert run.pages["deleted"] == 0
    assert home.emulator.requests.total - requests == run.requests["made"] <= 4
    assert len(after) == 6


async def _sources(home: Syncing, kind: str) -> list[Any]:
    found: list[Any] = (await home.get(f"/notion/sources?type={kind}"))["sources"]
    return found


async def test_a_page_filter_with_an_unknown_page_fails_and_says_so(bare: Door) -> None:
    async with syncing(bare) as home:
        run = await home.sync(options={"pageFilter": [PAGE]})
        shown = await home.get(f"/notion/syncs/{run.id}")
        stands = await home.get("/notion/sync-status")
    assert shown["status"] == "failed"
    assert shown["results"]["errors"][0]["code"] == "NotFound"
    assert stands["workspace"]["syncStatus"] == "error"
