"""GET /records: a cursor that misses nothing and shows nothing twice, filters, NDJSON, Nango's shape, pruning."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from tests.api.doors import HOME, T0, Door
from tests.store.samples import page, record

from syncline.api.records import decode, encode
from syncline.core.errors import BadInput
from syncline.core.model import Deletion, Kind, Record
from syncline.core.permission import Scope
from syncline.store import changes, records

NDJSON = {"Accept": "application/x-ndjson"}


async def stored(door: Door, *found: Record, hours: float = 0, connection_id: str = HOME) -> None:
    async with door.app.database.begin() as conn:
        await records.upsert(conn, connection_id, found, run_id=None, now=T0 + timedelta(hours=hours))


async def deleted(door: Door, *keys: str, hours: float = 0) -> None:
    async with door.app.database.begin() as conn:
        pages = [(Kind.PAGE, key) for key in keys]
        now = T0 + timedelta(hours=hours)
        await records.delete(conn, HOME, pages, reason=Deletion.TRASHED, now=now)


async def listed(door: Door, **params: Any) -> dict[str, Any]:
    status, body = await door.ask(
        "GET", "/records", headers=await door.key("viewer", Scope.READ), params=params
    )
    assert status == 200, body
    data: dict[str, Any] = body.get("data", body)
    return data


async def ids(door: Door, **params: Any) -> list[str]:
    return [one["id"] for one in (await listed(door, **params))["records"]]


async def test_a_record_is_told_with_its_data_and_what_happened_to_it(door: Door) -> None:
    await stored(door, page("p", {"id": "p", "z": [1, None], "half": "\ud83d"}, title="Tïtle", parent="q"))

    assert await listed(door) == {
        "records": [
            {
                "id": "p",
                "kind": "page",
                "stream": "pages",
                "title": "Tïtle",
                "parentId": "q",
                "editedAt": "2026-11-20T12:00:00.000Z",
                "contentHash": None,
                "firstSeenAt": "2026-11-20T12:00:00.000Z",
                "lastModifiedAt": "2026-11-20T12:00:00.000Z",
                "lastAction": "added",
                "deletedAt": None,
                "deletion": None,
                "prunedAt": None,
                "cursor": encode(HOME, 1),
                "data": {"id": "p", "z": [1, None], "half": "\ud83d"},
            }
        ],
        "nextCursor": encode(HOME, 1),
        "hasMore": False,
    }


async def test_the_shape_of_nango_has_its_metadata_and_a_cursor_that_ends(door: Door) -> None:
    await stored(door, page("p"), page("q"))
    await deleted(door, "q", hours=1)

    first = await listed(door, format="nango", limit=1)
    second = await listed(door, format="nango", limit=1, cursor=first["next_cursor"])

    assert first["records"] == [
        {
            "id": "p",
            "_nango_metadata": {
                "first_seen_at": "2026-11-20T12:00:00.000Z",
                "last_modified_at": "2026-11-20T12:00:00.000Z",
                "last_action": "ADDED",
                "deleted_at": None,
                "pruned_at": None,
                "cursor": first["next_cursor"],
            },
        }
    ]
    metadata = second["records"][0]["_nango_metadata"]
    assert (metadata["last_action"], metadata["deleted_at"]) == ("DELETED", "2026-11-20T13:00:00.000Z")
    assert second["next_cursor"] is None


async def test_pages_of_records_come_in_the_order_of_their_changes_without_a_gap(door: Door) -> None:
    await stored(door, *(page(f"p{number}") for number in range(7)))
    await stored(door, page("p2", {"v": 2}))
    seen: list[str] = []
    cursor, more = None, True

    while more:
        part = await listed(door, limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [one["id"] for one in part["records"]]
        cursor, more = part["nextCursor"], part["hasMore"]

    assert seen == ["p0", "p1", "p3", "p4", "p5", "p6", "p2"]
    assert await ids(door, cursor=cursor) == []
    await stored(door, page("p0", {"v": 2}))
    assert await ids(door, cursor=cursor) == ["p0"]


FILTERED: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({"filter": "added"}, ["a", "u"]),
    ({"filter": "updated"}, ["b"]),
    ({"filter": "DELETED, updated"}, ["b", "d"]),
    ({"kind": "user"}, ["u"]),
    ({"stream": "pages"}, ["a", "b", "d"]),
    ({"model": ["pages", "users"]}, ["a", "u", "b", "d"]),
    ({"ids": "a,d"}, ["a", "d"]),
    ({"ids": ["a", "u"], "filter": "added", "kind": "page"}, ["a"]),
    ({"modifiedAfter": "2026-11-20T12:00:00Z"}, ["b", "d"]),
    ({"modifiedAfter": "2026-11-20T14:00:00+01:00"}, ["d"]),
    ({"ids": "x' OR '1'='1"}, []),
)


async def test_filters_choose_among_the_records(door: Door) -> None:
    await stored(door, page("a"), page("b"), page("d"), record(Kind.USER, "u"))
    await stored(door, page("b", {"v": 2}), hours=1)
    await deleted(door, "d", hours=2)

    for params, found in FILTERED:
        assert await ids(door, **params) == found, params
        assert (await listed(door, **params))["nextCursor"] == encode(HOME, 6)


WRONG: tuple[dict[str, Any], ...] = (
    {"filter": "gone"},
    {"kind": "row"},
    {"limit": 0},
    {"limit": 1001},
    {"limit": "x"},
    {"cursor": "!"},
    {"cursor": "bm9wZQ"},
    {"cursor": encode("c2", 1)},
    {"cursor": encode(HOME, 10**18)},
    {"ids": ",".join(["x"] * 101)},
    {"modifiedAfter": "yesterday"},
    {"modifiedAfter": "2026-11-20T12:00:00"},
    {"format": "xml"},
)


async def test_wrong_parameters_are_named(door: Door) -> None:
    headers = await door.signed_in("viewer")
    for params in WRONG:
        status, body = await door.ask("GET", "/records", headers=headers, params=params)

        assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")
        assert next(iter(params)) in json.dumps(body)


async def test_a_cursor_that_the_log_has_not_reached_has_expired(door: Door) -> None:
    await stored(door, page("p"))
    headers = await door.signed_in("viewer")
    status, body = await door.ask("GET", "/records", headers=headers, params={"cursor": encode(HOME, 2)})

    assert (status, body["error"]["code"]) == (410, "CURSOR_EXPIRED")


async def test_a_stream_has_every_record_on_a_line_and_the_place_behind_them(door: Door) -> None:
    await stored(door, *(page(f"p{number:04}") for number in range(1001)))
    headers = await door.signed_in("viewer") | NDJSON

    answer = await door.http.get("/api/v1/records", headers=headers)
    few = await door.http.get("/api/v1/records", headers=headers, params={"limit": 450, "format": "nango"})

    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [one["id"] for one in lines] == [f"p{number:04}" for number in range(1001)]
    assert answer.headers["x-next-cursor"] == lines[-1]["cursor"] == encode(HOME, 1001)
    assert len(few.text.splitlines()) == 450
    assert json.loads(few.text.splitlines()[-1])["_nango_metadata"]["cursor"] == encode(HOME, 450)


async def test_forgotten_deletions_end_the_cursors_that_may_have_missed_them(door: Door) -> None:
    await stored(door, page("a"), page("b"), page("c"))
    await deleted(door, "b")
    await stored(door, page("c", {"v": 2}))
    async with door.app.database.begin() as conn:
        assert await changes.forget(conn, HOME, before=T0 + timedelta(days=1), limit=10) == 1
    headers = await door.signed_in("viewer")

    statuses = {
        seq: (await door.ask("GET", "/records", headers=headers, params={"cursor": encode(HOME, seq)}))[0]
        for seq in (1, 3, 4, 5)
    }

    assert statuses == {1: 410, 3: 410, 4: 200, 5: 200}
    assert await ids(door) == ["a", "c"]


async def test_pruning_gives_up_data_up_to_a_cursor_and_an_unchanged_record_stays_unchanged(
    door: Door,
) -> None:
    await stored(door, page("a"), page("b"), record(Kind.USER, "u"))
    headers = await door.signed_in("admin")

    body = {"untilCursor": encode(HOME, 3), "stream": "pages", "limit": 1}
    answers = [await door.ask("PATCH", "/records/prune", headers=headers, json=body) for _ in range(3)]
    await stored(door, page("a"))

    assert [answer["data"] for _, answer in answers] == [
        {"count": 1, "hasMore": True},
        {"count": 1, "hasMore": True},
        {"count": 0, "hasMore": False},
    ]
    found = {one["id"]: one for one in (await listed(door))["records"]}
    assert {key: (one["data"], one["prunedAt"] is None) for key, one in found.items()} == {
        "a": ({}, False),
        "b": ({}, False),
        "u": ({"id": "u"}, True),
    }
    await stored(door, page("a", {"v": 2}), hours=1)
    (again,) = (await listed(door, ids="a"))["records"]
    assert (again["data"], again["prunedAt"]) == ({"v": 2}, None)


async def test_only_who_may_edit_settings_prunes(door: Door) -> None:
    body = {"untilCursor": encode(HOME, 0)}
    status, _ = await door.ask("PATCH", "/records/prune", headers=await door.signed_in("member"), json=body)

    assert status == 403


async def test_readers_of_other_workspaces_see_nothing_of_this_one(door: Door) -> None:
    await door.workspace("c2", owner="outsider")
    await stored(door, page("p"))
    headers = await door.signed_in("outsider")

    assert (await door.ask("GET", "/records", headers=headers))[1]["data"]["records"] == []
    status, _ = await door.ask("GET", "/records", headers=headers, params={"workspaceId": HOME})
    assert status == 404


async def test_of_a_thousand_writes_in_one_millisecond_a_reader_misses_none_and_sees_none_twice(
    door: Door,
) -> None:
    writers, each, batch = 10, 20, 5
    total = writers * each * batch

    async def write(writer: int) -> None:
        for number in range(each):
            await stored(door, *(page(f"p{writer}-{number}-{one}") for one in range(batch)))

    seen: list[str] = []

    async def follow() -> None:
        cursor: dict[str, str] = {}
        while len(seen) < total:
            part = await listed(door, limit=50, **cursor)
            seen.extend(one["id"] for one in part["records"])
            cursor = {"cursor": part["nextCursor"]}

    await asyncio.gather(follow(), *(write(writer) for writer in range(writers)))

    assert len(seen) == len(set(seen)) == total


def test_a_cursor_reads_back() -> None:
    assert decode("c:1", encode("c:1", 42)) == 42
    assert decode("c", None) == 0
    with pytest.raises(BadInput):
        decode("c", encode("c", 1) + "é")
