"""Fixtures of the mapping: a Notion with a mapped database, and those of the engine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.engine.conftest import NOON, app, make
from tests.mapping.merging import Merging
from tests.mapping.pushes import PEOPLE, Pushing, people_table

from notion_emulator import Emulator
from syncline.store.database import Database
from syncline.store.secrets import KeyRing

__all__ = ["app", "make", "merging", "people", "pushing", "pushing_anywhere"]


async def _pushing(database: Database, folder: Path) -> Pushing:
    emulator = Emulator()
    emulator.clock.freeze(NOON)
    made = Pushing(emulator, database, folder)
    await made.connect()
    made.mapped = [people_table(await made.make_database("People", PEOPLE))]
    return made


@pytest_asyncio.fixture
async def pushing(sqlite_database: Database, tmp_path: Path) -> Pushing:
    """A Notion with an empty database for people, mapped, and a store on SQLite."""
    return await _pushing(sqlite_database, tmp_path)


@pytest_asyncio.fixture
async def pushing_anywhere(database: Database, tmp_path: Path) -> Pushing:
    """The same with a store on each database in turn."""
    return await _pushing(database, tmp_path)


@pytest.fixture
def people(pushing: Pushing) -> str:
    """The data source of people."""
    return str(pushing.mapped[0].database.id)


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def merging(
    request: pytest.FixtureRequest, sqlite_database: Database, tmp_path: Path
) -> AsyncIterator[Merging]:
    """An empty table on each database in turn, and an empty Notion database."""
    if request.param == "sqlite":
        (tmp_path / "user.sqlite").touch()
        url = f"sqlite:///{tmp_path / 'user.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_url")
    emulator = Emulator()
    emulator.clock.freeze(NOON)
    made = Merging(emulator, sqlite_database, url, tmp_path)
    await made.begin(KeyRing.open(tmp_path))
    yield made
