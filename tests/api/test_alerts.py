"""Alerts at the door: seen by everybody in the workspace, open and resolved ones."""

from tests.api.doors import HOME, Door

from syncline.core.event import sync_complete, sync_error, sync_status
from syncline.delivery.alerts import watch
from syncline.store import events


async def test_alerts_are_listed_newest_first_and_by_whether_they_are_open(door: Door) -> None:
    failed = sync_error("run", error="No.", phase="content", recoverable=False)
    succeeded = sync_complete("run", total=0, succeeded=0, failed=0, skipped=0, seconds=0.0)
    for happened in ([failed, failed, succeeded], [sync_status("token_expired")]):
        async with door.app.database.begin() as conn:
            await events.append(conn, HOME, happened, now=door.time())
        await watch(door.app)
        door.time.pass_(minutes=1)
    viewer = await door.signed_in("viewer")
    _, told = await door.ask("GET", "/alerts", headers=viewer)
    token, sync = told["data"]["alerts"]
    assert (token["kind"], token["resolvedAt"], sync["kind"], sync["count"]) == (
        "token_dead",
        None,
        "sync_failed",
        2,
    )
    assert (await door.ask("GET", "/alerts?open=true", headers=viewer))[1]["data"]["alerts"] == [token]
    assert (await door.ask("GET", "/alerts?open=false", headers=viewer))[1]["data"]["alerts"] == [sync]
    first = (await door.ask("GET", "/alerts?limit=1", headers=viewer))[1]["data"]
    rest = (await door.ask("GET", f"/alerts?limit=1&cursor={first['nextCursor']}", headers=viewer))[1]
    assert (first["alerts"], rest["data"]["alerts"]) == ([token], [sync])
