"""Every route of the application, as every role, as an outsider, by keys of every scope and without a token.

The requests go through the whole application up to the route's own function, which is not run: what is tested is who comes that far.
A route that is new is in here by itself. One that needs no token must be listed.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import fastapi.routing
import pytest
from fastapi.routing import APIRoute
from starlette.responses import Response
from tests.api.doors import HOME, Door

from syncline.api.asgi import ROUTERS
from syncline.api.deps import Allow, InstanceOwner, Personal, Signed
from syncline.api.openapi import api_routes, asks, asks_for, scope_of
from syncline.core.permission import (
    Permission,
    Role,
    Scope,
    allowed,
    granted,
)

PUBLIC = {
    "/",
    "/join",
    "/pages.css",
    "/pages.js",
    "/reset-password",
    "/setup",
    "/verify-email",
    "/api/v1/auth/forgot-password",
    "/api/v1/auth/login",
    "/api/v1/auth/refresh",
    "/api/v1/auth/register",
    "/api/v1/auth/reset-password",
    "/api/v1/notion/callback",
    "/healthz",
    "/metrics",  # has a credential of its own: tests/api/test_metrics.py
    "/integrations/notion",
    "/readyz",
    "/settings/integrations",
    "/webhooks/notion/{subscription}",
}
"""What needs no token: the request proves otherwise who sends it, or is told nothing."""

REACHED = 299
"""The status by which a request says that it has come to the route's own function."""

CALLERS = [*Role, "outsider"]


def routes() -> Iterator[tuple[str, APIRoute]]:
    for route in api_routes(ROUTERS):
        for method in sorted(route.methods or ()):
            yield method, route


def permission(route: APIRoute) -> Permission | None:
    return next((call.permission for call in asks_for(route) if isinstance(call, Allow)), None)


def path(route: APIRoute) -> str:
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda match: HOME if match[1] == "workspaceId" else "x", route.path)


@pytest.fixture(autouse=True)
def no_route_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reached(**_: Any) -> Response:
        return Response(status_code=REACHED)

    monkeypatch.setattr(fastapi.routing, "run_endpoint_function", reached)


async def outcome(door: Door, method: str, route: APIRoute, headers: dict[str, str]) -> str:
    """The code with which a request ends; empty if it comes to the route, or only its body is wrong."""
    body: dict[str, Any] = {} if method == "GET" else {"json": {}}
    headers = {"X-Workspace-Id": HOME} | headers
    answer = await door.http.request(method, path(route), headers=headers, **body)
    if answer.status_code in {REACHED, 400, 422}:
        return ""
    return str(answer.json()["error"]["code"])


def expected(route: APIRoute, role: str, scopes: frozenset[Scope], *, person: bool) -> str:
    """The code with which a caller ends who has this role, and these scopes if it is a key."""
    needed = permission(route)
    if needed is not None:
        if role not in list(Role):
            return "NOT_FOUND"
        if not allowed(Role(role), needed):
            return "PERMISSION_DENIED" if allowed(Role.ADMIN, needed) else "OWNER_REQUIRED"
        if not granted(scopes, needed):
            return "PERMISSION_DENIED"
    wanted = Scope.ADMIN if asks(route, InstanceOwner) else scope_of(route)
    if wanted not in {None, Scope.READ} and not scopes & {wanted, Scope.ADMIN}:
        return "PERMISSION_DENIED"
    if asks(route, InstanceOwner) and role != Role.OWNER:
        return "OWNER_REQUIRED"
    return "PERMISSION_DENIED" if asks(route, Personal) and not person else ""


async def test_every_route_admits_whom_it_should_and_nobody_else(door: Door) -> None:
    people = {name: await door.signed_in(name) for name in CALLERS}
    keys = {
        (name, only): await door.key(name, only)
        for name, only in itertools.product(["owner", "viewer"], Scope)
    }
    wrong = []
    for method, route in routes():
        if route.path in PUBLIC or not route.path.startswith("/api/"):
            continue
        for name, headers in people.items():
            found = await outcome(door, method, route, headers)
            if found != (hoped := expected(route, name, frozenset(Scope), person=True)):
                wrong.append(f"{method} {route.path} as {name}: {found!r}, not {hoped!r}")
        for (name, only), headers in keys.items():
            found = await outcome(door, method, route, headers)
            if found != (hoped := expected(route, name, frozenset({only}), person=False)):
                wrong.append(f"{method} {route.path} by a key of {name} for {only}: {found!r}, not {hoped!r}")

    assert wrong == []


async def test_every_route_that_is_not_public_needs_a_token(door: Door) -> None:
    open_ = [
        f"{method} {route.path}"
        for method, route in routes()
        if route.path not in PUBLIC and not asks(route, Signed)
    ]
    answered = [
        f"{method} {route.path}: {code}"
        for method, route in routes()
        if route.path not in PUBLIC and asks(route, Signed)
        if (code := await outcome(door, method, route, {})) != "AUTH_REQUIRED"
    ]

    assert (open_, answered) == ([], [])


async def test_a_key_that_is_limited_to_another_workspace_finds_nothing(door: Door) -> None:
    await door.workspace("c2", owner="owner")
    key = await door.key("owner", *Scope, workspaces=("c2",))

    wrong = [
        f"{method} {route.path}: {code}"
        for method, route in routes()
        if permission(route) is not None
        if (code := await outcome(door, method, route, key)) != "NOT_FOUND"
    ]

    assert wrong == []


async def test_a_page_of_another_origin_commands_nothing_with_a_browsers_cookie(door: Door) -> None:
    token = (await door.signed_in("owner"))["Authorization"].removeprefix("Bearer ")
    headers = {"Cookie": f"syncline_access={token}", "Origin": "https://evil.test"}

    wrong = [
        f"{method} {route.path}: {code}"
        for method, route in routes()
        if asks(route, Signed)
        if ((code := await outcome(door, method, route, headers)) == "PERMISSION_DENIED") is (method == "GET")
    ]

    assert wrong == []
