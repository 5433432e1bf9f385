"""Fixtures of the engine: a generated workspace and a store, with time that stands still."""

from pathlib import Path

import pytest
from tests.engine.pulling import Make, Pulling

from notion_emulator import Emulator
from notion_emulator.seed import generate
from notion_emulator.world import World
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
