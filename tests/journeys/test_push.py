"""The command line pushes an SQLite file into a local Notion: planned, applied, saved, killed, refused."""

import json
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.journeys.conftest import Ended, Notion, Syncline, emulator

MAPPING = """
name = "crew"
database = "sqlite:///crew.sqlite"
protected = ["{page}"]

[[tables]]
name = "people"
notion = {{ id = "{database}" }}
key = {{ column = "id", property = "External ID" }}
match = ["name", "subsystem"]
deletes = {{ policy = "trash" }}

[tables.columns]
name = {{ property = "Name", type = "title" }}
role = {{ property = "Role", type = "select", add_options = true }}
subsystem = {{ property = "Subsystem", type = "rich_text" }}
"""
PROPERTIES: dict[str, Any] = {
    "Name": {"title": {}},
    "Role": {"select": {}},
    "Subsystem": {"rich_text": {}},
    "External ID": {"rich_text": {}},
}


class Crew:
    """An SQLite file, its mapping, a connected command line, a Notion with the database on a protected page."""

    def __init__(self, folder: Path, syncline: Syncline, notion: Notion) -> None:
        self.folder, self.syncline, self.notion = folder, syncline, notion
        self.file = str(folder / "syncline.toml")
        self.data = sqlite3.connect(folder / "crew.sqlite", isolation_level=None)
        self.data.execute("CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, role TEXT, subsystem TEXT)")
        found = notion.api("POST", "search", {"filter": {"property": "object", "value": "page"}})
        self.page = next(one["id"] for one in found["results"] if one["parent"]["type"] == "workspace")
        made = notion.api(
            "POST",
            "databases",
            {
                "parent": {"type": "page_id", "page_id": self.page},
                "title": [{"text": {"content": "People"}}],
                "initial_data_source": {"properties": PROPERTIES},
            },
        )
        self.source = made["data_sources"][0]["id"]
        (folder / "syncline.toml").write_text(MAPPING.format(page=self.page, database=made["id"]))
        syncline.connect(notion)

    def add(self, *keys: str) -> None:
        self.data.executemany(
            "INSERT INTO people VALUES (?, ?, 'Engineer', 'Power')", [(key, f"Person {key}") for key in keys]
        )

    def pages(self) -> list[dict[str, Any]]:
        found, cursor = [], None
        while True:
            body = {"page_size": 100} | ({"start_cursor": cursor} if cursor else {})
            listing = self.notion.api("POST", f"data_sources/{self.source}/query", body)
            found += listing["results"]
            cursor = listing["next_cursor"]
            if cursor is None:
                return found

    def keys(self) -> Counter[str]:
        return Counter(
            page["properties"]["External ID"]["rich_text"][0]["plain_text"] for page in self.pages()
        )

    def writes(self) -> int:
        """How many writes Notion has seen from anybody, since the start."""
        log = self.notion.control("GET", "requests?limit=100000")["requests"]
        return sum(
            one["method"] != "GET" and not one["path"].split("?")[0].endswith(("query", "search"))
            for one in log
        )


@pytest.fixture(scope="module")
def shared_notion() -> Iterator[Notion]:
    """An empty workspace; each test makes a database of its own in it."""
    with emulator("empty") as notion:
        yield notion


@pytest.fixture
def crew(tmp_path: Path, syncline: Syncline, shared_notion: Notion) -> Iterator[Crew]:
    made = Crew(tmp_path, syncline, shared_notion)
    yield made
    made.data.close()


def test_a_push_is_planned_applied_and_then_nothing_is_left_to_do(crew: Crew) -> None:
    crew.add("P1", "P2")
    before = crew.writes()
    planned = crew.syncline("plan", crew.file, "--detailed-exit-code")
    assert (planned.code, crew.writes()) == (11, before)
    assert "create  people  P1   Name: ∅ → Person P1" in planned.out
    assert "people: 2 created." in planned.out
    report = crew.folder / "report.md"
    applied = crew.syncline("apply", crew.file, "--json", "--report-markdown", str(report))
    assert (applied.code, crew.writes()) == (0, before + 2)
    tables = applied.json["tables"]["people"]
    assert (tables["created"], tables["updated"], applied.json["outcome"]) == (2, 0, "changed")
    assert "| people | 2 | 0 |" in report.read_text()
    again = crew.syncline("apply", crew.file, "--json", "--detailed-exit-code")
    assert (again.code, again.json["outcome"], again.json["requests"]) == (0, "clean", 1)


def test_the_requests_of_a_push_are_logged_with_its_run(crew: Crew) -> None:
    crew.add("P1")
    crew.syncline("apply", crew.file)

    (created,) = [
        json.loads(line)
        for line in crew.syncline("logs", "--json").out.splitlines()
        if json.loads(line)["operation"] == "pages.create"
    ]

    assert "pages.create" in crew.syncline("logs", "--run", created["run_id"]).out


def test_a_saved_plan_is_applied_or_refused(crew: Crew) -> None:
    crew.add("P1")
    plan = str(crew.folder / "plan.json")
    assert crew.syncline("plan", crew.file, "--save", plan).code == 0
    crew.add("P2")
    refused = crew.syncline("apply", plan, "--json")
    assert refused.code == 2
    assert (
        "The plan was made for another state: people P2: create was not planned. Plan again." in refused.err
    )
    crew.data.execute("DELETE FROM people WHERE id = 'P2'")
    assert crew.syncline("apply", plan).code == 0
    assert crew.keys() == {"P1": 1}


def test_exit_codes_tell_conflicts_from_failures(crew: Crew) -> None:
    for name in ("A", "A"):
        crew.notion.api(
            "POST",
            "pages",
            {
                "parent": {"type": "data_source_id", "data_source_id": crew.source},
                "properties": {
                    "Name": {"title": [{"text": {"content": name}}]},
                    "Subsystem": {"rich_text": [{"text": {"content": "Power"}}]},
                },
            },
        )
    crew.data.execute("INSERT INTO people VALUES ('P1', 'A', NULL, 'Power')")
    ambiguous = crew.syncline("apply", crew.file)
    assert ambiguous.code == 9
    assert "ambiguous: people P1: 2 pages and 1 row have the same name, subsystem" in ambiguous.err
    crew.data.execute("INSERT INTO people VALUES ('P2', ?, NULL, NULL)", ("x" * 200_001,))
    failed = crew.syncline("apply", crew.file)
    assert failed.code == 10
    assert "failed: people P2: Name: title cannot hold" in failed.err


def test_too_many_deletions_stop_with_exit_code_six(crew: Crew) -> None:
    crew.add("P1", "P2", "P3")
    assert crew.syncline("apply", crew.file).code == 0
    crew.data.execute("DELETE FROM people WHERE id <> 'P1'")
    stopped = crew.syncline("apply", crew.file, "--json")
    assert (stopped.code, stopped.json["outcome"]) == (6, "refused")
    assert crew.syncline("apply", crew.file, "--accept-deletions").code == 0
    assert crew.keys() == {"P1": 1}


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("sqlite:///crew.sqlite", "sqlite:///none.sqlite"), 2, "none.sqlite"),
        (('column = "id"', 'column = "nothing"'), 2, "nothing"),
        (('{ property = "Role"', '{ property = "Rôle"'), 2, "has no property Rôle"),
        (('{ property = "Role", type = "select"', '{ property = "Role", type = "number"'), 2, "is a select"),
    ],
)
def test_a_mistake_in_the_mapping_is_one_sentence(
    crew: Crew, change: tuple[str, str], code: int, said: str
) -> None:
    crew.add("P1")
    file = Path(crew.file)
    file.write_text(file.read_text().replace(*change))
    ended = crew.syncline("apply", crew.file)
    assert (ended.code, said in ended.err, ended.err.count("\n")) == (code, True, 1), ended.err
    assert crew.pages() == []


def test_a_file_that_is_no_plan_is_refused(crew: Crew) -> None:
    file = crew.folder / "plan.json"
    file.write_text(json.dumps({"file": crew.file, "plan": {"actions": [1]}}))
    ended = crew.syncline("apply", str(file))
    assert (ended.code, "cannot be read: plan again" in ended.err) == (2, True)


def test_killed_at_any_point_no_page_is_made_twice_and_none_is_missing(crew: Crew) -> None:
    """Three kills of a push of 60 rows; the benchmark does a hundred of 500."""
    crew.add(*(f"P{n:03}" for n in range(60)))
    random = Random(7)
    for _ in range(3):
        kill(crew, after=random.randrange(3, 30))
    ended = finished(crew)
    assert ended.code == 0, ended.err
    assert crew.keys() == Counter({f"P{n:03}": 1 for n in range(60)})


def finished(crew: Crew) -> Ended:
    return crew.syncline("apply", crew.file)


def kill(crew: Crew, *, after: int) -> None:
    """Kill a push with SIGKILL once it has made so many requests more."""
    start = int(crew.notion.control("GET", "requests?limit=0")["count"])
    with crew.syncline.start("apply", crew.file) as child:
        while (
            child.poll() is None
            and int(crew.notion.control("GET", "requests?limit=0")["count"]) < start + after
        ):
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        child.wait()


def test_two_pushes_at_once_make_each_page_once_and_the_later_one_is_refused(crew: Crew) -> None:
    crew.add(*(f"P{n:03}" for n in range(30)))
    crew.notion.control("PUT", "latency", {"seconds": 1.0})
    with crew.syncline.start("apply", crew.file) as one, crew.syncline.start("apply", crew.file) as other:
        while one.poll() is None and other.poll() is None:
            time.sleep(0.05)
        crew.notion.control("PUT", "latency", {"seconds": 0})
        codes = {crew.syncline.ended(one).code, crew.syncline.ended(other).code}
    assert codes == {0, 4}
    assert crew.keys() == Counter({f"P{n:03}": 1 for n in range(30)})
    assert finished(crew).code == 0


def test_ctrl_c_stops_a_push_and_the_next_one_goes_on(crew: Crew) -> None:
    crew.add(*(f"P{n:03}" for n in range(60)))
    crew.notion.control("PUT", "latency", {"seconds": 0.05})
    with crew.syncline.start("apply", crew.file) as child:
        while not crew.pages():
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        ended = crew.syncline.ended(child)
    assert (ended.code, "The next push goes on from here." in ended.err) == (130, True)
    assert 0 < len(crew.pages()) < 60
    crew.notion.control("PUT", "latency", {"seconds": 0})
    assert finished(crew).code == 0
    assert crew.keys() == Counter({f"P{n:03}": 1 for n in range(60)})


def test_a_table_that_goes_both_ways_is_planned_and_applied_by_the_same_commands(crew: Crew) -> None:
    file = Path(crew.file)
    file.write_text(file.read_text().replace('deletes = { policy = "trash" }', 'direction = "both"'))
    crew.add("P1")
    made = crew.notion.api(
        "POST",
        "pages",
        {
            "parent": {"type": "data_source_id", "data_source_id": crew.source},
            "properties": {
                "Name": {"title": [{"text": {"content": "From Notion"}}]},
                "External ID": {"rich_text": [{"text": {"content": "N1"}}]},
            },
        },
    )
    before = crew.writes()
    planned = crew.syncline("plan", crew.file, "--json")
    kinds = {(one["key"], one["kind"]) for one in planned.json["actions"]}
    assert (planned.code, kinds, crew.writes()) == (0, {("P1", "create"), ("N1", "insert")}, before)
    applied = crew.syncline("apply", crew.file, "--json")
    assert (applied.code, applied.json["tables"]["people"]["created"]) == (0, 2), applied.err
    assert crew.data.execute("SELECT name FROM people WHERE id = 'N1'").fetchone() == ("From Notion",)
    assert crew.keys() == {"P1": 1, "N1": 1}
    assert made["id"]
    again = crew.syncline("apply", crew.file, "--json")
    assert (again.json["outcome"], again.json["tables"]["people"]["unchanged"]) == ("clean", 2)
