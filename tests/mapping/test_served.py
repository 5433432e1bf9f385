"""Mappings that a server keeps up to date: each change and each time gives one run, whoever looks, and nothing is acknowledged before its run has succeeded."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.engine.pulling import HOME

from syncline.app import App
from syncline.core.model import Json
from syncline.mapping.file import read_mapping
from syncline.mapping.served import serve_mappings
from syncline.settings import Settings
from syncline.sources.sql import SqlSource
from syncline.store import connections, runs
from syncline.store.connections import Connection
from syncline.store.runs import Run, RunState

MAPPING = """
name = "work"
database = "sqlite:///user.sqlite"
{pace}

[[tables]]
name = "items"
notion = {{ name = "Items" }}
key = {{ column = "id" }}

[tables.columns]
name = {{ property = "Name", type = "title" }}
"""
FAILED: Json = {"message": "No.", "exit_code": 1}


class Serving:
    """A mapping of an SQLite table with an outbox, and a worker in whose place a test ends the runs."""

    def __init__(self, app: App, folder: Path) -> None:
        self.app = app
        self.file = folder / "work.toml"
        self.url = folder / "user.sqlite"
        self.following: list[asyncio.Task[None]] = []
        self.pace(every=3600, whole=7200)

    def pace(self, **seconds: float) -> None:
        named = "\n".join(f"{name} = {value}" for name, value in seconds.items())
        text = MAPPING.format(pace="")
        self.file.write_text(f"{text}\n[pace]\n{named}\n")

    async def sql(self, statement: str) -> None:
        """Write to the table. It waits in a thread: who has the file locked may need this loop to let it go."""
        await asyncio.to_thread(self._write, statement)

    def _write(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(self.url, timeout=60)) as conn, conn:
            conn.execute(statement)

    async def begin(self) -> None:
        await self.sql("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)")
        await self.connect()
        await self.install()

    async def connect(self, name: str = HOME) -> None:
        made = Connection(
            id=name, name=name, base_url="http://notion.test", notion_version="2026-03-11", rate="none",
            bot_id="bot", bot_name="bot", workspace_id=None, workspace_name=None, capabilities=(),
            created_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        )  # fmt: skip
        async with self.app.database.begin() as conn:
            await connections.add(conn, made, token="t", ring=self.app.keys)

    async def install(self) -> None:
        mapping = read_mapping(self.file)
        async with SqlSource(f"sqlite:///{self.url}") as source:
            await source.install(mapping.name, mapping.tables)

    def follow(self) -> None:
        """One more server that follows the mapping."""
        self.following.append(asyncio.create_task(serve_mappings(self.app, (self.file,))))

    async def stop(self) -> None:
        for one in self.following:
            one.cancel()
        await asyncio.gather(*self.following, return_exceptions=True)
        self.following.clear()

    async def noted(self) -> int:
        mapping = read_mapping(self.file)
        async with SqlSource(f"sqlite:///{self.url}") as source:
            return len((await source.changed_keys(mapping.name, mapping.tables[0])).versions)

    async def every(self) -> list[Run]:
        """All runs, oldest first."""
        async with self.app.database.read() as conn:
            return (await runs.latest(conn, HOME, limit=50, kinds=["push"]))[::-1]

    async def queued(self) -> Run:
        """The run that waits for a worker, as soon as there is one."""
        async with asyncio.timeout(60):
            while True:
                waiting = [run for run in await self.every() if not run.ended]
                if waiting:
                    return waiting[0]
                await asyncio.sleep(0.02)

    async def end(self, run: Run, state: RunState = RunState.SUCCEEDED, **result: str) -> None:
        """End a run, an hour ago where it has a result."""
        ended = self.app.now() - timedelta(hours=1 if result else 0)
        async with self.app.database.begin() as conn:
            error = FAILED if state is RunState.FAILED else None
            await runs.finish(conn, run.id, state=state, now=ended, error=error, result=result)

    async def acknowledged(self) -> None:
        async with asyncio.timeout(60):
            while await self.noted():  # noqa: ASYNC110  an outbox has no event
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def serving(tmp_path: Path, sqlite_path: Path) -> AsyncIterator[Serving]:
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(f"sqlite:///{sqlite_path}"), key=None)
    async with App.open(settings) as app:
        made = Serving(app, tmp_path)
        await made.begin()
        yield made
        await made.stop()


async def test_a_change_gives_one_run_and_is_acknowledged_when_that_has_succeeded(serving: Serving) -> None:
    serving.follow()
    await serving.end(await serving.queued())
    await serving.sql("INSERT INTO items VALUES (1, 'Ann')")
    run = await serving.queued()
    assert (run.kind, run.requested_by, await serving.noted()) == ("push", "mapping", 1)
    assert run.options["file"] == str(serving.file)
    await serving.end(run)
    await serving.acknowledged()
    assert len(await serving.every()) == 2


async def test_the_first_run_reads_notion_whole_and_one_for_a_change_does_not(serving: Serving) -> None:
    serving.follow()
    await serving.end(await serving.queued())
    await serving.sql("INSERT INTO items VALUES (1, 'Ann')")
    await serving.end(await serving.queued())
    assert [run.options["changed_only"] for run in await serving.every()] == [False, True]


async def test_several_servers_begin_one_run_for_one_change(serving: Serving) -> None:
    for _ in range(4):
        serving.follow()
    await serving.end(await serving.queued())
    await serving.sql("INSERT INTO items VALUES (1, 'Ann')")
    await serving.end(await serving.queued())
    await serving.acknowledged()
    await serving.sql("INSERT INTO items VALUES (2, 'Bob')")
    await serving.end(await serving.queued())
    await serving.acknowledged()
    assert len(await serving.every()) == 3


async def test_notion_is_asked_again_when_it_is_time(serving: Serving) -> None:
    serving.pace(every=1, whole=3600)
    serving.follow()
    for _ in range(3):
        await serving.end(await serving.queued())
    first, second, third = await serving.every()
    assert second.queued_at - first.queued_at >= timedelta(seconds=1)
    assert third.queued_at - second.queued_at >= timedelta(seconds=1)


@pytest.mark.parametrize(("outcome", "kept"), [("clean", 1), ("changed", 2)])
async def test_a_run_that_found_nothing_to_do_is_kept_until_the_next(
    serving: Serving, outcome: str, kept: int
) -> None:
    serving.follow()
    await serving.end(await serving.queued(), outcome=outcome)
    await serving.sql("INSERT INTO items VALUES (1, 'Ann')")
    await serving.queued()
    assert len(await serving.every()) == kept


async def test_a_server_that_starts_again_goes_on_where_it_was(serving: Serving) -> None:
    serving.follow()
    run = await serving.queued()
    await serving.stop()
    await serving.sql("INSERT INTO items VALUES (1, 'Ann')")
    serving.follow()
    await serving.end(run)
    again = await serving.queued()
    assert (again.id == run.id, again.options["changed_only"]) == (False, True)
    await serving.end(again)
    await serving.acknowledged()


async def test_what_a_failed_run_saw_stays_noted(serving: Serving) -> None:
    serving.pace(every=1, whole=3600)
    serving.follow()
    await serving.end(await serving.queued())
    await serving.sql("INSERT INTO items VALUES (1, 'Ann')")
    failing = await serving.queued()
    await serving.end(failing, RunState.FAILED)
    again = await serving.queued()
    assert (again.id == failing.id, await serving.noted()) == (False, 1)
    await serving.end(again)
    await serving.acknowledged()


async def test_another_push_of_the_connection_is_waited_for(serving: Serving) -> None:
    async with serving.app.database.begin() as conn:
        other = await runs.queue(
            conn, HOME, run_id="other", kind="push", slot="push", requested_by="cli", now=serving.app.now()
        )
    serving.follow()
    await serving.end(other)
    assert (await serving.queued()).requested_by == "mapping"


async def test_a_mapping_that_changes_is_followed_as_it_is_then(serving: Serving) -> None:
    serving.follow()
    await serving.end(await serving.queued())
    serving.file.write_text(serving.file.read_text().replace('"work"', '"other"'))
    await serving.sql("INSERT INTO items VALUES (1, 'Ann')")
    run = await serving.queued()
    assert not run.options["changed_only"]  # of another name, so nothing is known of it


async def test_a_table_without_an_outbox_is_run_when_its_file_changes(serving: Serving) -> None:
    async with SqlSource(f"sqlite:///{serving.url}") as source:
        mapping = read_mapping(serving.file)
        await source.uninstall(mapping.name, mapping.tables)
    serving.follow()
    await serving.end(await serving.queued())
    await asyncio.sleep(0)
    await serving.sql("INSERT INTO items VALUES (1, 'Ann')")
    await serving.end(await serving.queued())


async def test_a_mapping_that_cannot_be_followed_is_tried_again(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("syncline.mapping.served._AGAIN", 0.01)
    text = serving.file.read_text()
    serving.file.write_text("name = ")
    serving.follow()
    async with asyncio.timeout(60):
        while "waits" not in caplog.text:  # noqa: ASYNC110  a log has no event
            await asyncio.sleep(0.02)
    serving.file.write_text(text)
    await serving.end(await serving.queued())
