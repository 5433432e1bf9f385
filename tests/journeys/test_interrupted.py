"""Pulls that are stopped, killed or met by another: what was read stays, and nothing is read by two."""

import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.journeys.conftest import Notion, Syncline, emulator

PAGES = 24 + 200
HELD = 600
"""Seconds that an answer takes which a test does not wait for."""
SLOW = "generated:pages=24,rows=200,blocks=400,depth=3,data_sources=2,seed=5"


@pytest.fixture
def slow_notion() -> Iterator[Notion]:
    """A workspace that takes some seconds to read, or for ever where it is held."""
    with emulator(SLOW) as started:
        yield started


def requests_reach(notion: Notion, count: int) -> int:
    end = time.monotonic() + 60
    while (total := int(notion.control("GET", "requests?limit=0")["count"])) < count:
        assert time.monotonic() < end, f"only {total} requests"
        time.sleep(0.05)
    return total


def under_way(syncline: Syncline, notion: Notion, *, requests: int = 30) -> "subprocess.Popen[str]":
    """A pull that has had some answers and gets no more until it is let go."""
    before = int(notion.control("GET", "requests?limit=0")["count"])
    notion.control("PUT", "latency", {"seconds": 0.3})
    child = syncline.start("pull", "--json")
    requests_reach(notion, before + requests)
    notion.control("PUT", "latency", {"seconds": HELD})
    assert child.poll() is None, "it ended too early for this test"
    return child


def let_go(notion: Notion) -> None:
    notion.control("PUT", "latency", {"seconds": 0})


def stop(child: "subprocess.Popen[str]") -> None:
    """Press Ctrl-C, and wait until that is heard."""
    child.send_signal(signal.SIGINT)
    assert child.stderr is not None
    while "Stopping; what was read stays." not in child.stderr.readline():
        assert child.poll() is None


def test_ctrl_c_stops_the_pull_and_the_next_one_goes_on(syncline: Syncline, slow_notion: Notion) -> None:
    syncline.connect(slow_notion)
    with under_way(syncline, slow_notion) as child:
        stop(child)
        let_go(slow_notion)
        stopped = syncline.ended(child)

    rest = syncline("pull", "--json").json

    assert stopped.code == 130
    assert stopped.json["outcome"] == "cancelled"
    assert 0 < stopped.json["requests"]["made"] < rest["requests"]["made"] + stopped.json["requests"]["made"]
    assert rest["outcome"] == "succeeded"
    assert rest["pages"]["seen"] == PAGES
    assert [line.split()[4:6] for line in syncline("runs").out.splitlines()[1:]] == [
        ["full", "succeeded"],
        ["full", "cancelled"],
    ]


def test_a_second_ctrl_c_ends_at_once(syncline: Syncline, slow_notion: Notion) -> None:
    syncline.connect(slow_notion)
    with under_way(syncline, slow_notion) as child:
        stop(child)
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 130
        child.communicate()


def test_a_killed_pull_is_taken_up_by_the_next_one(syncline: Syncline, slow_notion: Notion) -> None:
    syncline.connect(slow_notion)
    for requests in (10, 25):
        with under_way(syncline, slow_notion, requests=requests) as child:
            child.send_signal(signal.SIGKILL)
            child.communicate()
    let_go(slow_notion)

    rest = syncline("pull", "--json").json
    least = rest["requests"]["bound"]
    sent = int(slow_notion.control("GET", "requests?limit=0")["count"])

    assert rest["outcome"] == "succeeded"
    assert rest["pages"]["seen"] == rest["pages"]["added"] == PAGES
    assert re.findall(r"succeeded|failed|running", syncline("runs").out) == ["succeeded"], "one run all along"
    in_flight, not_stored_yet, connecting = 2 * 16, 2 * 16, 4
    assert sent <= least + in_flight + not_stored_yet + connecting


def test_a_second_pull_of_the_same_connection_is_refused(syncline: Syncline, slow_notion: Notion) -> None:
    syncline.connect(slow_notion)
    with under_way(syncline, slow_notion) as child:
        second = syncline("pull", "--json")
        removal = syncline("disconnect", "--yes")
        let_go(slow_notion)
        first = syncline.ended(child)

    assert second.code == removal.code == 4
    assert "Another pull of this connection is under way" in second.err
    assert second.json["error"]["kind"] == "Busy"
    assert first.json["outcome"] == "succeeded"
    assert first.json["pages"]["seen"] == PAGES


def test_two_connections_of_one_home_are_pulled_at_the_same_time(
    syncline: Syncline, slow_notion: Notion
) -> None:
    syncline.connect(slow_notion, name="one")
    syncline.connect(slow_notion, name="two")
    slow_notion.control("PUT", "latency", {"seconds": 0.05})

    with syncline.start("pull", "one", "--json") as one, syncline.start("pull", "two", "--json") as two:
        ended = [syncline.ended(one), syncline.ended(two)]

    assert [one.json["outcome"] for one in ended] == ["succeeded", "succeeded"]
    assert [one.json["pages"]["added"] for one in ended] == [PAGES, PAGES]


def test_a_pull_asked_for_otherwise_ends_the_one_that_was_left_behind(
    syncline: Syncline, slow_notion: Notion
) -> None:
    syncline.connect(slow_notion)
    with under_way(syncline, slow_notion) as child:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    let_go(slow_notion)

    ended = syncline("pull", "--fidelity", "markdown", "--json").json

    assert ended["outcome"] == "succeeded"
    assert ended["pages"]["seen"] == PAGES
    assert re.findall(r"succeeded|failed|running", syncline("runs").out) == ["succeeded", "failed"]


def test_a_run_whose_end_the_job_store_has_missed_does_not_run_beside_the_next_one(
    syncline: Syncline, slow_notion: Notion
) -> None:
    syncline.connect(slow_notion)
    with under_way(syncline, slow_notion) as child:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    with closing(sqlite3.connect(syncline.home / "store.sqlite")) as store, store:
        store.execute("UPDATE runs SET state = 'failed'")
    let_go(slow_notion)

    ended = syncline("pull", "--json").json

    assert ended["outcome"] == "succeeded"
    assert re.findall(r"succeeded|failed|running|cancelled", syncline("runs").out) == ["succeeded", "failed"]


def test_the_demonstration_shows_everything_and_leaves_nothing_behind(
    syncline: Syncline, tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()

    ended = syncline("demo", TMPDIR=str(tmp_path / "tmp"))

    assert ended.code == 0, ended.err
    full, incremental = re.findall(
        r"^([\d,]+) requests made, ([\d,]+) the least possible", ended.out, re.MULTILINE
    )
    assert full[0] == full[1]
    assert incremental[0] == incremental[1] == "3"
    assert "Full pull: 72 pages seen: 72 added" in ended.out
    assert "Incremental pull: " in ended.out
    assert "1 updated" in ended.out
    assert "├── Brackwater Lanterns/" in ended.out
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not syncline.home.exists()


def test_the_demonstration_can_keep_what_it_made(syncline: Syncline, tmp_path: Path) -> None:
    kept = tmp_path / "kept"

    ended = syncline("demo", "--keep", str(kept))
    again = syncline("demo", "--keep", str(kept))

    assert ended.code == 0
    assert {path.name for path in kept.iterdir()} == {"home", "markdown", "workspace.sqlite"}
    assert again.code == 2
    assert "is not empty" in again.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demonstration_stops_its_emulator(
    syncline: Syncline, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "tmp").mkdir()
    with syncline.start("demo", TMPDIR=str(tmp_path / "tmp")) as child:
        assert child.stdout is not None
        address = re.search(r"http://\S+(?=\.)", child.stdout.readline())
        assert address is not None
        child.send_signal(number)
        ended = syncline.ended(child)

    assert ended.code == 130, ended
    with pytest.raises(OSError, match="refused"):
        Notion(address[0], "").control("GET", "state")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_killed_demonstration_takes_its_emulator_with_it(syncline: Syncline, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with syncline.start("demo", TMPDIR=str(tmp_path / "tmp")) as child:
        assert child.stdout is not None
        address = re.search(r"http://\S+(?=\.)", child.stdout.readline())
        assert address is not None
        child.kill()
        syncline.ended(child)

    end = time.monotonic() + 60
    while answers(address[0]):
        assert time.monotonic() < end, "the emulator lives on"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        Notion(url, "").control("GET", "state")
    except OSError:
        return False
    return True
