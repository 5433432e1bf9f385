"""What a database refuses, or would change, comes back from it as it was."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import StatementError
from tests.store.samples import T0, page, store

from syncline.store import checkpoints, records
from syncline.store.database import Database
from syncline.store.types import JsonText, dump

TEXTS = st.text(st.characters() | st.sampled_from("\x00\x1a\ud800\udfff")) | st.sampled_from(
    ["\x00", "\ud83d", "\x1a0000", "\x1a", "é\x00", "\U0001f600"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=8,
)
MANY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@MANY
@given(value=VALUES.filter(lambda value: value is not None))
async def test_any_json_value_comes_back_as_it_was(database: Database, value: Any) -> None:
    async with database.begin() as conn:
        await checkpoints.put(conn, "c", "name", value)
        back = await checkpoints.value(conn, "c", "name")

    assert back == value
    assert type(back) is type(value)


@MANY
@given(title=TEXTS)
async def test_any_text_comes_back_as_it_was(database: Database, title: str) -> None:
    async with database.begin() as conn:
        await store(conn)
        await records.upsert(conn, "c", [page("p", {"title": title}, title=title)], run_id=None, now=T0)
        back = (await records.find(conn, "c", page("p").kind, ["p"]))["p"]

    assert back.title == title
    assert back.data == {"title": title}


@pytest.mark.parametrize(
    "value",
    [1, 1.0, 10**30, "1.0", "1", True, [], {}, "", 0, False, 1e300, 0.1, -0.0, "null"],
    ids=repr,
)
async def test_a_bare_value_keeps_its_type(database: Database, value: Any) -> None:
    async with database.begin() as conn:
        await checkpoints.put(conn, "c", "name", value)
        back = await checkpoints.value(conn, "c", "name")

    assert repr(back) == repr(value)


async def test_the_order_of_keys_survives(database: Database) -> None:
    value = {"b": 1, "a": {"z": 1, "y": 2}, "0": None}

    async with database.begin() as conn:
        await checkpoints.put(conn, "c", "name", value)
        back = await checkpoints.value(conn, "c", "name")

    assert json.dumps(back) == json.dumps(value)


async def test_json_is_queried_by_the_databases_own_functions(database: Database) -> None:
    extract = {"sqlite": "json_extract(value, '$.a')", "postgresql": "value ->> 'a'"}[database.dialect]
    async with database.begin() as conn:
        await checkpoints.put(conn, "c", "name", {"a": "é"})

        assert await conn.scalar(text(f"SELECT {extract} FROM checkpoints")) == "é"


def test_text_that_is_json_already_is_not_written_twice() -> None:
    assert dump(JsonText('{"a":1}')) == '{"a":1}'
    assert dump('{"a":1}') == r'"{\"a\":1}"'


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 20, 12, 0, 0, 123456, UTC),
        datetime(1, 1, 2, tzinfo=UTC),
        datetime(2026, 11, 20, 23, 30, tzinfo=timezone(timedelta(hours=-11, minutes=-30))),
    ],
    ids=str,
)
async def test_a_moment_comes_back_as_the_same_moment_in_utc(database: Database, moment: datetime) -> None:
    async with database.begin() as conn:
        await store(conn)
        await records.upsert(conn, "c", [page("p", edited_at=moment)], run_id=None, now=T0)
        back = (await records.find(conn, "c", page("p").kind, ["p"]))["p"].edited_at

    assert back == moment
    assert back is not None
    assert back.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = T0.replace(tzinfo=None)

    async with database.begin() as conn:
        await store(conn)
        with pytest.raises(StatementError, match="without a zone"):
            await records.upsert(conn, "c", [page("p", edited_at=naive)], run_id=None, now=T0)
