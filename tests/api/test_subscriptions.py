"""Notion's webhooks at the door: paired by an admin, signed over raw bytes, and shown to nobody else."""

import json
from typing import Any

from sqlalchemy import select
from tests.api.doors import HOME, Door

from syncline.notion.webhook import signature
from syncline.store.tables_inbox import inbox

TOKEN = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"
PAGE = "153104cd-477e-809d-8dc4-ff2d96ae3090"


def event(number: int = 1, **changes: Any) -> bytes:
    told = {
        "id": f"367cba44-b6f3-4c92-81e7-{number:012x}",
        "timestamp": "2026-11-20T12:00:00.000Z",
        "workspace_id": "13950b26-c203-4f3b-b97d-93ec06319565",
        "type": "page.properties_updated",
        "entity": {"id": PAGE, "type": "page"},
        "data": {"parent": {"id": PAGE, "type": "page"}, "updated_properties": ["title"]},
    }
    return json.dumps({**told, **changes}).encode()


async def send(door: Door, path: str, body: bytes, *, token: str | None = TOKEN) -> int:
    headers = {} if token is None else {"X-Notion-Signature": signature(body, token)}
    answer = await door.http.post(path, content=body, headers={"Content-Type": "application/json", **headers})
    return answer.status_code


async def paired(door: Door) -> str:
    """A subscription whose hands were shaken; the path that Notion posts to."""
    status, told = await door.ask("POST", "/notion/webhooks", headers=await door.signed_in("admin"), json={})
    assert status == 201
    path = f"/webhooks/notion/{told['data']['id']}"
    assert told["data"]["url"].endswith(path)
    body = json.dumps({"verification_token": TOKEN}).encode()
    assert await send(door, path, body) == 200
    return path


async def kept(door: Door) -> list[str]:
    async with door.app.database.read() as conn:
        return [str(key) for key in await conn.scalars(select(inbox.c.event_id))]


async def test_a_signed_event_is_kept_once(door: Door) -> None:
    path = await paired(door)
    assert [await send(door, path, event()), await send(door, path, event())] == [200, 200]
    assert len(await kept(door)) == 1


async def test_the_token_is_shown_to_an_admin_until_it_was_pasted(door: Door) -> None:
    path = await paired(door)
    admin = await door.signed_in("admin")
    key = path.rpartition("/")[2]
    _, told = await door.ask("GET", f"/notion/webhooks/{key}", headers=admin)
    assert (told["data"]["verificationToken"], told["data"]["state"]) == (TOKEN, "paired")
    await send(door, path, event())
    _, told = await door.ask("GET", f"/notion/webhooks/{key}", headers=admin)
    assert (told["data"]["verificationToken"], told["data"]["state"]) == (None, "confirmed")
    assert told["data"]["waiting"] == 1


async def test_unsigned_forged_and_malformed_requests_are_refused(door: Door) -> None:
    path = await paired(door)
    assert await send(door, path, event(), token=None) == 401
    assert await send(door, path, event(), token="secret_other") == 401
    assert await send(door, path, b"{}") == 400
    assert await send(door, path, event(timestamp="never")) == 400
    assert await send(door, "/webhooks/notion/nobody", event()) == 404
    assert (
        await send(door, path, json.dumps({"verification_token": "secret_mine"}).encode(), token=None) == 401
    )
    assert await kept(door) == []


async def test_a_giant_body_is_refused_before_it_is_read(door: Door) -> None:
    path = await paired(door)
    assert await send(door, path, b" " * (2 << 20)) == 413


async def test_the_window_of_a_subscription_closes(door: Door) -> None:
    _, told = await door.ask("POST", "/notion/webhooks", headers=await door.signed_in("admin"), json={})
    door.time.pass_(minutes=16)
    path = f"/webhooks/notion/{told['data']['id']}"
    body = json.dumps({"verification_token": TOKEN}).encode()
    assert await send(door, path, body) == 401
    admin = await door.signed_in("admin")
    assert (await door.ask("POST", f"/notion/webhooks/{told['data']['id']}/pair", headers=admin))[0] == 200
    assert await send(door, path, body) == 200


async def test_the_newest_events_are_listed(door: Door) -> None:
    path = await paired(door)
    for number in range(3):
        await send(door, path, event(number))
        door.time.pass_(seconds=1)
    await send(door, path, event(9, type="view.created", entity={"id": PAGE, "type": "view"}))
    key = path.rpartition("/")[2]
    _, told = await door.ask(
        "GET", f"/notion/webhooks/{key}/events?limit=2", headers=await door.signed_in("admin")
    )
    assert [one["state"] for one in told["data"]["events"]] == ["ignored", "waiting"]


async def test_a_subscription_of_another_workspace_is_not_found(door: Door) -> None:
    path = await paired(door)
    await door.workspace("c2", owner="stranger")
    key, stranger = path.rpartition("/")[2], await door.signed_in("stranger")
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/pair"), ("GET", "/events")):
        assert (await door.ask(method, f"/notion/webhooks/{key}{rest}", headers=stranger))[0] == 404


async def test_a_removed_subscription_takes_nothing_any_more(door: Door) -> None:
    path = await paired(door)
    await send(door, path, event())
    key = path.rpartition("/")[2]
    assert (await door.ask("DELETE", f"/notion/webhooks/{key}", headers=await door.signed_in("admin")))[
        0
    ] == 200
    assert await send(door, path, event(2)) == 404
    assert await kept(door) == []


async def test_the_token_stands_in_no_table_as_it_is(door: Door) -> None:
    await paired(door)
    async with door.app.database.read() as conn:
        from syncline.store.tables_inbox import subscriptions  # noqa: PLC0415 - the name is taken above

        sealed = await conn.scalar(select(subscriptions.c.token).where(subscriptions.c.connection_id == HOME))
    assert sealed is not None
    assert TOKEN.encode() not in sealed
