"""The redirects of OAuth as a browser sees them, and the internal token as the other way in."""

import re
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
import pytest_asyncio
from tests.api.doors import Door

from notion_emulator.oauth import Client
from notion_emulator.server import ServerThread
from syncline.store import oauth
from syncline.store.oauth import OAuthApp
from syncline.store.schema import metadata

BACK = "http://syncline.test/api/v1/notion/callback"


def query(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


@dataclass(slots=True)
class Browser:
    """What a browser keeps: cookies of our host."""

    door: Door
    cookies: dict[str, str]

    async def visit(self, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        held = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = (headers or {}) | ({"Cookie": held} if held else {})
        self.door.http.cookies.clear()  # it would keep them for all browsers
        answer = await self.door.http.get(path, headers=sent, follow_redirects=False)
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return answer


@pytest_asyncio.fixture
async def client(door: Door, notion_emulator_server: ServerThread) -> Client:
    """An OAuth app, registered with an emulated Notion and with the service."""
    client = notion_emulator_server.emulator.oauth.register(redirect_uris=(BACK,))
    url = notion_emulator_server.url
    app = OAuthApp("a", "acme", client.id, BACK, url, "2026-03-11", rate="none", created_at=door.time())
    async with door.app.database.begin() as conn:
        await oauth.add(conn, app, secret=client.secret, ring=door.app.keys)
    return client


@pytest.fixture
def browser(door: Door) -> Browser:
    return Browser(door, {})


async def decided(url: str, decision: str) -> str:
    """What the person decides at Notion's page; where Notion sends the browser."""
    form = query(url) | {"decision": decision}
    address = urlsplit(url)
    target = f"{address.scheme}://{address.netloc}{address.path}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with httpx2.AsyncClient() as http:
        answer = await http.post(target, content=urlencode(form), headers=headers)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def test_the_whole_way_is_two_redirects_and_ends_with_a_workspace(
    door: Door, browser: Browser, client: Client
) -> None:
    signed_in = await door.signed_in("outsider")
    start = await browser.visit("/api/v1/notion/auth?state=my+own", signed_in)
    assert start.status_code == 302
    back = await decided(start.headers["location"], "allow")
    assert back.startswith(BACK)
    end = await browser.visit(back)
    assert end.status_code == 302
    landed = query(end.headers["location"])
    assert set(landed) == {"workspace", "state"}
    assert landed["state"] == "my own"
    assert browser.cookies == {}

    _, listed = await door.ask("GET", "/notion/workspaces", headers=signed_in)
    (one,) = listed["data"]["workspaces"]
    assert (one["id"], one["myRole"], one["tokenStatus"]) == (landed["workspace"], "owner", "valid")


async def test_a_client_that_follows_no_redirect_is_told_where_to_go(
    door: Door, browser: Browser, client: Client
) -> None:
    headers = await door.signed_in("outsider") | {"Accept": "application/json"}
    start = await browser.visit("/api/v1/notion/auth", headers)
    assert start.status_code == 200
    told = start.json()["data"]
    assert query(told["authUrl"])["state"] == told["state"]
    end = await browser.visit(await decided(told["authUrl"], "allow"))
    assert set(query(end.headers["location"])) == {"workspace"}


async def test_the_cookie_is_the_browsers_alone_and_for_ten_minutes(
    door: Door, browser: Browser, client: Client
) -> None:
    start = await browser.visit("/api/v1/notion/auth", await door.signed_in("outsider"))
    cookie = start.headers["set-cookie"]
    assert re.match(
        r"syncline_oauth_[0-9a-f]{16}=[\w-]{43}; HttpOnly; Max-Age=600; Path=/; SameSite=lax$", cookie
    )


async def test_who_refuses_at_notion_comes_back_with_a_code(
    door: Door, browser: Browser, client: Client
) -> None:
    start = await browser.visit("/api/v1/notion/auth?state=s", await door.signed_in("outsider"))
    end = await browser.visit(await decided(start.headers["location"], "deny"))
    assert query(end.headers["location"]) == {"error": "access_denied", "state": "s"}


async def test_another_browser_gets_nowhere(door: Door, browser: Browser, client: Client) -> None:
    """The link that an attacker sends to a victim: it would give the attacker the victim's workspace."""
    start = await browser.visit("/api/v1/notion/auth", await door.signed_in("outsider"))
    back = await decided(start.headers["location"], "allow")
    end = await Browser(door, {}).visit(back)
    assert query(end.headers["location"]) == {"error": "invalid_state"}
    assert "evil" not in end.headers["location"]


async def test_notion_may_send_people_back_to_the_other_path(
    door: Door, browser: Browser, client: Client
) -> None:
    start = await browser.visit("/api/v1/notion/auth", await door.signed_in("outsider"))
    back = await decided(start.headers["location"], "allow")
    end = await browser.visit(f"/integrations/notion?{urlsplit(back).query}")
    assert set(query(end.headers["location"])) == {"workspace"}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/notion/auth?redirectUrl=https://evil.example.com/", 400, "VALIDATION_ERROR"),
        ("/notion/auth?app=missing", 404, "NOT_FOUND"),
        (f"/notion/auth?state={'x' * 2001}", 400, "VALIDATION_ERROR"),
    ],
)
async def test_what_cannot_begin_is_an_error_and_no_redirect(
    door: Door, client: Client, path: str, status: int, code: str
) -> None:
    found, body = await door.ask("GET", path, headers=await door.signed_in("outsider"))
    assert (found, body["error"]["code"]) == (status, code)


async def test_without_an_app_it_is_said_how_one_is_set_up(door: Door) -> None:
    status, body = await door.ask("GET", "/notion/auth", headers=await door.signed_in("outsider"))
    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert "oauth-app add" in body["message"]


async def test_the_built_in_page_repeats_nothing_unescaped(door: Door) -> None:
    answer = await door.http.get("/settings/integrations", params={"error": "<script>alert(1)</script>"})
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "connected" in (await door.http.get("/settings/integrations?workspace=x")).text


# --- an internal token ------------------------------------------------------------------------------------


def pointed(door: Door, server: ServerThread) -> Door:
    """The service, with its Notion at the emulator."""
    settings = door.app.settings.model_copy(update={"notion_url": server.url, "notion_rate": "none"})
    door.service.app = replace(door.app, settings=settings)
    return door


async def test_an_internal_token_connects_a_workspace(
    door: Door, notion_emulator_server: ServerThread
) -> None:
    pointed(door, notion_emulator_server)
    token = notion_emulator_server.emulator.token
    status, body = await door.ask(
        "POST", "/notion/connect", headers=await door.signed_in("outsider"), json={"token": token}
    )
    assert status == 201
    assert body["data"] | {"workspaceId": ""} == {"workspaceId": "", "myRole": "owner", "tokenKept": True}
    assert token not in repr(body)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"token": "ntn_nobody_has_it"}, 403, "NOTION_AUTH_EXPIRED"),
        ({"token": ""}, 400, "VALIDATION_ERROR"),
        ({"token": "ntn_x\r\nHost: evil"}, 400, "VALIDATION_ERROR"),
        ({}, 400, "VALIDATION_ERROR"),
        ({"token": "ntn_x", "baseUrl": "http://169.254.169.254"}, 400, "VALIDATION_ERROR"),
    ],
)
async def test_a_bad_token_is_refused_before_it_is_stored(
    door: Door, notion_emulator_server: ServerThread, body: dict[str, str], status: int, code: str
) -> None:
    """And nobody but the operator says where Notion is."""
    pointed(door, notion_emulator_server)
    headers = await door.signed_in("outsider")
    found, answer = await door.ask("POST", "/notion/connect", headers=headers, json=body)
    assert (found, answer["error"]["code"]) == (status, code)
    assert "ntn_" not in repr(answer)
    _, listed = await door.ask("GET", "/notion/workspaces", headers=headers)
    assert listed["data"]["workspaces"] == []


async def test_no_token_lies_in_the_store_in_clear(
    door: Door, browser: Browser, client: Client, notion_emulator_server: ServerThread
) -> None:
    pointed(door, notion_emulator_server)
    headers = await door.signed_in("outsider")
    start = await browser.visit("/api/v1/notion/auth", headers)
    await browser.visit(await decided(start.headers["location"], "allow"))
    await door.ask(
        "POST", "/notion/connect", headers=headers, json={"token": notion_emulator_server.emulator.token}
    )
    known = notion_emulator_server.emulator.world.connections.values()
    secrets: list[Any] = [client.secret, *(one.token for one in known), *(one.refresh_token for one in known)]
    async with door.app.database.read() as conn:
        rows = "".join([repr((await conn.execute(table.select())).all()) for table in metadata.sorted_tables])
    assert len([secret for secret in secrets if secret]) >= 4
    assert [secret for secret in secrets if secret and secret in rows] == []
