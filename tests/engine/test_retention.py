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
from syncline.engine.load import load
from syncline.engine.retention import forget_old
from syncline.settings import Settings
from syncline.store import changes, events, records
from syncline.store.changes import Filter


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
