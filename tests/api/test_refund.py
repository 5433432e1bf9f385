"""Limits count tries: what was no try is given back before the answer goes out, and guessing ends all the same."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest
from tests.api.doors import HOME, ORIGIN, PASSWORD, Door, opened

from syncline.accounts import accounts, membership
from syncline.accounts.membership import Actor
from syncline.api.limits import CLASSES
from syncline.api.refund import COUNTED
from syncline.app import App
from syncline.core.limit import Limit
from syncline.core.permission import Role

ANN: dict[str, Any] = {"email": "ann@example.com", "name": "Ann", "password": PASSWORD}
FEW = 2


@pytest.fixture
def app(app: App) -> App:
    """The service with small limits."""
    few: dict[str, Limit | None] = {name: Limit(FEW, 3600) for name in COUNTED}
    return replace(app, settings=app.settings.model_copy(update={"rate_limits": few}))


async def setup(door: Door) -> str:
    link = await accounts.setup_link(door.app, ORIGIN)
    assert link is not None
    return link.partition("#key=")[2]


async def post(door: Door, path: str, body: Any) -> httpx2.Response:
    answer = await door.http.post(f"/api/v1{path}", json=body)
    door.http.cookies.clear()
    return answer


def left(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers["x-ratelimit-remaining"]


@pytest.mark.parametrize(
    "typo",
    [
        {"email": "ann@"},
        {"name": " "},
        {"password": "short"},
        {"password": "aaaaaaaaaaaa"},
        {"pasword": PASSWORD},
    ],
)
async def test_typos_do_not_lock_the_first_user_out(bare: Door, typo: dict[str, str]) -> None:
    key = await setup(bare)

    answers = [await post(bare, "/auth/register", ANN | {"key": key} | typo) for _ in range(5)]

    assert {left(one) for one in answers} == {(400, "2")}
    assert (await post(bare, "/auth/register", ANN | {"key": key})).status_code == 201


async def test_guessed_keys_are_counted(bare: Door) -> None:
    key = await setup(bare)

    answers = [await post(bare, "/auth/register", ANN | {"key": f"sls_{n}"}) for n in range(3)]

    assert [left(one) for one in answers] == [(403, "1"), (403, "0"), (429, "0")]
    assert (await post(bare, "/auth/register", ANN | {"key": key})).status_code == 429
    bare.time.pass_(hours=1)
    assert (await post(bare, "/auth/register", ANN | {"key": key})).status_code == 201


async def test_an_office_that_was_invited_registers_behind_one_address(door: Door) -> None:
    actor = Actor("u-owner", HOME, Role.OWNER)
    for number in range(4):
        email = f"new{number}@example.com"
        _, key = await membership.invite(door.app, actor, email=email)
        assert (await post(door, "/auth/register", ANN | {"email": email, "key": key})).status_code == 201


async def test_who_registers_without_a_key_is_counted(door: Door) -> None:
    settings = door.app.settings.model_copy(update={"registration": "open"})
    door.service.app = replace(door.app, settings=settings)

    answers = [await post(door, "/auth/register", ANN | {"email": f"u{n}@example.com"}) for n in range(3)]

    assert [one.status_code for one in answers] == [201, 201, 429]


async def test_a_right_password_is_no_try(bare: Door) -> None:
    await post(bare, "/auth/register", ANN | {"key": await setup(bare)})
    right = {"email": ANN["email"], "password": PASSWORD}

    assert {left(await post(bare, "/auth/login", right)) for _ in range(4)} == {(200, "2")}
    wrong = [left(await post(bare, "/auth/login", right | {"password": "no"})) for _ in range(3)]

    assert wrong == [(401, "1"), (401, "0"), (429, "0")]
    assert (await post(bare, "/auth/login", right)).status_code == 429


async def test_a_session_that_is_renewed_is_no_try(bare: Door) -> None:
    body = (await post(bare, "/auth/register", ANN | {"key": await setup(bare)})).json()
    token = body["data"]["refreshToken"]
    for _ in range(4):
        answer = await post(bare, "/auth/refresh", {"refreshToken": token})
        assert left(answer) == (200, "2")
        token = answer.json()["data"]["refreshToken"]

    forged = [(await post(bare, "/auth/refresh", {"refreshToken": f"slr_{n}"})).status_code for n in range(3)]
    assert forged == [401, 401, 429]


async def test_a_link_is_counted_and_a_password_that_is_too_short_is_not(bare: Door) -> None:
    short = [await post(bare, "/auth/reset-password", {"token": "slt_x", "password": "x"}) for _ in range(3)]
    asked = [await post(bare, "/auth/reset-password", {"token": "slt_x", "password": PASSWORD})]
    asked += [await post(bare, "/auth/forgot-password", {"email": "a@example.com"}) for _ in range(2)]

    assert {left(one) for one in short} == {(400, "2")}
    assert [one.status_code for one in asked] == [400, 202, 429]


async def test_only_syncs_that_started_are_counted(door: Door) -> None:
    owner = await door.signed_in("owner")

    async def start(body: Any = None) -> int:
        return (await door.ask("POST", "/notion/sync", headers=owner, json=body))[0]

    first = await start()
    refused = [await start(), await start(), await start({"syncType": "odd"}), await start({"pageFilter": 1})]
    await door.ask("POST", "/notion/sync/cancel", headers=owner)
    second = await start()
    await door.ask("POST", "/notion/sync/cancel", headers=owner)

    assert (first, refused, second, await start()) == (202, [409, 409, 400, 400], 202, 429)


async def test_what_one_node_gives_back_another_may_use(app: App, bare: Door) -> None:
    key = await setup(bare)
    async with opened(app) as other:
        for _ in range(FEW):
            await post(bare, "/auth/register", ANN | {"key": "sls_wrong"})
        full = await post(other, "/auth/register", ANN | {"key": key})
        [standing] = [
            one for one in [await bare.service.limiter.count("register", "elsewhere")] if one is not None
        ]
        await bare.service.limiter.give_back(replace(standing, bucket="register:127.0.0.1"))
        other.time.pass_(seconds=1)
        answer = await post(other, "/auth/register", ANN | {"key": key})

    assert (full.status_code, answer.status_code) == (429, 201)


def test_every_exact_class_says_what_it_counts() -> None:
    assert {name for _, _, name in CLASSES if name not in (None, "default")} == COUNTED.keys()
