"""A SQL destination as tests see it: its URL, and queries that do not go through the destination."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from syncline.destinations.sql import SqlDestination


class SqlPlace:
    def __init__(self, url: str) -> None:
        self.url = url

    def destination(self, connection_id: str = "one") -> SqlDestination:
        return SqlDestination(self.url, connection_id)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        engine = sa.create_engine(
            self.url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool
        )
        with engine.begin() as conn:
            yield conn

    def query(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query; a statement without rows is carried out."""
        with self.connect() as conn:
            result = conn.execute(sa.text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    async def pages(self) -> dict[str, str]:
        return dict(self.query("SELECT id, title FROM pages WHERE deleted_at IS NULL"))

    def tables(self) -> set[str]:
        with self.connect() as conn:
            return set(sa.inspect(conn).get_table_names())

    def columns(self, table: str) -> list[str]:
        with self.connect() as conn:
            return [column["name"] for column in sa.inspect(conn).get_columns(table)]

    async def dump(self) -> Any:
        return {name: sorted(self.query(f'SELECT * FROM "{name}"'), key=repr) for name in self.tables()}
