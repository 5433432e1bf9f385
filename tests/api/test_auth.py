"""Accounts: who may register, how a session lives and ends, and that nothing is told to strangers."""

import base64
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr
from sqlalchemy import select
from tests.api.doors import HOME, ORIGIN, PASSWORD, Door
from tests.letters import mailbox

from syncline.accounts import accounts, membership
from syncline.accounts.membership import Actor
from syncline.core.permission import Role
from syncline.store import members, users
from syncline.store.tables_accounts import users as users_table

ANN = {"email": "Ann@Example.com", "name": "Ann", "password": PASSWORD}


async def setup(door: Door) -> str:
    link = await accounts.setup_link(door.app, ORIGIN)
    assert link is not None
    return link.partition("#key=")[2]


async def registered(door: Door) -> dict[str, Any]:
    """The first user, and its tokens."""
    status, body = await door.ask("POST", "/auth/register", json=ANN | {"key": await setup(door)})
    assert status == 201
    door.http.cookies.clear()
    return dict(body["data"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


async def test_the_first_user_registers_with_the_setup_key_and_owns_what_the_command_line_connected(
    bare: Door,
) -> None:
    await bare.workspace("made-before")

    data = await registered(bare)

    assert data["user"]["email"] == "ann@example.com"
    assert data["user"]["instanceOwner"] is True
    async with bare.app.database.read() as conn:
        assert await members.role(conn, "made-before", data["user"]["id"]) is Role.OWNER


@pytest.mark.parametrize("key", [None, "sls_guessed", ""])
async def test_nobody_is_the_first_user_without_the_key(bare: Door, key: str | None) -> None:
    await setup(bare)

    assert code(await bare.ask("POST", "/auth/register", json=ANN | {"key": key})) == (
        403,
        "PERMISSION_DENIED",
    )


async def test_the_setup_key_works_once_and_there_is_no_other_after_it(bare: Door) -> None:
    key, second = await setup(bare), await setup(bare)
    await bare.ask("POST", "/auth/register", json=ANN | {"key": key})

    for used in (key, second):
        answer = await bare.ask("POST", "/auth/register", json=ANN | {"email": "b@example.com", "key": used})
        assert code(answer) == (403, "PERMISSION_DENIED")
    assert await accounts.setup_link(bare.app, ORIGIN) is None


async def test_a_setup_key_ends_after_a_week(bare: Door) -> None:
    key = await setup(bare)
    bare.time.pass_(days=7)

    assert code(await bare.ask("POST", "/auth/register", json=ANN | {"key": key}))[0] == 403


async def test_two_cannot_both_be_the_first(bare: Door) -> None:
    keys = [await setup(bare), await setup(bare)]
    for number, key in enumerate(keys):
        await bare.ask("POST", "/auth/register", json=ANN | {"email": f"u{number}@example.com", "key": key})

    async with bare.app.database.read() as conn:
        assert [user.instance_owner for user in await users.every(conn)] == [True]


@pytest.mark.parametrize(("setting", "status"), [("invited", 403), ("closed", 403), ("open", 201)])
async def test_a_stranger_registers_where_the_setting_says_so(bare: Door, setting: str, status: int) -> None:
    await registered(bare)
    bare.service.app = replace(
        bare.app, settings=bare.app.settings.model_copy(update={"registration": setting})
    )

    assert (await bare.ask("POST", "/auth/register", json=ANN | {"email": "eve@example.com"}))[0] == status


async def test_an_invitation_lets_its_address_register_and_puts_it_into_the_workspace(door: Door) -> None:
    actor = Actor("u-owner", HOME, Role.OWNER)
    _, token = await membership.invite(door.app, actor, email="new@example.com", role=Role.ADMIN)
    asked = ANN | {"key": token}

    assert code(await door.ask("POST", "/auth/register", json=asked))[0] == 403  # another address
    status, body = await door.ask("POST", "/auth/register", json=asked | {"email": "new@example.com"})

    assert status == 201
    async with door.app.database.read() as conn:
        assert await members.role(conn, HOME, body["data"]["user"]["id"]) is Role.ADMIN


async def test_an_address_registers_once_however_it_is_spelt(bare: Door) -> None:
    await registered(bare)
    _, token = await membership.invite(bare.app, None, email="b@example.com")
    await bare.ask("POST", "/auth/register", json=ANN | {"email": "B@Example.com", "key": token})
    bare.service.app = replace(
        bare.app, settings=bare.app.settings.model_copy(update={"registration": "open"})
    )

    answer = await bare.ask("POST", "/auth/register", json=ANN | {"email": "b@EXAMPLE.com"})

    assert code(answer) == (409, "DUPLICATE_RESOURCE")


@pytest.mark.parametrize("password", ["short", "x" * 300, "aaaaaaaaaaaaaa", ""])
async def test_a_password_has_a_length_and_some_variety(bare: Door, password: str) -> None:
    answer = await bare.ask(
        "POST", "/auth/register", json=ANN | {"password": password, "key": await setup(bare)}
    )

    assert code(answer) == (400, "VALIDATION_ERROR")


async def test_signing_in_gives_tokens_and_cookies_that_scripts_cannot_read(bare: Door) -> None:
    await registered(bare)

    answer = await bare.http.post(
        "/api/v1/auth/login", json={"email": "ANN@example.com", "password": PASSWORD}
    )

    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["expiresIn"] == 900_000
    assert (await bare.ask("GET", "/auth/me", headers=bearer(data["accessToken"])))[0] == 200
    cookies = answer.headers.get_list("set-cookie")
    assert [one.partition("=")[0] for one in cookies] == ["syncline_access", "syncline_refresh"]
    assert all("HttpOnly" in one and "SameSite=strict" in one for one in cookies)
    assert "Path=/api/v1/auth" in cookies[1]


async def test_cookies_are_for_encrypted_connections_alone_where_there_is_one(bare: Door) -> None:
    await registered(bare)

    answer = await bare.http.post(
        "https://syncline.test/api/v1/auth/login", json={"email": "ann@example.com", "password": PASSWORD}
    )

    assert all("Secure" in one for one in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize(
    "asked",
    [
        {"email": "ann@example.com", "password": "wrong horse battery"},
        {"email": "nobody@example.com", "password": PASSWORD},
        {"email": "' OR 1=1 --", "password": PASSWORD},
        {"email": "ann@example.com", "password": "x" * 900},
    ],
)
async def test_who_may_not_sign_in_is_not_told_why(bare: Door, asked: dict[str, str]) -> None:
    await registered(bare)

    status, body = await bare.ask("POST", "/auth/login", json=asked)

    assert (status, body["error"]) == (401, {"code": "INVALID_CREDENTIALS", "details": {}})
    assert body["message"] == "E-mail address and password do not belong together."


async def test_an_access_token_expires_after_fifteen_minutes(bare: Door) -> None:
    headers = bearer((await registered(bare))["accessToken"])

    bare.time.pass_(minutes=14, seconds=59)
    assert (await bare.ask("GET", "/auth/me", headers=headers))[0] == 200
    bare.time.pass_(seconds=1)
    assert code(await bare.ask("GET", "/auth/me", headers=headers)) == (401, "TOKEN_EXPIRED")


async def test_signing_out_ends_the_access_token_at_once(bare: Door) -> None:
    data = await registered(bare)
    headers = bearer(data["accessToken"])

    assert (await bare.ask("POST", "/auth/logout", headers=headers))[0] == 200

    assert code(await bare.ask("GET", "/auth/me", headers=headers)) == (401, "TOKEN_INVALID")
    answer = await bare.ask("POST", "/auth/refresh", json={"refreshToken": data["refreshToken"]})
    assert code(answer) == (401, "REFRESH_TOKEN_INVALID")


async def test_a_refresh_token_is_replaced_by_each_use(bare: Door) -> None:
    token = (await registered(bare))["refreshToken"]
    seen = {token}
    for _ in range(3):
        bare.time.pass_(hours=1)
        status, body = await bare.ask("POST", "/auth/refresh", json={"refreshToken": token})
        token = body["data"]["refreshToken"]
        assert status == 200
        assert (await bare.ask("GET", "/auth/me", headers=bearer(body["data"]["accessToken"])))[0] == 200
        seen.add(token)

    assert len(seen) == 4


async def test_a_refresh_token_that_comes_twice_ends_the_whole_session(bare: Door) -> None:
    first = (await registered(bare))["refreshToken"]
    _, body = await bare.ask("POST", "/auth/refresh", json={"refreshToken": first})
    newest = body["data"]

    stolen = await bare.ask("POST", "/auth/refresh", json={"refreshToken": first})

    assert code(stolen) == (401, "REFRESH_TOKEN_INVALID")
    assert code(await bare.ask("GET", "/auth/me", headers=bearer(newest["accessToken"])))[0] == 401
    answer = await bare.ask("POST", "/auth/refresh", json={"refreshToken": newest["refreshToken"]})
    assert code(answer) == (401, "REFRESH_TOKEN_INVALID")


async def test_a_session_ends_after_seven_days_however_often_it_is_renewed(bare: Door) -> None:
    token = (await registered(bare))["refreshToken"]
    bare.time.pass_(days=6, hours=23)
    _, body = await bare.ask("POST", "/auth/refresh", json={"refreshToken": token})
    bare.time.pass_(hours=1)

    answer = await bare.ask("POST", "/auth/refresh", json={"refreshToken": body["data"]["refreshToken"]})

    assert code(answer) == (401, "REFRESH_TOKEN_INVALID")


async def test_a_refresh_token_that_came_as_a_cookie_goes_back_as_a_cookie_alone(bare: Door) -> None:
    data = await registered(bare)
    cookie = {"Cookie": f"syncline_refresh={data['refreshToken']}"}

    foreign = await bare.ask("POST", "/auth/refresh", headers=cookie | {"Origin": "https://evil.test"})
    answer = await bare.http.post("/api/v1/auth/refresh", headers=cookie | {"Origin": ORIGIN})

    assert code(foreign) == (403, "PERMISSION_DENIED")
    assert answer.status_code == 200
    assert answer.json()["data"]["refreshToken"] is None
    assert "syncline_refresh=slr_" in answer.headers.get_list("set-cookie")[1]


async def test_without_a_refresh_token_there_is_nothing_to_renew(bare: Door) -> None:
    assert code(await bare.ask("POST", "/auth/refresh")) == (401, "REFRESH_TOKEN_INVALID")


def forged(token: str, **changes: Any) -> str:
    """A token with other claims and the signature of the old ones."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | changes
    return ".".join(
        [head, base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), signature]
    )


async def test_a_token_that_is_not_ours_opens_nothing(door: Door) -> None:
    good = (await door.signed_in("viewer"))["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(good, options={"verify_signature": False})
    bad = {
        "another signature": good[:-6] + ("A" * 6),
        "other claims": forged(good, sub="u-owner"),
        "no algorithm": jwt.encode(claims, "", algorithm="none"),
        "another key": jwt.encode(claims, b"k" * 32, algorithm="HS256"),
        "another session": jwt.encode(claims | {"sid": "x"}, door.app.keys.derive("access token")[0]),
        "another's session": jwt.encode(claims | {"sub": "u-owner"}, door.app.keys.derive("access token")[0]),
        "no JWT": "not.a.token",
        "half": good[: len(good) // 2],
        "a key that nobody made": "slk_" + "x" * 43,
    }

    for what, token in bad.items():
        assert code(await door.ask("GET", "/auth/me", headers=bearer(token))) == (401, "TOKEN_INVALID"), what


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer  "},
        {"Cookie": "syncline_access="},
        {"Cookie": "=;=;="},
    ],
)
async def test_without_a_credential_nothing_opens(door: Door, headers: dict[str, str]) -> None:
    assert code(await door.ask("GET", "/auth/me", headers=headers)) == (401, "AUTH_REQUIRED")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": ORIGIN}, 200),
        ({"Origin": "https://friend.test"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://syncline.test.evil.test"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, 403),
    ],
)
async def test_a_cookie_commands_nothing_for_a_page_of_another_origin(
    door: Door, headers: dict[str, str], status: int
) -> None:
    settings = door.app.settings.model_copy(update={"origins": ("https://friend.test",)})
    door.service.app = replace(door.app, settings=settings)
    token = (await door.signed_in("viewer"))["Authorization"].removeprefix("Bearer ")
    cookie = {"Cookie": f"syncline_access={token}"}

    changed = await door.ask("PATCH", "/auth/me", headers=cookie | headers, json={"name": "V"})

    assert changed[0] == status
    assert (await door.ask("GET", "/auth/me", headers=cookie | headers))[0] == 200


async def test_a_person_changes_their_name(door: Door) -> None:
    headers = await door.signed_in("viewer")

    await door.ask("PATCH", "/auth/me", headers=headers, json={"name": "  Vera "})

    assert (await door.ask("GET", "/auth/me", headers=headers))[1]["data"]["user"]["name"] == "Vera"


async def test_a_changed_password_ends_the_other_sessions_and_not_this_one(bare: Door) -> None:
    here = bearer((await registered(bare))["accessToken"])
    login = {"email": "ann@example.com", "password": PASSWORD}
    there = bearer((await bare.ask("POST", "/auth/login", json=login))[1]["data"]["accessToken"])
    bare.http.cookies.clear()
    asked = {"currentPassword": PASSWORD, "newPassword": "another long password"}

    wrong = await bare.ask(
        "POST", "/auth/change-password", headers=here, json=asked | {"currentPassword": "no, another"}
    )
    assert code(wrong) == (401, "INVALID_CREDENTIALS")
    assert (await bare.ask("POST", "/auth/change-password", headers=here, json=asked))[0] == 200

    assert (await bare.ask("GET", "/auth/me", headers=here))[0] == 200
    assert (await bare.ask("GET", "/auth/me", headers=there))[0] == 401
    assert (await bare.ask("POST", "/auth/login", json=login))[0] == 401
    assert (await bare.ask("POST", "/auth/login", json=login | {"password": "another long password"}))[
        0
    ] == 200


async def test_a_link_sets_a_password_once_within_an_hour_and_ends_every_session(bare: Door) -> None:
    headers = bearer((await registered(bare))["accessToken"])
    tokens = []
    for _ in range(2):
        found = await accounts.request_reset(bare.app, "ann@example.com")
        assert found is not None
        tokens.append(found[1])
    older, newer = tokens
    asked = {"token": newer, "password": "another long password"}

    assert code(await bare.ask("POST", "/auth/reset-password", json=asked | {"token": older}))[0] == 400
    bare.time.pass_(minutes=59)
    assert (await bare.ask("POST", "/auth/reset-password", json=asked))[0] == 200
    assert code(await bare.ask("POST", "/auth/reset-password", json=asked))[0] == 400

    assert (await bare.ask("GET", "/auth/me", headers=headers))[0] == 401
    login = {"email": "ann@example.com", "password": "another long password"}
    assert (await bare.ask("POST", "/auth/login", json=login))[0] == 200


async def test_a_link_is_worth_nothing_after_an_hour(bare: Door) -> None:
    await registered(bare)
    found = await accounts.request_reset(bare.app, "ann@example.com")
    assert found is not None
    bare.time.pass_(hours=1)

    answer = await bare.ask(
        "POST", "/auth/reset-password", json={"token": found[1], "password": "another long one"}
    )

    assert code(answer) == (400, "VALIDATION_ERROR")


async def test_without_a_mail_server_forgetting_names_the_operators_command(bare: Door) -> None:
    await registered(bare)

    answers = [
        await bare.ask("POST", "/auth/forgot-password", json={"email": email})
        for email in ("ann@example.com", "nobody@example.com")
    ]

    assert answers[0] == answers[1]
    assert answers[0][0] == 202
    assert "syncline users reset" in answers[0][1]["message"]


async def test_a_link_comes_by_mail_and_strangers_learn_nothing(bare: Door) -> None:
    await registered(bare)
    with mailbox() as box:
        settings = bare.app.settings.model_copy(update={"smtp_url": SecretStr(box.url)})
        bare.service.app = replace(bare.app, settings=settings)
        answers = [
            await bare.ask("POST", "/auth/forgot-password", json={"email": email})
            for email in ("ANN@example.com", "nobody@example.com")
        ]

    assert answers[0] == answers[1]
    assert [to for _, to, _ in box.letters] == [["ann@example.com"]]
    asked = {"token": box.token(), "password": "another long password"}
    assert (await bare.ask("POST", "/auth/reset-password", json=asked))[0] == 200


async def test_a_hash_of_older_parameters_is_replaced_when_its_owner_signs_in(bare: Door) -> None:
    data = await registered(bare)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with bare.app.database.begin() as conn:
        await users.set_password(conn, data["user"]["id"], password=weak, now=bare.time())

    assert (await bare.ask("POST", "/auth/login", json={"email": "ann@example.com", "password": PASSWORD}))[
        0
    ] == 200

    async with bare.app.database.read() as conn:
        assert "m=19456,t=2,p=1" in str(await conn.scalar(select(users_table.c.password)))
