"""Conflicts over REST: listed, looked at, decided; by those who may."""

from typing import Any

from tests.api.doors import HOME, T0, Door

from syncline.core.pair import ROW, Clash, Take
from syncline.core.permission import Scope
from syncline.store import conflicts
from syncline.store.conflicts import Raised
from syncline.store.links import Place

OPEN = Clash("Name", "Ann", "Anna", "Anne", winner=None, notion_at=T0)
HISTORY = Clash("Tags", None, {"list": ["a", "b"]}, None, winner=Take.DATABASE)


async def note(door: Door, clash: Clash, *, key: str = "1", connection_id: str = HOME) -> str:
    kind = "" if clash.property == ROW else "multi_select" if clash.property == "Tags" else "title"
    async with door.app.database.begin() as conn:
        place = Place(connection_id, "work", "items")
        (one,) = await conflicts.note(conn, place, [Raised(key, clash, kind, "p1")], now=T0)
        return one


async def listed(door: Door, **params: Any) -> Any:
    status, body = await door.ask(
        "GET", "/mappings/conflicts", headers=await door.signed_in("viewer"), params=params
    )
    assert status == 200, body
    return body["data"]


async def test_what_waits_is_listed_whole(door: Door) -> None:
    one = await note(door, OPEN)
    await note(door, HISTORY)
    assert await listed(door) == {
        "conflicts": [
            {
                "id": one,
                "mapping": "work",
                "table": "items",
                "key": "1",
                "property": "Name",
                "type": "title",
                "pageId": "p1",
                "state": "open",
                "base": "Ann",
                "database": "Anna",
                "notion": "Anne",
                "winner": None,
                "times": 1,
                "raisedAt": "2026-11-20T12:00:00.000Z",
                "endedAt": None,
                "databaseChangedAt": None,
                "notionEditedAt": "2026-11-20T12:00:00.000Z",
                "decidedBy": None,
            }
        ],
        "pagination": {"page": 1, "limit": 50, "total": 1},
    }


async def test_the_history_is_there_for_those_who_ask(door: Door) -> None:
    await note(door, OPEN)
    await note(door, HISTORY)
    (one,) = (await listed(door, state="overruled"))["conflicts"]
    assert (one["winner"], one["database"], one["notion"]) == ("database", ["a", "b"], None)
    assert (await listed(door, mapping="other"))["pagination"]["total"] == 0
    assert (await listed(door, page=2, limit=1))["conflicts"] == []


async def test_a_member_decides_and_a_viewer_does_not(door: Door) -> None:
    one = await note(door, OPEN)
    path, body = f"/mappings/conflicts/{one}/resolve", {"take": "value", "value": "Annabel"}
    refused, _ = await door.ask("POST", path, headers=await door.signed_in("viewer"), json=body)
    assert refused == 403
    status, answer = await door.ask("POST", path, headers=await door.signed_in("member"), json=body)
    assert (status, answer["data"]["state"], answer["data"]["winner"]) == (200, "decided", "value")
    assert answer["data"]["decidedBy"] == door.people["member"].id
    shown, found = await door.ask(
        "GET", f"/mappings/conflicts/{one}", headers=await door.key("viewer", Scope.READ)
    )
    assert (shown, found["data"]["state"]) == (200, "decided")


async def test_what_cannot_be_decided_says_why(door: Door) -> None:
    member = await door.signed_in("member")
    done, row = await note(door, HISTORY), await note(door, Clash(ROW, {}, None, {"a": 1}, winner=None))
    cases = [
        (done, {"take": "notion"}, 400),
        (row, {"take": "value", "value": "x"}, 400),
        ("none", {"take": "notion"}, 404),
        (row, {"take": "mine"}, 400),
    ]
    for one, body, expected in cases:
        status, _ = await door.ask("POST", f"/mappings/conflicts/{one}/resolve", headers=member, json=body)
        assert status == expected, one


async def test_the_conflicts_of_others_are_not_there(door: Door) -> None:
    one = await note(door, OPEN, connection_id="c2")
    assert (await listed(door))["conflicts"] == []
    status, _ = await door.ask("GET", f"/mappings/conflicts/{one}", headers=await door.signed_in("member"))
    assert status == 404
