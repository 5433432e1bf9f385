"""Fixtures of the engine: a generated workspace and a store, with time that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from tests.accounts.authorizing import Notion
from tests.engine.pulling import Make, Pulling

from notion_emulator import Emulator
from notion_emulator.seed import generate
from notion_emulator.server import ServerThread
from notion_emulator.world import World
from syncline.app import App
from syncline.settings import Settings
from syncline.store.database import Database
from syncline.store.secrets import KeyRing

NOON = 1_795_176_000_000  # 2026-11-20T12:00:00Z in milliseconds


@pytest.fixture
def make(database: Database, tmp_path: Path) -> Make:
    """Make a workspace of given sizes with an empty store; its pages are months old."""

    async def workspace(*, seed: int = 1, **sizes: int) -> Pulling:
        world = World()
        seeded = generate(world, seed=seed, **sizes)
        emulator = Emulator(world=world, seeded=seeded)
        emulator.clock.freeze(NOON)
        pulling = Pulling(emulator, database)
        await pulling.connect(KeyRing.open(tmp_path))
        return pulling

    return workspace


@pytest_asyncio.fixture
async def app(tmp_path: Path, store_location: str) -> AsyncIterator[App]:
    """An open app over an empty store, on each database in turn."""
    url = store_location if "://" in store_location else f"sqlite:///{store_location}"
    settings = Settings(
        home=tmp_path / "home", database_url=SecretStr(url), key=None, public_url="https://syncline.test"
    )
    async with App.open(settings) as app:
        yield app


@pytest_asyncio.fixture
async def notion(app: App, notion_emulator_server: ServerThread) -> Notion:
    """An OAuth app at an emulated Notion."""
    return await Notion.open(app, notion_emulator_server)
