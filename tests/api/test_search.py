"""Search finds what the caller may see, and nothing else; indexing is switched by those who may."""

from typing import Any

import pytest
from tests.api.doors import HOME, Door
from tests.api.syncing import syncing
from tests.factories import block, changes, document, page, uid
from tests.store.samples import record

from syncline.core.model import Kind, Record
from syncline.core.permission import Scope
from syncline.destinations.search import SearchIndex
from syncline.store import records

A, B = uid("a"), uid("b")


async def index(door: Door, connection_id: str, key: str, title: str, *texts: str) -> None:
    """Store and index a page."""
    change = changes((page(key, title), document(key, [block(text) for text in texts])))[0]
    made = record(Kind.PAGE, key, title=title)
    async with door.app.database.begin() as conn:
        held = Record(Kind.PAGE, key, "pages", change.record.data, made.hash, title, None, made.edited_at)
        await records.upsert(conn, connection_id, [held], run_id=None, now=door.time())
    await SearchIndex(door.app.database, connection_id, now=door.time()).write([change], 1)


async def search(door: Door, headers: dict[str, str], query: str, **more: str) -> Any:
    answer = await door.http.get("/api/v1/search", headers=headers, params={"q": query} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def titles(door: Door, name: str, query: str, **more: str) -> list[str]:
    return [
        one["title"] for one in (await search(door, await door.signed_in(name), query, **more))["results"]
    ]


async def test_a_hit_has_its_passage_and_leads_to_its_block(door: Door) -> None:
    await index(door, HOME, A, "Sea", "The whale is <large> 🐋, a whale.")
    found = await search(door, await door.signed_in("viewer"), "whale -shark")
    (hit,) = found["results"]
    chunk = hit.pop("chunkId")
    assert (found["query"], found["method"]) == ("whale -shark", "full_text")
    assert len(chunk) == 32
    assert hit.pop("score") > 0
    assert hit == {
        "workspaceId": HOME,
        "sourceId": A,
        "type": "page",
        "title": "Sea",
        "url": f"https://app.notion.com/p/{A.replace('-', '')}#{uid('The whale is <large> 🐋, a whale.').replace('-', '')}",
        "pageUrl": f"https://app.notion.com/p/{A.replace('-', '')}",
        "headingPath": [],
        "fragments": [
            {"text": "The ", "match": False},
            {"text": "whale", "match": True},
            {"text": " is <large> 🐋, a ", "match": False},
            {"text": "whale", "match": True},
            {"text": ".", "match": False},
        ],
        "text": "The whale is <large> 🐋, a whale.",
        "blockIds": [uid("The whale is <large> 🐋, a whale.")],
        "lastModifiedInSource": "2026-11-20T12:00:00.000Z",
    }


async def test_a_caller_finds_what_is_in_its_workspaces(door: Door) -> None:
    await door.workspace("c2", owner="outsider", member="member")
    await index(door, HOME, A, "Ours", "whale")
    await index(door, "c2", B, "Theirs", "whale")
    assert await titles(door, "owner", "whale") == ["Ours"]
    assert await titles(door, "outsider", "whale") == ["Theirs"]
    assert sorted(await titles(door, "member", "whale")) == ["Ours", "Theirs"]
    assert await titles(door, "member", "whale", workspaceId="c2") == ["Theirs"]


async def test_a_workspace_of_others_is_not_found(door: Door) -> None:
    await door.workspace("c2", owner="outsider")
    owner = await door.signed_in("owner")
    for named in ("c2", "nothing"):
        assert (await door.ask("GET", f"/search?q=x&workspaceId={named}", headers=owner))[0] == 404


async def test_a_key_finds_what_it_was_made_for(door: Door) -> None:
    await door.workspace("c2", owner="owner")
    await index(door, HOME, A, "One", "whale")
    await index(door, "c2", B, "Two", "whale")
    found = await search(door, await door.key("owner", Scope.READ, workspaces=("c2",)), "whale")
    assert [one["title"] for one in found["results"]] == ["Two"]


async def test_somebody_without_a_workspace_finds_nothing(door: Door) -> None:
    await index(door, HOME, A, "Ours", "whale")
    assert await titles(door, "outsider", "whale") == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=",
        "q=x&limit=0",
        "q=x&limit=51",
        "q=x&type=thing",
        "q=x&editedAfter=now",
        f"q={'x' * 1001}",
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(door: Door, query: str) -> None:
    status, body = await door.ask("GET", f"/search?{query}", headers=await door.signed_in("owner"))
    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_a_database_is_named_by_an_id_or_an_address(door: Door) -> None:
    headers = await door.signed_in("owner")
    status, body = await door.ask("GET", "/search?q=x&databaseId=no", headers=headers)
    assert (status, body["error"]["code"]) == (400, "INVALID_ID")


@pytest.mark.parametrize(
    "query", ['"', "' OR 1=1 --", "NEAR(", "*", "a:b", "%", "-", "<b>", "\r\nX-Header: 1"]
)
async def test_any_text_is_searched_for(door: Door, query: str) -> None:
    await search(door, await door.signed_in("owner"), query)


async def test_parameters_narrow_the_search(bare: Door) -> None:
    async with syncing(bare) as home:
        await home.sync()

        async def kinds(more: str) -> set[str]:
            found = await home.get(f"/search?q=row%20page%20table&limit=50{more}")
            return {one["type"] for one in found["results"]}

        source = (await home.get("/notion/databases"))["sources"][0]["id"]
        assert {"row", "page"} <= await kinds("")
        assert await kinds("&type=row") == {"row"}
        assert await kinds(f"&databaseId={source}") == {"row"}
        assert await kinds("&type=page&type=row") == {"page", "row"}
        assert await kinds("&editedAfter=2030-01-01T00:00:00Z") == set()
        assert await kinds("&editedBefore=2030-01-01T00:00:00Z&type=page") == {"page"}
        assert len((await home.get("/search?q=row&limit=2"))["results"]) == 2


async def test_indexing_is_switched_off_and_on(bare: Door) -> None:
    async with syncing(bare) as home:
        await home.sync()
        before = await home.get("/notion/search-index")
        status, off = await home.ask("PATCH", "/notion/search-index", json={"enabled": False})
        source = (await home.get("/notion/sources"))["sources"][0]
        hits = (await home.get("/search?q=row"))["results"]
        _, on = await home.ask("PATCH", f"/notion/workspaces/{HOME}/search-index", json={"enabled": True})
        home.pass_time(minutes=10)
        await home.sync()
        after = await home.get("/notion/search-index")
    assert (status, off["data"]) == (200, {"enabled": False, "chunks": 0, "waiting": 0})
    assert (source["syncStatus"], source["chunkCount"], hits) == ("synced", 0, [])
    assert on["data"]["waiting"] > 0
    assert after == before == {"enabled": True, "chunks": before["chunks"], "waiting": 0}


@pytest.mark.parametrize(("name", "status"), [("member", 403), ("admin", 200), ("outsider", 404)])
async def test_only_those_who_may_switch_indexing(door: Door, name: str, status: int) -> None:
    headers = await door.signed_in(name)
    assert (await door.ask("PATCH", "/notion/search-index", headers=headers, json={"enabled": False}))[
        0
    ] == status
