"""A database that is somebody else's: its URL, its engine, and its failures as one sentence each.

What reads from such a database (`sources.sql`) and what writes into one (`destinations.sql`) open it alike.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from syncline.core.errors import BadInput, StoreUnavailable, SynclineError, Unreachable

__all__ = ["BUSY_SECONDS", "named", "open_engine", "parse_url", "translated", "translation"]

BUSY_SECONDS: Final = 30
"""How long a lock of another program, or a server that does not answer, is waited for."""

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def parse_url(location: str) -> tuple[URL, str | None]:
    """The URL with its driver, and the PostgreSQL schema it names by ``?schema=NAME``.

    `location` is ``sqlite:///PATH``, a plain path, or ``postgresql://HOST/NAME``. Raises BadInput for any other.
    """
    if location in {"", ":memory:"}:
        raise BadInput("The URL names no file: write sqlite:///PATH or the path of a file.")
    if "://" not in location:
        return URL.create("sqlite+aiosqlite", database=location), None
    try:
        url = make_url(location)
    except (ArgumentError, ValueError) as error:
        raise BadInput("The URL cannot be read: write sqlite:///PATH or postgresql://HOST/NAME.") from error
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise BadInput(f"A database is SQLite or PostgreSQL, not {url.drivername}.")
    if driver.startswith("sqlite") and url.database in {None, "", ":memory:"}:
        raise BadInput("The URL names no file: write sqlite:///PATH.")
    schema = url.query.get("schema")
    if schema is not None and (driver.startswith("sqlite") or not isinstance(schema, str) or not schema):
        raise BadInput(
            "A schema is one name, and only PostgreSQL has schemas: for SQLite choose another file."
        )
    return url.difference_update_query(["schema"]).set(drivername=driver), schema


def open_engine(
    url: URL, *, pool: int = 1, begin: str = "BEGIN IMMEDIATE", pragmas: Sequence[str] = ()
) -> AsyncEngine:
    """An engine for `url`. `begin` is how its transactions begin on SQLite, `pragmas` what is set there besides the patience."""
    if url.get_backend_name() == "postgresql":
        return create_async_engine(
            url, pool_size=pool, max_overflow=0, connect_args={"connect_timeout": BUSY_SECONDS}
        )
    engine = create_async_engine(url, pool_size=pool, max_overflow=0)

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # else the driver commits before each ALTER TABLE
        cursor = connection.cursor()
        try:
            for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", *pragmas):
                cursor.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()  # the pool does not know it yet
            raise
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(conn: Connection) -> None:
        conn.exec_driver_sql(begin)

    return engine


def named(url: URL) -> str:
    """The URL as a person may see it: without its driver and without a password."""
    shown = url.set(drivername=url.get_backend_name()).difference_update_query(_SECRET)
    return shown.render_as_string(hide_password=True)


@asynccontextmanager
async def translated(url: URL) -> AsyncIterator[None]:
    """Raise what lies outside the program as an error of ours."""
    try:
        yield
    except DBAPIError as error:
        found = translation(error, url)
        if found is None:
            raise
        raise found from error


def translation(error: DBAPIError, url: URL) -> SynclineError | None:
    """What lies outside the program: https://peps.python.org/pep-0249/#operationalerror . None for a fault of ours."""
    sqlstate = getattr(error.orig, "sqlstate", "")
    reason = " ".join(str(error.orig).split()).rstrip(".")
    ours = sqlstate != _NO_PRIVILEGE and _BAD_OPTION not in reason
    if isinstance(error, ProgrammingError | DataError | IntegrityError) and ours:
        return None
    where = named(url)
    for marker, kind, sentence in _SENTENCES:
        if marker in reason:
            return kind(f"The database {where} {sentence} ({reason}).")
    if sqlstate is None or error.connection_invalidated:
        return Unreachable(f"The database {where} cannot be reached ({reason}).")
    return None


_NO_PRIVILEGE: Final = "42501"
_BAD_OPTION: Final = "invalid connection option"
_SECRET: Final = ("password", "sslpassword")
"""What libpq also takes from the query: https://www.postgresql.org/docs/current/libpq-connect.html ."""

_SENTENCES: tuple[tuple[str, type[SynclineError], str], ...] = (
    (
        "database is locked",
        StoreUnavailable,
        f"was locked by another program for more than {BUSY_SECONDS} s",
    ),
    ("disk is full", StoreUnavailable, "cannot grow; what was loaded before is safe"),
    ("disk I/O error", StoreUnavailable, "cannot be read or written"),
    ("No space left", StoreUnavailable, "cannot grow; what was loaded before is safe"),
    ("readonly database", BadInput, "is read-only"),
    ("unable to open", BadInput, "cannot be opened"),
    ("not a database", BadInput, "is not an SQLite database"),
    ("malformed", BadInput, "is damaged"),
    (_BAD_OPTION, BadInput, "has no such option"),
    ("authentication failed", BadInput, "refuses the name or password"),
    ("does not exist", BadInput, "cannot be used"),
    ("permission denied", BadInput, "does not let us work"),
)
