"""What is known of tokens, asked anew, and what is to happen when one ends."""

import pytest
from tests.api.doors import HOME, Door

from notion_emulator.server import ServerThread


async def test_health_is_told_of_all_ones_workspaces_and_no_others(door: Door) -> None:
    await door.workspace("c2", owner="outsider")
    status, body = await door.ask("GET", "/notion/token-health", headers=await door.signed_in("viewer"))
    assert status == 200
    assert body["data"]["workspaces"] == [
        {
            "workspaceId": HOME,
            "workspaceName": f"Workspace {HOME}",
            "tokenStatus": "unknown",
            "tokenPreference": "notify",
            "lastCheckedAt": None,
            "renewable": False,
        }
    ]


async def test_a_check_asks_notion(door: Door, notion_emulator_server: ServerThread) -> None:
    server = notion_emulator_server
    await door.workspace("c2", token=server.emulator.token, base_url=server.url, member="member2")
    headers = await door.signed_in("member2")
    path = "/notion/workspaces/c2/check-token"
    _, body = await door.ask("POST", path, headers=headers)
    assert body["data"] == {"tokenStatus": "valid", "lastCheckedAt": "2026-11-20T12:00:00.000Z"}
    for one in server.emulator.world.connections.values():
        one.token = "ntn_another"
    _, body = await door.ask("POST", path, headers=headers)
    assert body["data"]["tokenStatus"] == "invalid"
    _, body = await door.ask("GET", "/notion/workspaces/c2", headers=headers)
    shown = body["data"]["workspace"]
    assert (shown["syncStatus"], shown["tokenStatus"]) == ("token_expired", "invalid")


@pytest.mark.parametrize(("wish", "status"), [("auto_reconnect", 200), ("notify", 200), ("ignore", 400)])
async def test_the_preference_is_one_of_two(door: Door, wish: str, status: int) -> None:
    headers = await door.signed_in("admin")
    found, _ = await door.ask(
        "PATCH", "/notion/token-preference", headers=headers, json={"preference": wish, "workspaceId": HOME}
    )
    assert found == status
    _, body = await door.ask("GET", "/notion/token-health", headers=headers)
    kept = wish if status == 200 else "notify"
    assert body["data"]["workspaces"][0]["tokenPreference"] == kept
