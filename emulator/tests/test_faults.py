import json
from typing import Any

import pytest

from notion_emulator import Emulator
from notion_emulator.faults import Faults


def strikes(faults: Faults, count: int, method: str = "GET", path: str = "/v1/users") -> int:
    return sum(faults.strike(method, path) is not None for _ in range(count))


def test_a_fault_ends_with_its_count() -> None:
    faults = Faults()
    faults.add(500, count=2)
    assert strikes(faults, 5) == 2


def test_a_fault_lets_the_first_ones_pass() -> None:
    faults = Faults()
    faults.add(500, skip=3, count=1)
    assert [faults.strike("GET", "/") is not None for _ in range(5)] == [False, False, False, True, False]


def test_a_fault_is_meant_for_a_method_and_a_path_with_its_query() -> None:
    faults = Faults()
    faults.add(429, method="post", path=r"^/v1/data_sources/.*\?filter_properties=")
    assert faults.strike("GET", "/v1/data_sources/x/query?filter_properties=a") is None
    assert faults.strike("POST", "/v1/data_sources/x/query") is None
    assert faults.strike("POST", "/v1/data_sources/x/query?filter_properties=a") is not None


def test_chance_comes_from_the_seed() -> None:
    first, second = Faults(seed=7), Faults(seed=7)
    for faults in (first, second):
        faults.add(500, probability=0.02)
    hits = [first.strike("GET", "/") is not None for _ in range(5000)]
    assert hits == [second.strike("GET", "/") is not None for _ in range(5000)]
    assert 50 < sum(hits) < 150


@pytest.mark.parametrize("what", [418, "fire", None])
def test_an_unknown_fault_is_refused(what: object) -> None:
    with pytest.raises(ValueError, match="is no fault"):
        Faults().add(what)  # type: ignore[arg-type]  # misuse is the point


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "conflict_error"),
        (429, "rate_limited"),
        (500, "internal_server_error"),
        (503, "service_unavailable"),
        (504, "gateway_timeout"),
        (529, "service_overload"),
    ],
)
def test_each_status_carries_its_code(emulator: Emulator, ask: Any, status: int, code: str) -> None:
    emulator.faults.add(status)
    assert ask.refusal("GET", "/users/me")[:2] == (status, code)


def test_a_502_is_html_from_the_edge(emulator: Emulator, ask: Any) -> None:
    emulator.faults.add(502)
    response = ask.raw("GET", "/users/me")
    assert response.body.startswith(b"<html>")
    assert ("content-type", "text/html; charset=UTF-8") in response.headers


def test_a_502_may_be_json_and_others_html(emulator: Emulator, ask: Any) -> None:
    emulator.faults.add(502, html=False, count=1)
    assert ask.refusal("GET", "/users/me")[:2] == (502, "bad_gateway")
    emulator.faults.add(504, html=True)
    assert ask.raw("GET", "/users/me").body.startswith(b"<html>")


def test_a_fault_before_the_write_leaves_no_trace(emulator: Emulator, ask: Any) -> None:
    emulator.faults.add(503, method="POST", count=1)
    before = len(emulator.world.pages)
    body = {"parent": {"page_id": emulator.root_page_id}, "properties": {}}
    assert ask.refusal("POST", "/pages", body)[0] == 503
    assert len(emulator.world.pages) == before


def test_a_fault_after_the_write_names_what_was_committed(
    emulator: Emulator, ask: Any, paragraph: Any
) -> None:
    emulator.faults.add(503, method="POST", count=1, applied=True)
    response = ask.raw("POST", "/pages", {"parent": {"page_id": emulator.root_page_id}, "properties": {}})
    data = json.loads(response.body)["additional_data"]
    assert data["committed_resource_id"] in emulator.world.pages
    emulator.faults.add(503, method="PATCH", count=1, applied=True)
    response = ask.raw(
        "PATCH", f"/blocks/{emulator.root_page_id}/children", {"children": [paragraph("a"), paragraph("b")]}
    )
    data = json.loads(response.body)["additional_data"]
    assert data["committed_resource_id"] == emulator.root_page_id
    assert data["committed_child_ids"] == emulator.world.nodes[emulator.root_page_id].children[-2:]


def test_a_blocked_429_has_no_retry_after(emulator: Emulator, ask: Any) -> None:
    emulator.faults.add(429, reason="public_api_request_blocked")
    response = ask.raw("GET", "/users/me")
    assert "retry-after" not in dict(response.headers)
    assert json.loads(response.body)["additional_data"]["rate_limit_reason"] == "public_api_request_blocked"


def test_the_log_names_the_fault(emulator: Emulator, ask: Any) -> None:
    emulator.faults.add(500, count=1)
    ask.raw("GET", "/users/me")
    ask.raw("GET", "/users/me")
    assert [(one.status, one.fault) for one in emulator.requests] == [(500, "500"), (200, None)]
