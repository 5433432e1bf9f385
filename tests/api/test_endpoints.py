"""Endpoints at the door: made by an admin, their secret shown once, their deliveries looked through and sent again."""

from typing import Any

from tests.api.doors import HOME, Door

from syncline.core.event import Event
from syncline.delivery.deliveries import Deliverer
from syncline.delivery.outbound import Answer
from syncline.store import events

URL = "https://hooks.example.com/syncline"
BASE = "/webhooks/endpoints"


async def made(door: Door, **asked: Any) -> dict[str, Any]:
    status, told = await door.ask(
        "POST", BASE, headers=await door.signed_in("admin"), json={"url": URL, **asked}
    )
    assert status == 201, told
    data: dict[str, Any] = told["data"]
    return data


async def sent(door: Door, status: int = 200) -> None:
    async def post(url: str, body: bytes, headers: Any) -> Answer:
        return Answer(status, "answer")

    deliverer = Deliverer(post)
    while await deliverer(door.app) == 0.0:
        pass
    await deliverer.close()


async def happen(door: Door) -> None:
    async with door.app.database.begin() as conn:
        await events.append(conn, HOME, [Event("sync:complete", {"totalPages": 3})], now=door.time())


async def test_the_secret_is_shown_once(door: Door) -> None:
    one = await made(door)
    assert one["secret"].startswith("whsec_")
    _, told = await door.ask("GET", f"{BASE}/{one['id']}", headers=await door.signed_in("admin"))
    assert one["secret"] not in str(told)
    assert (told["data"]["url"], told["data"]["enabled"]) == (URL, True)


async def test_what_may_not_be_an_endpoint_is_refused(door: Door) -> None:
    admin = await door.signed_in("admin")
    for wrong in (
        {"url": "http://hooks.example.com/"},
        {"url": "https://127.0.0.1/"},
        {"url": "https://169.254.169.254/latest/meta-data"},
        {"url": URL, "types": []},
        {"url": URL, "types": ["record .*"]},
        {"url": URL, "tipes": ["record.*"]},
        {},
    ):
        assert (await door.ask("POST", BASE, headers=admin, json=wrong))[0] == 400, wrong


async def test_deliveries_are_listed_with_their_attempts_and_sent_again(door: Door) -> None:
    one, admin = await made(door), await door.signed_in("admin")
    await happen(door)
    await sent(door, 500)
    _, told = await door.ask("GET", f"{BASE}/{one['id']}/deliveries", headers=admin)
    (delivery,) = told["data"]["deliveries"]
    assert (delivery["type"], delivery["state"], delivery["tries"]) == ("sync.complete", "waiting", 1)
    path = f"{BASE}/{one['id']}/deliveries/{delivery['id']}"
    _, whole = await door.ask("GET", path, headers=admin)
    assert [(each["status"], each["answer"]) for each in whole["data"]["attempts"]] == [(500, "answer")]
    assert '"totalPages":3' in whole["data"]["body"]
    assert (await door.ask("POST", f"{path}/redeliver", headers=admin))[0] == 202
    await sent(door)
    _, told = await door.ask("GET", f"{BASE}/{one['id']}", headers=admin)
    assert (told["data"]["delivered"], told["data"]["waiting"], told["data"]["failingSince"]) == (1, 0, None)
    assert (await door.ask("GET", f"{BASE}/{one['id']}/deliveries?state=dead", headers=admin))[1]["data"] == {
        "deliveries": [],
        "nextCursor": None,
    }


async def test_what_was_given_up_is_sent_again_together(door: Door) -> None:
    one, admin = await made(door), await door.signed_in("admin")
    await happen(door)
    for seconds in (6, 36, 140, 700, 2000, 4000, 8000, 16_000, 32_000, 48_000, 0):
        await sent(door, 500)
        door.time.pass_(seconds=seconds)
    admin = await door.signed_in("admin")
    path = f"{BASE}/{one['id']}"
    assert (await door.ask("GET", path, headers=admin))[1]["data"]["dead"] == 1
    status, told = await door.ask("POST", f"{path}/redeliver", headers=admin, json={})
    assert (status, told["data"]["count"]) == (202, 1)


async def test_a_test_event_goes_to_an_endpoint_that_wants_nothing_of_the_kind(door: Door) -> None:
    one, admin = await made(door, types=["record.deleted"]), await door.signed_in("admin")
    assert (await door.ask("POST", f"{BASE}/{one['id']}/test", headers=admin))[0] == 202
    await sent(door)
    _, told = await door.ask("GET", f"{BASE}/{one['id']}/deliveries", headers=admin)
    assert [each["type"] for each in told["data"]["deliveries"]] == ["endpoint.test"]


async def test_an_endpoint_is_changed_disabled_and_enabled(door: Door) -> None:
    one, admin = await made(door), await door.signed_in("admin")
    path = f"{BASE}/{one['id']}"
    _, told = await door.ask("PATCH", path, headers=admin, json={"types": ["sync.*"], "enabled": False})
    assert (told["data"]["types"], told["data"]["enabled"]) == (["sync.*"], False)
    await happen(door)
    await sent(door)
    assert (await door.ask("GET", path, headers=admin))[1]["data"]["delivered"] == 0
    await door.ask("PATCH", path, headers=admin, json={"enabled": True})
    await sent(door)
    assert (await door.ask("GET", path, headers=admin))[1]["data"]["delivered"] == 1


async def test_a_rotated_secret_is_new(door: Door) -> None:
    one = await made(door)
    _, told = await door.ask(
        "POST", f"{BASE}/{one['id']}/rotate-secret", headers=await door.signed_in("admin")
    )
    assert told["data"]["secret"] not in ("", one["secret"])


async def test_the_endpoint_of_another_workspace_is_not_found(door: Door) -> None:
    one = await made(door)
    await door.workspace("c2", owner="stranger")
    stranger = await door.signed_in("stranger")
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")):
        assert (await door.ask(method, f"{BASE}/{one['id']}{rest}", headers=stranger))[0] == 404


async def test_a_removed_endpoint_is_gone(door: Door) -> None:
    one, admin = await made(door), await door.signed_in("admin")
    assert (await door.ask("DELETE", f"{BASE}/{one['id']}", headers=admin))[0] == 200
    assert (await door.ask("GET", BASE, headers=admin))[1]["data"]["endpoints"] == []
