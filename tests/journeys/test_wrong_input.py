"""Wrong input: one clear sentence, the documented exit code, nothing changed, never a traceback."""

import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.journeys.conftest import SMALL, Ended, Notion, Syncline, emulator

NOWHERE = "http://127.0.0.1:9"
UNKNOWN = "00000000-0000-4000-8000-000000000001"


def says(ended: Ended, code: int, sentence: str) -> None:
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("Error: ")
    assert sentence in ended.err
    assert ended.err.count("\n") == 1, ended.err


def connections(home: Path) -> int:
    with closing(sqlite3.connect(home / "store.sqlite")) as store:
        count: int = store.execute("SELECT count(*) FROM connections").fetchone()[0]
    return count


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        ({"--token": "ntn_wrong"}, 5, "Notion refuses the token: API token is invalid."),
        ({"--token": "two words"}, 2, "The token is empty or holds characters that no token has"),
        ({"--base-url": NOWHERE}, 7, f"Notion cannot be reached at {NOWHERE}"),
        ({"--base-url": "http://127.0.0.1:99999"}, 2, "Port out of range"),
        ({"--base-url": "ftp://notion"}, 2, "'ftp://notion' is no address of Notion"),
        ({"--notion-version": "2020-01-01"}, 2, "'2020-01-01' is no version of Notion's API"),
        ({"--rate": "fast"}, 2, "'fast' is no rate: write REQUESTS/SECONDS"),
        ({"--rate": "0/60"}, 2, "'0/60' is no rate"),
        ({"--name": "a name"}, 2, "'a name' is no name for a connection"),
        ({"--name": "a name", "--base-url": NOWHERE}, 2, "'a name' is no name for a connection"),
        ({"--base-url": "http://me:secret@notion"}, 2, "An address of Notion has no user, password"),
    ],
)
def test_a_connection_that_cannot_be_is_not_stored(
    syncline: Syncline, notion: Notion, options: dict[str, str], code: int, sentence: str
) -> None:
    given = {"--token": notion.token, "--base-url": notion.url} | options

    ended = syncline("connect", *(part for pair in given.items() for part in pair))

    says(ended, code, sentence)
    assert connections(syncline.home) == 0


def test_a_name_is_given_once(pulled: Syncline, notion: Notion) -> None:
    other = notion.control("POST", "connections", {"name": "Another"})["token"]
    ended = pulled("connect", "--base-url", notion.url, "--name", "work", SYNCLINE_TOKEN=other)

    says(ended, 2, "There is a connection called work already")
    assert connections(pulled.home) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["pull", "nowhere"], 3, "There is no connection called nowhere; there are: work."),
        (["pull", "--page", "xyz"], 2, "No Notion id in 'xyz'"),
        (["pull", "--root", "12345"], 2, "No Notion id in '12345'"),
        (["pull", "--page", UNKNOWN], 3, f"with the id {UNKNOWN}. Check the id"),
        (["pull", "--full", "--reconcile"], 2, "--full and --reconcile exclude each other"),
        (["pull", "--page", UNKNOWN, "--root", UNKNOWN], 2, "Name pages or roots, not both"),
        (["show", "no such title"], 3, "The store holds no page 'no such title'"),
        (["show", UNKNOWN], 3, "The store holds no page"),
        (["show", ""], 2, "A page is named by its id, its URL or its title"),
        (["show", "n" * 60_000], 2, "A page is named by its id, its URL or its title"),
        (["runs", "--limit", "9" * 30], 2, "Input should be less than or equal to 100000"),
        (["select", "set", "--include", UNKNOWN], 3, f"Notion shows nothing with the id {UNKNOWN}."),
        (["disconnect", "nowhere"], 3, "There is no connection called nowhere"),
        (["logs", "--run", "zzz"], 3, "There is no run zzz: `syncline runs` lists them."),
        (
            ["endpoints", "add", "https://hooks.test/", "--type", "bla.*"],
            2,
            "has the type bla.*; there are record.added",
        ),
        (
            ["rules", "add", "r", "--on", "appears", "--stream", "taks", "--slack", "https://s.test/"],
            2,
            "no stream taks",
        ),
        (["errors", "nowhere"], 3, "There is no connection called nowhere"),
        (["load", "sql", "mysql://host/name"], 2, "A database is SQLite or PostgreSQL"),
        (["load", "sql", ":memory:"], 2, "The URL names no file"),
        (["load", "sql", ""], 2, "The URL names no file"),
        (["load", "markdown", "/dev/null/files"], 2, "The folder /dev/null/files cannot be written"),
        (["pull", "--fidelity", "all"], 2, "'all' is not one of"),
        (["pull", "--nonsense"], 2, "No such option: --nonsense"),
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["connect"], 2, "Missing option '--token'"),
    ],
)
def test_a_command_that_makes_no_sense_says_why(
    pulled: Syncline, arguments: list[str], code: int, sentence: str
) -> None:
    says(pulled(*arguments), code, sentence)


@pytest.mark.parametrize(
    ("environment", "code", "sentence"),
    [
        ({"SYNCLINE_LOG_LEVEL": "loud"}, 2, "SYNCLINE_LOG_LEVEL is not valid"),
        ({"SYNCLINE_DATABASE_URL": "mysql://host/name"}, 2, "The store is SQLite or PostgreSQL"),
        ({"SYNCLINE_DATABASE_URL": "postgresql://127.0.0.1:9/name"}, 8, "cannot be used"),
        ({"SYNCLINE_DATABASE_URL": "store"}, 2, "SYNCLINE_DATABASE_URL is not valid: write postgresql://"),
        ({"SYNCLINE_HOME": "/dev/null/home"}, 8, "The folder /dev/null/home cannot be used"),
        ({"SYNCLINE_KEY": "abc"}, 2, "The encryption key is malformed"),
    ],
)
def test_a_setting_that_cannot_be_says_why(
    syncline: Syncline, environment: dict[str, str], code: int, sentence: str
) -> None:
    says(syncline("status", **environment), code, sentence)


def test_a_key_that_does_not_fit_the_store_says_so(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)
    key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

    ended = syncline("pull", "--json", SYNCLINE_KEY=key)

    assert ended.code == 2
    assert ended.json["error"]["kind"] == "BadInput"
    assert "encrypted with another key" in ended.err


def test_with_json_even_what_is_typed_wrong_is_one_object(syncline: Syncline) -> None:
    ended = syncline("pull", "--json", "--bogus")

    assert ended.code == 2
    assert ended.json["error"]["message"].startswith("No such option: --bogus")
    assert ended.err.startswith("Error: No such option: --bogus")


def test_an_unknown_page_costs_the_request_that_found_that_out(pulled: Syncline) -> None:
    ended = pulled("pull", "--page", UNKNOWN, "--json")

    assert ended.json["requests"] == {"made": 1, "bound": 1, "rate_limited": 0}


def test_nothing_is_loaded_into_what_is_our_own(pulled: Syncline) -> None:
    store = pulled.home / "store.sqlite"
    says(pulled("load", "sql", str(store)), 2, "This is where Syncline keeps its own data")
    says(pulled("load", "sql", f"sqlite:///{store}"), 2, "keeps its own data")

    says(pulled("load", "markdown", str(pulled.home)), 2, "keeps its own data")
    says(pulled("load", "markdown", str(pulled.home / "notes")), 2, "keeps its own data")


def test_a_token_cannot_come_from_an_input_that_was_closed(syncline: Syncline) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "syncline", "connect", "--token", "-"],
        env={"SYNCLINE_HOME": str(syncline.home)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.close(0),
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: The token is empty")


def test_several_connections_have_to_be_told_apart(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion, name="one")
    syncline.connect(notion, name="two")

    says(syncline("pull"), 2, "There are several connections: say which of one, two.")


def test_without_a_connection_a_pull_says_how_to_make_one(syncline: Syncline) -> None:
    ended = syncline("pull", "--json")

    assert ended.code == 3
    assert ended.json["outcome"] == "failed"
    assert ended.json["error"]["kind"] == "NotFound"
    assert "`syncline connect` makes the first one" in ended.err


def test_a_token_taken_back_stops_the_pull_and_keeps_what_was_read(
    syncline: Syncline, own_notion: Notion
) -> None:
    syncline.connect(own_notion)
    syncline("pull")
    own_notion.control("POST", "faults", {"what": 401})

    ended = syncline("pull", "--json")

    assert ended.code == 5
    assert ended.json["error"]["kind"] == "Refused"
    assert pages_held(syncline) == 32


def pages_held(syncline: Syncline) -> int:
    with closing(sqlite3.connect(syncline.home / "store.sqlite")) as store:
        query = "SELECT count(*) FROM records WHERE kind = 'page' AND deleted_at IS NULL"
        count: int = store.execute(query).fetchone()[0]
    return count


def test_a_full_disk_ends_the_pull_with_a_sentence_and_the_next_one_goes_on(syncline: Syncline) -> None:
    with emulator(SMALL.replace("blocks=120", "blocks=3000")) as notion:
        syncline.connect(notion)
        small = 700_000
        variables = {"SYNCLINE_HOME": str(syncline.home), "PATH": ""}
        full = subprocess.run(
            [sys.executable, "-m", "syncline", "pull"],
            env=variables,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (small, small)),
        )
        assert full.returncode == 8, full.stderr
        assert "Traceback" not in full.stderr
        assert "disk" in full.stderr

        ended = syncline("pull", "--json")

    assert ended.code == 0, ended.err
    assert pages_held(syncline) == 32
