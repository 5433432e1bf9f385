"""Readers by others, as published, read a whole generated workspace; only the base address is theirs to change.

What a reader shows is its own affair: each row names the kinds of text it shows at all, and of these nothing may be
missing.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from emulator.conformance.environments import FOLDER, missing_npm, node_script, python_environment, run

from notion_emulator import Emulator, World, seed
from notion_emulator.objects import Block
from notion_emulator.seed import Seeded
from notion_emulator.server import ServerThread

TEXTS = frozenset({
    "paragraph", "heading_1", "heading_2", "heading_3", "heading_4", "bulleted_list_item", "numbered_list_item", "to_do",
    "quote", "callout", "code",
})  # fmt: skip
CAPTIONED = frozenset({"image", "video", "file", "pdf"})
EVERYTHING = TEXTS | CAPTIONED | {"toggle", "audio", "table_row", "title", "property", "comment"}

# Airbyte's reader counts nested listings and stops after thirty in all, so there are fewer here.
SIZES = {"pages": 8, "rows": 10, "blocks": 200, "depth": 3, "data_sources": 2, "comments": 3}


class Served(NamedTuple):
    emulator: Emulator
    url: str
    seeded: Seeded

    def pages(self, *, rows: bool) -> str:
        """The ids of all pages, or of those that are no rows."""
        pages = self.emulator.world.pages.values()
        return ",".join(page.id for page in pages if rows or page.parent_kind != "data_source")

    def kind(self, marker: seed.Marker) -> str:
        """What a marker stands in: a block's type, title, property or comment."""
        node = self.emulator.world.nodes.get(marker.id)
        return node.type if isinstance(node, Block) else marker.kind

    def missing(self, text: str, kinds: frozenset[str], *, pages: str | None = None) -> list[str]:
        """The markers of some kinds that are not in a text."""
        found = set(re.findall(r"m\d{6}", text))
        wanted = [one for one in self.seeded.markers if pages is None or one.page in pages]
        return [
            f"{self.kind(one)} {one.text}"
            for one in wanted
            if self.kind(one) in kinds and one.text not in found
        ]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    world = World(seed=5)
    world.connect("Reader")
    seeded = seed.generate(world, **SIZES)
    emulator = Emulator(world=world)
    with ServerThread(emulator) as server:
        yield Served(emulator, server.url, seeded)


def script(name: str, package: str) -> tuple[str, str]:
    return str(python_environment(f"reader-{name}", *package.split())), str(FOLDER / f"reader_{name}.py")


def test_airbyte_reads_everything(served: Served, tmp_path: Path) -> None:
    command = script("airbyte", "airbyte-source-notion==3.2.0")
    assert served.missing(run(*command, served.url, served.emulator.token, str(tmp_path)), EVERYTHING) == []


def test_ultimate_notion_reads_everything_into_its_types(served: Served) -> None:
    command = script("ultimate_notion", "ultimate-notion==0.10.1")
    assert served.missing(run(*command, served.url, served.emulator.token), EVERYTHING) == []


def test_llama_index_reads_every_rich_text(served: Served) -> None:
    command = script("llama_index", "llama-index-readers-notion==0.6.0")
    text = run(*command, served.url, served.emulator.token, served.pages(rows=True))
    assert served.missing(text, TEXTS | {"toggle"}) == []
    assert all(one.id in text for one in served.emulator.world.pages.values())


def test_notion_exporter_reads_every_standalone_page(served: Served) -> None:
    command = script("notion_exporter", "notion-exporter==0.1.1 notion-client==2.2.1")
    pages = served.pages(rows=False)
    kinds = TEXTS - {"heading_4"} | {"toggle", "image", "table_row"}
    assert served.missing(run(*command, served.url, served.emulator.token, pages), kinds, pages=pages) == []


@pytest.mark.skipif(missing_npm(), reason="npm and node are not installed")
def test_notion_to_md_reads_every_page(served: Served) -> None:
    command = ("node", str(node_script("reader_notion_to_md.mjs")))
    text = run(*command, served.url, served.emulator.token, served.pages(rows=True))
    # A toggle that holds nothing but a page is dropped by the reader.
    assert served.missing(text, TEXTS | CAPTIONED | {"table_row"}) == []
