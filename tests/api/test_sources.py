"""The contract of documents: listed by every parameter, looked at, read again."""

from typing import Any

import pytest
from tests.api.doors import HOME, Door
from tests.api.syncing import Syncing, syncing

from syncline.store.runs import RunState

NOBODY = "11111111-1111-4111-8111-111111111111"


async def one(home: Syncing, kind: str) -> Any:
    return (await home.get(f"/notion/sources?type={kind}&limit=1"))["sources"][0]


async def test_a_source_has_the_fields_of_the_contract(bare: Door) -> None:
    async with syncing(bare) as home:
        await home.sync()
        row = await one(home, "row")
        again = await home.get(f"/notion/sources/{row['id']}")
        by_url = await home.get(f"/notion/workspaces/{HOME}/sources/{row['id'].replace('-', '')}")
    assert row == again["source"] == by_url["source"]
    assert row["sourceId"] == row["id"]
    assert row["type"] == "row"
    assert row["url"].startswith("https://")
    assert row["databaseId"] == row["parentId"] is not None
    assert (row["syncStatus"], row["error"]) == ("indexed", None)
    assert row["chunkCount"] >= 1
    assert row["lastModifiedInSource"].endswith(":00.000Z")
    assert row["lastIndexedAt"] == "2026-11-20T12:00:00.000Z"


async def test_every_parameter_of_a_listing_counts(bare: Door) -> None:
    async with syncing(bare) as home:
        await home.sync()
        whole = (await home.get("/notion/sources?limit=100"))["sources"]

        async def ids(query: str, path: str = "sources") -> list[str]:
            return [source["id"] for source in (await home.get(f"/notion/{path}?{query}"))["sources"]]

        def expected(**wanted: Any) -> list[str]:
            return [s["id"] for s in whole if all(s[name] == value for name, value in wanted.items())]

        assert await ids("page=2&limit=5") == expected()[5:10]
        assert (await home.get("/notion/sources?page=2&limit=5"))["pagination"] == {
            "page": 2,
            "limit": 5,
            "total": 12,
        }
        assert await ids("page=99") == []
        assert await ids("type=row") == expected(type="row")
        assert await ids("", "pages") == expected(type="page")
        assert await ids("", "databases") == expected(type="database")
        assert await ids("status=indexed") == expected()
        assert await ids("status=pending") == await ids("status=error") == await ids("status=deleted") == []
        assert await ids("search=ROW%203") == [s["id"] for s in whole if "Row 3" in s["title"]]
        assert await ids("sort=title") == [
            s["id"] for s in sorted(whole, key=lambda s: s["title"].casefold())
        ]
        assert await ids("sort=lastModifiedInSource") == expected()[::-1]


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "limit=0",
        "limit=101",
        "status=fine",
        "type=thing",
        "sort=size",
        "page=x",
        "page=999999999999",
    ],
)
async def test_a_listing_that_makes_no_sense_is_refused(door: Door, query: str) -> None:
    owner = await door.signed_in("owner")
    for path in ("sources", "pages", "databases") if "type" not in query else ("sources",):
        status, body = await door.ask("GET", f"/notion/{path}?{query}", headers=owner)
        assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("path", ["", "/chunks"])
async def test_a_document_that_is_not_there_is_not_found(door: Door, path: str) -> None:
    owner = await door.signed_in("owner")
    assert (await door.ask("GET", f"/notion/sources/{NOBODY}{path}", headers=owner))[0] == 404
    status, body = await door.ask("GET", f"/notion/sources/nothing{path}", headers=owner)
    assert (status, body["error"]["code"]) == (400, "INVALID_ID")


async def test_chunks_come_in_pages_and_lead_to_their_blocks(bare: Door) -> None:
    async with syncing(bare, sizes={"pages": 2, "rows": 0, "blocks": 400, "data_sources": 0}) as home:
        await home.sync()
        sources = (await home.get("/notion/pages"))["sources"]
        page = max(sources, key=lambda source: source["chunkCount"])
        whole = await home.get(f"/notion/sources/{page['id']}/chunks?limit=100")
        second = await home.get(f"/notion/sources/{page['id']}/chunks?limit=1&page=2")
        nodes = home.emulator.world.nodes
    assert whole["pagination"]["total"] == page["chunkCount"] == len(whole["chunks"]) > 1
    assert second["chunks"] == whole["chunks"][1:2]
    assert [chunk["ordinal"] for chunk in whole["chunks"]] == list(range(page["chunkCount"]))
    for chunk in whole["chunks"]:
        assert chunk["text"]
        assert all(block in nodes for block in chunk["blockIds"])


async def test_reindexing_reads_one_document_again(bare: Door) -> None:
    async with syncing(bare) as home:
        await home.sync()
        for kind, requests in (("page", 3), ("row", 3), ("database", 2)):
            home.pass_time(minutes=10)
            source = await one(home, kind)
            before = home.emulator.requests.total
            status, body = await home.ask("POST", f"/notion/sources/{source['id']}/reindex")
            assert (status, body["message"]) == (202, "Document queued for reindexing")
            run = await home.ended(body["data"]["jobId"])
            after = (await home.get(f"/notion/sources/{source['id']}"))["source"]
            assert run.state is RunState.SUCCEEDED, run.error
            assert home.emulator.requests.total - before <= requests
            assert after["lastIndexedAt"] > source["lastIndexedAt"]
            assert after | {"lastIndexedAt": ""} == source | {"lastIndexedAt": ""}


async def test_a_document_is_pending_and_found_until_it_is_reindexed(bare: Door) -> None:
    async with syncing(bare, works=False) as home:
        await home.work()
        await home.sync()
        await home.rest()
        home.pass_time(minutes=10)
        source = await one(home, "row")
        _, body = await home.ask("POST", f"/notion/sources/{source['id']}/reindex")
        waiting = (await home.get(f"/notion/sources/{source['id']}"))["source"]
        hits = (await home.get(f"/search?q={source['title']}"))["results"]
        assert (await home.ask("POST", f"/notion/sources/{source['id']}/reindex"))[0] == 409
        await home.work()
        await home.ended(body["data"]["jobId"])
        after = (await home.get(f"/notion/sources/{source['id']}"))["source"]
    assert (waiting["syncStatus"], waiting["chunkCount"]) == ("pending", source["chunkCount"])
    assert hits[0]["sourceId"] == source["id"]
    assert after["syncStatus"] == "indexed"


async def test_reindexing_what_is_not_there_is_not_found(door: Door) -> None:
    owner = await door.signed_in("owner")
    assert (await door.ask("POST", f"/notion/sources/{NOBODY}/reindex", headers=owner))[0] == 404
    assert (await door.ask("GET", "/notion/sync-status", headers=owner))[1]["data"]["currentSync"] is None


async def test_a_page_that_went_to_the_trash_is_deleted_and_found_no_more(bare: Door) -> None:
    async with syncing(bare) as home:
        await home.sync()
        home.pass_time(minutes=10)
        page = await one(home, "row")
        home.trash(page["id"])
        home.pass_time(minutes=10)
        await home.sync()
        after = (await home.get(f"/notion/sources/{page['id']}"))["source"]
        deleted = (await home.get("/notion/sources?status=deleted"))["sources"]
        hits = (await home.get(f"/search?q=%22{page['title']}%22"))["results"]
    assert (after["syncStatus"], after["chunkCount"]) == ("deleted", 0)
    assert [source["id"] for source in deleted] == [page["id"]]
    assert hits == []
