"""OAuth apps: written by the owner of the instance, and their secrets never read."""

from typing import Any

import pytest
from tests.api.doors import Door

from syncline.store import oauth

ASKED = {"name": "acme", "clientId": "client", "clientSecret": "planted-secret"}


async def added(door: Door, **other: str) -> tuple[int, Any]:
    headers = await door.signed_in("owner")
    return await door.ask("POST", "/notion/apps", headers=headers, json=ASKED | other)


async def test_an_app_is_added_listed_changed_and_removed(door: Door) -> None:
    headers = await door.signed_in("owner")
    status, body = await added(door)
    app = body["data"]["app"]
    assert (status, app["name"], app["clientId"]) == (201, "acme", "client")
    assert app["redirectUri"].endswith("/api/v1/notion/callback")

    path = f"/notion/apps/{app['id']}"
    status, body = await door.ask("PATCH", path, headers=headers, json={"name": "other", "rate": "3/1"})
    assert (status, body["data"]["app"]) == (200, app | {"name": "other", "rate": "3/1"})
    _, body = await door.ask("GET", "/notion/apps", headers=headers)
    assert [one["name"] for one in body["data"]["apps"]] == ["other"]
    assert (await door.ask("DELETE", path, headers=headers))[0] == 200
    assert (await door.ask("DELETE", path, headers=headers))[0] == 404


async def test_a_secret_can_be_written_and_never_read(door: Door) -> None:
    headers = await door.signed_in("owner")
    _, body = await added(door)
    path = f"/notion/apps/{body['data']['app']['id']}"
    answers = [
        body,
        await door.ask("GET", "/notion/apps", headers=headers),
        await door.ask("PATCH", path, headers=headers, json={"clientSecret": "another-secret"}),
        await door.ask("PATCH", path, headers=headers, json={"clientSecret": ["planted-secret"]}),
    ]
    assert "secret" not in repr(answers).replace("clientSecret", "")
    async with door.app.database.read() as conn:
        app = await oauth.find(conn, None)
        assert await oauth.app_secret(conn, app.id, ring=door.app.keys) == "another-secret"


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirectUri": "not an address"},
        {"redirectUri": "javascript:alert(1)"},
        {"baseUrl": "ftp://x"},
        {"notionVersion": "1999-01-01"},
        {"rate": "fast"},
        {"name": " "},
        {"unknown": "x"},
    ],
)
async def test_what_cannot_be_is_refused(door: Door, wrong: dict[str, str]) -> None:
    status, body = await added(door, **wrong)
    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_a_name_is_taken_once(door: Door) -> None:
    await added(door)
    status, body = await added(door, clientId="other")
    assert (status, body["error"]["code"]) == (409, "DUPLICATE_RESOURCE")
