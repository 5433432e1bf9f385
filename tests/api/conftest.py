"""Fixtures of the door: the service on each database in turn."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from pydantic import SecretStr
from tests.api.doors import HOME, Door, opened

from syncline.app import App
from syncline.settings import Settings


@pytest_asyncio.fixture
async def app(tmp_path: Path, store_location: str) -> AsyncIterator[App]:
    """An open app over an empty store, on each database in turn."""
    url = store_location if "://" in store_location else f"sqlite:///{store_location}"
    async with App.open(
        Settings(home=tmp_path / "home", database_url=SecretStr(url), key=None, rate_limits={})
    ) as app:
        yield app


@pytest_asyncio.fixture
async def bare(app: App) -> AsyncIterator[Door]:
    """The service without any user."""
    async with opened(app) as door:
        yield door


@pytest_asyncio.fixture
async def door(bare: Door) -> Door:
    """The service with the workspace HOME, a user of each role in it, called like it, and an ``outsider``."""
    await bare.user("owner", owner=True)
    await bare.workspace(HOME, owner="owner", admin="admin", member="member", viewer="viewer")
    await bare.user("outsider")
    return bare
