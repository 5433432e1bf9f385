"""A command with an Idempotency-Key runs once, however often and however close together it comes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.api.doors import HOME, Door

from syncline.api.idempotent import Idempotent
from syncline.core.errors import StoreUnavailable
from syncline.store import idempotency
from syncline.store.idempotency import Answered, Claim, Running


async def make(door: Door, headers: dict[str, str], key: str = "k1", **asked: Any) -> Any:
    return await door.http.post(
        "/api/v1/keys", headers=headers | {"Idempotency-Key": key}, json={"name": "one"} | asked
    )


async def count(door: Door, headers: dict[str, str]) -> int:
    return len((await door.ask("GET", "/keys", headers=headers))[1]["data"]["keys"])


async def test_the_same_command_again_answers_the_same_and_does_nothing(door: Door) -> None:
    headers = await door.signed_in("viewer")

    first, second = await make(door, headers), await make(door, headers)

    assert (second.status_code, second.json()) == (first.status_code, first.json()) == (201, first.json())
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["content-type"] == first.headers["content-type"]
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert await count(door, headers) == 1


async def test_the_same_key_with_another_body_is_refused(door: Door) -> None:
    headers = await door.signed_in("viewer")
    await make(door, headers)

    answer = await make(door, headers, name="two")

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await count(door, headers) == 1


async def test_duplicates_that_come_at_once_run_once(door: Door) -> None:
    headers = await door.signed_in("viewer")

    answers = await asyncio.gather(*(make(door, headers) for _ in range(8)))

    codes = {answer.status_code for answer in answers}
    assert codes <= {201, 409}
    assert 201 in codes
    assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409} <= {
        "IDEMPOTENCY_IN_PROGRESS"
    }
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1
    assert await count(door, headers) == 1


async def test_a_key_belongs_to_its_caller_and_to_one_route(door: Door) -> None:
    viewer, member = await door.signed_in("viewer"), await door.signed_in("member")
    await make(door, viewer)

    assert (await make(door, member)).status_code == 201
    renamed = await door.http.patch(
        "/api/v1/auth/me", headers=viewer | {"Idempotency-Key": "k1"}, json={"name": "V"}
    )
    assert renamed.status_code == 200
    assert "idempotent-replayed" not in renamed.headers


async def test_a_command_that_failed_may_be_sent_again_with_its_key(door: Door) -> None:
    headers = await door.signed_in("viewer")

    assert (await make(door, headers, workspaces=["c2"])).status_code == 404
    await door.workspace("c2", owner="viewer")
    assert (await make(door, headers, workspaces=["c2"])).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "with space", "x" * 256, "ü"])
async def test_a_key_that_is_none_is_refused(door: Door, key: str) -> None:
    answer = await door.http.post(
        "/api/v1/keys",
        headers=[
            (b"Idempotency-Key", key.encode()),
            *((k.encode(), v.encode()) for k, v in (await door.signed_in("viewer")).items()),
        ],
        json={"name": "one"},
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


async def test_without_a_caller_a_key_means_nothing(door: Door) -> None:
    answer = await make(door, {})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AUTH_REQUIRED")


async def test_the_workspace_in_the_header_is_part_of_the_request(door: Door) -> None:
    headers = await door.signed_in("owner") | {"Idempotency-Key": "k1", "X-Workspace-Id": HOME}
    asked = {"email": "outsider@example.com"}
    path = f"/workspaces/{HOME}/members"
    await door.ask("POST", path, headers=headers, json=asked)

    status, _ = await door.ask("POST", path, headers=headers | {"X-Workspace-Id": "c2"}, json=asked)

    assert status == 422


async def test_a_crash_gives_the_key_back(door: Door) -> None:
    async def crash(*_: Any) -> None:
        raise RuntimeError("boom")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(_: Any) -> None:
        raise AssertionError("there is nothing to send")

    token = (await door.signed_in("viewer"))["Authorization"]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/x",
        "query_string": b"",
        "headers": [(b"authorization", token.encode()), (b"idempotency-key", b"k")],
    }

    for _ in range(2):
        with pytest.raises(RuntimeError, match="boom"):
            await Idempotent(crash, door.service)(dict(scope), receive, send)


async def test_who_died_over_a_command_holds_its_key_for_two_minutes(door: Door) -> None:
    app, now = door.app, door.time()

    async def claim(after: timedelta) -> Any:
        async with app.database.begin() as conn:
            return await idempotency.claim(conn, "k", "r", ring=app.keys, now=now + after)

    assert await claim(timedelta(0)) == Claim()
    assert await claim(timedelta(minutes=2)) == Running()
    assert await claim(timedelta(minutes=2, seconds=1)) == Claim()


async def test_an_answer_is_kept_for_a_day_and_unreadable_in_the_store(door: Door) -> None:
    headers = await door.signed_in("viewer")
    secret = (await make(door, headers)).json()["data"]["key"]

    async with door.app.database.read() as conn:
        [row] = (await conn.execute(text("SELECT key, request, answer FROM idempotency"))).all()
        found = await claim_again(door, row.key, row.request)
    assert isinstance(found, Answered)
    assert secret.encode() not in bytes(row.answer)
    door.time.pass_(hours=24, seconds=1)
    async with door.app.database.begin() as conn:
        assert await idempotency.forget(conn, now=door.time()) == 1


async def claim_again(door: Door, key: str, request: str) -> Any:
    async with door.app.database.begin() as conn:
        return await idempotency.claim(conn, key, request, ring=door.app.keys, now=door.time())


async def test_a_store_that_is_away_is_said_so(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = await door.signed_in("viewer")

    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("The store is away.")

    monkeypatch.setattr(idempotency, "claim", away)
    answer = await make(door, headers)

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
