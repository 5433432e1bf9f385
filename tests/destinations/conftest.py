from pathlib import Path

import pytest
from tests.destinations.sql_place import SqlPlace


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> SqlPlace:
    """An empty SQL database, on each in turn."""
    if request.param == "sqlite":
        return SqlPlace(f"sqlite:///{tmp_path / 'mirror.sqlite'}")
    return SqlPlace(request.getfixturevalue("postgres_url"))
