"""What Notion really said goes through the whole house: recorded answers are replayed to the command line.

The recordings are no part of the repository; NOTION_RECORDINGS names their folder.
"""

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.conftest import Ended, Notion, Syncline, emulator

from syncline.core.model import Kind, StoredRecord
from syncline.store import connections, records
from syncline.store.database import Database

FOLDER = Path(os.environ.get("NOTION_RECORDINGS", Path(__file__).parents[2] / ".." / "shared" / "recordings"))
BLOCKS = FOLDER / "blocks-2022-06-28.jsonl"
ENDPOINTS = FOLDER / "endpoints-2025-09-03.jsonl"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recordings are not here: name their folder in NOTION_RECORDINGS"
)


def answers(recording: Path, path: str) -> list[Any]:
    """The bodies of the recorded answers to GET requests that succeeded and whose path matches wholly."""
    exchanges = map(json.loads, recording.read_text().splitlines())
    return [
        exchange["response"]["body"]
        for exchange in exchanges
        if exchange["request"]["method"] == "GET"
        and exchange["response"]["status"] == 200
        and re.fullmatch(path, exchange["request"]["path"])
    ]


def pages(recording: Path) -> dict[str, Any]:
    """The first recorded answer about each page."""
    found: dict[str, Any] = {}
    for page in answers(recording, r"/v1/pages/[0-9a-f-]+"):
        found.setdefault(page["id"], page)
    return found


def children(recording: Path, block: str) -> list[Any]:
    """The first recorded answer to the request for a block's children that a pull makes."""
    told = answers(recording, rf"/v1/blocks/{block}/children\?page_size=100")
    return told[0]["results"] if told else []


def connected(syncline: Syncline, notion: Notion, version: str) -> Syncline:
    options = ("--base-url", notion.url, "--rate", "none", "--notion-version", version, "--name", "recorded")
    ended = syncline("connect", *options, SYNCLINE_TOKEN=notion.token)
    assert ended.code == 0, ended.err
    return syncline


def same(held: Any, told: Any) -> bool:
    """Whether two values are the same JSON, to the byte but for the order of keys."""
    return json.dumps(held, sort_keys=True) == json.dumps(told, sort_keys=True)


def texts(value: Any) -> Iterator[str]:
    """Every run of text that Notion sent in blocks; of a date that is mentioned, the day."""
    if isinstance(value, dict):
        if isinstance(value.get("plain_text"), str):
            date = (value.get("mention") or {}).get("date")
            yield date["start"][:10] if date else value["plain_text"]
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def missing(shown: str, blocks: Any) -> list[str]:
    """The runs of text whose words do not stand in `shown` one after the other."""
    runs = [run for run in texts(blocks) if re.search(r"\w", run)]
    return [run for run in runs if not re.search(r"[\W_]+".join(re.findall(r"[^\W_]+", run)), shown)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Syncline, str, Ended]]:
    """The command line after a pull of the recorded page with its 99 blocks, and how that pull ended."""
    [page] = pages(BLOCKS)
    with emulator("empty", "--replay", str(BLOCKS)) as notion:
        syncline = connected(Syncline(tmp_path_factory.mktemp("recorded") / "home"), notion, "2022-06-28")
        yield syncline, page, syncline("pull", "--page", page, "--json")


def test_a_real_page_is_pulled_to_the_end(recorded: tuple[Syncline, str, Ended]) -> None:
    """Notion recorded the page's own children; what hangs below them is refused, and marked."""
    _, page, pulled = recorded
    assert pulled.code == 0, pulled.err
    nested = [
        block for block in children(BLOCKS, page) if block["has_children"] and "child_" not in block["type"]
    ]
    assert pulled.json["outcome"] == "succeeded"
    assert pulled.json["pages"]["seen"] == pulled.json["pages"]["incomplete"] == 1
    assert pulled.json["requests"]["made"] == pulled.json["requests"]["bound"] == 2 + len(nested)


def test_every_block_of_a_real_page_is_kept_as_notion_sent_it(recorded: tuple[Syncline, str, Ended]) -> None:
    syncline, page, _ = recorded
    held = json.loads(syncline("show", page, "--format", "json").out)
    [listed] = held["blocks"]
    assert same(listed["blocks"], children(BLOCKS, page))
    told = {name: value for name, value in pages(BLOCKS)[page].items() if name != "request_id"}
    assert same(held["page"], told)


@pytest.mark.parametrize("form", ["markdown", "portable"])
def test_every_text_of_a_real_page_stands_in_its_markdown(
    recorded: tuple[Syncline, str, Ended], form: str
) -> None:
    syncline, page, _ = recorded
    shown = syncline("show", page, "--format", form)
    assert shown.code == 0, shown.err
    blocks = children(BLOCKS, page)
    assert missing(shown.out, blocks) == []
    unread = [block["id"] for block in blocks if block["has_children"] and "child_" not in block["type"]]
    assert len(unread) > 0
    assert [block for block in unread if block.replace("-", "") not in shown.out] == []


def test_a_real_page_is_loaded_as_a_file(recorded: tuple[Syncline, str, Ended], tmp_path: Path) -> None:
    syncline, page, _ = recorded
    assert syncline("load", "markdown", str(tmp_path / "out")).code == 0
    [file] = (tmp_path / "out").glob("*.md")
    assert missing(file.read_text(), children(BLOCKS, page)) == []


def test_every_page_that_was_recorded_is_pulled_by_its_id(syncline: Syncline) -> None:
    """Of these, Notion's answers about the content were not recorded: that is listed, the properties are kept."""
    told = pages(ENDPOINTS)
    assert len(told) > 2
    named = [argument for page in told for argument in ("--page", page)]
    with emulator("empty", "--replay", str(ENDPOINTS)) as notion:
        connected(syncline, notion, "2025-09-03")
        properties = syncline("pull", *named, "--fidelity", "properties", "--json")
        whole = syncline("pull", *named, "--json")
    assert properties.json["pages"] == {
        "seen": len(told),
        "added": len(told),
        "updated": 0,
        "unchanged": 0,
        "deleted": 0,
        "incomplete": 0,
    }
    unread = [page for page in told if not answers(ENDPOINTS, rf"/v1/blocks/{page}/children\?page_size=100")]
    assert whole.code == 0, whole.err
    assert whole.json["pages"]["incomplete"] == len(unread)
    held = asyncio.run(stored(syncline, list(told)))
    for page, body in told.items():
        assert same(dict(held[page].data), {key: one for key, one in body.items() if key != "request_id"})


def test_a_page_that_was_not_recorded_is_not_found(recorded: tuple[Syncline, str, Ended]) -> None:
    syncline, _, _ = recorded
    ended = syncline("pull", "--page", "00000000-0000-4000-8000-000000000000")
    assert ended.code == 3
    assert "nothing with the id" in ended.err


async def stored(syncline: Syncline, pages: list[str]) -> Mapping[str, StoredRecord]:
    """The records of these pages."""
    database = await Database.open(syncline.home / "store.sqlite")
    async with database.read() as conn:
        [home] = await connections.every(conn)
        held = await records.find(conn, home.id, Kind.PAGE, pages)
    await database.close()
    return held
