"""What the SQL destination remembers of its typed tables: which table and column belongs to which Notion id."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select, update

from syncline.destinations.sql_columns import Shape
from syncline.destinations.sql_schema import Binding, TableBinding
from syncline.destinations.sql_tables import bound_columns, bound_tables, data_sources

__all__ = ["bindings", "forget", "remember"]


def bindings(conn: Connection, data_source_ids: Collection[str]) -> dict[str, TableBinding]:
    """The bindings of those of `data_source_ids` that have a table."""
    if not data_source_ids:
        return {}
    columns: dict[str, list[Binding]] = {}
    of_columns = select(bound_columns).where(bound_columns.c.data_source_id.in_(data_source_ids))
    for row in conn.execute(of_columns.order_by(bound_columns.c.property_id)):
        binding = Binding(row.property_id, row.title, row.type, Shape(row.shape), row.name, row.links)
        columns.setdefault(row.data_source_id, []).append(binding)
    of_tables = select(bound_tables).where(bound_tables.c.data_source_id.in_(data_source_ids))
    return {
        row.data_source_id: TableBinding(
            row.data_source_id, row.title, row.name, tuple(columns.get(row.data_source_id, ()))
        )
        for row in conn.execute(of_tables)
    }


def remember(conn: Connection, binding: TableBinding) -> None:
    """Keep `binding` in place of what was kept before, and show the table's name beside the data source."""
    forget(conn, binding.data_source_id)
    key = binding.data_source_id
    conn.execute(insert(bound_tables).values(data_source_id=key, title=binding.title, name=binding.name))
    rows = [
        {
            "data_source_id": key,
            "property_id": column.property_id,
            "title": column.title,
            "type": column.type,
            "shape": str(column.shape),
            "name": column.name,
            "links": column.links,
        }
        for column in binding.columns
    ]
    if rows:
        conn.execute(insert(bound_columns), rows)
    conn.execute(update(data_sources).where(data_sources.c.id == key).values(table_name=binding.name))


def forget(conn: Connection, data_source_id: str) -> None:
    """Remove the binding of a data source."""
    for table in (bound_columns, bound_tables):
        conn.execute(delete(table).where(table.c.data_source_id == data_source_id))
    conn.execute(update(data_sources).where(data_sources.c.id == data_source_id).values(table_name=None))
