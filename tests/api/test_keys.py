"""API keys: shown once, good for what they were made for, and for nothing once they are revoked."""

from typing import Any

import pytest
from tests.api.doors import HOME, Door

from syncline.store import connections

HERE = f"/workspaces/{HOME}/members"


async def made(door: Door, who: str = "admin", **asked: Any) -> dict[str, Any]:
    status, body = await door.ask(
        "POST", "/keys", headers=await door.signed_in(who), json={"name": "test"} | asked
    )
    assert status == 201, body
    return dict(body["data"])


def bearer(key: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {key['key']}"}


async def test_a_key_is_shown_once_and_known_by_its_prefix(door: Door) -> None:
    key = await made(door, scopes=["admin", "read"])

    _, body = await door.ask("GET", "/keys", headers=await door.signed_in("admin"))

    [listed] = body["data"]["keys"]
    assert key["key"].startswith(key["prefix"])
    assert key.pop("key") not in str(body)
    assert listed == key
    assert listed["scopes"] == ["read", "admin"]


async def test_a_key_reads_by_default_and_no_more(door: Door) -> None:
    key = await made(door)

    assert (await door.ask("GET", HERE, headers=bearer(key)))[0] == 200
    status, body = await door.ask("POST", HERE, headers=bearer(key), json={"email": "outsider@example.com"})
    assert (status, body["error"]["code"]) == (403, "PERMISSION_DENIED")


async def test_a_key_never_gives_more_than_its_users_role(door: Door) -> None:
    key = await made(door, "viewer", scopes=["admin"])

    assert (await door.ask("POST", HERE, headers=bearer(key), json={"email": "outsider@example.com"}))[
        0
    ] == 403


async def test_a_key_tells_when_it_was_last_used_to_the_minute(door: Door) -> None:
    key, headers = await made(door), await door.signed_in("admin")

    async def used() -> str | None:
        return (await door.ask("GET", "/keys", headers=headers))[1]["data"]["keys"][0]["lastUsedAt"]  # type: ignore[no-any-return]  # JSON

    assert await used() is None
    await door.ask("GET", HERE, headers=bearer(key))
    assert await used() == "2026-11-20T12:00:00.000Z"
    door.time.pass_(seconds=59)
    await door.ask("GET", HERE, headers=bearer(key))
    assert await used() == "2026-11-20T12:00:00.000Z"
    door.time.pass_(seconds=1)
    await door.ask("GET", HERE, headers=bearer(key))
    assert await used() == "2026-11-20T12:01:00.000Z"


async def test_a_revoked_key_is_worth_nothing(door: Door) -> None:
    key, headers = await made(door), await door.signed_in("admin")

    assert (await door.ask("DELETE", f"/keys/{key['id']}", headers=await door.signed_in("owner")))[0] == 404
    assert (await door.ask("DELETE", f"/keys/{key['id']}", headers=headers))[0] == 200

    assert (await door.ask("GET", HERE, headers=bearer(key)))[1]["error"]["code"] == "TOKEN_INVALID"
    assert (await door.ask("DELETE", f"/keys/{key['id']}", headers=headers))[0] == 404


async def test_a_key_ends_when_it_was_told_to(door: Door) -> None:
    key = await made(door, expiresAt="2026-11-20T14:00:00+01:00")
    assert key["expiresAt"] == "2026-11-20T13:00:00.000Z"

    door.time.pass_(minutes=59)
    assert (await door.ask("GET", HERE, headers=bearer(key)))[0] == 200
    door.time.pass_(minutes=1)
    assert (await door.ask("GET", HERE, headers=bearer(key)))[1]["error"]["code"] == "TOKEN_INVALID"


async def test_a_key_reaches_only_the_workspaces_it_is_limited_to(door: Door) -> None:
    await door.workspace("c2", admin="admin")
    key = await made(door, workspaces=[HOME])

    assert (await door.ask("GET", HERE, headers=bearer(key)))[0] == 200
    assert (await door.ask("GET", "/workspaces/c2/members", headers=bearer(key)))[0] == 404


async def test_a_limited_key_whose_workspace_is_gone_reaches_none(door: Door) -> None:
    await door.workspace("c2", admin="admin")
    key = await made(door, workspaces=["c2"])
    async with door.app.database.begin() as conn:
        await connections.remove(conn, "c2")

    assert (await door.ask("GET", HERE, headers=bearer(key)))[0] == 404
    _, body = await door.ask("GET", "/keys", headers=await door.signed_in("admin"))
    assert body["data"]["keys"][0]["workspaces"] == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"workspaces": ["c-foreign"]}, 404),
        ({"workspaces": []}, 400),
        ({"scopes": []}, 400),
        ({"scopes": ["everything"]}, 400),
        ({"expiresAt": "2026-11-20T12:00:00Z"}, 400),
        ({"expiresAt": "2026-11-20T13:00:00"}, 400),
        ({"expiresAt": 4_000_000_000}, 400),
        ({"expiresAt": "4000000000"}, 400),
        ({"name": "   "}, 400),
        ({"nmae": "typo"}, 400),
    ],
)
async def test_a_key_that_cannot_be_is_refused(door: Door, asked: dict[str, Any], status: int) -> None:
    await door.workspace("c-foreign", owner="outsider")

    answer = await door.ask(
        "POST", "/keys", headers=await door.signed_in("admin"), json={"name": "test"} | asked
    )

    assert answer[0] == status
