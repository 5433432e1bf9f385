import asyncio

import httpx2
import pytest

from notion_emulator import Emulator


async def test_a_client_in_process_finds_a_page(notion_emulator: Emulator) -> None:
    page = notion_emulator.world.create_page(None, "Roadmap")
    transport = httpx2.ASGITransport(app=notion_emulator.app)
    headers = {"authorization": f"Bearer {notion_emulator.token}", "notion-version": "2026-03-11"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://notion.test", headers=headers
    ) as http:
        answer = await http.post("/v1/search", json={"query": "road"})
    assert [one["id"] for one in answer.json()["results"]] == [page.id]
    assert notion_emulator.requests.count(path="/v1/search") == 1


@pytest.mark.notion_workspace("generated:pages=7,rows=0,blocks=20,data_sources=0")
def test_a_marker_names_the_workspace(notion_emulator: Emulator) -> None:
    assert notion_emulator.seeded.figures.pages == 7


@pytest.mark.notion_workspace("sample")
def test_the_sample_is_a_workspace_too(notion_emulator: Emulator) -> None:
    assert len(notion_emulator.world.pages) > 50


@pytest.mark.parametrize("fault", ["timeout", "reset", "truncated"])
async def test_in_process_a_broken_answer_is_raised(notion_emulator: Emulator, fault: str) -> None:
    notion_emulator.faults.add(fault)
    transport = httpx2.ASGITransport(app=notion_emulator.app)
    headers = {"authorization": f"Bearer {notion_emulator.token}", "notion-version": "2026-03-11"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://notion.test", headers=headers
    ) as http:
        with pytest.raises(TimeoutError if fault == "timeout" else ConnectionResetError):
            await http.get("/v1/users/me")


async def test_latency_lets_requests_overlap(notion_emulator: Emulator) -> None:
    notion_emulator.latency = 0.02
    transport = httpx2.ASGITransport(app=notion_emulator.app)
    headers = {"authorization": f"Bearer {notion_emulator.token}", "notion-version": "2026-03-11"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://notion.test", headers=headers
    ) as http:
        await asyncio.gather(*(http.get("/v1/users/me") for _ in range(8)))
    assert notion_emulator.requests.peak == 8
    assert notion_emulator.requests.active == 0
