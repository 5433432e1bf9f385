"""Members: nobody gives or takes more than they have, and a workspace always has an owner."""

import asyncio
from typing import Any

import pytest
from tests.api.doors import HOME, Door

from syncline.core.permission import Scope
from syncline.store import members

HERE = f"/workspaces/{HOME}"


async def roles(door: Door, workspace: str = HOME) -> dict[str, str]:
    async with door.app.database.read() as conn:
        return {one.user_id.removeprefix("u-"): one.role for one in await members.every(conn, workspace)}


async def code(door: Door, who: str, method: str, path: str, **asked: Any) -> str:
    """The code with which a user's request ends; empty if it succeeds."""
    body = {"json": asked} if asked else {}
    status, answer = await door.ask(method, path, headers=await door.signed_in(who), **body)
    return "" if status < 400 else str(answer["error"]["code"])


@pytest.mark.parametrize("prefix", ["/workspaces", "/notion/workspaces"])
async def test_a_workspace_tells_its_members_who_belongs_to_it(door: Door, prefix: str) -> None:
    status, body = await door.ask("GET", f"{prefix}/{HOME}/members", headers=await door.signed_in("viewer"))

    assert status == 200
    assert [one["role"] for one in body["data"]["members"]] == ["admin", "member", "owner", "viewer"]
    assert body["data"]["members"][0] == {
        "userId": "u-admin",
        "email": "admin@example.com",
        "name": "Admin",
        "role": "admin",
        "joinedAt": "2026-11-20T12:00:00.000Z",
    }


@pytest.mark.parametrize(
    ("role", "flags"),
    [
        ("viewer", [True, True, False, False, False, False]),
        ("member", [True, True, False, True, False, False]),
        ("admin", [True, True, True, True, True, False]),
        ("owner", [True, True, True, True, True, True]),
    ],
)
async def test_everybody_is_told_what_they_may_do(door: Door, role: str, flags: list[bool]) -> None:
    _, body = await door.ask("GET", f"{HERE}/permissions", headers=await door.signed_in(role))

    names = [
        "canQuery",
        "canViewSources",
        "canInvite",
        "canManageSync",
        "canEditSettings",
        "canDeleteWorkspace",
    ]
    assert body["data"] == {"role": role} | dict(zip(names, flags, strict=True))


@pytest.mark.parametrize(
    ("actor", "target", "role", "code_"),
    [
        ("admin", "viewer", "admin", ""),
        ("admin", "member", "viewer", ""),
        ("admin", "viewer", "owner", "OWNER_REQUIRED"),
        ("admin", "owner", "viewer", "OWNER_REQUIRED"),
        ("admin", "admin", "viewer", ""),
        ("owner", "admin", "owner", ""),
        ("owner", "owner", "admin", "PERMISSION_DENIED"),
        ("owner", "outsider", "viewer", "NOT_FOUND"),
        ("member", "viewer", "viewer", "PERMISSION_DENIED"),
    ],
)
async def test_nobody_gives_a_role_above_their_own_or_takes_one_from_above(
    door: Door, actor: str, target: str, role: str, code_: str
) -> None:
    before = await roles(door)

    assert await code(door, actor, "PATCH", f"{HERE}/members/u-{target}", role=role) == code_

    assert await roles(door) == before | ({target: role} if not code_ else {})


async def test_an_admin_changes_no_other_admin(door: Door) -> None:
    await code(door, "owner", "PATCH", f"{HERE}/members/u-viewer", role="admin")

    assert await code(door, "admin", "PATCH", f"{HERE}/members/u-viewer", role="member") == "OWNER_REQUIRED"
    assert await code(door, "admin", "DELETE", f"{HERE}/members/u-viewer") == "OWNER_REQUIRED"


async def test_a_member_who_is_taken_out_sees_nothing_from_then_on(door: Door) -> None:
    headers = await door.signed_in("viewer")
    assert (await door.ask("GET", f"{HERE}/members", headers=headers))[0] == 200

    assert await code(door, "admin", "DELETE", f"{HERE}/members/u-viewer") == ""

    assert (await door.ask("GET", f"{HERE}/members", headers=headers))[0] == 404
    assert (await door.ask("GET", "/workspaces/nowhere/members", headers=headers))[0] == 404


async def test_somebody_with_an_account_is_let_in_once(door: Door) -> None:
    asked = {"email": "OUTSIDER@example.com", "role": "viewer"}

    assert await code(door, "admin", "POST", f"{HERE}/members", **asked) == ""
    assert await code(door, "admin", "POST", f"{HERE}/members", **asked) == "DUPLICATE_RESOURCE"
    assert await code(door, "admin", "POST", f"{HERE}/members", email="n@example.com") == "NOT_FOUND"
    assert (
        await code(door, "admin", "POST", f"{HERE}/members", email="x@example.com", role="owner")
        == "OWNER_REQUIRED"
    )
    assert (await roles(door))["outsider"] == "viewer"


async def test_everybody_may_leave_but_the_last_owner(door: Door) -> None:
    for who in ("viewer", "member", "admin"):
        assert await code(door, who, "POST", f"{HERE}/leave") == ""
    assert await code(door, "owner", "POST", f"{HERE}/leave") == "PERMISSION_DENIED"
    await code(door, "owner", "POST", f"{HERE}/members", email="outsider@example.com", role="owner")

    assert await code(door, "owner", "POST", f"{HERE}/leave") == ""
    assert await roles(door) == {"outsider": "owner"}


async def test_of_two_owners_who_leave_at_once_one_stays(door: Door) -> None:
    await code(door, "owner", "PATCH", f"{HERE}/members/u-admin", role="owner")

    told = await asyncio.gather(*(code(door, who, "POST", f"{HERE}/leave") for who in ("owner", "admin")))

    assert sorted(told) == ["", "PERMISSION_DENIED"]
    assert list((await roles(door)).values()).count("owner") == 1


async def test_no_key_leaves_for_its_user(door: Door) -> None:
    key = await door.key("viewer", *Scope)

    status, _ = await door.ask("POST", f"{HERE}/leave", headers=key)

    assert status == 403
    assert "viewer" in await roles(door)


async def test_a_workspace_is_handed_over_to_a_member(door: Door) -> None:
    assert await code(door, "owner", "POST", f"{HERE}/transfer", userId="u-outsider") == "NOT_FOUND"
    assert await code(door, "owner", "POST", f"{HERE}/transfer", userId="u-owner") == "VALIDATION_ERROR"
    assert await code(door, "admin", "POST", f"{HERE}/transfer", userId="u-admin") == "OWNER_REQUIRED"

    assert await code(door, "owner", "POST", f"{HERE}/transfer", userId="u-viewer") == ""

    assert await roles(door) == {"viewer": "owner", "owner": "admin", "admin": "admin", "member": "member"}


async def invited(door: Door, who: str = "admin", **asked: str) -> dict[str, Any]:
    asked = {"email": "outsider@example.com", "role": "member"} | asked
    status, body = await door.ask(
        "POST", f"{HERE}/invitations", headers=await door.signed_in(who), json=asked
    )
    assert status == 201
    return dict(body["data"])


async def test_an_invitation_is_accepted_once_by_the_one_who_is_invited(door: Door) -> None:
    invitation = await invited(door)
    assert invitation["link"].endswith(invitation["token"])

    assert (
        await code(door, "viewer", "POST", "/invitations/accept", token=invitation["token"])
        == "PERMISSION_DENIED"
    )
    assert await code(door, "outsider", "POST", "/invitations/accept", token=invitation["token"]) == ""
    assert (
        await code(door, "outsider", "POST", "/invitations/accept", token=invitation["token"]) == "NOT_FOUND"
    )
    assert (await roles(door))["outsider"] == "member"


async def test_an_invitation_ends_after_a_week_or_when_it_is_taken_back(door: Door) -> None:
    old = await invited(door)
    door.time.pass_(days=7)
    assert await code(door, "outsider", "POST", "/invitations/accept", token=old["token"]) == "NOT_FOUND"

    new = await invited(door)
    assert await code(door, "admin", "DELETE", f"{HERE}/invitations/{new['id']}") == ""
    assert await code(door, "admin", "DELETE", f"{HERE}/invitations/{new['id']}") == "NOT_FOUND"
    assert await code(door, "outsider", "POST", "/invitations/accept", token=new["token"]) == "NOT_FOUND"


async def test_a_second_invitation_replaces_the_first_and_no_list_shows_tokens(door: Door) -> None:
    first, second = await invited(door), await invited(door, role="viewer")

    _, body = await door.ask("GET", f"{HERE}/invitations", headers=await door.signed_in("admin"))

    assert [(one["id"], one["role"]) for one in body["data"]["invitations"]] == [(second["id"], "viewer")]
    assert first["token"] not in str(body)
    assert second["token"] not in str(body)
    assert await code(door, "outsider", "POST", "/invitations/accept", token=first["token"]) == "NOT_FOUND"


async def test_nobody_is_invited_above_the_one_who_invites_or_twice(door: Door) -> None:
    path = f"{HERE}/invitations"

    assert await code(door, "admin", "POST", path, email="n@example.com", role="owner") == "OWNER_REQUIRED"
    assert await code(door, "admin", "POST", path, email="viewer@example.com") == "DUPLICATE_RESOURCE"
    assert await code(door, "member", "POST", path, email="n@example.com") == "PERMISSION_DENIED"
