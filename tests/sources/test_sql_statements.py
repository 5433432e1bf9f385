"""The SQL that a mapped table comes to, as text."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from tests.sources.sql_places import PEOPLE

from syncline.core.mapped_values import ColumnType
from syncline.core.mapping import Exclusion, MappedTable
from syncline.sources.sql_statements import array, bound, castable, free_columns, keyed, relation, selection

POSTGRES = psycopg.PGDialect_psycopg()  # type: ignore[no-untyped-call]


def sql(mapped: MappedTable) -> str:
    return " ".join(str(selection(mapped).compile(dialect=POSTGRES)).split())


def test_a_table_is_selected_with_the_columns_that_are_named_each_once() -> None:
    assert free_columns(replace(PEOPLE, body="notes", exclude=(Exclusion("tags", ("x",)),))) == (
        *("id", "name", "score", "active", "born", "seen", "team_id", "tags"),
        *("changed", "notes"),
    )
    small = replace(PEOPLE, columns=PEOPLE.columns[:1], changed=None)
    assert sql(small) == "SELECT id, name FROM people ORDER BY id"
    assert sql(replace(small, table="app.people")) == "SELECT id, name FROM app.people ORDER BY id"
    assert sql(replace(small, table='odd "name"')) == 'SELECT id, name FROM "odd ""name""" ORDER BY id'


def test_what_people_wrote_themselves_stands_as_they_wrote_it() -> None:
    small = replace(PEOPLE, columns=PEOPLE.columns[:1], changed=None)
    asked = replace(small, where="name = ':x' OR id::text LIKE '1%'")
    assert sql(asked).endswith("WHERE (name = ':x' OR id::text LIKE '1%%') ORDER BY id")  # the driver's own %
    query = replace(small, query="SELECT id, name FROM p WHERE a::text = ':b';")
    assert sql(query) == (
        "SELECT id, name FROM (SELECT id, name FROM p WHERE a::text = ':b') AS syncline_source ORDER BY id"
    )


def test_keys_are_one_array_on_postgres_and_a_list_on_sqlite() -> None:
    condition, values = keyed("id", ["1", 'a"b'], dialect="postgresql")
    assert (str(condition.compile(dialect=POSTGRES)), values) == (
        "id = any(%(syncline_key)s)",
        {"syncline_key": '{"1","a\\"b"}'},
    )
    condition, values = keyed("id", ["1", "2"], dialect="sqlite")
    assert str(condition.compile(dialect=sqlite.dialect())) == "id IN (?, ?)"
    assert list(values.values()) == ["1", "2"]


@pytest.mark.parametrize(
    ("entries", "text"), [([], "{}"), (["a", ""], '{"a",""}'), (["x\\y,{z}"], '{"x\\\\y,{z}"}')]
)
def test_an_array_is_written_as_postgres_reads_it(entries: list[str], text: str) -> None:
    assert array(entries) == text


@pytest.mark.parametrize(
    ("value", "dialect", "taken"),
    [
        (Decimal("1.50"), "sqlite", 1.5),
        (Decimal(2), "sqlite", 2),
        (True, "sqlite", 1),
        (date(2026, 1, 2), "sqlite", "2026-01-02"),
        (datetime(2026, 1, 2, 3), "sqlite", "2026-01-02 03:00:00"),  # noqa: DTZ001  a column without a zone
        (["a"], "postgresql", '{"a"}'),
        ("a", "postgresql", "a"),
        (Decimal("1.50"), "postgresql", Decimal("1.50")),
    ],
)
def test_each_driver_takes_a_value_in_its_own_form(value: Any, dialect: str, taken: Any) -> None:
    found = bound(value, dialect=dialect)
    assert found == taken
    assert type(found) is type(taken)


@pytest.mark.parametrize(
    ("key", "kind", "can"),
    [
        ("12", ColumnType.INTEGER, True),
        ("-1", ColumnType.INTEGER, True),
        ("1.0", ColumnType.INTEGER, False),
        ("9" * 30, ColumnType.INTEGER, False),
        ("1.5", ColumnType.NUMERIC, True),
        ("12345678-1234-1234-1234-123456789abc", ColumnType.UUID, True),
        ("12", ColumnType.UUID, False),
        ("anything", ColumnType.TEXT, True),
        ("nul\0", ColumnType.TEXT, False),
    ],
)
def test_a_key_that_cannot_be_one_is_known_before_the_database_is_asked(
    key: str, kind: ColumnType, *, can: bool
) -> None:
    assert castable(key, kind) is can


def test_a_table_may_be_named_with_its_schema() -> None:
    assert (relation("a").name, relation("s.a").name) == ("a", "a")
