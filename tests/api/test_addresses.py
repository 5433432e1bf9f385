"""What belongs to a workspace is there under two addresses, with the same answers and permissions."""

import pytest
from tests.api.doors import HOME, Door

from syncline.api.asgi import ROUTERS
from syncline.api.openapi import api_routes


@pytest.mark.parametrize(
    ("method", "path", "role", "status"),
    [
        ("GET", "", "viewer", 200),
        ("GET", f"/{HOME}", "viewer", 200),
        ("GET", f"/{HOME}", "outsider", 404),
        ("PATCH", f"/{HOME}", "admin", 200),
        ("PATCH", f"/{HOME}", "member", 403),
        ("DELETE", f"/{HOME}", "admin", 403),
        ("DELETE", f"/{HOME}", "owner", 200),
    ],
)
async def test_a_workspace_answers_alike_at_both_addresses(
    door: Door, method: str, path: str, role: str, status: int
) -> None:
    headers = await door.signed_in(role)
    body = {"json": {"syncSchedule": {"enabled": False}}} if method == "PATCH" else {}
    if (method, status) == ("DELETE", 200):
        assert (await door.ask(method, f"/workspaces{path}", headers=headers))[0] == 200
        assert (await door.ask(method, f"/notion/workspaces{path}", headers=headers))[0] == 404
        return

    answers = [
        await door.ask(method, f"{address}{path}", headers=headers, **body)
        for address in ("/workspaces", "/notion/workspaces")
    ]

    assert answers[0] == answers[1]
    assert answers[0][0] == status


def test_each_route_of_a_workspace_and_its_members_is_at_both() -> None:
    found = {
        (method, route.path)
        for route in api_routes(ROUTERS)
        for method in route.methods or ()
        if route.tags in (["workspaces"], ["members"]) and "/workspaces" in route.path
    }
    bare = {(method, path) for method, path in found if path.startswith("/api/v1/workspaces")}
    below = {(method, path.replace("/notion", "", 1)) for method, path in found if "/notion/" in path}

    assert bare == {(method, path) for method, path in below if not path.endswith("/items")}
