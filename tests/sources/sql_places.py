"""A database of people's own, on each of the two kinds, made by statements that both understand."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import Key, LinkTable, MappedColumn, MappedTable, Target

TABLES = """
CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE people (
    id {serial}, name TEXT NOT NULL, score NUMERIC(10, 2), active BOOLEAN, born DATE, seen {zoned},
    team_id INTEGER REFERENCES team (id), tags TEXT, notes TEXT, changed {time}
);
CREATE TABLE skill (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE people_skill (
    person INTEGER REFERENCES people (id), skill INTEGER REFERENCES skill (id), PRIMARY KEY (person, skill)
);
INSERT INTO team VALUES (1, 'Power'), (2, 'Avionics');
INSERT INTO skill VALUES (1, 'welding'), (2, 'sums');
"""
_WORDS = {
    "sqlite": {"serial": "INTEGER PRIMARY KEY", "zoned": "TIMESTAMP", "time": "TIMESTAMP"},
    "postgresql": {"serial": "SERIAL PRIMARY KEY", "zoned": "TIMESTAMPTZ", "time": "TIMESTAMP"},
}

PEOPLE = MappedTable(
    name="people",
    database=Target(name="People"),
    key=Key("id"),
    columns=(
        MappedColumn("name", "Name", PropertyType.TITLE),
        MappedColumn("score", "Score", PropertyType.NUMBER),
        MappedColumn("active", "Active", PropertyType.CHECKBOX),
        MappedColumn("born", "Born", PropertyType.DATE),
        MappedColumn("seen", "Seen", PropertyType.DATE),
        MappedColumn("team_id", "Team", PropertyType.RELATION, relation="team"),
        MappedColumn("tags", "Tags", PropertyType.MULTI_SELECT),
        MappedColumn(
            "skills",
            "Skills",
            PropertyType.RELATION,
            relation="skill",
            through=LinkTable("people_skill", "person", "skill"),
        ),
    ),
    changed="changed",
)


@dataclass(frozen=True)
class SqlPlace:
    """Where the database is, and a way to change it as another program would."""

    dialect: str
    url: str
    run: Callable[..., list[Any]]

    def tables(self) -> "SqlPlace":
        """Make the tables of these tests."""
        for statement in TABLES.format(**_WORDS[self.dialect]).split(";"):
            if statement.strip():
                self.run(statement)
        return self


def sqlite_place(path: str) -> SqlPlace:
    """A database in a new file."""
    sqlite3.connect(path).close()

    def run(statement: str, values: Sequence[Any] = ()) -> list[Any]:
        conn = sqlite3.connect(path, isolation_level=None)
        try:
            return conn.execute(statement.replace("%s", "?"), values).fetchall()
        finally:
            conn.close()

    return SqlPlace("sqlite", f"sqlite:///{path}", run)


def postgres_place(url: str) -> SqlPlace:
    """An empty PostgreSQL database."""

    def run(statement: str, values: Sequence[Any] = ()) -> list[Any]:
        with psycopg.connect(url, autocommit=True) as conn:
            found = conn.execute(statement.encode(), values or None)
            return found.fetchall() if found.description else []

    return SqlPlace("postgresql", url, run)
