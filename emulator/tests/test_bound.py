"""The figures are true: a reader that wastes nothing needs exactly so many requests, and finds every marker."""

import json
import re
from typing import Any

import pytest

from notion_emulator import Emulator, World, seed
from notion_emulator.figures import figures
from notion_emulator.seed import Seeded
from notion_emulator.service import Request, respond

Json = dict[str, Any]
SHORT = 25
SIZES = {
    "pages": 25, "rows": 150, "blocks": 2600, "depth": 12, "data_sources": 2, "long_pages": 2, "giant": 1100,
    "relations": 2, "synced": 1, "linked": 1, "unsupported": 2, "novel": 1,
}  # fmt: skip


class Reader:
    """Reads through the API without a server, keeping everything it was told."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.told: list[str] = []
        self.pages: dict[str, Json] = {}
        self.refused = 0

    def ask(self, method: str, path: str, body: Json | None = None, query: str = "") -> Json:
        headers = {"authorization": f"Bearer {self.emulator.token}", "notion-version": "2026-03-11"}
        content = json.dumps(body).encode() if body is not None else b""
        answer = respond(self.emulator, Request(method, f"/v1{path}", query, headers, content))
        text = answer.body.decode()
        self.told.append(text)
        self.refused += answer.status != 200
        return json.loads(text) if answer.status == 200 else {"results": [], "next_cursor": None}

    def listing(self, method: str, path: str) -> list[Json]:
        found: list[Json] = []
        cursor: str | None = None
        while True:
            paging: Json = {"page_size": 100} | ({"start_cursor": cursor} if cursor else {})
            query = "&".join(f"{name}={value}" for name, value in paging.items())
            page = self.ask(method, path, paging) if method == "POST" else self.ask(method, path, query=query)
            found += page["results"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def enumerate(self) -> None:
        found = self.listing("POST", "/search")
        for source in (one for one in found if one["object"] == "data_source"):
            found += self.listing("POST", f"/data_sources/{source['id']}/query")
        self.pages = {one["id"]: one for one in found if one["object"] == "page"}

    def complete(self) -> None:
        """The values that pages show shortened."""
        for page in self.pages.values():
            long = [value for value in page["properties"].values() if value.get("has_more")]
            for value in long and page["properties"].values():
                if value in long or value["type"] == "rollup":
                    self.listing("GET", f"/pages/{page['id']}/properties/{value['id']}")

    def blocks(self) -> None:
        waiting = list(self.pages)
        for one in waiting:
            for block in self.listing("GET", f"/blocks/{one}/children"):
                copied = block["parent"].get("block_id", block["parent"].get("page_id")) != one
                if block["has_children"] and not copied and not block["type"].startswith("child_"):
                    waiting.append(block["id"])

    def markdown(self) -> None:
        for page in self.pages:
            waiting = [page]
            for one in waiting:
                waiting += self.ask("GET", f"/pages/{one}/markdown").get("unknown_block_ids", [])

    def missing(self, seeded: Seeded, *kinds: str) -> list[seed.Marker]:
        found = {marker for text in self.told for marker in re.findall(r"m\d{6}", text)}
        return [marker for marker in seeded.markers if marker.kind in kinds and marker.text not in found]


@pytest.fixture
def seeded() -> tuple[Reader, Seeded]:
    world = World(seed=2)
    world.connect("Reader")
    made = seed.generate(world, **SIZES)
    return Reader(Emulator(world=world)), made


def test_blocks_need_exactly_the_bound(seeded: tuple[Reader, Seeded]) -> None:
    reader, made = seeded
    reader.enumerate()
    assert len(reader.pages) == made.figures.pages
    reader.complete()
    assert reader.emulator.requests.count() == made.figures.properties_bound
    reader.blocks()
    assert reader.emulator.requests.count() == made.figures.blocks_bound
    assert reader.missing(made, "title", "property", "block", "novel") == []
    assert reader.refused == 1  # the copy of what nobody shared


def test_markdown_needs_exactly_the_bound(seeded: tuple[Reader, Seeded]) -> None:
    reader, made = seeded
    reader.enumerate()
    reader.complete()
    reader.emulator.requests.clear()
    for page in reader.pages:
        reader.ask("GET", f"/pages/{page}/markdown")
    assert reader.emulator.requests.count() == made.figures.markdown_bound - made.figures.properties_bound
    assert reader.missing(made, "title", "property", "block") == []


def test_a_truncated_page_is_read_in_pieces(seeded: tuple[Reader, Seeded]) -> None:
    reader, made = seeded
    reader.emulator.settings.markdown_blocks = 1050
    reader.enumerate()
    reader.markdown()
    assert reader.missing(made, "block") == []
    assert reader.refused == 1  # the copy of what nobody shared


def test_the_cap_hides_rows_that_windows_bring_back(seeded: tuple[Reader, Seeded]) -> None:
    reader, _ = seeded
    reader.emulator.settings.result_cap = 40
    source = next(iter(reader.emulator.world.data_sources))
    sorts = [{"timestamp": "created_time", "direction": "ascending"}]
    seen: dict[str, Json] = {}
    body: Json = {"sorts": sorts, "page_size": 100}
    while True:
        answer = reader.ask("POST", f"/data_sources/{source}/query", body)
        new = {row["id"]: row for row in answer["results"] if row["id"] not in seen}
        seen |= new
        if "request_status" not in answer or not new:
            break
        last = answer["results"][-1]["created_time"]
        body["filter"] = {"timestamp": "created_time", "created_time": {"on_or_after": last}}
    assert len(seen) == 75


def test_the_bound_of_a_connection_counts_what_it_reaches(seeded: tuple[Reader, Seeded]) -> None:
    reader, made = seeded
    world, connection = reader.emulator.world, reader.emulator.connection
    pages = list(world.pages.values())
    for page in pages[1:9:3]:
        world.unshare(connection, page.id)
    world.trash(pages[2])
    world.trash(next(iter(world.databases.values())))
    mine = figures(world, connection)
    assert mine.pages < made.figures.pages
    reader.emulator.requests.clear()
    reader.enumerate()
    assert len(reader.pages) == mine.pages
    reader.complete()
    assert reader.emulator.requests.count() == mine.properties_bound
    reader.blocks()
    assert reader.emulator.requests.count() == mine.blocks_bound
