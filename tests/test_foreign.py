"""Somebody else's database: which URLs are taken, and what is said when it fails."""

from pathlib import Path

import pytest
from sqlalchemy import text

from syncline.core.errors import BadInput, Unreachable
from syncline.foreign import named, open_engine, parse_url, translated


@pytest.mark.parametrize(
    ("location", "dialect", "schema"),
    [
        ("a.sqlite", "sqlite", None),
        ("sqlite:///a.sqlite", "sqlite", None),
        ("postgres://host/db", "postgresql", None),
        ("postgresql://host/db?schema=app&sslmode=require", "postgresql", "app"),
    ],
)
def test_a_url_names_its_database_and_schema(location: str, dialect: str, schema: str | None) -> None:
    url, found = parse_url(location)
    assert (url.get_backend_name(), found) == (dialect, schema)
    assert "schema" not in url.query


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("", "names no file"),
        ("sqlite://", "names no file"),
        ("mysql://host/db", "SQLite or PostgreSQL, not mysql"),
        ("sqlite:///a?schema=b", "only PostgreSQL has schemas"),
        ("postgresql://host:port/db", "cannot be read"),
    ],
)
def test_any_other_is_one_sentence(location: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_url(location)


def test_a_url_is_shown_without_a_password() -> None:
    url, _schema = parse_url("postgresql://me:hunter2@host/db?password=hunter3&sslpassword=hunter4")
    assert named(url) == "postgresql://me:***@host/db"


async def test_a_server_that_is_not_there_is_unreachable_without_its_password() -> None:
    url, _schema = parse_url("postgresql://me:hunter2@127.0.0.1:1/db")
    engine = open_engine(url)
    with pytest.raises(Unreachable) as caught:
        async with translated(url), engine.begin():
            pass
    assert "hunter2" not in str(caught.value)
    await engine.dispose()


async def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("this is not a database, only a text of some length" * 30)
    url, _schema = parse_url(str(tmp_path / "x"))
    engine = open_engine(url)
    with pytest.raises(BadInput, match="is not an SQLite database"):
        async with translated(url), engine.begin() as conn:
            await conn.execute(text("SELECT * FROM sqlite_master"))
    await engine.dispose()


async def test_a_reader_of_a_file_leaves_its_journal_as_it_is(tmp_path: Path) -> None:
    url, _schema = parse_url(str(tmp_path / "x"))
    engine = open_engine(url, begin="BEGIN")
    async with engine.begin() as conn:
        assert await conn.scalar(text("PRAGMA journal_mode")) == "delete"
    await engine.dispose()
