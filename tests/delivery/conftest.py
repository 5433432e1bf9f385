"""Fixtures of the deliveries: a store for rules, and those of the engine."""

from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio
from tests.delivery.ruling import Ruling
from tests.engine.conftest import app, notion

from syncline.app import App
from syncline.settings import Settings
from syncline.store.database import Database
from syncline.store.secrets import KeyRing

__all__ = ["app", "notion", "ruling"]


@pytest_asyncio.fixture
async def ruling(database: Database, tmp_path: Path) -> Ruling:
    """A store with one connection, for rules, on each database in turn."""
    at = [datetime(2026, 11, 20, 12, tzinfo=UTC)]
    app = App(Settings(home=tmp_path), database, KeyRing.open(tmp_path), now=lambda: at[0])
    made = Ruling(app, at)
    await made.connect()
    return made
