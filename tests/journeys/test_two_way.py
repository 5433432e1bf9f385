"""The command line keeps an SQLite file and a local Notion together, both ways."""

import contextlib
import json
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.conftest import Notion, Syncline, emulator

MAPPING = """
name = "work"
database = "sqlite:///work.sqlite"

[[tables]]
name = "tasks"
notion = {{ id = "{database}" }}
key = {{ column = "id", property = "External ID" }}
direction = "both"
conflicts = "manual"
deletes = {{ policy = "trash", threshold = 1.0 }}

[tables.columns]
name = {{ property = "Name", type = "title" }}
points = {{ property = "Points", type = "number" }}
"""
PROPERTIES: dict[str, Any] = {
    "Name": {"title": {}},
    "Points": {"number": {}},
    "External ID": {"rich_text": {}},
}


class Work:
    """An SQLite file and a Notion database, mapped onto each other."""

    def __init__(self, folder: Path, syncline: Syncline, notion: Notion, *, store: str | None = None) -> None:
        self.syncline, self.notion = syncline, notion
        self.file = str(folder / "syncline.toml")
        self.data = sqlite3.connect(folder / "work.sqlite", isolation_level=None)
        self.data.execute("CREATE TABLE tasks (id INTEGER PRIMARY KEY, name TEXT, points NUMERIC)")
        state = notion.api("POST", "search", {"filter": {"property": "object", "value": "page"}})
        parent = {"type": "page_id", "page_id": state["results"][0]["id"]}
        title = [{"text": {"content": "Tasks"}}]
        schema = {"properties": PROPERTIES}
        made = notion.api(
            "POST", "databases", {"parent": parent, "title": title, "initial_data_source": schema}
        )
        self.source = made["data_sources"][0]["id"]
        (folder / "syncline.toml").write_text(MAPPING.format(database=made["id"]))
        syncline.connect(notion, store=store)

    def rows(self) -> list[tuple[Any, ...]]:
        return self.data.execute("SELECT id, name, points FROM tasks ORDER BY id").fetchall()

    def page(self, name: str) -> dict[str, Any]:
        condition = {"property": "Name", "title": {"equals": name}}
        listing = self.notion.api("POST", f"data_sources/{self.source}/query", {"filter": condition})
        (one,) = listing["results"]
        found: dict[str, Any] = one
        return found

    def rename(self, page: str, name: str) -> None:
        properties = {"Name": {"title": [{"text": {"content": name}}]}}
        self.notion.api("PATCH", f"pages/{page}", {"properties": properties})


@pytest.fixture
def work(tmp_path: Path, syncline: Syncline) -> Iterator[Work]:
    with emulator("empty") as notion:
        made = Work(tmp_path, syncline, notion)
        yield made
        made.data.close()


def test_both_sides_are_kept_together_and_a_conflict_is_decided_by_hand(work: Work) -> None:
    work.data.execute("INSERT INTO tasks VALUES (1, 'Weld', 3)")
    assert work.syncline("apply", work.file).code == 0
    page = work.page("Weld")["id"]

    work.data.execute("UPDATE tasks SET name = 'Weld it', points = 5")
    work.rename(page, "Solder")
    planned = work.syncline("plan", work.file, "--json")
    assert {one["kind"] for one in planned.json["actions"]} == {"update", "conflict"}
    applied = work.syncline("apply", work.file, "--json")
    assert (applied.code, applied.json["tables"]["tasks"]["conflicts"]) == (9, 1)
    assert work.page("Solder")["properties"]["Points"]["number"] == 5

    listed = work.syncline("conflicts", "list")
    assert "Weld it" in listed.out
    assert "Solder" in listed.out
    (one,) = work.syncline("conflicts", "list", "--json").json["conflicts"]
    shown = work.syncline("conflicts", "show", one["id"][:8], "--json")
    assert (shown.json["base"], shown.json["state"]) == ("Weld", "open")
    assert work.syncline("conflicts", "resolve", "1", "--take", "notion").code == 0
    again = work.syncline("apply", work.file, "--json")
    assert (again.code, again.json["outcome"]) == (0, "changed")
    assert work.rows() == [(1, "Solder", 5)]
    clean = work.syncline("apply", work.file, "--json")
    assert clean.json["outcome"] == "clean"
    history = work.syncline("conflicts", "list", "--history", "--json").json
    assert [entry["state"] for entry in history["conflicts"]] == ["resolved"]


def test_wrong_words_about_conflicts_come_back_as_one_sentence(work: Work) -> None:
    missing = work.syncline("conflicts", "show", "nothing")
    assert (missing.code, missing.err.count("\n")) == (3, 1)
    value = work.syncline("conflicts", "resolve", "1", "--take", "notion", "--value", "x")
    assert value.code == 2
    assert "Give --value with --take value, and only then." in value.err
    assert "There are no conflicts." in work.syncline("conflicts", "list").err


def test_a_mapping_without_a_key_of_its_own_cannot_go_both_ways(work: Work) -> None:
    file = Path(work.file)
    file.write_text(file.read_text().replace('"External ID"', '"@id"'))
    refused = work.syncline("apply", work.file, "--json")
    assert refused.code == 2
    assert json.loads(refused.out.splitlines()[-1])["outcome"] == "refused"


def test_a_mapping_that_is_watched_follows_both_sides_until_it_is_stopped(work: Work) -> None:
    assert work.syncline("mapping", "install", work.file).code == 0
    work.data.execute("INSERT INTO tasks VALUES (1, 'Weld', 3)")
    watching = work.syncline.start("sync", work.file, "--watch", "--every", "1")
    try:
        page = eventually(lambda: work.page("Weld")["id"])
        work.data.execute("UPDATE tasks SET points = 8")
        assert eventually(lambda: work.page("Weld")["properties"]["Points"]["number"] == 8)
        work.rename(page, "Solder")
        assert eventually(lambda: work.rows() == [(1, "Solder", 8)])
    finally:
        watching.send_signal(signal.SIGINT)
        ended = work.syncline.ended(watching)
    assert (ended.code, "Traceback" in ended.err) == (130, False)


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` gives once that is something."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(ValueError):
            found = look()
            if found:
                return found
        time.sleep(0.1)
    raise AssertionError("it did not come about")
