"""An address is its user's once somebody who can read its mail has said so; until then nothing is given to it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.api.conftest import app, bare, door
from tests.api.doors import HOME, PASSWORD, Door
from tests.letters import Mailbox, mailbox

from syncline.accounts import accounts, membership, verification
from syncline.accounts.membership import Actor
from syncline.core.permission import Role

__all__ = ["app", "bare", "door"]

EVE = {"email": "eve@example.com", "name": "Eve", "password": PASSWORD}


def changed(door: Door, **settings: Any) -> None:
    door.service.app = replace(door.app, settings=door.app.settings.model_copy(update=settings))


@pytest_asyncio.fixture
async def box(door: Door) -> AsyncIterator[Mailbox]:
    """The service is open to everybody and sends mail, which comes here."""
    with mailbox() as box:
        changed(door, registration="open", smtp_url=SecretStr(box.url))
        yield box


async def registered(door: Door, **fields: str) -> dict[str, Any]:
    """Somebody who registered: the answer's data, and the headers of the session."""
    status, body = await door.ask("POST", "/auth/register", json=EVE | fields)
    assert status == 201, body
    door.http.cookies.clear()
    return {**body["data"], "headers": {"Authorization": f"Bearer {body['data']['accessToken']}"}}


async def is_verified(door: Door, headers: dict[str, str]) -> bool:
    _, body = await door.ask("GET", "/auth/me", headers=headers)
    return bool(body["data"]["user"]["emailVerified"])


async def verify(door: Door, headers: dict[str, str], token: str) -> int:
    return (await door.ask("POST", "/auth/verify-email", headers=headers, json={"token": token}))[0]


async def test_who_registers_freely_is_sent_a_link_that_works_once(door: Door, box: Mailbox) -> None:
    eve = await registered(door)
    assert eve["user"]["emailVerified"] is False
    assert [to for _, to, _ in box.letters] == [["eve@example.com"]]
    assert "/verify-email#token=slv_" in box.letters[0][2].get_content()

    assert await verify(door, eve["headers"], box.token()) == 200
    assert await is_verified(door, eve["headers"])
    assert await verify(door, eve["headers"], box.token()) == 400


async def test_a_link_ends_after_a_day_and_with_the_next_one(door: Door, box: Mailbox) -> None:
    eve = await registered(door)
    first = box.token()
    answer = await door.ask("POST", "/auth/verify-email/resend", headers=eve["headers"])
    assert (answer[0], len(box.letters)) == (202, 2)
    assert await verify(door, eve["headers"], first) == 400

    door.time.pass_(days=1)
    later = await door.ask("POST", "/auth/login", json={"email": EVE["email"], "password": PASSWORD})
    headers = {"Authorization": f"Bearer {later[1]['data']['accessToken']}"}
    assert await verify(door, headers, box.token()) == 400
    assert not await is_verified(door, headers)


async def test_a_link_is_worth_nothing_to_another_account_and_stays_good(door: Door, box: Mailbox) -> None:
    eve = await registered(door)
    viewer = await door.signed_in("viewer")

    assert await verify(door, viewer, box.token()) == 400
    assert (await door.ask("POST", "/auth/verify-email", json={"token": box.token()}))[0] == 401
    assert await verify(door, eve["headers"], box.token()) == 200


async def test_no_second_letter_goes_to_an_address_that_is_confirmed(door: Door, box: Mailbox) -> None:
    answer = await door.ask("POST", "/auth/verify-email/resend", headers=await door.signed_in("viewer"))

    assert (answer[0], answer[1]["message"], box.letters) == (202, "The address is confirmed already", [])


async def test_the_setup_link_and_an_invitation_prove_the_address(bare: Door) -> None:
    link = await accounts.setup_link(bare.app, "http://x")
    assert link is not None
    ann = await registered(bare, email="ann@example.com", key=link.partition("#key=")[2])
    _, token = await membership.invite(bare.app, None, email="bob@example.com")
    bob = await registered(bare, email="bob@example.com", key=token)

    assert (ann["user"]["emailVerified"], bob["user"]["emailVerified"]) == (True, True)


async def test_an_invitation_that_is_accepted_proves_the_address(door: Door, box: Mailbox) -> None:
    eve = await registered(door)
    actor = Actor("u-owner", HOME, Role.OWNER)
    _, token = await membership.invite(door.app, actor, email="eve@example.com")

    await door.ask("POST", "/invitations/accept", headers=eve["headers"], json={"token": token})

    assert await is_verified(door, eve["headers"])


async def test_nobody_is_let_in_by_an_address_that_is_not_confirmed(door: Door, box: Mailbox) -> None:
    eve, owner = await registered(door), await door.signed_in("owner")
    asked = {"email": "eve@example.com", "role": "admin"}

    status, body = await door.ask("POST", f"/workspaces/{HOME}/members", headers=owner, json=asked)
    assert (status, body["error"]["code"]) == (404, "NOT_FOUND")
    await verify(door, eve["headers"], box.token())
    assert (await door.ask("POST", f"/workspaces/{HOME}/members", headers=owner, json=asked))[0] == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/notion/connect", {"token": "ntn_x"}), ("GET", "/notion/auth", None)],
)
async def test_no_workspace_is_connected_before_the_address_is_confirmed(
    door: Door, box: Mailbox, method: str, path: str, body: Any
) -> None:
    eve = await registered(door)

    status, answer = await door.ask(method, path, headers=eve["headers"], json=body)

    assert (status, answer["error"]["details"]) == (403, {"emailVerified": False})


async def test_without_a_mail_server_nobody_is_asked_for_a_proof(door: Door) -> None:
    changed(door, registration="open")
    eve = await registered(door)

    await verification.require(door.app, eve["user"]["id"])
    status, answer = await door.ask("POST", "/auth/verify-email/resend", headers=eve["headers"])

    assert (status, "syncline users reset" in answer["message"]) == (202, True)


async def test_whoever_took_an_address_before_its_owner_loses_sessions_and_keys(
    door: Door, box: Mailbox
) -> None:
    thief = await registered(door)
    wanted = {"name": "kept", "scopes": ["admin"]}
    _, made = await door.ask("POST", "/keys", headers=thief["headers"], json=wanted)
    key = {"Authorization": f"Bearer {made['data']['key']}"}
    assert (await door.ask("GET", "/auth/me", headers=key))[0] == 200

    found = await accounts.request_reset(door.app, "eve@example.com")
    assert found is not None
    await accounts.reset_password(door.app, found[1], "another long password")

    assert [(await door.ask("GET", "/auth/me", headers=one))[0] for one in (thief["headers"], key)] == [
        401
    ] * 2
    login = {"email": "eve@example.com", "password": "another long password"}
    body = (await door.ask("POST", "/auth/login", json=login))[1]
    assert body["data"]["user"]["emailVerified"] is True


async def test_who_forgot_a_password_keeps_the_keys_of_a_confirmed_account(door: Door) -> None:
    _, made = await door.ask(
        "POST", "/keys", headers=await door.signed_in("viewer"), json={"name": "kept", "scopes": ["read"]}
    )
    found = await accounts.request_reset(door.app, "viewer@example.com")
    assert found is not None
    await accounts.reset_password(door.app, found[1], "another long password")

    key = {"Authorization": f"Bearer {made['data']['key']}"}
    assert (await door.ask("GET", "/auth/me", headers=key))[0] == 200
