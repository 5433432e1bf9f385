"""Rules at the door: made by an admin, tried before that, their addresses masked, what they told listed."""

from typing import Any

from tests.api.doors import HOME, Door
from tests.store.samples import page

from syncline.delivery.notifying import Notifier
from syncline.delivery.outbound import Answer
from syncline.delivery.rules import decide
from syncline.store import records

SLACK = "https://hooks.slack.com/services/T1/B2/abcdefgh"
ASKED = {"name": "New", "trigger": "appears", "channels": [{"kind": "slack", "target": SLACK}]}


async def made(door: Door, **asked: Any) -> dict[str, Any]:
    headers = await door.signed_in("admin")
    status, told = await door.ask("POST", "/rules", headers=headers, json=ASKED | asked)
    assert status == 201, told
    data: dict[str, Any] = told["data"]
    return data


async def appear(door: Door, *keys: str) -> None:
    async with door.app.database.begin() as conn:
        found = [page(key, title=key) for key in keys]
        await records.upsert(conn, HOME, found, run_id="run", now=door.time())
    await decide(door.app)


async def test_a_rule_is_made_shown_changed_and_removed(door: Door) -> None:
    one, admin = await made(door, quiet="22:00-07:00"), await door.signed_in("admin")
    path = f"/rules/{one['id']}"
    assert one["channels"] == [{"kind": "slack", "target": "https://hooks.slack.com/…efgh", "secret": None}]
    assert (one["from"], one["to"], one["enabled"], one["quiet"]) == (None, None, True, "22:00-07:00")
    status, told = await door.ask(
        "PATCH", path, headers=admin, json={"quiet": "", "digest": "09:00", "enabled": False}
    )
    assert (status, told["data"]["quiet"], told["data"]["digest"]) == (200, None, "09:00")
    assert (await door.ask("GET", path, headers=admin))[1]["data"] == told["data"]
    assert len((await door.ask("GET", "/rules", headers=admin))[1]["data"]["rules"]) == 1
    assert (await door.ask("DELETE", path, headers=admin))[0] == 200
    assert (await door.ask("GET", path, headers=admin))[0] == 404


async def test_the_secret_of_a_webhook_is_shown_once(door: Door) -> None:
    hook = {"kind": "webhook", "target": "https://hooks.example.com/in"}
    one = await made(door, channels=[hook])
    (channel,) = one["channels"]
    assert channel["secret"].startswith("whsec_")
    _, told = await door.ask("GET", f"/rules/{one['id']}", headers=await door.signed_in("admin"))
    assert channel["secret"] not in str(told)


async def test_what_cannot_work_is_refused(door: Door) -> None:
    admin = await door.signed_in("admin")
    wrong: dict[str, Any]
    for wrong in (
        {"trigger": "explodes"},
        {"channels": []},
        {"channels": [{"kind": "slack", "target": "https://127.0.0.1/"}]},
        {"channels": [{"kind": "email", "target": "ann@example.com"}]},
        {"template": "{{ titel }}"},
        {"template": "{{ 'a' * 1000000000 }}"},
        {"digest": "weekly"},
        {"zone": "Mars"},
        {"to": "Done"},
    ):
        for path in ("/rules", "/rules/preview"):
            status, told = await door.ask("POST", path, headers=admin, json=ASKED | wrong)
            assert (status, told["error"]["code"]) == (400, "VALIDATION_ERROR"), wrong
    one = await made(door)
    for wrong in ({"template": "{{"}, {"quiet": "night"}, {"channels": []}, {"trigger": "goes"}):
        assert (await door.ask("PATCH", f"/rules/{one['id']}", headers=admin, json=wrong))[0] == 400, wrong


async def test_a_preview_makes_nothing(door: Door) -> None:
    admin = await door.signed_in("admin")
    asked = {**ASKED, "trigger": "changed", "property": "Status", "from": "Open", "to": "Done"}
    status, told = await door.ask("POST", "/rules/preview", headers=admin, json=asked)
    assert (status, "Status is Done (was Open)" in told["data"]["text"]) == (200, True)
    assert (await door.ask("GET", "/rules", headers=admin))[1]["data"]["rules"] == []


async def test_what_rules_told_is_listed_in_pages(door: Door) -> None:
    one, admin = await made(door, template="{{ title }}"), await door.signed_in("admin")
    await appear(door, "a", "b", "c")

    async def post(_url: str, _body: bytes, _headers: Any) -> Answer:
        return Answer(500, "no")

    notifier = Notifier(post)
    await notifier(door.app)
    await notifier.close()
    first = (await door.ask("GET", "/notifications?limit=2", headers=admin))[1]["data"]
    cursor = first["nextCursor"]
    rest = (await door.ask("GET", f"/notifications?limit=2&cursor={cursor}", headers=admin))[1]["data"]
    found = first["notifications"] + rest["notifications"]
    assert sorted(told["text"] for told in found) == ["a", "b", "c"]
    assert {(told["state"], told["tries"], told["error"]) for told in found} == {
        ("waiting", 1, "HTTP 500: no")
    }
    assert rest["nextCursor"] is None
    other = (await door.ask("GET", f"/notifications?rule={one['id']}&state=sent", headers=admin))[1]
    assert other["data"]["notifications"] == []
    for wrong in ("x", "2026-99-99T00:00:00Z_a", "2026-11-20T00:00:00+00:00_a"):
        assert (await door.ask("GET", f"/notifications?cursor={wrong}", headers=admin))[0] == 400


async def test_rules_of_another_workspace_are_not_there(door: Door) -> None:
    one = await made(door)
    await door.workspace("c2", owner="zoe")
    headers = await door.signed_in("zoe")
    assert (await door.ask("GET", f"/rules/{one['id']}", headers=headers))[0] == 404
    assert (await door.ask("DELETE", f"/rules/{one['id']}", headers=headers))[0] == 404
