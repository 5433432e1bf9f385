"""Retention forgets what the settings say, of every connection, and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.store.samples import T0, page, store

from syncline.app import App
from syncline.core.errors import Gone
from syncline.core.event import Event
from syncline.core.model import Deletion, Kind
from syncline.destinations.memory import Memory, MemoryDestination
from syncline.engine.kinds import SERVED
from syncline.engine.load import load
from syncline.engine.retention import forget_old
from syncline.settings import Settings
from syncline.store import changes, checkpoints, events, ledger, records, runs
from syncline.store.changes import Filter
from syncline.store.ledger import Entry
from syncline.store.runs import RunState


@pytest_asyncio.fixture
async def app(tmp_path: Path, store_location: str) -> AsyncIterator[App]:
    """An app two days after something happened in two connections."""
    url = store_location if "://" in store_location else f"sqlite:///{store_location}"
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(url))
    async with App.open(settings) as app:
        for connection_id in ("c", "d"):
            async with app.database.begin() as conn:
                await store(conn, connection_id)
                await records.upsert(conn, connection_id, [page("old"), page("dead")], run_id=None, now=T0)
                dead = [(Kind.PAGE, "dead")]
                await records.delete(conn, connection_id, dead, reason=Deletion.TRASHED, now=T0)
                await events.append(conn, connection_id, [Event("test:one", {})] * 3, now=T0)
                await records.upsert(
                    conn, connection_id, [page("young")], run_id=None, now=T0 + timedelta(days=1.5)
                )
        yield replace(app, now=lambda: T0 + timedelta(days=2))


def keeping(app: App, **days: float) -> App:
    return replace(app, settings=app.settings.model_copy(update=days))


async def left(app: App, connection_id: str) -> tuple[int, list[tuple[str, bool]]]:
    """How many events there are, and the records with whether they have data."""
    async with app.database.read() as conn:
        found = await changes.listed(conn, connection_id, Filter(), after=0, limit=100)
        told = await events.since(conn, connection_id, 0, 100)
    return len(told), [(one.record.key, bool(one.record.data)) for one in found]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({}, (3, [("old", True), ("dead", True), ("young", True)])),
        ({"events_days": 1.0}, (0, [("old", True), ("dead", True), ("young", True)])),
        ({"tombstones_days": 1.0}, (3, [("old", True), ("young", True)])),
        ({"data_days": 1.0}, (3, [("old", False), ("dead", False), ("young", True)])),
        ({"tombstones_days": 3.0, "data_days": 3.0}, (3, [("old", True), ("dead", True), ("young", True)])),
    ],
)
async def test_what_is_older_than_the_settings_say_is_forgotten(
    app: App, days: dict[str, float], expected: tuple[int, list[tuple[str, bool]]]
) -> None:
    await forget_old(keeping(app, **days))

    assert await left(app, "c") == await left(app, "d") == expected


async def test_a_destination_that_has_not_seen_a_forgotten_deletion_says_so(app: App) -> None:
    behind, fresh = MemoryDestination(Memory(), "c"), MemoryDestination(Memory(), "c")
    await behind.write([], 1)

    await forget_old(keeping(app, tombstones_days=1.0))

    with pytest.raises(Gone, match="empty it"):
        await load(app.database, "c", behind)
    assert (await load(app.database, "c", fresh)).checkpoint == 4


async def test_a_record_without_data_is_left_as_a_destination_has_it(app: App) -> None:
    memory = Memory()
    await forget_old(keeping(app, data_days=1.0))

    loaded = await load(app.database, "c", MemoryDestination(memory, "c"))

    assert loaded.checkpoint == memory.checkpoint == 4
    assert {key for _, key in memory.changes} == {"dead", "young"}


GOOD, BAD = RunState.SUCCEEDED, RunState.FAILED


async def ran(
    app: App, name: str, state: RunState | None, *, day: float, slot: str = "pull", **options: list[str]
) -> None:
    """A run of ten minutes that began so many days before now; it goes on where it has no `state`."""
    begun = app.now() - timedelta(days=day)
    async with app.database.begin() as conn:
        await runs.queue(
            conn, "c", run_id=name, kind=slot, slot=slot, requested_by="test", now=begun, options=options
        )
        if state is not None:
            await runs.finish(conn, name, state=state, now=begun + timedelta(minutes=10))


async def remembered(app: App) -> set[str]:
    async with app.database.read() as conn:
        return {run.id for run in await runs.latest(conn, "c", limit=99, kinds=list(SERVED))}


async def test_runs_that_ended_long_ago_are_forgotten(app: App) -> None:
    for day in range(95, 85, -1):
        await ran(app, f"{day}", GOOD, day=day)

    await forget_old(app)

    assert await remembered(app) == {"90", "89", "88", "87", "86"}


async def test_the_last_run_and_the_last_success_of_a_slot_stay(app: App) -> None:
    await ran(app, "first", GOOD, day=100)
    await ran(app, "succeeded", GOOD, day=99)
    await ran(app, "cancelled", RunState.CANCELLED, day=98)
    await ran(app, "last", RunState.CANCELLED, day=97)
    await ran(app, "push", GOOD, day=99.5, slot="push")

    await forget_old(app)

    assert await remembered(app) == {"succeeded", "last", "push"}


async def test_a_run_that_goes_on_stays(app: App) -> None:
    await ran(app, "first", GOOD, day=100)
    await ran(app, "good", GOOD, day=99)
    await ran(app, "endless", None, day=98)

    await forget_old(app)

    assert await remembered(app) == {"good", "endless"}


async def test_a_failure_stays_until_it_is_made_good(app: App) -> None:
    await ran(app, "made good", BAD, day=101)
    await ran(app, "whole", GOOD, day=100)
    await ran(app, "open", BAD, day=99, pages=["p"])
    await ran(app, "other", GOOD, day=98, pages=["q"])
    await ran(app, "young", GOOD, day=1, pages=["q"])

    await forget_old(app)

    assert await remembered(app) == {"open", "young"}


async def test_what_an_open_error_or_a_mapping_file_refers_to_stays(app: App) -> None:
    for day, name in enumerate(("met", "followed", "plain", "last")):
        await ran(app, name, GOOD, day=100 - day)
    entry = Entry("p", None, "blocks", 500, "internal_server_error", "Broken.", None)
    async with app.database.begin() as conn:
        await ledger.record(conn, "c", [entry], run_id="met", now=T0)
        await checkpoints.put(conn, "c", "follow:crm", {"run": "followed"})

    await forget_old(app)

    assert await remembered(app) == {"met", "followed", "last"}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({"runs_days": 1.0}, {"5", "2"}),
        ({"runs_days": 1.0, "log_days": 3}, {"5", "2"}),
        ({"runs_days": 1.0, "events_days": 1.0, "log_days": 1}, {"2"}),
        ({"events_days": 30.0}, {"20", "5", "2"}),
    ],
)
async def test_runs_are_kept_as_long_as_events_and_logged_requests_that_name_them(
    app: App, days: dict[str, float], expected: set[str]
) -> None:
    for day in (20, 5, 2):
        await ran(app, f"{day}", GOOD, day=day)

    await forget_old(keeping(app, **days))

    assert await remembered(app) == expected
