"""The database of the job engine: a SQLite file of its own, or a schema of its own in the store's Postgres database."""

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from syncline.core.errors import StoreUnavailable

__all__ = ["open_engine", "unusable", "url"]


def url(store: Path | str) -> sa.URL:
    """Its address."""
    if isinstance(store, Path):
        return sa.URL.create("sqlite", database=str(store))
    return sa.make_url(store).set(drivername="postgresql+psycopg")


def open_engine(store: Path | str) -> sa.Engine:
    """An engine of it. SQLite below 3.42 gets the ``unixepoch`` that DBOS calls, and all of them a quick journal."""
    if not isinstance(store, Path):
        return sa.create_engine(url(store), pool_size=3, max_overflow=5, pool_pre_ping=True)
    with suppress(OSError):  # what is wrong with the file, the first connection will say
        os.close(os.open(store, os.O_CREAT | os.O_RDWR, 0o600))
    engine = sa.create_engine(url(store))
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    if sqlite3.sqlite_version_info < (3, 42):
        connection.create_function("unixepoch", -1, _unixepoch)


def _unixepoch(*_modifiers: object) -> float:
    """What ``unixepoch('subsec')`` is from SQLite 3.42 on; DBOS asks for nothing else."""
    return time.time()


def unusable(store: Path | str, error: Exception) -> StoreUnavailable:
    """What to say when it fails with `error`."""
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")
    if not isinstance(store, Path):
        return StoreUnavailable(f"The job store in the database cannot be used: {reason}.")
    return StoreUnavailable(
        f"The job store {store} cannot be used: {reason}. "
        "It holds unfinished runs and nothing else, so a damaged one may be removed."
    )
