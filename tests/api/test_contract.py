"""Every route of the contract on the real application, its answers beside those that the contract shows."""

import asyncio
from typing import Any

import pytest
from tests.api.doors import HOME, Door
from tests.api.syncing import Syncing, syncing

from syncline.store.runs import RunState

SIZES = {"pages": 40, "rows": 20, "blocks": 200, "data_sources": 1}
AT = "2024-01-20T08:00:00.000Z"
RESULTS = {"documentsAdded": 50, "documentsUpdated": 30, "documentsDeleted": 5, "errors": [{}]}
STATS = {"totalPages": 150, "totalDatabases": 5}
WORKSPACES = {
    "status": "success",
    "data": {
        "workspaces": [
            {
                "id": "507f",
                "workspaceName": "My Workspace",
                "workspaceId": "notion-workspace-uuid",
                "syncStatus": "active",
                "stats": STATS | {"lastSyncDuration": 120000},
                "lastSuccessfulSyncAt": AT,
                "myRole": "owner",
            }
        ]
    },
}
STARTED = {
    "status": "success",
    "message": "Sync started",
    "data": {"jobId": "sync-job-uuid", "status": "queued", "syncType": "incremental"},
}
RUNNING = {
    "jobId": "sync-job-uuid",
    "status": "processing",
    "progress": {
        "totalDocuments": 100,
        "processedDocuments": 45,
        "successCount": 43,
        "errorCount": 2,
        "currentDocument": "Engineering Docs",
    },
    "startedAt": AT,
}
ENDED = {
    "jobId": "previous-job-uuid",
    "status": "completed",
    "syncType": "full",
    "results": RESULTS,
    "startedAt": AT,
    "completedAt": AT,
    "duration": 300000,
}
STATUS = {
    "status": "success",
    "data": {
        "recentSyncs": [ENDED],
        "workspace": {"syncStatus": "syncing", "lastSuccessfulSyncAt": AT, "stats": STATS},
    },
}
SOURCES = {
    "status": "success",
    "data": {
        "sources": [
            {
                "id": "507f",
                "sourceId": "notion-page-uuid",
                "title": "Engineering Handbook",
                "url": "https://notion.so/...",
                "syncStatus": "indexed",
                "chunkCount": 25,
                "lastModifiedInSource": AT,
                "lastIndexedAt": AT,
            }
        ],
        "pagination": {"page": 1, "limit": 50, "total": 150},
    },
}
REINDEXING = {
    "status": "success",
    "message": "Document queued for reindexing",
    "data": {"jobId": "index-job-uuid"},
}


def missing(shown: Any, promised: Any, path: str = "") -> list[str]:
    """Where an answer lacks a field that the contract shows, or has one of another JSON type."""
    if type(shown) is not type(promised):
        return [f"{path}: {shown!r}"]
    if isinstance(promised, dict):
        lacking = [f"{path}.{name}" for name in promised.keys() - shown.keys()]
        held = promised.keys() & shown.keys()
        return lacking + [
            one for name in held for one in missing(shown[name], promised[name], f"{path}.{name}")
        ]
    if isinstance(promised, list):
        return [one for item in shown for one in missing(item, promised[0], f"{path}[]")]
    return [] if promised != AT or (len(shown), shown[-1:]) == (len(AT), "Z") else [f"{path}: {shown!r}"]


async def under_way(home: Syncing) -> Any:
    """The status of the sync, once it tells which document it is at."""
    async with asyncio.timeout(60):
        while True:
            status = await home.get("/notion/sync-status")
            current = status["currentSync"]
            if current and current["progress"]["currentDocument"]:
                return status
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("shown", "promised", "found"),
    [
        ({"a": 1, "b": 2}, {"a": 5}, []),
        ({}, {"a": 5}, [".a"]),
        ({"a": None}, {"a": 5}, [".a: None"]),
        ({"a": [{"b": "1"}]}, {"a": [{"b": 1}]}, [".a[].b: '1'"]),
        ("2024-01-20T08:00:00Z", AT, [": '2024-01-20T08:00:00Z'"]),
    ],
)
def test_a_field_that_is_missing_or_another_is_found(shown: Any, promised: Any, found: list[str]) -> None:
    assert missing(shown, promised) == found


async def test_every_route_answers_as_the_contract_shows(bare: Door) -> None:
    async with syncing(bare, sizes=SIZES) as home:
        # The first sync of a workspace reads everything, whatever was asked for.
        queued = await home.ask("POST", "/notion/sync")
        assert (queued[0], missing(queued[1], STARTED), queued[1]["data"]["syncType"]) == (202, [], "full")
        status = await under_way(home)
        assert missing(status["currentSync"], RUNNING) == []
        assert status["currentSync"]["status"] == "processing"
        assert status["workspace"]["syncStatus"] == "syncing"
        await home.ended(queued[1]["data"]["jobId"])
        home.pass_time(minutes=10)
        queued = await home.ask("POST", "/notion/sync")
        assert (queued[0], missing(queued[1], STARTED), queued[1]["message"]) == (202, [], "Sync started")
        assert (queued[1]["data"]["status"], queued[1]["data"]["syncType"]) == ("queued", "incremental")
        await home.ended(queued[1]["data"]["jobId"])

        status = await home.ask("GET", "/notion/sync-status")
        assert (status[0], missing(status[1], STATUS), status[1]["data"]["currentSync"]) == (200, [], None)
        assert [one["status"] for one in status[1]["data"]["recentSyncs"]] == ["completed"] * 2
        listed = await home.ask("GET", "/notion/workspaces")
        assert (listed[0], missing(listed[1], WORKSPACES)) == (200, [])

        sources = await home.ask("GET", "/notion/sources")
        assert (sources[0], missing(sources[1], SOURCES)) == (200, [])
        assert len(sources[1]["data"]["sources"]) == 50
        assert sources[1]["data"]["pagination"] == {"page": 1, "limit": 50, "total": 61}

        page = sources[1]["data"]["sources"][0]["id"]
        await home.rest()
        reindexing = await home.ask("POST", f"/notion/sources/{page}/reindex")
        assert (reindexing[0], missing(reindexing[1], REINDEXING)) == (202, [])
        assert reindexing[1]["message"] == REINDEXING["message"]
        cancelled = {"status": "success", "message": "Sync cancelled"}
        assert await home.ask("POST", "/notion/sync/cancel") == (200, cancelled)

        deleted = await home.ask("DELETE", f"/notion/workspaces/{HOME}")
        assert (deleted[0], deleted[1]["status"], deleted[1]["message"]) == (
            200,
            "success",
            "Workspace deleted successfully",
        )
        assert (await home.get("/notion/workspaces"))["workspaces"] == []


async def test_a_page_filter_is_taken_where_the_contract_has_it(bare: Door) -> None:
    async with syncing(bare, sizes=SIZES) as home:
        await home.sync()
        before = home.emulator.requests.total
        home.pass_time(minutes=10)
        pages = [one["id"] for one in (await home.get("/notion/pages?limit=2"))["sources"]]
        run = await home.sync(syncType="full", options={"pageFilter": pages})
        held = (await home.get("/notion/sources"))["pagination"]["total"]
    assert run.state is RunState.SUCCEEDED, run.error
    assert home.emulator.requests.total - before <= 8
    assert held == 61
