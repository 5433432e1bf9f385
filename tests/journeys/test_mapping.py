"""A mapping from its draft to its import, at the command line."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.conftest import Notion, Syncline, emulator
from tests.mapping.cadence import EXAMPLE, HUB, TEAM, fill, run

TABLE = """
[[tables]]
name = "crew"
notion = {{ id = "{team}" }}
key = {{ column = "code" }}
direction = "{direction}"

[tables.columns]
name = {{ property = "Name", type = "title" }}
role = {{ property = "Role", type = "select" }}
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[Notion]:
    """The example's Notion, to be read only."""
    with emulator(str(EXAMPLE / "workspace.json")) as started:
        yield started


@pytest.fixture
def own_hub() -> Iterator[Notion]:
    """The example's Notion, to be changed."""
    with emulator(str(EXAMPLE / "workspace.json")) as started:
        yield started


def mapping(folder: Path, *, direction: str = "pull", **replaced: str) -> str:
    """A mapping file of one table, and its database with one row."""
    path = folder / "own.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS crew (code TEXT PRIMARY KEY, name TEXT, role TEXT)")
        conn.execute("INSERT OR IGNORE INTO crew VALUES ('A', 'Ada', 'Engineer')")
        conn.commit()
    text = 'database = "sqlite:///own.sqlite"\n' + TABLE.format(team=TEAM, direction=direction)
    for old, new in replaced.items():
        text = text.replace(old, new)
    file = folder / "m.toml"
    file.write_text(text)
    return str(file)


def test_a_draft_is_a_mapping_that_fits_once_what_it_misses_is_made(
    own_hub: Notion, syncline: Syncline, tmp_path: Path
) -> None:
    syncline.connect(own_hub)
    url, file = fill(tmp_path / "cadence.sqlite"), str(tmp_path / "draft.toml")
    run(tmp_path / "cadence.sqlite", "CREATE TABLE gadgets (id INTEGER PRIMARY KEY, label TEXT, state TEXT)")
    ended = syncline("mapping", "draft", url, "--under", HUB, "--output", file)
    assert ended.code == 0, ended.err
    assert "6 tables" in ended.out
    text = Path(file).read_text()
    assert 'database = "sqlite:///cadence.sqlite"' in text
    assert "unsure" in text
    again = syncline("mapping", "draft", url, "--under", HUB, "--output", file)
    assert (again.code, "is there already" in again.err) == (2, True)
    checked = syncline("mapping", "check", file, "--json")
    assert checked.code == 2
    assert {each["level"] for each in checked.json["findings"]} >= {"error", "note"}
    dry = syncline("mapping", "check", file, "--create", "--dry-run", "--json")
    assert (dry.code, dry.json["dry_run"]) == (2, True)
    assert any(f"database Gadgets on the page {HUB} with Name, State" in each for each in dry.json["created"])
    assert any("property Minutes (rich_text) of meetings" in each for each in dry.json["created"])
    assert not own_hub.control("GET", "requests?method=PATCH")["requests"]
    made = syncline("mapping", "check", file, "--create", "--json")
    assert made.json["created"] == dry.json["created"]
    left = {(each["table"], each["item"]) for each in made.json["findings"] if each["level"] == "error"}
    assert left == set(), left
    assert syncline("mapping", "check", file).code == 0


def test_pages_are_imported_and_only_what_changed(
    own_hub: Notion, syncline: Syncline, tmp_path: Path
) -> None:
    syncline.connect(own_hub)
    file = mapping(tmp_path)
    assert syncline("import", file).code == 3  # nothing was pulled
    team = own_hub.api("GET", f"databases/{TEAM}")["data_sources"][0]["id"]
    values: dict[str, Any] = {
        "Name": {"title": [{"text": {"content": "Bob"}}]},
        "Role": {"select": {"name": "Mentor"}},
        "External ID": {"rich_text": [{"text": {"content": "B"}}]},
    }
    own_hub.api("POST", "pages", {"parent": {"data_source_id": team}, "properties": values})
    assert syncline("pull").code == 0
    ended = syncline("import", file, "--json")
    assert ended.code == 0, ended.err
    counted = ended.json["tables"]["crew"]
    assert (counted["created"], counted["skipped"], counted["failed"]) == (1, 2, 0)
    assert run(tmp_path / "own.sqlite", "SELECT * FROM crew ORDER BY code") == [
        ("A", "Ada", "Engineer"),
        ("B", "Bob", "Mentor"),
    ]
    again = syncline("import", file)
    assert again.code == 0
    assert again.out.split() == [
        *("table", "created", "updated", "unchanged", "deleted", "skipped", "failed"),
        *("crew", "0", "0", "0", "0", "0", "0"),
    ]


def test_the_outbox_is_installed_and_goes_without_a_trace(syncline: Syncline, tmp_path: Path) -> None:
    file = mapping(tmp_path)
    objects = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY name"
    before = run(tmp_path / "own.sqlite", objects)
    assert syncline("mapping", "install", file).code == 0
    run(tmp_path / "own.sqlite", "UPDATE crew SET name = 'Eve'")
    assert run(tmp_path / "own.sqlite", "SELECT mapping, name, key FROM syncline_outbox") == [
        ("m", "crew", "A")
    ]
    assert syncline("mapping", "uninstall", file, "--table", "crew").code == 0
    assert run(tmp_path / "own.sqlite", objects) == before


def test_the_schema_for_editors_is_the_published_one(syncline: Syncline) -> None:
    published = Path(__file__).parents[2] / "docs" / "reference" / "mapping.schema.json"
    assert json.loads(syncline("mapping", "schema").out) == json.loads(published.read_text())


WRONG = [
    ({"own.sqlite": "none.sqlite"}, 2, "none.sqlite cannot be opened"),
    ({'"code"': '"cod"'}, 2, "crew.cod: The table has no column cod — did you mean code?\n"),
    ({'"Role"': '"Rle"'}, 2, "crew.Rle: The database Team Directory has no property Rle"),
    ({TEAM: "00000000-0000-4000-8000-000000000000"}, 2, "share it with the connection"),
    ({'name = "crew"': 'name = "crew"\ntable = "cru"'}, 2, "The database has no table cru"),
    ({'type = "select"': 'type = "formula"'}, 2, "the mapping says formula"),
    ({'"pull"': '"sideways"'}, 2, "line 7: tables.0.direction"),
]


@pytest.mark.parametrize(("replaced", "code", "said"), WRONG)
def test_a_wrong_mapping_is_one_sentence_and_changes_nothing(
    hub: Notion,
    syncline: Syncline,
    tmp_path: Path,
    replaced: dict[str, str],
    code: int,
    said: str,
) -> None:
    syncline.connect(hub)
    file = mapping(tmp_path, **replaced)
    ended = syncline("mapping", "check", file)
    assert ended.code == code, ended.err
    assert said in ended.out + ended.err
    assert run(tmp_path / "own.sqlite", "SELECT count(*) FROM crew") == [(1,)]


def test_a_password_is_never_written_and_never_said(hub: Notion, syncline: Syncline, tmp_path: Path) -> None:
    syncline.connect(hub)
    url = "postgresql://me:hunter2@127.0.0.1:1/db"
    ended = syncline("mapping", "draft", url, "--output", str(tmp_path / "x.toml"))
    assert ended.code == 7
    assert "hunter2" not in ended.out + ended.err
    file = mapping(tmp_path, **{"sqlite:///own.sqlite": "env:CADENCE_URL"})
    ended = syncline("mapping", "check", file, CADENCE_URL=url)
    assert ended.code == 7
    assert "hunter2" not in ended.out + ended.err
    unset = syncline("mapping", "check", file)
    assert (unset.code, "The variable CADENCE_URL is not set" in unset.err) == (2, True)


def test_a_draft_for_tables_that_nothing_is_like_says_what_to_name(
    hub: Notion, syncline: Syncline, tmp_path: Path
) -> None:
    syncline.connect(hub)
    path = tmp_path / "odd.sqlite"
    run(path, "CREATE TABLE xyzzy (id INTEGER PRIMARY KEY, q TEXT)")
    ended = syncline("mapping", "draft", str(path), "--output", str(tmp_path / "x.toml"))
    assert ended.code == 3
    assert "--under" in ended.err
    assert not (tmp_path / "x.toml").exists()
