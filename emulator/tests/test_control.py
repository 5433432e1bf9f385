import json
from typing import Any

import pytest

from notion_emulator import Emulator, World
from notion_emulator.seed import generate
from notion_emulator.service import Request


def turn(emulator: Emulator, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    target, _, query = path.partition("?")
    request = Request(
        method, f"/_emulator{target}", query, {}, b"" if body is None else json.dumps(body).encode()
    )
    response = emulator.control.answer(request)
    return response.status, json.loads(response.body)


def test_faults_come_and_go(emulator: Emulator, ask: Any) -> None:
    assert turn(emulator, "POST", "/faults", {"what": 500, "path": "users", "count": 1})[1]["what"] == 500
    assert ask.raw("GET", "/users/me").status == 500
    assert turn(emulator, "GET", "/faults")[1]["faults"][0]["hits"] == 1
    turn(emulator, "POST", "/faults", {"what": "reset"})
    assert ask.raw("GET", "/users/me").fate == "reset"
    assert turn(emulator, "DELETE", "/faults")[1] == {"faults": []}
    assert ask.raw("GET", "/users/me").status == 200


def test_the_clock_moves(emulator: Emulator) -> None:
    assert turn(emulator, "POST", "/clock", {"freeze": "2026-01-01T00:00:00Z"})[1] == {
        "now": "2026-01-01T00:00:00.000Z",
        "frozen": True,
    }
    assert turn(emulator, "POST", "/clock", {"advance": 90})[1]["now"] == "2026-01-01T00:01:30.000Z"
    assert (
        turn(emulator, "POST", "/clock", {"set": "2027-01-01T00:00:00Z", "run": True})[1]["frozen"] is False
    )


def test_settings_rate_latency_and_shares_change(emulator: Emulator, ask: Any) -> None:
    page = ask.page()["id"]
    assert (
        turn(emulator, "PATCH", "/settings", {"result_cap": 25, "search_omits_ids": [page]})[1]["result_cap"]
        == 25
    )
    assert emulator.settings.search_omits_ids == {page}
    turn(emulator, "PUT", "/rate", {"connection": "3/1"})
    assert emulator.limits.connection is not None
    turn(emulator, "PUT", "/rate", {"connection": "none"})
    turn(emulator, "PUT", "/latency", {"seconds": 0.25})
    assert emulator.latency == 0.25
    turn(emulator, "POST", "/shares", {"id": page, "shared": False})
    assert ask.raw("GET", f"/pages/{page}").status == 404


def test_the_log_is_read_and_begun_anew(emulator: Emulator, ask: Any) -> None:
    ask.raw("GET", "/users/me")
    ask.raw("GET", "/nope")
    assert turn(emulator, "GET", "/requests?status=400")[1]["count"] == 1
    assert turn(emulator, "GET", "/requests?path=users&limit=5")[1]["requests"][0]["path"] == "/v1/users/me"
    turn(emulator, "DELETE", "/requests")
    assert turn(emulator, "GET", "/requests")[1]["count"] == 0


def test_a_new_connection_has_its_own_token_and_rights(emulator: Emulator, ask: Any) -> None:
    made = turn(
        emulator,
        "POST",
        "/connections",
        {"name": "Reader", "capabilities": ["read_content"], "all_pages": False},
    )[1]
    ask.token = made["token"]
    assert ask("GET", "/users/me")["name"] == "Reader"
    assert ask("POST", "/search", {})["results"] == []
    assert len(turn(emulator, "GET", "/connections")[1]["connections"]) == 2


def test_cursors_die(emulator: Emulator, ask: Any) -> None:
    source = ask.table()
    ask("POST", f"/data_sources/{source['id']}/query", {})
    assert turn(emulator, "DELETE", "/cursors")[1] == {"killed": 1}


def test_figures_and_markers_of_a_generated_workspace() -> None:
    world = World()
    world.connect("C")
    emulator = Emulator(world=world, seeded=generate(world, pages=5, rows=4, blocks=30, data_sources=1))
    figures = turn(emulator, "GET", "/figures")[1]
    assert (figures["pages"], figures["rows"]) == (9, [4])
    assert figures["blocks_bound"] >= figures["markdown_bound"] > 9
    markers = turn(emulator, "GET", "/markers")[1]
    assert {"title", "block", "property"} <= {one["kind"] for one in markers}
    assert turn(emulator, "GET", "/state")[1]["workspaces"][0]["pages"] == len(world.pages)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PATCH", "/settings", {"nope": 1}), ("POST", "/clock", {"wind": 1}), ("POST", "/faults", {"what": 418}), ("POST", "/faults", {"what": 500, "x": 1}),
     ("PUT", "/rate", {"connection": "fast"}), ("PUT", "/latency", {}), ("POST", "/shares", {"id": "x"}), ("POST", "/faults", {"what": 500, "path": "("}),
     ("POST", "/connections", {"capabilities": ["fly"]})],
)  # fmt: skip
def test_misuse_is_told_in_one_sentence(emulator: Emulator, method: str, path: str, body: Any) -> None:
    status, answer = turn(emulator, method, path, body)
    assert status == 400
    assert answer["error"]
    assert not emulator.faults.active


def test_an_unknown_control_path_lists_the_known_ones(emulator: Emulator) -> None:
    status, answer = turn(emulator, "GET", "/nope")
    assert status == 404
    assert "GET /_emulator/state" in answer["error"]


def test_the_world_is_saved_and_loaded(emulator: Emulator, ask: Any) -> None:
    page = ask.page("kept")["id"]
    saved = turn(emulator, "GET", "/world")[1]
    ask("PATCH", f"/pages/{page}", {"in_trash": True})
    told = turn(emulator, "PUT", "/world", saved)[1]
    assert told == {"token": emulator.token, "root_page_id": emulator.root_page_id}
    assert ask("GET", f"/pages/{page}")["in_trash"] is False
    assert turn(emulator, "PUT", "/world", {"form": 1})[0] == 400


def test_the_page_for_people_shows_tree_log_and_faults(emulator: Emulator, ask: Any) -> None:
    ask.page("<b>Bold</b> & co")
    ask.row(ask.table())
    emulator.faults.add(500, path="/v1/x")
    response = emulator.control.answer(Request("GET", "/_emulator/"))
    shown = response.body.decode()
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; co" in shown
    assert "<b>Bold" not in shown
    assert "POST /v1/pages" in shown
    assert "500 any method /v1/x: 0 hits" in shown
    assert "row " in shown


def test_oauth_and_webhooks_are_reached_by_control(emulator: Emulator) -> None:
    client = turn(emulator, "POST", "/oauth/clients", {"name": "A", "redirect_uris": ["https://a.example/"]})[
        1
    ]
    assert turn(emulator, "GET", "/oauth/clients")[1]["clients"][0]["id"] == client["id"]
    assert (
        turn(emulator, "POST", "/oauth/codes", {"client_id": client["id"]})[1]["code"]
        in emulator.oauth.grants
    )
    assert turn(emulator, "POST", "/oauth/codes", {"client_id": "x"})[0] == 400
    made = turn(emulator, "POST", "/webhooks", {"url": "http://127.0.0.1:9/", "events": ["page.created"]})[1]
    assert len(emulator.jobs) == 1
    assert (
        turn(emulator, "PATCH", "/webhooks", {"window": 0, "backoff": [1]})[1]["subscriptions"][0]["id"]
        == made["id"]
    )
    assert turn(emulator, "DELETE", "/webhooks", {"id": made["id"]})[1]["subscriptions"] == []


def test_another_workspace_has_its_own_connections(emulator: Emulator, ask: Any) -> None:
    made = turn(emulator, "POST", "/workspaces", {"workspace": "empty"})[1]
    second = turn(
        emulator, "POST", "/workspaces", {"workspace": "generated:pages=3,rows=0,blocks=4,data_sources=0"}
    )[1]
    assert len({made["token"], second["token"], emulator.token}) == 3
    assert ask.refusal("GET", f"/pages/{made['root_page_id']}")[0] == 404
    ask.token = turn(emulator, "POST", "/connections", {"name": "There", "workspace": made["id"]})[1]["token"]
    assert ask("GET", f"/pages/{made['root_page_id']}")["id"] == made["root_page_id"]
    assert turn(emulator, "POST", "/connections", {"workspace": "x"})[0] == 400
    assert turn(emulator, "POST", "/workspaces", {"workspace": "nope"})[0] == 400
    with pytest.raises(ValueError, match="another seed"):
        emulator.add_world(World())
