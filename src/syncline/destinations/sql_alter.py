"""Carries out the steps of a plan (destinations.sql_schema) in the running transaction.

Views that people made on our tables must not stop a load. PostgreSQL's follow every rename by themselves, and refuse
only the removal of what they show: then the column or table stays, empty and with `_old` in its name. SQLite's views are text: it
rewrites them at a rename, but refuses to alter anything while one view in the file is broken. Such a view is
taken away for the moment and put back as it was.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Connection, Table, column, delete, inspect, table, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.ddl import CreateIndex
from sqlalchemy.sql.ddl import CreateTable as CreateTableStatement

from syncline.core.errors import BadInput
from syncline.destinations.sql_columns import COLUMNS
from syncline.destinations.sql_names import free
from syncline.destinations.sql_schema import (
    AddColumn,
    CreateLinks,
    CreateTable,
    DropColumn,
    DropTable,
    RenameColumn,
    RenameTable,
    Step,
    TableBinding,
)
from syncline.destinations.sql_tables import index_name, link_table, typed_table

__all__ = ["columns_of", "execute", "relations"]


def execute(conn: Connection, steps: tuple[Step, ...]) -> None:
    """Carry out `steps`. Raises BadInput where something of other people's makes one impossible."""
    for step in steps:
        _STEPS[type(step)](conn, step)


def relations(conn: Connection) -> set[str]:
    """The names taken by tables, views and whatever shares their names."""
    return set(conn.scalars(text(_RELATIONS[conn.dialect.name])))


_RELATIONS: Mapping[str, str] = {
    "sqlite": "SELECT name FROM sqlite_master",
    "postgresql": "SELECT relname FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())",
}


def columns_of(conn: Connection, name: str) -> set[str]:
    """The names of the columns of a table, ours and those that people added."""
    schema = None if conn.dialect.name == "sqlite" else str(conn.scalar(text("SELECT current_schema()")))
    return {str(found["name"]) for found in inspect(conn).get_columns(name, schema=schema)}


def _create_table(conn: Connection, step: CreateTable) -> None:
    conn.execute(CreateTableStatement(typed_table(TableBinding("", "", step.name))))


def _create_links(conn: Connection, step: CreateLinks) -> None:
    links = link_table(step.name)
    conn.execute(CreateTableStatement(links))
    taken = relations(conn)
    conn.execute(CreateIndex(_index(links, free(index_name(step.name), taken=taken.__contains__))))


def _index(links: Table, name: str) -> Any:
    from sqlalchemy import Index  # noqa: PLC0415

    return Index(name, links.c.to_id)


def _add_column(conn: Connection, step: AddColumn) -> None:
    _operations(conn).add_column(step.table, Column(step.name, COLUMNS[step.shape][step.index][1]))


def _rename_table(conn: Connection, step: RenameTable) -> None:
    _tolerantly(conn, lambda: _operations(conn).rename_table(step.old, step.new))


def _rename_column(conn: Connection, step: RenameColumn) -> None:
    _tolerantly(conn, lambda: _operations(conn).alter_column(step.table, step.old, new_column_name=step.new))


def _drop_column(conn: Connection, step: DropColumn) -> None:
    try:
        _tolerantly(conn, lambda: _operations(conn).drop_column(step.table, step.name))
    except DBAPIError as error:
        if not _is_needed(error):
            raise
        conn.execute(update(table(step.table, column(step.name))).values({step.name: None}))
        old = free(f"{step.name}_old", taken=columns_of(conn, step.table).__contains__)
        _rename_column(conn, RenameColumn(step.table, step.name, old))


def _drop_table(conn: Connection, step: DropTable) -> None:
    try:
        _tolerantly(conn, lambda: _operations(conn).drop_table(step.name))
    except DBAPIError as error:
        if not _is_needed(error):
            raise
        conn.execute(delete(table(step.name)))
        old = free(f"{step.name}_old", taken=relations(conn).__contains__)
        _rename_table(conn, RenameTable(step.name, old))


_STEPS: Mapping[type, Callable[[Connection, Any], None]] = {
    CreateTable: _create_table,
    CreateLinks: _create_links,
    AddColumn: _add_column,
    RenameTable: _rename_table,
    RenameColumn: _rename_column,
    DropColumn: _drop_column,
    DropTable: _drop_table,
}


def _operations(conn: Connection) -> Operations:
    return Operations(MigrationContext.configure(conn))


def _is_needed(error: DBAPIError) -> bool:
    """Whether PostgreSQL refuses because something depends on it: https://www.postgresql.org/docs/current/errcodes-appendix.html ."""
    return getattr(error.orig, "sqlstate", None) == "2BP01"


def _tolerantly(conn: Connection, alter: Callable[[], None]) -> None:
    """Run `alter`, taking every view away that SQLite complains of; they are put back at the end."""
    aside: list[str] = []
    while True:
        try:
            with conn.begin_nested():
                alter()
            break
        except DBAPIError as error:
            aside.append(_set_aside(conn, error))
    for statement in reversed(aside):
        conn.exec_driver_sql(statement)


_COMPLAINT = re.compile(r"error in (view|trigger) ([^:]+?)(?: after [a-z ]+)?: ")


def _set_aside(conn: Connection, error: DBAPIError) -> str:
    """Drop the view that `error` is about and answer the statement that creates it. Raises `error` if it is about none."""
    complaint = _COMPLAINT.search(str(error.orig)) if conn.dialect.name == "sqlite" else None
    if complaint is None:
        raise error
    kind, name = complaint.groups()
    if kind == "trigger":
        raise BadInput(
            f"The trigger {name} keeps a table from following Notion ({error.orig}): remove it."
        ) from error
    found = text("SELECT sql FROM sqlite_master WHERE type = 'view' AND name = :name")
    statement = str(conn.scalar(found, {"name": name}))
    conn.exec_driver_sql(f"DROP VIEW {conn.dialect.identifier_preparer.quote(name)}")
    return statement
