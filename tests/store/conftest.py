"""Fixtures of the store's own tests."""

from pathlib import Path

import pytest
import pytest_asyncio

from syncline.store.database import Database


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def own_location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store is whose schema may be changed, on each database in turn."""
    location = (
        request.getfixturevalue("postgres_url") if request.param == "postgresql" else tmp_path / "own.sqlite"
    )
    await (await Database.open(location)).close()
    return str(location)
