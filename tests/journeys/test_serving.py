"""`syncline serve` from the command line: it is ready, pulls by itself, stops gently, and the other commands work beside it."""

import http.client
import json
import re
import signal
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.journeys.conftest import Notion, Syncline, emulator

SLOW = "generated:pages=24,rows=60,blocks=300,depth=3,data_sources=1,seed=5"
PAGES = 24 + 60
SECONDS = 60


@contextmanager
def serving(syncline: Syncline, *options: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    with syncline.start("serve", "--port", "0", *options, **environment) as child:
        try:
            yield child
        finally:
            child.kill()
            child.communicate()


def line(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    return child.stdout.readline().rstrip("\n")


def rows(syncline: Syncline, query: str) -> list[Any]:
    with closing(sqlite3.connect(syncline.home / "store.sqlite", timeout=30)) as store:
        return store.execute(query).fetchall()


def until(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, f"not in time: {what}"
        time.sleep(0.05)
    return found


def states(syncline: Syncline) -> list[str]:
    return [state for (state,) in rows(syncline, "SELECT state FROM runs ORDER BY queued_at")]


def pulled(syncline: Syncline) -> list[str]:
    """The states of the runs once none is live and there is one."""
    return list(
        until(
            lambda: (found := states(syncline)) and not {"queued", "running"} & set(found) and found,
            "the end of the pull",
        )
    )


def held_by(syncline: Syncline) -> str | None:
    """The role of whoever executes a run."""
    found = rows(
        syncline, "SELECT w.role FROM runs r JOIN workers w ON w.id = r.worker WHERE r.state = 'running'"
    )
    return found[0][0] if found else None


@pytest.fixture
def slow_notion() -> Iterator[Notion]:
    with emulator(SLOW) as started:
        yield started


def hold(notion: Notion) -> None:
    """Let Notion answer nothing until it is let go."""
    notion.control("PUT", "latency", {"seconds": 600})


def let_go(notion: Notion) -> None:
    notion.control("PUT", "latency", {"seconds": 0})


def test_a_mail_server_that_cannot_be_is_said_at_the_start(syncline: Syncline) -> None:
    refused = syncline("serve", "--port", "0", SYNCLINE_SMTP_URL="mail.example.com")

    assert refused.code == 2, refused.err
    assert refused.err == "Error: SYNCLINE_SMTP_URL is not valid: write smtp://USER:PASSWORD@HOST:PORT.\n"


def test_without_a_public_url_people_are_led_to_where_it_listens(syncline: Syncline) -> None:
    with serving(syncline) as child:
        url = line(child).split()[-1]
        door = http.client.HTTPConnection(url.removeprefix("http://"))
        with closing(door):
            door.request("GET", "/api/v1/notion/callback?code=c&state=forged")
            answer = door.getresponse()

    assert answer.status == 302
    assert answer.headers["location"] == f"{url}/settings/integrations?error=invalid_state"


def test_a_server_says_where_it_is_answers_and_stops_gently(syncline: Syncline) -> None:
    with serving(syncline) as child:
        url, setup = line(child).split()[-1], line(child)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        assert f"{url}/setup#key=" in setup
        for path in ("/healthz", "/readyz"):
            with urllib.request.urlopen(url + path, timeout=SECONDS) as answer:
                assert json.loads(answer.read()) == {"status": "ok"}

        child.send_signal(signal.SIGTERM)
        ended = syncline.ended(child)

    assert (ended.code, ended.err) == (0, "Stopped.\n")
    assert rows(syncline, "SELECT count(*) FROM workers") == [(0,)]
    assert [path.name for path in syncline.home.iterdir() if path.suffix == ".lock"] == []


def test_on_sqlite_a_second_server_is_refused(syncline: Syncline) -> None:
    with serving(syncline) as child:
        line(child)
        second = syncline("serve", "--port", "0")

    assert second.code == 4
    assert second.err.startswith("Error: Another server uses the store at ")


def test_an_address_that_is_taken_is_said_so(syncline: Syncline, notion: Notion) -> None:
    port = notion.url.rpartition(":")[2]

    ended = syncline("serve", "--port", port)

    assert ended.code == 2
    assert f"Error: The address 127.0.0.1:{port} cannot be listened at: Address already in use." in ended.err


def test_a_connection_is_pulled_by_itself_as_soon_as_there_is_a_server(
    syncline: Syncline, notion: Notion
) -> None:
    syncline.connect(notion)
    with serving(syncline):
        assert pulled(syncline) == ["succeeded"]

    assert rows(syncline, "SELECT requested_by, mode FROM runs") == [("schedule", "full")]
    assert rows(syncline, "SELECT count(*) FROM records WHERE kind = 'page'") == [(32,)]


def test_beside_a_server_there_is_nothing_to_do_after_connecting_or_choosing(
    syncline: Syncline, notion: Notion
) -> None:
    before = syncline.connect(notion)
    with serving(syncline):
        pulled(syncline)
        other = replace(notion, token=notion.control("POST", "connections", {"name": "Another"})["token"])
        connected = syncline.connect(other, name="other")
        chosen = syncline("select", "set", "work", "--databases-only")

    assert "Next: syncline pull work" in before.err
    assert "The server that is running pulls it: `syncline status`" in connected.err
    assert "The next pull of the server that is running goes by it." in chosen.err


def test_a_pull_beside_a_server_is_executed_by_it_and_looks_the_same(
    syncline: Syncline, slow_notion: Notion
) -> None:
    syncline.connect(slow_notion)
    with serving(syncline) as server:
        pulled(syncline)
        hold(slow_notion)
        with syncline.start("pull", "--full", "--json") as child:
            assert until(lambda: held_by(syncline), "the run under way") == "all"
            slow_notion.control("PUT", "latency", {"seconds": 0.2})  # so that there is something to show
            ended = syncline.ended(child)
        server.send_signal(signal.SIGTERM)
        assert syncline.ended(server).code == 0

    assert ended.code == 0
    assert set(ended.json) == {"run", "outcome", "pages", "requests", "seconds"}
    assert (ended.json["outcome"], ended.json["pages"]["seen"]) == ("succeeded", PAGES)
    assert ended.json["requests"]["made"] == ended.json["requests"]["bound"]
    assert "content: " in ended.err


def test_the_key_is_rotated_beneath_a_server(syncline: Syncline, slow_notion: Notion) -> None:
    with serving(syncline) as child:
        assert line(child)
        syncline.connect(slow_notion)
        assert pulled(syncline) == ["succeeded"]
        assert syncline("rotate-key").code == 0

        ended = syncline("pull", "--json")

    assert (ended.code, ended.json["outcome"]) == (0, "succeeded")
    assert states(syncline) == ["succeeded", "succeeded"]


def test_ctrl_c_cancels_a_pull_that_a_server_executes(syncline: Syncline, slow_notion: Notion) -> None:
    syncline.connect(slow_notion)
    with serving(syncline):
        pulled(syncline)
        slow_notion.control("PUT", "latency", {"seconds": 1})
        with syncline.start("pull", "--full", "--json") as child:
            until(lambda: held_by(syncline), "the run under way")
            child.send_signal(signal.SIGINT)
            ended = syncline.ended(child)

    assert ended.code == 130
    assert ended.json["outcome"] == "cancelled"


def test_a_pull_of_what_the_server_pulls_already_is_refused(syncline: Syncline, slow_notion: Notion) -> None:
    syncline.connect(slow_notion)
    hold(slow_notion)
    with serving(syncline):
        until(lambda: held_by(syncline), "the run under way")
        second, removal = syncline("pull", "--json"), syncline("disconnect", "--yes")

    assert second.code == removal.code == 4
    assert second.json["error"]["kind"] == "Busy"


def test_a_pull_whose_server_dies_is_taken_up_by_whoever_waits_for_it(
    syncline: Syncline, slow_notion: Notion
) -> None:
    syncline.connect(slow_notion)
    with serving(syncline) as server:
        pulled(syncline)
        hold(slow_notion)
        with syncline.start("pull", "--full", "--json") as child:
            until(lambda: held_by(syncline) == "all", "the run under way")
            server.kill()
            until(lambda: held_by(syncline) == "cli", "the run taken up")
            let_go(slow_notion)
            ended = syncline.ended(child)

    assert ended.code == 0
    assert (ended.json["outcome"], ended.json["pages"]["seen"]) == ("succeeded", PAGES)


def test_a_server_does_not_take_the_pull_of_a_live_command(syncline: Syncline, slow_notion: Notion) -> None:
    syncline.connect(slow_notion)
    hold(slow_notion)
    with syncline.start("pull", "--json") as child:
        until(lambda: held_by(syncline) == "cli", "the run under way")
        with serving(syncline) as server:
            line(server)
            let_go(slow_notion)
            ended = syncline.ended(child)

    assert ended.json["outcome"] == "succeeded"
    assert rows(syncline, "SELECT attempt, reaps FROM runs WHERE requested_by = 'cli'") == [(1, 0)]


def test_a_run_that_an_older_release_began_is_taken_up(syncline: Syncline, slow_notion: Notion) -> None:
    syncline.connect(slow_notion)
    hold(slow_notion)
    with serving(syncline) as old:
        until(lambda: held_by(syncline), "the run under way")
        old.kill()
        old.wait()
    with closing(sqlite3.connect(syncline.home / "store.sqlite")) as store, store:
        store.execute("UPDATE workers SET version = '0.0.1'")
        store.execute("""UPDATE runs SET options = '{"mode": null, "forgotten": true}'""")
    let_go(slow_notion)
    with serving(syncline):
        assert pulled(syncline) == ["succeeded"]

    assert rows(syncline, "SELECT attempt, reaps FROM runs") == [(2, 1)]
    assert rows(syncline, "SELECT count(*) FROM records WHERE kind = 'page'") == [(PAGES,)]
