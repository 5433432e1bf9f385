"""A SQL destination as tests see it: its URL, and queries that do not go through the destination."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from syncline.destinations.sql import SqlDestination


class SqlPlace:
    """`schema` is another schema of a PostgreSQL database than the usual one."""

    def __init__(self, url: str, *, schema: str | None = None) -> None:
        self.url = url
        self.schema = schema

    def destination(self, connection_id: str = "one") -> SqlDestination:
        separator = "&" if "?" in self.url else "?"
        url = f"{self.url}{separator}schema={self.schema}" if self.schema else self.url
        return SqlDestination(url, connection_id)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        engine = sa.create_engine(
            self.url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool
        )
        with engine.begin() as conn:
            if self.schema:
                conn.execute(sa.text(f'SET LOCAL search_path TO "{self.schema}"'))
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
            return set(sa.inspect(conn).get_table_names(schema=self.schema))

    def columns(self, table: str) -> list[str]:
        with self.connect() as conn:
            return [column["name"] for column in sa.inspect(conn).get_columns(table, schema=self.schema)]

    async def dump(self) -> Any:
        return {name: sorted(self.query(f'SELECT * FROM "{name}"'), key=repr) for name in self.tables()}
