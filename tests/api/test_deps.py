"""Which workspace a request is about, by whichever of four places names it."""

from typing import Any

import pytest
from starlette.datastructures import Headers
from tests.api.doors import HOME, Door

from syncline.api.deps import cookies, credential
from syncline.core.permission import Scope

MEMBERS = "/notion/sources"


async def asked(door: Door, who: str, **rest: Any) -> tuple[int, Any]:
    headers = await door.signed_in(who) | rest.pop("headers", {})
    return await door.ask("GET", MEMBERS, headers=headers, **rest)


async def test_the_callers_only_workspace_need_not_be_named(door: Door) -> None:
    await door.workspace("c2", owner="outsider")

    assert (await asked(door, "viewer"))[0] == 200
    assert (await asked(door, "outsider"))[0] == 200


async def test_of_several_one_must_be_named_and_the_answer_lists_them(door: Door) -> None:
    await door.workspace("c2", viewer="viewer")
    await door.workspace("c3", owner="outsider")

    status, body = await asked(door, "viewer")

    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert body["error"]["details"]["workspaces"] == [
        {"id": HOME, "workspaceName": f"Workspace {HOME}"},
        {"id": "c2", "workspaceName": "Workspace c2"},
    ]


@pytest.mark.parametrize("named", [{"headers": {"X-Workspace-Id": "c2"}}, {"params": {"workspaceId": "c2"}}])
async def test_a_header_or_the_query_names_it(door: Door, named: dict[str, Any]) -> None:
    await door.workspace("c2", viewer="viewer")

    assert (await asked(door, "viewer", **named))[0] == 200
    assert (await asked(door, "member", **named))[0] == 404


async def test_the_body_of_a_command_names_it(door: Door) -> None:
    await door.workspace("c2", viewer="member", owner="outsider")
    headers = await door.signed_in("member")

    here, there = [
        await door.ask("POST", "/notion/sync", headers=headers, json={"workspaceId": workspace})
        for workspace in (HOME, "c2")
    ]

    assert here[0] < 300
    assert (there[0], there[1]["error"]["code"]) == (403, "PERMISSION_DENIED")


async def test_without_any_workspace_there_is_nothing_to_find(door: Door) -> None:
    status, body = await asked(door, "outsider")

    assert (status, body["error"]["code"]) == (404, "NOT_FOUND")


async def test_a_limited_key_has_an_only_workspace_where_its_user_has_several(door: Door) -> None:
    await door.workspace("c2", viewer="viewer")
    key = await door.key("viewer", Scope.READ, workspaces=("c2",))

    assert (await door.ask("GET", MEMBERS, headers=key))[0] == 200


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, None),
        ({"authorization": "Bearer abc"}, ("abc", False)),
        ({"authorization": "bearer  abc "}, ("abc", False)),
        ({"authorization": "Basic abc", "cookie": "syncline_access=xyz"}, ("xyz", True)),
        ({"authorization": "Bearer abc", "cookie": "syncline_access=xyz"}, ("abc", False)),
        ({"cookie": "a=b; syncline_access=xyz; c=d"}, ("xyz", True)),
    ],
)
def test_a_header_goes_before_a_cookie(headers: dict[str, str], found: object) -> None:
    assert credential(Headers(headers)) == found


@pytest.mark.parametrize("sent", ["", ";;;", "=", "a", 'a="b', "\x7f", "a=b;" * 500])
def test_cookies_that_cannot_be_read_are_none(sent: str) -> None:
    assert cookies(Headers({"cookie": sent})).keys() <= {"a"}
