"""Own rate limits: each class by its own count, together on every node, and nothing where there is no limit."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import event
from starlette.requests import Request
from tests.api.doors import HOME, Door, Time, opened

from syncline.api.limits import CLASSES, Limiter, address, class_of
from syncline.app import App
from syncline.core.limit import LIMITS, Limit
from syncline.core.permission import Scope
from syncline.store import ratelimits

LOGIN = {"email": "nobody@example.com", "password": "x"}


@pytest.fixture
def app(app: App) -> App:
    """The service with small limits."""
    few: dict[str, Limit | None] = {"default": Limit(5, 60), "login": Limit(2, 900), "sync": Limit(1, 3600)}
    return replace(app, settings=app.settings.model_copy(update={"rate_limits": few}))


async def test_an_answer_tells_how_many_requests_are_left(door: Door) -> None:
    headers = await door.signed_in("viewer")

    told = [await door.http.get("/api/v1/auth/me", headers=headers) for _ in range(7)]

    assert [one.status_code for one in told] == [200] * 5 + [429] * 2
    assert [one.headers["x-ratelimit-remaining"] for one in told] == ["4", "3", "2", "1", "0", "0", "0"]
    assert {one.headers["x-ratelimit-limit"] for one in told} == {"5"}
    assert {one.headers["x-ratelimit-reset"] for one in told} == {str(int(door.time().timestamp()) + 60)}
    assert told[-1].headers["retry-after"] == "60"
    assert told[-1].json()["error"] == {
        "code": "RATE_LIMIT_EXCEEDED",
        "details": {"limit": 5, "retryAfter": 60},
    }


async def test_a_window_that_is_over_begins_anew(door: Door) -> None:
    headers = await door.signed_in("viewer")
    for _ in range(6):
        await door.ask("GET", "/auth/me", headers=headers)

    door.time.pass_(seconds=59)
    assert (await door.ask("GET", "/auth/me", headers=headers))[0] == 429
    door.time.pass_(seconds=1)
    assert (await door.ask("GET", "/auth/me", headers=headers))[0] == 200


async def test_users_are_counted_apart_but_one_user_with_its_keys_together(door: Door) -> None:
    ways = [
        await door.signed_in("viewer"),
        await door.signed_in("viewer"),
        await door.key("viewer", Scope.READ),
    ]

    statuses = [(await door.ask("GET", "/auth/me", headers=ways[n % 3]))[0] for n in range(6)]

    assert statuses == [200] * 5 + [429]
    assert (await door.ask("GET", "/auth/me", headers=await door.signed_in("member")))[0] == 200


async def test_who_is_not_signed_in_is_counted_by_address(door: Door) -> None:
    statuses = [(await door.ask("GET", "/auth/me"))[0] for _ in range(6)]
    statuses.append((await door.ask("GET", "/auth/me", headers={"Authorization": "Bearer x"}))[0])

    assert statuses == [401] * 5 + [429] * 2


async def test_guessing_passwords_ends_soon(door: Door) -> None:
    codes = [(await door.ask("POST", "/auth/login", json=LOGIN))[1]["error"]["code"] for _ in range(4)]

    assert codes == ["INVALID_CREDENTIALS"] * 2 + ["RATE_LIMIT_EXCEEDED"] * 2


async def test_health_is_not_limited_and_its_answers_say_nothing_of_limits(door: Door) -> None:
    answers = [await door.http.get("/healthz") for _ in range(10)]

    assert {answer.status_code for answer in answers} == {200}
    assert not any("x-ratelimit-limit" in answer.headers for answer in answers)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/api/v1/auth/login", "login"),
        ("POST", "/api/v1/auth/register", "register"),
        ("POST", "/api/v1/auth/forgot-password", "password"),
        ("POST", "/api/v1/auth/reset-password", "password"),
        ("POST", "/api/v1/auth/refresh", "refresh"),
        ("POST", "/api/v1/notion/sync", "sync"),
        ("POST", "/api/v1/notion/workspaces/x/sync", "sync"),
        ("POST", "/api/v1/notion/sync/cancel", "default"),
        ("GET", "/api/v1/notion/sync-status", None),
        ("GET", "/api/v1/notion/workspaces/x/sync-status", None),
        ("GET", "/api/v1/notion/events", None),
        ("GET", "/api/v1/records", "default"),
        ("GET", "/healthz", None),
        ("POST", "/webhooks/notion/x", None),
    ],
)
def test_a_request_is_of_one_class(method: str, path: str, name: str | None) -> None:
    assert class_of(method, path) == name


def test_every_class_has_a_limit() -> None:
    assert {name for _, _, name in CLASSES if name} == LIMITS.keys()


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("a-socket", "a-socket"),
    ],
)
def test_an_address_of_ipv6_is_counted_by_its_network(host: str, counted: str) -> None:
    assert address(Request({"type": "http", "client": (host, 1)})) == counted


async def test_two_nodes_count_together(app: App, door: Door) -> None:
    async with opened(app) as other:
        other.people = door.people
        headers = await door.signed_in("viewer")
        for node in (door, other, door, other):
            assert (await node.ask("GET", "/auth/me", headers=headers))[0] == 200
        for node in (door, other):
            await node.service.limiter.flush()

        assert (await door.ask("GET", "/auth/me", headers=headers))[0] == 200
        await door.service.limiter.flush()  # learns of the other's
        assert (await door.ask("GET", "/auth/me", headers=headers))[0] == 429


async def test_an_exact_class_is_counted_together_at_once(app: App, door: Door) -> None:
    async with opened(app) as other:
        nodes = (door, other, door, other)
        statuses = [(await node.ask("POST", "/auth/login", json=LOGIN))[0] for node in nodes]

    assert statuses == [401, 401, 429, 429]


async def test_many_at_once_are_never_admitted_beyond_the_limit(app: App) -> None:
    limiters = [Limiter(app.database, {"login": Limit(7, 60)}, now=Time()) for _ in range(3)]

    found = await asyncio.gather(*(limiters[n % 3].count("login", "one") for n in range(30)))

    assert sum(one is not None and one.wait is None for one in found) == 7


async def test_what_was_counted_is_kept_while_the_store_is_away(app: App, door: Door) -> None:
    headers = await door.signed_in("viewer")
    await door.ask("GET", "/auth/me", headers=headers)
    await door.service.limiter.flush()
    await door.service.limiter.flush()

    async with door.app.database.begin() as conn:
        [total] = await ratelimits.count(
            conn, [ratelimits.Use("default:u-viewer", 0, Limit(5, 60).ends(door.time()))]
        )
    assert total == 1


async def test_a_reading_request_writes_nothing(door: Door) -> None:
    headers = await door.signed_in("viewer")
    said: list[str] = []
    engine = door.app.database._writer.sync_engine
    event.listen(engine, "before_cursor_execute", lambda _c, _r, statement, *_: said.append(statement))

    assert (await door.ask("GET", f"/workspaces/{HOME}/members", headers=headers))[0] == 200

    assert said == []
