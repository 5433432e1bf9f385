"""What a stranger sends breaks nothing, and what is secret stays so: in logs, in answers and in the store."""

import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select
from tests.api.doors import HOME, ORIGIN, PASSWORD, Door

from syncline.accounts import accounts
from syncline.api.asgi import ROUTERS, routes
from syncline.api.frame import MIB
from syncline.api.openapi import api_routes
from syncline.api.samples import sample
from syncline.core.permission import Role
from syncline.store import members
from syncline.store.schema import metadata

NASTY = [
    "\"'; DROP TABLE users; --\r\nSet-Cookie: a=b",
    "nul\x00byte",
    "../%00{{7*7}}<script>alert(1)</script>\u202e\ufeff",
]
LONG = "a" * 5_000
LEAVES_THE_HOUSE = re.compile(r"/(connect|check-token|token-health|disconnect|pair)$")
"""Routes that ask Notion: tested where Notion is an emulator."""


def walk() -> Iterator[tuple[str, APIRoute]]:
    for route in api_routes(ROUTERS):
        if route.include_in_schema and not LEAVES_THE_HOUSE.search(route.path):
            for method in sorted(route.methods or ()):
                yield method, route


def spoiled(body: Any, nasty: str) -> Iterator[Any]:
    """A body with one text after the other replaced."""
    if isinstance(body, str):
        yield nasty
    elif isinstance(body, dict):
        for name, value in body.items():
            yield from ({**body, name: other} for other in spoiled(value, nasty))
        yield {**body, nasty[:50]: nasty}
    elif isinstance(body, list):
        yield from ([other] for one in body[:1] for other in spoiled(one, nasty))


@pytest.fixture(scope="module")
def spec() -> Any:
    return routes().openapi()


def sample_body(spec: Any, method: str, route: APIRoute) -> Any:
    operation = spec["paths"][route.path_format][method.lower()]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return sample(content["schema"], spec["components"]["schemas"]) if content else None


async def test_no_text_in_a_path_or_query_breaks_a_route(door: Door, spec: Any) -> None:
    headers = await door.signed_in("owner")
    broken = []
    for method, route in walk():
        query = [
            one["name"]
            for one in spec["paths"][route.path_format][method.lower()].get("parameters", [])
            if one["in"] == "query"
        ]
        for nasty in NASTY:
            path = re.sub(r"\{\w+\}", quoted(nasty), route.path)
            named = {} if "workspaceId" in route.path else {"X-Workspace-Id": HOME}
            if method != "GET" and path == route.path:
                continue
            answer = await door.http.request(
                method, path, headers=headers | named, params=dict.fromkeys(query, nasty) | {"wait": "0"}
            )
            if answer.status_code >= 500:
                broken.append(f"{method} {route.path} {nasty!r}: {answer.status_code}")

    assert broken == []


def quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


async def test_no_text_in_a_body_breaks_a_route(door: Door, spec: Any) -> None:
    headers = await door.signed_in("admin") | {"X-Workspace-Id": HOME}
    broken = []
    for method, route in walk():
        body = sample_body(spec, method, route)
        if body is None:
            continue
        path = re.sub(r"\{(\w+)\}", lambda match: HOME if match[1] == "workspaceId" else "x", route.path)
        for nasty in (*NASTY[:2], LONG):
            for other in spoiled(body, nasty):
                answer = await door.http.request(method, path, headers=headers, json=other)
                if answer.status_code >= 500:
                    broken.append(
                        f"{method} {route.path} {other!r:.200}: {answer.status_code} {answer.text[:200]}"
                    )

    assert broken == []


@pytest.mark.parametrize(
    "body", [b"[]", b"1", b'"text"', b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":1e999}', b""]
)
async def test_a_body_that_is_none_is_refused(door: Door, body: bytes) -> None:
    headers = await door.signed_in("owner") | {"Content-Type": "application/json"}
    for method, path in [("POST", "/auth/login"), ("POST", "/keys"), ("POST", f"/workspaces/{HOME}/members")]:
        status, answer = await door.ask(method, path, headers=headers, content=body)
        assert (status, answer["error"]["code"]) == (400, "VALIDATION_ERROR"), path


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x"])
async def test_a_body_of_another_type_is_refused(door: Door, kind: str) -> None:
    content = json.dumps({"email": "ann@example.com", "password": PASSWORD}).encode()

    status, answer = await door.ask("POST", "/auth/login", headers={"Content-Type": kind}, content=content)

    assert (status, answer["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("promised", [True, False], ids=["promised", "in pieces"])
async def test_a_body_beyond_a_mebibyte_is_refused(door: Door, *, promised: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MIB // 65_536 + 1):
            yield b" " * 65_536

    content = b" " * (MIB + 1) if promised else pieces()
    for path, headers in [
        ("/auth/login", {}),
        ("/keys", await door.signed_in("owner") | {"Idempotency-Key": "big"}),
        ("/nowhere", {}),
    ]:
        status, answer = await door.ask(
            "POST",
            path,
            headers=headers | {"Content-Type": "application/json"},
            content=content if promised else pieces(),
        )
        if path == "/nowhere" and not promised:
            assert status == 404  # nobody reads it
        else:
            assert (status, answer["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE"), path


@pytest.mark.parametrize("sent", ["a\r\nb", "x" * 65, "a b", "ü"])
async def test_a_request_id_that_could_break_a_log_is_replaced(door: Door, sent: str) -> None:
    answer = await door.http.get("/healthz", headers=[(b"x-request-id", sent.encode())])

    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


async def test_a_request_id_of_the_caller_is_kept(door: Door) -> None:
    answer = await door.http.get("/healthz", headers={"X-Request-Id": "trace-1.a_B"})

    assert answer.headers["x-request-id"] == "trace-1.a_B"


async def test_what_is_refused_is_not_repeated_in_the_answer(door: Door) -> None:
    answer = await door.http.post(
        "/api/v1/auth/login",
        json={"email": 5, "password": {"planted": "hunter2-planted"}, "extra": "hunter2-planted"},
    )

    assert answer.status_code == 400
    assert "hunter2-planted" not in answer.text


async def test_a_name_is_kept_as_it_was_written_and_harms_nobody(door: Door) -> None:
    headers = await door.signed_in("viewer")
    for nasty in ("Robert'); DROP TABLE users; --", "<b>x</b>", "\u202e \x1a"):
        status, body = await door.ask("PATCH", "/auth/me", headers=headers, json={"name": nasty})
        assert (status, body["data"]["user"]["name"]) == (200, nasty.strip())
    async with door.app.database.read() as conn:
        assert len(await members.every(conn, HOME)) == 4


async def dump(door: Door) -> str:
    """Everything that stands in the database."""
    async with door.app.database.read() as conn:
        rows = [row for table in metadata.sorted_tables for row in await conn.execute(select(table))]
    return "\n".join(
        repr([bytes(value) if isinstance(value, memoryview) else value for value in row]) for row in rows
    )


async def test_no_secret_is_in_a_log_an_answer_or_the_store(
    bare: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    link = await accounts.setup_link(bare.app, ORIGIN)
    assert link is not None
    secrets, shown = {"password": PASSWORD, "new password": "another long password"}, ""
    secrets["setup key"] = link.partition("#key=")[2]

    async def ask(method: str, path: str, **rest: Any) -> Any:
        status, body = await bare.ask(method, path, **rest)
        assert status < 500
        nonlocal shown
        shown += json.dumps(body)
        return body.get("data", {})

    async def told(name: str, field: str, method: str, path: str, **rest: Any) -> None:
        """A secret that one answer may show."""
        _, body = await bare.ask(method, path, **rest)
        secrets[name] = body["data"][field]

    ann = {"email": "ann@example.com", "password": PASSWORD}
    await told(
        "access",
        "accessToken",
        "POST",
        "/auth/register",
        json=ann | {"name": "Ann", "key": secrets["setup key"]},
    )
    bare.http.cookies.clear()
    headers = {"Authorization": f"Bearer {secrets['access']}"}
    await bare.workspace("c1", token="ntn_planted_token")
    async with bare.app.database.begin() as conn:
        [user] = (await conn.execute(select(metadata.tables["users"].c.id))).scalars().all()
        await members.add(conn, "c1", user, role=Role.OWNER, now=bare.time())
    secrets["notion token"] = "ntn_planted_token"
    await told("refresh", "refreshToken", "POST", "/auth/login", json=ann)
    await told("renewed", "refreshToken", "POST", "/auth/refresh", json={"refreshToken": secrets["refresh"]})
    bare.http.cookies.clear()
    await told("key", "key", "POST", "/keys", headers=headers | {"Idempotency-Key": "k"}, json={"name": "k"})
    await told(
        "invitation",
        "token",
        "POST",
        "/workspaces/c1/invitations",
        headers=headers,
        json={"email": "b@example.com"},
    )
    found = await accounts.request_reset(bare.app, "ann@example.com")
    assert found is not None
    secrets["reset"] = found[1]
    await ask("POST", "/auth/login", json=ann | {"password": "wrong " + PASSWORD})
    await ask("POST", "/auth/login", json=ann | {"password": [PASSWORD]})
    await ask("POST", "/auth/refresh", json={"refreshToken": secrets["renewed"], "x": 1})
    for path in (
        "/auth/me",
        "/keys",
        "/workspaces/c1/invitations",
        "/workspaces/c1/members",
        "/notion/workspaces",
    ):
        await ask("GET", path, headers=headers)
    await ask("GET", "/auth/me", headers={"Authorization": f"Bearer {secrets['access']}x"})
    before = await dump(bare)
    await ask(
        "POST", "/auth/reset-password", json={"token": secrets["reset"], "password": "another long password"}
    )
    places = {"log": caplog.text, "answers": shown, "store": before + await dump(bare)}

    assert len(before) > 1000
    found_in = [
        f"{name} in {place}"
        for name, secret in secrets.items()
        for place, text in places.items()
        if secret in text
    ]
    assert found_in == []
