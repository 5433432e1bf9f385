"""The tables of the SQL destination: those every workspace has, our catalogue, and typed tables made from a binding.

The tables every workspace has keep Notion's raw JSON beside what people ask for in SQL. What Notion deleted stays in them with
`deleted_at` and `deletion` (core.model.Deletion); typed tables and `blocks` hold only what lives.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects import postgresql, sqlite

from syncline.core.hash import digest
from syncline.destinations.sql_columns import COLUMNS
from syncline.destinations.sql_schema import KEY, TableBinding
from syncline.destinations.sql_types import JsonValue, Moment, Raw, String

__all__ = [
    "FORMAT",
    "METADATA",
    "blocks",
    "bound_columns",
    "bound_tables",
    "checkpoint",
    "comments",
    "data_sources",
    "databases",
    "index_name",
    "link_table",
    "pages",
    "typed_table",
    "upsert",
    "users",
]

FORMAT: Final = 1
"""The number of this layout. A database with a higher one was written by a newer release."""

METADATA = MetaData()


def _noun(name: str, *columns: Column[Any]) -> Table:
    return Table(
        name,
        METADATA,
        Column("id", Text, primary_key=True),
        *columns,
        Column("deleted_at", Moment),
        Column("deletion", Text),
        Column("seq", BigInteger, nullable=False),
        Column("raw", Raw, nullable=False),
    )


pages = _noun(
    "pages",
    Column("title", String, nullable=False),
    Column("url", String),
    Column("parent_id", Text),
    Column("data_source_id", Text),
    Column("created_at", Moment),
    Column("edited_at", Moment),
    Column("content_state", Text),
    Column("unread", JsonValue),
    Column("markdown", String),
)
Index("syncline_pages_by_data_source", pages.c.data_source_id, pages.c.id)
Index("syncline_pages_by_parent", pages.c.parent_id)

data_sources = _noun(
    "data_sources",
    Column("title", String, nullable=False),
    Column("table_name", Text),
    Column("url", String),
    Column("parent_id", Text),
    Column("created_at", Moment),
    Column("edited_at", Moment),
)

databases = _noun(
    "databases",
    Column("title", String, nullable=False),
    Column("url", String),
    Column("parent_id", Text),
)

users = _noun(
    "users",
    Column("name", String),
    Column("type", Text),
    Column("email", String),
    Column("avatar_url", String),
)

comments = _noun(
    "comments",
    Column("parent_id", Text),
    Column("discussion_id", Text),
    Column("created_at", Moment),
    Column("created_by", Text),
    Column("text", String),
)
Index("syncline_comments_by_parent", comments.c.parent_id)

blocks = Table(
    "blocks",
    METADATA,
    Column("page_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("parent_id", Text, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("text", String),
    Column("raw", Raw, nullable=False),
    sqlite_with_rowid=False,
)
"""One row a block; `position` counts through the whole page, so that it orders the page as it is read.

The key is not the block's id: a copy of a synced block shows the blocks of its original again. A row of type
``unread`` stands where Notion refused the children of the block of that id, and says why.
"""
Index("syncline_blocks_by_id", blocks.c.id)

checkpoint = Table(
    "_syncline_checkpoint",
    METADATA,
    Column("connection_id", Text, primary_key=True),
    Column("checkpoint", BigInteger, nullable=False),
    Column("format", Integer, nullable=False),
)

bound_tables = Table(
    "_syncline_tables",
    METADATA,
    Column("data_source_id", Text, primary_key=True),
    Column("title", String, nullable=False),
    Column("name", Text, nullable=False),
)

bound_columns = Table(
    "_syncline_columns",
    METADATA,
    Column("data_source_id", Text, primary_key=True),
    Column("property_id", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("type", Text, nullable=False),
    Column("shape", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("links", Text),
)


def typed_table(binding: TableBinding) -> Table:
    """The table of a data source."""
    columns = (
        Column(bound.name + suffix, kind)
        for bound in binding.columns
        for suffix, kind in COLUMNS[bound.shape]
    )
    return Table(binding.name, MetaData(), Column(KEY, Text, primary_key=True), *columns)


def link_table(name: str) -> Table:
    """A table of links from a row to pages, or to people."""
    return Table(
        name,
        MetaData(),
        Column("from_id", Text, primary_key=True),
        Column("position", Integer, primary_key=True),
        Column("to_id", Text, nullable=False),
    )


def index_name(table: str) -> str:
    """A name for the index of a link table. It survives renames, so it must not be the next table's wish."""
    return f"syncline_ix_{digest(table)}"


_INSERTS: Mapping[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def upsert(table: Table, dialect: str, *, columns: tuple[str, ...] = ()) -> Any:
    """The statement that writes rows by key; `columns` names those written, all where it is empty."""
    insert = _INSERTS[dialect](table)
    keys = [column.name for column in table.primary_key]
    written = columns or tuple(column.name for column in table.columns)
    replaced = {name: insert.excluded[name] for name in written if name not in keys}
    if not replaced:
        return insert.on_conflict_do_nothing(index_elements=keys)
    return insert.on_conflict_do_update(index_elements=keys, set_=replaced)
