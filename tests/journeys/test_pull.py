"""A workspace pulled and looked at from the command line, against a local Notion over TCP."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.journeys.conftest import Notion, Syncline

COUNTS = {"seen", "added", "updated", "unchanged", "deleted", "incomplete"}


def some_page(notion: Notion) -> str:
    found = notion.api("POST", "search", {"filter": {"property": "object", "value": "page"}})
    return next(str(page["id"]) for page in found["results"] if page["parent"]["type"] != "data_source_id")


def rename(notion: Notion, page: str, title: str) -> None:
    notion.api("PATCH", f"pages/{page}", {"properties": {"title": {"title": [{"text": {"content": title}}]}}})


def test_connect_tells_whose_token_it_is_and_what_it_can(syncline: Syncline, notion: Notion) -> None:
    ended = syncline.connect(notion)

    assert "Connected work: " in ended.out
    assert "in Generated workspace." in ended.out
    assert "It can: read_content, read_users_with_email, read_comments." in ended.out
    assert notion.token not in ended.out + ended.err


def test_a_token_from_standard_input_is_taken(syncline: Syncline, notion: Notion) -> None:
    with syncline.start("connect", "--token", "-", "--base-url", notion.url, "--name", "w") as child:
        ended = syncline.ended(child)

    assert (ended.code, ended.out) == (2, ""), "standard input was empty"
    assert "The token is empty" in ended.err


def test_a_first_pull_reads_all_and_a_second_one_costs_two_requests(
    syncline: Syncline, notion: Notion
) -> None:
    syncline.connect(notion)

    first, second = syncline("pull", "--json").json, syncline("pull", "--json").json

    assert set(first) == {"run", "outcome", "pages", "requests", "seconds"}
    assert set(first["pages"]) == COUNTS
    assert first["outcome"] == second["outcome"] == "succeeded"
    assert first["pages"]["added"] == first["pages"]["seen"] == 32
    assert first["requests"]["made"] == first["requests"]["bound"]
    assert second["requests"] == {"made": 2, "bound": 2, "rate_limited": 0}
    assert second["pages"]["updated"] == second["pages"]["added"] == 0


def test_an_edited_page_is_read_at_the_bound_and_loaded_alone(
    syncline: Syncline, own_notion: Notion, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    syncline.connect(own_notion)
    syncline("pull")
    syncline("load", "markdown", str(folder))
    page = some_page(own_notion)
    rename(own_notion, page, "A title nobody had before")

    pulled = syncline("pull", "--json").json
    loaded = syncline("load", "markdown", str(folder))

    assert pulled["pages"]["updated"] == 1
    assert pulled["requests"]["made"] == pulled["requests"]["bound"]
    assert loaded.out.startswith("Loaded 1 change into ")
    assert [path.stem for path in folder.rglob("A title nobody*.md")] == ["A title nobody had before"]


def test_a_dry_run_tells_what_it_would_read_and_stores_nothing(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)

    planned = syncline("pull", "--dry-run", "--json").json
    told = syncline("pull", "--dry-run")

    assert planned["outcome"] == "planned"
    assert planned["pages"]["to_read"] == 32
    assert "This would be a full pull at fidelity blocks. Nothing was stored." in told.out
    with closing(sqlite3.connect(syncline.home / "store.sqlite")) as store:
        assert [
            store.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("records", "runs")
        ] == [
            (0,),
            (0,),
        ]


def test_a_pull_of_one_page_reads_that_page_alone(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)
    page = some_page(notion)

    ended = syncline("pull", "--page", page.replace("-", ""), "--json").json

    assert ended["pages"]["seen"] == 1
    assert ended["requests"]["made"] == ended["requests"]["bound"]


def test_both_destinations_are_loaded_from_what_was_pulled(pulled: Syncline, tmp_path: Path) -> None:
    folder, database = tmp_path / "files", tmp_path / "workspace.sqlite"

    markdown = pulled("load", "markdown", str(folder))
    sql = pulled("load", "sql", f"sqlite:///{database}")
    again = pulled("load", "sql", str(database))

    assert (markdown.code, sql.code) == (0, 0), markdown.err + sql.err
    assert len(list(folder.rglob("*.md"))) >= 32
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM pages").fetchone() == (32,)
    assert again.out.startswith("Loaded 0 changes")


def test_status_runs_and_errors_tell_where_things_stand(pulled: Syncline) -> None:
    status, runs, errors = pulled("status"), pulled("runs"), pulled("errors")

    assert re.search(r"^work +\w+ +32 +2 +0 +\d{4}-\d\d-\d\d \d\d:\d\d ", status.out, re.MULTILINE)
    assert re.search(r"^\w{8} +\d{4}-\d\d-\d\d \d\d:\d\d +work +full +succeeded +32 ", runs.out, re.MULTILINE)
    assert errors.out == "Everything that was found could be read.\n"


def test_show_prints_a_page_in_each_form(pulled: Syncline, notion: Notion) -> None:
    page = some_page(notion)
    title = notion.api("GET", f"pages/{page}")["properties"]["title"]["title"][0]["plain_text"]

    by_id = pulled("show", page)
    by_title = pulled("show", title)
    portable = pulled("show", page, "--format", "portable")
    raw = json.loads(pulled("show", page, "--format", "json").out)

    assert by_id.code == portable.code == 0
    assert by_id.out == by_title.out
    assert raw["page"]["id"] == page
    assert {one["container"] for one in raw["blocks"]} >= {page}


def test_markdown_fidelity_stores_notions_own_markdown(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)

    ended = syncline("pull", "--fidelity", "markdown", "--json").json
    shown = syncline("show", some_page(notion))

    assert ended["requests"]["made"] == ended["requests"]["bound"]
    assert shown.code == 0
    assert syncline("show", some_page(notion), "--format", "portable").code == 2


def test_disconnect_removes_all_that_was_read(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)
    syncline("pull", "--fidelity", "properties")

    ended = syncline("disconnect", "work")

    assert ended.out == "Removed work.\n"
    assert syncline("status").out.startswith("No connections.")
    with closing(sqlite3.connect(syncline.home / "store.sqlite")) as store:
        assert store.execute("SELECT count(*) FROM records").fetchone() == (0,)


def test_a_rotated_key_still_opens_the_token(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)
    before = (syncline.home / "key").read_text()

    ended = syncline("rotate-key")

    assert ended.out == "Encrypted 1 secret with a new key.\n"
    assert (syncline.home / "key").read_text() != before
    assert syncline("pull", "--fidelity", "properties").code == 0


def test_no_file_of_the_home_holds_the_token(pulled: Syncline, notion: Notion) -> None:
    files = [path for path in pulled.home.rglob("*") if path.is_file()]

    assert files
    assert [path for path in files if notion.token.encode() in path.read_bytes()] == []
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    assert pulled.home.stat().st_mode & 0o777 == 0o700


def test_the_store_can_be_a_postgres_database(syncline: Syncline, notion: Notion, postgres_url: str) -> None:
    location = {"SYNCLINE_DATABASE_URL": postgres_url}
    options = ("--base-url", notion.url, "--rate", "none", "--name", "work")

    connected = syncline("connect", *options, SYNCLINE_TOKEN=notion.token, **location)
    first = syncline("pull", "--json", **location).json
    second = syncline("pull", "--json", **location).json

    assert connected.code == 0, connected.err
    assert (first["outcome"], first["pages"]["added"]) == ("succeeded", 32)
    assert second["requests"]["made"] == 2
    assert {path.name for path in syncline.home.iterdir()} == {"key"}
