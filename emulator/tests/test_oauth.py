import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest

from notion_emulator import Emulator
from notion_emulator.oauth import Client
from notion_emulator.service import Request, respond

BACK = "https://app.example.com/back"


@pytest.fixture
def client(emulator: Emulator) -> Client:
    return emulator.oauth.register(name="Acme", redirect_uris=(BACK,))


def post(emulator: Emulator, client: Client | None, operation: str, body: Any) -> tuple[int, Any]:
    pair = f"{client.id}:{client.secret}" if client else "a:b"
    headers = {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    response = respond(
        emulator, Request("POST", f"/v1/oauth/{operation}", "", headers, json.dumps(body).encode())
    )
    return response.status, json.loads(response.body)


def tokens(emulator: Emulator, client: Client, **how: Any) -> Any:
    code = emulator.oauth.grant(client, redirect_uri=BACK, **how)
    return post(
        emulator, client, "token", {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    )[1]


async def test_a_person_clicks_through_and_the_code_becomes_a_token(
    emulator: Emulator, client: Client, ask: Any
) -> None:
    shared, other = ask.page("shared")["id"], emulator.world.create_page(None, "not shared").id
    query = {
        "client_id": client.id,
        "redirect_uri": BACK,
        "response_type": "code",
        "owner": "user",
        "state": "s t",
    }
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=emulator.app), base_url="http://notion.test"
    ) as browser:
        shown = await browser.get("/v1/oauth/authorize", params=query)
        assert shown.status_code == 200
        assert "Acme wants to see your pages" in shown.text
        form = urlencode({**query, "page": shared, "decision": "allow"}).encode()
        sent = await browser.post("/v1/oauth/authorize", content=form)
        refused = await browser.post(
            "/v1/oauth/authorize", content=urlencode({**query, "decision": "deny"}).encode()
        )
    assert sent.status_code == 302
    answer = parse_qs(urlsplit(sent.headers["location"]).query)
    assert sent.headers["location"].startswith(BACK)
    assert answer["state"] == ["s t"]
    assert parse_qs(urlsplit(refused.headers["location"]).query) == {
        "error": ["access_denied"],
        "state": ["s t"],
    }
    body = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": BACK}
    status, made = post(emulator, client, "token", body)
    assert (status, made["token_type"], made["workspace_id"]) == (200, "bearer", emulator.world.id)
    assert made["owner"]["user"]["type"] == "person"
    ask.token = made["access_token"]
    assert ask("GET", "/users/me")["bot"]["owner"]["type"] == "user"
    assert ask("GET", f"/pages/{shared}")["id"] == shared
    assert ask.refusal("GET", f"/pages/{other}")[0] == 404
    assert post(emulator, client, "token", body)[1]["error"] == "invalid_grant"


def test_a_refresh_rotates_both_tokens(emulator: Emulator, client: Client, ask: Any) -> None:
    old = tokens(emulator, client)
    status, new = post(
        emulator, client, "token", {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    )
    assert status == 200
    assert new["bot_id"] == old["bot_id"]
    assert new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    ask.token = old["access_token"]
    assert ask.refusal("GET", "/users/me")[0] == 401
    ask.token = new["access_token"]
    assert ask("GET", "/users/me")["id"] == new["bot_id"]
    again = post(
        emulator, client, "token", {"grant_type": "refresh_token", "refresh_token": old["refresh_token"]}
    )
    assert (again[0], again[1]["error"], again[1]["code"]) == (400, "invalid_grant", "invalid_grant")


def test_each_authorization_has_its_own_pair(emulator: Emulator, client: Client) -> None:
    assert tokens(emulator, client)["access_token"] != tokens(emulator, client)["access_token"]


def test_introspection_and_revocation(emulator: Emulator, client: Client, ask: Any) -> None:
    token = tokens(emulator, client)["access_token"]
    seen = post(emulator, client, "introspect", {"token": token})[1]
    assert (seen["active"], seen["iat"]) == (True, emulator.clock.now() // 1000)
    assert set(post(emulator, client, "revoke", {"token": token})[1]) == {"request_id"}
    assert post(emulator, client, "introspect", {"token": token})[1]["active"] is False
    ask.token = token
    assert ask.refusal("GET", "/users/me")[0] == 401


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"grant_type": "authorization_code", "code": "nope", "redirect_uri": BACK}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ([], "invalid_request"),
    ],
)
def test_refusals_follow_rfc_6749(emulator: Emulator, client: Client, body: Any, error: str) -> None:
    status, answer = post(emulator, client, "token", body)
    assert (status, answer["error"], answer["object"]) == (400, error, "error")


def test_a_wrong_secret_is_401(emulator: Emulator) -> None:
    status, answer = post(emulator, None, "token", {})
    assert (status, answer["error"]) == (401, "invalid_client")


def test_a_code_is_bound_to_its_redirect_uri_and_ends(emulator: Emulator, client: Client) -> None:
    code = emulator.oauth.grant(client, redirect_uri=BACK)
    body = {"grant_type": "authorization_code", "code": code}
    assert post(emulator, client, "token", body)[1]["error_description"] == "Mismatched redirect_uri."
    emulator.clock.advance(601)
    assert post(emulator, client, "token", {**body, "redirect_uri": BACK})[1]["error"] == "invalid_grant"
