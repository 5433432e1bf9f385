"""The metrics: for a scraper with a credential, in Prometheus' format, with nobody's words in a label."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from tests.api.doors import HOME, Door

from syncline.api import metrics
from syncline.core.permission import Scope

TOKEN = "a-token-for-the-scraper"


async def scraped(door: Door, headers: dict[str, str]) -> tuple[int, dict[str, dict[tuple[str, ...], float]]]:
    answer = await door.http.get("/metrics", headers=headers)
    found: dict[str, dict[tuple[str, ...], float]] = {}
    if answer.status_code == 200:
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return answer.status_code, found


async def test_the_owners_key_may_read_them(door: Door) -> None:
    status, found = await scraped(door, await door.key("owner", Scope.ADMIN))
    assert status == 200
    assert found["syncline_connections"] == {(): 1}
    assert "syncline_connection_budget_left" not in found  # the test's connection has no limit
    assert sum(found["syncline_connection_status"].values()) == 1


async def test_nobody_else_may(door: Door) -> None:
    assert (await scraped(door, {}))[0] == 401
    assert (await scraped(door, {"Authorization": f"Bearer {TOKEN}"}))[0] == 401
    assert (await scraped(door, await door.signed_in("admin")))[0] == 403
    assert (await scraped(door, await door.key("owner", Scope.READ)))[0] == 403


async def test_a_scraper_may_have_a_token_of_its_own(door: Door) -> None:
    settings = door.app.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    door.service.app = replace(door.app, settings=settings)
    assert (await scraped(door, {"Authorization": f"Bearer {TOKEN}"}))[0] == 200
    assert (await scraped(door, {"Authorization": f"Bearer {TOKEN}x"}))[0] == 401


async def test_requests_are_counted_by_route_and_not_by_address(door: Door) -> None:
    viewer = await door.signed_in("viewer")
    await door.ask("GET", f"/workspaces/{HOME}/status", headers=viewer)
    await door.ask("GET", "/workspaces/nobody-s-secret/status", headers=viewer)
    await door.ask("GET", "/no/such/route-at-all", headers=viewer)
    _, found = await scraped(door, await door.key("owner", Scope.ADMIN))
    counts = found["syncline_http_request_seconds_count"]
    assert counts["GET", "/api/v1/workspaces/{workspaceId}/status", "200"] == 1
    assert counts["GET", "/api/v1/workspaces/{workspaceId}/status", "404"] == 1
    assert not [labels for labels in counts if "secret" in str(labels) or "such" in str(labels)]


async def test_with_many_connections_nothing_is_told_of_each_and_no_large_table_counted(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await door.key("owner", Scope.ADMIN)
    few = (await scraped(door, headers))[1]
    monkeypatch.setattr(metrics, "_MOST", 0)
    many = (await scraped(door, headers))[1]
    assert many["syncline_connections"] == {(): 1}
    assert "syncline_connection_status" in few
    assert not {
        name
        for name in many
        if name.startswith(("syncline_connection_", "syncline_records", "syncline_runs"))
    }


async def test_the_page_about_metrics_lists_them_all(door: Door) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(syncline_\w+)`", page, re.MULTILINE))
    answer = await door.http.get("/metrics", headers=await door.key("owner", Scope.ADMIN))
    told = set(re.findall(r"^# TYPE (syncline_\w+) (?:gauge|histogram)", answer.text, re.MULTILINE))
    assert listed == {name for name in told if not name.endswith("_created")}


async def test_the_status_of_the_callers_workspaces(door: Door) -> None:
    await door.workspace("c2", owner="stranger")
    status, told = await door.ask("GET", "/status", headers=await door.signed_in("viewer"))
    assert status == 200
    assert [one["workspaceId"] for one in told["data"]["workspaces"]] == [HOME]
    one = told["data"]["workspaces"][0]
    assert (one["syncStatus"], one["lag"], one["running"], one["totalPages"]) == ("active", None, None, 0)
    assert (await door.ask("GET", "/workspaces/c2/status", headers=await door.signed_in("viewer")))[0] == 404
