"""A database of people's own, on each kind in turn."""

from pathlib import Path

import pytest
from tests.sources.sql_places import SqlPlace, postgres_place, sqlite_place


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> SqlPlace:
    """A database with the tables of these tests."""
    if request.param == "sqlite":
        return sqlite_place(str(tmp_path / "own.sqlite")).tables()
    return postgres_place(request.getfixturevalue("postgres_url")).tables()
