"""What the tests of the emulator share: a synchronous way to ask it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from notion_emulator import Emulator
from notion_emulator.service import Request, Response, respond

# No test measures time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


class Asker:
    """Asks one emulator, as its first connection on 2026-03-11 unless told otherwise."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.version = "2026-03-11"
        self.token = emulator.token

    def raw(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        path, _, query = path.partition("?")
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        known = {"authorization": f"Bearer {self.token}", "notion-version": self.version, **named}
        return respond(self.emulator, Request(method, f"/v1{path}", query, known, data))

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The JSON of an answer, which has that status."""
        response = self.raw(method, path, body)
        answer = json.loads(response.body)
        assert response.status == status, answer
        return answer

    def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        """Status, code and message of an answer that is no success."""
        response = self.raw(method, path, body)
        answer = json.loads(response.body)
        return response.status, answer["code"], answer["message"]

    def page(self, title: str = "Page", **more: Any) -> Any:
        """A new page below the home page."""
        parent = {"page_id": self.emulator.root_page_id}
        body = {"parent": parent, "properties": {"title": [{"text": {"content": title}}]}, **more}
        return self("POST", "/pages", body)

    def table(self, properties: dict[str, Any] | None = None) -> Any:
        """The data source of a new database below the home page."""
        parent = {"type": "page_id", "page_id": self.emulator.root_page_id}
        schema = {"Name": {"title": {}}, **(properties or {})}
        database = self(
            "POST", "/databases", {"parent": parent, "initial_data_source": {"properties": schema}}
        )
        return self("GET", f"/data_sources/{database['data_sources'][0]['id']}")

    def row(self, source: Any, title: str = "Row", **properties: Any) -> Any:
        """A new row of a data source."""
        named = {"Name": {"title": [{"text": {"content": title}}]}, **properties}
        return self("POST", "/pages", {"parent": {"data_source_id": source["id"]}, "properties": named})

    def append(self, id: str, *blocks: Any) -> Any:
        """Blocks at the end of a page or block."""
        return self("PATCH", f"/blocks/{id}/children", {"children": list(blocks)})["results"]


@pytest.fixture
def emulator() -> Emulator:
    return Emulator()


@pytest.fixture
def ask(emulator: Emulator) -> Asker:
    return Asker(emulator)


@pytest.fixture
def text() -> Callable[[str], list[Any]]:
    return lambda content: [{"text": {"content": content}}]


@pytest.fixture
def paragraph(text: Callable[[str], list[Any]]) -> Callable[[str], Any]:
    return lambda content: {"paragraph": {"rich_text": text(content)}}
