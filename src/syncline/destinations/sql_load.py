"""Applies one batch of changes to the tables of the SQL destination, in the running transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, delete, insert, select

from syncline.core.model import Change, Document, Kind, StoredRecord
from syncline.destinations import content
from syncline.destinations.sql_alter import columns_of, execute, relations
from syncline.destinations.sql_catalogue import bindings, forget, remember
from syncline.destinations.sql_rows import fill, parsed, remove, write
from syncline.destinations.sql_schema import Plan, dropped, planned
from syncline.destinations.sql_tables import blocks, comments, data_sources, databases, pages, upsert, users
from syncline.notion.blocks import Block, plain_text
from syncline.notion.markdown import render
from syncline.notion.richtext import text
from syncline.notion.values import moment, schema

__all__ = ["load"]


class _Held(NamedTuple):
    """What `pages` says of a page before the batch."""

    seq: int
    data_source_id: str | None


def load(conn: Connection, changes: Sequence[Change]) -> None:
    """Apply `changes`. One that is older than what is held is passed over."""
    latest: dict[Kind, dict[str, Change]] = {kind: {} for kind in Kind}
    for change in changes:
        latest[change.record.kind][change.record.key] = change
    for kind in (Kind.USER, Kind.COMMENT, Kind.DATABASE):
        _upsert_records(conn, kind, latest[kind])
    before = {
        key: _Held(seq, source)
        for key, seq, source in _held(conn, pages, latest[Kind.PAGE], pages.c.data_source_id)
    }
    newer = {
        key: change
        for key, change in latest[Kind.PAGE].items()
        if key not in before or before[key].seq <= change.record.seq
    }
    _upsert_pages(conn, newer)
    filled = _follow(conn, _upsert_records(conn, Kind.DATA_SOURCE, latest[Kind.DATA_SOURCE]))
    _write_rows(conn, newer, before, filled)


def _held(conn: Connection, table: Table, keys: Iterable[str], *columns: Any) -> list[Any]:
    return list(conn.execute(select(table.c.id, table.c.seq, *columns).where(table.c.id.in_(list(keys)))))


def _upsert_records(conn: Connection, kind: Kind, changes: Mapping[str, Change]) -> list[StoredRecord]:
    """Write records that are nothing but a row; answer those that were news."""
    if not changes:
        return []
    table, columns = _ROWS[kind]
    seqs = dict(_held(conn, table, changes))
    records = [change.record for key, change in changes.items() if seqs.get(key, 0) <= change.record.seq]
    rows = [_common(record) | columns(record) for record in records]
    if rows:
        conn.execute(upsert(table, conn.dialect.name, columns=tuple(rows[0])), rows)
    return records


def _upsert_pages(conn: Connection, changes: Mapping[str, Change]) -> None:
    if not changes:
        return
    rows: list[dict[str, Any]] = []
    block_rows: list[dict[str, Any]] = []
    for change in changes.values():
        live = change.document if change.record.deleted_at is None else None
        tree = content.blocks(live) if live else ()
        rows.append(_page(change.record, live, tree))
        block_rows.extend(_block_rows(change.record.key, tree))
    conn.execute(upsert(pages, conn.dialect.name), rows)
    conn.execute(delete(blocks).where(blocks.c.page_id.in_(list(changes))))
    if block_rows:
        conn.execute(insert(blocks), block_rows)


def _follow(conn: Connection, records: Sequence[StoredRecord]) -> set[str]:
    """Make typed tables follow their data sources; answer the ids of those whose rows are all written."""
    held = bindings(conn, [record.key for record in records])
    filled = set()
    for record in records:
        binding = held.get(record.key)
        if record.deleted_at is None:
            columns = columns_of(conn, binding.name) if binding else ()
            plan: Plan = planned(
                binding,
                record.key,
                title=record.title,
                schema=schema(record.data),
                tables=relations(conn),
                columns=columns,
            )
            execute(conn, plan.steps)
            remember(conn, plan.binding)
            if plan.refill:
                fill(conn, plan.binding)
                filled.add(record.key)
        elif binding is not None:
            execute(conn, dropped(binding))
            forget(conn, record.key)
    return filled


def _write_rows(
    conn: Connection, changes: Mapping[str, Change], before: Mapping[str, _Held], filled: set[str]
) -> None:
    arriving: dict[str, list[StoredRecord]] = {}
    leaving: dict[str, list[str]] = {}
    for key, change in changes.items():
        now, then = _table_of(change.record), before[key].data_source_id if key in before else None
        if now is not None and now not in filled:
            arriving.setdefault(now, []).append(change.record)
        if then is not None and (then != now):
            leaving.setdefault(then, []).append(key)
    tables = bindings(conn, arriving.keys() | leaving.keys())
    for source, keys in leaving.items():
        if source in tables:
            remove(conn, tables[source], keys)
    for source, records in arriving.items():
        if source in tables:
            write(conn, tables[source], [parsed(record.key, record.data) for record in records])


def _table_of(record: StoredRecord) -> str | None:
    return _source_of(record) if record.deleted_at is None else None


def _source_of(record: StoredRecord) -> str | None:
    """The data source a page is a row of."""
    return None if record.stream == "pages" else record.stream


def _common(record: StoredRecord) -> dict[str, Any]:
    return {
        "id": record.key,
        "seq": record.seq,
        "deleted_at": record.deleted_at,
        "deletion": record.deletion and str(record.deletion),
        "raw": record.data,
    }


def _page(record: StoredRecord, document: Document | None, tree: Sequence[Block]) -> dict[str, Any]:
    url = record.data.get("url")
    return _common(record) | {
        "title": record.title,
        "url": url,
        "parent_id": record.place,
        "data_source_id": _source_of(record),
        "created_at": _time(record.data.get("created_time")),
        "edited_at": record.edited_at,
        "content_state": document and str(document.state),
        "unread": ([content.reason(entry) for entry in document.unread] or None) if document else None,
        "markdown": document and _markdown(document, tree, url=str(url or "")),
    }


def _markdown(document: Document, tree: Sequence[Block], *, url: str) -> str:
    if document.markdown is not None:
        return document.markdown
    return render(tree, style="notion", page_url=url)


def _block_rows(page: str, tree: Sequence[Block]) -> Iterator[dict[str, Any]]:
    """The blocks of a page in reading order."""
    stack: list[tuple[Block, str, int]] = [(block, page, 0) for block in reversed(tree)]
    position = 0
    while stack:
        block, parent, depth = stack.pop()
        yield {
            "page_id": page,
            "position": position,
            "id": block.id,
            "parent_id": parent,
            "depth": depth,
            "type": block.type,
            "text": _block_text(block) or None,
            "raw": block.raw,
        }
        position += 1
        stack.extend((child, block.id, depth + 1) for child in reversed(block.children))


def _block_text(block: Block) -> str:
    """What a block says; for the marker of something that could not be read, why."""
    return str(block.data.get("reason") or "") if block.type == "unread" else plain_text(block.raw)


def _data_source(record: StoredRecord) -> dict[str, Any]:
    return _database(record) | {
        "created_at": _time(record.data.get("created_time")),
        "edited_at": record.edited_at,
    }


def _database(record: StoredRecord) -> dict[str, Any]:
    return {"title": record.title, "url": record.data.get("url"), "parent_id": record.place}


def _user(record: StoredRecord) -> dict[str, Any]:
    person = record.data.get("person")
    return {
        "name": record.data.get("name"),
        "type": record.data.get("type"),
        "email": person.get("email") if isinstance(person, Mapping) else None,
        "avatar_url": record.data.get("avatar_url"),
    }


def _comment(record: StoredRecord) -> dict[str, Any]:
    author = record.data.get("created_by")
    return {
        "parent_id": record.parent,
        "discussion_id": record.data.get("discussion_id"),
        "created_at": _time(record.data.get("created_time")),
        "created_by": author.get("id") if isinstance(author, Mapping) else None,
        "text": text(record.data.get("rich_text")),
    }


_ROWS: Mapping[Kind, tuple[Table, Callable[[StoredRecord], dict[str, Any]]]] = {
    Kind.USER: (users, _user),
    Kind.COMMENT: (comments, _comment),
    Kind.DATABASE: (databases, _database),
    Kind.DATA_SOURCE: (data_sources, _data_source),
}


def _time(iso: Any) -> datetime | None:
    parsed_time = moment(iso) if isinstance(iso, str) else None
    return parsed_time if isinstance(parsed_time, datetime) else None
