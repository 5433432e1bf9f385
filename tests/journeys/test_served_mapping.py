"""A server keeps a table and a Notion database together: what is edited on either side arrives at the other."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.journeys.cluster import Cluster, cluster, line
from tests.journeys.conftest import Notion, Syncline, emulator
from tests.journeys.test_two_way import Work, eventually

PACE = "\n[pace]\nevery = 1\n"


def pace(file: Path) -> None:
    """Ask Notion every second."""
    file.write_text(file.read_text() + PACE)


@contextlib.contextmanager
def serving(syncline: Syncline, *options: str) -> Iterator["subprocess.Popen[str]"]:
    with syncline.start("serve", "--role", "worker", *options) as child:
        try:
            line(child)
            yield child
        finally:
            child.kill()
            child.communicate()


@pytest.fixture
def work(tmp_path: Path, syncline: Syncline) -> Iterator[Work]:
    with emulator("empty") as notion:
        made = Work(tmp_path, syncline, notion)
        pace(tmp_path / "syncline.toml")
        yield made
        made.data.close()


def test_edits_on_either_side_arrive_while_a_server_runs(work: Work) -> None:
    assert work.syncline("mapping", "install", work.file).code == 0
    with serving(work.syncline, "--mapping", work.file) as server:
        work.data.execute("INSERT INTO tasks VALUES (1, 'Weld', 3)")
        page = eventually(lambda: work.page("Weld")["id"])
        work.data.execute("UPDATE tasks SET points = 8")
        assert eventually(lambda: work.page("Weld")["properties"]["Points"]["number"] == 8)
        work.rename(page, "Solder")
        assert eventually(lambda: work.rows() == [(1, "Solder", 8)])
        server.send_signal(signal.SIGTERM)
        ended = work.syncline.ended(server)
    assert (ended.code, ended.err.strip()) == (0, "Stopped.")
    listed = work.syncline("runs")
    assert "push" in listed.out


def test_a_server_that_is_killed_in_the_middle_makes_no_row_twice(work: Work) -> None:
    assert work.syncline("mapping", "install", work.file).code == 0
    work.notion.control("PUT", "latency", {"seconds": 0.2})
    work.data.executemany("INSERT INTO tasks VALUES (?, ?, 1)", [(n, f"Weld {n}") for n in range(30)])
    with serving(work.syncline, "--mapping", work.file) as server:
        assert eventually(lambda: work.page("Weld 3")["id"])
        server.kill()
        server.wait()
    work.notion.control("PUT", "latency", {"seconds": 0})
    with serving(work.syncline, "--mapping", work.file):
        assert eventually(lambda: work.page("Weld 29")["id"])
        # There is one of each, or `page` raises.
        for n in range(30):
            assert eventually(partial(work.page, f"Weld {n}"))


def test_a_mapping_that_is_wrong_is_told_before_a_server_starts(work: Work) -> None:
    Path(work.file).write_text("name = ")
    ended = work.syncline("serve", "--mapping", work.file)
    assert (ended.code, ended.err.count("\n"), ended.out) == (2, 1, "")


class Shared:
    """A PostgreSQL database that is store and user's database alike, and a Notion database mapped onto one of its tables."""

    def __init__(self, folder: Path, members: Cluster, notion: Notion) -> None:
        self.members, self.notion, self.file = members, notion, folder / "syncline.toml"
        self.sql("CREATE TABLE tasks (id INTEGER PRIMARY KEY, name TEXT, points NUMERIC)")
        work = Work(folder, Syncline(members.home), notion, store=members.database)
        work.data.close()
        self.page, self.rename = work.page, work.rename
        self.file.write_text(
            self.file.read_text().replace('"sqlite:///work.sqlite"', '"env:SYNCLINE_DATABASE_URL"') + PACE
        )

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.members.database, autocommit=True) as conn:
            found = conn.execute(statement.encode())
            return found.fetchall() if found.description else []


@pytest.fixture
def shared(tmp_path: Path, postgres_url: str) -> Iterator[Shared]:
    with emulator("empty") as notion, cluster(tmp_path / "home", postgres_url) as members:
        yield Shared(tmp_path, members, notion)


def test_two_servers_on_postgres_do_each_change_once_and_one_may_die(shared: Shared) -> None:
    store = {"SYNCLINE_DATABASE_URL": shared.members.database}
    assert Syncline(shared.members.home)("mapping", "install", str(shared.file), **store).code == 0
    servers = [shared.members.start("--role", "worker", "--mapping", str(shared.file)) for _ in range(2)]
    for server in servers:
        line(server)
    shared.sql("INSERT INTO tasks VALUES (1, 'Weld', 3)")
    page = eventually(lambda: shared.page("Weld")["id"])
    servers[0].kill()
    servers[0].wait()
    shared.sql("UPDATE tasks SET points = 8")
    assert eventually(lambda: shared.page("Weld")["properties"]["Points"]["number"] == 8)
    shared.rename(page, "Solder")
    assert eventually(lambda: shared.sql("SELECT name FROM tasks") == [("Solder",)])
    assert eventually(lambda: shared.sql("SELECT count(*) FROM syncline_outbox") == [(0,)])
    overlapping = """
        SELECT count(*) FROM syncline.runs a JOIN syncline.runs b ON a.id < b.id AND a.kind = 'push' AND b.kind = 'push'
        WHERE a.started_at < b.ended_at AND b.started_at < a.ended_at
    """
    assert shared.sql(overlapping) == [(0,)]
